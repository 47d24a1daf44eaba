"""The desk's part of the server."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from cvq_core.jobs import Periodic
from cvq_core.mail import SEND_MAIL, send_mail
from cvq_core.web import services_of
from cvq_desk import booking
from cvq_desk.booths import socket as booth_socket
from cvq_desk.cards import routes as card_routes
from cvq_desk.carts import routes as cart_routes
from cvq_desk.dossiers import filing
from cvq_desk.dossiers import routes as dossier_routes
from cvq_desk.dossiers.service import MAKE_PDF
from cvq_desk.forms.catalogue import all_forms
from cvq_desk.mandates import routes as mandate_routes
from cvq_desk.quotients import routes as quotient_routes
from cvq_desk.reservations import routes as reservation_routes
from cvq_desk.visits import farewell
from cvq_desk.visits import routes as visit_routes
from cvq_desk.visits.watch import EVERY_S, VisitWatch


def setup_desk(app: web.Application) -> None:
    """Add the desk's routes, live topics and page messages to the application."""
    services = services_of(app)
    all_forms()  # a form that is wrong stops the start, not the first advisor who opens it
    rooms = (
        visit_routes,
        booth_socket,
        dossier_routes,
        farewell,
        cart_routes,
        mandate_routes,
        quotient_routes,
        reservation_routes,
        card_routes,
    )
    for room in rooms:
        room.routes.setup(app)
    services.topic_guards |= {
        "queue": visit_routes.guard_queue,
        "visit": visit_routes.guard_visit,
        "signals": visit_routes.guard_visit,
    }
    services.page_messages["signal"] = visit_routes.page_signal
    services.jobs.handlers[MAKE_PDF] = partial(filing.make_pdf, services)
    services.jobs.give_ups[MAKE_PDF] = partial(filing.give_up_pdf, services)
    services.jobs.handlers[SEND_MAIL] = partial(send_mail, services.settings)
    watch = VisitWatch(services.database, services.clock, services.settings)
    services.jobs.periodic.append(Periodic("watch-visits", EVERY_S, watch.look))
    booking.setup(app)

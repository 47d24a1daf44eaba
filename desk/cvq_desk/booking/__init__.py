"""Booking: who comes, to see whom, for what, when; and how the day at the town hall goes on."""

from aiohttp import web

from cvq_core.jobs import Periodic
from cvq_core.web import services_of
from cvq_desk.booking import routes
from cvq_desk.booking.alerts import watch_closing

__all__ = ["setup"]

WATCH_EVERY_S = 30.0


def setup(app: web.Application) -> None:
    """Add the routes, the town halls' live topic, and the watch over closing hours to the application."""
    services = services_of(app)
    routes.routes.setup(app)
    services.topic_guards["town_hall"] = routes.guard_town_hall
    watch = Periodic("watch-closing", WATCH_EVERY_S, lambda: watch_closing(services.database, services.clock()))
    services.jobs.periodic.append(watch)

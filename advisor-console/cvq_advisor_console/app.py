"""The server, composed: core, desk and console in one application."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from cvq_advisor_console import (
    access,
    acts,
    advances,
    books,
    cards,
    cash,
    debits,
    facilities,
    families,
    footfall,
    imports,
    inactive_values,
    invoices,
    journal,
    minutes,
    online,
    personnel,
    quotients,
    secretary,
    statements,
    tariffs,
    treasury,
    unclaimed,
    wallets,
    waste,
)
from cvq_advisor_console.console import paying
from cvq_advisor_console.console import routes as console_routes
from cvq_core.app import make_core
from cvq_core.clock import Clock
from cvq_core.errors import N_
from cvq_core.settings import Settings
from cvq_core.staff import Permission
from cvq_core.web import services_of
from cvq_desk.app import setup_desk

HERE = Path(__file__).parent


def make_app(settings: Settings, *, clock: Clock | None = None) -> web.Application:
    """Return the whole server."""
    app = make_core(settings, clock=clock)
    setup_desk(app)
    setup_console(app)
    return app


def setup_console(app: web.Application) -> None:
    """Add the pages."""
    services = services_of(app)
    services.templates.add_folder(HERE / "templates")
    services.templates.add_static("console", HERE / "static")
    services.navigation += [
        (Permission.SERVE, N_("Console"), "/console"),
        (Permission.BOOK, N_("Accueil"), "/mairie"),
        (Permission.RESERVE, N_("Réservations"), "/reservations"),
        (Permission.FAMILIES, N_("Familles"), "/familles"),
        (Permission.MANAGE_CARDS, N_("Cartes"), "/cartes"),
        (Permission.COLLECT, N_("Caisse"), "/caisse"),
        (Permission.COLLECT, N_("Comptes de service"), "/comptes-de-service"),
        (Permission.COLLECT, N_("Prélèvements"), "/prelevements"),
        (Permission.SEE_ACTS, N_("Régies"), "/regies"),
        (Permission.READ_BOOKS, N_("Livres"), "/livres"),
        (Permission.MANAGE_TARIFFS, N_("Tarifs"), "/tarifs"),
        (Permission.MANAGE_TARIFFS, N_("Quotients"), "/quotients"),
        (Permission.MANAGE_ACCESS, N_("Accès"), "/acces"),
        (Permission.SEE_SERVICE, N_("Fréquentation"), "/frequentation"),
        (Permission.SEE_SERVICE, N_("Jours sans compte"), "/jours-sans-compte"),
        (Permission.DECIDE_IMPORTS, N_("Reprises"), "/reprises"),
        (Permission.ADMINISTER, N_("Personnel"), "/personnel"),
        (Permission.AUDIT, N_("Journal"), "/journal"),
    ]
    if services.settings.payfip_client is not None:
        services.navigation.append((Permission.COLLECT, N_("En ligne"), "/en-ligne"))
    app.router.add_static("/static/console/", HERE / "static")
    console_routes.routes.setup(app)
    paying.routes.setup(app)
    secretary.setup(app)
    cards.setup(app)
    cash.setup(app)
    advances.setup(app)
    access.setup(app)
    acts.setup(app)
    inactive_values.setup(app)
    minutes.setup(app)
    books.setup(app)
    tariffs.setup(app)
    quotients.setup(app)
    journal.setup(app)
    online.setup(app)
    personnel.setup(app)
    statements.setup(app)
    unclaimed.setup(app)
    footfall.setup(app)
    wallets.setup(app)
    waste.setup(app)
    debits.setup(app)
    invoices.setup(app)
    treasury.setup(app)
    families.setup(app)
    facilities.setup(app)
    imports.setup(app)

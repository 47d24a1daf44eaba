"""The cash officer's page of what was paid online and is still to be reconciled with the bank."""

from aiohttp import web

from cvq_advisor_console.online import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page and what it can ask for."""
    routes.routes.setup(app)

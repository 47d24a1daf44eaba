"""The sub-office's page: open a drawer, collect, give the receipt, count and close."""

from aiohttp import web

from cvq_advisor_console.cash import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page and what it can ask for."""
    routes.routes.setup(app)

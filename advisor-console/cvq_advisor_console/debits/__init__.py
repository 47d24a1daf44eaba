"""The cash officer's pages of direct debit: the next collection, its files, what comes back, the mandates."""

from aiohttp import web

from cvq_advisor_console.debits import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages and what their forms ask for."""
    routes.routes.setup(app)

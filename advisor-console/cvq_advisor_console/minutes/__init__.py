"""The pages of minutes: handover, on-the-spot audit, destruction of values."""

from aiohttp import web

from cvq_advisor_console.minutes import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages and what they can ask for."""
    routes.routes.setup(app)

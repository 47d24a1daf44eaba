"""The service manager's tariffs: what holds today, what is proposed, what it would change, and its adoption."""

from aiohttp import web

from cvq_advisor_console.tariffs import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages."""
    routes.routes.setup(app)

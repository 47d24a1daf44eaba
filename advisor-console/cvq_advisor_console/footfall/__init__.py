"""How many passed, when and why not: the page of those who manage a service."""

from aiohttp import web

from cvq_advisor_console.footfall import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page."""
    routes.routes.setup(app)

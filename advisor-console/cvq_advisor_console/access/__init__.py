"""Doors, gates and tablets: who passes, why not, and what is to be settled."""

from aiohttp import web

from cvq_advisor_console.access import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages."""
    routes.routes.setup(app)

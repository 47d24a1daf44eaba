"""Doors, gates and tablets: who passes, why not, and what is to be settled."""

from aiohttp import web

from cvq_advisor_console.access import rights, routes, settings

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages."""
    for room in (routes, settings, rights):
        room.routes.setup(app)

"""Employers' staff lists: when each was read, whose doors closed, and who was not found."""

from aiohttp import web

from cvq_advisor_console.personnel import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page."""
    routes.routes.setup(app)

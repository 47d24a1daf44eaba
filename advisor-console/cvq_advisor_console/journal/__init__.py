"""Who looked at what: the auditor's page, and its file."""

from aiohttp import web

from cvq_advisor_console.journal import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page."""
    routes.routes.setup(app)

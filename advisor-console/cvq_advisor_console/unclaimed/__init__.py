"""What was served on days that are no account's: the page of those who manage a service."""

from aiohttp import web

from cvq_advisor_console.unclaimed import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page."""
    routes.routes.setup(app)

"""The waste centres, as their manager sees them: visits too many, what came late, and whose vehicle is whose."""

from aiohttp import web

from cvq_advisor_console.waste import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page."""
    routes.routes.setup(app)

"""The cash officer's pages of the advance: pay, take back, state, receive."""

from aiohttp import web

from cvq_advisor_console.advances import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages and what they can ask for."""
    routes.routes.setup(app)

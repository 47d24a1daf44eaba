"""The pages of inactive values: the stock, what moves, what is sold, what is counted."""

from aiohttp import web

from cvq_advisor_console.inactive_values import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages and what they can ask for."""
    routes.routes.setup(app)

"""The pages of imports: their overview, doubtful pairs to decide, opening balances to take over."""

from aiohttp import web

from cvq_advisor_console.imports import openings, routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages."""
    routes.routes.setup(app)
    openings.routes.setup(app)

"""The pages of cards: one that is looked for, its life, and those that are made."""

from aiohttp import web

from cvq_advisor_console.cards import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages and what they can ask for."""
    routes.routes.setup(app)

"""The pages of the books: for the officer, for a place's mandatary, and for the auditor."""

from aiohttp import web

from cvq_advisor_console.books import routes
from cvq_core.books.editions import TOPIC
from cvq_core.web import services_of

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages, and who may be told of editions."""
    routes.routes.setup(app)
    services_of(app).topic_guards[TOPIC] = routes.guard_books

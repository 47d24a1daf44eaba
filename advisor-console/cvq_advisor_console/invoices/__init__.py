"""Invoices on paper: one at a time for families, at a counter and in a visit; a whole month for the officer."""

from aiohttp import web

from cvq_advisor_console.invoices import routes
from cvq_core.invoice_papers.runs import TOPIC
from cvq_core.web import services_of

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages, and who may be told of printings."""
    routes.routes.setup(app)
    services_of(app).topic_guards[TOPIC] = routes.guard_runs

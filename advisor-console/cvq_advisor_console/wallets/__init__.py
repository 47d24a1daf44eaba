"""A family's wallets and direct debit on a page: for an advisor in a visit, and at a counter."""

from aiohttp import web

from cvq_advisor_console.wallets import counter, visit

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages and what their forms ask for."""
    visit.routes.setup(app)
    counter.routes.setup(app)

"""The sub-office's page: open a drawer, collect, give the receipt, count and close, pay over."""

from aiohttp import web

from cvq_advisor_console.cash import collecting, receipts, remitting, routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page and what it can ask for."""
    for room in (routes, collecting, receipts, remitting):
        room.routes.setup(app)

"""The officer's page of the account at the Treasury."""

from aiohttp import web

from cvq_advisor_console.treasury import cheques, statement, unpaid

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page and what it can ask for."""
    cheques.routes.setup(app)
    statement.routes.setup(app)
    unpaid.routes.setup(app)

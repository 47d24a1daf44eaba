"""A family's statement in the console, and what an advisor records of its shared children: under consent."""

from aiohttp import web

from cvq_advisor_console.statements import custody, routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages."""
    routes.routes.setup(app)
    custody.routes.setup(app)

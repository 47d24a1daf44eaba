"""Founding acts and appointments: read by whoever collects, copied in from the signed orders by an administrator."""

from aiohttp import web

from cvq_advisor_console.acts import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages."""
    routes.routes.setup(app)

"""The secretary's page: who comes, for which organisation, for what and when; today's list, and the booth's health."""

from aiohttp import web

from cvq_advisor_console.secretary import routes

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the page, its regions and what it can ask for."""
    routes.routes.setup(app)

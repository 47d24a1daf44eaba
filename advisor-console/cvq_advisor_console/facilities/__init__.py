"""The pages of reservations: a week of a court or a hall, one reservation, and what its manager sets."""

from aiohttp import web

from cvq_advisor_console.facilities import manage, places, routes, visit


def setup(app: web.Application) -> None:
    """Add the pages to the application."""
    routes.routes.setup(app)
    places.routes.setup(app)
    manage.routes.setup(app)
    visit.routes.setup(app)

"""Family quotients for everybody: a round for all families, and those whose certificate is to be asked for."""

from aiohttp import web

from cvq_advisor_console.quotients import routes
from cvq_core.particulier.rounds import TOPIC
from cvq_core.web import services_of

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages, and who may watch a round."""
    routes.routes.setup(app)
    services_of(app).topic_guards[TOPIC] = routes.guard_round

"""The secretary's families: search, file, people who come and go, shared children, quotients, mergers, closures."""

from aiohttp import web

from cvq_advisor_console.families import (
    child,
    closing,
    contacts,
    custody_forms,
    entities,
    members,
    merging,
    quotients,
    routes,
)

__all__ = ["setup"]


def setup(app: web.Application) -> None:
    """Add the pages."""
    for room in (entities, routes, members, contacts, closing, child, custody_forms, merging, quotients):
        room.routes.setup(app)

"""Whose services and points a manager sees."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from cvq_core.access.manage import point_by_id
from cvq_core.access.tables import AccessPoint
from cvq_core.errors import NotFound
from cvq_core.services.tables import Service
from cvq_core.staff import Permission, Scope
from cvq_core.web import Context

MANAGE = Permission.MANAGE_ACCESS


async def managed_services(context: Context, *, with_points: bool = True) -> Sequence[Service]:
    """Return the services that whoever asks manages, those with access points alone unless told otherwise."""
    wanted = select(Service).order_by(Service.position)
    if with_points:
        wanted = wanted.where(Service.code.in_(select(AccessPoint.service_code).distinct()))
    rows = await context.db.scalars(wanted)
    return [each for each in rows if context.principal.may(MANAGE, Scope("service", each.id))]


async def chosen_service(context: Context, asked: str, *, with_points: bool = True) -> Service:
    """Return the service that an address names; the first one where it names none.

    Raises:
        NotFound: it is not theirs, or there is none.
    """
    services = await managed_services(context, with_points=with_points)
    found = next((each for each in services if each.code == asked or not asked), None)
    if found is None:
        raise NotFound
    return found


async def own_point(context: Context) -> AccessPoint:
    """Return the point that an address names.

    Raises:
        UnknownPoint, OutOfScope
    """
    found = await point_by_id(context.db, context.path_id())
    service = await context.db.get_one(Service, found.service_code)
    context.require(MANAGE, Scope("service", service.id))
    return found

"""A new place to reserve, and the doors that a reservation opens: set by whoever manages its service."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, field_validator
from sqlalchemy import select

from cvq_advisor_console.facilities.week import URL
from cvq_advisor_console.views.books import Choice
from cvq_advisor_console.views.facilities import NewPlacePage
from cvq_core.access.tables import AccessPoint
from cvq_core.bank_table import plain
from cvq_core.facilities.manage import POINTS_MAX, NewFacility, add_facility, set_doors
from cvq_core.facilities.routes import doing_of, require_doors, require_manager, service_scope
from cvq_core.facilities.store import facility_by_id, points_of
from cvq_core.facilities.tables import Facility
from cvq_core.facilities.terms import BookerKind, BookerRule, Opening, Terms
from cvq_core.ids import new_id
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff import Permission, Scope
from cvq_core.web import Context, Routes
from cvq_core.web.views import Act

routes = Routes(URL, tag="pages")
EVERY_DAY = 0b1111111
FIRST_TERMS = Terms(
    openings=(Opening(EVERY_DAY, time(8), time(22)),),
    # Nobody of the public reserves before its manager has written who may.
    rules=(BookerRule(BookerKind.PUBLIC_BODY),),
    slot_minutes=60,
)


class PlaceForm(BaseModel):
    """A place to be made; `id` is made with the form."""

    id: UUID
    terms_id: UUID
    service: ServiceCode
    label: str = Field(min_length=1, max_length=120)
    site: str = Field(min_length=1, max_length=120)
    address: str = Field(default="", max_length=200)


class DoorsForm(BaseModel):
    """The doors that are ticked."""

    portes: list[UUID] = Field(default_factory=list, max_length=POINTS_MAX)

    @field_validator("portes", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


@routes.get("/nouveau-lieu", access=Permission.MANAGE_FACILITIES)
async def new_place(context: Context) -> web.Response:
    """Ask what the place is, and of which service."""
    rows = await context.db.scalars(select(Service).order_by(Service.position))
    own = [each for each in rows if context.principal.may(Permission.MANAGE_FACILITIES, Scope("service", each.id))]
    view = NewPlacePage(
        url=f"{URL}/nouveau-lieu",
        back_url=URL,
        id=str(new_id()),
        terms_id=str(new_id()),
        services=tuple(Choice(each.code, context._(each.label)) for each in own),
    )
    return context.page("facility_new.html", view=view)


@routes.post("/nouveau-lieu", access=Permission.MANAGE_FACILITIES, body=PlaceForm, form=True)
async def make_place(context: Context, form: PlaceForm) -> web.Response:
    """Make the place, and go on to its rules and doors."""
    context.require(Permission.MANAGE_FACILITIES, await service_scope(context, form.service))
    code = "-".join(plain(form.label).split())[:50] or "lieu"
    taken = await context.db.scalar(select(Facility.id).where(Facility.code == code, Facility.id != form.id))
    if taken is not None:
        code = f"{code}-{form.id.hex[-6:]}"
    asked = NewFacility(form.id, code, form.label, form.service, form.site, form.address, ())
    facility = await add_facility(doing_of(context), asked, form.terms_id, FIRST_TERMS)
    return context.redirect(f"{URL}/{facility.id}/reglages")


@routes.post("/{id}/portes", access=Permission.MANAGE_FACILITIES, body=DoorsForm, form=True)
async def write_doors(context: Context, form: DoorsForm) -> web.Response:
    """Say which doors a reservation opens; what is reserved already opens these too."""
    facility = await facility_by_id(context.db, context.path_id())
    await require_manager(context, facility)
    await require_doors(context, form.portes, facility.id)
    await set_doors(doing_of(context), facility.id, set(form.portes))
    return context.redirect(f"{URL}/{facility.id}/reglages")


async def door_choices(context: Context, facility: Facility) -> tuple[Choice, ...]:
    """Return the doors that may be chosen for a facility: those whose access one manages, and those that it opens."""
    opened = {point.id for point in await points_of(context.db, facility.id)}
    services = {row.code: row.id for row in await context.db.execute(select(Service.code, Service.id))}
    rows = await context.db.scalars(
        select(AccessPoint).order_by(AccessPoint.site, AccessPoint.label, AccessPoint.id).limit(500)
    )
    return tuple(
        Choice(str(point.id), f"{point.site}, {point.label}", point.id in opened)
        for point in rows
        if point.id in opened
        or context.principal.may(Permission.MANAGE_ACCESS, Scope("service", services[point.service_code]))
    )


def doors_act(facility: Facility) -> Act:
    """Return where the doors are sent."""
    return Act(f"{URL}/{facility.id}/portes")

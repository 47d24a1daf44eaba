"""Founding acts and appointments over HTTP: who collects reads them, an administrator copies the orders in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from cvq_core.acts.changes import (
    appoint_by_order,
    end_appointment,
    set_collects,
    set_office_limits,
    set_place_limits,
)
from cvq_core.acts.rules import ORDER_LENGTH_MAX, ActChangeKind, Collects, OfficeLimits, Order, Period, PlaceLimits
from cvq_core.acts.store import (
    appointments_of,
    changes_of,
    collects_on,
    limits_of,
    office_by_id,
    offices,
    place_limits_of,
    places_of,
    planned_days,
)
from cvq_core.acts.tables import ActChange
from cvq_core.clock import local_day
from cvq_core.offices.ceiling_rules import CeilingPart
from cvq_core.offices.routes import officer_of
from cvq_core.offices.rules import MandateTitle, Means
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="founding acts")


class OrderBody(BaseModel):
    """A change, with the order that decided it; `id` is made by who asks, and makes a repetition harmless."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    order: str = Field(min_length=1, max_length=ORDER_LENGTH_MAX, description="number or title of the signed order")
    signed_on: date

    def as_order(self) -> Order:
        """Return the order."""
        return Order(self.order, self.signed_on)


class CollectsBody(OrderBody):
    """All that a place may collect, and how, from a day on."""

    holds_from: date
    services: list[ServiceCode] = Field(max_length=len(ServiceCode))
    means: list[Means] = Field(max_length=len(Means))
    voucher_services: dict[Means, list[ServiceCode]] = Field(default_factory=dict, max_length=len(Means))

    def wanted(self) -> Collects:
        """Return what the place is to collect."""
        pays_for = {means: frozenset(codes) for means, codes in self.voucher_services.items()}
        return Collects(frozenset(self.services), frozenset(self.means), pays_for)


class OfficeLimitsBody(OrderBody):
    """An office's limits, in cents; no ceiling is null."""

    cash_payment_max_cents: StrictInt
    top_up_max_cents: StrictInt
    ceiling_cents: StrictInt | None
    ceiling_refuses: StrictBool
    ceiling_counts: list[CeilingPart] = Field(max_length=len(CeilingPart))
    remit_every_days: StrictInt

    def limits(self) -> OfficeLimits:
        """Return the limits, what the ceiling counts in its own order."""
        return OfficeLimits(
            cash_payment_max_cents=self.cash_payment_max_cents,
            top_up_max_cents=self.top_up_max_cents,
            ceiling_cents=self.ceiling_cents,
            ceiling_refuses=self.ceiling_refuses,
            ceiling_counts=tuple(part.value for part in CeilingPart if part in self.ceiling_counts),
            remit_every_days=self.remit_every_days,
        )


class PlaceLimitsBody(OrderBody):
    """A place's float and ceiling, in cents; no ceiling is null."""

    float_cents: StrictInt
    ceiling_cents: StrictInt | None
    ceiling_refuses: StrictBool

    def limits(self) -> PlaceLimits:
        """Return the limits."""
        return PlaceLimits(self.float_cents, self.ceiling_cents, self.ceiling_refuses)


class AppointBody(OrderBody):
    """Somebody to appoint, by the login; `id` becomes the appointment's."""

    login: str = Field(min_length=1, max_length=80)
    title: MandateTitle
    valid_from: date
    valid_until: date | None = None


class EndBody(OrderBody):
    """The last day of an appointment."""

    last_day: date


class OfficeOut(BaseModel):
    """A cash office."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    code: str
    label: str
    founding_act: str


class OfficesOut(BaseModel):
    """Every cash office."""

    offices: list[OfficeOut]


class OfficeLimitsOut(BaseModel):
    """An office's limits, in cents."""

    model_config = ConfigDict(from_attributes=True)

    cash_payment_max_cents: int
    top_up_max_cents: int
    ceiling_cents: int | None
    ceiling_refuses: bool
    ceiling_counts: list[str]
    remit_every_days: int


class PlaceOut(BaseModel):
    """A place with what it may collect today; `planned` has the days on which that changes."""

    id: UUID
    code: str
    label: str
    is_main: bool
    opened_on: date
    closed_on: date | None
    services: list[ServiceCode]
    means: list[Means]
    voucher_services: dict[Means, list[ServiceCode]]
    float_cents: int
    ceiling_cents: int | None
    ceiling_refuses: bool
    planned: list[date]


class AppointmentOut(BaseModel):
    """Somebody's appointment to a place, from a day to another, both included."""

    id: UUID
    name: str
    sub_office_id: UUID
    title: MandateTitle
    valid_from: date
    valid_until: date | None


class ChangeOut(BaseModel):
    """A change, by whose order, and who wrote it down."""

    id: UUID
    sub_office_id: UUID | None
    kind: ActChangeKind
    holds_from: date
    order: str
    signed_on: date
    before: dict[str, Any]
    after: dict[str, Any]
    written_by: str
    changed_at: datetime


class ActOut(OfficeOut):
    """An office's act as it stands today, with everybody who was appointed and every change."""

    limits: OfficeLimitsOut
    places: list[PlaceOut]
    appointments: list[AppointmentOut]
    changes: list[ChangeOut]


class ChangedOut(BaseModel):
    """A change that was written down."""

    id: UUID
    kind: ActChangeKind
    holds_from: date


@routes.get("/cash-offices", access=Permission.SEE_ACTS, answer=OfficesOut)
async def all_offices(context: Context) -> OfficesOut:
    """List the cash offices."""
    return OfficesOut(offices=[OfficeOut.model_validate(each) for each in await offices(context.db)])


@routes.get("/cash-offices/{id}", access=Permission.SEE_ACTS, answer=ActOut)
async def one_office(context: Context) -> ActOut:
    """Show an office's founding act as it stands today."""
    db, today = context.db, local_day(context.now)
    office = await office_by_id(db, context.path_id())
    places = []
    for place in await places_of(db, office.id):
        collects = await collects_on(db, place, today)
        places.append(
            PlaceOut(
                id=place.id,
                code=place.code,
                label=place.label,
                is_main=place.is_main,
                opened_on=place.opened_on,
                closed_on=place.closed_on,
                services=[each for each in ServiceCode if each in collects.services],
                means=[each for each in Means if each in collects.means],
                voucher_services={
                    means: [each for each in ServiceCode if each in codes]
                    for means, codes in sorted(collects.voucher_services.items())
                },
                **_place_limits(place_limits_of(place)),
                planned=await planned_days(db, place.id, today),
            )
        )
    return ActOut(
        **OfficeOut.model_validate(office).model_dump(),
        limits=OfficeLimitsOut.model_validate(limits_of(office)),
        places=places,
        appointments=[
            AppointmentOut(
                id=each.id,
                name=each.name,
                sub_office_id=each.sub_office_id,
                title=each.appointment.title,
                valid_from=each.appointment.valid_from,
                valid_until=each.appointment.valid_until,
            )
            for each in await appointments_of(db, office.id)
        ],
        changes=[_change_out(change, name) for change, name in await changes_of(db, office.id)],
    )


@routes.post("/sub-offices/{id}/act", access=Permission.ADMINISTER, body=CollectsBody, answer=ChangedOut, status=201)
async def change_what_it_collects(context: Context, body: CollectsBody) -> ChangedOut:
    """Say what a place may collect, and how, from a day on."""
    change = await set_collects(
        context.db,
        body.id,
        place_id=context.path_id(),
        wanted=body.wanted(),
        holds_from=body.holds_from,
        order=body.as_order(),
        by=officer_of(context),
        now=context.now,
    )
    return await noted(context, change)


@routes.post(
    "/cash-offices/{id}/limits", access=Permission.ADMINISTER, body=OfficeLimitsBody, answer=ChangedOut, status=201
)
async def change_office_limits(context: Context, body: OfficeLimitsBody) -> ChangedOut:
    """Set an office's limits."""
    change = await set_office_limits(
        context.db,
        body.id,
        office_id=context.path_id(),
        limits=body.limits(),
        order=body.as_order(),
        by=officer_of(context),
        now=context.now,
    )
    return await noted(context, change)


@routes.post(
    "/sub-offices/{id}/limits", access=Permission.ADMINISTER, body=PlaceLimitsBody, answer=ChangedOut, status=201
)
async def change_place_limits(context: Context, body: PlaceLimitsBody) -> ChangedOut:
    """Set a place's float and ceiling."""
    change = await set_place_limits(
        context.db,
        body.id,
        place_id=context.path_id(),
        limits=body.limits(),
        order=body.as_order(),
        by=officer_of(context),
        now=context.now,
    )
    return await noted(context, change)


@routes.post(
    "/sub-offices/{id}/appointments", access=Permission.ADMINISTER, body=AppointBody, answer=ChangedOut, status=201
)
async def appoint_somebody(context: Context, body: AppointBody) -> ChangedOut:
    """Appoint somebody to a place."""
    change = await appoint_by_order(
        context.db,
        body.id,
        place_id=context.path_id(),
        login=body.login,
        title=body.title,
        period=Period(body.valid_from, body.valid_until),
        order=body.as_order(),
        by=officer_of(context),
        now=context.now,
    )
    return await noted(context, change)


@routes.post("/cash-appointments/{id}/end", access=Permission.ADMINISTER, body=EndBody, answer=ChangedOut, status=201)
async def end_somebody(context: Context, body: EndBody) -> ChangedOut:
    """End an appointment on a day, that day included."""
    change = await end_appointment(
        context.db,
        body.id,
        mandate_id=context.path_id(),
        last_day=body.last_day,
        order=body.as_order(),
        by=officer_of(context),
        now=context.now,
    )
    return await noted(context, change)


async def noted(context: Context, change: ActChange) -> ChangedOut:
    """Write a change into the journal, once, and return it."""
    action = f"act-{change.kind.value.replace('_', '-')}"
    await context.journal_once(action, change.id, subject=("act_change", change.id))
    return ChangedOut(id=change.id, kind=change.kind, holds_from=change.holds_from)


def _place_limits(limits: PlaceLimits) -> dict[str, Any]:
    return {
        "float_cents": limits.float_cents,
        "ceiling_cents": limits.ceiling_cents,
        "ceiling_refuses": limits.ceiling_refuses,
    }


def _change_out(change: ActChange, name: str) -> ChangeOut:
    return ChangeOut(
        id=change.id,
        sub_office_id=change.sub_office_id,
        kind=change.kind,
        holds_from=change.holds_from,
        order=change.order_reference,
        signed_on=change.order_signed_on,
        before=change.before,
        after=change.after,
        written_by=name,
        changed_at=change.changed_at,
    )

"""What advisors' pages ask about reservations in a visit."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from cvq_core.facilities.bodies import (
    DaysOut,
    FacilitiesOut,
    ReservationOut,
    ReservationsOut,
    SpanBody,
    days_out,
    facility_out,
)
from cvq_core.facilities.calendar import days_of
from cvq_core.facilities.routes import asked_days
from cvq_core.facilities.store import all_facilities, facility_by_id, reservation_by_id
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.reservations.service import (
    accept_in_visit,
    cancel_in_visit,
    opened_for_reserving,
    reserve_in_visit,
    theirs,
)
from cvq_desk.visits.routes import act_of

routes = Routes("/api/v1/visits/{id}", tag="facilities")


class VisitWishBody(BaseModel):
    """A time that the resident asks for; `id` is made by who asks, and makes it one wish. `wait`: the waiting list."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    facility_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    wait: bool = False


@routes.get("/facilities", access=Permission.SERVE, answer=FacilitiesOut)
async def facilities_in_visit(context: Context) -> FacilitiesOut:
    """List what can be reserved for the resident, once they have agreed to it."""
    await opened_for_reserving(act_of(context), context.path_id())
    return FacilitiesOut(items=[facility_out(each) for each in await all_facilities(context.db)])


@routes.get("/facilities/{facility_id}/days", access=Permission.SERVE, answer=DaysOut)
async def facility_days_in_visit(context: Context) -> DaysOut:
    """Show some days of a facility (`from`, `days`): what is free; nobody is named."""
    await opened_for_reserving(act_of(context), context.path_id())
    facility = await facility_by_id(context.db, context.path_id("facility_id"))
    first, days = asked_days(context)
    return days_out(await days_of(context.db, facility.id, first, days, now=context.now))


@routes.get("/reservations", access=Permission.SERVE, answer=ReservationsOut)
async def reservations_in_visit(context: Context) -> ReservationsOut:
    """Show the reservations to come of the account that is open."""
    opened = await opened_for_reserving(act_of(context), context.path_id())
    return ReservationsOut(items=[ReservationOut.of(held) for held in await theirs(opened)])


@routes.post("/reservations", access=Permission.SERVE, body=VisitWishBody, answer=ReservationOut, status=201, form=True)
async def make_reservation_in_visit(context: Context, body: VisitWishBody) -> ReservationOut:
    """Reserve a time for the resident, paid by the account that is open."""
    opened = await opened_for_reserving(act_of(context), context.path_id())
    span = SpanBody(starts_at=body.starts_at, ends_at=body.ends_at).span()
    made = await reserve_in_visit(opened, key=body.id, facility_id=body.facility_id, span=span, queue=body.wait)
    return await _out(context, made.id)


@routes.post("/reservations/{reservation_id}/cancel", access=Permission.SERVE, answer=ReservationOut)
async def cancel_reservation_in_visit(context: Context) -> ReservationOut:
    """Cancel a reservation of the account that is open."""
    opened = await opened_for_reserving(act_of(context), context.path_id())
    made = await cancel_in_visit(opened, context.path_id("reservation_id"))
    return await _out(context, made.id)


@routes.post("/reservations/{reservation_id}/accept", access=Permission.SERVE, answer=ReservationOut)
async def accept_reservation_in_visit(context: Context) -> ReservationOut:
    """Take a time that the resident was offered."""
    opened = await opened_for_reserving(act_of(context), context.path_id())
    made = await accept_in_visit(opened, context.path_id("reservation_id"))
    return await _out(context, made.id)


async def _out(context: Context, reservation_id: UUID) -> ReservationOut:
    return ReservationOut.of(await reservation_by_id(context.db, reservation_id))

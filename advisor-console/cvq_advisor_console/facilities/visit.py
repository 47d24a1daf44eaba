"""Reservations in a visit: those of the resident, the next free slots, and a form for halls."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from cvq_advisor_console.console.desk import Desk
from cvq_advisor_console.facilities.words import STATE_WORDS, TONES, span_words
from cvq_advisor_console.views.money import PlaceOption, ReservedLine, ReservingView, SlotButton, SlotsView
from cvq_core.clock import local_day
from cvq_core.facilities.calendar import days_of
from cvq_core.facilities.refusals import UnknownFacility
from cvq_core.facilities.rules import ReservationState, civil_span
from cvq_core.facilities.store import Held, all_facilities, terms_on
from cvq_core.facilities.tables import Facility
from cvq_core.ids import new_id
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.views import Act
from cvq_desk.reservations.service import opened_for_reserving, reserve_in_visit, theirs
from cvq_desk.visits.routes import act_of

routes = Routes("/console", tag="pages")

DAYS_SHOWN = 7
SLOTS_SHOWN = 12


class HoursForm(BaseModel):
    """A hall for some hours of a day."""

    id: UUID
    facility_id: UUID
    jour: date
    de: time
    a: time


async def reserving_view(desk: Desk) -> ReservingView:
    """Return what the consent for reservations opens."""
    context = desk.context
    opened = await opened_for_reserving(act_of(context), desk.visit.id)
    places: list[SlotsView] = []
    halls: list[PlaceOption] = []
    for facility in await all_facilities(context.db):
        try:
            terms = (await terms_on(context.db, facility.id, local_day(context.now))).terms
        except UnknownFacility:
            continue
        name = f"{facility.label}, {facility.site}"
        if terms.slot_minutes is None:
            halls.append(PlaceOption(str(facility.id), name))
        else:
            places.append(SlotsView(name, await _free_slots(context, facility)))
    return ReservingView(
        lines=tuple(_line(desk, held) for held in await theirs(opened)),
        reserve=desk.act("reservations"),
        places=tuple(places),
        halls=tuple(halls),
        hours=Act(f"/console/{desk.visit.id}/reserver"),
        id=str(new_id()),
        today=local_day(context.now),
    )


@routes.post("/{id}/reserver", access=Permission.SERVE, body=HoursForm, form=True)
async def reserve_hours(context: Context, form: HoursForm) -> web.Response:
    """Reserve a hall for some hours, for whoever sits at the booth."""
    opened = await opened_for_reserving(act_of(context), context.path_id())
    span = civil_span(form.jour, form.de, form.a)
    await reserve_in_visit(opened, key=form.id, facility_id=form.facility_id, span=span)
    return context.redirect(f"/console/{context.path_id()}")


def _line(desk: Desk, held: Held) -> ReservedLine:
    made = held.reservation
    when = span_words(held.span, desk.say, desk.context.language)
    base = f"reservations/{made.id}"
    return ReservedLine(
        f"{held.facility.label}, {when}",
        desk.say(STATE_WORDS[made.state]),
        TONES.get(made.state, "off"),
        desk.act(f"{base}/cancel"),
        desk.act(f"{base}/accept") if made.state is ReservationState.OFFERED else None,
    )


async def _free_slots(context: Context, facility: Facility) -> tuple[SlotButton, ...]:
    days = await days_of(context.db, facility.id, local_day(context.now), DAYS_SHOWN, now=context.now)
    free = [slot.span for day in days for slot in day.slots if slot.free][:SLOTS_SHOWN]
    return tuple(
        SlotButton(
            span_words(span, context._, context.language),
            {
                "id": str(new_id()),
                "facility_id": str(facility.id),
                "starts_at": _written(span.starts_at),
                "ends_at": _written(span.ends_at),
            },
        )
        for span in free
    )


def _written(instant: datetime) -> str:
    return instant.isoformat()

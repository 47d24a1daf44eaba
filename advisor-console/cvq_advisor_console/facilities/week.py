"""A week of a facility, as its page shows it: free times lead to reserving them, taken ones to who has them."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from cvq_advisor_console.facilities.words import STATE_WORDS
from cvq_advisor_console.views.facilities import CellView, DayView, WaitingRow, WeekRow, WeekView
from cvq_core.clock import local, local_day
from cvq_core.errors import N_
from cvq_core.facilities.calendar import Day, days_of
from cvq_core.facilities.rules import ReservationState, Slot, Span
from cvq_core.facilities.store import Held, reservations_between
from cvq_core.facilities.tables import Facility
from cvq_core.facilities.terms import DAYS_AHEAD_MAX
from cvq_core.people.names import listed_name
from cvq_core.text import hour
from cvq_core.web import Context
from cvq_core.web.views import Region

URL = "/reservations"
DAYS = 7


def monday_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def week_url(facility: Facility, monday: date) -> str:
    """Return the address of a week of a facility."""
    return f"{URL}?" + urlencode({"lieu": facility.id, "semaine": monday.isoformat()})


def new_url(facility: Facility, span: Span) -> str:
    """Return the address at which a time is reserved."""
    asked = {"debut": span.starts_at.isoformat(), "fin": span.ends_at.isoformat()}
    return f"{URL}/{facility.id}/nouvelle?" + urlencode(asked)


def name_of(held: Held) -> str:
    """Return who has a reservation, as lists say it."""
    return listed_name(held.person.family_name, held.person.usual_name, held.person.given_names)


async def week_view(context: Context, facility: Facility, monday: date) -> WeekView:
    """Return a week of a facility from a Monday on."""
    days = await days_of(context.db, facility.id, monday, DAYS, now=context.now)
    columns = tuple(_column(context, facility, day) for day in days)
    has_slots = any(day.terms is not None and day.terms.slot_minutes is not None for day in days)
    whole = Span(context.now, context.now + timedelta(days=DAYS_AHEAD_MAX + 1))
    waiting = await reservations_between(
        context.db, facility.id, whole, (ReservationState.WAITING, ReservationState.OFFERED)
    )
    query = urlencode({"lieu": facility.id, "semaine": monday.isoformat()})
    return WeekView(
        Region(f"{URL}/fragments/semaine?{query}", (f"facility:{facility.id}",)),
        facility.label,
        ", ".join(filter(None, (facility.site, facility.address))),
        columns,
        _rows(columns) if has_slots else (),
        week_url(facility, monday - timedelta(days=DAYS)),
        week_url(facility, monday + timedelta(days=DAYS)),
        week_url(facility, monday_of(local_day(context.now))),
        tuple(
            WaitingRow(
                held.reservation.starts_at,
                name_of(held),
                context._(STATE_WORDS[held.reservation.state]),
                f"{URL}/fiche/{held.reservation.id}",
            )
            for held in waiting
        ),
    )


def _column(context: Context, facility: Facility, day: Day) -> DayView:
    if day.terms is None:
        return DayView(day.day, ())
    if day.slots:
        cells = tuple(_slot_cell(context, facility, slot, day) for slot in day.slots)
        return DayView(day.day, cells)
    taken = [_taken_cell(context, held) for held in day.held]
    shut = [CellView(each.span.starts_at, each.span.ends_at, "shut", each.reason) for each in day.shut]
    hours = ", ".join(
        f"{hour(span.starts_at, context.language)} – {hour(span.ends_at, context.language)}" for span in day.open
    )
    is_open = bool(day.open) and day.day >= local_day(context.now)
    return DayView(
        day.day,
        tuple(sorted([*taken, *shut], key=lambda cell: cell.starts_at)),
        hours or context._(N_("fermé")),
        f"{URL}/{facility.id}/nouvelle?jour={day.day.isoformat()}" if is_open else "",
    )


def _slot_cell(context: Context, facility: Facility, slot: Slot, day: Day) -> CellView:
    span = slot.span
    held = next((each for each in day.held if each.span.meets(span)), None)
    if held is not None:
        return _taken_cell(context, held)
    if slot.shut:
        return CellView(span.starts_at, span.ends_at, "shut", slot.shut)
    if slot.free:
        return CellView(span.starts_at, span.ends_at, "free", context._(N_("libre")), new_url(facility, span))
    return CellView(span.starts_at, span.ends_at, "past", "")


def _taken_cell(context: Context, held: Held) -> CellView:
    made = held.reservation
    words = context._(STATE_WORDS[made.state])
    return CellView(made.starts_at, made.ends_at, made.state.value, words, f"{URL}/fiche/{made.id}", name_of(held))


def _rows(columns: tuple[DayView, ...]) -> tuple[WeekRow, ...]:
    """Return the week by the hour on the wall: on a day whose clocks change, an hour is missing or comes twice."""
    times = sorted({_hour(cell) for column in columns for cell in column.cells})
    found = []
    for at in times:
        cells = tuple(next((cell for cell in column.cells if _hour(cell) == at), None) for column in columns)
        first = next(cell for cell in cells if cell is not None)
        found.append(WeekRow(first.starts_at, cells))
    return tuple(found)


def _hour(cell: CellView) -> tuple[int, int, int]:
    there = local(cell.starts_at)
    return there.hour, there.minute, there.fold

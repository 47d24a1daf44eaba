"""A facility's days as calendars show them: what is free, what is taken, what is closed and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import N_, BadInput
from cvq_core.facilities.refusals import UnknownFacility
from cvq_core.facilities.rules import Shut, Slot, Span, civil_span, day_slots, windows
from cvq_core.facilities.store import Held, holidays_around, reservations_between, shut_between, terms_on
from cvq_core.facilities.terms import Terms

DAYS_MAX = 35


class TooManyDays(BadInput):
    """More days than one look may show."""

    slug = "too-many-days"
    message = N_("On regarde au plus 35 jours à la fois.")
    what_to_do = N_("Choisissez une période plus courte.")


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a facility. `terms` None: it had none yet. Where hours are free, `slots` is empty."""

    day: date
    terms: Terms | None
    open: tuple[Span, ...]
    slots: tuple[Slot, ...]
    held: tuple[Held, ...]
    shut: tuple[Shut, ...]


async def days_of(db: AsyncSession, facility_id: UUID, first: date, days: int, *, now: datetime) -> list[Day]:
    """Return some days of a facility, each with what is taken and closed in the hours that begin on it.

    Raises:
        TooManyDays
    """
    if not 1 <= days <= DAYS_MAX:
        raise TooManyDays
    whole = civil_span(first, time(0), time(0), last_day=first + timedelta(days=days + 1))
    held = await reservations_between(db, facility_id, whole)
    shut = await shut_between(db, facility_id, whole)
    holidays = holidays_around(whole)
    found = []
    for offset in range(days):
        day = first + timedelta(days=offset)
        try:
            terms = (await terms_on(db, facility_id, day)).terms
        except UnknownFacility:
            found.append(Day(day, None, (), (), (), ()))
            continue
        opened = tuple(windows(terms, day, holidays))
        midnight = civil_span(day, time(0), time(0))
        span = Span(midnight.starts_at, max([midnight.ends_at, *(each.ends_at for each in opened)]))
        within = tuple(each for each in held if each.span.meets(span))
        closed = tuple(each for each in shut if each.span.meets(span))
        taken = [each.span for each in within]
        slots = day_slots(terms, day, holidays=holidays, shut=closed, taken=taken, now=now)
        found.append(Day(day, terms, opened, tuple(slots), within, closed))
    return found

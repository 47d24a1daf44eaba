"""When a facility is open, who may reserve it, what that costs and what cancelling gives back, as pure functions.

Hours are civil ones and instants are UTC: a window of opening begins and ends where the clocks of the territory say so,
and a slot's length is added to an instant, so that the days on which clocks change have as many slots as they have
hours. What is asked of money goes by the clock on the wall: on a night set back nobody pays an hour twice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction

from cvq_core.clock import PARIS, local, local_day
from cvq_core.facilities.refusals import (
    FacilityShut,
    MayNotReserve,
    NotASlot,
    NotOpenThen,
    SlotPast,
    TooManyReservations,
    TooSoonToReserve,
)
from cvq_core.facilities.terms import MINUTES_MAX, BookerKind, BookerRule, Opening, Terms
from cvq_core.services.rules import PriceUnit

GRAIN = timedelta(minutes=5)
"""Everything begins and ends on a multiple of it: what is reserved is a set of grains, and a grain has one holder."""
LONGEST = timedelta(minutes=MINUTES_MAX)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HUNDRED = 100
YEAR_MIN, YEAR_MAX = 2000, 2199


class ReservationState(StrEnum):
    """Where a reservation stands. What is offered or booked holds its time, nothing else does."""

    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"

    @property
    def holds_time(self) -> bool:
        """Whether nobody else can have the time."""
        return self in (ReservationState.OFFERED, ReservationState.BOOKED)

    @property
    def is_over(self) -> bool:
        """Whether nothing comes after it."""
        return self in (ReservationState.CANCELLED, ReservationState.LAPSED, ReservationState.WITHDRAWN)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From an instant to another (excluded), both in UTC."""

    starts_at: datetime
    ends_at: datetime

    def meets(self, other: Span) -> bool:
        """Whether they have an instant in common."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def holds(self, other: Span) -> bool:
        """Whether all of `other` lies within."""
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at


@dataclass(frozen=True, slots=True)
class Shut:
    """Why a facility is closed, and when: `reason` is what people read."""

    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of a day. `free` is whether somebody could still reserve it; `shut` says why it is closed, else ""."""

    span: Span
    free: bool
    shut: str = ""


@dataclass(frozen=True, slots=True)
class Booker:
    """Whoever reserves, as the rules see them: what they are, and how many reservations of theirs are to come."""

    kinds: frozenset[BookerKind]
    standing: int = 0


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What a cancellation gives back, in cents."""

    price_cents: int
    deposit_cents: int


def grains(span: Span) -> range:
    """Return the numbers of the grains that a span is made of.

    Raises:
        NotASlot: it does not begin and end on grains, ends before it begins, or is longer than any facility allows.
    """
    first, last = (each - EPOCH for each in (span.starts_at, span.ends_at))
    if first % GRAIN or last % GRAIN or not timedelta() < last - first <= LONGEST:
        raise NotASlot
    return range(first // GRAIN, last // GRAIN)


def windows(terms: Terms, day: date, holidays: Collection[date]) -> list[Span]:
    """Return when a facility is open, in the windows that begin on a day; one may end on the next."""
    if day in holidays and terms.closed_on_holidays:
        return []
    found = (_window(opening, day) for opening in terms.openings if opening.holds(day))
    return sorted(span for span in found if span.starts_at < span.ends_at)


def slots(terms: Terms, day: date, holidays: Collection[date]) -> list[Span]:
    """Return the slots of a day, in order; none where the hours are free."""
    if terms.slot_minutes is None:
        return []
    length = timedelta(minutes=terms.slot_minutes)
    found: list[Span] = []
    for window in windows(terms, day, holidays):
        begins = window.starts_at
        while begins + length <= window.ends_at:
            found.append(Span(begins, begins + length))
            begins += length
    return found


def day_slots(
    terms: Terms,
    day: date,
    *,
    holidays: Collection[date],
    shut: Iterable[Shut],
    taken: Iterable[Span],
    now: datetime,
) -> list[Slot]:
    """Return the slots of a day with what became of each."""
    shut, taken = tuple(shut), tuple(taken)
    found = []
    for span in slots(terms, day, holidays):
        why = next((each.reason for each in shut if each.span.meets(span)), "")
        is_free = not why and span.starts_at > now and not any(each.meets(span) for each in taken)
        found.append(Slot(span, is_free, why))
    return found


def check_span(terms: Terms, span: Span, *, holidays: Collection[date], shut: Iterable[Shut], now: datetime) -> None:
    """Refuse a time that cannot be reserved by anybody, whoever else has it.

    Raises:
        NotASlot: it is none of the day's slots; or, where the hours are free, too short or too long.
        SlotPast: it has begun.
        FacilityShut, NotOpenThen: the facility is closed then.
    """
    grains(span)
    if span.starts_at <= now:
        raise SlotPast
    day = local_day(span.starts_at)
    why = next((each.reason for each in shut if each.span.meets(span)), "")
    if why:
        raise FacilityShut(reason=why)
    if terms.slot_minutes is not None:
        # The windows of the evening before may hold slots of this night.
        near = [*slots(terms, day - timedelta(days=1), holidays), *slots(terms, day, holidays)]
        if span not in near:
            raise NotASlot
        return
    length = (span.ends_at - span.starts_at) // timedelta(minutes=1)
    if not terms.minutes_min <= length <= terms.minutes_max:
        raise NotASlot
    last = local_day(span.ends_at)
    days = [day + timedelta(days=offset) for offset in range(-1, (last - day).days + 1)]
    if not any(each.holds(span) for each in _joined(each for one in days for each in windows(terms, one, holidays))):
        raise NotOpenThen


def rule_for(terms: Terms, kinds: Collection[BookerKind]) -> BookerRule:
    """Return the first rule that is for this person.

    Raises:
        MayNotReserve: none is.
    """
    found = next((rule for rule in terms.rules if rule.who in kinds), None)
    if found is None:
        raise MayNotReserve
    return found


def check_booker(rule: BookerRule, booker: Booker, span: Span, now: datetime) -> None:
    """Refuse whoever comes too early, or has as many reservations to come as one may.

    Raises:
        TooSoonToReserve
        TooManyReservations
    """
    if local_day(span.starts_at) > local_day(now) + timedelta(days=rule.days_ahead):
        raise TooSoonToReserve(days=rule.days_ahead)
    if booker.standing >= rule.standing_max:
        raise TooManyReservations(count=rule.standing_max)


def quantity(terms: Terms, unit: PriceUnit, span: Span) -> Fraction:
    """Return how many units are charged: hours by the hour, a slot once, and otherwise each 24 hours that are begun."""
    if terms.slot_minutes is not None and unit is not PriceUnit.HOUR:
        return Fraction(1)
    minutes = max(_minutes_on_the_wall(span), 1)
    if unit is PriceUnit.HOUR:
        return Fraction(minutes, 60)
    return Fraction(math.ceil(minutes / (24 * 60)))


def given_back(
    rule: BookerRule,
    span: Span,
    *,
    price_cents: int,
    deposit_cents: int,
    now: datetime,
    by_house: bool,
) -> GivenBack:
    """Return what a cancellation gives back: all in time or when the house cancels, else the share that is left.

    A deposit is for what happens in the place: nothing did.
    """
    in_time = now <= span.starts_at - timedelta(hours=rule.cancel_hours)
    share = HUNDRED if by_house or in_time else rule.late_refund_percent
    return GivenBack(price_cents * share // HUNDRED, deposit_cents)


def admission(terms: Terms, span: Span) -> Span:
    """Return when a reservation opens the door: from some minutes before to some after."""
    return Span(
        span.starts_at - timedelta(minutes=terms.minutes_before), span.ends_at + timedelta(minutes=terms.minutes_after)
    )


def offer_ends(terms: Terms, span: Span, now: datetime) -> datetime:
    """Return until when somebody who waited may take what they are offered: not beyond its beginning."""
    return min(now + timedelta(hours=terms.offer_hours), span.starts_at)


def civil_span(day: date, begins: time, ends: time, *, last_day: date | None = None) -> Span:
    """Return a span that people say: on a day from an hour to another; what ends before it begins ends the next day.

    Raises:
        NotASlot: a day is not of these centuries, where no calendar overflows, or an hour says a zone of its own.
    """
    if begins.tzinfo or ends.tzinfo or not all(YEAR_MIN <= each.year <= YEAR_MAX for each in (day, last_day or day)):
        raise NotASlot
    if last_day is None:
        last_day = day if begins < ends else day + timedelta(days=1)
    return Span(_instant(day, begins), _instant(last_day, ends))


def _window(opening: Opening, day: date) -> Span:
    return civil_span(day, opening.opens, opening.closes)


def _instant(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, PARIS).astimezone(UTC)


def _joined(spans: Iterable[Span]) -> Sequence[Span]:
    """Return windows with those that follow each other, or overlap, as one: a hall open by night and by day."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.starts_at <= found[-1].ends_at:
            found[-1] = Span(found[-1].starts_at, max(found[-1].ends_at, span.ends_at))
        else:
            found.append(span)
    return found


def _minutes_on_the_wall(span: Span) -> int:
    begins, ends = (local(each).replace(tzinfo=None) for each in (span.starts_at, span.ends_at))
    on_the_wall = (ends - begins) // timedelta(minutes=1)
    # Within the hour that comes twice the wall says nothing useful.
    return on_the_wall if on_the_wall > 0 else (span.ends_at - span.starts_at) // timedelta(minutes=1)

"""What may become of an appointment, and when a town hall has room for one. Pure: no database, no clock.

Opening hours are civil times of the place; a `Span` is two instants. Between them stands `opening_on`, which knows the
days on which clocks change, public holidays and closures. Durations are added to instants, never to civil times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from cvq_core.clock import PARIS, local_day
from cvq_core.errors import N_, Refusal

GRID_MINUTES = 15
"""Appointments begin at a quarter of an hour."""

HORIZON_DAYS = 60
"""How far ahead one can book."""

NOW_MINUTES_MIN = 10
"""Less than this before the town hall closes, nobody is let in for "now"."""


class AppointmentStatus(StrEnum):
    """Where an appointment is."""

    EXPECTED = "expected"
    ARRIVED = "arrived"
    SEATED = "seated"
    SERVED = "served"
    ABSENT = "absent"
    CANCELLED = "cancelled"


class AppointmentEvent(StrEnum):
    """What the secretary can say of an appointment, one key each, and the end of its visit."""

    EXPECT = "expect"
    ARRIVE = "arrive"
    SEAT = "seat"
    MARK_ABSENT = "mark_absent"
    CANCEL = "cancel"
    SERVE = "serve"


S, E = AppointmentStatus, AppointmentEvent
TRANSITIONS: dict[tuple[AppointmentStatus, AppointmentEvent], AppointmentStatus] = {
    (S.EXPECTED, E.ARRIVE): S.ARRIVED,
    (S.EXPECTED, E.SEAT): S.SEATED,
    (S.EXPECTED, E.MARK_ABSENT): S.ABSENT,
    (S.EXPECTED, E.CANCEL): S.CANCELLED,
    (S.ARRIVED, E.EXPECT): S.EXPECTED,
    (S.ARRIVED, E.SEAT): S.SEATED,
    (S.ARRIVED, E.MARK_ABSENT): S.ABSENT,
    (S.ARRIVED, E.CANCEL): S.CANCELLED,
    (S.SEATED, E.EXPECT): S.EXPECTED,
    (S.SEATED, E.ARRIVE): S.ARRIVED,
    (S.SEATED, E.MARK_ABSENT): S.ABSENT,
    (S.SEATED, E.CANCEL): S.CANCELLED,
    (S.SEATED, E.SERVE): S.SERVED,
    (S.ABSENT, E.EXPECT): S.EXPECTED,
    (S.ABSENT, E.ARRIVE): S.ARRIVED,
}
"""Every change that there is. Going back is allowed until the visit has begun: keys are pressed by mistake."""

MEANS = {
    E.EXPECT: S.EXPECTED,
    E.ARRIVE: S.ARRIVED,
    E.SEAT: S.SEATED,
    E.MARK_ABSENT: S.ABSENT,
    E.CANCEL: S.CANCELLED,
    E.SERVE: S.SERVED,
}
PRESENT = frozenset({S.ARRIVED, S.SEATED})
HOLDS_TIME = frozenset({S.EXPECTED, S.ARRIVED, S.SEATED})
"""States in which nobody else can have the booth at that time."""


class AppointmentState(Refusal):
    """The appointment's state does not allow it."""

    slug = "appointment-state"
    message = N_("Ce rendez-vous n’en est plus là : il a changé entre-temps.")
    what_to_do = N_("Regardez son état dans la liste du jour.")


class VisitIsOn(Refusal):
    """The advisor and the resident are speaking; only the end of the visit changes anything."""

    slug = "visit-is-on"
    message = N_("L’entretien est en cours : l’état du rendez-vous ne change plus.")
    what_to_do = N_("Il passera à « servi » quand le conseiller aura terminé.")


class NotToday(Refusal):
    """Only today's appointments arrive and sit down."""

    slug = "not-today"
    message = N_("Ce rendez-vous n’est pas pour aujourd’hui.")
    what_to_do = N_("Pour recevoir la personne maintenant, réservez « Maintenant » à son nom.")


class SeatTaken(Refusal):
    """Somebody else sits before the booth."""

    slug = "seat-taken"
    message = N_("Quelqu’un est déjà assis au guichet.")
    what_to_do = N_("Attendez la fin de cet entretien. Si la place est libre, corrigez d’abord l’autre ligne.")


class SlotTaken(Refusal):
    """Another booking was faster."""

    slug = "slot-taken"
    message = N_("Le créneau du {when} vient d’être pris.")
    what_to_do = N_("Choisissez un autre créneau : la liste est à jour.")


class OutsideOpening(Refusal):
    """The town hall is closed then, or closes before the end."""

    slug = "outside-opening"
    message = N_("La mairie n’est pas ouverte le {when} pour toute la durée de l’entretien.")
    what_to_do = N_("Choisissez un des créneaux proposés.")


class SlotPast(Refusal):
    """The slot has begun already."""

    slug = "slot-past"
    message = N_("Ce créneau est déjà passé.")
    what_to_do = N_("Choisissez un créneau à venir, ou « Maintenant ».")


class BadSlot(Refusal):
    """Not at a quarter of an hour, or too far ahead."""

    slug = "bad-slot"
    status = 422
    message = N_("Ce créneau ne peut pas être réservé.")
    what_to_do = N_("Choisissez un des créneaux proposés, dans les soixante jours qui viennent.")


class ClosedNow(Refusal):
    """Nobody can come now: the town hall is closed, or about to close."""

    slug = "closed-now"
    message = N_("La mairie est fermée, ou ferme dans moins de dix minutes.")
    what_to_do = N_("Choisissez un créneau.")


@dataclass(frozen=True, slots=True)
class DailySpan:
    """One span of opening of a weekday (0 is Monday), in civil times."""

    weekday: int
    opens_at: time
    closes_at: time


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From an instant to another, the end not included."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: Span) -> bool:
        """Whether the two share any time."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def holds(self, other: Span) -> bool:
        """Whether `other` lies wholly within."""
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a town hall is open: its weekly spans, and the days on which they do not hold."""

    opening: tuple[DailySpan, ...]
    closed_days: frozenset[date] = frozenset()
    zone: ZoneInfo = PARIS

    def on(self, day: date) -> list[Span]:
        """Return the spans of opening of a civil day, in order."""
        if day in self.closed_days:
            return []
        return opening_on(day, self.opening, self.zone)

    def open_at(self, instant: datetime) -> Span | None:
        """Return the span of opening in which an instant lies."""
        spans = self.on(local_day(instant, self.zone))
        return next((span for span in spans if span.starts_at <= instant < span.ends_at), None)

    def next_opening(self, instant: datetime, days: int = HORIZON_DAYS) -> datetime | None:
        """Return when it opens next after an instant, within some days."""
        first = local_day(instant, self.zone)
        for ahead in range(days + 1):
            for span in self.on(first + timedelta(days=ahead)):
                if span.starts_at > instant:
                    return span.starts_at
        return None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody before the booth, or who will be: `since` they sit there, or at which hour they are expected."""

    status: AppointmentStatus
    starts_at: datetime
    minutes: int
    walk_in: bool = False
    seated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NowChoice:
    """What "now" would mean.

    `possible` is false while the town hall is closed or about to close. `closes_first` warns that it may close before
    the end.
    """

    possible: bool
    wait_minutes: int = 0
    waiting_count: int = 0
    closes_at: datetime | None = None
    closes_first: bool = False
    reopens_at: datetime | None = None


def next_status(
    status: AppointmentStatus, event: AppointmentEvent, *, visit_is_on: bool = False, is_today: bool = True
) -> AppointmentStatus:
    """Return the state after `event`; the state itself when `event` says what is so already.

    Raises:
        VisitIsOn: the resident is being served, and `event` is not the end of it.
        NotToday: only today's appointments arrive and sit down.
        AppointmentState: there is no such change.
    """
    if status is MEANS[event]:
        return status
    if visit_is_on and event is not E.SERVE:
        raise VisitIsOn
    if (status, event) not in TRANSITIONS:
        raise AppointmentState
    if not is_today and event in (E.ARRIVE, E.SEAT):
        raise NotToday
    return TRANSITIONS[status, event]


def may(status: AppointmentStatus, event: AppointmentEvent, *, visit_is_on: bool = False) -> bool:
    """Whether the secretary's page offers `event`."""
    return (status, event) in TRANSITIONS and not visit_is_on


def opening_on(day: date, opening: Iterable[DailySpan], zone: ZoneInfo = PARIS) -> list[Span]:
    """Return the spans of a civil day as instants; a day on which clocks change is an hour shorter or longer."""
    spans = [
        Span(
            datetime.combine(day, span.opens_at, zone).astimezone(UTC),
            datetime.combine(day, span.closes_at, zone).astimezone(UTC),
        )
        for span in opening
        if span.weekday == day.weekday()
    ]
    return sorted(span for span in spans if span.starts_at < span.ends_at)


def free_slots(calendar: Calendar, booked: Collection[Span], *, minutes: int, now: datetime, days: int) -> list[Span]:
    """Return what can still be booked from today on for some days, in order, none overlapping another.

    A slot of `minutes` begins at a quarter of an hour, is not past, ends before the town hall closes (at noon too) and
    touches nothing that is `booked` at the same booth.
    """
    length = timedelta(minutes=minutes)
    first = local_day(now, calendar.zone)
    free: list[Span] = []
    for ahead in range(days):
        for span in calendar.on(first + timedelta(days=ahead)):
            begin = on_grid(max(span.starts_at, now))
            while begin + length <= span.ends_at:
                slot = Span(begin, begin + length)
                in_the_way = [taken.ends_at for taken in booked if taken.overlaps(slot)]
                if not in_the_way:
                    free.append(slot)
                begin = on_grid(max(in_the_way, default=slot.ends_at))
    return free


def on_grid(instant: datetime) -> datetime:
    """Return the next quarter of an hour, `instant` itself when it is one."""
    step = timedelta(minutes=GRID_MINUTES)
    # All offsets of the zones in use are whole quarters of an hour, so that UTC's grid is also theirs.
    past = (instant - datetime(2000, 1, 1, tzinfo=UTC)) % step
    return instant if not past else instant + (step - past)


def check_slot(calendar: Calendar, booked: Collection[Span], slot: Span, now: datetime) -> None:
    """Refuse a slot that cannot be had.

    Raises:
        BadSlot: not at a quarter of an hour, or too far ahead.
        SlotPast: it has begun.
        OutsideOpening: the town hall is not open for all of it.
        SlotTaken: something else is booked then. Both name the slot's beginning as `at`.
    """
    if on_grid(slot.starts_at) != slot.starts_at or slot.starts_at - now > timedelta(days=HORIZON_DAYS):
        raise BadSlot
    if slot.starts_at < now:
        raise SlotPast
    if not any(span.holds(slot) for span in calendar.on(local_day(slot.starts_at, calendar.zone))):
        raise OutsideOpening(at=slot.starts_at)
    if any(taken.overlaps(slot) for taken in booked):
        raise SlotTaken(at=slot.starts_at)


def now_choice(calendar: Calendar, before: Collection[Waiting], minutes: int, now: datetime) -> NowChoice:
    """Return whether somebody can come now, and how long they would wait.

    Those at the booth and those who arrived come first; then comes whoever has an hour that would be run over. A visit
    that lasts longer than planned is taken to end in five minutes.
    """
    span = calendar.open_at(now)
    if span is None or span.ends_at - now < timedelta(minutes=NOW_MINUTES_MIN):
        return NowChoice(possible=False, reopens_at=calendar.next_opening(now))
    free_at = now
    for one in before:
        if one.status is S.SEATED:
            planned_end = (one.seated_at or now) + timedelta(minutes=one.minutes)
            free_at = max(free_at, planned_end, now + timedelta(minutes=5))
    ahead = sorted(
        (one for one in before if one.status is S.ARRIVED or (one.walk_in and one.status is S.EXPECTED)),
        key=lambda one: one.starts_at,
    )
    free_at += timedelta(minutes=sum(one.minutes for one in ahead))
    expected = sorted(
        (one for one in before if one.status is S.EXPECTED and not one.walk_in and one.starts_at >= now),
        key=lambda one: one.starts_at,
    )
    for one in expected:
        if one.starts_at < free_at + timedelta(minutes=minutes):
            free_at = max(free_at, one.starts_at) + timedelta(minutes=one.minutes)
    wait = free_at - now
    return NowChoice(
        possible=True,
        wait_minutes=-(-int(wait.total_seconds()) // 300) * 5,
        waiting_count=len(ahead),
        closes_at=span.ends_at,
        closes_first=free_at + timedelta(minutes=minutes) > span.ends_at,
    )

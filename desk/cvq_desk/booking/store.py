"""Reading the town halls' hours, their booths' days, the organisations and the alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import PARIS, local_day
from cvq_core.errors import N_, NotFound
from cvq_core.public_holidays import public_holidays
from cvq_desk.booking.rules import (
    HOLDS_TIME,
    HORIZON_DAYS,
    AppointmentStatus,
    Calendar,
    DailySpan,
    Span,
    Waiting,
)
from cvq_desk.booking.tables import Alert, Appointment, Booth, Closure, OpeningHours, Organisation, Reason, TownHall
from cvq_desk.visits.rules import AT_THE_BOOTH
from cvq_desk.visits.tables import Visit

DAY_MAX = 200
ALERTS_MAX = 20
COMING_MAX = 60
TALK_MINUTES = 30
"""How long an appointment is whose reason is for the advisor alone to hear."""

HOLDING = tuple(status.value for status in HOLDS_TIME)


class UnknownTownHall(NotFound):
    """No such town hall, or it has no booth."""

    slug = "unknown-town-hall"
    message = N_("Cette mairie n’a pas de guichet.")
    what_to_do = N_("Choisissez une mairie de la liste.")


@dataclass(frozen=True, slots=True)
class DayEntry:
    """One appointment of a day, with what the list says of it. `visit` is the one that is not released."""

    appointment: Appointment
    organisation: Organisation
    reason: Reason | None
    visit: Visit | None

    @property
    def visit_is_on(self) -> bool:
        """Whether the resident is being served."""
        return self.visit is not None and self.visit.state in AT_THE_BOOTH


async def town_hall_by_id(db: AsyncSession, town_hall_id: UUID) -> TownHall:
    """Return a town hall.

    Raises:
        UnknownTownHall
    """
    town_hall = await db.get(TownHall, town_hall_id)
    if town_hall is None:
        raise UnknownTownHall
    return town_hall


async def booth_of(db: AsyncSession, town_hall_id: UUID) -> Booth:
    """Return the booth of a town hall, the first by name where there are several.

    Raises:
        UnknownTownHall: there is none.
    """
    rows = await db.scalars(
        select(Booth).where(Booth.town_hall_id == town_hall_id).order_by(Booth.name, Booth.id).limit(1)
    )
    booth = rows.first()
    if booth is None:
        raise UnknownTownHall
    return booth


async def lock_booth(db: AsyncSession, booth_id: UUID) -> Booth:
    """Return a booth, locked: whoever books or moves something at it waits for the one before.

    Raises:
        UnknownTownHall
    """
    # `key_share`: rows that merely refer to the booth, a visit for example, need not wait.
    rows = await db.scalars(select(Booth).where(Booth.id == booth_id).with_for_update(key_share=True))
    booth = rows.first()
    if booth is None:
        raise UnknownTownHall
    return booth


async def calendar_of(db: AsyncSession, town_hall_id: UUID, now: datetime) -> Calendar:
    """Return a town hall's calendar from today to the horizon of booking."""
    today = local_day(now)
    spans = await db.scalars(select(OpeningHours).where(OpeningHours.town_hall_id == town_hall_id).limit(50))
    closures = await db.scalars(
        select(Closure.day).where(Closure.town_hall_id == town_hall_id, Closure.day >= today).limit(400)
    )
    years = {today.year, (today + timedelta(days=HORIZON_DAYS)).year}
    closed = frozenset(closures).union(*(public_holidays(year) for year in years))
    return Calendar(tuple(DailySpan(span.weekday, span.opens_at, span.closes_at) for span in spans), closed)


async def closed_because(db: AsyncSession, town_hall_id: UUID, day: date) -> str:
    """Return why a town hall stays closed on a day: the holiday's name, what it wrote, or "" on an ordinary day."""
    why = await db.scalar(select(Closure.why).where(Closure.town_hall_id == town_hall_id, Closure.day == day))
    return why or public_holidays(day.year).get(day, "")


async def hours_of_day(db: AsyncSession, town_hall_id: UUID, now: datetime) -> list[DailySpan]:
    """Return the spans of opening of the civil day of `now`, in order; none on a holiday or a closure."""
    calendar = await calendar_of(db, town_hall_id, now)
    today = local_day(now)
    if not calendar.on(today):
        return []
    return sorted(
        (span for span in calendar.opening if span.weekday == today.weekday()), key=lambda span: span.opens_at
    )


async def next_opening(db: AsyncSession, town_hall_id: UUID, now: datetime) -> datetime | None:
    """Return when a town hall opens next, within the horizon of booking."""
    return (await calendar_of(db, town_hall_id, now)).next_opening(now)


async def next_appointment_at(db: AsyncSession, booth_id: UUID, now: datetime) -> datetime | None:
    """Return the hour of today's next appointment at a booth, that of somebody a little late included."""
    rows = await db.execute(
        select(Appointment.starts_at, Appointment.minutes)
        .where(
            Appointment.booth_id == booth_id,
            Appointment.walk_in.is_(False),
            Appointment.status.in_(("expected", "arrived")),
            Appointment.starts_at.between(now - timedelta(hours=4), now + timedelta(hours=24)),
        )
        .order_by(Appointment.starts_at)
        .limit(DAY_MAX)
    )
    today = local_day(now)
    for starts_at, minutes in rows:
        if starts_at + timedelta(minutes=minutes) > now and local_day(starts_at) == today:
            found: datetime = starts_at
            return found
    return None


async def booked_spans(db: AsyncSession, booth_id: UUID, now: datetime, *, except_id: UUID | None = None) -> list[Span]:
    """Return the times from today on at which a booth cannot be booked."""
    wanted = select(Appointment.starts_at, Appointment.minutes).where(
        Appointment.booth_id == booth_id,
        Appointment.starts_at >= now - timedelta(hours=24),
        or_(
            Appointment.status.in_(HOLDING),
            # A slot that was used stays used: the unique index on slots says the same.
            (Appointment.status == "served") & Appointment.walk_in.is_(False),
        ),
    )
    if except_id is not None:
        wanted = wanted.where(Appointment.id != except_id)
    rows = await db.execute(wanted.order_by(Appointment.starts_at).limit(5000))
    return [Span(starts_at, starts_at + timedelta(minutes=minutes)) for starts_at, minutes in rows]


async def waiting_at(db: AsyncSession, booth_id: UUID, now: datetime) -> list[Waiting]:
    """Return who is before a booth today, or will be."""
    today = local_day(now)
    rows = await db.scalars(
        select(Appointment)
        .where(Appointment.booth_id == booth_id, Appointment.status.in_(HOLDING), _around(now))
        .order_by(Appointment.starts_at)
        .limit(DAY_MAX)
    )
    return [
        Waiting(AppointmentStatus(row.status), row.starts_at, row.minutes, row.walk_in, row.seated_at)
        for row in rows
        if local_day(row.starts_at) == today
    ]


async def appointments_of_day(db: AsyncSession, town_hall_id: UUID, day: date) -> list[DayEntry]:
    """Return a town hall's appointments of a civil day, by hour."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=PARIS)
    rows = await db.execute(
        select(Appointment, Organisation, Reason, Visit)
        .join(Booth, Booth.id == Appointment.booth_id)
        .join(Organisation, Organisation.id == Appointment.organisation_id)
        .outerjoin(Reason, Reason.id == Appointment.reason_id)
        .outerjoin(Visit, (Visit.appointment_id == Appointment.id) & (Visit.state != "released"))
        .where(Booth.town_hall_id == town_hall_id, _around(noon))
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(DAY_MAX)
    )
    return [
        DayEntry(appointment, organisation, reason, visit)
        for appointment, organisation, reason, visit in rows
        if local_day(appointment.starts_at) == day
    ]


async def appointments_after(db: AsyncSession, town_hall_id: UUID, day: date) -> list[tuple[Appointment, Organisation]]:
    """Return who is expected at a town hall on later days than `day`, the next ones first."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=PARIS) + timedelta(days=1)
    rows = await db.execute(
        select(Appointment, Organisation)
        .join(Booth, Booth.id == Appointment.booth_id)
        .join(Organisation, Organisation.id == Appointment.organisation_id)
        .where(
            Booth.town_hall_id == town_hall_id,
            Appointment.status == AppointmentStatus.EXPECTED.value,
            Appointment.starts_at >= midnight,
        )
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(COMING_MAX)
    )
    return [(appointment, organisation) for appointment, organisation in rows]


async def entry_of(db: AsyncSession, appointment_id: UUID) -> tuple[DayEntry, Booth, TownHall]:
    """Return an appointment with all that is said of it, and where it is.

    Raises:
        NotFound
    """
    rows = await db.execute(
        select(Appointment, Organisation, Reason, Visit, Booth, TownHall)
        .join(Booth, Booth.id == Appointment.booth_id)
        .join(TownHall, TownHall.id == Booth.town_hall_id)
        .join(Organisation, Organisation.id == Appointment.organisation_id)
        .outerjoin(Reason, Reason.id == Appointment.reason_id)
        .outerjoin(Visit, (Visit.appointment_id == Appointment.id) & (Visit.state != "released"))
        .where(Appointment.id == appointment_id)
    )
    found = rows.first()
    if found is None:
        raise NotFound
    appointment, organisation, reason, visit, booth, town_hall = found
    return DayEntry(appointment, organisation, reason, visit), booth, town_hall


async def organisations(db: AsyncSession) -> list[Organisation]:
    """Return the organisations that can be reached, in their order."""
    rows = await db.scalars(select(Organisation).order_by(Organisation.position, Organisation.name).limit(100))
    return list(rows)


async def reasons(db: AsyncSession) -> list[Reason]:
    """Return all reasons, in their order."""
    rows = await db.scalars(select(Reason).order_by(Reason.position, Reason.label).limit(1000))
    return list(rows)


async def minutes_for(db: AsyncSession, reason_id: UUID | None) -> int:
    """Return how long an appointment for a reason is; without one, half an hour."""
    if reason_id is None:
        return TALK_MINUTES
    return await db.scalar(select(Reason.minutes).where(Reason.id == reason_id)) or TALK_MINUTES


async def open_alerts(db: AsyncSession, town_hall_id: UUID) -> Sequence[Alert]:
    """Return what still wants a secretary, the newest first."""
    rows = await db.scalars(
        select(Alert)
        .where(Alert.town_hall_id == town_hall_id, Alert.settled_at.is_(None))
        .order_by(Alert.raised_at.desc(), Alert.id.desc())
        .limit(ALERTS_MAX)
    )
    return rows.all()


def _around(instant: datetime) -> ColumnElement[bool]:
    """Return the condition that an appointment can be on the civil day of an instant, whatever the clocks do."""
    return Appointment.starts_at.between(instant - timedelta(hours=26), instant + timedelta(hours=26))

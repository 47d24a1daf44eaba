"""Reading visits and their surroundings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.staff.tables import Staff
from cvq_desk.booking.tables import Appointment, Booth, Organisation, Reason, TownHall
from cvq_desk.visits.rules import AT_THE_BOOTH, OVER, CardFacts, ConsentFacts
from cvq_desk.visits.tables import BoothCommand, Consent, Visit
from cvq_desk.wire import CardState, ConsentState

QUEUE_MAX = 200
WAITING = ("arrived", "seated")


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """Somebody who waits, is being served or is expected today, as the queue shows them."""

    appointment: Appointment
    place: str
    booth: Booth
    town_hall: TownHall
    organisation: Organisation
    reason: str
    visit: Visit | None
    advisor: str

    @property
    def waiting_since(self) -> datetime | None:
        """When the wait began: at the arrival, or at the hour agreed if they came earlier."""
        arrived = self.appointment.arrived_at
        if arrived is None:
            return None
        return arrived if self.appointment.walk_in else max(arrived, self.appointment.starts_at)


async def queue(db: AsyncSession, organisations: Collection[UUID], now: datetime) -> list[QueueEntry]:
    """Return today's queue of some organisations: those who wait first, the longest wait at the top."""
    day_before, day_after = now - timedelta(hours=24), now + timedelta(hours=24)
    rows = await db.execute(
        select(Appointment, Booth, TownHall, Organisation, Reason.label, Visit, Staff.display_name)
        .join(Booth, Booth.id == Appointment.booth_id)
        .join(TownHall, TownHall.id == Booth.town_hall_id)
        .join(Organisation, Organisation.id == Appointment.organisation_id)
        .outerjoin(Reason, Reason.id == Appointment.reason_id)
        .outerjoin(Visit, (Visit.appointment_id == Appointment.id) & (Visit.state != "released"))
        .outerjoin(Staff, Staff.id == Visit.advisor_id)
        .where(
            Appointment.organisation_id.in_(organisations),
            Appointment.status.in_(("expected", *WAITING)),
            Appointment.starts_at.between(day_before, day_after),
        )
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(QUEUE_MAX)
    )
    today = local_day(now)
    entries = [
        QueueEntry(
            appointment=appointment,
            place=town_hall.name,
            booth=booth,
            town_hall=town_hall,
            organisation=organisation,
            reason=label or "",
            visit=visit,
            advisor=advisor or "",
        )
        for appointment, booth, town_hall, organisation, label, visit, advisor in rows
        if local_day(appointment.starts_at) == today
    ]
    latest = now + timedelta(days=1)
    return sorted(entries, key=lambda entry: (entry.waiting_since or latest, entry.appointment.starts_at))


async def visit_by_id(db: AsyncSession, visit_id: UUID) -> Visit:
    """Return a visit, its row locked where the database locks rows.

    Raises:
        NotFound: there is none.
    """
    visit = (await db.scalars(select(Visit).where(Visit.id == visit_id).with_for_update())).first()
    if visit is None:
        raise NotFound
    return visit


async def visit_at_booth(db: AsyncSession, booth_id: UUID) -> Visit | None:
    """Return the visit to which the booth belongs now."""
    states = [state.value for state in AT_THE_BOOTH]
    return (await db.scalars(select(Visit).where(Visit.booth_id == booth_id, Visit.state.in_(states)))).first()


async def live_visits_of(db: AsyncSession, advisor_id: UUID) -> list[Visit]:
    """Return the visits that an advisor has in hand, the newest first."""
    over = [state.value for state in OVER]
    rows = await db.scalars(
        select(Visit)
        .where(Visit.advisor_id == advisor_id, Visit.state.not_in(over))
        .order_by(Visit.taken_at.desc())
        .limit(10)
    )
    return list(rows)


async def latest_consent(db: AsyncSession, visit_id: UUID) -> Consent | None:
    """Return the question that the resident reads; else the consent that stands; else the last one, as it ended."""
    rows = await db.scalars(
        select(Consent)
        .where(Consent.visit_id == visit_id)
        .order_by(
            (Consent.state == "asked").desc(),
            (Consent.state == "given").desc(),
            Consent.asked_at.desc(),
            Consent.id.desc(),
        )
        .limit(1)
    )
    return rows.first()


async def standing_consent(db: AsyncSession, visit_id: UUID, account_id: UUID) -> Consent | None:
    """Return the consent under which an account may be looked at in a visit, if the resident gave one."""
    rows = await db.scalars(
        select(Consent)
        .where(Consent.visit_id == visit_id, Consent.account_id == account_id, Consent.state == "given")
        .order_by(Consent.answered_at.desc())
        .limit(1)
    )
    return rows.first()


async def open_commands(db: AsyncSession, booth_id: UUID) -> list[BoothCommand]:
    """Return what the booth has still to do, oldest first."""
    rows = await db.scalars(
        select(BoothCommand)
        .where(BoothCommand.booth_id == booth_id, BoothCommand.ended_at.is_(None))
        .order_by(BoothCommand.asked_at, BoothCommand.id)
        .limit(20)
    )
    return list(rows)


async def commands_of(db: AsyncSession, visit_id: UUID, kind: str | None = None) -> list[BoothCommand]:
    """Return a visit's commands, newest first."""
    wanted = select(BoothCommand).where(BoothCommand.visit_id == visit_id)
    if kind:
        wanted = wanted.where(BoothCommand.kind == kind)
    rows = await db.scalars(wanted.order_by(BoothCommand.asked_at.desc(), BoothCommand.id.desc()).limit(50))
    return list(rows)


def consent_facts(consent: Consent | None) -> ConsentFacts | None:
    """Return a consent as the rules take it."""
    if consent is None:
        return None
    return ConsentFacts(ConsentState(consent.state), frozenset(consent.scopes), consent.until, consent.with_card)


def card_facts(visit: Visit) -> CardFacts:
    """Return a visit's card as the rules take it."""
    return CardFacts(CardState(visit.card_state), visit.card_removed_at)


async def staff_name(db: AsyncSession, staff_id: UUID) -> str:
    """Return how somebody of the staff is called."""
    return await db.scalar(select(Staff.display_name).where(Staff.id == staff_id)) or ""

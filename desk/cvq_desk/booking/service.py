"""Booking, marking and moving appointments: each a single transaction, told to the pages and written in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.journal.store import record
from cvq_core.live import publish
from cvq_core.people.names import spoken_name
from cvq_core.people.store import UnknownPerson
from cvq_core.people.tables import Person
from cvq_core.staff import Permission, Principal, Scope
from cvq_core.text import hour, long_date, translator
from cvq_desk.booking import rules
from cvq_desk.booking.alerts import raise_alert, settle_alert, settle_booth_alerts
from cvq_desk.booking.rules import AppointmentEvent, AppointmentStatus, Span
from cvq_desk.booking.store import (
    HOLDING,
    booked_spans,
    calendar_of,
    lock_booth,
    minutes_for,
    waiting_at,
)
from cvq_desk.booking.tables import Appointment, Booth, Organisation, Reason, TownHall
from cvq_desk.visits.rules import AT_THE_BOOTH
from cvq_desk.visits.tables import Visit

__all__ = [
    "Act",
    "Booking",
    "book",
    "mark",
    "move",
    "raise_alert",
    "settle_alert",
    "settle_booth_alerts",
    "vouch",
]

NAME_LENGTH_MAX = 120
NECESSARY = N_("Ce champ est nécessaire.")
UNKNOWN_CHOICE = N_("Ce choix n’existe pas ou n’existe plus.")


class BookingMismatch(Refusal):
    """The same booking came again with other content."""

    slug = "booking-mismatch"
    message = N_("Ce rendez-vous a déjà été enregistré avec d’autres informations.")
    what_to_do = N_("Regardez la liste du jour avant de recommencer.")


class AlreadyExpected(Refusal):
    """The person cannot be at two booths, or twice in the queue."""

    slug = "already-expected"
    message = N_("Cette personne est déjà attendue le {when}, {place}.")
    what_to_do = N_("Annulez d’abord ce rendez-vous, ou choisissez un autre créneau.")


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, when, and in which language a refusal names days and hours."""

    db: AsyncSession
    principal: Principal
    now: datetime
    language: str = "fr"

    def journal(self, action: str, appointment_id: UUID, **facts: Any) -> None:
        """Write an audit record of the act."""
        subject = ("appointment", appointment_id)
        record(self.db, now=self.now, actor=self.principal.actor, action=action, subject=subject, **facts)

    def when(self, instant: datetime) -> str:
        """Return a day and its hour in words: "mardi 24 novembre à 10 h 30"."""
        pattern = translator(self.language).gettext(WHEN)
        day = long_date(local_day(instant), self.language, with_year=False)
        return pattern.format(day=day, hour=hour(instant, self.language))


WHEN = N_("{day} à {hour}")


@dataclass(frozen=True, slots=True)
class Booking:
    """What a secretary asks for. `id` is made by her page: sent twice, it books once.

    Without `starts_at` it is for now. Without `person_id` the person is written down as `name`.
    """

    id: UUID
    booth_id: UUID
    organisation_id: UUID
    reason_id: UUID | None = None
    person_id: UUID | None = None
    name: str = ""
    birth_date: date | None = None
    starts_at: datetime | None = None


async def book(act: Act, booking: Booking) -> Appointment:
    """Book an appointment, for now or for a slot.

    Raises:
        OutOfScope: the booth stands in another town hall.
        BadInput: organisation, reason, person or name cannot be right.
        AlreadyExpected: the person has another appointment at that time.
        SlotTaken, OutsideOpening, SlotPast, BadSlot, ClosedNow: there is no room then.
        BookingMismatch: the id was used for something else.
    """
    booth = await lock_booth(act.db, booking.booth_id)
    act.principal.require(Permission.BOOK, Scope("town_hall", booth.town_hall_id))
    known = await act.db.get(Appointment, booking.id)
    if known is not None:
        if _asked(known) != booking:
            raise BookingMismatch
        return known
    assert act.principal.id is not None
    await _check_choices(act.db, booking)
    name, birth_date = await _who(act.db, booking)
    minutes = await minutes_for(act.db, booking.reason_id)
    starts_at, walk_in = booking.starts_at or act.now, booking.starts_at is None
    await _check_time(act, booth, booking.starts_at, minutes)
    if booking.person_id is not None:
        slot = Span(starts_at, starts_at + timedelta(minutes=minutes))
        await _check_not_expected(act, booking.person_id, slot, walk_in=walk_in)
    appointment = Appointment(
        id=booking.id,
        booth_id=booth.id,
        organisation_id=booking.organisation_id,
        reason_id=booking.reason_id,
        person_id=booking.person_id,
        resident_name=name,
        resident_birth_date=birth_date,
        starts_at=starts_at,
        minutes=minutes,
        walk_in=walk_in,
        # Who is booked for now stands at the counter.
        status=(AppointmentStatus.ARRIVED if walk_in else AppointmentStatus.EXPECTED).value,
        arrived_at=act.now if walk_in else None,
        booked_by=act.principal.id,
        booked_at=act.now,
    )
    act.db.add(appointment)
    await act.db.flush()
    act.journal("appointment-booked", appointment.id, personal={"name": name})
    tell(act.db, appointment, booth)
    return appointment


async def mark(act: Act, appointment_id: UUID, event: AppointmentEvent) -> Appointment:
    """Note that somebody is expected, arrived, seated, absent, or that the appointment is cancelled.

    Raises:
        AppointmentState, VisitIsOn, NotToday: see `rules.next_status`.
        SeatTaken: somebody else sits before the booth.
        SlotTaken: the person comes after all, but the time was given to somebody else.
    """
    appointment, booth = await _locked(act, appointment_id)
    visit = await _visit_of(act.db, appointment_id)
    before = AppointmentStatus(appointment.status)
    status = rules.next_status(
        before,
        event,
        visit_is_on=visit is not None and visit.state in AT_THE_BOOTH,
        is_today=local_day(appointment.starts_at) == local_day(act.now),
    )
    if status is before:
        return appointment
    if status is AppointmentStatus.SEATED:
        await _check_seat(act, appointment)
    if before is AppointmentStatus.ABSENT and not appointment.walk_in:
        await _check_still_free(act, appointment)
    _stamp(appointment, status, act.now)
    act.journal(f"appointment-{status.value}", appointment.id)
    tell(act.db, appointment, booth, visit)
    return appointment


async def move(act: Act, appointment_id: UUID, starts_at: datetime) -> Appointment:
    """Give somebody who has not come yet another slot.

    Raises:
        AppointmentState: they have come, or it is over.
        SlotTaken, OutsideOpening, SlotPast, BadSlot, AlreadyExpected: there is no room then.
    """
    appointment, booth = await _locked(act, appointment_id)
    if appointment.status != AppointmentStatus.EXPECTED:
        raise rules.AppointmentState
    if appointment.starts_at == starts_at and not appointment.walk_in:
        return appointment
    await _check_time(act, booth, starts_at, appointment.minutes, except_id=appointment.id)
    if appointment.person_id is not None:
        slot = Span(starts_at, starts_at + timedelta(minutes=appointment.minutes))
        await _check_not_expected(act, appointment.person_id, slot, except_id=appointment.id)
    act.journal("appointment-moved", appointment.id, personal={"from": appointment.starts_at.isoformat()})
    appointment.starts_at, appointment.walk_in = starts_at, False
    tell(act.db, appointment, booth)
    return appointment


async def vouch(act: Act, appointment_id: UUID) -> Appointment:
    """Note that the secretary knows the person, or saw their identity paper."""
    appointment, booth = await _locked(act, appointment_id)
    if appointment.status not in HOLDING:
        raise rules.AppointmentState
    if appointment.vouched_by is None:
        appointment.vouched_by, appointment.vouched_at = act.principal.id, act.now
        act.journal("identity-vouched", appointment.id)
        tell(act.db, appointment, booth, await _visit_of(act.db, appointment_id))
    return appointment


def tell(db: AsyncSession, appointment: Appointment, booth: Booth, visit: Visit | None = None) -> None:
    """Wake everybody who shows this appointment: the secretary, the queue, the booth's idle page, the advisor."""
    publish(db, f"town_hall:{booth.town_hall_id}", "appointments")
    publish(db, f"queue:{appointment.organisation_id}", "queue")
    publish(db, f"booth:{booth.id}", "view")
    if visit is not None:
        publish(db, f"visit:{visit.id}", "appointment")


def _asked(appointment: Appointment) -> Booking:
    """Return the booking that this appointment came from, as far as it says anything new."""
    written = appointment.person_id is None
    return Booking(
        id=appointment.id,
        booth_id=appointment.booth_id,
        organisation_id=appointment.organisation_id,
        reason_id=appointment.reason_id,
        person_id=appointment.person_id,
        name=appointment.resident_name if written else "",
        birth_date=appointment.resident_birth_date if written else None,
        starts_at=None if appointment.walk_in else appointment.starts_at,
    )


async def _check_choices(db: AsyncSession, booking: Booking) -> None:
    if await db.get(Organisation, booking.organisation_id) is None:
        raise BadInput(fields={"organisation": UNKNOWN_CHOICE})
    if booking.reason_id is not None:
        reason = await db.get(Reason, booking.reason_id)
        if reason is None or reason.organisation_id != booking.organisation_id:
            raise BadInput(fields={"reason": UNKNOWN_CHOICE})


async def _who(db: AsyncSession, booking: Booking) -> tuple[str, date | None]:
    """Return the name and birth date to write down; a known person's row is locked against a second booking."""
    if booking.person_id is None:
        if not booking.name:
            raise BadInput(fields={"written_name": NECESSARY})
        return booking.name, booking.birth_date
    rows = await db.scalars(select(Person).where(Person.id == booking.person_id).with_for_update(key_share=True))
    person = rows.first()
    if person is None or person.deceased_on is not None:
        raise UnknownPerson
    name = spoken_name(person.family_name, person.usual_name, person.given_names)
    return name, person.birth_date


async def _check_time(
    act: Act, booth: Booth, starts_at: datetime | None, minutes: int, *, except_id: UUID | None = None
) -> None:
    calendar = await calendar_of(act.db, booth.town_hall_id, act.now)
    if starts_at is None:
        if not rules.now_choice(calendar, await waiting_at(act.db, booth.id, act.now), minutes, act.now).possible:
            raise rules.ClosedNow
        return
    slot = Span(starts_at, starts_at + timedelta(minutes=minutes))
    booked = await booked_spans(act.db, booth.id, act.now, except_id=except_id)
    try:
        rules.check_slot(calendar, booked, slot, act.now)
    except (rules.SlotTaken, rules.OutsideOpening) as refusal:
        refusal.facts["when"] = act.when(starts_at)
        raise


async def _check_still_free(act: Act, appointment: Appointment) -> None:
    slot = Span(appointment.starts_at, appointment.starts_at + timedelta(minutes=appointment.minutes))
    booked = await booked_spans(act.db, appointment.booth_id, act.now, except_id=appointment.id)
    if any(taken.overlaps(slot) for taken in booked):
        raise rules.SlotTaken(at=slot.starts_at, when=act.when(slot.starts_at))


async def _check_not_expected(
    act: Act, person_id: UUID, slot: Span, *, walk_in: bool = False, except_id: UUID | None = None
) -> None:
    """Refuse when the person is expected at that time somewhere, or waits already."""
    rows = await act.db.execute(
        select(Appointment, TownHall.name)
        .join(Booth, Booth.id == Appointment.booth_id)
        .join(TownHall, TownHall.id == Booth.town_hall_id)
        .where(
            Appointment.person_id == person_id,
            Appointment.status.in_(HOLDING),
            Appointment.starts_at >= act.now - timedelta(hours=24),
        )
        .limit(50)
    )
    for other, place in rows:
        held = Span(other.starts_at, other.starts_at + timedelta(minutes=other.minutes))
        waits_now = other.status in rules.PRESENT and local_day(other.starts_at) == local_day(act.now)
        in_the_way = held.overlaps(slot) or (waits_now and walk_in)
        if in_the_way and other.id != except_id:
            raise AlreadyExpected(when=act.when(other.starts_at), place=place)


async def _check_seat(act: Act, appointment: Appointment) -> None:
    others = await act.db.scalars(
        select(Appointment.starts_at).where(
            Appointment.booth_id == appointment.booth_id,
            Appointment.id != appointment.id,
            Appointment.status == AppointmentStatus.SEATED.value,
            Appointment.starts_at >= act.now - timedelta(hours=24),
        )
    )
    # Somebody whom yesterday's secretary forgot to release does not keep the seat.
    if any(local_day(starts_at) == local_day(act.now) for starts_at in others):
        raise rules.SeatTaken


async def _locked(act: Act, appointment_id: UUID) -> tuple[Appointment, Booth]:
    """Return an appointment and its booth, both locked, after the permission was checked."""
    booth_id = await act.db.scalar(select(Appointment.booth_id).where(Appointment.id == appointment_id))
    if booth_id is None:
        raise NotFound
    booth = await lock_booth(act.db, booth_id)
    act.principal.require(Permission.BOOK, Scope("town_hall", booth.town_hall_id))
    rows = await act.db.scalars(select(Appointment).where(Appointment.id == appointment_id).with_for_update())
    return rows.one(), booth


async def _visit_of(db: AsyncSession, appointment_id: UUID) -> Visit | None:
    rows = await db.scalars(select(Visit).where(Visit.appointment_id == appointment_id, Visit.state != "released"))
    return rows.first()


def _stamp(appointment: Appointment, status: AppointmentStatus, now: datetime) -> None:
    appointment.status = status.value
    present = status in rules.PRESENT
    appointment.arrived_at = (appointment.arrived_at or now) if present else None
    appointment.seated_at = now if status is AppointmentStatus.SEATED else None
    appointment.ended_at = None if status in rules.HOLDS_TIME else now

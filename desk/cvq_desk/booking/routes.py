"""What a secretary's programs ask: who, which organisation, for what, when; and how the day goes on."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from cvq_core.clock import local_day
from cvq_core.errors import BadInput, NotFound
from cvq_core.staff import Permission, Scope
from cvq_core.web import Context, Routes
from cvq_desk.booking import service
from cvq_desk.booking.lookup import look_up
from cvq_desk.booking.rules import AppointmentEvent, free_slots, now_choice
from cvq_desk.booking.service import NAME_LENGTH_MAX, Act, Booking
from cvq_desk.booking.store import (
    DayEntry,
    appointments_of_day,
    booked_spans,
    booth_of,
    calendar_of,
    entry_of,
    minutes_for,
    open_alerts,
    organisations,
    reasons,
    town_hall_by_id,
    waiting_at,
)
from cvq_desk.booking.tables import Alert

routes = Routes("/api/v1", tag="booking")
SLOT_DAYS = 21


class PeopleQuery(BaseModel):
    """Name parts and a birth date in any order, or a card's number."""

    query: str = Field(min_length=1, max_length=120)
    birth_date: date | None = None


class MatchOut(BaseModel):
    """Somebody who was found."""

    person_id: UUID
    name: str
    birth_date: date | None
    commune: str
    card_digits: str
    card_trouble: str


class MatchesOut(BaseModel):
    """Who was found; `more` when others were left out, `approximate` when letters differ from what was typed."""

    people: list[MatchOut]
    card_read: bool
    more: bool
    approximate: bool


class ReasonOut(BaseModel):
    """What one can come for; `bring` are the papers, in words."""

    id: UUID
    label: str
    minutes: int
    bring: list[str]


class OrganisationOut(BaseModel):
    """An organisation that can be reached from a booth, and its reasons."""

    id: UUID
    code: str
    name: str
    short_name: str
    reasons: list[ReasonOut]


class OrganisationsOut(BaseModel):
    """All organisations, in their order."""

    items: list[OrganisationOut]


class SlotOut(BaseModel):
    """A free slot."""

    starts_at: datetime
    ends_at: datetime


class SlotsOut(BaseModel):
    """Whether one can come now, and the free slots."""

    now_possible: bool
    wait_minutes: int
    waiting_count: int
    closes_at: datetime | None
    closes_first: bool
    reopens_at: datetime | None
    slots: list[SlotOut]


class BookingIn(BaseModel):
    """A booking. `id` is made by the sender: sent twice, it books once. Without `starts_at` it is for now."""

    id: UUID
    town_hall_id: UUID
    organisation_id: UUID
    reason_id: UUID | None = None
    person_id: UUID | None = None
    name: str = Field(default="", max_length=NAME_LENGTH_MAX)
    birth_date: date | None = None
    starts_at: AwareDatetime | None = None


class AppointmentOut(BaseModel):
    """An appointment as its town hall knows it."""

    id: UUID
    booth_id: UUID
    organisation_id: UUID
    organisation: str
    reason_id: UUID | None
    person_id: UUID | None
    name: str
    birth_date: date | None
    starts_at: datetime
    minutes: int
    walk_in: bool
    status: str
    in_visit: bool
    vouched: bool

    @classmethod
    def of(cls, entry: DayEntry) -> AppointmentOut:
        """Return what the secretary may know of an appointment."""
        appointment = entry.appointment
        return cls(
            id=appointment.id,
            booth_id=appointment.booth_id,
            organisation_id=appointment.organisation_id,
            organisation=entry.organisation.name,
            reason_id=appointment.reason_id,
            person_id=appointment.person_id,
            name=appointment.resident_name,
            birth_date=appointment.resident_birth_date,
            starts_at=appointment.starts_at,
            minutes=appointment.minutes,
            walk_in=appointment.walk_in,
            status=appointment.status,
            in_visit=entry.visit_is_on,
            vouched=appointment.vouched_by is not None,
        )


class AppointmentsOut(BaseModel):
    """A day's appointments, by hour."""

    day: date
    items: list[AppointmentOut]


class EventIn(BaseModel):
    """What the secretary says of an appointment; only an advisor's visit can end in `serve`."""

    event: AppointmentEvent


class MoveIn(BaseModel):
    """Another slot."""

    starts_at: AwareDatetime


class AlertOut(BaseModel):
    """Something that wants a secretary."""

    id: UUID
    booth_id: UUID
    kind: str
    raised_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, alert: Alert) -> AlertOut:
        """Return an alert as programs read it."""
        return cls.model_validate(alert, from_attributes=True)


class AlertsOut(BaseModel):
    """What still wants a secretary, the newest first."""

    items: list[AlertOut]


def act_of(context: Context) -> Act:
    """Return who acts in this request."""
    return Act(db=context.db, principal=context.principal, now=context.now, language=context.language)


def town_hall_in_path(context: Context, permission: Permission) -> UUID:
    """Return the town hall named in the path.

    Raises:
        OutOfScope: it is not the principal's.
    """
    town_hall_id = context.path_id()
    context.require(permission, Scope("town_hall", town_hall_id))
    return town_hall_id


@routes.post("/people/search", access=Permission.SEARCH_PEOPLE, body=PeopleQuery, answer=MatchesOut)
async def search_people(context: Context, body: PeopleQuery) -> MatchesOut:
    """Find people by name and birth date in any order, or by card; the look is written in the journal."""
    found = await look_up(
        context.db,
        body.query,
        actor=context.principal.actor,
        now=context.now,
        birth_date=body.birth_date,
        language=context.language,
    )
    return MatchesOut.model_validate(found, from_attributes=True)


@routes.get("/organisations", access=Permission.BOOK, answer=OrganisationsOut)
async def read_organisations(context: Context) -> OrganisationsOut:
    """Give the organisations that can be reached, with their reasons."""
    all_reasons = await reasons(context.db)
    return OrganisationsOut(
        items=[
            OrganisationOut(
                id=organisation.id,
                code=organisation.code,
                name=organisation.name,
                short_name=organisation.short_name,
                reasons=[
                    ReasonOut.model_validate(reason, from_attributes=True)
                    for reason in all_reasons
                    if reason.organisation_id == organisation.id
                ],
            )
            for organisation in await organisations(context.db)
        ]
    )


@routes.get("/town-halls/{id}/slots", access=Permission.BOOK, answer=SlotsOut)
async def read_slots(context: Context) -> SlotsOut:
    """Give the free slots of a town hall's booth for the three weeks to come; `reason` sets how long they are."""
    booth = await booth_of(context.db, town_hall_in_path(context, Permission.BOOK))
    calendar = await calendar_of(context.db, booth.town_hall_id, context.now)
    minutes = await minutes_for(context.db, _query_id(context, "reason"))
    now = now_choice(calendar, await waiting_at(context.db, booth.id, context.now), minutes, context.now)
    booked = await booked_spans(context.db, booth.id, context.now)
    free = free_slots(calendar, booked, minutes=minutes, now=context.now, days=SLOT_DAYS)
    return SlotsOut(
        now_possible=now.possible,
        wait_minutes=now.wait_minutes,
        waiting_count=now.waiting_count,
        closes_at=now.closes_at,
        closes_first=now.closes_first,
        reopens_at=now.reopens_at,
        slots=[SlotOut(starts_at=slot.starts_at, ends_at=slot.ends_at) for slot in free],
    )


@routes.get("/town-halls/{id}/appointments", access=Permission.SEE_TOWN_HALL, answer=AppointmentsOut)
async def read_appointments(context: Context) -> AppointmentsOut:
    """Give a town hall's appointments of a day (`day`, today without it)."""
    town_hall = await town_hall_by_id(context.db, town_hall_in_path(context, Permission.SEE_TOWN_HALL))
    day = _query_day(context) or local_day(context.now)
    entries = await appointments_of_day(context.db, town_hall.id, day)
    return AppointmentsOut(day=day, items=[AppointmentOut.of(entry) for entry in entries])


@routes.post("/appointments", access=Permission.BOOK, body=BookingIn, answer=AppointmentOut, status=201)
async def book(context: Context, body: BookingIn) -> AppointmentOut:
    """Book an appointment, for now or for a slot."""
    booth = await booth_of(context.db, body.town_hall_id)
    known = body.person_id is not None
    await service.book(
        act_of(context),
        Booking(
            id=body.id,
            booth_id=booth.id,
            organisation_id=body.organisation_id,
            reason_id=body.reason_id,
            person_id=body.person_id,
            name="" if known else " ".join(body.name.split()),
            birth_date=None if known else body.birth_date,
            starts_at=body.starts_at,
        ),
    )
    return await _entry(context, body.id)


@routes.post("/appointments/{id}/events", access=Permission.BOOK, body=EventIn, answer=AppointmentOut)
async def mark(context: Context, body: EventIn) -> AppointmentOut:
    """Say that somebody is expected, arrived, seated or absent, or cancel the appointment."""
    if body.event is AppointmentEvent.SERVE:
        raise BadInput(fields={"event": service.UNKNOWN_CHOICE})
    await service.mark(act_of(context), context.path_id(), body.event)
    return await _entry(context, context.path_id())


@routes.post("/appointments/{id}/move", access=Permission.BOOK, body=MoveIn, answer=AppointmentOut)
async def move(context: Context, body: MoveIn) -> AppointmentOut:
    """Give somebody who has not come yet another slot."""
    await service.move(act_of(context), context.path_id(), body.starts_at)
    return await _entry(context, context.path_id())


@routes.post("/appointments/{id}/vouch", access=Permission.BOOK, answer=AppointmentOut)
async def vouch(context: Context) -> AppointmentOut:
    """Say that the secretary knows the person, or saw their identity paper."""
    await service.vouch(act_of(context), context.path_id())
    return await _entry(context, context.path_id())


@routes.get("/town-halls/{id}/alerts", access=Permission.SEE_TOWN_HALL, answer=AlertsOut)
async def read_alerts(context: Context) -> AlertsOut:
    """Give what still wants a secretary."""
    alerts = await open_alerts(context.db, town_hall_in_path(context, Permission.SEE_TOWN_HALL))
    return AlertsOut(items=[AlertOut.of(alert) for alert in alerts])


@routes.post("/alerts/{id}/settle", access=Permission.SEE_TOWN_HALL, answer=AlertOut)
async def settle(context: Context) -> AlertOut:
    """Say that the secretary takes care of an alert."""
    alert = await service.settle_alert(context.db, context.principal, context.path_id(), context.now)
    return AlertOut.of(alert)


async def guard_town_hall(context: Context, town_hall_id: str) -> None:
    """Let a secretary watch a town hall of theirs."""
    try:
        scope = Scope("town_hall", UUID(town_hall_id))
    except ValueError:
        raise NotFound from None
    context.require(Permission.SEE_TOWN_HALL, scope)


async def _entry(context: Context, appointment_id: UUID) -> AppointmentOut:
    entry, _, _ = await entry_of(context.db, appointment_id)
    return AppointmentOut.of(entry)


def _query_id(context: Context, name: str) -> UUID | None:
    text = context.request.query.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput(fields={name: service.UNKNOWN_CHOICE}) from None


def _query_day(context: Context) -> date | None:
    text = context.request.query.get("day", "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(fields={"day": service.UNKNOWN_CHOICE}) from None

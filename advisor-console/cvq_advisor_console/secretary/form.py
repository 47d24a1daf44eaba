"""The form: who is found, the free slots, the choices; and what a sent form asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from itertools import groupby
from types import MappingProxyType
from uuid import UUID

from pydantic import BaseModel, Field

from cvq_advisor_console.secretary.day import act_on, slip_url
from cvq_advisor_console.secretary.place import Place
from cvq_advisor_console.views.secretary import (
    BookedView,
    BookingView,
    FoundView,
    MovePage,
    NowChoice,
    OrganisationChoice,
    PersonFound,
    ReasonChoice,
    Slot,
    SlotDay,
    WhenView,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.ids import new_id
from cvq_core.people.query import parse_query
from cvq_core.text import hour, long_date
from cvq_desk.booking.lookup import look_up
from cvq_desk.booking.rules import Span, free_slots, now_choice
from cvq_desk.booking.service import NAME_LENGTH_MAX, WHEN, Booking
from cvq_desk.booking.store import (
    DayEntry,
    booked_spans,
    calendar_of,
    closed_because,
    entry_of,
    minutes_for,
    organisations,
    reasons,
    waiting_at,
)
from cvq_desk.booking.tables import Organisation

SLOT_DAYS = 28
DAYS_SHOWN = 3
DAYS_UNFOLDED = 15
NOW = "now"


class BookingForm(BaseModel):
    """What the page sends; everything may be missing, so that the answer can say what is."""

    q: str = Field(default="", max_length=120)
    booking_id: str = Field(default="", max_length=40)
    person_id: str = Field(default="", max_length=40)
    written_name: str = Field(default="", max_length=NAME_LENGTH_MAX)
    written_birth_date: str = Field(default="", max_length=30)
    organisation: str = Field(default="", max_length=40)
    reason: str = Field(default="", max_length=40)
    when: str = Field(default="", max_length=40)


EMPTY = BookingForm()
NO_ERRORS: Mapping[str, str] = MappingProxyType({})


def booking_of(place: Place, form: BookingForm) -> Booking:
    """Return what a sent form asks for.

    Raises:
        BadInput: naming every field that is missing or cannot be right.
    """
    fields: dict[str, str] = {}
    name = " ".join(form.written_name.split())
    birth_date = None
    if not form.person_id and not name:
        fields["person_id"] = N_("Choisissez une personne, ou écrivez son nom.")
    if not form.person_id and form.written_birth_date.strip():
        birth_date = written_date(form.written_birth_date, local_day(place.context.now))
        if birth_date is None:
            fields["written_birth_date"] = N_("Une date est attendue, par exemple 12/05/1941.")
    if not form.organisation:
        fields["organisation"] = N_("Choisissez un organisme.")
    if not form.when:
        fields["when"] = N_("Choisissez « Maintenant » ou un créneau.")
    starts_at = None
    if form.when and form.when != NOW:
        starts_at = slot_begin(form.when)
        if starts_at is None:
            fields["when"] = N_("Ce choix n’existe pas ou n’existe plus.")
    if fields:
        raise BadInput(fields=fields)
    return Booking(
        id=_id("booking_id", form.booking_id) if form.booking_id else new_id(),
        booth_id=place.booth.id,
        organisation_id=_id("organisation", form.organisation),
        reason_id=_id("reason", form.reason) if form.reason else None,
        person_id=_id("person_id", form.person_id) if form.person_id else None,
        name="" if form.person_id else name,
        birth_date=birth_date,
        starts_at=starts_at,
    )


def written_date(text: str, today: date) -> date | None:
    """Return the one birth date that somebody can have meant, None when it is no date or might be another century."""
    birth = parse_query(text, today).birth
    return birth.days[0] if birth is not None and len(birth.days) == 1 else None


def slot_begin(text: str) -> datetime | None:
    """Return the instant that a slot's value names, None when it names none."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _id(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(fields={field: N_("Ce choix n’existe pas ou n’existe plus.")}) from None


def _id_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def booking_view(
    place: Place, form: BookingForm = EMPTY, errors: Mapping[str, str] = NO_ERRORS, *, search: bool = False
) -> BookingView:
    """Return the form, as it was sent where it was; `search` looks its `q` up."""
    return BookingView(
        url=place.url("rendez-vous"),
        booking_id=form.booking_id or str(new_id()),
        found=await found_view(place, form) if search else FoundView(place.url("chercher"), form.q),
        when=await when_view(place, form.organisation, form.reason, form.when),
        organisations=tuple(
            OrganisationChoice(str(one.id), known_as(one), chosen=str(one.id) == form.organisation)
            for one in await organisations(place.context.db)
        ),
        reasons=tuple(
            ReasonChoice(
                str(one.id), str(one.organisation_id), one.label, tuple(one.bring), chosen=str(one.id) == form.reason
            )
            for one in await reasons(place.context.db)
        ),
        written_name=form.written_name,
        written_birth_date=form.written_birth_date,
        errors=errors,
    )


def known_as(organisation: Organisation) -> str:
    """Return what people say, its words behind it: "MSA · Mutualité sociale agricole"."""
    if organisation.short_name in organisation.name:
        return organisation.name
    return f"{organisation.short_name} · {organisation.name}"


async def found_view(place: Place, form: BookingForm) -> FoundView:
    """Look up who comes; somebody who can be nobody else is chosen already."""
    context = place.context
    found = await look_up(context.db, form.q, actor=context.principal.actor, now=context.now, language=context.language)
    sure = len(found.people) == 1 and not found.approximate
    return FoundView(
        search_url=place.url("chercher"),
        query=form.q,
        people=tuple(
            PersonFound(
                id=str(one.person_id),
                name=one.name,
                birth_date=one.birth_date,
                commune=one.commune,
                card_digits=one.card_digits,
                card_trouble=one.card_trouble,
                chosen=str(one.person_id) == form.person_id or (sure and not form.written_name),
            )
            for one in found.people
        ),
        searched=found.searched,
        card_read=found.card_read,
        more=found.more,
        written=bool(form.written_name) and not form.person_id,
    )


async def when_view(place: Place, organisation: str, reason: str, chosen: str) -> WhenView:
    """Return whether one can come now, and the free slots of the next days that have any."""
    url = place.url("fragments/quand")
    if not organisation:
        return WhenView(url, waiting_for=place.say(N_("Choisissez d’abord l’organisme.")))
    db, now = place.context.db, place.context.now
    calendar = await calendar_of(db, place.town_hall.id, now)
    minutes = await minutes_for(db, _id_or_none(reason))
    at_once = now_choice(calendar, await waiting_at(db, place.booth.id, now), minutes, now)
    booked = await booked_spans(db, place.booth.id, now)
    free = free_slots(calendar, booked, minutes=minutes, now=now, days=SLOT_DAYS)
    days = _days(free, now, chosen)
    why_not, warning = "", ""
    if not at_once.possible:
        why_not = await _closed_words(place, about_to_close=calendar.open_at(now) is not None, at=at_once.reopens_at)
    elif at_once.closes_first and at_once.closes_at is not None:
        closing = hour(at_once.closes_at, place.context.language)
        warning = place.say(N_("La mairie ferme à {hour}, peut-être avant la fin de l’entretien."), hour=closing)
    return WhenView(
        url,
        NowChoice(at_once.wait_minutes, at_once.waiting_count, why_not, warning, chosen=chosen in ("", NOW)),
        days=days[:DAYS_SHOWN],
        later=days[DAYS_SHOWN:DAYS_UNFOLDED],
    )


async def move_view(place: Place, entry: DayEntry, error: str = "") -> MovePage:
    """Return the page on which another hour is chosen; the appointment's own time does not stand in its way."""
    appointment = entry.appointment
    db, now = place.context.db, place.context.now
    booked = await booked_spans(db, place.booth.id, now, except_id=appointment.id)
    calendar = await calendar_of(db, place.town_hall.id, now)
    days = _days(free_slots(calendar, booked, minutes=appointment.minutes, now=now, days=SLOT_DAYS), now)
    return MovePage(
        url=f"/mairie/rendez-vous/{appointment.id}/deplacer",
        back_url=place.page_url,
        name=appointment.resident_name,
        organisation=known_as(entry.organisation),
        starts_at=appointment.starts_at,
        when=WhenView("", days=days[:DAYS_SHOWN], later=days[DAYS_SHOWN:DAYS_UNFOLDED]),
        error=error,
    )


def _days(free: list[Span], now: datetime, chosen: str = "") -> tuple[SlotDay, ...]:
    return tuple(
        _slot_day(day, list(slots), chosen, today=day == local_day(now))
        for day, slots in groupby(free, key=lambda slot: local_day(slot.starts_at))
    )


def _slot_day(day: date, slots: list[Span], chosen: str, *, today: bool) -> SlotDay:
    begins = [slot.starts_at for slot in slots]
    return SlotDay(day, tuple(Slot(at.isoformat(), at, chosen=at.isoformat() == chosen) for at in begins), today=today)


async def _closed_words(place: Place, *, about_to_close: bool, at: datetime | None) -> str:
    today = local_day(place.context.now)
    why = await closed_because(place.context.db, place.town_hall.id, today)
    if about_to_close:
        words = place.say(N_("La mairie ferme dans quelques minutes."))
    elif why:
        words = place.say(N_("La mairie est fermée aujourd’hui : {why}."), why=why)
    else:
        words = place.say(N_("La mairie est fermée."))
    if at is None:
        return words
    language = place.context.language
    if local_day(at) == today:
        return f"{words} {place.say(N_('Elle rouvre à {hour}.'), hour=hour(at, language))}"
    when = place.say(WHEN, day=long_date(local_day(at), language, with_year=False), hour=hour(at, language))
    return f"{words} {place.say(N_('Elle rouvre {when}.'), when=when)}"


async def booked_view(place: Place, appointment_id: UUID) -> BookedView | None:
    """Return what was just booked here, with its slip; nothing when it was cancelled since."""
    entry, booth, _town_hall = await entry_of(place.context.db, appointment_id)
    appointment = entry.appointment
    if booth.town_hall_id != place.town_hall.id or appointment.status == "cancelled":
        return None
    return BookedView(
        appointment_id=str(appointment.id),
        name=appointment.resident_name,
        organisation=known_as(entry.organisation),
        starts_at=appointment.starts_at,
        slip_url=slip_url(appointment.id),
        now=appointment.walk_in,
        to_bring=tuple(entry.reason.bring) if entry.reason else (),
        cancel=act_on(appointment.id, "annuler"),
    )

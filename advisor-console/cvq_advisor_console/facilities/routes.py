"""The calendar of a facility, and reserving for somebody who stands at the counter or calls."""

from __future__ import annotations

from datetime import date, datetime, time
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from cvq_advisor_console.cash.amounts import required_cents
from cvq_advisor_console.facilities.fiche import fiche_view
from cvq_advisor_console.facilities.new import new_view
from cvq_advisor_console.facilities.week import URL, monday_of, new_url, week_url, week_view
from cvq_advisor_console.views.cash import PayerFound, PayerSearch
from cvq_advisor_console.views.facilities import CalendarPage, FacilityChoice, NewReservationPage
from cvq_core.clock import local_day
from cvq_core.errors import BadInput
from cvq_core.facilities.bodies import SpanBody
from cvq_core.facilities.refusals import UnknownFacility
from cvq_core.facilities.routes import (
    doing_of,
    facilities_in_reach,
    facility_in_reach,
    held_in_reach,
    require_manager,
    service_scope,
)
from cvq_core.facilities.rules import Span, civil_span
from cvq_core.facilities.service import Wish, accept, cancel, reserve, settle_deposit, wait
from cvq_core.facilities.tables import Facility
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.booking.lookup import look_up

routes = Routes(URL, tag="pages")


class PersonSearch(BaseModel):
    """Who it is for."""

    q: str = Field(default="", max_length=120)


class ReserveForm(BaseModel):
    """A time, a person, and the account that pays ("" is none)."""

    id: UUID
    debut: AwareDatetime
    fin: AwareDatetime
    personne: UUID
    compte: UUID | None = None


class TakeAwayForm(BaseModel):
    """Why the house takes a time away."""

    reason: str = Field(min_length=1, max_length=200)


class DepositForm(BaseModel):
    """What is kept of a deposit, in euros, and why."""

    kept: str = Field(default="", max_length=20)
    reason: str = Field(default="", max_length=200)


@routes.get("", access=Permission.RESERVE)
async def calendar_page(context: Context) -> web.Response:
    """Show a week of a facility: the first one, where none is chosen."""
    found = await facilities_in_reach(context)
    chosen = _chosen(context, found)
    monday = _monday(context)
    choices = tuple(
        FacilityChoice(each.label, each.site, week_url(each, monday), current=chosen is not None and each is chosen)
        for each in found
    )
    manages = chosen is not None and context.principal.may(
        Permission.MANAGE_FACILITIES, await service_scope(context, chosen.service_code)
    )
    week = await week_view(context, chosen, monday) if chosen else None
    manage_url = f"{URL}/{chosen.id}/reglages" if chosen and manages else ""
    new_url = f"{URL}/nouveau-lieu" if context.principal.may(Permission.MANAGE_FACILITIES) else ""
    return context.page("reservations.html", view=CalendarPage(choices, week, manage_url, new_url))


@routes.get("/fragments/semaine", access=Permission.RESERVE)
async def week_fragment(context: Context) -> web.Response:
    """Draw a week anew."""
    chosen = _chosen(context, await facilities_in_reach(context))
    if chosen is None:
        raise UnknownFacility
    return context.page("fragments/reservation_week.html", view=await week_view(context, chosen, _monday(context)))


@routes.get("/{id}/nouvelle", access=Permission.RESERVE)
async def new_page(context: Context) -> web.Response:
    """Ask who a time is for; with a person, who pays; where hours are free, when first."""
    facility = await facility_in_reach(context, context.path_id())
    span, day = _asked_span(context)
    if span is None:
        back = week_url(facility, monday_of(day))
        asked = NewReservationPage(
            facility.label,
            facility.site,
            back,
            hours_url=f"{URL}/{facility.id}/nouvelle",
            day=day.isoformat(),
        )
        return context.page("reservation_new.html", view=asked)
    person_id = _person(context)
    view = await new_view(context, facility, span, person_id, _search(facility, span))
    return context.page("reservation_new.html", view=view)


@routes.post("/{id}/chercher", access=Permission.RESERVE, body=PersonSearch, form=True)
async def search(context: Context, form: PersonSearch) -> web.Response:
    """Look for whoever reserves."""
    facility = await facility_in_reach(context, context.path_id())
    span, _ = _asked_span(context)
    if span is None:
        raise BadInput
    found = await _found(context, facility, span, form.q)
    return context.page("reservation_new.html", view=await new_view(context, facility, span, None, found))


@routes.post("/{id}/fragments/personnes", access=Permission.RESERVE, body=PersonSearch, form=True)
async def people(context: Context, form: PersonSearch) -> web.Response:
    """Look for whoever reserves, while it is typed."""
    facility = await facility_in_reach(context, context.path_id())
    span, _ = _asked_span(context)
    if span is None:
        raise BadInput
    return context.page("fragments/reservation_people.html", view=await _found(context, facility, span, form.q))


@routes.post("/{id}/reserver", access=Permission.RESERVE, body=ReserveForm, form=True)
async def reserve_it(context: Context, form: ReserveForm) -> web.Response:
    """Reserve, and show what was reserved."""
    facility = await facility_in_reach(context, context.path_id())
    made = await reserve(doing_of(context), _wish(facility, form))
    return context.redirect(f"{URL}/fiche/{made.id}")


@routes.post("/{id}/attendre", access=Permission.RESERVE, body=ReserveForm, form=True)
async def wait_for_it(context: Context, form: ReserveForm) -> web.Response:
    """Put somebody on the waiting list, and show it."""
    facility = await facility_in_reach(context, context.path_id())
    made = await wait(doing_of(context), _wish(facility, form))
    return context.redirect(f"{URL}/fiche/{made.id}")


@routes.get("/fiche/{id}", access=Permission.RESERVE)
async def fiche(context: Context) -> web.Response:
    """Show one reservation."""
    held = await held_in_reach(context, context.path_id())
    return context.page("reservation.html", view=await fiche_view(context, held))


@routes.post("/fiche/{id}/prendre", access=Permission.RESERVE)
async def take(context: Context) -> web.Response:
    """Take what was offered."""
    held = await held_in_reach(context, context.path_id())
    await accept(doing_of(context), held.reservation.id)
    return _back(context)


@routes.post("/fiche/{id}/annuler", access=Permission.RESERVE)
async def give_up(context: Context) -> web.Response:
    """Cancel for whoever reserved."""
    held = await held_in_reach(context, context.path_id())
    await cancel(doing_of(context), held.reservation.id)
    return _back(context)


@routes.post("/fiche/{id}/retirer", access=Permission.MANAGE_FACILITIES, body=TakeAwayForm, form=True)
async def take_away(context: Context, form: TakeAwayForm) -> web.Response:
    """Take a time away for the house: all is given back."""
    held = await held_in_reach(context, context.path_id())
    await require_manager(context, held.facility)
    await cancel(doing_of(context), held.reservation.id, reason=form.reason, by_house=True)
    return _back(context)


@routes.post("/fiche/{id}/caution", access=Permission.MANAGE_FACILITIES, body=DepositForm, form=True)
async def deposit(context: Context, form: DepositForm) -> web.Response:
    """Give a deposit back, or keep some of it."""
    held = await held_in_reach(context, context.path_id())
    await require_manager(context, held.facility)
    kept = required_cents("kept", form.kept) if form.kept.strip() else 0
    await settle_deposit(doing_of(context), held.reservation.id, kept_cents=kept, reason=form.reason)
    return _back(context)


def _back(context: Context) -> web.Response:
    return context.redirect(f"{URL}/fiche/{context.path_id()}")


def _wish(facility: Facility, form: ReserveForm) -> Wish:
    span = SpanBody(starts_at=form.debut, ends_at=form.fin).span()
    return Wish(form.id, facility.id, span, form.personne, form.compte)


def _chosen(context: Context, found: list[Facility]) -> Facility | None:
    asked = context.request.query.get("lieu", "")
    return next((each for each in found if str(each.id) == asked), found[0] if found else None)


def _monday(context: Context) -> date:
    try:
        asked = date.fromisoformat(context.request.query.get("semaine", ""))
    except ValueError:
        asked = local_day(context.now)
    near = abs((asked - local_day(context.now)).days) < 3660
    return monday_of(asked if near else local_day(context.now))


def _asked_span(context: Context) -> tuple[Span | None, date]:
    """Return the time that an address names: two instants, or a day with its hours; None while hours are not said."""
    query, today = context.request.query, local_day(context.now)
    try:
        if "jour" in query:
            day = date.fromisoformat(query["jour"])
            if abs((day - today).days) > 3660:
                return None, today
            if "de" not in query or "a" not in query:
                return None, day
            return civil_span(day, time.fromisoformat(query["de"]), time.fromisoformat(query["a"])), day
        begins, ends = (datetime.fromisoformat(query[name]) for name in ("debut", "fin"))
        if begins.tzinfo is None or ends.tzinfo is None or abs((begins.date() - today).days) > 3660:
            return None, today
        if abs((ends.date() - begins.date()).days) > 10:
            return None, today
        return Span(begins, ends), local_day(begins)
    except (KeyError, ValueError):
        return None, today


def _person(context: Context) -> UUID | None:
    try:
        return UUID(context.request.query.get("personne", ""))
    except ValueError:
        return None


def _search(
    facility: Facility, span: Span, typed: str = "", found: tuple[PayerFound, ...] = (), **more: bool
) -> PayerSearch:
    asked = urlencode({"debut": span.starts_at.isoformat(), "fin": span.ends_at.isoformat()})
    return PayerSearch(
        url=f"{URL}/{facility.id}/chercher?{asked}",
        fragment_url=f"{URL}/{facility.id}/fragments/personnes?{asked}",
        query=typed,
        found=found,
        **more,
    )


async def _found(context: Context, facility: Facility, span: Span, typed: str) -> PayerSearch:
    """Return whom a name or a card finds, each with the way to reserving for them."""
    seen = await look_up(context.db, typed, actor=context.principal.actor, now=context.now, language=context.language)
    found = tuple(
        PayerFound(
            name=match.name,
            url=f"{new_url(facility, span)}&personne={match.person_id}",
            family="",
            birth_date=match.birth_date,
            commune=match.commune,
            card_digits=match.card_digits,
        )
        for match in seen.people
    )
    return _search(facility, span, typed, found, searched=seen.searched, more=seen.more)

"""The secretary's page, its regions, and what it asks for.

Every form works without a module of the page: it is then answered by a page or a redirection. A module asks without
`text/html` in its Accept header and gets the regions that changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from aiohttp import web

from cvq_advisor_console.secretary.day import PATHS, health_view, today_view
from cvq_advisor_console.secretary.form import (
    EMPTY,
    BookingForm,
    booked_view,
    booking_of,
    booking_view,
    found_view,
    move_view,
    slot_begin,
    when_view,
)
from cvq_advisor_console.secretary.place import Place, place_of, place_wanted, places
from cvq_advisor_console.views.secretary import SecretaryPage
from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound, Refusal
from cvq_core.offices.store import sub_offices_of
from cvq_core.staff import Permission, Scope
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe, wants_page
from cvq_desk.booking import service
from cvq_desk.booking.routes import act_of
from cvq_desk.booking.rules import AppointmentEvent
from cvq_desk.booking.slip import Slip, slip_pdf
from cvq_desk.booking.store import DayEntry, entry_of
from cvq_desk.booking.tables import Alert

routes = Routes(tag="pages")

EVENTS = {path: event for event, path in PATHS.items()}
CASH_URL = "/caisse"
# The page prints its slip out of a hidden frame; no other site may frame it.
PDF_HEADERS = {"Content-Security-Policy": "frame-ancestors 'self'", "Content-Disposition": "inline"}


@routes.get("/mairie", access=Permission.SEE_TOWN_HALL)
async def page(context: Context) -> web.Response:
    """Show the secretary's page."""
    place = await place_wanted(context)
    booked = context.request.query.get("reserve", "")
    return await _page(place, EMPTY, booked=_id_or_none(booked))


@routes.post("/mairie/{id}/chercher", access=Permission.SEARCH_PEOPLE, body=BookingForm, form=True)
async def search(context: Context, form: BookingForm) -> web.Response:
    """Find who comes; the look is written in the journal."""
    place = await place_of(context, context.path_id(), Permission.SEARCH_PEOPLE)
    if wants_page(context.request):
        return await _page(place, form, search=True)
    return context.page("fragments/found.html", view=await found_view(place, form))


@routes.post("/mairie/{id}/rendez-vous", access=Permission.BOOK, body=BookingForm, form=True)
async def book(context: Context, form: BookingForm) -> web.Response:
    """Book, for now or for a slot; the slip prints from the page that comes."""
    place = await place_of(context, context.path_id(), Permission.BOOK)
    try:
        appointment = await service.book(act_of(context), booking_of(place, form))
    except Refusal as refusal:
        if not wants_page(context.request):
            raise
        return await _again(place, form, refusal)
    if wants_page(context.request):
        return context.redirect(f"{place.page_url}&reserve={appointment.id}")
    view = await _view(place, EMPTY, booked=appointment.id)
    return context.page("fragments/after_booking.html", view=view)


@routes.post("/mairie/rendez-vous/{id}/atteste", access=Permission.BOOK, form=True)
async def vouch(context: Context) -> web.Response:
    """Say that the secretary knows the person, or saw their identity paper."""
    await service.vouch(act_of(context), context.path_id())
    return await _after_mark(context)


@routes.get("/mairie/rendez-vous/{id}/deplacer", access=Permission.BOOK)
async def move_page(context: Context) -> web.Response:
    """Show the page on which another hour is chosen."""
    place, entry = await _entry(context)
    return context.page("move.html", view=await move_view(place, entry))


@routes.post("/mairie/rendez-vous/{id}/deplacer", access=Permission.BOOK, body=BookingForm, form=True)
async def move(context: Context, form: BookingForm) -> web.Response:
    """Give somebody another hour, and print the new slip."""
    place, entry = await _entry(context)
    starts_at = slot_begin(form.when)
    if starts_at is None:
        error = context._(N_("Choisissez un créneau."))
        return context.page("move.html", view=await move_view(place, entry, error), status=422)
    try:
        await service.move(act_of(context), context.path_id(), starts_at)
    except Refusal as refusal:
        problem = describe(refusal, context.words)
        context.journal("appointment-moved", outcome="refused", personal={"slug": refusal.slug})
        error = f"{problem['title']} {problem['detail']}".strip()
        return context.page("move.html", view=await move_view(place, entry, error), status=refusal.status)
    return context.redirect(f"{place.page_url}&reserve={context.path_id()}")


@routes.post("/mairie/rendez-vous/{id}/{event}", access=Permission.BOOK, form=True)
async def mark(context: Context) -> web.Response:
    """Say that somebody is expected, arrived, seated or absent, or cancel the appointment."""
    event = EVENTS.get(context.request.match_info["event"])
    if event is None:
        raise NotFound
    await service.mark(act_of(context), context.path_id(), event)
    return await _after_mark(context)


@routes.get("/mairie/rendez-vous/{id}/bulletin.pdf", access=Permission.SEE_TOWN_HALL)
async def slip(context: Context) -> web.Response:
    """Give the slip: where, when, with whom, what to bring; never why."""
    entry, _booth, town_hall = await entry_of(context.db, context.path_id())
    context.require(Permission.SEE_TOWN_HALL, Scope("town_hall", town_hall.id))
    organisation = entry.organisation
    in_full = organisation.name if organisation.short_name in organisation.name else ""
    paper = Slip(
        place=town_hall.name,
        address=town_hall.address,
        starts_at=entry.appointment.starts_at,
        organisation=in_full or f"{organisation.name} ({organisation.short_name})",
        bring=tuple(entry.reason.bring) if entry.reason else (),
        phone=town_hall.phone,
        # The resident's language, as far as we know it: that of the town hall, not of the secretary's browser.
        language=context.services.settings.language,
    )
    return web.Response(
        body=await asyncio.to_thread(slip_pdf, paper), content_type="application/pdf", headers=PDF_HEADERS
    )


@routes.post("/mairie/alertes/{id}/vu", access=Permission.SEE_TOWN_HALL, form=True)
async def settle(context: Context) -> web.Response:
    """Say that the secretary takes care of an alert."""
    alert: Alert = await service.settle_alert(context.db, context.principal, context.path_id(), context.now)
    place = await place_of(context, alert.town_hall_id)
    if wants_page(context.request):
        return context.redirect(place.page_url)
    return context.page("fragments/booth_health.html", view=await health_view(place))


async def _when_fragment(place: Place) -> Any:
    query = place.context.request.query
    return await when_view(place, query.get("organisation", ""), query.get("reason", ""), query.get("when", ""))


FRAGMENTS: dict[str, tuple[str, Callable[[Place], Awaitable[Any]]]] = {
    "jour": ("today", today_view),
    "guichet": ("booth_health", health_view),
    "quand": ("when", _when_fragment),
}


@routes.get("/mairie/{id}/fragments/{name}", access=Permission.SEE_TOWN_HALL)
async def fragment(context: Context) -> web.Response:
    """Draw one region anew."""
    found = FRAGMENTS.get(context.request.match_info["name"])
    if found is None:
        raise NotFound
    template, draw = found
    return context.page(f"fragments/{template}.html", view=await draw(await place_of(context, context.path_id())))


async def _view(place: Place, form: BookingForm, *, booked: UUID | None = None, **options: Any) -> SecretaryPage:
    context = place.context
    assert context.principal.id is not None
    sub_offices = await sub_offices_of(context.db, context.principal.id, local_day(context.now))
    return SecretaryPage(
        place=place.town_hall.name,
        booking=await booking_view(place, form, **options),
        today=await today_view(place),
        booth=await health_view(place),
        booked=await booked_view(place, booked) if booked else None,
        cash_url=CASH_URL if sub_offices else "",
        places=await places(place),
    )


async def _page(place: Place, form: BookingForm, *, status: int = 200, **options: Any) -> web.Response:
    view = await _view(place, form, **options)
    return place.context.page("secretary.html", view=view, status=status)


async def _again(place: Place, form: BookingForm, refusal: Refusal) -> web.Response:
    """Show the form as it was sent, with what is wrong beside its field. Nothing was written before the refusal."""
    problem = describe(refusal, place.context.words)
    errors = problem.get("fields") or {}
    if not errors:
        field = "person_id" if refusal.slug in ("already-expected", "unknown-person") else "when"
        errors = {field: f"{problem['title']} {problem['detail']}".strip()}
    place.context.journal("appointment-booked", outcome="refused", personal={"slug": refusal.slug})
    return await _page(place, form, status=refusal.status, search=bool(form.q), errors=errors)


async def _entry(context: Context) -> tuple[Place, DayEntry]:
    """Return the appointment in the path, and its town hall, which must be the person's."""
    entry, _booth, town_hall = await entry_of(context.db, context.path_id())
    return await place_of(context, town_hall.id, Permission.BOOK), entry


async def _after_mark(context: Context) -> web.Response:
    _entry, _booth, town_hall = await entry_of(context.db, context.path_id())
    place = await place_of(context, town_hall.id)
    if wants_page(context.request):
        return context.redirect(place.page_url)
    cancelled = context.request.match_info.get("event") == PATHS[AppointmentEvent.CANCEL]
    return context.page("fragments/after_mark.html", view=await today_view(place), cancelled=cancelled)


def _id_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

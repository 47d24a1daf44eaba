"""Facilities and reservations over HTTP: for whoever reserves for people, and for whoever manages the place."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from aiohttp import web
from sqlalchemy import select

from cvq_core.access.tables import AccessPoint
from cvq_core.clock import local_day
from cvq_core.facilities.bodies import (
    CancelBody,
    ClosureBody,
    ClosureOut,
    DaysOut,
    DepositBody,
    DoorsBody,
    FacilitiesOut,
    FacilityBody,
    QuoteOut,
    ReservationOut,
    ReservationsOut,
    SettingsOut,
    TermsBody,
    WishBody,
    days_out,
    facility_out,
)
from cvq_core.facilities.calendar import days_of
from cvq_core.facilities.calendar_file import MEDIA_TYPE
from cvq_core.facilities.manage import (
    NewFacility,
    add_facility,
    close_facility,
    lift_closure,
    renew_feed,
    set_doors,
    set_terms,
)
from cvq_core.facilities.papers import feed_of, ics_of, slip_of
from cvq_core.facilities.refusals import UnknownClosure
from cvq_core.facilities.rules import Span
from cvq_core.facilities.service import Doing, accept, cancel, check_wish, reserve, settle_deposit, wait
from cvq_core.facilities.store import (
    Held,
    all_facilities,
    closures_to_come,
    facility_by_feed,
    facility_by_id,
    points_of,
    reservation_by_id,
    reservations_between,
    reservations_of,
    terms_on,
)
from cvq_core.facilities.tables import Facility, FacilityClosure
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Permission, Role, Scope
from cvq_core.tariffs.words import kept_reasons
from cvq_core.web import PUBLIC, Context, Routes

routes = Routes("/api/v1", tag="facilities")
FEED_URL = "/agenda/{token}.ics"


def doing_of(context: Context) -> Doing:
    """Return who does what in a request."""
    return Doing(context.db, context.services.settings, context.principal.actor, context.now)


async def service_scope(context: Context, service: ServiceCode) -> Scope:
    """Return a service as the scope of grants."""
    return Scope("service", (await context.db.get_one(Service, service)).id)


async def require_reach(context: Context, facility: Facility) -> None:
    """Refuse whoever may not reserve here: a secretary may anywhere, who manages a service at their own.

    Raises:
        OutOfScope
    """
    if any(grant.role is Role.SECRETARY for grant in context.principal.grants):
        return
    context.require(Permission.RESERVE, await service_scope(context, facility.service_code))


async def require_manager(context: Context, facility: Facility) -> None:
    """Refuse whoever does not manage the facility's service.

    Raises:
        Forbidden, OutOfScope
    """
    context.require(Permission.MANAGE_FACILITIES, await service_scope(context, facility.service_code))


async def facility_in_reach(context: Context, facility_id: UUID) -> Facility:
    """Return a facility at which the principal may reserve.

    Raises:
        UnknownFacility, OutOfScope
    """
    facility = await facility_by_id(context.db, facility_id)
    await require_reach(context, facility)
    return facility


async def held_in_reach(context: Context, reservation_id: UUID) -> Held:
    """Return a reservation of a facility at which the principal may reserve.

    Raises:
        UnknownReservation, OutOfScope
    """
    held = await reservation_by_id(context.db, reservation_id)
    await require_reach(context, held.facility)
    return held


async def facilities_in_reach(context: Context) -> list[Facility]:
    """Return the facilities at which the principal may reserve, by service and name."""
    found = await all_facilities(context.db)
    if any(grant.role is Role.SECRETARY for grant in context.principal.grants):
        return found
    scopes = {code: await service_scope(context, code) for code in {each.service_code for each in found}}
    return [each for each in found if context.principal.may(Permission.RESERVE, scopes[each.service_code])]


async def guard_facility(context: Context, facility_id: str) -> None:
    """Let only those watch a facility's calendar who may reserve there."""
    await facility_in_reach(context, UUID(facility_id))


async def require_doors(context: Context, asked: Collection[UUID], facility_id: UUID) -> None:
    """Refuse whoever would have a facility open doors of services whose access they do not manage.

    Doors that it opens already stay: who put them there might.

    Raises:
        Forbidden, OutOfScope
    """
    own = {point.id for point in await points_of(context.db, facility_id)}
    services = await context.db.scalars(
        select(AccessPoint.service_code).where(AccessPoint.id.in_(set(asked) - own)).distinct()
    )
    for service in services.all():
        context.require(Permission.MANAGE_ACCESS, await service_scope(context, service))


@routes.get("/facilities", access=Permission.RESERVE, answer=FacilitiesOut)
async def list_facilities(context: Context) -> FacilitiesOut:
    """List what the principal may reserve for people."""
    return FacilitiesOut(items=[facility_out(each) for each in await facilities_in_reach(context)])


@routes.post("/facilities", access=Permission.MANAGE_FACILITIES, body=FacilityBody, answer=SettingsOut, status=201)
async def make_facility(context: Context, body: FacilityBody) -> SettingsOut:
    """Make a facility of a service that the principal manages."""
    context.require(Permission.MANAGE_FACILITIES, await service_scope(context, body.service))
    await require_doors(context, body.point_ids, body.id)
    asked = NewFacility(
        body.id, body.code, body.label, body.service, body.site, body.address, tuple(set(body.point_ids))
    )
    facility = await add_facility(doing_of(context), asked, body.terms_id, body.terms)
    return await _settings(context, facility)


@routes.get("/facilities/{id}", access=Permission.MANAGE_FACILITIES, answer=SettingsOut)
async def read_facility(context: Context) -> SettingsOut:
    """Show how a facility is reserved."""
    return await _settings(context, await _managed(context))


@routes.post("/facilities/{id}/terms", access=Permission.MANAGE_FACILITIES, body=TermsBody, answer=SettingsOut)
async def write_terms(context: Context, body: TermsBody) -> SettingsOut:
    """Write how a facility is reserved from a day on."""
    facility = await _managed(context)
    await set_terms(doing_of(context), body.id, facility.id, valid_from=body.valid_from, terms=body.terms)
    return await _settings(context, facility)


@routes.put("/facilities/{id}/doors", access=Permission.MANAGE_FACILITIES, body=DoorsBody, answer=SettingsOut)
async def write_doors(context: Context, body: DoorsBody) -> SettingsOut:
    """Say which doors a reservation opens."""
    facility = await _managed(context)
    await require_doors(context, body.point_ids, facility.id)
    await set_doors(doing_of(context), facility.id, set(body.point_ids))
    return await _settings(context, facility)


@routes.post("/facilities/{id}/calendar-link", access=Permission.MANAGE_FACILITIES, answer=SettingsOut)
async def write_link(context: Context) -> SettingsOut:
    """Give the calendar another link; the former one shows nothing any more."""
    facility = await _managed(context)
    return await _settings(context, await renew_feed(doing_of(context), facility.id))


@routes.get("/facilities/{id}/days", access=Permission.RESERVE, answer=DaysOut)
async def list_days(context: Context) -> DaysOut:
    """Show some days (`from`, `days`): what is free, taken or closed; nobody is named."""
    facility = await facility_in_reach(context, context.path_id())
    first, days = asked_days(context)
    found = await days_of(context.db, facility.id, first, days, now=context.now)
    return days_out(found)


@routes.get("/facilities/{id}/reservations", access=Permission.RESERVE, answer=ReservationsOut)
async def list_reservations(context: Context) -> ReservationsOut:
    """Show who has which time in some days (`from`, `days`)."""
    facility = await facility_in_reach(context, context.path_id())
    first, days = asked_days(context)
    found = [held for day in await days_of(context.db, facility.id, first, days, now=context.now) for held in day.held]
    unique = {held.reservation.id: held for held in found}
    return ReservationsOut(items=[ReservationOut.of(held) for held in unique.values()])


@routes.get("/people/{id}/reservations", access=Permission.RESERVE, answer=ReservationsOut)
async def list_of_person(context: Context) -> ReservationsOut:
    """Show a person's reservations to come, at the facilities within reach."""
    within = {each.id for each in await facilities_in_reach(context)}
    found = await reservations_of(context.db, person_id=context.path_id(), since=context.now)
    return ReservationsOut(items=[ReservationOut.of(held) for held in found if held.facility.id in within])


@routes.post("/reservations/quote", access=Permission.RESERVE, body=WishBody, answer=QuoteOut)
async def quote_reservation(context: Context, body: WishBody) -> QuoteOut:
    """Say what a reservation would cost, and change nothing."""
    await facility_in_reach(context, body.facility_id)
    allowed = await check_wish(doing_of(context), body.wish())
    return QuoteOut(
        booker_kind=allowed.rule.who,
        price_cents=allowed.cost.price_cents,
        deposit_cents=allowed.cost.deposit_cents,
        why=kept_reasons(allowed.cost.why, context._, context.language, with_quotient=False),
    )


@routes.post("/reservations", access=Permission.RESERVE, body=WishBody, answer=ReservationOut, status=201)
async def make_reservation(context: Context, body: WishBody) -> ReservationOut:
    """Reserve a time for a person, or put them on its waiting list."""
    await facility_in_reach(context, body.facility_id)
    made = await (wait if body.wait else reserve)(doing_of(context), body.wish())
    return await _out(context, made.id)


@routes.get("/reservations/{id}", access=Permission.RESERVE, answer=ReservationOut)
async def read_reservation(context: Context) -> ReservationOut:
    """Show one reservation."""
    return ReservationOut.of(await held_in_reach(context, context.path_id()))


@routes.post("/reservations/{id}/accept", access=Permission.RESERVE, answer=ReservationOut)
async def accept_reservation(context: Context) -> ReservationOut:
    """Take a time that was offered to somebody who waited."""
    held = await held_in_reach(context, context.path_id())
    await accept(doing_of(context), held.reservation.id)
    return await _out(context, held.reservation.id)


@routes.post("/reservations/{id}/cancel", access=Permission.RESERVE, body=CancelBody, answer=ReservationOut)
async def cancel_reservation(context: Context, body: CancelBody) -> ReservationOut:
    """Give a time up; only the manager takes one away for the house."""
    held = await held_in_reach(context, context.path_id())
    if body.by_house:
        await require_manager(context, held.facility)
    await cancel(doing_of(context), held.reservation.id, reason=body.reason, by_house=body.by_house)
    return await _out(context, held.reservation.id)


@routes.post("/reservations/{id}/deposit", access=Permission.MANAGE_FACILITIES, body=DepositBody, answer=ReservationOut)
async def settle(context: Context, body: DepositBody) -> ReservationOut:
    """Give a deposit back, or keep some of it for a reason."""
    held = await held_in_reach(context, context.path_id())
    await require_manager(context, held.facility)
    await settle_deposit(doing_of(context), held.reservation.id, kept_cents=body.kept_cents, reason=body.reason)
    return await _out(context, held.reservation.id)


@routes.get("/reservations/{id}/slip.pdf", access=Permission.RESERVE)
async def slip(context: Context) -> web.Response:
    """Print what, when, where and how the door opens."""
    held = await held_in_reach(context, context.path_id())
    body = await slip_of(context.db, held, language=context.language)
    return web.Response(body=body, content_type="application/pdf")


@routes.get("/reservations/{id}/calendar.ics", access=Permission.RESERVE)
async def calendar(context: Context) -> web.Response:
    """Give a reservation as a calendar entry."""
    held = await held_in_reach(context, context.path_id())
    body = await ics_of(context.db, held, now=context.now, language=context.language)
    return web.Response(
        body=body,
        content_type=MEDIA_TYPE,
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="reservation.ics"'},
    )


@routes.post(
    "/facilities/{id}/closures/preview", access=Permission.MANAGE_FACILITIES, body=ClosureBody, answer=ReservationsOut
)
async def preview_closure(context: Context, body: ClosureBody) -> ReservationsOut:
    """Show what a closure would take away, and change nothing."""
    facility = await _managed(context)
    span = body.span()
    found = await reservations_between(context.db, facility.id, Span(max(span.starts_at, context.now), span.ends_at))
    return ReservationsOut(items=[ReservationOut.of(each) for each in found])


@routes.post(
    "/facilities/{id}/closures", access=Permission.MANAGE_FACILITIES, body=ClosureBody, answer=ClosureOut, status=201
)
async def make_closure(context: Context, body: ClosureBody) -> ClosureOut:
    """Close a facility for a time: what is reserved in it is cancelled, told, and given back whole."""
    facility = await _managed(context)
    closure = await close_facility(doing_of(context), body.id, facility.id, body.span(), body.reason)
    return ClosureOut.of(closure)


@routes.post("/closures/{id}/lift", access=Permission.MANAGE_FACILITIES, answer=ClosureOut)
async def lift(context: Context) -> ClosureOut:
    """Open a facility again before its closure is over."""
    closure = await context.db.get(FacilityClosure, context.path_id())
    if closure is None:
        raise UnknownClosure
    await require_manager(context, await facility_by_id(context.db, closure.facility_id))
    return ClosureOut.of(await lift_closure(doing_of(context), closure.id))


feed_routes = Routes(tag="pages")


@feed_routes.get(FEED_URL, access=PUBLIC)
async def feed(context: Context) -> web.Response:
    """Give a facility's calendar to whoever has its link: times, and nobody's name."""
    facility = await facility_by_feed(context.db, context.request.match_info["token"])
    language = context.services.settings.language
    body = await feed_of(context.db, facility, now=context.now, language=language)
    return web.Response(body=body, content_type=MEDIA_TYPE, charset="utf-8")


def asked_days(context: Context) -> tuple[date, int]:
    """Return the days that an address asks for: a week from today where it says nothing readable."""
    query = context.request.query
    try:
        first = date.fromisoformat(query.get("from", ""))
    except ValueError:
        first = local_day(context.now)
    days = query.get("days", "7")
    near = abs(first - local_day(context.now)) < timedelta(days=3660)
    wanted = int(days) if days.isascii() and days.isdigit() and len(days) <= 3 else 7
    return (first if near else local_day(context.now)), wanted


async def _managed(context: Context) -> Facility:
    facility = await facility_by_id(context.db, context.path_id())
    await require_manager(context, facility)
    return facility


async def _out(context: Context, reservation_id: UUID) -> ReservationOut:
    return ReservationOut.of(await reservation_by_id(context.db, reservation_id))


async def _settings(context: Context, facility: Facility) -> SettingsOut:
    held = await terms_on(context.db, facility.id, local_day(context.now))
    base = str(context.services.settings.public_url).rstrip("/")
    return SettingsOut(
        **facility_out(facility).model_dump(),
        valid_from=held.valid_from,
        terms=held.terms,
        point_ids=[point.id for point in await points_of(context.db, facility.id)],
        closures=[ClosureOut.of(each) for each in await closures_to_come(context.db, facility.id, context.now)],
        calendar_url=base + FEED_URL.format(token=facility.feed_token),
    )

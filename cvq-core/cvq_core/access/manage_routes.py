"""Access points, areas, rights and conflicts over HTTP, for the managers of their services."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from cvq_core.access.conflicts import CONFLICT_WORDS, conflict_by_id, open_conflicts, settle_conflict
from cvq_core.access.events import latest_events
from cvq_core.access.explain import explain
from cvq_core.access.lent import at_two_sites
from cvq_core.access.manage import (
    AreaNow,
    change_area,
    change_point,
    create_area,
    create_point,
    gauges,
    point_by_id,
    points_listed,
    recent_taps,
    set_inside,
    set_mode,
)
from cvq_core.access.manage_bodies import (
    AreaBody,
    AreaOut,
    AreasOut,
    ConflictOut,
    ConflictsOut,
    EndedOut,
    EventOut,
    EventsOut,
    ExplainBody,
    ExplanationOut,
    InsideBody,
    LentOut,
    ModeBody,
    NewAreaBody,
    NewPointBody,
    PointOut,
    PointsOut,
    RecentTapOut,
    RecentTapsOut,
    RightBody,
    RightOut,
    SettingsBody,
    SettleBody,
    SettledOut,
    TwoSitesOut,
)
from cvq_core.access.store import end_right, give_right
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.cards.store import find_card
from cvq_core.errors import NotFound
from cvq_core.people.store import family_account_by_id, person_by_id
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Permission, Scope
from cvq_core.web import Context, Routes

routes = Routes("/api/v1/access", tag="access")
MANAGE = Permission.MANAGE_ACCESS
SHOWN = timedelta(days=1)
LENT_SHOWN = timedelta(days=7)


@routes.get("/services/{service}/points", access=MANAGE, answer=PointsOut)
async def points(context: Context) -> PointsOut:
    """List the access points of a service with their settings."""
    found = await points_listed(context.db, [await _own(context, context.request.match_info["service"])])
    return PointsOut(items=[PointOut.model_validate(each) for each in found])


@routes.post("/points", access=MANAGE, body=NewPointBody, answer=PointOut, status=201)
async def new_point(context: Context, body: NewPointBody) -> PointOut:
    """Add an access point."""
    service = await _own(context, body.service)
    if body.area_id is not None:
        await _own_area(context, body.area_id)
    point = await create_point(
        context.db, body.id, code=body.code, kind=body.kind, service=service, settings=body.changes(), now=context.now
    )
    await context.journal_once("access-point-made", body.id, subject=("access_point", body.id))
    return PointOut.model_validate(point)


@routes.put("/points/{id}", access=MANAGE, body=SettingsBody, answer=PointOut)
async def set_point(context: Context, body: SettingsBody) -> PointOut:
    """Set some of a point's settings."""
    point = await _own_point(context, context.path_id())
    if body.area_id is not None:
        await _own_area(context, body.area_id)
    changed = await change_point(context.db, point.id, body.changes(), now=context.now)
    if changed:
        personal = {"settings": ", ".join(changed)}
        context.journal("access-point-changed", subject=("access_point", point.id), personal=personal)
    return PointOut.model_validate(point)


@routes.post("/modes", access=MANAGE, body=ModeBody, answer=PointsOut)
async def mode(context: Context, body: ModeBody) -> PointsOut:
    """Open some points to all, lock them, or let rights decide again."""
    for point_id in body.points:
        await _own_point(context, point_id)
    changed = await set_mode(context.db, body.points, body.mode, now=context.now)
    for point in changed:
        personal = {"mode": body.mode.value, "reason": body.reason}
        context.journal("access-mode-set", subject=("access_point", point.id), personal=personal)
    return PointsOut(items=[PointOut.model_validate(each) for each in changed])


@routes.get("/points/{id}/taps", access=MANAGE, answer=RecentTapsOut)
async def taps(context: Context) -> RecentTapsOut:
    """List what was presented at a point since yesterday, the latest first."""
    point = await _own_point(context, context.path_id())
    found = await recent_taps(context.db, point.id, since=context.now - SHOWN)
    await _note_seen(context, ("access_point", point.id))
    return RecentTapsOut(
        items=[
            RecentTapOut(
                id=each.tap.id,
                person=each.person,
                tapped_at=each.tap.tapped_at,
                allowed=each.tap.allowed,
                reason=each.tap.reason,
                display_short=each.tap.display_short,
                assurance=each.tap.assurance,
                offline=each.tap.offline,
            )
            for each in found
        ]
    )


@routes.post("/areas", access=MANAGE, body=NewAreaBody, answer=AreaOut, status=201)
async def new_area(context: Context, body: NewAreaBody) -> AreaOut:
    """Add an area that counts who is inside."""
    area = await create_area(
        context.db, body.id, code=body.code, label=body.label, capacity=body.capacity, closes_at=body.closes_at
    )
    await context.journal_once("access-area-made", body.id, subject=("access_area", body.id))
    return _area(AreaNow(area, 0))


@routes.put("/areas/{id}", access=MANAGE, body=AreaBody, answer=AreaOut)
async def set_area(context: Context, body: AreaBody) -> AreaOut:
    """Set an area's name, how many it holds and when it closes."""
    area_id = await _own_area(context, context.path_id())
    area = await change_area(
        context.db, area_id, label=body.label, capacity=body.capacity, closes_at=body.closes_at, now=context.now
    )
    context.journal("access-area-changed", subject=("access_area", area_id))
    return _area(AreaNow(area, area.inside))


@routes.post("/areas/{id}/inside", access=MANAGE, body=InsideBody, answer=AreaOut)
async def inside(context: Context, body: InsideBody) -> AreaOut:
    """Set how many are inside an area: somebody counted them."""
    area_id = await _own_area(context, context.path_id())
    context.journal("access-area-counted", subject=("access_area", area_id), personal={"inside": body.inside})
    return _area(await set_inside(context.db, area_id, body.inside, now=context.now))


@routes.get("/services/{service}/gauges", access=MANAGE, answer=AreasOut)
async def areas(context: Context) -> AreasOut:
    """Say how many are inside each area of a service."""
    service = await _own(context, context.request.match_info["service"])
    return AreasOut(items=[_area(each) for each in await gauges(context.db, [service], now=context.now)])


@routes.post("/rights", access=MANAGE, body=RightBody, answer=RightOut, status=201)
async def new_right(context: Context, body: RightBody) -> RightOut:
    """Give a person, or everybody of an account, a right to pass."""
    service = await _own(context, body.service)
    if body.point_id is not None:
        await _own_point(context, body.point_id)
    if body.person_id is not None:
        await person_by_id(context.db, body.person_id)
    elif body.account_id is not None:
        await family_account_by_id(context.db, body.account_id)
    right = await give_right(
        context.db,
        body.id,
        kind=body.kind,
        service=service,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        person_id=body.person_id,
        account_id=body.account_id,
        point_id=body.point_id,
        site=body.site,
        entries_left=body.entries,
        weekdays=body.weekdays,
        opens_at=body.opens_at,
        closes_at=body.closes_at,
        on_holidays=body.on_holidays,
        now=context.now,
    )
    holder = ("person", body.person_id) if body.person_id else ("right", body.id)
    await context.journal_once("right-given", body.id, subject=holder, account_id=body.account_id)
    return RightOut.model_validate(right)


@routes.post("/rights/{id}/end", access=MANAGE, answer=EndedOut)
async def stop_right(context: Context) -> EndedOut:
    """Let a right hold no more from now on."""
    right = await context.db.get(Entitlement, context.path_id())
    if right is None:
        return EndedOut(ended=False)
    await _own(context, right.service_code)
    holder = ("person", right.person_id) if right.person_id else ("right", right.id)
    account_id, ended = right.account_id, await end_right(context.db, right.id, now=context.now)
    if ended:
        context.journal("right-ended", subject=holder, account_id=account_id)
    return EndedOut(ended=ended)


@routes.post("/explain", access=MANAGE, body=ExplainBody, answer=ExplanationOut)
async def why(context: Context, body: ExplainBody) -> ExplanationOut:
    """Say what a point would answer to a card or a person, and why; no tap is written, and that one looked is."""
    point = await _own_point(context, body.point_id)
    uid = body.card_uid
    if body.card_number is not None:
        uid = (await find_card(context.db, number=body.card_number)).uid
    elif uid is not None:
        uid = (await find_card(context.db, uid=uid)).uid
    found = await explain(
        context.db,
        point_id=point.id,
        card_uid=uid,
        person_id=body.person_id,
        at=body.at or context.now,
        now=context.now,
        assurance=body.assurance,
        language=context.language,
    )
    context.journal("access-explained", subject=("person", found.person_id))
    return ExplanationOut(
        person_id=found.person_id,
        person=found.person,
        allowed=found.allowed,
        reason=found.decision.reason,
        display_short=found.display.short,
        display_long=found.display.long,
        sentences=list(found.sentences),
    )


@routes.get("/services/{service}/conflicts", access=MANAGE, answer=ConflictsOut)
async def conflicts(context: Context) -> ConflictsOut:
    """List what late taps of a service showed and nobody has settled."""
    service = await _own(context, context.request.match_info["service"])
    return ConflictsOut(
        items=[
            ConflictOut(
                id=each.conflict.id,
                kind=each.conflict.kind,
                words=context.words.gettext(CONFLICT_WORDS[each.conflict.kind]),
                point=each.point,
                person=each.person,
                account=each.account,
                day=each.conflict.day,
                tapped_at=each.at,
                door_allowed=each.conflict.door_allowed,
                core_reason=each.conflict.core_reason,
                amount_cents=each.conflict.amount_cents,
                was_charged=each.conflict.transaction_id is not None,
            )
            for each in await open_conflicts(context.db, service)
        ]
    )


@routes.post("/conflicts/{id}/settle", access=MANAGE, body=SettleBody, answer=SettledOut)
async def settle(context: Context, body: SettleBody) -> SettledOut:
    """Bill what a conflict left unpaid, give it up, or pay back what was taken for nothing."""
    conflict = await conflict_by_id(context.db, context.path_id())
    await _own(context, conflict.service_code)
    assert context.principal.id is not None, "only staff manage access"
    settled = await settle_conflict(
        context.db, conflict.id, body.outcome, reason=body.reason, staff_id=context.principal.id, now=context.now
    )
    await context.journal_once(
        "tap-conflict-settled",
        conflict.id,
        subject=("tap_conflict", conflict.id),
        account_id=conflict.account_id,
        personal={"outcome": body.outcome.value, "reason": body.reason},
    )
    return SettledOut.model_validate(settled)


@routes.get("/services/{service}/events", access=MANAGE, answer=EventsOut)
async def events(context: Context) -> EventsOut:
    """List what the doors of a service said of themselves since yesterday."""
    service = await _own(context, context.request.match_info["service"])
    return EventsOut(
        items=[
            EventOut(
                id=each.event.id,
                point=each.point,
                kind=each.event.kind,
                happened_at=each.event.happened_at,
                detail=each.event.detail,
            )
            for each in await latest_events(context.db, service, since=context.now - SHOWN)
        ]
    )


@routes.get("/services/{service}/two-sites", access=MANAGE, answer=LentOut)
async def two_sites(context: Context) -> LentOut:
    """List the cards that passed at two sites within minutes, this week."""
    service = await _own(context, context.request.match_info["service"])
    found = await at_two_sites(context.db, service, since=context.now - LENT_SHOWN)
    service_id = await context.db.scalar(select(Service.id).where(Service.code == service))
    await _note_seen(context, ("service", service_id))
    return LentOut(items=[TwoSitesOut.model_validate(each) for each in found])


async def _note_seen(context: Context, subject: tuple[str, UUID | None]) -> None:
    """Write down that somebody read who passed."""
    async with context.acting() as writing:
        writing.journal("access-taps-seen", subject=subject)


def _area(found: AreaNow) -> AreaOut:
    area = found.area
    return AreaOut(
        id=area.id,
        code=area.code,
        label=area.label,
        capacity=area.capacity,
        closes_at=area.closes_at,
        inside=found.inside,
    )


async def _own(context: Context, code: str) -> ServiceCode:
    """Return a service that whoever asks manages.

    Raises:
        NotFound: the territory does not have it.
        OutOfScope: it is somebody else's.
    """
    service: Service | None = await context.db.scalar(select(Service).where(Service.code == code))
    if service is None:
        raise NotFound
    context.require(MANAGE, Scope("service", service.id))
    return service.code


async def _own_point(context: Context, point_id: UUID) -> AccessPoint:
    point = await point_by_id(context.db, point_id)
    await _own(context, point.service_code)
    return point


async def _own_area(context: Context, area_id: UUID) -> UUID:
    """Return an area all of whose points are of services that whoever asks manages."""
    services: Collection[ServiceCode] = set(
        await context.db.scalars(select(AccessPoint.service_code).where(AccessPoint.area_id == area_id))
    )
    for service in services:
        await _own(context, service)
    return area_id

"""The pages of doors over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.access.pages import URL, access_now, conflict_rows, point_page, taps_now, two_sites
from cvq_advisor_console.access.scope import chosen_service, managed_services, own_point
from cvq_advisor_console.views.access import AccessPage, Found, TryForm
from cvq_advisor_console.views.books import Choice
from cvq_core.access.conflicts import conflict_by_id, settle_conflict
from cvq_core.access.explain import explain
from cvq_core.access.facts import PointMode
from cvq_core.access.late_rules import ConflictOutcome
from cvq_core.access.manage import points_listed, set_mode
from cvq_core.access.tables import AccessPoint
from cvq_core.cards.rules import looks_like_card_number
from cvq_core.cards.store import find_card
from cvq_core.clock import PARIS, local
from cvq_core.errors import NotFound, Refusal
from cvq_core.instants import Day
from cvq_core.services.tables import Service
from cvq_core.staff import Permission, Scope
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes(URL, tag="pages")
MANAGE = Permission.MANAGE_ACCESS


class AskForm(BaseModel):
    """A card, a door and when; no day is today, no hour is now."""

    service: str = Field(max_length=40)
    point: str = Field(max_length=40)
    carte: str = Field(max_length=60)
    jour: Day | None = None
    heure: time | None = None


class ModeForm(BaseModel):
    """A mode and why."""

    mode: PointMode
    reason: str = Field(min_length=3, max_length=200)


class SettleForm(BaseModel):
    """What becomes of a conflict and why."""

    outcome: ConflictOutcome
    reason: str = Field(min_length=3, max_length=200)


@routes.get("", access=MANAGE)
async def access_page(context: Context) -> web.Response:
    """Show a service's doors, what they give to know, and what waits to be settled."""
    service = await chosen_service(context, context.request.query.get("service", ""))
    return await _page(context, service, await _form(context, service))


@routes.get("/fragments/maintenant", access=MANAGE)
async def now_fragment(context: Context) -> web.Response:
    """Draw a service's doors anew."""
    service = await chosen_service(context, context.request.query.get("service", ""))
    return context.page("fragments/access_now.html", view=await access_now(context, service))


@routes.post("/essai", access=MANAGE, body=AskForm, form=True)
async def ask(context: Context, body: AskForm) -> web.Response:
    """Say what a door would answer to a card, and why; nothing passes, and that one looked is written down."""
    service = await chosen_service(context, body.service)
    form = await _form(context, service)
    at = _instant(context, body)
    form = replace(
        form,
        points=tuple(replace(each, chosen=each.value == body.point) for each in form.points),
        number=body.carte,
        day=f"{local(at):%Y-%m-%d}",
        hour=f"{local(at):%H:%M}",
    )
    point = next((each for each in await points_listed(context.db, [service.code]) if str(each.id) == body.point), None)
    if point is None:
        raise NotFound
    try:
        form = replace(form, found=await _answer(context, point, body.carte, at))
    except Refusal as refusal:
        problem = describe(refusal, context.words)
        form = replace(form, error=f"{problem['title']} {problem['detail']}".strip())
    return await _page(context, service, form)


@routes.get("/points/{id}", access=MANAGE)
async def point(context: Context) -> web.Response:
    """Show one point: its modes, how it is set, and who passes."""
    found = await own_point(context)
    async with context.acting() as writing:
        writing.journal("access-taps-seen", subject=("access_point", found.id))
    return context.page("access_point.html", view=await point_page(context, found))


@routes.get("/points/{id}/fragments/passages", access=MANAGE)
async def taps_fragment(context: Context) -> web.Response:
    """Draw the last presentations anew."""
    found = await own_point(context)
    return context.page("fragments/access_taps.html", view=await taps_now(context, found.id))


@routes.post("/points/{id}/mode", access=MANAGE, body=ModeForm, form=True)
async def mode(context: Context, body: ModeForm) -> web.Response:
    """Set a point's mode, and go back to it."""
    found = await own_point(context)
    for changed in await set_mode(context.db, [found.id], body.mode, now=context.now):
        personal = {"mode": body.mode.value, "reason": body.reason}
        context.journal("access-mode-set", subject=("access_point", changed.id), personal=personal)
    return context.redirect(f"{URL}/points/{found.id}")


@routes.post("/ecarts/{id}", access=MANAGE, body=SettleForm, form=True)
async def settle(context: Context, body: SettleForm) -> web.Response:
    """Settle a conflict, and go back to the list."""
    conflict = await conflict_by_id(context.db, context.path_id())
    service = await context.db.get_one(Service, conflict.service_code)
    context.require(MANAGE, Scope("service", service.id))
    assert context.principal.id is not None, "only staff manage access"
    await settle_conflict(
        context.db, conflict.id, body.outcome, reason=body.reason, staff_id=context.principal.id, now=context.now
    )
    await context.journal_once(
        "tap-conflict-settled",
        conflict.id,
        subject=("tap_conflict", conflict.id),
        account_id=conflict.account_id,
        personal={"outcome": body.outcome.value, "reason": body.reason},
    )
    return context.redirect(f"{URL}?service={service.code}#ecarts")


async def _page(context: Context, service: Service, form: TryForm) -> web.Response:
    services = await managed_services(context)
    seen_twice = await two_sites(context, service.code)
    if seen_twice:
        await _note_seen(context, service)
    view = AccessPage(
        url=URL,
        services=tuple(Choice(each.code, context._(each.label), each.code == service.code) for each in services),
        service=context._(service.label),
        now=await access_now(context, service),
        two_sites=seen_twice,
        ask=form if form.points else None,
        conflicts=await conflict_rows(context, service.code),
        new_url=f"{URL}/nouvelle-porte?service={service.code}",
        areas_url=f"{URL}/zones?service={service.code}",
    )
    return context.page("access.html", view=view)


async def _note_seen(context: Context, service: Service) -> None:
    """Write down that somebody read where whose cards passed."""
    subject = ("service", service.id)
    if context.request.method == "POST":
        context.journal("access-taps-seen", subject=subject)
        return
    async with context.acting() as writing:
        writing.journal("access-taps-seen", subject=subject)


async def _answer(context: Context, point: AccessPoint, carte: str, at: datetime) -> Found:
    by_number = looks_like_card_number(carte)
    card = await (find_card(context.db, number=carte) if by_number else find_card(context.db, uid=carte))
    found = await explain(
        context.db, point_id=point.id, card_uid=card.uid, at=at, now=context.now, language=context.language
    )
    context.journal("access-explained", subject=("person", found.person_id))
    return Found(
        found.allowed,
        found.person,
        point.label,
        at,
        found.display.short,
        found.display.long,
        found.sentences,
    )


def _instant(context: Context, body: AskForm) -> datetime:
    there = local(context.now)
    if body.jour is None and body.heure is None:
        return context.now
    wanted = datetime.combine(body.jour or there.date(), body.heure or there.time(), PARIS)
    return wanted.astimezone(context.now.tzinfo)


async def _form(context: Context, service: Service) -> TryForm:
    points = await points_listed(context.db, [service.code])
    return TryForm(
        url=f"{URL}/essai", points=tuple(Choice(str(each.id), f"{each.site}, {each.label}") for each in points)
    )

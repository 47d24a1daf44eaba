"""Who has a right at one door, giving somebody one by their card, and ending it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, field_validator
from sqlalchemy import or_, select

from cvq_advisor_console.access.pages import URL
from cvq_advisor_console.access.scope import own_point
from cvq_advisor_console.access.words import RIGHT_WORDS
from cvq_advisor_console.views.access_settings import RightRow, RightsPage
from cvq_advisor_console.views.books import Choice
from cvq_core.access.facts import EVERY_DAY, RightKind
from cvq_core.access.store import end_right, give_right
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.cards.rules import looks_like_card_number
from cvq_core.cards.store import find_card
from cvq_core.clock import PARIS, local_day
from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.ids import new_id
from cvq_core.instants import Day
from cvq_core.people.names import listed_name
from cvq_core.people.tables import FamilyAccount, Person
from cvq_core.services.tables import Service
from cvq_core.staff import Permission, Scope
from cvq_core.text import hour, short_date
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe
from cvq_core.web.views import Act

routes = Routes(URL, tag="pages")
MANAGE = Permission.MANAGE_ACCESS
SHOWN = 200
GIVEN = (RightKind.AGENT_SCHEDULE, RightKind.SUBSCRIPTION, RightKind.LESSON)
"""What is given at a door by hand; the others come from what people pay, reserve or belong to."""
DAYS = (N_("lu"), N_("ma"), N_("me"), N_("je"), N_("ve"), N_("sa"), N_("di"))


class BadRight(BadInput):
    """It ends before it begins, holds on no day, or is of a kind that is not given by hand."""

    slug = "bad-access-right"
    message = N_("Ce droit n’est pas possible : il lui faut au moins un jour, et une fin après son début.")
    what_to_do = N_("Vérifiez les jours et les dates.")


class GiveForm(BaseModel):
    """A card, and when its holder may pass; the last day is included, none is without end."""

    id: UUID
    carte: str = Field(max_length=60)
    kind: RightKind
    first: Day
    last: Day | None = None
    days: list[int] = Field(default_factory=list, max_length=7)
    opens: time | None = None
    closes: time | None = None
    holidays: bool = False

    @field_validator("days", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @property
    def weekdays(self) -> int:
        """A bit a day, Monday lowest."""
        return sum(1 << day for day in set(self.days) if 0 <= day < len(DAYS))


@routes.get("/points/{id}/droits", access=MANAGE)
async def rights(context: Context) -> web.Response:
    """Show who has a right at this point alone; that one looked is written down."""
    point = await own_point(context)
    async with context.acting() as writing:
        writing.journal("access-rights-seen", subject=("access_point", point.id))
    return context.page("access_rights.html", view=await _page(context, point))


@routes.post("/points/{id}/droits", access=MANAGE, body=GiveForm, form=True)
async def give(context: Context, form: GiveForm) -> web.Response:
    """Give the holder of a card a right at this point."""
    point = await own_point(context)
    try:
        by_number = looks_like_card_number(form.carte)
        card = await find_card(context.db, **{"number" if by_number else "uid": form.carte})
        if form.kind not in GIVEN or not form.weekdays or (form.last is not None and form.last < form.first):
            raise BadRight
        right = await give_right(
            context.db,
            form.id,
            kind=form.kind,
            service=point.service_code,
            person_id=card.person_id,
            point_id=point.id,
            valid_from=_begins(form.first),
            valid_until=_begins(form.last + timedelta(days=1)) if form.last else None,
            weekdays=form.weekdays,
            opens_at=form.opens,
            closes_at=form.closes,
            on_holidays=form.holidays,
            now=context.now,
        )
    except Refusal as refusal:
        problem = describe(refusal, context.words)
        values = {"carte": form.carte, "kind": form.kind.value}
        view = await _page(context, point, values, f"{problem['title']} {problem['detail']}".strip())
        return context.page("access_rights.html", view=view, status=422)
    await context.journal_once("right-given", right.id, subject=("person", card.person_id))
    return context.redirect(f"{URL}/points/{point.id}/droits")


@routes.post("/droits/{id}/fin", access=MANAGE)
async def end(context: Context) -> web.Response:
    """Let a right hold no more from now on."""
    right = await context.db.get(Entitlement, context.path_id())
    if right is None or right.point_id is None or right.kind is RightKind.RESERVATION:
        raise NotFound
    service = await context.db.scalar(select(Service).where(Service.code == right.service_code))
    assert service is not None, "a right is for a service"
    context.require(MANAGE, Scope("service", service.id))
    point_id = right.point_id
    holder = ("person", right.person_id) if right.person_id else ("right", right.id)
    if await end_right(context.db, right.id, now=context.now):
        context.journal("right-ended", subject=holder)
    return context.redirect(f"{URL}/points/{point_id}/droits")


def _begins(day: date) -> datetime:
    return datetime.combine(day, time.min, PARIS).astimezone(UTC)


async def _page(
    context: Context, point: AccessPoint, values: Mapping[str, str] | None = None, error: str = ""
) -> RightsPage:
    rows = await context.db.execute(
        select(Entitlement, Person, FamilyAccount)
        .outerjoin(Person, Person.id == Entitlement.person_id)
        .outerjoin(FamilyAccount, FamilyAccount.id == Entitlement.account_id)
        .where(
            Entitlement.point_id == point.id,
            or_(Entitlement.valid_until.is_(None), Entitlement.valid_until > context.now),
        )
        .order_by(Person.family_name, Person.given_names, Entitlement.valid_from, Entitlement.id)
        .limit(SHOWN + 1)
    )
    found = [_row(context, *row) for row in rows]
    chosen = (values or {}).get("kind", RightKind.AGENT_SCHEDULE.value)
    return RightsPage(
        label=point.label,
        site=point.site,
        back_url=f"{URL}/points/{point.id}",
        rows=tuple(found[:SHOWN]),
        more=len(found) > SHOWN,
        give=Act(f"{URL}/points/{point.id}/droits"),
        id=str(new_id()),
        kinds=tuple(Choice(kind.value, context._(RIGHT_WORDS[kind]), kind.value == chosen) for kind in GIVEN),
        today=local_day(context.now).isoformat(),
        values=values or {},
        error=error,
    )


def _row(context: Context, right: Entitlement, person: Person | None, account: FamilyAccount | None) -> RightRow:
    who = account.label if account is not None else ""
    if person is not None:
        who = listed_name(person.family_name, person.usual_name, person.given_names)
    return RightRow(
        who=who,
        kind=context._(RIGHT_WORDS[right.kind]),
        words=_when(context, right),
        since=right.valid_from,
        end=None if right.kind is RightKind.RESERVATION else Act(f"{URL}/droits/{right.id}/fin"),
    )


def _when(context: Context, right: Entitlement) -> str:
    """Say on which days, at which hours and until when a right holds."""
    parts = []
    if right.weekdays != EVERY_DAY:
        parts.append(" ".join(context._(name) for day, name in enumerate(DAYS) if right.weekdays >> day & 1))
    if right.opens_at is not None and right.closes_at is not None:
        hours = {"opens": f"{right.opens_at:%H:%M}", "closes": f"{right.closes_at:%H:%M}"}
        parts.append(context._(N_("de {opens} à {closes}"), **hours))
    if not right.on_holidays:
        parts.append(context._(N_("sauf jours fériés")))
    if right.kind is RightKind.RESERVATION and right.valid_until is not None:
        facts = {"begins": hour(right.valid_from, context.language), "ends": hour(right.valid_until, context.language)}
        parts.append(context._(N_("de {begins} à {ends}"), **facts))
    elif right.valid_until is not None:
        last = short_date(local_day(right.valid_until - timedelta(seconds=1)), context.language)
        parts.append(context._(N_("jusqu’au {day}"), day=last))
    return ", ".join(parts) or context._(N_("à toute heure"))

"""What a controller is told: its points, and whoever they may let in, with what the rule needs and nothing more.

Everything comes from the scenes that taps are decided on (`cvq_core.access.scene`), one for each day of the list's
life: what changes overnight (a birthday, a price, whose day it is) is worked out here and travels as it will be.
Prices travel in cents, so that neither quotients nor birth dates lie on a site's disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Facts, Manner, PointKind, Right, RightKind
from cvq_core.access.reading import read_scene
from cvq_core.access.scene import Scene, TapRequest
from cvq_core.access.statements import SPENDING_ROLES
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.cards.rules import CardFacts
from cvq_core.cards.tables import Card
from cvq_core.clock import PARIS, local_day
from cvq_core.controllers.store import points_of_controller
from cvq_core.controllers.tables import Controller
from cvq_core.controllers.wire import AtPoints, Day, KnownCard, KnownPerson, KnownPoint, Name, card_digest
from cvq_core.ledger.tables import Wallet
from cvq_core.people.tables import Membership, Person
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.tariffs.rules import Tariff, UserKind
from cvq_core.text import short_date

YIELD_EVERY = 50
"""People after which the server looks at who else waits: somebody stands at a door."""

T = TypeVar("T")
_NEVER = datetime.min.replace(tzinfo=UTC)
_PAYING = frozenset({FundingPolicy.REFUSE, FundingPolicy.SERVE_AND_OWE})


@dataclass(frozen=True, slots=True)
class Site:
    """A controller's points on the days of a list; `group` numbers those that charge alike.

    `asked` is one point of each group, on whose behalf people are looked at; `instants` are one of each day.
    """

    controller: Controller
    points: tuple[KnownPoint, ...]
    asked: tuple[UUID, ...]
    services: frozenset[ServiceCode]
    paying: frozenset[ServiceCode]
    lists_names: bool
    may_be_free: bool
    """Whether somebody may pass without right or wallet, because a price can be nothing."""
    instants: tuple[datetime, ...]

    @property
    def places(self) -> frozenset[str]:
        """Return the buildings in which its points are."""
        return frozenset(point.site for known in self.points for _, point in known.days)

    @property
    def point_ids(self) -> frozenset[UUID]:
        """Return the points' ids."""
        return frozenset(point.id for point in self.points)


async def read_site(db: AsyncSession, controller: Controller, *, now: datetime) -> Site:
    """Read a controller's points as they are on each day on which a list made now may be used."""
    ids = await points_of_controller(db, controller.id)
    # A tablet speaks for its group: it is the one that asks whether somebody is noted already.
    order = (AccessPoint.kind != PointKind.TABLET, AccessPoint.code)
    rows = list(await db.scalars(select(AccessPoint).where(AccessPoint.id.in_(ids)).order_by(*order)))
    instants = days_between(now, now + timedelta(hours=controller.list_hours))
    nobody = [_ask(row.id, None) for row in rows]
    scenes = [await read_scene(db, nobody, instant, lock=False) for instant in instants] if rows else []
    groups: dict[tuple[str, str | None], int] = {}
    asked: list[UUID] = []
    points: list[KnownPoint] = []
    for row in rows:
        key = (row.service_code, row.price_code)
        if key not in groups:
            groups[key] = len(groups)
            asked.append(row.id)
        points.append(
            KnownPoint(
                id=row.id,
                code=row.code,
                label=row.label,
                group=groups[key],
                charges=any(row.id in scene.items for scene in scenes),
                days=tuple(_changing((scene.today, scene.points[row.id]) for scene in scenes)),
            )
        )
    every = [(scene.points[row.id], scene.items.get(row.id)) for scene in scenes for row in rows]
    return Site(
        controller=controller,
        points=tuple(points),
        asked=tuple(asked),
        services=frozenset(row.service_code for row in rows),
        paying=frozenset(point.service for point, _ in every if point.policy in _PAYING),
        # A waste centre's tablet has a list of its own, from the core.
        lists_names=any(
            row.kind is PointKind.TABLET and row.service_code is not ServiceCode.WASTE_CENTRE for row in rows
        ),
        may_be_free=any(
            item is not None and point.policy is FundingPolicy.REFUSE and _can_be_nothing(*item)
            for point, item in every
        ),
        instants=tuple(instants),
    )


def _ask(point_id: UUID, person_id: UUID | None) -> TapRequest:
    """Return the question what somebody may do at a point, of which nothing is written."""
    return TapRequest(point_id, point_id, _NEVER, Manner.TICK, person_id=person_id)


def days_between(begins: datetime, ends: datetime) -> list[datetime]:
    """Return an instant of each civil day of a list's life: its beginning, each midnight, and its end in the last."""
    instants = [begins]
    day = local_day(begins) + timedelta(days=1)
    while day < local_day(ends):
        instants.append(datetime.combine(day, time.min, PARIS).astimezone(begins.tzinfo))
        day += timedelta(days=1)
    return [*instants, ends]


async def next_people(db: AsyncSession, site: Site, *, after: UUID | None, limit: int) -> list[UUID]:
    """Return the next people, by id, whom a point of the site may have to do with; fewer than `limit` are the last."""
    wanted = select(Person.id).order_by(Person.id).limit(limit)
    if after is not None:
        wanted = wanted.where(Person.id > after)
    if not site.lists_names:
        wanted = wanted.where(exists().where(Card.person_id == Person.id))
    if not site.may_be_free:
        wanted = wanted.where(_has_to_do_with(site))
    return list(await db.scalars(wanted))


def _has_to_do_with(site: Site) -> ColumnElement[bool]:
    here = (
        Entitlement.service_code.in_(site.services),
        or_(Entitlement.point_id.is_(None), Entitlement.point_id.in_(site.point_ids)),
        or_(Entitlement.site.is_(None), Entitlement.site.in_(site.places)),
    )
    in_account = exists().where(
        Membership.person_id == Person.id,
        Membership.role.in_(SPENDING_ROLES),
        or_(
            exists().where(Entitlement.account_id == Membership.account_id, *here),
            exists().where(Wallet.family_account_id == Membership.account_id, Wallet.service_code.in_(site.paying)),
        ),
    )
    return or_(exists().where(Entitlement.person_id == Person.id, *here), in_account)


async def gather(db: AsyncSession, site: Site, people: Sequence[UUID]) -> list[KnownPerson]:
    """Return what the site's points need of some people; whom they would refuse in any case is left out."""
    if not people or not site.asked:
        return []
    requests = [_ask(point, each) for each in people for point in site.asked]
    requests += [_ask(point.id, None) for point in site.points]
    scenes = [await read_scene(db, requests, instant, lock=False) for instant in site.instants]
    cards = await _cards(db, site.controller.salt, people)
    names = await _names(db, site, people) if site.lists_names else {}
    found = []
    for number, person_id in enumerate(people, start=1):
        known = _known(site, scenes, person_id)
        if known is not None and (cards.get(person_id) or site.lists_names):
            found.append(known.model_copy(update={"cards": cards.get(person_id, ()), "name": names.get(person_id)}))
        if number % YIELD_EVERY == 0:
            await asyncio.sleep(0)
    return found


def _known(site: Site, scenes: Sequence[Scene], person_id: UUID) -> KnownPerson | None:
    bearer = scenes[0].by_person.get(person_id)
    if bearer is None:
        return None
    at = tuple(
        found
        for group, point_id in enumerate(site.asked)
        if (found := _at_points(site, scenes, person_id, group, point_id)) is not None
    )
    guardians = tuple(sorted(scenes[0].lookback.guardians.get(person_id, ())))
    deceased = bearer.deceased_on is not None
    return KnownPerson(id=person_id, deceased=deceased, at=at, guardians=guardians) if at else None


def _at_points(site: Site, scenes: Sequence[Scene], person_id: UUID, group: int, point_id: UUID) -> AtPoints | None:
    every = [scene.facts(_ask(point_id, person_id)) for scene in scenes]
    # The last day's scene holds all rights that begin before the list ends; the rule looks at each one's own period.
    rights = _still_of_use(
        [
            right
            for right in every[-1].rights
            if (right.point_id is None or right.point_id in site.point_ids) and right.site in (None, *site.places)
        ],
        site.instants[0],
    )
    wallets = {wallet.id: wallet for facts in every for wallet in facts.wallets}
    days = _changing(
        (scene.today, _day(facts, _guarded(site, scene, person_id))) for scene, facts in zip(scenes, every, strict=True)
    )
    refusing = any(facts.point.policy is FundingPolicy.REFUSE for facts in every)
    free = refusing and any(0 in cents.values() for _, day in days for cents in day.prices.values())
    if not (rights or wallets or free or any(facts.unclaimed for facts in every)):
        return None
    return AtPoints(
        group=group,
        rights=rights,
        wallets=tuple(wallets.values()),
        days=tuple(day.model_copy(update={"first": first}) for first, day in days),
        noted_on=scenes[0].today if every[0].counted_today else None,
    )


def _still_of_use(rights: Sequence[Right], now: datetime) -> tuple[Right, ...]:
    """Leave out what has ended, but for the last of each kind and place: a door says that it has ended."""
    ended: dict[tuple[RightKind, UUID | None, str | None], Right] = {}
    for right in rights:
        if right.valid_until is not None and right.valid_until <= now:
            key = (right.kind, right.point_id, right.site)
            known = ended.get(key)
            if known is None or known.valid_until is None or known.valid_until < right.valid_until:
                ended[key] = right
    last = {right.id for right in ended.values()}
    return tuple(each for each in rights if each.id in last or each.valid_until is None or each.valid_until > now)


def _guarded(site: Site, scene: Scene, person_id: UUID) -> tuple[UUID, ...]:
    return tuple(point.id for point in site.points if scene.needs_guardian(scene.points[point.id], person_id))


def _day(facts: Facts, guarded: tuple[UUID, ...]) -> Day:
    kinds = [UserKind.HOUSEHOLD]
    if any(right.kind is RightKind.PROFESSIONAL for right in facts.rights):
        kinds.append(UserKind.PROFESSIONAL)
    prices: dict[str, dict[str, int]] = {}
    if facts.pricing is not None:
        for payer in facts.payers or (None,):
            priced = ((kind, facts.pricing.price(payer, kind)) for kind in kinds)
            cents = {kind.value: price.amount_cents for kind, price in priced if price is not None}
            if cents:
                prices[str(payer or "")] = cents
    return Day(
        first=date.min,
        payers=facts.payers,
        wallets=tuple(wallet.id for wallet in facts.wallets),
        unclaimed=facts.unclaimed,
        prices=prices,
        guarded=guarded,
    )


def _changing(days: Iterable[tuple[date, T]]) -> list[tuple[date, T]]:
    """Return the days on which something begins to be otherwise than on the day before."""
    found: list[tuple[date, T]] = []
    for day, what in days:
        if not found or found[-1][1] != what:
            found.append((day, what))
    return found


def _can_be_nothing(tariff: Tariff, code: str) -> bool:
    return any(
        item.code == code
        and (
            bool(item.siblings)
            or any(
                case.cents == 0 or case.rate is not None or any(b.cents == 0 for b in case.brackets)
                for case in item.cases
            )
        )
        for item in tariff.items
    )


async def _cards(db: AsyncSession, salt: bytes, people: Sequence[UUID]) -> dict[UUID, tuple[KnownCard, ...]]:
    rows = await db.scalars(select(Card).where(Card.person_id.in_(people)).order_by(Card.id))
    found: dict[UUID, tuple[KnownCard, ...]] = {}
    for card in rows:
        facts = CardFacts(
            card.status, local_day(card.status_since), card.valid_from, card.valid_until, card.blocked_reason
        )
        known = KnownCard(digest=card_digest(salt, card.uid), facts=facts)
        found[card.person_id] = (*found.get(card.person_id, ()), known)
    return found


async def _names(db: AsyncSession, site: Site, people: Sequence[UUID]) -> dict[UUID, Name]:
    """Return the names in use, with the birth date where another of the site's tablets' lists bears the same."""
    columns = (Person.id, Person.usual_name, Person.family_name, Person.given_names, Person.birth_date)
    rows = (await db.execute(select(*columns).where(Person.id.in_(people)))).all()
    in_use = {usual or family for _, usual, family, _, _ in rows}
    on_a_list = exists().where(
        Entitlement.person_id == Person.id,
        Entitlement.kind == RightKind.ENROLMENT,
        Entitlement.point_id.in_(site.point_ids),
    )
    of_the_name = func.coalesce(Person.usual_name, Person.family_name).in_(in_use)
    others = await db.execute(select(*columns).where(of_the_name, on_a_list, Person.deceased_on.is_(None)))
    bearers: dict[tuple[str, str], set[UUID]] = {}
    for person_id, usual, family, given, _ in others:
        bearers.setdefault((usual or family, _first(given)), set()).add(person_id)
    return {
        person_id: Name(
            family=usual or family,
            given=_first(given),
            told_apart=short_date(born)
            if born and bearers.get((usual or family, _first(given)), set()) - {person_id}
            else "",
        )
        for person_id, usual, family, given, born in rows
    }


def _first(given_names: str) -> str:
    return given_names.split(maxsplit=1)[0] if given_names.strip() else ""

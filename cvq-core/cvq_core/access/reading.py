"""Reading the scene of some taps: one statement for nearly everything, few more where a point or a price asks for it.

Locks are taken in one order everywhere: people by id (at points that look back), counted rights by id, wallets by id,
areas by id, then rows that are inserted. Two taps of one family therefore wait for each other and never for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.areas import AreaCount
from cvq_core.access.facts import (
    Assurance,
    AttendanceStatus,
    Direction,
    Fallback,
    Manner,
    Point,
    PointKind,
    PointMode,
    Right,
    RightKind,
    WalletFacts,
)
from cvq_core.access.lookback_reading import read_lookback
from cvq_core.access.reading_statement import reading
from cvq_core.access.scene import Bearer, Scene, TapRequest, UnknownPoint
from cvq_core.access.statements import statements_for
from cvq_core.cards.rules import BlockedReason, CardFacts, CardStatus
from cvq_core.clock import local_day
from cvq_core.devices.store import principals_by_digest
from cvq_core.people.arrangements import days_of
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.tariffs.census import best_quotients
from cvq_core.tariffs.reading import read_tariff
from cvq_core.tariffs.rules import Tariff

ENDED_RIGHTS_KEPT = timedelta(days=400)
"""How long a right that ended is still looked at, to say "abonnement terminé" rather than "non autorisé"."""

WALLET_POLICIES = frozenset({FundingPolicy.REFUSE, FundingPolicy.SERVE_AND_OWE})
CHARGING_POLICIES = WALLET_POLICIES | {FundingPolicy.BILLED}
Rows = Iterable[Sequence[Any]]


async def read_scene(
    db: AsyncSession,
    requests: Sequence[TapRequest],
    now: datetime,
    *,
    lock: bool = True,
    day: date | None = None,
    since: datetime | None = None,
    digests: Collection[str] = (),
) -> Scene:
    """Read what is known about some taps, and lock what their decisions may change (`lock` false: only look).

    `day` is the day of taps that come late, `since` the hour of the first of them; `digests` are of the tokens that
    readers showed.

    Raises:
        UnknownPoint: one of the points does not exist.
    """
    scene = Scene(now, day)
    ids = {request.point_id for request in requests}
    found = await reading(db, lock=lock).fetch(
        db,
        points=list(ids),
        uids=list({each.card_uid for each in requests if each.manner is Manner.CARD and each.card_uid}),
        people=list({each.person_id for each in requests if each.manner is Manner.TICK and each.person_id}),
        taps=[request.id for request in requests],
        digests=list(digests),
        today=scene.today,
        now=now,
        ended_after=now - ENDED_RIGHTS_KEPT,
    )
    _note_points(scene, found["points"])
    if scene.points.keys() != ids:
        raise UnknownPoint
    _note_bearers(scene, found["cards"], found["ticked"])
    for person_id, account_id in found["households"]:
        if account_id not in scene.accounts[person_id]:
            scene.accounts[person_id].append(account_id)
    _note_rights(scene, found["rights"], dict(found["counted"]))
    _note_wallets(scene, found["wallets"])
    for area_id, inside, counted_at, closes_at in found.get("areas", ()):
        scene.areas[area_id] = AreaCount(inside, counted_at, closes_at)
    _note_attendances(scene, found["attendances"])
    scene.readers = principals_by_digest(found["holders"])
    scene.known = frozenset(tap_id for (tap_id,) in found["known"])
    scene.revenues = {ServiceCode(service): account_id for service, account_id in found["revenues"]}
    await _read_what_is_rare(db, scene, since or now)
    return scene


async def _read_what_is_rare(db: AsyncSession, scene: Scene, since: datetime) -> None:
    """Read what only some points and some families ask for."""
    people = list({bearer.person_id for bearer in (*scene.by_uid.values(), *scene.by_person.values())})
    if not people:
        return
    points = scene.points.values()
    in_several = [person_id for person_id, held in scene.accounts.items() if len(held) > 1]
    if in_several and any(point.policy in WALLET_POLICIES for point in points):
        scene.shared_days = await days_of(db, in_several, scene.today)
    await _read_families(db, scene)
    looking_back = [point for point in points if point.looks_back]
    if looking_back:
        young = {each: scene.accounts.get(each, []) for each in people if scene.is_young(each, looking_back)}
        scene.lookback = await read_lookback(db, people, looking_back, young, since=since, today=scene.today)


def _note_points(scene: Scene, rows: Rows) -> None:
    for row in rows:
        point_id, kind, service, policy, assurance, mode, shows_balance, site, direction, *settings = row
        (
            area_id,
            capacity,
            passback,
            double_tap,
            guardian_age,
            guardian_minutes,
            tolerance,
            fallback,
            reserved_only,
            *charged,
        ) = settings
        item, tariff = charged
        # A service without a policy yet lets in by right alone: the strictest of all.
        scene.points[point_id] = Point(
            point_id,
            PointKind(kind),
            ServiceCode(service),
            FundingPolicy(policy or FundingPolicy.SUBSCRIPTION),
            Assurance(assurance),
            PointMode(mode),
            shows_balance,
            site,
            Direction(direction),
            area_id,
            capacity,
            passback,
            double_tap,
            guardian_age,
            guardian_minutes,
            tolerance,
            Fallback(fallback),
            reserved_only,
        )
        if item is not None and tariff is not None and scene.points[point_id].policy in CHARGING_POLICIES:
            scene.items[point_id] = (read_tariff(tariff), item)


def _note_bearers(scene: Scene, cards: Rows, ticked: Rows) -> None:
    for row in cards:
        uid, card_id, status, since, first, last, blocked, person_id, deceased_on, born, in_territory = row
        card = CardFacts(CardStatus(status), local_day(since), first, last, BlockedReason(blocked) if blocked else None)
        scene.by_uid[uid] = Bearer(person_id, deceased_on, card_id, card, since)
        scene.census.note_person(person_id, born, in_territory)
    for person_id, deceased_on, born, in_territory in ticked:
        scene.by_person[person_id] = Bearer(person_id, deceased_on)
        scene.census.note_person(person_id, born, in_territory)


def _note_rights(scene: Scene, rows: Rows, counted: dict[UUID, int]) -> None:
    """Take in rights; of those that are counted, what is left is as it was found under the lock."""
    for person_id, account_id, service, right_id, kind, *values in rows:
        right = Right(right_id, RightKind(kind), *values)
        if right_id in counted:
            right = replace(right, entries_left=counted[right_id])
        scene.rights[person_id or account_id, ServiceCode(service)].append(right)


def _note_wallets(scene: Scene, rows: Rows) -> None:
    paid = {point.service for point in scene.points.values() if point.policy in WALLET_POLICIES}
    for wallet_id, account_id, service, balance, floor in rows:
        if (code := ServiceCode(service)) in paid:
            scene.wallets[account_id, code] = WalletFacts(wallet_id, account_id, balance, floor)


def _note_attendances(scene: Scene, rows: Rows) -> None:
    counted = {point.service for point in scene.points.values() if point.counts_once_a_day}
    for person_id, service, status in rows:
        if (code := ServiceCode(service)) in counted:
            scene.attendances[person_id, code] = AttendanceStatus(status)
    scene.noted_before = frozenset(scene.attendances)


async def _read_families(db: AsyncSession, scene: Scene) -> None:
    """Read the quotients and the children of whoever may pay, where an item's price hangs on them: at no turnstile."""
    accounts = _paying_accounts(scene)
    if not accounts or not any(_hangs_on_family(*charged) for charged in scene.items.values()):
        return
    statements = statements_for(db)
    rows = await statements.quotients.fetch(db, accounts=accounts, today=scene.today)
    scene.census.quotients = best_quotients(rows, scene.today)
    for account_id, person_id, born in await statements.children.fetch(db, accounts=accounts, today=scene.today):
        scene.census.children.setdefault(account_id, {})[person_id] = born


def _paying_accounts(scene: Scene) -> list[UUID]:
    accounts = {account for held in scene.accounts.values() for account in held}
    named = {right.payer_account_id for held in scene.rights.values() for right in held if right.payer_account_id}
    return list(accounts | named)


def _hangs_on_family(tariff: Tariff, code: str) -> bool:
    return any(item.code == code and item.hangs_on_family for item in tariff.items)

"""What the database knows of the people, points and wallets of some taps: read in few queries, locked, then decided on.

Locks are taken in one order everywhere: people by id (at points that look back), counted rights by id, wallets by id,
areas by id, then rows that are inserted. Two taps of one family therefore wait for each other and never for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.areas import AreaCount
from cvq_core.access.facts import (
    Assurance,
    AttendanceStatus,
    Decision,
    Direction,
    Effect,
    Facts,
    Fallback,
    FirstAnswer,
    Manner,
    Point,
    PointKind,
    PointMode,
    Right,
    RightKind,
    WalletFacts,
)
from cvq_core.access.lookback import Lookback, Seen
from cvq_core.access.lookback_reading import read_lookback
from cvq_core.access.statements import statements_for
from cvq_core.access.words import Display
from cvq_core.cards.rules import BlockedReason, CardFacts, CardStatus
from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound
from cvq_core.ledger.rules import WalletLevel, moved
from cvq_core.people.arrangements import days_of
from cvq_core.people.custody import DayOf, payers
from cvq_core.public_holidays import holidays_around
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.tariffs.census import Census, Pricing, best_quotients
from cvq_core.tariffs.reading import read_tariff
from cvq_core.tariffs.rules import Tariff, age_on

ENDED_RIGHTS_KEPT = timedelta(days=400)
"""How long a right that ended is still looked at, to say "abonnement terminé" rather than "non autorisé"."""

WALLET_POLICIES = frozenset({FundingPolicy.REFUSE, FundingPolicy.SERVE_AND_OWE})
CHARGING_POLICIES = WALLET_POLICIES | {FundingPolicy.BILLED}


class UnknownPoint(NotFound):
    """No access point has this id."""

    slug = "unknown-access-point"
    message = N_("Ce point d’accès n’est pas connu.")
    what_to_do = N_("Demandez à l’administrateur de réinstaller le lecteur.")


@dataclass(frozen=True, slots=True)
class TapRequest:
    """What a reader asks: one card presented, or one person ticked. `id` is the reader's own."""

    id: UUID
    point_id: UUID
    tapped_at: datetime
    manner: Manner = Manner.CARD
    card_uid: str | None = None
    person_id: UUID | None = None
    assurance: Assurance = Assurance.UID
    reader_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a card belongs to, or who was ticked. `life` is what became of the card and when, where it was read."""

    person_id: UUID
    deceased_on: date | None = None
    card_id: UUID | None = None
    card: CardFacts | None = None
    card_since: datetime | None = None
    life: tuple[tuple[datetime, CardStatus], ...] = ()

    def card_at(self, at: datetime) -> CardFacts | None:
        """Return the card as it stood at an instant of the past: what was decided of it since did not hold yet."""
        if self.card is None or self.card_since is None or self.card_since <= at:
            return self.card
        status, since = card_status_at(self.life, at)
        return replace(
            self.card, status=status, since=local_day(since) if since else self.card.valid_from, blocked_reason=None
        )


def card_status_at(life: Sequence[tuple[datetime, CardStatus]], at: datetime) -> tuple[CardStatus, datetime | None]:
    """Return how a card stood at an instant and since when, by the states that followed one another in its life.

    Of what came before the first of them, only that is known: somebody who unblocked it found it blocked.
    """
    before = [(since, status) for since, status in life if since <= at]
    if before:
        since, status = before[-1]
        return status, since
    was_blocked = bool(life) and life[0][1] is CardStatus.ACTIVE
    return CardStatus.BLOCKED if was_blocked else CardStatus.ACTIVE, None


@dataclass(slots=True)
class Scene:
    """The facts of some taps, kept up to date as one decision after the other is taken on them.

    `day` is the civil day of taps that come late, all of one scene on the same; None is today.
    """

    now: datetime
    day: date | None = None
    points: dict[UUID, Point] = field(default_factory=dict)
    by_uid: dict[str, Bearer] = field(default_factory=dict)
    by_person: dict[UUID, Bearer] = field(default_factory=dict)
    accounts: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    """The family accounts of each person, the one they joined first in front."""
    rights: dict[tuple[UUID, ServiceCode], list[Right]] = field(default_factory=lambda: defaultdict(list))
    """Rights by who holds them, a person or an account, and by service."""
    wallets: dict[tuple[UUID, ServiceCode], WalletFacts] = field(default_factory=dict)
    attendances: dict[tuple[UUID, ServiceCode], AttendanceStatus] = field(default_factory=dict)
    shared_days: dict[UUID, DayOf] = field(default_factory=dict)
    """Whose day it is, for the children that belong to several accounts."""
    items: dict[UUID, tuple[Tariff, str]] = field(default_factory=dict)
    """Of each point that charges something, the tariff in force and the code of the item."""
    census: Census = field(init=False)
    """What of these people and their families prices hang on."""
    noted_before: frozenset[tuple[UUID, ServiceCode]] = frozenset()
    """Who has an attendance row of today in the database already."""
    lookback: Lookback = field(default_factory=Lookback)
    areas: dict[UUID, AreaCount] = field(default_factory=dict)
    """The areas whose count the taps change, locked."""
    passed_through: set[UUID] = field(default_factory=set)
    """Those whose count has changed."""

    def __post_init__(self) -> None:
        self.census = Census(self.today)

    @property
    def today(self) -> date:
        """The civil day on which everything is decided: by the server's clock, whatever a reader's clock says."""
        return self.day or local_day(self.now)

    def bearer(self, request: TapRequest) -> Bearer | None:
        """Return who was presented, None for an unknown card or person."""
        if request.manner is Manner.CARD:
            return self.by_uid.get(request.card_uid or "")
        return self.by_person.get(request.person_id) if request.person_id else None

    def shared_day(self, person_id: UUID, point: Point) -> DayOf | None:
        """Return whose day it is for a child of several accounts; None where that does not decide who pays.

        As long as nothing was arranged, a turnstile takes either parent's money rather than leave the child outside.
        """
        day = self.shared_days.get(person_id)
        arranged = day is not None and bool(day.parts)
        return None if point.policy is FundingPolicy.REFUSE and not arranged else day

    def facts(self, request: TapRequest, at: datetime | None = None) -> Facts:
        """Return what the decision on `request` rests on: now, or at an instant `at` of the scene's day."""
        point, bearer = self.points[request.point_id], self.bearer(request)
        hour = at or self.now
        inside = self.areas[point.area_id].now(hour) if point.area_id in self.areas else None
        if bearer is None:
            return Facts(point, hour, request.manner, request.assurance, inside=inside)
        accounts = self.accounts.get(bearer.person_id, [])
        holders = (bearer.person_id, *accounts)
        rights = tuple(right for holder in holders for right in self.rights.get((holder, point.service), ()))
        named = [right.payer_account_id for right in rights if right.payer_account_id is not None]
        day = self.shared_day(bearer.person_id, point)
        paying = dict.fromkeys((*accounts, *named) if day is None else payers(day, named))
        found = (self.wallets.get((account, point.service)) for account in paying)
        facts = Facts(
            point,
            hour,
            request.manner,
            request.assurance,
            card=bearer.card if at is None else bearer.card_at(at),
            person_known=True,
            deceased=bearer.deceased_on is not None and bearer.deceased_on <= self.today,
            rights=rights,
            wallets=tuple(wallet for wallet in found if wallet is not None),
            payers=tuple(paying),
            pricing=self._pricing(point, bearer),
            counted_today=self.attendances.get((bearer.person_id, point.service)) is AttendanceStatus.PRESENT,
            unclaimed=not paying and day is not None,
            holidays=holidays_around(self.today) if any(not right.on_holidays for right in rights) else frozenset(),
            inside=inside,
        )
        return self._looking_back(facts, bearer) if point.looks_back else facts

    def _looking_back(self, facts: Facts, bearer: Bearer) -> Facts:
        """Add who passed shortly before, for a point whose settings ask for it."""
        point, person_id = facts.point, bearer.person_id
        return replace(
            facts,
            first_answer=self.lookback.first_answer(point, person_id, bearer.card_id, facts.at),
            last_passage=self.lookback.last_passage(point, person_id, facts.at),
            needs_guardian=self.needs_guardian(point, person_id),
            guardian_at=self.lookback.guardian_at(point, person_id, facts.at),
        )

    def needs_guardian(self, point: Point, person_id: UUID) -> bool:
        """Whether somebody is too young to pass alone; who has no birth date counts as grown up."""
        born = self.census.born.get(person_id)
        return point.guardian_age is not None and born is not None and age_on(born, self.today) < point.guardian_age

    def is_young(self, person_id: UUID, points: Iterable[Point]) -> bool:
        """Whether somebody needs a guardian at one of some points."""
        return any(self.needs_guardian(point, person_id) for point in points)

    def _pricing(self, point: Point, bearer: Bearer) -> Pricing | None:
        if point.id not in self.items:
            return None
        tariff, code = self.items[point.id]
        return Pricing(tariff, code, self.census, bearer.person_id)

    def take(self, request: TapRequest, decision: Decision, shown: Display, at: datetime | None = None) -> None:
        """Let a decision count for those that come after it; `at` is when it was taken, where that is not now."""
        point, bearer = self.points[request.point_id], self.bearer(request)
        if decision.allowed and decision.repeats is None:
            self.count_passage(point, at or self.now)
        if bearer is None:
            return
        if point.looks_back and decision.repeats is None:
            answer = FirstAnswer(
                decision.reason, shown.short, shown.long, decision.balance_cents, decision.entries_left
            )
            self.lookback.add(
                Seen(
                    bearer.person_id,
                    bearer.card_id,
                    point.id,
                    point.area_id,
                    point.direction,
                    at or self.now,
                    decision.allowed,
                    answer,
                )
            )
        if not decision.allowed:
            return
        if decision.effect is Effect.DEBIT:
            for key, wallet in self.wallets.items():
                if wallet.id == decision.wallet_id:
                    level = moved(WalletLevel(wallet.balance_cents, wallet.floor_cents), -decision.amount_cents)
                    self.wallets[key] = replace(
                        wallet, balance_cents=level.balance_cents, floor_cents=level.floor_cents
                    )
                    break
        if decision.effect is Effect.ENTRY:
            for held in self.rights.values():
                for index, right in enumerate(held):
                    if right.id == decision.right_id:
                        held[index] = replace(right, entries_left=decision.entries_left)
        if point.counts_once_a_day:
            self.attendances[bearer.person_id, point.service] = AttendanceStatus.PRESENT

    def count_passage(self, point: Point, at: datetime) -> None:
        """Count somebody in or out of the point's area."""
        if point.counts_inside and point.area_id in self.areas:
            self.areas[point.area_id] = self.areas[point.area_id].passed(point.direction, at, self.now)
            self.passed_through.add(point.area_id)


async def read_scene(
    db: AsyncSession,
    requests: Sequence[TapRequest],
    now: datetime,
    *,
    lock: bool = True,
    day: date | None = None,
    since: datetime | None = None,
) -> Scene:
    """Read what is known about some taps, and lock what their decisions may change (`lock` false: only look).

    `day` is the day of taps that come late, `since` the hour of the first of them.

    Raises:
        UnknownPoint: one of the points does not exist.
    """
    scene = Scene(now, day)
    await _read_points(db, scene, {request.point_id for request in requests})
    await _read_bearers(db, scene, requests)
    people = list({bearer.person_id for bearer in (*scene.by_uid.values(), *scene.by_person.values())})
    points = scene.points.values()
    if not people:
        await _read_areas(db, scene, lock=lock)
        return scene
    looking_back = [point for point in points if point.looks_back]
    if looking_back and lock:
        await statements_for(db).lock_people.fetch(db, people=people)
    for person_id, account_id in await statements_for(db).accounts.fetch(db, people=people, today=scene.today):
        if account_id not in scene.accounts[person_id]:
            scene.accounts[person_id].append(account_id)
    await _read_rights(db, scene, people, {point.service for point in points}, lock=lock)
    paid = {point.service for point in points if point.policy in WALLET_POLICIES}
    in_several = [person_id for person_id, held in scene.accounts.items() if len(held) > 1]
    if paid and in_several:
        scene.shared_days = await days_of(db, in_several, scene.today)
    await _read_families(db, scene)
    if paid:
        await _read_wallets(db, scene, paid, lock=lock)
    await _read_areas(db, scene, lock=lock)
    if looking_back:
        young = {each: scene.accounts.get(each, []) for each in people if scene.is_young(each, looking_back)}
        scene.lookback = await read_lookback(db, people, looking_back, young, since=since or now, today=scene.today)
    counted = {point.service for point in points if point.counts_once_a_day}
    if counted:
        await _read_attendances(db, scene, people, counted)
    return scene


async def _read_points(db: AsyncSession, scene: Scene, ids: Collection[UUID]) -> None:
    for row in await statements_for(db).points.fetch(db, points=list(ids), today=scene.today):
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
    if scene.points.keys() != set(ids):
        raise UnknownPoint


async def _read_bearers(db: AsyncSession, scene: Scene, requests: Iterable[TapRequest]) -> None:
    uids, ticked = set(), set()
    for request in requests:
        if request.manner is Manner.CARD and request.card_uid:
            uids.add(request.card_uid)
        elif request.manner is Manner.TICK and request.person_id:
            ticked.add(request.person_id)
    if uids:
        for row in await statements_for(db).cards.fetch(db, uids=list(uids)):
            uid, card_id, status, since, first, last, blocked, person_id, deceased_on, born, in_territory = row
            card = CardFacts(
                CardStatus(status), local_day(since), first, last, BlockedReason(blocked) if blocked else None
            )
            scene.by_uid[uid] = Bearer(person_id, deceased_on, card_id, card, since)
            scene.census.note_person(person_id, born, in_territory)
    if ticked:
        for person_id, deceased_on, born, in_territory in await statements_for(db).people.fetch(
            db, people=list(ticked)
        ):
            scene.by_person[person_id] = Bearer(person_id, deceased_on)
            scene.census.note_person(person_id, born, in_territory)


async def _read_rights(
    db: AsyncSession, scene: Scene, people: Collection[UUID], services: Collection[ServiceCode], *, lock: bool
) -> None:
    """Read the rights of people and of their households, and lock those that may lose an entry."""
    rows = await statements_for(db).rights.fetch(
        db,
        people=people,
        accounts=list({account for held in scene.accounts.values() for account in held}),
        services=list(services),
        now=scene.now,
        ended_after=scene.now - ENDED_RIGHTS_KEPT,
    )
    counted: dict[UUID, list[Right]] = {}
    for person_id, account_id, service, right_id, kind, *values in rows:
        right = Right(right_id, RightKind(kind), *values)
        held = scene.rights[person_id or account_id, ServiceCode(service)]
        held.append(right)
        if right.entries_left is not None:
            counted[right.id] = held
    if counted and lock:
        for right_id, entries_left in await statements_for(db).counted.fetch(db, rights=list(counted)):
            held = counted[right_id]
            held[:] = [replace(each, entries_left=entries_left) if each.id == right_id else each for each in held]


def _paying_accounts(scene: Scene) -> list[UUID]:
    accounts = {account for held in scene.accounts.values() for account in held}
    named = {right.payer_account_id for held in scene.rights.values() for right in held if right.payer_account_id}
    return list(accounts | named)


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


def _hangs_on_family(tariff: Tariff, code: str) -> bool:
    return any(item.code == code and item.hangs_on_family for item in tariff.items)


async def _read_wallets(db: AsyncSession, scene: Scene, services: Collection[ServiceCode], *, lock: bool) -> None:
    statements = statements_for(db)
    wallets = statements.wallets if lock else statements.wallets_unlocked
    rows = await wallets.fetch(db, accounts=_paying_accounts(scene), services=list(services))
    for wallet_id, account_id, service, balance, floor in rows:
        scene.wallets[account_id, ServiceCode(service)] = WalletFacts(wallet_id, account_id, balance, floor)


async def _read_areas(db: AsyncSession, scene: Scene, *, lock: bool) -> None:
    """Read and lock how many are inside, where a passage changes it; who only looks does not know."""
    ids = [point.area_id for point in scene.points.values() if point.counts_inside]
    if ids and lock:
        for area_id, inside, counted_at, closes_at in await statements_for(db).areas.fetch(db, areas=ids):
            scene.areas[area_id] = AreaCount(inside, counted_at, closes_at)


async def _read_attendances(
    db: AsyncSession, scene: Scene, people: Collection[UUID], services: Collection[ServiceCode]
) -> None:
    rows = await statements_for(db).attendances.fetch(db, people=people, services=list(services), today=scene.today)
    for person_id, service, status in rows:
        scene.attendances[person_id, ServiceCode(service)] = AttendanceStatus(status)
    scene.noted_before = frozenset(scene.attendances)

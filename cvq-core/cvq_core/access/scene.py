"""What is known of the people, points and wallets of some taps: read at once (`reading`), then decided on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from cvq_core.access.areas import AreaCount
from cvq_core.access.facts import (
    Assurance,
    AttendanceStatus,
    Decision,
    Effect,
    Facts,
    FirstAnswer,
    Manner,
    Point,
    Right,
    WalletFacts,
)
from cvq_core.access.lookback import Lookback, Seen
from cvq_core.access.words import Display
from cvq_core.cards.rules import CardFacts, CardStatus
from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound
from cvq_core.ledger.rules import WalletLevel, moved
from cvq_core.people.custody import DayOf, payers
from cvq_core.public_holidays import holidays_around
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.staff.rules import Principal
from cvq_core.tariffs.census import Census, Pricing
from cvq_core.tariffs.rules import Tariff, age_on


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


@dataclass
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
    known: frozenset[UUID] = frozenset()
    """Those of the taps that are written already."""
    readers: dict[str, Principal] = field(default_factory=dict)
    """The devices that hold the tokens which were shown, by the tokens' digests."""
    revenues: dict[ServiceCode, UUID] = field(default_factory=dict)
    """The ledger's accounts of what services earn, where there are some."""

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
            key = self._key_of_wallet[decision.wallet_id]
            wallet = self.wallets[key]
            level = moved(WalletLevel(wallet.balance_cents, wallet.floor_cents), -decision.amount_cents)
            self.wallets[key] = replace(wallet, balance_cents=level.balance_cents, floor_cents=level.floor_cents)
        if decision.effect is Effect.ENTRY:
            held, index = self._place_of_right[decision.right_id]
            held[index] = replace(held[index], entries_left=decision.entries_left)
        if point.counts_once_a_day:
            self.attendances[bearer.person_id, point.service] = AttendanceStatus.PRESENT

    @cached_property
    def _key_of_wallet(self) -> dict[UUID | None, tuple[UUID, ServiceCode]]:
        return {wallet.id: key for key, wallet in self.wallets.items()}

    @cached_property
    def _place_of_right(self) -> dict[UUID | None, tuple[list[Right], int]]:
        return {right.id: (held, index) for held in self.rights.values() for index, right in enumerate(held)}

    def count_passage(self, point: Point, at: datetime) -> None:
        """Count somebody in or out of the point's area."""
        if point.counts_inside and point.area_id in self.areas:
            self.areas[point.area_id] = self.areas[point.area_id].passed(point.direction, at, self.now)
            self.passed_through.add(point.area_id)

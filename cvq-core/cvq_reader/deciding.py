"""One decision without the core: facts from the list, and from what has passed here since, into the very same rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from cvq_core.access.facts import Assurance, Decision, Effect, Facts, FirstAnswer, Manner, Point, Right, WalletFacts
from cvq_core.access.lookback import Lookback, Seen
from cvq_core.access.rules import decide
from cvq_core.access.words import Display, say
from cvq_core.clock import local_day
from cvq_core.controllers.wire import AtPoints, Day, KnownCard, KnownPerson, KnownPoint, card_digest
from cvq_core.services.rules import PriceUnit
from cvq_core.tariffs.rules import Item, Priced, UserKind
from cvq_reader.held import HeldList

_ONE_PASSAGE = Item("", "", PriceUnit.ENTRY, ())


@dataclass(frozen=True, slots=True)
class Presented:
    """A card or a person at one point; `uid` as `cards.rules.card_uid` returns it."""

    id: UUID
    point_id: UUID
    at: datetime
    uid: str | None = None
    person_id: UUID | None = None
    assurance: Assurance = Assurance.UID

    @property
    def manner(self) -> Manner:
        """How they were presented."""
        return Manner.CARD if self.uid is not None else Manner.TICK


@dataclass(frozen=True, slots=True)
class Taken:
    """What a passage takes from what the list says: cents of a wallet, an entry of a right, the day's presence."""

    person_id: UUID | None = None
    wallet_id: UUID | None = None
    cents: int = 0
    right_id: UUID | None = None
    noted: tuple[int, str] | None = None
    """The group of points, and the day (ISO 8601)."""


NOTHING = Taken()


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of this controller, and what to show."""

    decision: Decision
    display: Display
    taken: Taken
    list_made_at: datetime | None


@dataclass(slots=True)
class Since:
    """What has passed here and is not in the list yet, and who passed a few minutes ago."""

    taken: dict[UUID, Taken] = field(default_factory=dict)
    """By tap."""
    lookback: Lookback = field(default_factory=Lookback)
    _wallets: Counter[UUID] = field(default_factory=Counter)
    _rights: Counter[UUID] = field(default_factory=Counter)
    _noted: Counter[tuple[UUID, tuple[int, str]]] = field(default_factory=Counter)

    def add(self, tap_id: UUID, taken: Taken) -> None:
        """Count what a passage took; the same again counts once."""
        if tap_id not in self.taken:
            self.taken[tap_id] = taken
            self._count(taken, 1)

    def drop(self, tap_id: UUID) -> None:
        """Forget a passage: the list says it now."""
        taken = self.taken.pop(tap_id, None)
        if taken is not None:
            self._count(taken, -1)

    def forget_before(self, hour: datetime) -> None:
        """Forget who passed before an hour."""
        for person_id, seen in list(self.lookback.seen.items()):
            kept = [each for each in seen if each.at >= hour]
            if kept:
                self.lookback.seen[person_id] = kept
            else:
                del self.lookback.seen[person_id]

    def _count(self, taken: Taken, sign: int) -> None:
        if taken.wallet_id is not None:
            self._wallets[taken.wallet_id] += sign * taken.cents
        if taken.right_id is not None:
            self._rights[taken.right_id] += sign
        if taken.noted is not None and taken.person_id is not None:
            self._noted[taken.person_id, taken.noted] += sign

    def wallet(self, wallet: WalletFacts) -> WalletFacts:
        """Return a wallet as it is after what has passed here."""
        return replace(wallet, balance_cents=wallet.balance_cents - self._wallets[wallet.id])

    def right(self, right: Right) -> Right:
        """Return a right as it is after what has passed here."""
        if right.entries_left is None or not self._rights[right.id]:
            return right
        return replace(right, entries_left=max(0, right.entries_left - self._rights[right.id]))

    def is_noted(self, person_id: UUID, group: int, day: str) -> bool:
        """Whether somebody was noted present here on a day."""
        return self._noted[person_id, (group, day)] > 0


@dataclass(frozen=True, slots=True)
class Cents:
    """Prices as the list has them: the core worked them out for the day."""

    prices: Mapping[str, Mapping[str, int]]

    def price(self, account_id: UUID | None, user: UserKind = UserKind.HOUSEHOLD) -> Priced | None:
        """Return the price where `account_id` pays."""
        cents = self.prices.get(str(account_id or ""), {}).get(user.value)
        return Priced(cents, _ONE_PASSAGE, (), 1) if cents is not None else None


@dataclass(frozen=True, slots=True)
class _Now:
    """What a household has now: as it was last told, less what has passed here since."""

    held: HeldList
    since: Since

    def wallet(self, wallet: WalletFacts) -> WalletFacts:
        return self.since.wallet(self.held.wallet(wallet))

    def right(self, right: Right) -> Right:
        return self.since.right(self.held.right(right))


@dataclass(frozen=True, slots=True)
class _Whom:
    person: KnownPerson | None = None
    card: KnownCard | None = None


def decide_here(held: HeldList, salt: bytes, since: Since, presented: Presented) -> Decided | None:
    """Decide by the list; None at a point that it does not know."""
    point = held.points.get(presented.point_id)
    if point is None:
        return None
    whom = _whom(held, salt, presented)
    facts = facts_of(held, since, presented, point, whom)
    decision = decide(facts)
    display = say(decision, facts)
    _look_back_on(since, facts, whom, decision, display)
    return Decided(decision, display, _taken(facts, point, whom, decision), held.made_at)


def facts_of(held: HeldList, since: Since, presented: Presented, known: KnownPoint, whom: _Whom) -> Facts:
    """Return what the rule is to look at."""
    at, today = presented.at, local_day(presented.at)
    point = _on(known, presented)
    facts = Facts(point, at, presented.manner, presented.assurance, list_expired=at >= held.expires_at)
    person = whom.person
    if person is None:
        return facts
    facts = replace(
        facts,
        card=whom.card.facts if whom.card else None,
        person_known=True,
        deceased=person.deceased,
        holidays=frozenset(day for day in held.holidays if day in (today, today - timedelta(days=1))),
    )
    here = next((each for each in person.at if each.group == known.group), None)
    if here is not None:
        facts = _with_what_they_have(facts, _Now(held, since), person, here, known)
    if not point.looks_back:
        return facts
    card_id = UUID(hex=whom.card.digest) if whom.card else None
    return replace(
        facts,
        first_answer=since.lookback.first_answer(point, person.id, card_id, at),
        last_passage=since.lookback.last_passage(point, person.id, at),
        guardian_at=since.lookback.guardian_at(point, person.id, at),
    )


def _with_what_they_have(facts: Facts, now: _Now, person: KnownPerson, here: AtPoints, known: KnownPoint) -> Facts:
    today = local_day(facts.at)
    day = next((each for each in reversed(here.days) if each.first <= today), Day(first=today))
    wallets = {wallet.id: wallet for wallet in here.wallets}
    return replace(
        facts,
        rights=tuple(now.right(right) for right in here.rights),
        wallets=tuple(now.wallet(wallets[each]) for each in day.wallets if each in wallets),
        payers=day.payers,
        pricing=Cents(day.prices) if known.charges else None,
        counted_today=here.noted_on == today or now.since.is_noted(person.id, here.group, today.isoformat()),
        unclaimed=day.unclaimed,
        needs_guardian=facts.point.id in day.guarded,
    )


def _whom(held: HeldList, salt: bytes, presented: Presented) -> _Whom:
    if presented.uid is not None:
        found = held.bearer(card_digest(salt, presented.uid))
        return _Whom(*found) if found is not None else _Whom()
    return _Whom(held.person(presented.person_id)) if presented.person_id is not None else _Whom()


def _on(known: KnownPoint, presented: Presented) -> Point:
    today = local_day(presented.at)
    return next((point for first, point in reversed(known.days) if first <= today), known.days[0][1])


def _taken(facts: Facts, known: KnownPoint, whom: _Whom, decision: Decision) -> Taken:
    if whom.person is None or not decision.allowed or decision.repeats is not None:
        return Taken(whom.person.id if whom.person else None)
    noted = (known.group, local_day(facts.at).isoformat()) if facts.point.counts_once_a_day else None
    return Taken(
        whom.person.id,
        decision.wallet_id if decision.effect is Effect.DEBIT else None,
        decision.amount_cents if decision.effect is Effect.DEBIT else 0,
        decision.right_id if decision.effect is Effect.ENTRY else None,
        noted,
    )


def _look_back_on(since: Since, facts: Facts, whom: _Whom, decision: Decision, display: Display) -> None:
    point, person = facts.point, whom.person
    if person is None or not point.looks_back or decision.repeats is not None:
        return
    since.lookback.guardians[person.id] = frozenset(person.guardians)
    answer = FirstAnswer(decision.reason, display.short, display.long, decision.balance_cents, decision.entries_left)
    card_id = UUID(hex=whom.card.digest) if whom.card else None
    since.lookback.add(
        Seen(person.id, card_id, point.id, point.area_id, point.direction, facts.at, decision.allowed, answer)
    )

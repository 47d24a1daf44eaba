"""Who may pass, and what it costs: one pure decision, the same online and on a reader whose line is cut.

`decide` knows neither database nor clock: everything that it needs comes in as `Facts`. Refusals and ways to be let in
are the members of `Reason`; `words.py` says them in French.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from cvq_core.access.facts import (
    Decision,
    Direction,
    Effect,
    Facts,
    Fallback,
    Manner,
    PointMode,
    Reason,
    Right,
    RightKind,
    WalletFacts,
)
from cvq_core.cards.rules import CardFacts, standing
from cvq_core.clock import local
from cvq_core.services.rules import FundingPolicy
from cvq_core.tariffs.rules import Priced, UserKind

CARD_REASONS: Mapping[str, Reason] = {
    "card-lost": Reason.CARD_BLOCKED,
    "card-stolen": Reason.CARD_BLOCKED,
    "card-withdrawn": Reason.CARD_BLOCKED,
    "card-replaced": Reason.CARD_REPLACED,
    "card-expired": Reason.CARD_EXPIRED,
    "card-not-yet-valid": Reason.CARD_NOT_YET_VALID,
}
"""What a reader answers to each standing of a card that does not work."""

_OPENING_WHAT_IS_RESERVED = frozenset({RightKind.RESERVATION, RightKind.AGENT_SCHEDULE})
_LET_IN_BY = {RightKind.SUBSCRIPTION: Reason.SUBSCRIBED, RightKind.RESERVATION: Reason.RESERVED}
_OPEN_TO_ALL = {PointMode.EMERGENCY: Reason.EMERGENCY, PointMode.HELD_OPEN: Reason.HELD_OPEN}


def decide(facts: Facts) -> Decision:
    """Decide on one presentation of a card, or one tick in a list.

    A point that is open to all comes first, then the card, the point, rights, and money: nobody pays where a right
    lets them in, and where several would, the one without a count is used and then the one that ends first. Last
    comes who passed before: nobody is told that a pool is full whom it would not let in.
    """
    if facts.point.mode is not PointMode.NORMAL and facts.point.mode in _OPEN_TO_ALL:
        return Decision(_OPEN_TO_ALL[facts.point.mode])
    # Nobody is kept inside: not without a card, and not by a point that is locked.
    if facts.point.direction is Direction.OUT:
        return Decision(Reason.LEFT)
    if facts.first_answer is not None:
        first = facts.first_answer
        against = _refusal(facts) if first.reason.allows else None
        if against is not None:
            # Blocked or locked within these seconds, or less sure a reading than the first.
            return Decision(against)
        return Decision(first.reason, balance_cents=first.balance_cents, entries_left=first.entries_left, repeats=first)
    decision = decide_alone(facts)
    found = obstacle(facts) if decision.allowed else None
    return decision if found is None else Decision(found)


def obstacle(facts: Facts) -> Reason | None:
    """Return what stands against somebody who may pass, of those who passed before them; None is nothing."""
    point = facts.point
    if facts.needs_guardian:
        since = facts.at - timedelta(minutes=point.guardian_minutes)
        if facts.guardian_at is None or not since <= facts.guardian_at <= facts.at:
            return Reason.GUARDIAN_MISSING
    last = facts.last_passage
    if point.passback_minutes and point.direction is Direction.IN and last is not None:
        since = facts.at - timedelta(minutes=point.passback_minutes)
        if last.direction is not Direction.OUT and since < last.at <= facts.at:
            return Reason.PASSED_BACK
    is_full = point.capacity is not None and facts.inside is not None and facts.inside >= point.capacity
    return Reason.AREA_FULL if is_full and point.direction is Direction.IN else None


def decide_alone(facts: Facts) -> Decision:
    """Decide as if nobody had passed before, at a point that is neither open to all nor a way out."""
    refusal = _refusal(facts)
    if facts.list_expired:
        return _without_a_list(facts, refusal)
    if refusal is not None:
        return Decision(refusal)
    if facts.point.counts_once_a_day and facts.counted_today:
        return Decision(Reason.ALREADY_COUNTED)
    here = _rights_here(facts)
    usable = [right for right in here if why_not(right, facts.at, facts.holidays) is None]
    opening = _best(right for right in usable if not right.kind.is_charged)
    if opening is not None:
        return _let_in(opening)
    if facts.point.reserved_only:
        # The reservation was paid when it was made: nobody buys themselves in at the door.
        return Decision(_no_right(here, facts))
    charged = _best(right for right in usable if right.kind.is_charged)
    return _charge(facts, here, charged)


def would_cost(facts: Facts) -> tuple[UUID | None, Priced] | None:
    """Return whom a passage that is not let in would have cost how much; None where nobody knows, or nothing is."""
    usable = [right for right in _rights_here(facts) if why_not(right, facts.at, facts.holidays) is None]
    if facts.point.reserved_only or any(not right.kind.is_charged for right in usable):
        return None
    charged = _best(usable)
    payer = _payer(facts, charged)
    account_id = payer[0].account_id if payer else _first_payer(facts, charged)
    priced = payer[1] if payer else _price(facts, account_id, charged)
    return (account_id, priced) if priced is not None and priced.amount_cents else None


def _rights_here(facts: Facts) -> list[Right]:
    point = facts.point
    return [
        right
        for right in facts.rights
        if right.point_id in (None, point.id)
        and right.site in (None, point.site)
        and (not point.reserved_only or right.kind in _OPENING_WHAT_IS_RESERVED)
    ]


def _without_a_list(facts: Facts, refusal: Reason | None) -> Decision:
    """Decide on a list that is too old: what it says against a card stands, what it says for one does not."""
    fallback = facts.point.offline_fallback
    if fallback is Fallback.FAIL_OPEN and refusal in (None, Reason.UNKNOWN_CARD):
        # A card that is younger than the list is unknown to it.
        return Decision(Reason.LET_IN_UNCHECKED)
    if refusal is not None:
        return Decision(refusal)
    if fallback is Fallback.AGENTS_ONLY:
        agents = [right for right in _rights_here(facts) if right.kind is RightKind.AGENT_SCHEDULE]
        opening = _best(right for right in agents if why_not(right, facts.at, facts.holidays) is None)
        if opening is not None:
            return _let_in(opening)
    return Decision(Reason.LIST_EXPIRED)


def _charge(facts: Facts, here: list[Right], charged: Right | None) -> Decision:
    """Decide by the service's funding policy, for somebody whom no right lets in for nothing."""
    policy = facts.point.policy
    if policy is FundingPolicy.REFUSE:
        return _pay_or_refuse(facts, here, charged)
    if policy is FundingPolicy.SERVE_AND_OWE:
        return _serve(facts, here, charged)
    if policy is FundingPolicy.BILLED and charged is not None:
        return _bill(facts, charged)
    if policy is FundingPolicy.FREE and charged is not None:
        return _let_in(charged)
    return Decision(_no_right(here, facts))


def _refusal(facts: Facts) -> Reason | None:
    """Return the first reason that stands against this card, this person and this point."""
    by_card = facts.manner is Manner.CARD
    refusal = _card_refusal(facts.card, local(facts.at).date()) if by_card else None
    if refusal is not None:
        return refusal
    if not by_card and not facts.person_known:
        return Reason.NOT_ENTITLED
    if facts.deceased:
        return Reason.PERSON_DECEASED
    if by_card and not facts.assurance.reaches(facts.point.assurance):
        return Reason.ASSURANCE_TOO_LOW
    return Reason.POINT_CLOSED if facts.point.mode is PointMode.LOCKED else None


def _card_refusal(card: CardFacts | None, day: date) -> Reason | None:
    if card is None:
        return Reason.UNKNOWN_CARD
    found = standing(card, day)
    return None if found.usable else CARD_REASONS[found.slug]


def holds(right: Right, at: datetime, *, at_any_hour: bool = False, holidays: Collection[date] = frozenset()) -> bool:
    """Whether a right holds at `at`, or at any hour of that day for a list that is drawn up before."""
    if at_any_hour:
        right = replace(right, opens_at=None, closes_at=None)
    return why_not(right, at, holidays) is None


def why_not(right: Right, at: datetime, holidays: Collection[date]) -> Reason | None:
    """Return why a right does not hold at `at`, or None when it does; `holidays` are the public ones around it."""
    if at < right.valid_from:
        return Reason.NOT_ENTITLED
    if (right.valid_until is not None and at >= right.valid_until) or right.entries_left == 0:
        return Reason.RIGHT_ENDED
    return None if _within_hours(right, local(at), holidays) else Reason.OUTSIDE_HOURS


def _within_hours(right: Right, there: datetime, holidays: Collection[date]) -> bool:
    opens, closes, hour = right.opens_at or time.min, right.closes_at, there.time()
    day = there.date()
    if closes is None:
        inside = hour >= opens
    elif opens < closes:
        inside = opens <= hour < closes
    else:
        inside = hour >= opens or hour < closes
        if hour < closes:
            day -= timedelta(days=1)  # the night belongs to the evening on which it began
    return inside and bool(right.weekdays >> day.weekday() & 1) and (right.on_holidays or day not in holidays)


def _best(rights: Iterable[Right]) -> Right | None:
    """Prefer what has no count, then what ends first; the id settles the rest, so that all readers agree."""

    def order(right: Right) -> tuple[bool, bool, float, UUID]:
        ends = right.valid_until
        return (right.entries_left is not None, ends is None, ends.timestamp() if ends else 0.0, right.id)

    return min(rights, key=order, default=None)


def _let_in(right: Right) -> Decision:
    if right.entries_left is not None:
        left = right.entries_left - 1
        return Decision(Reason.ENTRY_COUNTED, Effect.ENTRY, right_id=right.id, entries_left=left)
    return Decision(_LET_IN_BY.get(right.kind, Reason.ENTITLED), right_id=right.id, valid_until=right.valid_until)


def _pay_or_refuse(facts: Facts, here: list[Right], charged: Right | None) -> Decision:
    """Take one entry from the wallet; whoever cannot pay stays outside."""
    payer = _payer(facts, charged)
    priced = payer[1] if payer else _price(facts, _first_payer(facts, charged), charged)
    if priced is not None and not priced.amount_cents:
        return Decision(Reason.ENTITLED, priced=priced)
    if facts.unclaimed:
        return Decision(Reason.UNCLAIMED_DAY)
    if not facts.wallets:
        return Decision(_no_right(here, facts, without_wallet=True))
    if payer is None:
        return Decision(Reason.PRICE_MISSING)
    wallet, priced = payer
    if not wallet.can_pay(priced.amount_cents):
        missing = priced.amount_cents - wallet.balance_cents
        return Decision(
            Reason.WALLET_EMPTY, wallet_id=wallet.id, balance_cents=wallet.balance_cents, missing_cents=missing
        )
    return _debit(Reason.PAID, wallet, priced, charged)


def _serve(facts: Facts, here: list[Right], charged: Right | None) -> Decision:
    """Serve whoever is known to the service, and note what it costs: a child eats, whatever the wallet says."""
    if charged is None and not facts.wallets and not facts.unclaimed:
        return Decision(_no_right(here, facts, without_wallet=True))
    right_id = charged.id if charged else None
    payer = _payer(facts, charged)
    priced = payer[1] if payer else _price(facts, _first_payer(facts, charged), charged)
    if priced is None:
        # The attendance is noted all the same, and a bill can still be made from it.
        return Decision(Reason.SERVED, right_id=right_id)
    cents = priced.amount_cents
    if not cents:
        return Decision(Reason.SERVED, right_id=right_id, priced=priced)
    if facts.unclaimed:
        return Decision(Reason.SERVED_UNCLAIMED, Effect.BILL, cents, cents, right_id=right_id, priced=priced)
    if payer is not None and payer[0].can_pay(cents):
        return _debit(Reason.SERVED, payer[0], priced, charged)
    if payer is not None and payer[0].can_owe(cents):
        return _debit(Reason.SERVED_AND_OWED, payer[0], priced, charged)
    return Decision(Reason.SERVED_AND_OWED, Effect.BILL, cents, cents, right_id=right_id, priced=priced)


def _debit(reason: Reason, wallet: WalletFacts, priced: Priced, charged: Right | None) -> Decision:
    cents = priced.amount_cents
    return Decision(
        reason,
        Effect.DEBIT,
        amount_cents=cents,
        owed_cents=min(cents, max(cents - wallet.balance_cents, 0)),
        wallet_id=wallet.id,
        balance_cents=wallet.balance_cents - cents,
        right_id=charged.id if charged else None,
        priced=priced,
    )


def _bill(facts: Facts, right: Right) -> Decision:
    priced = _price(facts, _first_payer(facts, right), right)
    cents = priced.amount_cents if priced else 0
    effect = Effect.BILL if cents else Effect.NONE
    until = right.valid_until
    return Decision(Reason.BILLED, effect, cents, cents, right_id=right.id, valid_until=until, priced=priced)


def _payer(facts: Facts, charged: Right | None) -> tuple[WalletFacts, Priced] | None:
    """Return the wallet that pays and its price, each account having its own; None without a wallet or a price.

    An enrolment names who pays; without one it is the first wallet that can pay, else the first of all.
    """
    named = [wallet for wallet in facts.wallets if charged and wallet.account_id == charged.payer_account_id]
    found = [(wallet, _price(facts, wallet.account_id, charged)) for wallet in named or facts.wallets]
    priced = [(wallet, price) for wallet, price in found if price is not None]
    able = (each for each in priced if each[0].can_pay(each[1].amount_cents))
    return next(able, priced[0] if priced else None)


def _first_payer(facts: Facts, charged: Right | None) -> UUID | None:
    """Return the account whose price holds where no wallet is at hand; None on a day that is nobody's."""
    if charged is not None and charged.payer_account_id in facts.payers:
        return charged.payer_account_id
    return facts.payers[0] if facts.payers else None


def _price(facts: Facts, account_id: UUID | None, charged: Right | None) -> Priced | None:
    if facts.pricing is None:
        return None
    is_professional = charged is not None and charged.kind is RightKind.PROFESSIONAL
    return facts.pricing.price(account_id, UserKind.PROFESSIONAL if is_professional else UserKind.HOUSEHOLD)


def _no_right(here: list[Right], facts: Facts, *, without_wallet: bool = False) -> Reason:
    """Return what to say when no right holds: what is nearest to being let in."""
    missing = {why_not(right, facts.at, facts.holidays) for right in here}
    if Reason.OUTSIDE_HOURS in missing:
        return Reason.OUTSIDE_HOURS
    if facts.point.reserved_only:
        return Reason.NOT_RESERVED
    if Reason.RIGHT_ENDED in missing:
        return Reason.RIGHT_ENDED
    return Reason.WRONG_SERVICE if without_wallet else Reason.NOT_ENTITLED

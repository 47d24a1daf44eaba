"""What happens to cards that there are: handed over, blocked, found, working again, at their end.

Each act changes the card, leaves its event and its audit record, and tells the doors, in one transaction. Asked for a
second time it changes nothing. Rights, wallets, reservations and the rest hang on the person: nothing is carried over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.cards.making_rules import (
    HANDING_OVER,
    REASON_MAX,
    CardEventKind,
    Channel,
    IdentityCheck,
    IdentityNotChecked,
    OrderStatus,
    next_order_status,
)
from cvq_core.cards.rules import BlockedReason, CardStateRefused, CardStatus, next_status
from cvq_core.cards.store import UnknownCard, carried_cards, locked_card
from cvq_core.cards.tables import Card, CardEvent, CardOrder
from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM, Actor, record
from cvq_core.people.tables import Person

EXPIRE_EVERY_S = 3600.0
EXPIRED_AT_ONCE = 500
ENDING_MAX = 500
_REPLACEABLE = frozenset({CardStatus.ACTIVE, CardStatus.BLOCKED, CardStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, when, and how the person was reached and known. A visit and its consent are named at the booth."""

    actor: Actor
    now: datetime
    channel: Channel = Channel.COUNTER
    identity: IdentityCheck | None = None
    visit_id: UUID | None = None
    consent_id: UUID | None = None


def note_event(db: AsyncSession, card_id: UUID, what: CardEventKind, by: By, *, reason: str = "") -> None:
    """Write what happened to a card into its life and into the journal."""
    db.add(
        CardEvent(
            id=new_id(),
            card_id=card_id,
            at=by.now,
            what=what,
            channel=by.channel,
            identity=by.identity,
            reason=reason[:REASON_MAX],
            actor_kind=by.actor.kind,
            actor_id=by.actor.id,
            actor_name=by.actor.name[:200],
        )
    )
    record(
        db,
        now=by.now,
        actor=by.actor,
        action=f"card-{what.value.replace('_', '-')}",
        subject=("card", card_id),
        visit_id=by.visit_id,
        consent_id=by.consent_id,
        personal={"channel": by.channel.value, "identity": by.identity, "reason": reason[:REASON_MAX]},
    )


async def events_of(db: AsyncSession, card_id: UUID) -> Sequence[CardEvent]:
    """Return the life of a card, the newest first."""
    rows = await db.scalars(
        select(CardEvent).where(CardEvent.card_id == card_id).order_by(CardEvent.at.desc(), CardEvent.id.desc())
    )
    return rows.all()


async def block(db: AsyncSession, card_id: UUID, why: BlockedReason, by: By, *, reason: str = "") -> Card:
    """Block a card, from now on and everywhere; of one that is blocked already, only a worse reason is noted.

    Raises:
        UnknownCard
        CardStateRefused: it is replaced or has expired; or it was not handed over yet, and is scrapped instead.
    """
    card = await locked_card(db, card_id)
    if card.status is CardStatus.MADE:
        raise CardStateRefused
    if card.status is CardStatus.BLOCKED:
        if why.is_worse_than(card.blocked_reason):
            card.blocked_reason = why
            note_event(db, card.id, CardEventKind.BLOCKED, by, reason=reason)
            note_change(db, now=by.now, persons=[card.person_id])
        return card
    card.status, card.status_since = next_status(card.status, "block"), by.now
    card.blocked_reason = why
    note_event(db, card.id, CardEventKind.BLOCKED, by, reason=reason)
    note_change(db, now=by.now, persons=[card.person_id])
    await db.flush()
    return card


async def note_found(db: AsyncSession, card_id: UUID, by: By, *, reason: str = "") -> Card:
    """Note that somebody brought a card that was lost; it stays blocked until its holder has it.

    Raises:
        UnknownCard
    """
    card = await locked_card(db, card_id)
    latest = await db.scalar(
        select(CardEvent.what)
        .where(CardEvent.card_id == card_id)
        .order_by(CardEvent.at.desc(), CardEvent.id.desc())
        .limit(1)
    )
    if latest is not CardEventKind.FOUND:
        note_event(db, card.id, CardEventKind.FOUND, by, reason=reason)
        await db.flush()
    return card


async def unblock(db: AsyncSession, card_id: UUID, by: By) -> Card:
    """Let a blocked card work again: its holder has it, and was recognised.

    Raises:
        UnknownCard
        IdentityNotChecked: nobody checked who has it.
        CardStateRefused: it is not blocked, was never handed over, or its holder has a newer one in its place.
    """
    if by.identity not in HANDING_OVER:
        raise IdentityNotChecked
    card = await locked_card(db, card_id)
    if card.status is CardStatus.ACTIVE:
        return card
    order = await db.get(CardOrder, card_id)
    carried = set(await db.scalars(carried_cards(card.person_id)))
    rivals = await db.scalars(
        select(Card.id).where(
            Card.person_id == card.person_id, Card.status == CardStatus.ACTIVE, Card.valid_from >= card.valid_from
        )
    )
    # A company's card takes the place of nobody's own, nor the other way round.
    newer = next((each for each in rivals if (each in carried) is (card.id in carried)), None)
    if newer is not None or (order is not None and order.status is not OrderStatus.HANDED_OVER):
        raise CardStateRefused
    card.status, card.status_since = next_status(card.status, "unblock"), by.now
    card.blocked_reason = None
    note_event(db, card.id, CardEventKind.UNBLOCKED, by)
    note_change(db, now=by.now, persons=[card.person_id])
    await db.flush()
    return card


async def hand_over(db: AsyncSession, order_id: UUID, by: By) -> Card:
    """Give a made card to its holder: it works from now on, and the one that it replaces does not any more.

    Raises:
        UnknownCard
        IdentityNotChecked: nobody checked who takes it.
        OrderStateRefused, CardStateRefused: it is not made yet, or was scrapped.
    """
    if by.identity not in HANDING_OVER:
        raise IdentityNotChecked
    order = await db.scalar(select(CardOrder).where(CardOrder.id == order_id).with_for_update())
    if order is None:
        raise UnknownCard
    # Cards are locked by id everywhere, so that two who hand over to one person wait for each other.
    held = await db.scalars(select(Card).where(Card.person_id == order.person_id).order_by(Card.id).with_for_update())
    cards = list(held)
    card = next((each for each in cards if each.id == order_id), None)
    if order.status is OrderStatus.HANDED_OVER and card is not None:
        return card
    order.status, order.status_since = next_order_status(order.status, "hand_over"), by.now
    if card is None:
        raise UnknownCard
    card.status, card.status_since = next_status(card.status, "hand_over"), by.now
    card.valid_from = local_day(by.now)
    note_event(db, card.id, CardEventKind.HANDED_OVER, by)
    for old in cards:
        if old.id == order.replaces_id and old.status in _REPLACEABLE:
            old.status, old.status_since = next_status(old.status, "replace"), by.now
            old.blocked_reason, old.replaced_by_id = None, card.id
            note_event(db, old.id, CardEventKind.REPLACED, by)
    note_change(db, now=by.now, persons=[card.person_id])
    await db.flush()
    return card


async def expire_cards(db: AsyncSession, *, now: datetime) -> int:
    """Let the cards whose last day is over be expired; return how many, at most `EXPIRED_AT_ONCE`."""
    rows = await db.scalars(
        select(Card)
        .where(Card.status == CardStatus.ACTIVE, Card.valid_until < local_day(now))
        .order_by(Card.id)
        .limit(EXPIRED_AT_ONCE)
        # A card that somebody blocks or replaces at this moment is looked at again in an hour.
        .with_for_update(skip_locked=True)
    )
    cards = list(rows)
    by = By(SYSTEM, now, Channel.SYSTEM)
    for card in cards:
        card.status, card.status_since = next_status(card.status, "expire"), now
        note_event(db, card.id, CardEventKind.EXPIRED, by)
    if cards:
        note_change(db, now=now, persons=[card.person_id for card in cards])
    await db.flush()
    return len(cards)


async def run_expiry(database: Database, now: datetime) -> int:
    """Expire all cards that are due, some hundreds a transaction; return how many."""
    total = 0
    while True:
        async with database.write() as db:
            done = await expire_cards(db, now=now)
        total += done
        if done < EXPIRED_AT_ONCE:
            return total


@dataclass(frozen=True, slots=True)
class Ending:
    """A card that is soon at its end, or just was, and whose holder has no newer one on the way."""

    card: Card
    person: Person


async def ending_cards(db: AsyncSession, today: date, *, days: int = 90) -> list[Ending]:
    """Return the cards that end within so many days, or ended in as many, the first to end in front; at most 500.

    Those of companies and associations are theirs to renew.
    """
    waiting = select(CardOrder.person_id).where(
        CardOrder.status.in_([status for status in OrderStatus if status.is_open])
    )
    carried = carried_cards()
    newer = select(Card.person_id).where(
        Card.status == CardStatus.ACTIVE,
        Card.valid_until > today + timedelta(days=days),
        Card.id.not_in(carried),
    )
    rows = await db.execute(
        select(Card, Person)
        .join(Person, Person.id == Card.person_id)
        .where(
            Card.status.in_([CardStatus.ACTIVE, CardStatus.EXPIRED]),
            Card.valid_until.between(today - timedelta(days=days), today + timedelta(days=days)),
            Person.deceased_on.is_(None),
            Card.id.not_in(carried),
            Card.person_id.not_in(waiting),
            Card.person_id.not_in(newer),
        )
        .order_by(Card.valid_until, Card.id)
        .limit(ENDING_MAX)
    )
    return [Ending(card, person) for card, person in rows]

"""Making cards, singly and in batches: planned, printed, encoded, or scrapped, and the stock of blanks that it uses.

A blank leaves the stock once an order: as a card when its chip is known, or as spoiled. Locks: the order, then the
kind of blanks, then cards.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.cards.life import By, note_event
from cvq_core.cards.making_rules import (
    BATCH_MAX,
    NUMBER_TRIES,
    AlreadyOrdered,
    CardEventKind,
    NobodyToMakeFor,
    OrderAct,
    OrderStatus,
    UidInUse,
    UnknownBatch,
    UnknownOrder,
    Wanted,
    checked_reason,
    next_order_status,
)
from cvq_core.cards.rules import (
    NUMBER_LENGTH,
    BlockedReason,
    CardStateRefused,
    CardStatus,
    card_uid,
    check_digit,
    next_status,
)
from cvq_core.cards.store import add_card, carried_cards, locked_card
from cvq_core.cards.tables import Card, CardBatch, CardOrder
from cvq_core.clock import local_day
from cvq_core.inactive_values.counter import make_card, spoil_blank
from cvq_core.inactive_values.rules import UnknownValue
from cvq_core.inactive_values.store import kind_by_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.offices.rules import Officer
from cvq_core.offices.store import appointment_of
from cvq_core.offices.tables import SubOffice
from cvq_core.people.names import spoken_name
from cvq_core.people.tables import Person
from cvq_core.staff.tables import Staff

LIFE_YEARS = 12
_NOT_REPLACED = (CardStatus.REPLACED, CardStatus.MADE)
"""Of these there is nothing to replace: another card has their place, or they have no holder yet."""
_OPEN = [status for status in OrderStatus if status.is_open]


@dataclass(frozen=True, slots=True)
class NewBatch:
    """Cards to make together, at a place and from its stock of blanks (`kind_id`), where one is kept."""

    id: UUID
    place_id: UUID
    kind_id: UUID | None
    label: str
    wanted: tuple[Wanted, ...]


async def plan_batch(
    db: AsyncSession, batch: NewBatch, officer: Officer, by: By, *, years: int = LIFE_YEARS
) -> CardBatch:
    """Plan cards, each with its number; the same batch again gives the first one.

    Each takes the place of the card that is named, or of the person's own.

    Raises:
        NobodyToMakeFor: nobody, too many, somebody twice, or who is unknown or has died.
        AlreadyOrdered: somebody waits for a card already.
        CardStateRefused: a card that is named was replaced, or is not handed over.
        NotMandatary, UnknownValue: the officer is not appointed there, or the office keeps no such blanks.
        IdempotencyMismatch: this id came before with another content.
    """
    await appointment_of(db, officer.staff_id, batch.place_id, local_day(by.now))
    known = await db.get(CardBatch, batch.id)
    if known is not None:
        return await _the_same(db, known, batch)
    await _check_people(db, batch.wanted)
    await _check_kind(db, batch)
    row = CardBatch(
        id=batch.id,
        place_id=batch.place_id,
        kind_id=batch.kind_id,
        label=" ".join(batch.label.split())[:80],
        planned=len(batch.wanted),
        made_by=officer.staff_id,
        made_at=by.now,
    )
    db.add(row)
    await db.flush()
    until = _years_later(local_day(by.now), years)
    for position, wanted in enumerate(batch.wanted, start=1):
        await _plan(db, row, position, wanted.person_id, by, replaces_id=wanted.replaces_id, until=until)
    await db.flush()
    return row


async def _plan(
    db: AsyncSession, batch: CardBatch, position: int, person_id: UUID, by: By, *, replaces_id: UUID | None, until: date
) -> CardOrder:
    order = CardOrder(
        id=uuid5(batch.id, f"order {position}"),
        batch_id=batch.id,
        position=position,
        person_id=person_id,
        number=await _free_number(db),
        valid_until=until,
        replaces_id=replaces_id or await _present_card(db, person_id),
        status=OrderStatus.PLANNED,
        status_since=by.now,
    )
    db.add(order)
    note_event(db, order.id, CardEventKind.PLANNED, by)
    await db.flush()
    return order


async def mark_printed(db: AsyncSession, batch_id: UUID, officer: Officer, by: By, *, up_to: int) -> int:
    """Note that the planned cards of a batch are printed; return how many.

    `up_to` is the last position that was printed: what is planned meanwhile in the place of a spoiled one comes after.

    Raises:
        UnknownBatch, NotMandatary
    """
    batch = await batch_by_id(db, batch_id)
    await appointment_of(db, officer.staff_id, batch.place_id, local_day(by.now))
    orders = await db.scalars(
        select(CardOrder)
        .where(
            CardOrder.batch_id == batch_id,
            CardOrder.status == OrderStatus.PLANNED,
            CardOrder.position <= up_to,
        )
        .order_by(CardOrder.position)
        .with_for_update()
    )
    printed = list(orders)
    for order in printed:
        _move(order, "print", by)
        note_event(db, order.id, CardEventKind.PRINTED, by)
    await db.flush()
    return len(printed)


async def take_blank(db: AsyncSession, order: CardOrder, uid: str, by: By) -> Card:
    """Make a locked order's card, now that its chip is known: the stock loses a blank in the same transaction.

    Raises:
        UidInUse: another card has this chip.
        OrderStateRefused: it is not printed yet, or is made already with another chip.
        NotMandatary, NotEnoughInStock: whoever began the batch may not use the stock any more, or it is empty.
    """
    uid = card_uid(uid)
    known = await db.get(Card, order.id)
    if known is not None and known.uid == uid:
        return known
    if await db.scalar(select(Card.id).where(Card.uid == uid)) is not None:
        raise UidInUse
    _move(order, "encode", by)
    batch = await batch_by_id(db, order.batch_id)
    facts: dict[str, Any] = {
        "card_id": order.id,
        "person_id": order.person_id,
        "number": order.number,
        "uid": uid,
        "valid_from": local_day(by.now),
        "valid_until": order.valid_until,
        "status": CardStatus.MADE,
    }
    if batch.kind_id is None:
        card = await add_card(db, now=by.now, **facts)
    else:
        officer = await maker_of(db, batch)
        card = await make_card(db, kind_id=batch.kind_id, place_id=batch.place_id, officer=officer, now=by.now, **facts)
    note_event(db, card.id, CardEventKind.ENCODED, by)
    return card


async def scrap(
    db: AsyncSession, order_id: UUID, reason: str, officer: Officer, by: By, *, again: bool
) -> CardOrder | None:
    """Put a spoiled card aside, with its reason, and plan another in its place where one is wanted; return that one.

    A blank that was only printed on leaves the stock as spoiled; a made card is blocked for good.

    Raises:
        UnknownOrder, ReasonMissing, NotMandatary, NotEnoughInStock
        OrderStateRefused: it is not begun, or it was handed over.
    """
    plain = checked_reason(reason)
    order = await locked_order(db, order_id)
    batch = await batch_by_id(db, order.batch_id)
    await appointment_of(db, officer.staff_id, batch.place_id, local_day(by.now))
    if order.status is OrderStatus.SCRAPPED:
        return await _successor(db, order)
    was_made = order.status is OrderStatus.ENCODED
    _move(order, "scrap", by)
    if was_made:
        card = await locked_card(db, order_id)
        card.status, card.status_since = next_status(card.status, "block"), by.now
        card.blocked_reason = BlockedReason.WITHDRAWN
        note_change(db, now=by.now, persons=[card.person_id])
    elif batch.kind_id is not None:
        await spoil_blank(
            db,
            key=uuid5(order.id, "spoiled"),
            kind_id=batch.kind_id,
            place_id=batch.place_id,
            reason=plain,
            # Whoever scraps it, the blank is of the stock that the batch was begun on.
            officer=await maker_of(db, batch),
            now=by.now,
        )
    note_event(db, order.id, CardEventKind.SCRAPPED, by, reason=plain)
    await db.flush()
    if not again:
        return None
    last = await db.scalar(select(func.max(CardOrder.position)).where(CardOrder.batch_id == batch.id)) or 0
    return await _plan(db, batch, last + 1, order.person_id, by, replaces_id=order.replaces_id, until=order.valid_until)


async def cancel(db: AsyncSession, order_id: UUID, reason: str, officer: Officer, by: By) -> None:
    """Take a card that nobody began back out of its batch.

    Raises:
        UnknownOrder, ReasonMissing, NotMandatary
        OrderStateRefused: it was begun.
    """
    plain = checked_reason(reason)
    order = await locked_order(db, order_id)
    batch = await batch_by_id(db, order.batch_id)
    await appointment_of(db, officer.staff_id, batch.place_id, local_day(by.now))
    if order.status is OrderStatus.CANCELLED:
        return
    _move(order, "cancel", by)
    note_event(db, order.id, CardEventKind.CANCELLED, by, reason=plain)
    await db.flush()


async def batch_by_id(db: AsyncSession, batch_id: UUID) -> CardBatch:
    """Return a batch.

    Raises:
        UnknownBatch
    """
    batch = await db.get(CardBatch, batch_id)
    if batch is None:
        raise UnknownBatch
    return batch


async def locked_order(db: AsyncSession, order_id: UUID) -> CardOrder:
    """Return a card to make that nobody else changes until the transaction ends.

    Raises:
        UnknownOrder
    """
    order: CardOrder | None = await db.scalar(
        select(CardOrder).where(CardOrder.id == order_id).with_for_update().execution_options(populate_existing=True)
    )
    if order is None:
        raise UnknownOrder
    return order


async def maker_of(db: AsyncSession, batch: CardBatch) -> Officer:
    """Return whose stock a batch uses."""
    staff = await db.get_one(Staff, batch.made_by)
    return Officer(staff.id, staff.display_name)


@dataclass(frozen=True, slots=True)
class BatchSum:
    """A batch in a list, and how many of its cards are where."""

    batch: CardBatch
    counts: dict[OrderStatus, int]


async def batches_at(db: AsyncSession, place_ids: Sequence[UUID], *, limit: int = 50) -> list[BatchSum]:
    """Return the latest batches of some places, the newest first."""
    rows = await db.scalars(
        select(CardBatch)
        .where(CardBatch.place_id.in_(place_ids))
        .order_by(CardBatch.made_at.desc(), CardBatch.id.desc())
        .limit(limit)
    )
    batches = list(rows)
    counted = await db.execute(
        select(CardOrder.batch_id, CardOrder.status, func.count())
        .where(CardOrder.batch_id.in_([batch.id for batch in batches]))
        .group_by(CardOrder.batch_id, CardOrder.status)
    )
    counts: dict[UUID, dict[OrderStatus, int]] = {batch.id: {} for batch in batches}
    for batch_id, status, count in counted:
        counts[batch_id][status] = count
    return [BatchSum(batch, counts[batch.id]) for batch in batches]


async def orders_of(db: AsyncSession, batch_id: UUID) -> list[tuple[CardOrder, Person]]:
    """Return the cards of a batch and for whom they are, in their order."""
    rows = await db.execute(
        select(CardOrder, Person)
        .join(Person, Person.id == CardOrder.person_id)
        .where(CardOrder.batch_id == batch_id)
        .order_by(CardOrder.position)
    )
    return [(order, person) for order, person in rows]


def _move(order: CardOrder, act: OrderAct, by: By) -> None:
    order.status, order.status_since = next_order_status(order.status, act), by.now


async def _the_same(db: AsyncSession, known: CardBatch, batch: NewBatch) -> CardBatch:
    rows = await db.execute(
        select(CardOrder.person_id, CardOrder.replaces_id)
        .where(CardOrder.batch_id == known.id, CardOrder.position <= known.planned)
        .order_by(CardOrder.position)
    )
    planned = [Wanted(person_id, replaces_id) for person_id, replaces_id in rows]
    asked = list(batch.wanted)
    if len(asked) == len(planned):
        # Who says nothing of a former card meant the one that was found then.
        asked = [replace(a, replaces_id=a.replaces_id or b.replaces_id) for a, b in zip(asked, planned, strict=True)]
    if (known.place_id, known.kind_id, planned) != (batch.place_id, batch.kind_id, asked):
        raise IdempotencyMismatch
    return known


async def _check_people(db: AsyncSession, wanted: Sequence[Wanted]) -> None:
    ids = {each.person_id for each in wanted}
    if not 0 < len(wanted) <= BATCH_MAX or len(ids) != len(wanted):
        raise NobodyToMakeFor(most=BATCH_MAX)
    rows = await db.scalars(select(Person).where(Person.id.in_(ids), Person.deceased_on.is_(None)))
    people = {person.id: person for person in rows}
    if people.keys() != ids:
        raise NobodyToMakeFor(most=BATCH_MAX)
    waiting = await db.scalar(
        select(CardOrder.person_id).where(CardOrder.person_id.in_(ids), CardOrder.status.in_(_OPEN)).limit(1)
    )
    if waiting is not None:
        one = people[waiting]
        raise AlreadyOrdered(name=spoken_name(one.family_name, one.usual_name, one.given_names))
    for each in wanted:
        old = await db.get(Card, each.replaces_id) if each.replaces_id else None
        if each.replaces_id is not None and (old is None or old.person_id != each.person_id):
            raise NobodyToMakeFor(most=BATCH_MAX)
        if old is not None and old.status in _NOT_REPLACED:
            raise CardStateRefused


async def _check_kind(db: AsyncSession, batch: NewBatch) -> None:
    if batch.kind_id is None:
        return
    kind, place = await kind_by_id(db, batch.kind_id), await db.get_one(SubOffice, batch.place_id)
    if not kind.is_card or kind.office_id != place.office_id:
        raise UnknownValue


async def _present_card(db: AsyncSession, person_id: UUID) -> UUID | None:
    """Return the card that a new one takes the place of, where nobody says which."""
    found = await own_card(db, person_id)
    return found.id if found is not None else None


async def own_card(db: AsyncSession, person_id: UUID) -> Card | None:
    """Return somebody's own card: the newest that was not replaced, and that they carry for no company."""
    found: Card | None = await db.scalar(
        select(Card)
        .where(Card.person_id == person_id, Card.status.not_in(_NOT_REPLACED), Card.id.not_in(carried_cards(person_id)))
        .order_by(Card.valid_from.desc(), Card.id.desc())
        .limit(1)
    )
    return found


async def _free_number(db: AsyncSession) -> str:
    for _ in range(NUMBER_TRIES):
        digits = "".join(secrets.choice("0123456789") for _ in range(NUMBER_LENGTH - 1))
        number = digits + check_digit(digits)
        taken = union_all(
            select(Card.number).where(Card.number == number), select(CardOrder.number).where(CardOrder.number == number)
        )
        if (await db.execute(taken)).first() is None:
            return number
    raise RuntimeError("no card number is free")


async def _successor(db: AsyncSession, order: CardOrder) -> CardOrder | None:
    """Return the card that was planned in the place of a scrapped one, if there is one that is still open."""
    found: CardOrder | None = await db.scalar(
        select(CardOrder).where(CardOrder.person_id == order.person_id, CardOrder.status.in_(_OPEN))
    )
    return found


def _years_later(day: date, years: int) -> date:
    return day.replace(year=day.year + years, day=min(day.day, 28))

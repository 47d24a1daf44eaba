"""Whether cards, what was ordered, and the stock of blanks agree."""

from __future__ import annotations

from typing import cast
from uuid import UUID, uuid5

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.card_keys.tables import CardChip, CardKey, KeyPurpose
from cvq_core.cards.making_rules import OrderStatus
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card, CardBatch, CardOrder
from cvq_core.inactive_values.tables import ValueMovement

_MADE = (OrderStatus.ENCODED, OrderStatus.HANDED_OVER)


async def verify_cards(db: AsyncSession) -> list[str]:
    """Return what does not agree, one English sentence each; empty when all does."""
    return [*await _orders(db), *await _blanks(db), *await _chips(db)]


async def _orders(db: AsyncSession) -> list[str]:
    """A made order is a card of the same number and person; nothing else has one."""
    rows = await db.execute(
        select(CardOrder.id, CardOrder.status, CardOrder.number, CardOrder.person_id, Card).outerjoin(
            Card, Card.id == CardOrder.id
        )
    )
    troubles = []
    for order_id, status, number, person_id, found in rows:
        card = cast("Card | None", found)
        if status in _MADE and card is None:
            troubles.append(f"order {order_id} is {status.value} and no card has its id")
        elif card is not None and (card.number, card.person_id) != (number, person_id):
            troubles.append(f"card {order_id} is not the one that was ordered")
        elif card is not None and status in (OrderStatus.PLANNED, OrderStatus.PRINTED, OrderStatus.CANCELLED):
            troubles.append(f"order {order_id} is {status.value} and there is a card")
        elif card is not None and (card.status is CardStatus.MADE) != (status is OrderStatus.ENCODED):
            troubles.append(f"card {order_id} is {card.status.value}, its order {status.value}")
    return troubles


async def _blanks(db: AsyncSession) -> list[str]:
    """A card that was made, or spoiled, from a stock took one blank out of it."""
    ordered = await db.execute(
        select(CardOrder.id, CardOrder.status, Card.id)
        .join(CardBatch, CardBatch.id == CardOrder.batch_id)
        .outerjoin(Card, Card.id == CardOrder.id)
        .where(CardBatch.kind_id.is_not(None), CardOrder.status.in_([*_MADE, OrderStatus.SCRAPPED]))
    )
    rows = [(order_id, cast("UUID | None", card_id)) for order_id, _, card_id in ordered]
    moved: set[UUID] = set(await db.scalars(select(ValueMovement.card_id).where(ValueMovement.card_id.is_not(None))))
    spoiled = {uuid5(order_id, "spoiled") for order_id, card_id in rows if card_id is None}
    noted = set(await db.scalars(select(ValueMovement.id).where(ValueMovement.id.in_(spoiled)))) if spoiled else set()
    return [
        f"card {order_id} took no blank out of its stock"
        for order_id, card_id in rows
        if (card_id is not None and card_id not in moved)
        or (card_id is None and uuid5(order_id, "spoiled") not in noted)
    ]


async def _chips(db: AsyncSession) -> list[str]:
    """A chip's keys were made once."""
    for purpose, column in (
        (KeyPurpose.CARD, CardChip.key_version),
        (KeyPurpose.SIGNATURE, CardChip.signature_version),
    ):
        known = exists().where(CardKey.purpose == purpose, CardKey.version == column)
        unknown = (await db.scalars(select(CardChip.card_id).where(~known).limit(1))).first()
        if unknown is not None:
            return [f"card {unknown} has a {purpose.value} key that nobody noted"]
    return []

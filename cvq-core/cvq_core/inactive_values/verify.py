"""Proving that each number of a value is in one place, and which; `cvq check` tells what this finds."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.errors import Refusal
from cvq_core.inactive_values.rules import Holding, moved
from cvq_core.inactive_values.service import source_of, span_of, target_of
from cvq_core.inactive_values.store import holdings_of
from cvq_core.inactive_values.tables import ValueHolding, ValueKind, ValueMovement
from cvq_core.ledger.verify import sentences


async def verify_values(db: AsyncSession) -> list[str]:
    """Return what is wrong with the stocks, one English sentence each; empty when everything holds.

    No number is in two holdings; the holdings are what the movements add up to; movements have no gap.
    """
    other = aliased(ValueHolding)
    numbered = (
        select(ValueMovement.kind_id, func.count(ValueMovement.id).label("rows"))
        .group_by(ValueMovement.kind_id)
        .subquery()
    )
    rows = func.coalesce(numbered.c.rows, 0)
    troubles = [
        *await sentences(
            db,
            "number {} of value {} is in two holdings",
            select(other.first_number, ValueHolding.kind_id).join(
                other,
                (other.kind_id == ValueHolding.kind_id)
                & (other.first_number > ValueHolding.first_number)
                & (other.first_number <= ValueHolding.last_number),
            ),
        ),
        *await sentences(
            db,
            "value {} counts {} movements, and has {}",
            select(ValueKind.code, ValueKind.last_movement, rows)
            .outerjoin(numbered, numbered.c.kind_id == ValueKind.id)
            .where(or_(rows != ValueKind.last_movement)),
        ),
    ]
    for kind in await db.scalars(select(ValueKind)):
        troubles += await _verify_holdings(db, kind)
    return troubles


async def _verify_holdings(db: AsyncSession, kind: ValueKind) -> list[str]:
    stock: list[Holding] = []
    movements = await db.scalars(
        select(ValueMovement).where(ValueMovement.kind_id == kind.id).order_by(ValueMovement.position)
    )
    for movement in movements:
        try:
            stock = moved(stock, span_of(movement), source_of(movement), target_of(movement))
        except Refusal as refusal:
            return [f"movement {movement.position} of value {kind.code} cannot be: {refusal}"]
    if stock != await holdings_of(db, kind.id):
        return [f"the holdings of value {kind.code} are not what its movements add up to"]
    return []

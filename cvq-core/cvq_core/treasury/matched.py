"""What was matched with the statement, for whoever reads it, and the lock under which that is decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.once import insert_once
from cvq_core.treasury.matching import ItemKind
from cvq_core.treasury.tables import TreasuryAccount, TreasuryMatch, TreasuryMatchItem


def undone(match_id: Any) -> ColumnElement[bool]:
    """Whether a match was undone."""
    undoing = aliased(TreasuryMatch)
    return select(undoing.id).where(undoing.undoes_id == match_id).exists()


def is_matched(kind: ItemKind, item_id: Any) -> ColumnElement[bool]:
    """Whether a match that stands has this movement."""
    return exists().where(
        TreasuryMatchItem.kind == kind, TreasuryMatchItem.item_id == item_id, ~undone(TreasuryMatchItem.match_id)
    )


def is_matched_as_anything(item_id: Any) -> ColumnElement[bool]:
    """Whether a match that stands has this movement, under whichever of its kinds."""
    return exists().where(TreasuryMatchItem.item_id == item_id, ~undone(TreasuryMatchItem.match_id))


async def hold_account(db: AsyncSession, office_id: UUID) -> TreasuryAccount:
    """Hold an office's account at the Treasury to the end of the transaction: nothing is matched meanwhile."""
    await insert_once(db, TreasuryAccount.__table__, {"office_id": office_id, "last_deposit": 0})
    account = await db.scalar(
        select(TreasuryAccount)
        .where(TreasuryAccount.office_id == office_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert account is not None, "it was just inserted"
    return account

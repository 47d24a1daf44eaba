"""Checkpoints: what an account's postings add up to until now, so that a busy account is read as fast as a quiet one.

A till or a revenue that every payment touches has no balance row, since all would wait for it (ADR 12). Its balance is
its latest checkpoint and the few postings since.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import Table, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, LedgerCheckpoint, Posting
from cvq_core.once import insert_once

EVERY_S = 2.0
AFTER_POSTINGS = 500
"""So many postings since its last one earn an account a checkpoint; fewer are added up in a moment."""

RUNNING = (AccountKind.WALLET, AccountKind.RECEIVABLE)
_WAIT_S = 5.0
_LOOK_EVERY_S = 0.02


async def write_checkpoints(database: Database, *, after: int = AFTER_POSTINGS) -> int:
    """Write a checkpoint for each account with `after` new postings; return how many. Safe in several processes."""
    newest = await _settled_posting(database, after)
    if newest is None:
        return 0
    async with database.read() as db:
        due = await _due(db, newest, after)
    if not due:
        return 0
    async with database.write() as db:
        for account_id, base_id, cents in due:
            await _move_on(db, account_id, base_id, newest, cents)
    return len(due)


async def _settled_posting(database: Database, after: int) -> int | None:
    """Return the newest posting below which none can appear any more; None when none is sure, or hardly any is new.

    Ids are drawn before they are committed. PostgreSQL names every transaction that writes, and a transaction has its
    name before it draws a posting's id: once all that were named until now are over, nothing below is under way.
    """
    async with database.read() as db:
        newest: int | None = await db.scalar(select(func.max(Posting.id)))
        latest = await db.scalar(select(func.max(LedgerCheckpoint.posting_id)))
        if newest is None or newest - (latest or 0) < after:
            return None
        if database.is_sqlite:
            return newest
        named = int(await db.scalar(text("SELECT pg_current_xact_id()::text")) or 0)
    for _ in range(round(_WAIT_S / _LOOK_EVERY_S)):
        async with database.read() as db:
            oldest = int(await db.scalar(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")) or 0)
        if oldest > named:
            return newest
        await asyncio.sleep(_LOOK_EVERY_S)
    return None


async def _due(db: AsyncSession, newest: int, after: int) -> list[tuple[object, int, int]]:
    base = func.coalesce(LedgerCheckpoint.posting_id, 0)
    rows = await db.execute(
        select(LedgerAccount.id, base, func.sum(Posting.amount_cents))
        .outerjoin(LedgerCheckpoint, LedgerCheckpoint.account_id == LedgerAccount.id)
        .join(Posting, (Posting.account_id == LedgerAccount.id) & (Posting.id > base) & (Posting.id <= newest))
        .where(LedgerAccount.kind.not_in(RUNNING))
        .group_by(LedgerAccount.id, base)
        .having(func.count() >= after)
        .order_by(LedgerAccount.id)
    )
    return [(account_id, int(base_id), int(cents)) for account_id, base_id, cents in rows]


async def _move_on(db: AsyncSession, account_id: object, base_id: int, newest: int, cents: int) -> None:
    """Add what came since the checkpoint at `base_id`, unless another process was faster."""
    table = LedgerCheckpoint.__table__
    assert isinstance(table, Table)
    if base_id == 0:
        await insert_once(db, table, {"account_id": account_id, "posting_id": newest, "sum_cents": cents})
        return
    await db.execute(
        update(table)
        .where(table.c.account_id == account_id, table.c.posting_id == base_id)
        .values(posting_id=newest, sum_cents=table.c.sum_cents + cents)
    )

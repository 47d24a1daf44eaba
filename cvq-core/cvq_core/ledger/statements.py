"""What happened on a wallet: the latest movements, and statements of a period."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Row, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import PARIS
from cvq_core.ledger.rules import TransactionKind
from cvq_core.ledger.tables import LedgerTransaction, Posting

STATEMENT_LINES_MAX = 1000
LATEST_MAX = 20
LATEST_WALLETS_MAX = 30

_COLUMNS = (
    Posting.account_id,
    Posting.id,
    Posting.amount_cents,
    Posting.balance_after_cents,
    LedgerTransaction.id.label("transaction_id"),
    LedgerTransaction.kind,
    LedgerTransaction.label,
    LedgerTransaction.occurred_at,
    LedgerTransaction.day_only,
    LedgerTransaction.reverses_id,
    LedgerTransaction.why,
)


@dataclass(frozen=True, slots=True)
class Movement:
    """One posting on a wallet. Where `day_only`, `occurred_at` is a day and its hour means nothing."""

    transaction_id: UUID
    kind: TransactionKind
    label: str
    amount_cents: int
    balance_after_cents: int
    occurred_at: datetime
    day_only: bool
    reverses_id: UUID | None
    why: str | None = None
    """The reasons of a price as they are kept (`cvq_core.tariffs.kept`); the quotient among them is told to few."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A wallet from a day to another: what it held, what moved, what it holds. `more`: the period has further lines."""

    wallet_id: UUID
    first: date
    last: date
    opening_cents: int
    movements: tuple[Movement, ...]
    closing_cents: int
    more: bool


async def statement(
    db: AsyncSession, wallet_id: UUID, first: date, last: date, *, lines_max: int = STATEMENT_LINES_MAX
) -> Statement:
    """Return a wallet's statement from a civil day to another, both included, the oldest movement first.

    A receivable has one too: it stands below zero by what is due.
    """
    begin, end = _midnight(first), _midnight(last + timedelta(days=1))
    before = await db.scalar(
        select(func.sum(Posting.amount_cents))
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(Posting.account_id == wallet_id, LedgerTransaction.recorded_at < begin)
    )
    rows = await db.execute(
        select(*_COLUMNS)
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(
            Posting.account_id == wallet_id,
            LedgerTransaction.recorded_at >= begin,
            LedgerTransaction.recorded_at < end,
        )
        .order_by(Posting.id)
        .limit(lines_max + 1)
    )
    movements = _movements(rows)
    shown = tuple(movements[:lines_max])
    opening = int(before or 0)
    return Statement(
        wallet_id=wallet_id,
        first=first,
        last=last,
        opening_cents=opening,
        movements=shown,
        closing_cents=opening + sum(movement.amount_cents for movement in shown),
        more=len(movements) > len(shown),
    )


async def latest_movements(
    db: AsyncSession, wallet_ids: Collection[UUID], *, each: int = 5
) -> dict[UUID, tuple[Movement, ...]]:
    """Return the latest movements of some wallets, the newest first, in one query that reads no more than it shows."""
    assert len(wallet_ids) <= LATEST_WALLETS_MAX, "asked for too many wallets at once"
    if not wallet_ids:
        return {}
    count = max(1, min(each, LATEST_MAX))
    latest_ids = select(Posting.id).order_by(Posting.id.desc()).limit(count)
    branches = [select(latest_ids.where(Posting.account_id == wallet_id).subquery()) for wallet_id in wallet_ids]
    latest = union_all(*branches).subquery()
    rows = await db.execute(
        select(*_COLUMNS)
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(Posting.id.in_(select(latest.c.id)))
        .order_by(Posting.id.desc())
    )
    found: dict[UUID, list[Row[*tuple[object, ...]]]] = {wallet_id: [] for wallet_id in wallet_ids}
    for row in rows:
        found[row.account_id].append(row)
    return {wallet_id: tuple(_movements(mine)) for wallet_id, mine in found.items()}


def _movements(rows: Iterable[Row[*tuple[object, ...]]]) -> list[Movement]:
    return [
        Movement(
            transaction_id=row.transaction_id,
            kind=row.kind,
            label=row.label,
            amount_cents=row.amount_cents,
            balance_after_cents=row.balance_after_cents,
            occurred_at=row.occurred_at,
            day_only=row.day_only,
            reverses_id=row.reverses_id,
            why=row.why,
        )
        for row in rows
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS).astimezone(UTC)

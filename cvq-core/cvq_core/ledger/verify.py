"""Proving on the whole base that the ledger is what it claims to be; `cvq check` says what this finds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.append_only import APPEND_ONLY, append_only_ddl
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, LedgerCheckpoint, LedgerTransaction, Posting, Receivable, Wallet

TROUBLES_MAX = 20
"""How many troubles of one kind are named; the first ones are enough to know that something is wrong."""


async def verify(db: AsyncSession) -> list[str]:
    """Return what is wrong with the ledger, one English sentence each; empty when everything holds.

    Every transaction has two postings or more and adds up to zero; every wallet's and receivable's balance is the
    fold of its postings, and so are the balance noted with each posting and every checkpoint; the tables that only
    grow have their triggers.
    """
    folded = (
        select(Posting.account_id, func.sum(Posting.amount_cents).label("cents"))
        .group_by(Posting.account_id)
        .subquery("folded")
    )
    running = (
        select(
            Posting.id,
            Posting.balance_after_cents,
            func.sum(Posting.amount_cents).over(partition_by=Posting.account_id, order_by=Posting.id).label("cents"),
        )
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(LedgerAccount.kind.in_([AccountKind.WALLET, AccountKind.RECEIVABLE]))
        .subquery("running")
    )
    balance = func.coalesce(folded.c.cents, 0)
    up_to = (
        select(func.coalesce(func.sum(Posting.amount_cents), 0))
        .where(Posting.account_id == LedgerCheckpoint.account_id, Posting.id <= LedgerCheckpoint.posting_id)
        .scalar_subquery()
    )
    return [
        *await sentences(
            db,
            "transaction {} has {} postings that add up to {} cents",
            select(LedgerTransaction.id, func.count(Posting.id), func.coalesce(func.sum(Posting.amount_cents), 0))
            .outerjoin(Posting, Posting.transaction_id == LedgerTransaction.id)
            .group_by(LedgerTransaction.id)
            .having(or_(func.count(Posting.id) < 2, func.coalesce(func.sum(Posting.amount_cents), 0) != 0)),
        ),
        *await sentences(
            db,
            "wallet {} holds {} cents, its postings add up to {}",
            select(Wallet.id, Wallet.balance_cents, balance)
            .outerjoin(folded, folded.c.account_id == Wallet.id)
            .where(Wallet.balance_cents != balance),
        ),
        *await sentences(
            db,
            "receivable {} stands at {} cents, its postings add up to {}",
            select(Receivable.id, Receivable.balance_cents, balance)
            .outerjoin(folded, folded.c.account_id == Receivable.id)
            .where(Receivable.balance_cents != balance),
        ),
        *await sentences(
            db,
            "the checkpoint of ledger account {} at posting {} says {} cents, the postings up to it add up to {}",
            select(LedgerCheckpoint.account_id, LedgerCheckpoint.posting_id, LedgerCheckpoint.sum_cents, up_to).where(
                LedgerCheckpoint.sum_cents != up_to
            ),
        ),
        *await sentences(
            db,
            "posting {} notes a balance of {} cents, the postings up to it add up to {}",
            select(running.c.id, running.c.balance_after_cents, running.c.cents).where(
                or_(running.c.balance_after_cents.is_(None), running.c.balance_after_cents != running.c.cents)
            ),
        ),
        *await sentences(
            db,
            "ledger account {} is a wallet's, and there is no such wallet",
            select(LedgerAccount.code)
            .outerjoin(Wallet, Wallet.id == LedgerAccount.id)
            .where(LedgerAccount.kind == AccountKind.WALLET, Wallet.id.is_(None)),
        ),
        *await sentences(
            db,
            "ledger account {} is a receivable's, and there is no such receivable",
            select(LedgerAccount.code)
            .outerjoin(Receivable, Receivable.id == LedgerAccount.id)
            .where(LedgerAccount.kind == AccountKind.RECEIVABLE, Receivable.id.is_(None)),
        ),
        *await _missing_triggers(db),
    ]


async def sentences(db: AsyncSession, sentence: str, wrong: Select[*tuple[Any, ...]]) -> list[str]:
    """Return `sentence` filled with each row of what is wrong, at most `TROUBLES_MAX`."""
    rows = (await db.execute(wrong.limit(TROUBLES_MAX))).all()
    return [sentence.format(*row) for row in rows]


async def gaps(
    db: AsyncSession, sentence: str, series: Select[str, int], *, key: Any, of_series: Any, number: Any
) -> list[str]:
    """Return `sentence` filled with each series that has a gap: its name, its last number, how many papers, the last.

    `series` selects names and last numbers, and `key` is its identifier; of a paper, `of_series` names the series and
    `number` is its place in it.
    """
    papers = (
        select(of_series.label("key"), func.count().label("papers"), func.max(number).label("last"))
        .group_by(of_series)
        .subquery("papers")
    )
    counted, there, last = (
        series.selected_columns[1],
        func.coalesce(papers.c.papers, 0),
        func.coalesce(papers.c.last, 0),
    )
    wrong = series.add_columns(there, last).outerjoin(papers, papers.c.key == key)
    return await sentences(db, sentence, wrong.where(or_(there != counted, last != counted)))


def legs(*kinds: AccountKind) -> Select[UUID, int]:
    """Select what each transaction moved on accounts of some kinds, in cents under the name `cents`."""
    return (
        select(Posting.transaction_id, func.sum(Posting.amount_cents).label("cents"))
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(LedgerAccount.kind.in_(kinds))
        .group_by(Posting.transaction_id)
    )


async def _missing_triggers(db: AsyncSession) -> list[str]:
    dialect = db.get_bind().dialect.name
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if dialect == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
    )
    there = set((await db.scalars(text(names))).all())
    return [
        f"table {table} can be changed: its trigger {name} is missing"
        for table in sorted(APPEND_ONLY)
        for name in trigger_names(table, dialect)
        if name not in there
    ]


def trigger_names(table: str, dialect: str) -> list[str]:
    """Return the names of the triggers that let a table only grow."""
    return [
        statement.split()[2] for statement in append_only_ddl(table, dialect) if statement.startswith("CREATE TRIGGER")
    ]

"""The statements that move money, built once: nothing is compiled while somebody waits for a payment.

One posting that runs through SQLAlchemy's asynchronous layer spends most of its time there (`cvq_core.prepared`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ledger.tables import LedgerAccount, LedgerCheckpoint, LedgerTransaction, Posting, Receivable, Wallet
from cvq_core.prepared import Prepared, PreparedRows, one_of

_ACCOUNTS = cast(Table, LedgerAccount.__table__)
_TRANSACTIONS = cast(Table, LedgerTransaction.__table__)
_POSTINGS = cast(Table, Posting.__table__)
_CHECKPOINTS = cast(Table, LedgerCheckpoint.__table__)
_WALLETS = cast(Table, Wallet.__table__)
_RECEIVABLES = cast(Table, Receivable.__table__)


@dataclass(frozen=True, slots=True)
class LedgerStatements:
    """What is read and written for some transactions; parameters are named as in the comments."""

    accounts: Prepared  # accounts; locks the wallets among them, by their ids
    receivables: Prepared  # accounts; locks, by their ids
    balance: Prepared  # account_id
    known: Prepared  # transactions
    insert_transaction: Prepared  # all columns; changes nothing where a unique key of it is taken
    insert_transactions: PreparedRows  # all columns
    insert_postings: PreparedRows  # all columns but the counted one
    set_balances: PreparedRows  # id, balance_cents, floor_cents
    set_dues: PreparedRows  # id, balance_cents


@cache
def _ledger_statements(dialect: str) -> LedgerStatements:
    """Return the statements for "sqlite" or "postgresql"."""
    insert_into = postgresql.insert if dialect == "postgresql" else sqlite.insert
    locked = (
        select(_WALLETS.c.id, _WALLETS.c.balance_cents, _WALLETS.c.floor_cents)
        .where(one_of(_WALLETS.c.id, "accounts", dialect))
        .order_by(_WALLETS.c.id)
        .with_for_update()
        .cte("locked")
    )
    return LedgerStatements(
        accounts=Prepared(
            select(_ACCOUNTS.c.id, _ACCOUNTS.c.kind, locked.c.balance_cents, locked.c.floor_cents)
            .join_from(_ACCOUNTS, locked, locked.c.id == _ACCOUNTS.c.id, isouter=True)
            .where(one_of(_ACCOUNTS.c.id, "accounts", dialect))
        ),
        receivables=Prepared(
            select(_RECEIVABLES.c.id, _RECEIVABLES.c.balance_cents)
            .where(one_of(_RECEIVABLES.c.id, "accounts", dialect))
            .order_by(_RECEIVABLES.c.id)
            .with_for_update()
        ),
        # In one statement: between two, a checkpoint could take in what was about to be added to it.
        balance=Prepared(
            select(
                _ACCOUNTS.c.kind,
                _CHECKPOINTS.c.sum_cents,
                select(func.sum(_POSTINGS.c.amount_cents))
                .where(
                    _POSTINGS.c.account_id == _ACCOUNTS.c.id,
                    _POSTINGS.c.id > func.coalesce(_CHECKPOINTS.c.posting_id, 0),
                )
                .scalar_subquery(),
            )
            .join_from(_ACCOUNTS, _CHECKPOINTS, _CHECKPOINTS.c.account_id == _ACCOUNTS.c.id, isouter=True)
            .where(_ACCOUNTS.c.id == bindparam("account_id"))
        ),
        known=Prepared(select(_TRANSACTIONS.c.id).where(one_of(_TRANSACTIONS.c.id, "transactions", dialect))),
        insert_transaction=Prepared(insert_into(_TRANSACTIONS).on_conflict_do_nothing(), tuple(_TRANSACTIONS.c.keys())),
        insert_transactions=PreparedRows.insert(_TRANSACTIONS, _TRANSACTIONS.c.keys()),
        insert_postings=PreparedRows.insert(
            _POSTINGS, [column.key for column in _POSTINGS.c if column.autoincrement is not True]
        ),
        set_balances=PreparedRows.update(_WALLETS, ("balance_cents", "floor_cents")),
        set_dues=PreparedRows.update(_RECEIVABLES, ("balance_cents",)),
    )


def ledger_statements(db: AsyncSession) -> LedgerStatements:
    """Return the statements for the session's database."""
    return _ledger_statements(db.get_bind().dialect.name)

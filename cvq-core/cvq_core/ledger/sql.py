"""The statements that move money, built once: nothing is compiled while somebody waits for a payment.

One posting that runs through SQLAlchemy's asynchronous layer spends most of its time there (`cvq_core.prepared`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting, Receivable, Wallet
from cvq_core.prepared import Prepared, one_of

_ACCOUNTS = cast(Table, LedgerAccount.__table__)
_TRANSACTIONS = cast(Table, LedgerTransaction.__table__)
_POSTINGS = cast(Table, Posting.__table__)
_WALLETS = cast(Table, Wallet.__table__)
_RECEIVABLES = cast(Table, Receivable.__table__)


@dataclass(frozen=True, slots=True)
class LedgerStatements:
    """What is read and written for some transactions; parameters are named as in the comments."""

    accounts: Prepared  # accounts; locks the wallets among them, by their ids
    receivables: Prepared  # accounts; locks, by their ids
    known: Prepared  # transactions
    insert_transaction: Prepared  # all columns; changes nothing where a unique key of it is taken
    insert_transactions: Prepared  # all columns
    insert_postings: Prepared  # all columns but the counted one
    set_balance: Prepared  # wallet_id, balance, floor
    set_due: Prepared  # receivable_id, balance


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
        known=Prepared(select(_TRANSACTIONS.c.id).where(one_of(_TRANSACTIONS.c.id, "transactions", dialect))),
        insert_transaction=Prepared(insert_into(_TRANSACTIONS).on_conflict_do_nothing(), tuple(_TRANSACTIONS.c.keys())),
        insert_transactions=Prepared(insert_into(_TRANSACTIONS), tuple(_TRANSACTIONS.c.keys())),
        insert_postings=Prepared(
            insert_into(_POSTINGS), tuple(column.key for column in _POSTINGS.c if column.autoincrement is not True)
        ),
        set_balance=Prepared(
            update(_WALLETS)
            .where(_WALLETS.c.id == bindparam("wallet_id"))
            .values(balance_cents=bindparam("balance"), floor_cents=bindparam("floor"))
        ),
        set_due=Prepared(
            update(_RECEIVABLES)
            .where(_RECEIVABLES.c.id == bindparam("receivable_id"))
            .values(balance_cents=bindparam("balance"))
        ),
    )


def ledger_statements(db: AsyncSession) -> LedgerStatements:
    """Return the statements for the session's database."""
    return _ledger_statements(db.get_bind().dialect.name)

"""What the entries of an office add up to on each account, between two instants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.books.scope import Scope, is_held
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting, Wallet
from cvq_core.offices.tables import Drawer

Sums = Mapping[str, tuple[int, int]]
"""By an account's key, what was debited and credited, in cents without sign."""


async def sums_between(
    db: AsyncSession,
    scope: Scope,
    held: Mapping[UUID, LedgerAccount],
    begin: datetime | None,
    end: datetime,
) -> Sums:
    """Return what the transactions that touch a scope's own accounts debited and credited, by account.

    The wallets of a service are one account here, and so are all invoices, and the drawers of one place. Since every
    transaction is there whole, all of it adds up to zero.
    """
    recorded = recorded_between(begin, end)
    touching = (
        select(Posting.transaction_id)
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(is_held(scope, held, begin), *recorded)
        .distinct()
        .subquery()
    )
    apart = LedgerAccount.kind.not_in((AccountKind.WALLET, AccountKind.RECEIVABLE, AccountKind.DRAWER))
    alone = case((apart, LedgerAccount.id), else_=None)
    plus, minus = Posting.amount_cents > 0, Posting.amount_cents < 0
    rows = await db.execute(
        select(
            LedgerAccount.kind,
            Wallet.service_code,
            Drawer.sub_office_id,
            alone.label("account_id"),
            func.sum(case((minus, -Posting.amount_cents), else_=0)),
            func.sum(case((plus, Posting.amount_cents), else_=0)),
        )
        .join(touching, touching.c.transaction_id == Posting.transaction_id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .outerjoin(Wallet, Wallet.id == Posting.account_id)
        .outerjoin(Drawer, Drawer.id == Posting.account_id)
        .group_by(LedgerAccount.kind, Wallet.service_code, Drawer.sub_office_id, alone)
    )
    found = {}
    for kind, service, place_id, account_id, debit, credit in rows:
        found[str(account_id) if account_id else f"{kind}:{service or place_id or ''}"] = int(debit), int(credit)
    return found


def added(one: Sums, other: Sums) -> Sums:
    """Return the sums of both."""
    keys = one.keys() | other.keys()
    both = {key: (one.get(key, (0, 0)), other.get(key, (0, 0))) for key in keys}
    return {key: (mine[0] + theirs[0], mine[1] + theirs[1]) for key, (mine, theirs) in both.items()}


def net(sums: Sums, key: str) -> int:
    """Return what an account's postings add up to: plus is credit."""
    debit, credit = sums.get(key, (0, 0))
    return credit - debit


def recorded_between(begin: datetime | None, end: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that a transaction was recorded in a span; None is the beginning of all."""
    after = () if begin is None else (LedgerTransaction.recorded_at >= begin,)
    return (*after, LedgerTransaction.recorded_at < end)

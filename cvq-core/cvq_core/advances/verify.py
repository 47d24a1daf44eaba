"""Proving that every advance is in its fund or waits to be given back; `cvq check` tells what this finds."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.advances.store import account_id
from cvq_core.advances.tables import (
    Advance,
    AdvanceExpense,
    AdvanceMovement,
    AdvanceStatement,
    AdvanceStatementLine,
)
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.verify import sentences
from cvq_core.offices.tables import CashOffice

_FUND = (AccountKind.ADVANCE, AccountKind.ADVANCE_CASH, AccountKind.ADVANCE_ACCOUNT, AccountKind.EXPENSES)


async def verify_advances(db: AsyncSession) -> list[str]:
    """Return what is wrong with the advances, one English sentence each; empty when everything holds.

    What was granted is the cash, the account and the expenses that wait; neither is below zero; what waits is what the
    vouchers say, less what was given back; refunds are what the vouchers took from wallets; vouchers and statements
    have no gap; a statement is the sum of its vouchers, and no more was given back on it.
    """
    troubles = []
    for office in await db.scalars(select(CashOffice).join(Advance, Advance.office_id == CashOffice.id)):
        troubles += await _verify_fund(db, office)
    return troubles + await _verify_series(db) + await _verify_statements(db)


async def _verify_fund(db: AsyncSession, office: CashOffice) -> list[str]:
    granted, cash, account, awaiting = [await balance_of(db, account_id(office.id, kind)) for kind in _FUND]
    refunds = await balance_of(db, account_id(office.id, AccountKind.REFUNDS))
    mine = AdvanceExpense.office_id == office.id
    spent = int(await db.scalar(select(func.sum(AdvanceExpense.amount_cents)).where(mine)) or 0)
    of_wallets = select(func.sum(AdvanceExpense.amount_cents)).where(mine, AdvanceExpense.wallet_id.is_not(None))
    refunded = int(await db.scalar(of_wallets) or 0)
    given_back = int(
        await db.scalar(
            select(func.sum(AdvanceMovement.amount_cents)).where(
                AdvanceMovement.office_id == office.id, AdvanceMovement.statement_id.is_not(None)
            )
        )
        or 0
    )
    troubles = []
    if granted != cash + account + awaiting:
        troubles.append(f"the advance of {office.code} is {granted} cents: {cash} + {account} held, {awaiting} awaited")
    if min(cash, account) < 0:
        troubles.append(f"the advance of {office.code} holds {cash} cents in cash, {account} on its account")
    if awaiting != spent - given_back:
        troubles.append(
            f"the advance of {office.code} awaits {awaiting} cents, its vouchers less what came back are "
            f"{spent - given_back}"
        )
    if refunds != refunded:
        troubles.append(f"the advance of {office.code} refunded {refunds} cents, its vouchers say {refunded}")
    return troubles


async def _verify_series(db: AsyncSession) -> list[str]:
    troubles = []
    for words, table, last in (
        ("expenses", AdvanceExpense, Advance.last_voucher),
        ("statements", AdvanceStatement, Advance.last_statement),
    ):
        numbered = (
            select(table.office_id, func.count(table.id).label("rows"), func.max(table.number).label("last"))
            .group_by(table.office_id)
            .subquery()
        )
        rows, highest = func.coalesce(numbered.c.rows, 0), func.coalesce(numbered.c.last, 0)
        troubles += await sentences(
            db,
            "advance " + words + " of {} count to {}, and there are {} up to number {}",
            select(CashOffice.code, last, rows, highest)
            .join(Advance, Advance.office_id == CashOffice.id)
            .outerjoin(numbered, numbered.c.office_id == CashOffice.id)
            .where(or_(rows != last, highest != last)),
        )
    return troubles


async def _verify_statements(db: AsyncSession) -> list[str]:
    stated = (
        select(AdvanceStatementLine.statement_id, func.sum(AdvanceExpense.amount_cents).label("cents"))
        .join(AdvanceExpense, AdvanceExpense.id == AdvanceStatementLine.expense_id)
        .group_by(AdvanceStatementLine.statement_id)
        .subquery()
    )
    received = (
        select(AdvanceMovement.statement_id, func.sum(AdvanceMovement.amount_cents).label("cents"))
        .group_by(AdvanceMovement.statement_id)
        .subquery()
    )
    total, cents = func.coalesce(stated.c.cents, 0), func.coalesce(received.c.cents, 0)
    cancelled = aliased(AdvanceExpense)
    return [
        *await sentences(
            db,
            "advance statement {} says {} cents, its vouchers add up to {}",
            select(AdvanceStatement.number, AdvanceStatement.total_cents, total)
            .outerjoin(stated, stated.c.statement_id == AdvanceStatement.id)
            .where(AdvanceStatement.total_cents != total),
        ),
        *await sentences(
            db,
            "{} cents came back on advance statement {} of {}",
            select(cents, AdvanceStatement.number, AdvanceStatement.total_cents)
            .join(received, received.c.statement_id == AdvanceStatement.id)
            .where(cents > AdvanceStatement.total_cents),
        ),
        *await sentences(
            db,
            "advance expense {} takes back {} cents of expense {}, which was of {}",
            select(AdvanceExpense.number, -AdvanceExpense.amount_cents, cancelled.number, cancelled.amount_cents)
            .join(cancelled, cancelled.id == AdvanceExpense.cancels_id)
            .where(AdvanceExpense.amount_cents != -cancelled.amount_cents),
        ),
    ]

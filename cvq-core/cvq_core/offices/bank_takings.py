"""What reached an office through the bank, online or by direct debit, and no slip carries yet; read from the ledger.

A payment online debits payments under way by what came, and credits receipts to classify by what nobody has placed
yet; the entry that places it later debits these. So what may be paid over of any transaction is what it leaves on the
two together: nothing of what waits, and all of it once it is decided. Everything is carried by whole transactions,
each by one slip that stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import local_day
from cvq_core.debits.tables import DebitItem, DebitRun, DebitRunEnd, RunEnd
from cvq_core.ledger.rules import AccountKind, TransactionKind
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting
from cvq_core.offices.remittance_rules import TAKINGS_MAX, BankTaking, TakingKind
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import CashOffice, Remittance, RemittanceTransaction, SubOffice

_MEANS = {
    AccountKind.ONLINE_PAYMENTS: Means.PAYFIP,
    AccountKind.TO_CLASSIFY: Means.PAYFIP,
    AccountKind.DIRECT_DEBITS: Means.DIRECT_DEBIT,
}
_KINDS = {TransactionKind.REVERSAL: TakingKind.RETURNED, TransactionKind.CLASSIFIED: TakingKind.CLASSIFIED}


async def bank_takings(db: AsyncSession, office: CashOffice, today: date) -> list[BankTaking]:
    """Return what came by the bank and is still to be passed on, the oldest first, `TAKINGS_MAX` at most.

    A debit counts from the day on which the bank collects it.
    """
    accounts = await _accounts(db, office)
    if not accounts:
        return []
    first = func.min(Posting.id)
    wanted = (
        select(Posting.transaction_id)
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(
            Posting.account_id.in_(accounts),
            ~_is_passed_on(Posting.transaction_id),
            Posting.transaction_id.not_in(select(Remittance.transaction_id)),
            *_is_collected(today),
        )
        .group_by(Posting.transaction_id)
        .order_by(first)
        .limit(TAKINGS_MAX)
        .subquery()
    )
    rows = await db.execute(
        select(
            LedgerTransaction.id,
            LedgerTransaction.kind,
            LedgerTransaction.occurred_at,
            LedgerTransaction.reference,
            LedgerTransaction.label,
            Posting.account_id,
            Posting.amount_cents,
        )
        .join(Posting, Posting.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.id.in_(select(wanted.c.transaction_id)), Posting.account_id.in_(accounts))
        .order_by(Posting.id)
    )
    found: dict[tuple[UUID, UUID], BankTaking] = {}
    for row in rows:
        means, source_id = accounts[row.account_id]
        known = found.get((row.id, source_id))
        found[row.id, source_id] = BankTaking(
            transaction_id=row.id,
            account_id=source_id,
            means=means,
            kind=_KINDS.get(row.kind, TakingKind.RECEIVED),
            day=local_day(row.occurred_at),
            reference=row.reference or row.label,
            amount_cents=(known.amount_cents if known else 0) - row.amount_cents,
        )
    return [taking for taking in found.values() if taking.amount_cents]


async def to_classify_cents(db: AsyncSession, office: CashOffice) -> int:
    """Return what an office received and nobody has placed yet: it stays until somebody decides."""
    codes = _codes(await _place_codes(db, office), office)
    rows = await db.scalars(
        select(LedgerAccount.id).where(LedgerAccount.code.in_(codes), LedgerAccount.kind == AccountKind.TO_CLASSIFY)
    )
    return sum([await balance_of(db, account_id) for account_id in rows.all()])


async def _accounts(db: AsyncSession, office: CashOffice) -> Mapping[UUID, tuple[Means, UUID]]:
    """Return each account's means, and the account from which its money is paid over."""
    codes = _codes(await _place_codes(db, office), office)
    rows = (
        await db.execute(
            select(LedgerAccount.id, LedgerAccount.code, LedgerAccount.kind).where(LedgerAccount.code.in_(codes))
        )
    ).all()
    by_code = {row.code: row.id for row in rows}
    return {row.id: (_MEANS[row.kind], by_code[codes[row.code]]) for row in rows}


async def _place_codes(db: AsyncSession, office: CashOffice) -> list[str]:
    return list(await db.scalars(select(SubOffice.code).where(SubOffice.office_id == office.id)))


def _codes(places: list[str], office: CashOffice) -> dict[str, str]:
    """Map each account's code to that of the account from which its money is paid over."""
    online = {f"{AccountKind.ONLINE_PAYMENTS}:{place}": place for place in places}
    waiting = {f"{AccountKind.TO_CLASSIFY}:{place}": f"{AccountKind.ONLINE_PAYMENTS}:{place}" for place in places}
    debits = f"{AccountKind.DIRECT_DEBITS}:{office.code}"
    return {code: code for code in online} | waiting | {debits: debits}


def _is_passed_on(transaction_id: Any) -> ColumnElement[bool]:
    """Whether a slip that stands carries this transaction."""
    cancel = aliased(Remittance)
    cancelled = select(cancel.id).where(cancel.cancels_id == RemittanceTransaction.remittance_id).exists()
    return (
        select(RemittanceTransaction.transaction_id)
        .where(RemittanceTransaction.transaction_id == transaction_id, ~cancelled)
        .exists()
    )


def _is_collected(today: date) -> tuple[ColumnElement[bool], ...]:
    """Leave out the debits of a day to come or of a file that never left, and what came back of them meanwhile."""
    to_come = (
        select(DebitItem.id)
        .join(DebitRun, DebitRun.id == DebitItem.run_id)
        .outerjoin(DebitRunEnd, DebitRunEnd.run_id == DebitRun.id)
        .where(or_(DebitRun.collection_day > today, DebitRunEnd.end.is_distinct_from(RunEnd.SENT)))
    )
    reverses = LedgerTransaction.reverses_id
    return LedgerTransaction.id.not_in(to_come), or_(reverses.is_(None), reverses.not_in(to_come))

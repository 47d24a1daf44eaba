"""Proving that direct debits stand in the ledger once, to the cent, each under a mandate that was signed."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.debits.tables import DebitItem, DebitMandate, DebitReturn, DebitRun, DebitRunEnd, RunEnd
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, Posting
from cvq_core.offices.tables import CashOffice

TROUBLES_MAX = 50


async def verify_debits(db: AsyncSession) -> list[str]:
    """Return what does not hold, nothing when all is well: a French sentence each, naming files and mandates alone."""
    return [
        *await _totals(db),
        *await _beside_the_ledger(db),
        *await _fees(db),
        *await _given_up(db),
        *await _unsigned(db),
    ]


async def _totals(db: AsyncSession) -> list[str]:
    """A file's total and count are those of its debits."""
    rows = await db.execute(
        select(CashOffice.code, DebitRun.number)
        .join(CashOffice, CashOffice.id == DebitRun.office_id)
        .outerjoin(DebitItem, DebitItem.run_id == DebitRun.id)
        .group_by(CashOffice.code, DebitRun.id, DebitRun.number, DebitRun.total_cents, DebitRun.items)
        .having(
            or_(
                func.coalesce(func.sum(DebitItem.amount_cents), 0) != DebitRun.total_cents,
                func.count(DebitItem.id) != DebitRun.items,
            )
        )
        .limit(TROUBLES_MAX)
    )
    return [_said(code, number, "le total n’est pas celui de ses lignes") for code, number in rows]


async def _beside_the_ledger(db: AsyncSession) -> list[str]:
    """A debit credits its invoice by its amount."""
    paid = (
        select(func.sum(Posting.amount_cents))
        .where(Posting.transaction_id == DebitItem.id, Posting.account_id == DebitItem.invoice_id)
        .scalar_subquery()
    )
    rows = await db.execute(
        select(CashOffice.code, DebitRun.number)
        .join(DebitRun, DebitRun.office_id == CashOffice.id)
        .join(DebitItem, DebitItem.run_id == DebitRun.id)
        .where(func.coalesce(paid, 0) != DebitItem.amount_cents)
        .distinct()
        .limit(TROUBLES_MAX)
    )
    return [_said(code, number, "le grand livre dit un autre montant") for code, number in rows]


async def _fees(db: AsyncSession) -> list[str]:
    """What the bank took for a debit that came back is an expense of that amount."""
    spent = (
        select(func.sum(Posting.amount_cents))
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(Posting.transaction_id == DebitReturn.fees_transaction_id, LedgerAccount.kind == AccountKind.BANK_FEES)
        .scalar_subquery()
    )
    rows = await db.execute(
        select(CashOffice.code, DebitRun.number)
        .join(DebitRun, DebitRun.office_id == CashOffice.id)
        .join(DebitItem, DebitItem.run_id == DebitRun.id)
        .join(DebitReturn, DebitReturn.item_id == DebitItem.id)
        .where(DebitReturn.fees_transaction_id.is_not(None), func.coalesce(spent, 0) != -DebitReturn.fee_cents)
        .distinct()
        .limit(TROUBLES_MAX)
    )
    return [_said(code, number, "le grand livre dit d’autres frais de la banque") for code, number in rows]


async def _given_up(db: AsyncSession) -> list[str]:
    """Of a file that was given up, every debit was taken back."""
    rows = await db.execute(
        select(CashOffice.code, DebitRun.number)
        .join(DebitRun, DebitRun.office_id == CashOffice.id)
        .join(DebitRunEnd, DebitRunEnd.run_id == DebitRun.id)
        .join(DebitItem, DebitItem.run_id == DebitRun.id)
        .outerjoin(DebitReturn, DebitReturn.item_id == DebitItem.id)
        .where(DebitRunEnd.end == RunEnd.GIVEN_UP, DebitReturn.item_id.is_(None))
        .distinct()
        .limit(TROUBLES_MAX)
    )
    return [_said(code, number, "abandonné, mais pas repris en entier") for code, number in rows]


async def _unsigned(db: AsyncSession) -> list[str]:
    """Nothing was debited under a mandate that nobody signed."""
    rows = await db.scalars(
        select(DebitMandate.reference)
        .where(DebitMandate.signed_on.is_(None), DebitMandate.id.in_(select(DebitItem.mandate_id)))
        .order_by(DebitMandate.reference)
        .limit(TROUBLES_MAX)
    )
    return [f"mandat {reference} : prélevé sans signature" for reference in rows]


def _said(code: str, number: int, what: str) -> str:
    return f"fichier de prélèvements {code}-{number:04d} : {what}"

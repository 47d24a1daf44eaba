"""Proving on the whole base that merged accounts and shared children are what they claim; `cvq check` says the rest."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.families.tables import AccountMerge, AccountMergeUndo
from cvq_core.invoices.tables import Invoice, SharedMonth, SharedPart
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.verify import sentences
from cvq_core.people.tables import CustodyPart, FamilyAccount


async def verify_families(db: AsyncSession) -> list[str]:
    """Return what is wrong with the families, one English sentence each; empty when everything holds.

    Every merged account is closed and points to the one that goes on, and no other account does; a merger that was
    undone has its reversal where money had moved; the shares of each arrangement add up to a hundred; the parts of a
    shared month add up to it, and each is what its invoice says.
    """
    standing = (
        select(AccountMerge.merged_id, AccountMerge.kept_id)
        .outerjoin(AccountMergeUndo, AccountMergeUndo.merge_id == AccountMerge.id)
        .where(AccountMergeUndo.id.is_(None))
        .subquery("standing")
    )
    reversal = select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == AccountMerge.id).exists()
    moved = select(LedgerTransaction.id).where(LedgerTransaction.id == AccountMerge.id).exists()
    return [
        *await sentences(
            db,
            "account {} was merged, and is open or points elsewhere",
            select(FamilyAccount.number)
            .join(standing, standing.c.merged_id == FamilyAccount.id)
            .where(
                FamilyAccount.closed_on.is_(None) | FamilyAccount.merged_into_id.is_distinct_from(standing.c.kept_id)
            ),
        ),
        *await sentences(
            db,
            "account {} points to another one, and no merger says why",
            select(FamilyAccount.number)
            .outerjoin(standing, standing.c.merged_id == FamilyAccount.id)
            .where(FamilyAccount.merged_into_id.is_not(None), standing.c.merged_id.is_(None)),
        ),
        *await sentences(
            db,
            "merger {} was undone, and its money did not go back",
            select(AccountMerge.id)
            .join(AccountMergeUndo, AccountMergeUndo.merge_id == AccountMerge.id)
            .where(moved, ~reversal),
        ),
        *await sentences(
            db,
            "the shares of custody arrangement {} add up to {}",
            select(CustodyPart.arrangement_id, func.sum(CustodyPart.share_percent))
            .group_by(CustodyPart.arrangement_id)
            .having(func.sum(CustodyPart.share_percent) != 100),
        ),
        *await sentences(
            db,
            "the parts of shared month {} add up to {} cents and not to {}",
            select(SharedMonth.id, func.coalesce(func.sum(SharedPart.amount_cents), 0), SharedMonth.total_cents)
            .outerjoin(SharedPart, SharedPart.month_id == SharedMonth.id)
            .group_by(SharedMonth.id, SharedMonth.total_cents)
            .having(func.coalesce(func.sum(SharedPart.amount_cents), 0) != SharedMonth.total_cents),
        ),
        *await sentences(
            db,
            "invoice {} is not what its parts of a shared month say: {} and {} cents",
            select(Invoice.id, Invoice.total_cents, func.sum(SharedPart.amount_cents))
            .join(SharedPart, SharedPart.invoice_id == Invoice.id)
            .group_by(Invoice.id, Invoice.total_cents)
            .having(func.sum(SharedPart.amount_cents) != Invoice.total_cents),
        ),
    ]

"""Proving that receipts have no gap and say what the ledger says; `cvq check` tells what this finds."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import Posting
from cvq_core.ledger.verify import gaps, legs, sentences
from cvq_core.offices.tables import (
    CashOffice,
    Drawer,
    Receipt,
    ReceiptSeries,
    Remittance,
    RemittanceDrawer,
    RemittanceSeries,
    RemittanceSource,
    RemittanceTransaction,
    SubOffice,
)


async def verify_offices(db: AsyncSession) -> list[str]:
    """Return what is wrong with the cash offices, one English sentence each; empty when everything holds.

    Every series runs from 1 to its last number without a gap; every receipt's total is what its transaction gave the
    wallets and invoices; a void is the opposite of what it voids; a closed drawer's account is empty;
    slips run without a gap and say what left the place, and carry each drawer and payment once; no safe holds less
    than nothing.
    """
    credited = (
        legs(AccountKind.WALLET, AccountKind.RECEIVABLE)
        .where(Posting.transaction_id.in_(select(Receipt.transaction_id)))
        .subquery("credited")
    )
    cents = func.coalesce(credited.c.cents, 0)
    voided = aliased(Receipt)
    left = (
        select(Posting.account_id, func.sum(Posting.amount_cents).label("cents"))
        .join(Drawer, Drawer.id == Posting.account_id)
        .where(Drawer.closed_at.is_not(None))
        .group_by(Posting.account_id)
        .subquery("left")
    )
    return [
        *await gaps(
            db,
            "series {} counts to {}, and has {} receipts up to number {}",
            select(ReceiptSeries.code, ReceiptSeries.last_number),
            key=ReceiptSeries.id,
            of_series=Receipt.series_id,
            number=Receipt.number,
        ),
        *await sentences(
            db,
            "receipt {} says {} cents, its transaction gave the wallets {}",
            select(Receipt.number, Receipt.total_cents, cents)
            .outerjoin(credited, credited.c.transaction_id == Receipt.transaction_id)
            .where(Receipt.total_cents != cents),
        ),
        *await sentences(
            db,
            "receipt {} voids {} cents of receipt {}, which was of {}",
            select(Receipt.number, -Receipt.total_cents, voided.number, voided.total_cents)
            .join(voided, voided.id == Receipt.voids_id)
            .where(Receipt.total_cents != -voided.total_cents),
        ),
        *await sentences(
            db,
            "drawer {} is closed, and {} cents are still booked in it",
            select(left.c.account_id, -left.c.cents).where(left.c.cents != 0),
        ),
        *await _verify_remittances(db),
        *await _verify_carried(db),
    ]


async def _verify_carried(db: AsyncSession) -> list[str]:
    """No drawer, source or payment by the bank is carried by two slips that stand; the payments make up their sum."""
    cancel = aliased(Remittance)
    found = []
    for what, table, column in (
        ("drawer", RemittanceDrawer, RemittanceDrawer.drawer_id),
        ("slip", RemittanceSource, RemittanceSource.source_id),
        ("transaction", RemittanceTransaction, RemittanceTransaction.transaction_id),
    ):
        stands = ~select(cancel.id).where(cancel.cancels_id == table.remittance_id).exists()
        twice = select(column, func.count()).where(stands).group_by(column).having(func.count() > 1)
        found += await sentences(db, f"{what} {{}} is carried by {{}} slips", twice)
    carried = (
        select(
            RemittanceTransaction.remittance_id,
            func.sum(RemittanceTransaction.amount_cents).label("cents"),
        )
        .group_by(RemittanceTransaction.remittance_id)
        .subquery("carried")
    )
    standing = select(Remittance.id).where(Remittance.cancels_id.is_(None))
    paid = (
        legs(AccountKind.ONLINE_PAYMENTS, AccountKind.DIRECT_DEBITS)
        .where(Posting.transaction_id.in_(standing))
        .subquery("paid")
    )
    said, moved = func.coalesce(carried.c.cents, 0), func.coalesce(paid.c.cents, 0)
    found += await sentences(
        db,
        "slip {} carries {} cents that came by the bank, its transaction moved {}",
        select(Remittance.number, said, moved)
        .outerjoin(carried, carried.c.remittance_id == Remittance.id)
        .outerjoin(paid, paid.c.transaction_id == Remittance.transaction_id)
        .where(said != moved),
    )
    return found


async def _verify_remittances(db: AsyncSession) -> list[str]:
    paid = (
        legs(AccountKind.REMITTED, AccountKind.TREASURY)
        .where(Posting.transaction_id.in_(select(Remittance.transaction_id)))
        .subquery("paid")
    )
    cents = -func.coalesce(paid.c.cents, 0)
    cancelled = aliased(Remittance)
    safe = (
        select(SubOffice.label, func.sum(Posting.amount_cents).label("cents"))
        .join(Posting, Posting.account_id == SubOffice.safe_account_id)
        .group_by(SubOffice.id, SubOffice.label)
        .subquery("safe")
    )
    return [
        *await gaps(
            db,
            "slips of {} count to {}, and there are {} up to number {}",
            select(CashOffice.code, RemittanceSeries.last_number).join(
                RemittanceSeries, RemittanceSeries.office_id == CashOffice.id
            ),
            key=CashOffice.id,
            of_series=Remittance.office_id,
            number=Remittance.number,
        ),
        *await sentences(
            db,
            "slip {} says {} cents, its transaction paid {} over",
            select(Remittance.number, Remittance.total_cents, cents)
            .outerjoin(paid, paid.c.transaction_id == Remittance.transaction_id)
            .where(Remittance.total_cents != cents),
        ),
        *await sentences(
            db,
            "slip {} cancels {} cents of slip {}, which was of {}",
            select(Remittance.number, -Remittance.total_cents, cancelled.number, cancelled.total_cents)
            .join(cancelled, cancelled.id == Remittance.cancels_id)
            .where(Remittance.total_cents != -cancelled.total_cents),
        ),
        *await sentences(
            db,
            "the safe of {} holds {} cents",
            select(safe.c.label, -safe.c.cents).where(safe.c.cents > 0),
        ),
    ]

"""What a slip prints of the drawers, receipts, slips and payments that it carries, kept with it word for word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.offices.remittance_rules import BankTaking, TakingKind
from cvq_core.offices.remittance_store import number_of
from cvq_core.offices.rules import Means, receipt_number
from cvq_core.offices.tables import Drawer, Receipt, Remittance


async def printed_drawers(db: AsyncSession, drawer_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the drawers as the slip lists them: by which receipts each total came about."""
    rows = await db.execute(select(Drawer).where(Drawer.id.in_(drawer_ids)).order_by(Drawer.closed_at, Drawer.id))
    receipts: dict[UUID, list[Receipt]] = {}
    for receipt in await db.scalars(select(Receipt).where(Receipt.drawer_id.in_(drawer_ids)).order_by(Receipt.number)):
        receipts.setdefault(receipt.drawer_id, []).append(receipt)
    printed = []
    for drawer in rows.scalars():
        mine = receipts.get(drawer.id, [])
        by_means: dict[str, int] = {}
        for receipt in mine:
            by_means[receipt.means] = by_means.get(receipt.means, 0) + receipt.total_cents
        printed.append(
            {
                "opened_at": drawer.opened_at.isoformat(),
                "closed_at": drawer.closed_at.isoformat() if drawer.closed_at else None,
                "first": _printed_number(mine[0]) if mine else "",
                "last": _printed_number(mine[-1]) if mine else "",
                "receipts": len(mine),
                "means": by_means,
                "difference_cents": drawer.difference_cents or 0,
            }
        )
    return printed


async def printed_receipts(db: AsyncSession, drawer_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the cheques, vouchers and card payments one by one; what was voided is left out with its void."""
    void = aliased(Receipt)
    rows = await db.scalars(
        select(Receipt)
        .where(
            Receipt.drawer_id.in_(drawer_ids),
            Receipt.means != Means.CASH,
            Receipt.voids_id.is_(None),
            ~select(void.id).where(void.voids_id == Receipt.id).exists(),
        )
        .order_by(Receipt.number)
    )
    return [
        {
            "number": _printed_number(receipt),
            "means": receipt.means.value,
            "amount_cents": receipt.total_cents,
            **{
                name: receipt.printed[name]
                for name in ("cheque", "card_reference", "vouchers")
                if name in receipt.printed
            },
        }
        for receipt in rows
    ]


async def printed_sources(db: AsyncSession, source_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    rows = await db.scalars(select(Remittance).where(Remittance.id.in_(source_ids)).order_by(Remittance.number))
    return [
        {
            "number": number_of(source),
            "place": source.printed["place"],
            "means": source.printed["means"],
            "receipts": source.printed["receipts"],
        }
        for source in rows
    ]


def _printed_number(receipt: Receipt) -> str:
    return receipt_number(receipt.printed["series"], receipt.number)


def printed_takings(takings: Sequence[BankTaking]) -> list[dict[str, Any]]:
    """Return what came by the bank: day by day, and one by one what somebody decided where it goes.

    Each of them stands in the office's journal with its reference and this slip.
    """
    printed: list[dict[str, Any]] = []
    days: dict[tuple[Means, TakingKind, date], dict[str, Any]] = {}
    for taking in sorted(takings, key=lambda each: (list(Means).index(each.means), each.day)):
        line = {
            "means": taking.means.value,
            "kind": taking.kind.value,
            "day": taking.day.isoformat(),
            "reference": taking.reference if taking.kind is TakingKind.CLASSIFIED else "",
            "payments": 1,
            "cents": taking.amount_cents,
        }
        same = days.get((taking.means, taking.kind, taking.day))
        if same is None or taking.kind is TakingKind.CLASSIFIED:
            printed.append(line)
            days[taking.means, taking.kind, taking.day] = line
        else:
            same["payments"] += 1
            same["cents"] += taking.amount_cents
    return printed

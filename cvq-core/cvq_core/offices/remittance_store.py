"""What a place could pay over, its slips with what became of them, and what waits for the office's decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import local_day
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerAccount, Posting
from cvq_core.offices.bank_takings import bank_takings, to_classify_cents
from cvq_core.offices.ceiling_rules import RemitReason, Standing, remit_reason
from cvq_core.offices.remittance_rules import (
    CARRIED,
    REMITTANCES_MAX,
    BankTaking,
    Contents,
    RemittedTo,
    UnknownRemittance,
    passed_on_now,
    slip_number,
)
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import (
    CashOffice,
    Drawer,
    Integration,
    Receipt,
    Remittance,
    RemittanceDrawer,
    RemittanceSource,
    SubOffice,
)


async def contents_of(db: AsyncSession, place: SubOffice, today: date) -> Contents:
    """Return what a place could pay over now."""
    drawers = (
        await db.execute(
            select(Drawer.id)
            .where(Drawer.sub_office_id == place.id, Drawer.closed_at.is_not(None), ~is_carried(Drawer.id))
            .order_by(Drawer.closed_at)
        )
    ).scalars()
    drawer_ids = tuple(drawers)
    carried = CARRIED[destination_of(place)]
    others = {means: cents for means, cents in (await _taken(db, drawer_ids)).items() if means in carried}
    sources = await _sources(db, place) if place.is_main else []
    for source in sources:
        for word, cents in source.printed["means"].items():
            means = Means(word)
            if means in carried and means is not Means.CASH:
                others[means] = others.get(means, 0) + cents
    takings, to_classify = await _by_the_bank(db, place, today)
    for taking in takings:
        others[taking.means] = others.get(taking.means, 0) + taking.amount_cents
    return Contents(
        cash_max_cents=await _cash_max(db, place),
        others={means: cents for means, cents in others.items() if cents and means is not Means.CASH},
        drawer_ids=drawer_ids,
        source_ids=tuple(source.id for source in sources),
        takings=takings,
        to_classify_cents=to_classify,
    )


def destination_of(place: SubOffice) -> RemittedTo:
    """Return to whom a place pays over."""
    return RemittedTo.TREASURY if place.is_main else RemittedTo.OFFICE


@dataclass(frozen=True, slots=True)
class RemittanceLine:
    """A remittance with what became of it: who cancels it, and what the office decided."""

    remittance: Remittance
    cancelled_by_id: UUID | None
    integration: Integration | None

    @property
    def is_pending(self) -> bool:
        """Whether the office has still to decide."""
        remittance = self.remittance
        return (
            remittance.to is RemittedTo.OFFICE
            and remittance.cancels_id is None
            and self.cancelled_by_id is None
            and self.integration is None
        )


async def remittance_line(db: AsyncSession, remittance_id: UUID) -> RemittanceLine:
    """Return a remittance with what became of it.

    Raises:
        UnknownRemittance: there is none.
    """
    found = await _lines(db, Remittance.id == remittance_id)
    if not found:
        raise UnknownRemittance
    return found[0]


async def remittances_of(db: AsyncSession, sub_office_id: UUID, *, limit: int = 20) -> list[RemittanceLine]:
    """Return a place's latest remittances, the newest first."""
    return await _lines(db, Remittance.sub_office_id == sub_office_id, limit=limit)


async def to_integrate(db: AsyncSession, office_id: UUID) -> list[RemittanceLine]:
    """Return what an office's places paid over and its officer has still to decide, the newest first."""
    lines = await _lines(
        db,
        Remittance.office_id == office_id,
        Remittance.to == RemittedTo.OFFICE,
        Remittance.cancels_id.is_(None),
        Integration.remittance_id.is_(None),
        ~is_cancelled(Remittance.id),
    )
    return [line for line in lines if line.is_pending]


async def reason_to_remit(
    db: AsyncSession,
    place: SubOffice,
    office: CashOffice,
    *,
    contents: Contents,
    standing: Standing | None,
    today: date,
) -> RemitReason | None:
    """Return why a place is to remit now, if it is."""
    last = await db.scalar(
        select(func.max(Remittance.made_at)).where(
            Remittance.sub_office_id == place.id, Remittance.cancels_id.is_(None), ~is_cancelled(Remittance.id)
        )
    )
    if last is None:
        last = await db.scalar(select(func.min(Drawer.opened_at)).where(Drawer.sub_office_id == place.id))
    return remit_reason(
        standing,
        holds_something=not contents.is_empty,
        since=local_day(last) if last is not None else today,
        today=today,
        every_days=office.remit_every_days,
    )


def number_of(remittance: Remittance) -> str:
    """Return a slip's number as it is printed."""
    return slip_number(remittance.printed["series"], remittance.number)


def is_cancelled(remittance_id: Any) -> ColumnElement[bool]:
    """Whether a counter-entry took this remittance back."""
    cancel = aliased(Remittance)
    return select(cancel.id).where(cancel.cancels_id == remittance_id).exists()


def is_carried(drawer_id: Any) -> ColumnElement[bool]:
    """Whether a remittance that stands carries this drawer."""
    return (
        select(RemittanceDrawer.drawer_id)
        .where(RemittanceDrawer.drawer_id == drawer_id, ~is_cancelled(RemittanceDrawer.remittance_id))
        .exists()
    )


async def _sources(db: AsyncSession, place: SubOffice) -> Sequence[Remittance]:
    """Return what the office integrated and has not yet passed on."""
    passed = (
        select(RemittanceSource.source_id)
        .where(RemittanceSource.source_id == Remittance.id, ~is_cancelled(RemittanceSource.remittance_id))
        .exists()
    )
    rows = await db.scalars(
        select(Remittance)
        .join(Integration, Integration.remittance_id == Remittance.id)
        .where(Remittance.office_id == place.office_id, Integration.accepted, ~passed)
        .order_by(Remittance.number)
    )
    return rows.all()


async def _by_the_bank(db: AsyncSession, place: SubOffice, today: date) -> tuple[tuple[BankTaking, ...], int]:
    """Return what came by the bank and what of it is still to be placed: the office's own counter passes it on."""
    if not place.is_main:
        return (), 0
    office = await db.get_one(CashOffice, place.office_id)
    return passed_on_now(await bank_takings(db, office, today)), await to_classify_cents(db, office)


async def _taken(db: AsyncSession, drawer_ids: Sequence[UUID]) -> dict[Means, int]:
    rows = await db.execute(
        select(Receipt.means, func.sum(Receipt.total_cents))
        .where(Receipt.drawer_id.in_(drawer_ids))
        .group_by(Receipt.means)
    )
    return {means: int(cents) for means, cents in rows if cents}


async def _cash_max(db: AsyncSession, place: SubOffice) -> int:
    """Return the cash in the safe beyond that part of the float which is not in an open drawer."""
    float_id = select(LedgerAccount.id).where(LedgerAccount.code == f"{AccountKind.FLOAT}:{place.code}")
    issued = await db.scalar(
        select(func.sum(Posting.amount_cents)).where(Posting.account_id == float_id.scalar_subquery())
    )
    out = await db.scalar(
        select(func.sum(Drawer.float_cents)).where(Drawer.sub_office_id == place.id, Drawer.closed_at.is_(None))
    )
    safe = await balance_of(db, place.safe_account_id)
    return max(0, min(safe, safe + int(out or 0) - int(issued or 0)))


async def _lines(db: AsyncSession, *wanted: ColumnElement[bool], limit: int = REMITTANCES_MAX) -> list[RemittanceLine]:
    cancel = aliased(Remittance)
    rows = await db.execute(
        select(Remittance, cancel.id, Integration)
        .outerjoin(cancel, cancel.cancels_id == Remittance.id)
        .outerjoin(Integration, Integration.remittance_id == Remittance.id)
        .where(*wanted)
        .order_by(Remittance.number.desc())
        .limit(min(limit, REMITTANCES_MAX))
    )
    return [RemittanceLine(*row) for row in rows]

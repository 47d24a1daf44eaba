"""What families owe an office at a day, and how much of it stands on lists that the comptable has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import PARIS, local_day
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice, InvoiceLine
from cvq_core.ledger.rules import TransactionKind
from cvq_core.ledger.tables import LedgerTransaction, Posting, Receivable, Wallet
from cvq_core.offices.tables import CollectableService, SubOffice
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.treasury.unpaid_rules import Debt, DebtKind, Family, still_handed
from cvq_core.treasury.unpaid_tables import UnpaidItem, UnpaidState

DEBTS_MAX = 20_000
_AT_ONCE = 1000


async def debts_of(db: AsyncSession, office_id: UUID, on: date) -> list[Debt]:
    """Return what is owed to an office at the end of a day, past its day: invoices due before it, wallets below zero.

    An office's are the services that its act lets it collect that day; an invoice is its own with all its lines.
    """
    services = await _services(db, office_id, on)
    end = _midnight(on + timedelta(days=1))
    debts = [*await _invoices(db, services, on, end), *await _wallets(db, services, end)]
    handed = await handed_of(db, [debt.id for debt in debts], end)
    return [
        Debt(
            debt.id,
            debt.family_id,
            debt.kind,
            debt.label,
            debt.since,
            debt.owed_cents,
            sum(left for _, left in handed.get(debt.id, ())),
        )
        for debt in debts
    ]


async def families_of(db: AsyncSession, family_ids: Collection[UUID]) -> dict[UUID, Family]:
    """Return families by id, as the comptable must know them."""
    found: dict[UUID, Family] = {}
    for some in _portions(sorted(family_ids)):
        rows = await db.execute(
            select(FamilyAccount.id, FamilyAccount.number, FamilyAccount.label).where(FamilyAccount.id.in_(some))
        )
        found |= {row.id: Family(*row) for row in rows}
    return found


async def handed_of(
    db: AsyncSession, account_ids: Collection[UUID], end: datetime | None = None
) -> dict[UUID, list[tuple[UUID, int]]]:
    """Return what is still owed of what was handed over on some debts: by debt, each list's id and its cents.

    `end` leaves out what happened from an instant on.
    """
    withdrawal = aliased(UnpaidState)
    standing = and_(
        UnpaidState.withdraws_id.is_(None),
        ~select(withdrawal.id).where(withdrawal.withdraws_id == UnpaidState.id).exists(),
    )
    until = [UnpaidState.made_at < end] if end is not None else []
    found: dict[UUID, list[tuple[UUID, int]]] = {}
    for some in _portions(list(account_ids)):
        items = (
            select(
                UnpaidItem.state_id,
                UnpaidItem.account_id,
                UnpaidItem.amount_cents,
                UnpaidItem.owed_cents,
                UnpaidItem.posting_id,
                UnpaidState.number,
                func.lead(UnpaidItem.posting_id)
                .over(partition_by=UnpaidItem.account_id, order_by=(UnpaidItem.posting_id, UnpaidState.number))
                .label("next_id"),
            )
            .join(UnpaidState, UnpaidState.id == UnpaidItem.state_id)
            .where(UnpaidItem.account_id.in_(some), standing, *until)
            .subquery("items")
        )
        rows = await db.execute(
            select(items, _highest(items.c, end)).order_by(items.c.account_id, items.c.posting_id, items.c.number)
        )
        by_account: dict[UUID, list[Any]] = defaultdict(list)
        for row in rows:
            by_account[row.account_id].append(row)
        for account_id, mine in by_account.items():
            steps = [
                (row.amount_cents, min(row.owed_cents, row.owed_cents if row.highest is None else -row.highest))
                for row in mine
            ]
            left = still_handed(steps)
            found[account_id] = [(row.state_id, cents) for row, cents in zip(mine, left, strict=True)]
    return found


async def cancelled_of(db: AsyncSession, state_id: UUID) -> dict[UUID, int]:
    """Return what reversals have taken off each debt of a list since it was handed over, in cents."""
    rows = await db.execute(
        select(UnpaidItem.account_id, func.sum(Posting.amount_cents))
        .join(Posting, and_(Posting.account_id == UnpaidItem.account_id, Posting.id > UnpaidItem.posting_id))
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(
            UnpaidItem.state_id == state_id,
            Posting.amount_cents > 0,
            LedgerTransaction.kind == TransactionKind.REVERSAL,
        )
        .group_by(UnpaidItem.account_id)
    )
    return {row[0]: int(row[1]) for row in rows}


async def locked_debts(db: AsyncSession, debts: Collection[Debt]) -> dict[UUID, int]:
    """Hold some debts to the end of the transaction, in the ledger's order; return each one's last posting."""
    wallets = sorted(debt.id for debt in debts if debt.kind is DebtKind.WALLET)
    invoices = sorted(debt.id for debt in debts if debt.kind is DebtKind.INVOICE)
    for some in _portions(wallets):
        await db.execute(select(Wallet.id).where(Wallet.id.in_(some)).order_by(Wallet.id).with_for_update())
    for some in _portions(invoices):
        await db.execute(select(Receivable.id).where(Receivable.id.in_(some)).order_by(Receivable.id).with_for_update())
    last: dict[UUID, int] = {}
    for some in _portions([*wallets, *invoices]):
        rows = await db.execute(
            select(Posting.account_id, func.max(Posting.id))
            .where(Posting.account_id.in_(some))
            .group_by(Posting.account_id)
        )
        last |= {row[0]: int(row[1]) for row in rows}
    return last


async def _services(db: AsyncSession, office_id: UUID, on: date) -> set[ServiceCode]:
    rows = await db.scalars(
        select(CollectableService.service_code)
        .join(SubOffice, SubOffice.id == CollectableService.sub_office_id)
        .where(
            SubOffice.office_id == office_id,
            CollectableService.valid_from <= on,
            or_(CollectableService.valid_until.is_(None), CollectableService.valid_until >= on),
        )
        .distinct()
    )
    return set(rows)


async def _invoices(db: AsyncSession, services: Collection[ServiceCode], on: date, end: datetime) -> list[Debt]:
    since = _moved_from(end)
    balance = Receivable.balance_cents - func.coalesce(since.c.cents, 0)
    foreign = (
        select(InvoiceLine.invoice_id)
        .where(InvoiceLine.invoice_id == Invoice.id, InvoiceLine.service_code.not_in(services))
        .exists()
    )
    rows = await db.execute(
        select(Invoice.id, Receivable.family_account_id, Invoice.year, Invoice.number, Invoice.due_on, balance)
        .join(Receivable, Receivable.id == Invoice.id)
        .outerjoin(since, since.c.account_id == Receivable.id)
        .where(Invoice.due_on < on, Invoice.recorded_at < end, balance < 0, ~foreign)
        .order_by(Invoice.due_on, Invoice.id)
        .limit(DEBTS_MAX)
    )
    return [
        Debt(
            row.id,
            row.family_account_id,
            DebtKind.INVOICE,
            f"Facture {invoice_number(row.year, row.number)}",
            row.due_on,
            -int(row[5]),
        )
        for row in rows
    ]


async def _wallets(db: AsyncSession, services: Collection[ServiceCode], end: datetime) -> list[Debt]:
    since = _moved_from(end)
    balance = Wallet.balance_cents - func.coalesce(since.c.cents, 0)
    below = (
        select(Wallet.id, Wallet.family_account_id, Service.label, balance.label("balance"))
        .join(Service, Service.code == Wallet.service_code)
        .outerjoin(since, since.c.account_id == Wallet.id)
        .where(Wallet.service_code.in_(services), balance < 0)
        .order_by(Wallet.id)
        .limit(DEBTS_MAX)
        .subquery("below")
    )
    sound, owed = aliased(Posting), aliased(Posting)
    last_sound = (
        select(func.max(sound.id))
        .join(LedgerTransaction, LedgerTransaction.id == sound.transaction_id)
        .where(sound.account_id == below.c.id, sound.balance_after_cents >= 0, LedgerTransaction.recorded_at < end)
        .correlate(below)
        .scalar_subquery()
    )
    first_owed = (
        select(func.min(owed.id))
        .where(owed.account_id == below.c.id, owed.id > func.coalesce(last_sound, 0))
        .correlate(below)
        .scalar_subquery()
    )
    rows = await db.execute(
        select(below, LedgerTransaction.recorded_at)
        .select_from(below)
        .join(Posting, Posting.id == first_owed)
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
    )
    return [
        Debt(row.id, row.family_account_id, DebtKind.WALLET, row.label, local_day(row.recorded_at), -int(row.balance))
        for row in rows
    ]


def _moved_from(end: datetime) -> Any:
    """Return what moved on each account from an instant on: balances are those of now, and a day may be past."""
    return (
        select(Posting.account_id, func.sum(Posting.amount_cents).label("cents"))
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(LedgerTransaction.recorded_at >= end)
        .group_by(Posting.account_id)
        .subquery("since")
    )


def _highest(items: Any, end: datetime | None) -> ColumnElement[int | None]:
    """Return the highest balance that a debt's account had from when it was handed over until it was again."""
    highest: Select[Any] = select(func.max(Posting.balance_after_cents)).where(
        Posting.account_id == items.account_id,
        Posting.id > items.posting_id,
        or_(items.next_id.is_(None), Posting.id <= items.next_id),
    )
    if end is not None:
        highest = highest.join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id).where(
            LedgerTransaction.recorded_at < end
        )
    return highest.scalar_subquery().label("highest")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def _portions(ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE)]

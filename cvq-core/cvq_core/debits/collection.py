"""The next collection: what would be debited and what not and why, telling the families, and the file for the bank.

Locks are taken in this order, everywhere in this room: the creditor's row, the mandate, the receivables by id.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from uuid import UUID, uuid5

import holidays
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.debits.bank_file import Creditor, Debit, SequenceType, bank_file
from cvq_core.debits.mandates import locked_creditor
from cvq_core.debits.rules import (
    ITEMS_MAX,
    DebitNotInAct,
    Debtable,
    NothingToDebit,
    NotTheOfficer,
    Obstacle,
    Told,
    UnknownRun,
    check_collection_day,
    first_collection_day,
    sorted_out,
)
from cvq_core.debits.tables import DebitFile, DebitItem, DebitMandate, DebitNotice, DebitRun
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice, InvoiceLine
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.ledger.tables import LedgerAccount, Receivable
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import Means, Officer
from cvq_core.offices.store import act_of
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.once import insert_once
from cvq_core.services.rules import ServiceCode
from cvq_core.text import long_date
from cvq_core.vault import Stored, Vault


@dataclass(frozen=True, slots=True)
class Planned:
    """What a collection on a day would be: debits in the order of their invoices, and what is refused and why."""

    day: date
    items: list[Debtable]
    refused: list[tuple[Debtable, Obstacle]]

    @property
    def total_cents(self) -> int:
        """What would be debited in all."""
        return sum(item.due_cents for item in self.items)


@dataclass(frozen=True, slots=True)
class SentRun:
    """A run with the file for the bank."""

    run: DebitRun
    content: bytes
    file_name: str


async def next_collection(db: AsyncSession, office_id: UUID, day: date) -> Planned:
    """Return what a collection on a day would be; each invoice is debited for all that is due on it."""
    items = await _candidates(db, office_id, day)
    possible, refused = sorted_out(items, day)
    return Planned(day, possible, refused)


async def send_run(
    db: AsyncSession, vault: Vault, run_id: UUID, *, office_id: UUID, day: date, officer: Officer, now: datetime
) -> SentRun:
    """Debit everything that may be debited on a day and make the file; the same id asked again gives the same bytes.

    Raises:
        NotTheOfficer: a mandatary collects at a counter and sends nothing to the bank.
        NoCreditorNumber, DebitNotInAct, BadCollectionDay, NothingToDebit
        IdempotencyMismatch: this id is another run's.
    """
    await check_debit_officer(db, office_id, officer, now)
    creditor = await locked_creditor(db, office_id)
    known = await db.get(DebitRun, run_id)
    if known is not None:
        if (known.office_id, known.collection_day) != (office_id, day):
            raise IdempotencyMismatch
        return await kept_file(db, vault, known)
    today = local_day(now)
    check_collection_day(day, today, is_bank_day, words=long_date(first_collection_day(today, is_bank_day)))
    await _check_act(db, office_id, day)
    await _lock_due(db, (await next_collection(db, office_id, day)).items)
    # Somebody may have paid meanwhile at a counter: what is due is read again under the locks.
    items = (await next_collection(db, office_id, day)).items
    if not items:
        raise NothingToDebit
    office = await db.get_one(CashOffice, office_id)
    creditor.last_run += 1
    run = DebitRun(
        id=run_id,
        office_id=office_id,
        number=creditor.last_run,
        collection_day=day,
        made_at=now,
        made_by=officer.staff_id,
        total_cents=sum(item.due_cents for item in items),
        items=len(items),
    )
    db.add(run)
    await db.flush()
    account_id = await _under_way_account(db, office, now)
    for item in items:
        await _debit(db, run, item, account_id=account_id, officer=officer, now=now)
    return await _keep_file(db, vault, run, office)


async def kept_file(db: AsyncSession, vault: Vault, run: DebitRun) -> SentRun:
    """Return a run with its file as it was made.

    Raises:
        UnknownRun: its file was never kept.
    """
    kept = await db.get(DebitFile, run.id)
    if kept is None:
        raise UnknownRun
    content = await asyncio.to_thread(vault.get, run.id, Stored(kept.key_id, kept.wrapped_key))
    return SentRun(run, content, _file_name(await db.get_one(CashOffice, run.office_id), run))


async def run_by_id(db: AsyncSession, run_id: UUID) -> DebitRun:
    """Return a run.

    Raises:
        UnknownRun: there is none.
    """
    run = await db.get(DebitRun, run_id)
    if run is None:
        raise UnknownRun
    return run


async def check_debit_officer(db: AsyncSession, office_id: UUID, officer: Officer, now: datetime) -> None:
    """Refuse whoever is not the officer of an office, or the substitute, today.

    Raises:
        NotTheOfficer
    """
    if not await is_officer(db, office_id, officer.staff_id, local_day(now)):
        raise NotTheOfficer


def is_bank_day(day: date) -> bool:
    """Tell whether the European banks settle on a day (TARGET calendar)."""
    return day.weekday() < 5 and day not in _target()


@cache
def _target() -> holidays.HolidayBase:
    return holidays.financial_holidays("ECB")


async def _candidates(db: AsyncSession, office_id: UUID, day: date) -> list[Debtable]:
    """Return every invoice that is due from a family with a mandate, whether it may be debited or not."""
    rows = list(
        await db.execute(
            select(Invoice, Receivable.balance_cents, DebitMandate)
            .join(Receivable, Receivable.id == Invoice.id)
            # Who is asked to pay now: a merger of two accounts moves it, and leaves the invoice as it was sent.
            .join(DebitMandate, DebitMandate.family_account_id == Receivable.family_account_id)
            .where(Receivable.balance_cents < 0, DebitMandate.office_id == office_id, DebitMandate.revoked_on.is_(None))
            .order_by(Invoice.year, Invoice.number)
            .limit(ITEMS_MAX)
        )
    )
    covered = await _services_of_act(db, office_id, day)
    paid_for = await _services_of(db, [invoice.id for invoice, _, _ in rows])
    told = await _told(db, office_id)
    return [
        Debtable(
            invoice_id=invoice.id,
            number=invoice_number(invoice.year, invoice.number),
            mandate_id=mandate.id,
            due_on=invoice.due_on,
            due_cents=-balance,
            signed_on=mandate.signed_on,
            last_used_on=mandate.last_used_on,
            one_off=mandate.one_off,
            in_act=paid_for.get(invoice.id, set()) <= covered,
            told=told.get((invoice.id, mandate.id)),
        )
        for invoice, balance, mandate in rows
    ]


async def _told(db: AsyncSession, office_id: UUID) -> dict[tuple[UUID, UUID], Told]:
    """Return the latest notice of each invoice and mandate that no debit has used up since."""
    last_debit = (
        select(func.max(DebitRun.made_at))
        .join(DebitItem, DebitItem.run_id == DebitRun.id)
        .where(DebitItem.invoice_id == DebitNotice.invoice_id, DebitItem.mandate_id == DebitNotice.mandate_id)
        .correlate(DebitNotice)
        .scalar_subquery()
    )
    unused: ColumnElement[bool] = last_debit.is_(None) | (last_debit < DebitNotice.recorded_at)
    rows = await db.scalars(
        select(DebitNotice)
        .join(Receivable, Receivable.id == DebitNotice.invoice_id)
        .where(DebitNotice.office_id == office_id, Receivable.balance_cents < 0, unused)
        .order_by(DebitNotice.recorded_at, DebitNotice.id)
    )
    return {(row.invoice_id, row.mandate_id): Told(row.day, row.amount_cents) for row in rows}


async def _services_of_act(db: AsyncSession, office_id: UUID, day: date) -> frozenset[ServiceCode]:
    place = await _main_place(db, office_id)
    if place is None:
        return frozenset()
    return (await act_of(db, place, await db.get_one(CashOffice, office_id), day)).services


async def _check_act(db: AsyncSession, office_id: UUID, day: date) -> None:
    place = await _main_place(db, office_id)
    office = await db.get_one(CashOffice, office_id)
    if place is None or Means.DIRECT_DEBIT not in (await act_of(db, place, office, day)).means:
        raise DebitNotInAct


async def _main_place(db: AsyncSession, office_id: UUID) -> SubOffice | None:
    place: SubOffice | None = await db.scalar(
        select(SubOffice).where(SubOffice.office_id == office_id, SubOffice.is_main)
    )
    return place


async def _services_of(db: AsyncSession, invoice_ids: Sequence[UUID]) -> dict[UUID, set[ServiceCode]]:
    rows = await db.execute(
        select(InvoiceLine.invoice_id, InvoiceLine.service_code)
        .where(InvoiceLine.invoice_id.in_(invoice_ids))
        .distinct()
    )
    found: dict[UUID, set[ServiceCode]] = {}
    for row in rows:
        found.setdefault(row.invoice_id, set()).add(row.service_code)
    return found


async def _lock_due(db: AsyncSession, items: Sequence[Debtable]) -> None:
    """Lock mandates, then receivables, each in the order of their ids, so that no payment and this wait in a circle."""
    mandates = sorted({item.mandate_id for item in items})
    await db.execute(
        select(DebitMandate.id).where(DebitMandate.id.in_(mandates)).order_by(DebitMandate.id).with_for_update()
    )
    wanted = [item.invoice_id for item in items]
    await db.execute(select(Receivable.id).where(Receivable.id.in_(wanted)).order_by(Receivable.id).with_for_update())


async def _debit(
    db: AsyncSession, run: DebitRun, item: Debtable, *, account_id: UUID, officer: Officer, now: datetime
) -> None:
    item_id = uuid5(run.id, str(item.invoice_id))
    await post(
        db,
        NewTransaction(
            id=item_id,
            kind=TransactionKind.PAYMENT,
            label=f"Prélèvement de la facture {item.number}",
            occurred_at=now,
            postings=(NewPosting(item.invoice_id, item.due_cents), NewPosting(account_id, -item.due_cents)),
            actor_kind="staff",
            actor_id=officer.staff_id,
        ),
        now=now,
    )
    first = await db.scalar(select(DebitMandate.last_used_on).where(DebitMandate.id == item.mandate_id)) is None
    db.add(
        DebitItem(
            id=item_id,
            run_id=run.id,
            invoice_id=item.invoice_id,
            mandate_id=item.mandate_id,
            amount_cents=item.due_cents,
            is_first=first,
        )
    )
    await db.execute(
        update(DebitMandate).where(DebitMandate.id == item.mandate_id).values(last_used_on=run.collection_day)
    )
    await db.flush()


async def _keep_file(db: AsyncSession, vault: Vault, run: DebitRun, office: CashOffice) -> SentRun:
    content = await _written(db, run, office)
    # A transaction that fails after this leaves a file that no key opens, and the next one writes over it.
    stored = await asyncio.to_thread(vault.put, run.id, content)
    db.add(
        DebitFile(
            run_id=run.id,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            key_id=stored.key_id,
            wrapped_key=stored.wrapped_key,
        )
    )
    await db.flush()
    return SentRun(run, content, _file_name(office, run))


async def _written(db: AsyncSession, run: DebitRun, office: CashOffice) -> bytes:
    creditor = await locked_creditor(db, run.office_id)
    rows = await db.execute(
        select(DebitItem, DebitMandate, Invoice)
        .join(DebitMandate, DebitMandate.id == DebitItem.mandate_id)
        .join(Invoice, Invoice.id == DebitItem.invoice_id)
        .where(DebitItem.run_id == run.id)
        .order_by(Invoice.year, Invoice.number)
    )
    debits = [
        Debit(
            holder=mandate.holder,
            iban=mandate.iban,
            amount_cents=item.amount_cents,
            mandate=mandate.reference,
            signed_on=mandate.signed_on,
            sequence=_sequence(mandate, item),
            description=f"Facture {invoice_number(invoice.year, invoice.number)}, {office.label}",
            end_to_end=item.id.hex,
        )
        for item, mandate, invoice in rows
        if mandate.signed_on is not None
    ]
    return await asyncio.to_thread(
        bank_file,
        Creditor(office.label, creditor.iban, creditor.bic, creditor.creditor_number),
        debits,
        run.collection_day,
    )


def _sequence(mandate: DebitMandate, item: DebitItem) -> SequenceType:
    if mandate.one_off:
        return "OOFF"
    return "FRST" if item.is_first else "RCUR"


def _file_name(office: CashOffice, run: DebitRun) -> str:
    return f"{office.code}-prelevement-{run.number:04d}.xml"


async def _under_way_account(db: AsyncSession, office: CashOffice, now: datetime) -> UUID:
    account_id = uuid5(office.id, AccountKind.DIRECT_DEBITS)
    row = {
        "id": account_id,
        "code": f"{AccountKind.DIRECT_DEBITS}:{office.code}",
        "kind": AccountKind.DIRECT_DEBITS,
        "label": f"Prélèvements en cours, {office.label}"[:160],
        "opened_at": now,
    }
    await insert_once(db, LedgerAccount.__table__, row)
    return account_id

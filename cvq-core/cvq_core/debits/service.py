"""Signing and revoking mandates, sending a run to the bank, and taking back what returns.

Locks are taken in this order, everywhere: the creditor's row, the receivables by id (`cvq_core.ledger`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from uuid import UUID, uuid5

import holidays
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.debits.bank_file import Creditor, Debit, bank_file
from cvq_core.debits.rules import (
    ENDS_THE_MANDATE,
    ITEMS_MAX,
    RETURN_WORDS,
    AlreadyReturned,
    BadMandate,
    Debtable,
    MandateExists,
    NoCreditorNumber,
    NothingToDebit,
    NotTheOfficer,
    ReturnReason,
    UnknownDebit,
    UnknownMandate,
    check_collection_day,
    checked_iban,
    first_collection_day,
    is_idle,
    mandate_reference,
    may_be_debited,
)
from cvq_core.debits.tables import DebitCreditor, DebitItem, DebitMandate, DebitReturn, DebitRun
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post, reverse
from cvq_core.ledger.tables import LedgerAccount, Receivable
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CashOffice
from cvq_core.once import insert_once
from cvq_core.people.store import family_account_by_id
from cvq_core.text import long_date


async def set_creditor(db: AsyncSession, office_id: UUID, *, creditor_number: str, iban: str, bic: str) -> None:
    """Set what an office debits with; its numbers go on."""
    creditor = await db.get(DebitCreditor, office_id, with_for_update=True)
    if creditor is None:
        creditor = DebitCreditor(office_id=office_id, last_mandate=0, last_run=0)
        db.add(creditor)
    creditor.creditor_number, creditor.iban, creditor.bic = creditor_number, iban, bic
    await db.flush()


async def sign_mandate(
    db: AsyncSession,
    mandate_id: UUID,
    *,
    office_id: UUID,
    family_account_id: UUID,
    holder: str,
    iban: str,
    signed_on: date,
    officer: Officer,
    now: datetime,
) -> DebitMandate:
    """Record a mandate that a family has signed; the same id asked again gives the same mandate.

    Raises:
        UnknownFamilyAccount, BadIban, BadMandate, NoCreditorNumber
        MandateExists: the family has one that stands.
        IdempotencyMismatch: this id is another mandate's.
    """
    number = checked_iban(iban)
    holder = " ".join(holder.split())[:70]
    creditor = await _locked_creditor(db, office_id)
    known = await db.get(DebitMandate, mandate_id)
    if known is not None:
        if (known.family_account_id, known.iban, known.holder) != (family_account_id, number, holder):
            raise IdempotencyMismatch
        return known
    await family_account_by_id(db, family_account_id)
    if not holder or signed_on > local_day(now):
        raise BadMandate
    if await standing_mandate(db, office_id, family_account_id) is not None:
        raise MandateExists
    office = await db.get_one(CashOffice, office_id)
    creditor.last_mandate += 1
    mandate = DebitMandate(
        id=mandate_id,
        office_id=office_id,
        reference=mandate_reference(office.code, creditor.last_mandate),
        family_account_id=family_account_id,
        holder=holder,
        iban=number,
        signed_on=signed_on,
        recorded_at=now,
        recorded_by=officer.staff_id,
    )
    db.add(mandate)
    await db.flush()
    return mandate


async def revoke_mandate(db: AsyncSession, mandate_id: UUID, *, why: str, now: datetime) -> DebitMandate:
    """End a mandate; what is under way at the bank goes on, and comes back where the family opposes it.

    Raises:
        UnknownMandate
    """
    mandate: DebitMandate | None = await db.scalar(
        select(DebitMandate).where(DebitMandate.id == mandate_id).with_for_update()
    )
    if mandate is None:
        raise UnknownMandate
    if mandate.revoked_on is None:
        mandate.revoked_on, mandate.revoked_why = local_day(now), why.strip()[:120]
        await db.flush()
    return mandate


async def standing_mandate(db: AsyncSession, office_id: UUID, family_account_id: UUID) -> DebitMandate | None:
    """Return the mandate of a family that is not revoked; whether it has lapsed is `rules.is_idle`."""
    mandate: DebitMandate | None = await db.scalar(
        select(DebitMandate).where(
            DebitMandate.office_id == office_id,
            DebitMandate.family_account_id == family_account_id,
            DebitMandate.revoked_on.is_(None),
        )
    )
    return mandate


async def debtables(db: AsyncSession, office_id: UUID, day: date) -> list[Debtable]:
    """Return the invoices that may be debited on a day, the oldest first; each is debited for all that is due."""
    rows = await db.execute(
        select(Invoice, Receivable.balance_cents, DebitMandate)
        .join(Receivable, Receivable.id == Invoice.id)
        # Who is asked to pay now: a merger of two accounts moves it, and leaves the invoice as it was sent.
        .join(DebitMandate, DebitMandate.family_account_id == Receivable.family_account_id)
        .where(
            Receivable.balance_cents < 0,
            Invoice.due_on <= day,
            DebitMandate.office_id == office_id,
            DebitMandate.revoked_on.is_(None),
        )
        .order_by(Invoice.year, Invoice.number)
        .limit(ITEMS_MAX)
    )
    found = []
    for invoice, balance, mandate in rows:
        item = Debtable(
            invoice_id=invoice.id,
            number=invoice_number(invoice.year, invoice.number),
            mandate_id=mandate.id,
            issued_on=invoice.issued_on,
            due_on=invoice.due_on,
            due_cents=-balance,
        )
        if may_be_debited(item, day) and not is_idle(mandate.last_used_on or mandate.signed_on, day):
            found.append(item)
    return found


@dataclass(frozen=True, slots=True)
class SentRun:
    """A run with the file for the bank."""

    run: DebitRun
    content: bytes
    file_name: str


async def send_run(
    db: AsyncSession, run_id: UUID, *, office_id: UUID, day: date, officer: Officer, now: datetime
) -> SentRun:
    """Debit everything that may be debited on a day; the same id asked again gives the same file.

    Raises:
        NotTheOfficer: a mandatary collects at a counter and sends nothing to the bank.
        NoCreditorNumber, BadCollectionDay, NothingToDebit
        IdempotencyMismatch: this id is another run's.
    """
    if not await is_officer(db, office_id, officer.staff_id, local_day(now)):
        raise NotTheOfficer
    creditor = await _locked_creditor(db, office_id)
    known = await db.get(DebitRun, run_id)
    if known is not None:
        if (known.office_id, known.collection_day) != (office_id, day):
            raise IdempotencyMismatch
        return await written_run(db, known)
    today = local_day(now)
    words = long_date(first_collection_day(today, is_bank_day))
    check_collection_day(day, today, is_bank_day, words=words)
    await _lock_due(db, await debtables(db, office_id, day))
    # Somebody may have paid meanwhile at a counter: what is due is read again under the locks.
    items = await debtables(db, office_id, day)
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
    return await written_run(db, run)


async def take_back(
    db: AsyncSession, item_id: UUID, *, reason: ReturnReason, officer: Officer, now: datetime
) -> DebitReturn:
    """Note that the bank sent a debit back: the invoice is due again, and the mandate ends where it must.

    Raises:
        UnknownDebit: no debit has this id.
        NotTheOfficer
        AlreadyReturned: it came back before, for another reason.
    """
    item: DebitItem | None = await db.scalar(select(DebitItem).where(DebitItem.id == item_id))
    if item is None:
        raise UnknownDebit
    run = await db.get_one(DebitRun, item.run_id)
    if not await is_officer(db, run.office_id, officer.staff_id, local_day(now)):
        raise NotTheOfficer
    await _locked_creditor(db, run.office_id)
    known = await db.get(DebitReturn, item_id)
    if known is not None:
        if known.reason is not reason:
            raise AlreadyReturned
        return known
    posted = await reverse(
        db,
        item_id,
        reversal_id=uuid5(item_id, "return"),
        label=f"Prélèvement rejeté : {RETURN_WORDS[reason]}",
        actor_kind="staff",
        actor_id=officer.staff_id,
        now=now,
    )
    returned = DebitReturn(
        item_id=item_id,
        transaction_id=posted.transaction_id,
        reason=reason,
        recorded_at=now,
        recorded_by=officer.staff_id,
    )
    db.add(returned)
    if reason in ENDS_THE_MANDATE:
        await revoke_mandate(db, item.mandate_id, why=RETURN_WORDS[reason], now=now)
    await db.flush()
    return returned


def is_bank_day(day: date) -> bool:
    """Tell whether the European banks settle on a day (TARGET calendar)."""
    return day.weekday() < 5 and day not in _target()


@cache
def _target() -> holidays.HolidayBase:
    return holidays.financial_holidays("ECB")


async def _locked_creditor(db: AsyncSession, office_id: UUID) -> DebitCreditor:
    creditor: DebitCreditor | None = await db.scalar(
        select(DebitCreditor).where(DebitCreditor.office_id == office_id).with_for_update()
    )
    if creditor is None:
        raise NoCreditorNumber
    return creditor


async def _lock_due(db: AsyncSession, items: Sequence[Debtable]) -> None:
    """Lock receivables in the order of their ids, as everywhere, so that no payment and this wait for each other."""
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


async def written_run(db: AsyncSession, run: DebitRun) -> SentRun:
    """Return a run with its file, written anew: the same run is the same debits."""
    creditor = await db.get_one(DebitCreditor, run.office_id)
    office = await db.get_one(CashOffice, run.office_id)
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
            is_first=item.is_first,
            description=f"Facture {invoice_number(invoice.year, invoice.number)}, {office.label}",
            end_to_end=item.id.hex,
        )
        for item, mandate, invoice in rows
    ]
    content = bank_file(
        Creditor(office.label, creditor.iban, creditor.bic, creditor.creditor_number), debits, run.collection_day
    )
    return SentRun(run, content, f"{office.code}-prelevement-{run.number:04d}.xml")


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

"""What became of a file, and of each debit in it: sent or given up, and what the bank sent back.

Locks are taken in this order, everywhere in this room: the creditor's row, the mandate, the receivables by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.debits.collection import check_debit_officer, run_by_id
from cvq_core.debits.mandates import locked_creditor, revoke_mandate
from cvq_core.debits.reasons import ENDS_THE_MANDATE, RETURN_WORDS, ReturnReason
from cvq_core.debits.return_file import BankReturn, read_returns
from cvq_core.debits.rules import AlreadyReturned, BadFee, RunDecided, RunNotSent, UnknownDebit
from cvq_core.debits.tables import DebitItem, DebitMandate, DebitReturn, DebitRun, DebitRunEnd, RunEnd
from cvq_core.errors import N_
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.store import reverse
from cvq_core.offices.bank_fees import post_bank_fees
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CashOffice
from cvq_core.once import insert_once
from cvq_core.people.tables import FamilyAccount

FEE_CENTS_MAX = 100_00
RUNS_SHOWN = 60


class Taken(StrEnum):
    """What became of a line of the bank's file."""

    RETURNED = "returned"
    KNOWN = "known"
    UNKNOWN = "unknown"
    OTHER_AMOUNT = "other_amount"
    NOT_SENT = "not_sent"


TAKEN_WORDS: dict[Taken, str] = {
    Taken.RETURNED: N_("repris : la facture est de nouveau à payer"),
    Taken.KNOWN: N_("déjà noté"),
    Taken.UNKNOWN: N_("aucun prélèvement de cette régie n’a cette référence"),
    Taken.OTHER_AMOUNT: N_("la somme n’est pas celle du prélèvement : rien n’est changé"),
    Taken.NOT_SENT: N_("son fichier n’est pas noté comme envoyé"),
}


@dataclass(frozen=True, slots=True)
class TakenLine:
    """A line of the bank's file, and what became of it."""

    line: BankReturn
    taken: Taken


@dataclass(frozen=True, slots=True)
class RunStanding:
    """A run with what became of it: its end, and how much came back."""

    run: DebitRun
    end: DebitRunEnd | None
    returned: int
    returned_cents: int


@dataclass(frozen=True, slots=True)
class ItemStanding:
    """A debit of a run with its invoice, its family and what came back."""

    item: DebitItem
    number: str
    family: FamilyAccount
    mandate: DebitMandate
    returned: DebitReturn | None


async def end_run(db: AsyncSession, run_id: UUID, end: RunEnd, *, officer: Officer, now: datetime) -> DebitRunEnd:
    """Note that a file went to the bank, or give it up: then each of its debits is due again. The same twice is once.

    Raises:
        UnknownRun, NotTheOfficer
        RunDecided: the other was noted before.
    """
    run = await run_by_id(db, run_id)
    await check_debit_officer(db, run.office_id, officer, now)
    await locked_creditor(db, run.office_id)
    row = {"run_id": run_id, "end": end, "decided_at": now, "decided_by": officer.staff_id}
    first = await insert_once(db, DebitRunEnd.__table__, row)
    decided = await db.get_one(DebitRunEnd, run_id)
    if decided.end is not end:
        raise RunDecided
    if first and end is RunEnd.GIVEN_UP:
        for item in await db.scalars(select(DebitItem).where(DebitItem.run_id == run_id).order_by(DebitItem.id)):
            await _reverse(db, item, ReturnReason.NOT_SENT, fee_cents=0, officer=officer, now=now)
    return decided


async def take_back(
    db: AsyncSession, item_id: UUID, *, reason: ReturnReason, officer: Officer, now: datetime, fee_cents: int = 0
) -> DebitReturn:
    """Note that the bank sent a debit back: the invoice is due again, and the mandate ends where it must.

    The bank's fee is the office's expense, to be regularised.

    Raises:
        UnknownDebit: no debit has this id, or the reason is none of a bank's.
        NotTheOfficer
        BadFee: the bank's fee is below zero or too large.
        RunNotSent: its file never went to the bank.
        AlreadyReturned: it came back before, for another reason.
    """
    item = await db.get(DebitItem, item_id)
    if item is None or reason is ReturnReason.NOT_SENT:
        raise UnknownDebit
    if not 0 <= fee_cents <= FEE_CENTS_MAX:
        raise BadFee
    run = await db.get_one(DebitRun, item.run_id)
    await check_debit_officer(db, run.office_id, officer, now)
    await locked_creditor(db, run.office_id)
    known = await db.get(DebitReturn, item_id)
    if known is not None:
        if (known.reason, known.fee_cents) != (reason, fee_cents):
            raise AlreadyReturned
        return known
    end = await db.get(DebitRunEnd, run.id)
    if end is None or end.end is not RunEnd.SENT:
        raise RunNotSent
    return await _reverse(db, item, reason, fee_cents=fee_cents, officer=officer, now=now)


async def take_back_file(
    db: AsyncSession, office_id: UUID, content: bytes, *, officer: Officer, now: datetime
) -> Sequence[TakenLine]:
    """Take in a file of the bank's (pain.002 or camt.054); taken in again, it changes nothing.

    Raises:
        BadReturnFile: it is none, or too long.
        NotTheOfficer
    """
    await check_debit_officer(db, office_id, officer, now)
    return [
        TakenLine(line, await _take_line(db, office_id, line, officer=officer, now=now))
        for line in read_returns(content)
    ]


async def runs_of(db: AsyncSession, office_id: UUID) -> Sequence[RunStanding]:
    """Return the latest runs of an office, the newest first."""
    back = (
        select(
            DebitItem.run_id,
            func.count().label("returned"),
            func.sum(DebitItem.amount_cents).label("returned_cents"),
        )
        .join(DebitReturn, DebitReturn.item_id == DebitItem.id)
        .group_by(DebitItem.run_id)
        .subquery()
    )
    rows = await db.execute(
        select(DebitRun, DebitRunEnd, back.c.returned, back.c.returned_cents)
        .outerjoin(DebitRunEnd, DebitRunEnd.run_id == DebitRun.id)
        .outerjoin(back, back.c.run_id == DebitRun.id)
        .where(DebitRun.office_id == office_id)
        .order_by(DebitRun.number.desc())
        .limit(RUNS_SHOWN)
    )
    return [RunStanding(run, end, returned or 0, int(cents or 0)) for run, end, returned, cents in rows]


async def items_of(db: AsyncSession, run_id: UUID) -> Sequence[ItemStanding]:
    """Return the debits of a run in the order of their invoices."""
    rows = await db.execute(
        select(DebitItem, Invoice, FamilyAccount, DebitMandate, DebitReturn)
        .join(Invoice, Invoice.id == DebitItem.invoice_id)
        .join(DebitMandate, DebitMandate.id == DebitItem.mandate_id)
        .join(FamilyAccount, FamilyAccount.id == DebitMandate.family_account_id)
        .outerjoin(DebitReturn, DebitReturn.item_id == DebitItem.id)
        .where(DebitItem.run_id == run_id)
        .order_by(Invoice.year, Invoice.number)
    )
    return [
        ItemStanding(item, invoice_number(invoice.year, invoice.number), family, mandate, returned)
        for item, invoice, family, mandate, returned in rows
    ]


async def _take_line(db: AsyncSession, office_id: UUID, line: BankReturn, *, officer: Officer, now: datetime) -> Taken:
    item = await db.get(DebitItem, line.item_id) if line.item_id is not None else None
    run = await db.get(DebitRun, item.run_id) if item is not None else None
    if item is None or run is None or run.office_id != office_id:
        return Taken.UNKNOWN
    if line.amount_cents is not None and line.amount_cents != item.amount_cents:
        return Taken.OTHER_AMOUNT
    if await db.get(DebitReturn, item.id) is not None:
        return Taken.KNOWN
    try:
        await take_back(db, item.id, reason=line.reason, fee_cents=line.fee_cents, officer=officer, now=now)
    except RunNotSent:
        return Taken.NOT_SENT
    return Taken.RETURNED


async def _reverse(
    db: AsyncSession, item: DebitItem, reason: ReturnReason, *, fee_cents: int, officer: Officer, now: datetime
) -> DebitReturn:
    run = await db.get_one(DebitRun, item.run_id)
    mandate = await db.get_one(DebitMandate, item.mandate_id)
    posted = await reverse(
        db,
        item.id,
        reversal_id=uuid5(item.id, "return"),
        label=f"Prélèvement rejeté : {RETURN_WORDS[reason]}",
        actor_kind="staff",
        actor_id=officer.staff_id,
        now=now,
    )
    returned = DebitReturn(
        item_id=item.id,
        transaction_id=posted.transaction_id,
        reason=reason,
        fee_cents=fee_cents,
        fees_transaction_id=await post_bank_fees(
            db,
            item.id,
            await db.get_one(CashOffice, run.office_id),
            what=f"prélèvement rejeté, mandat {mandate.reference}",
            reference=mandate.reference,
            fees_cents=fee_cents,
            officer=officer,
            now=now,
        ),
        recorded_at=now,
        recorded_by=officer.staff_id,
    )
    db.add(returned)
    if reason in ENDS_THE_MANDATE:
        await revoke_mandate(db, item.mandate_id, why=RETURN_WORDS[reason], now=now)
    await db.flush()
    return returned

"""The work at the counter between a drawer's opening and its close: collect, void, print.

Locks are taken in this order, everywhere: what `ceilings` locks (places, drawers), the wallets and receivables by id
(`cvq_core.ledger`), the series of receipts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post, reverse
from cvq_core.offices.ceilings import check_ceilings, drawer_for_payment
from cvq_core.offices.rules import (
    MANDATE_TITLE_WORDS,
    MEANS_WORDS,
    NO_DETAILS,
    Cheque,
    DrawerClosed,
    Due,
    Means,
    MeansDetails,
    NotYourDrawer,
    Officer,
    ReceiptDrawerClosed,
    ReceiptNotVoidable,
    UnknownReceipt,
    VoucherCount,
    check_collection,
    receipt_number,
)
from cvq_core.offices.store import (
    account_for,
    act_of,
    appointment_of,
    locked_drawer,
    receipt_by_id,
    sub_office_by_id,
    voided_by,
)
from cvq_core.offices.tables import CashOffice, Drawer, Receipt, ReceiptPrint, ReceiptSeries, SubOffice
from cvq_core.payables.rules import Payable, PayableKind, PayableLine, check_payables
from cvq_core.payables.store import payable_lines


async def collect(
    db: AsyncSession,
    *,
    key: UUID,
    drawer_id: UUID,
    payables: Sequence[Payable],
    means: Means,
    tendered_cents: int,
    officer: Officer,
    now: datetime,
    details: MeansDetails = NO_DETAILS,
    visit_id: UUID | None = None,
) -> Receipt:
    """Take money for wallets and invoices and give the numbered receipt; `key` asked again gives the same receipt.

    Raises:
        NothingToPay, AmountOutOfBounds: see `payables.rules.check_payables`.
        UnknownDrawer, NotYourDrawer, DrawerClosed, UnknownSubOffice, NotMandatary, UnknownWallet, UnknownInvoice
        and everything of `rules.check_collection`.
        CeilingReached: the place or the office would hold more than it may.
        IdempotencyMismatch: this key came before with another content.
    """
    drawer, is_near = await drawer_for_payment(db, drawer_id, means, check_payables(payables))
    first = await db.get(Receipt, key)
    if first is not None:
        if _asked(first) != (drawer_id, officer.staff_id, means, tendered_cents, details, tuple(payables)):
            raise IdempotencyMismatch
        return first
    counter = await _at_the_counter(db, drawer, officer, now)
    lines = await payable_lines(db, payables)
    act = await act_of(db, counter.sub_office, counter.office, local_day(now))
    due = check_collection(act, lines, means, tendered_cents, details)
    if is_near:
        await check_ceilings(db, counter.sub_office, counter.office, means, due.total_cents)
    into = drawer.id if means is Means.CASH else await account_for(db, means, counter.sub_office, now)
    of_invoices = any(each.kind is PayableKind.INVOICE for each in payables)
    posted = await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.PAYMENT if of_invoices else TransactionKind.TOP_UP,
            label=f"{'Paiement' if of_invoices else 'Approvisionnement'} ({MEANS_WORDS[means]}), "
            f"{counter.sub_office.label}",
            occurred_at=now,
            postings=(
                *(NewPosting(each.id, each.amount_cents) for each in payables),
                NewPosting(into, -due.total_cents),
            ),
            actor_kind="staff",
            actor_id=officer.staff_id,
            visit_id=visit_id,
        ),
        now=now,
    )
    printed = counter.printed(officer) | printed_details(details)
    printed["lines"] = [_printed_line(line, posted.balances[line.payable.id]) for line in lines]
    return await _issue(db, key, counter, drawer, means=means, due=due, printed=printed, now=now)


async def void(
    db: AsyncSession, *, key: UUID, receipt_id: UUID, reason: str, officer: Officer, now: datetime
) -> Receipt:
    """Void a receipt by its counter-entry, with a receipt of its own in the same series; `key` asked again gives it.

    Only in the drawer that took the money, and as long as it is open: afterwards it is a refund.

    Raises:
        UnknownReceipt, NotYourDrawer, UnknownSubOffice, NotMandatary
        ReceiptNotVoidable: it is voided already, or is a void.
        ReceiptDrawerClosed: its drawer is counted.
        InsufficientFunds: what it paid for is already spent.
        IdempotencyMismatch: this key came before with another content.
    """
    receipt = await receipt_by_id(db, receipt_id)
    drawer = await locked_drawer(db, receipt.drawer_id)
    first = await db.get(Receipt, key)
    if first is not None:
        if first.voids_id != receipt_id or first.staff_id != officer.staff_id:
            raise IdempotencyMismatch
        return first
    if receipt.voids_id is not None or await voided_by(db, receipt_id) is not None:
        raise ReceiptNotVoidable
    if drawer.closed_at is not None:
        raise ReceiptDrawerClosed
    counter = await _at_the_counter(db, drawer, officer, now)
    number = receipt_number(receipt.printed["series"], receipt.number)
    posted = await reverse(
        db,
        receipt.transaction_id,
        reversal_id=key,
        label=f"Annulation de la quittance {number}",
        actor_kind="staff",
        actor_id=officer.staff_id,
        now=now,
    )
    printed = counter.printed(officer) | {each: receipt.printed[each] for each in _DETAILS if each in receipt.printed}
    printed["voids"] = number
    printed["reason"] = reason.strip()[:200]
    printed["lines"] = [
        {
            **line,
            "amount_cents": -line["amount_cents"],
            "balance_cents": posted.balances[_payable_of(line).id],
        }
        for line in receipt.printed["lines"]
    ]
    due = Due(-receipt.total_cents, 0, receipt.total_cents)
    return await _issue(
        db, key, counter, drawer, means=receipt.means, due=due, printed=printed, now=now, voids_id=receipt_id
    )


@dataclass(frozen=True, slots=True)
class ReceiptPrinting:
    """A receipt to print: `copy` is 0 for the original and counts the duplicates from 1."""

    receipt: Receipt
    copy: int
    voided: bool


async def print_receipt(
    db: AsyncSession, receipt_id: UUID, *, print_id: UUID, officer: Officer, now: datetime
) -> ReceiptPrinting:
    """Note a printing of a receipt and return which one it is; the same `print_id` is the same printing.

    Raises:
        UnknownReceipt: there is no such receipt.
        IdempotencyMismatch: `print_id` is another receipt's printing.
    """
    receipt: Receipt | None = await db.scalar(select(Receipt).where(Receipt.id == receipt_id).with_for_update())
    if receipt is None:
        raise UnknownReceipt
    known = await db.get(ReceiptPrint, print_id)
    if known is not None and known.receipt_id != receipt_id:
        raise IdempotencyMismatch
    if known is None:
        copies = await db.scalar(select(func.count(ReceiptPrint.id)).where(ReceiptPrint.receipt_id == receipt_id))
        known = ReceiptPrint(
            id=print_id,
            receipt_id=receipt_id,
            copy_number=int(copies or 0),
            staff_id=officer.staff_id,
            printed_at=now,
        )
        db.add(known)
        await db.flush()
    return ReceiptPrinting(receipt, known.copy_number, await voided_by(db, receipt_id) is not None)


async def printing_of(db: AsyncSession, receipt: Receipt, print_id: UUID) -> ReceiptPrinting:
    """Return a printing that was noted before.

    Raises:
        UnknownReceipt: this receipt was not printed under this id.
    """
    known = await db.get(ReceiptPrint, print_id)
    if known is None or known.receipt_id != receipt.id:
        raise UnknownReceipt
    return ReceiptPrinting(receipt, known.copy_number, await voided_by(db, receipt.id) is not None)


@dataclass(frozen=True, slots=True)
class _Counter:
    """Where somebody stands: the place, its office, and as what they are appointed."""

    sub_office: SubOffice
    office: CashOffice
    title: str
    series: str

    def printed(self, officer: Officer) -> dict[str, Any]:
        return {
            "series": self.series,
            "office": self.office.label,
            "founding_act": self.office.founding_act,
            "place": self.sub_office.label,
            "address": self.sub_office.address or self.office.address,
            "phone": self.sub_office.phone or self.office.phone,
            "collected_by": officer.name,
            "title": self.title,
        }


async def _at_the_counter(db: AsyncSession, drawer: Drawer, officer: Officer, now: datetime) -> _Counter:
    if drawer.staff_id != officer.staff_id:
        raise NotYourDrawer
    if drawer.closed_at is not None:
        raise DrawerClosed
    today = local_day(now)
    sub_office, office = await sub_office_by_id(db, drawer.sub_office_id, today)
    appointment = await appointment_of(db, officer.staff_id, sub_office.id, today)
    series = await db.scalar(select(ReceiptSeries.code).where(ReceiptSeries.id == sub_office.series_id))
    assert series is not None, "a foreign key"
    return _Counter(sub_office, office, MANDATE_TITLE_WORDS[appointment.title], series)


_DETAILS = ("cheque", "card_reference", "vouchers")


def _asked(receipt: Receipt) -> tuple[object, ...]:
    """Return the request that a receipt answers, to compare it with one under the same key."""
    payables = tuple(_payable_of(line) for line in receipt.printed["lines"])
    details = details_of(receipt)
    return receipt.drawer_id, receipt.staff_id, receipt.means, receipt.tendered_cents, details, payables


def _payable_of(line: dict[str, Any]) -> Payable:
    invoice_id = line.get("invoice_id")
    if invoice_id is not None:
        return Payable(PayableKind.INVOICE, UUID(invoice_id), line["amount_cents"])
    return Payable(PayableKind.WALLET, UUID(line["wallet_id"]), line["amount_cents"])


def _printed_line(line: PayableLine, balance_cents: int) -> dict[str, Any]:
    """Return what a receipt's line says; a receivable's balance is below zero by what is still due."""
    of_wallet = line.payable.kind is PayableKind.WALLET
    return {
        "wallet_id" if of_wallet else "invoice_id": str(line.payable.id),
        "service": line.label,
        "account": line.account_number,
        "family": line.family,
        "amount_cents": line.payable.amount_cents,
        "balance_cents": balance_cents,
    }


def printed_details(details: MeansDetails) -> dict[str, Any]:
    """Return what a receipt keeps of a payment's means."""
    printed: dict[str, Any] = {}
    if details.cheque is not None:
        printed["cheque"] = asdict(details.cheque)
    if details.card_reference:
        printed["card_reference"] = details.card_reference
    if details.vouchers:
        printed["vouchers"] = [asdict(each) for each in details.vouchers]
    return printed


def details_of(receipt: Receipt) -> MeansDetails:
    """Return what was noted of a payment's means."""
    cheque = receipt.printed.get("cheque")
    return MeansDetails(
        cheque=Cheque(**cheque) if cheque else None,
        card_reference=receipt.printed.get("card_reference", ""),
        vouchers=tuple(VoucherCount(**each) for each in receipt.printed.get("vouchers", [])),
    )


async def _issue(
    db: AsyncSession,
    key: UUID,
    counter: _Counter,
    drawer: Drawer,
    *,
    means: Means,
    due: Due,
    printed: dict[str, Any],
    now: datetime,
    voids_id: UUID | None = None,
) -> Receipt:
    """Give the next number: the series' row is held to the end of the transaction, so a rollback leaves no gap."""
    number = await db.scalar(
        update(ReceiptSeries)
        .where(ReceiptSeries.id == counter.sub_office.series_id)
        .values(last_number=ReceiptSeries.last_number + 1)
        .returning(ReceiptSeries.last_number)
        .execution_options(synchronize_session=False)
    )
    assert number is not None, "a foreign key"
    receipt = Receipt(
        id=key,
        series_id=counter.sub_office.series_id,
        number=number,
        sub_office_id=counter.sub_office.id,
        drawer_id=drawer.id,
        staff_id=drawer.staff_id,
        transaction_id=key,
        voids_id=voids_id,
        issued_at=now,
        means=means,
        total_cents=due.total_cents,
        tendered_cents=due.tendered_cents,
        change_cents=due.change_cents,
        printed=printed,
    )
    db.add(receipt)
    await db.flush()
    return receipt

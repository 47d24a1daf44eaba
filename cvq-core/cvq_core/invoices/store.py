"""Issuing invoices and reading them, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.invoices.rules import Line, UnknownInvoice, check_invoice, invoice_number
from cvq_core.invoices.tables import Invoice, InvoiceLine, InvoiceSeries
from cvq_core.ledger.revenue import revenue_accounts
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.ledger.tables import LedgerAccount, Receivable
from cvq_core.once import insert_once
from cvq_core.people.store import family_account_by_id

INVOICES_MAX = 200


@dataclass(frozen=True, slots=True)
class InvoiceStanding:
    """An invoice with what is still due on it, and the account that is asked for it now: a merger may have moved it."""

    invoice: Invoice
    due_cents: int
    family_account_id: UUID

    @property
    def number(self) -> str:
        """Its number as people write it."""
        return invoice_number(self.invoice.year, self.invoice.number)

    @property
    def paid_cents(self) -> int:
        """What was paid on it."""
        return self.invoice.total_cents - self.due_cents


async def issue_invoice(
    db: AsyncSession,
    invoice_id: UUID,
    *,
    family_account_id: UUID,
    label: str,
    lines: Sequence[Line],
    due_on: date,
    now: datetime,
    actor_kind: str = "system",
    actor_id: UUID | None = None,
) -> Invoice:
    """Number an invoice and write it into the ledger; the same id asked again gives the same invoice.

    Raises:
        UnknownFamilyAccount: no such account.
        BadInvoice, AmountOutOfBounds: see `rules.check_invoice`.
        IdempotencyMismatch: this id is another invoice's, or came with other lines.
    """
    issued_on = local_day(now)
    total = check_invoice(lines, issued_on, due_on)
    account = await family_account_by_id(db, family_account_id)
    opened = await insert_once(
        db,
        LedgerAccount.__table__,
        {
            "id": invoice_id,
            "code": f"receivable:{invoice_id}",
            "kind": AccountKind.RECEIVABLE,
            "label": f"{label}, compte {account.number}"[:160],
            "opened_at": now,
        },
    )
    if not opened:
        return await _first_answer(db, invoice_id, family_account_id, lines)
    db.add(Receivable(id=invoice_id, family_account_id=family_account_id, balance_cents=0, opened_at=now))
    await db.flush()
    year = issued_on.year
    await insert_once(db, InvoiceSeries.__table__, {"year": year, "last_number": 0})
    number = await db.scalar(
        # The series' row is held to the end of the transaction, so that a rollback leaves no gap.
        update(InvoiceSeries)
        .where(InvoiceSeries.year == year)
        .values(last_number=InvoiceSeries.last_number + 1)
        .returning(InvoiceSeries.last_number)
        .execution_options(synchronize_session=False)
    )
    assert number is not None, "it was just inserted"
    earned: dict[UUID, int] = {}
    revenues = await revenue_accounts(db, {line.service for line in lines}, now)
    for line in lines:
        earned[revenues[line.service]] = earned.get(revenues[line.service], 0) + line.amount_cents
    await post(
        db,
        NewTransaction(
            id=invoice_id,
            kind=TransactionKind.INVOICED,
            label=f"Facture {invoice_number(year, number)}",
            occurred_at=now,
            postings=(
                NewPosting(invoice_id, -total),
                *(NewPosting(revenue, cents) for revenue, cents in earned.items()),
            ),
            actor_kind=actor_kind,
            actor_id=actor_id,
        ),
        now=now,
    )
    invoice = Invoice(
        id=invoice_id,
        year=year,
        number=number,
        family_account_id=family_account_id,
        label=label[:120],
        issued_on=issued_on,
        due_on=due_on,
        recorded_at=now,
        total_cents=total,
    )
    db.add(invoice)
    await db.flush()
    db.add_all(
        InvoiceLine(
            invoice_id=invoice_id,
            position=position,
            service_code=line.service,
            person_id=line.person_id,
            label=line.label,
            explanation=line.explanation,
            quantity=line.quantity,
            unit_cents=line.unit_cents,
            amount_cents=line.amount_cents,
        )
        for position, line in enumerate(lines)
    )
    await db.flush()
    return invoice


async def invoices_by_id(db: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, InvoiceStanding]:
    """Return invoices with what is due on each now.

    Raises:
        UnknownInvoice: one of them does not exist.
    """
    assert len(invoice_ids) <= INVOICES_MAX, "asked for too many invoices at once"
    found = {each.invoice.id: each for each in await _standings(db, Invoice.id.in_(invoice_ids))}
    if found.keys() != set(invoice_ids):
        raise UnknownInvoice
    return found


async def invoices_of(db: AsyncSession, family_account_id: UUID, *, due_only: bool = False) -> list[InvoiceStanding]:
    """Return a family's invoices, the newest first; `due_only`: those on which something is due."""
    wanted = [Receivable.family_account_id == family_account_id]
    if due_only:
        wanted.append(Receivable.balance_cents < 0)
    return await _standings(db, *wanted)


async def lines_of(db: AsyncSession, invoice_id: UUID) -> list[InvoiceLine]:
    """Return an invoice's lines in their order."""
    rows = await db.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position)
    )
    return list(rows)


async def _standings(db: AsyncSession, *wanted: ColumnElement[bool]) -> list[InvoiceStanding]:
    rows = await db.execute(
        select(Invoice, Receivable.balance_cents, Receivable.family_account_id)
        .join(Receivable, Receivable.id == Invoice.id)
        .where(*wanted)
        .order_by(Invoice.year.desc(), Invoice.number.desc())
        .limit(INVOICES_MAX)
    )
    return [InvoiceStanding(invoice, -balance, account_id) for invoice, balance, account_id in rows]


async def _first_answer(db: AsyncSession, invoice_id: UUID, family_account_id: UUID, lines: Sequence[Line]) -> Invoice:
    invoice = await db.get(Invoice, invoice_id)
    if invoice is None or invoice.family_account_id != family_account_id:
        raise IdempotencyMismatch
    written = [
        (each.service_code, each.label, each.quantity, each.unit_cents) for each in await lines_of(db, invoice_id)
    ]
    if written != [(each.service, each.label, each.quantity, each.unit_cents) for each in lines]:
        raise IdempotencyMismatch
    return invoice

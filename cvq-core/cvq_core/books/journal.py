"""Reading a period's journal line by line: every receipt in its order, then what came by the bank.

Everything that is read only grows, so the same period read again as of the same instant gives the same lines.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.books.periods import Period
from cvq_core.books.rules import SEVERAL_SERVICES, TO_CLASSIFY, BookLine, LineKind
from cvq_core.books.scope import Scope
from cvq_core.debits.tables import DebitItem, DebitReturn, DebitRun
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice, InvoiceLine
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, Posting, Wallet
from cvq_core.offices.remittance_rules import CARRIED, RemittedTo, slip_number
from cvq_core.offices.rules import Means, receipt_number
from cvq_core.offices.tables import (
    Drawer,
    Receipt,
    ReceiptSeries,
    Remittance,
    RemittanceDrawer,
    RemittanceSource,
    RemittanceTransaction,
)
from cvq_core.payments.tables import Cart, PaymentAttempt, PaymentDecision
from cvq_core.people.tables import FamilyAccount

BATCH = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines of a journal are looked at; what is empty does not narrow it."""

    service: str = ""
    means: Means | None = None

    def takes(self, line: BookLine) -> bool:
        """Whether a line is one of them."""
        return self.service in ("", line.service) and self.means in (None, line.means)


async def payments_in(db: AsyncSession, scope: Scope, period: Period) -> int:
    """Return how many receipts and payments a period has, for whoever wants to know how long it takes."""
    counts = [
        select(func.count()).select_from(Receipt).where(*_issued(scope, period)),
        select(func.count())
        .select_from(PaymentAttempt)
        .join(Cart, Cart.id == PaymentAttempt.cart_id)
        .where(*_credited(scope, period)),
    ]
    if scope.place is None:
        counts += [
            select(func.count())
            .select_from(DebitItem)
            .join(DebitRun, DebitRun.id == DebitItem.run_id)
            .where(*_debited(scope, period))
        ]
    return sum([int(await db.scalar(count) or 0) for count in counts])


async def journal_lines(
    db: AsyncSession, scope: Scope, period: Period, as_of: datetime
) -> AsyncIterator[Sequence[BookLine]]:
    """Yield a period's lines in their order, some hundreds at a time; slips are those that stood at `as_of`."""
    reader = _Reader(db, scope, period, await _slips(db, scope, period, as_of))
    async for batch in reader.receipts():
        yield batch
    async for batch in reader.online():
        yield batch
    if scope.place is None:
        async for batch in reader.debits():
            yield batch


@dataclass(frozen=True, slots=True)
class _Slips:
    """The slips that stood at an instant: their numbers, and for each drawer its slip and the comptable's."""

    as_of: datetime
    numbers: dict[UUID, str]
    of_drawers: dict[UUID, tuple[str, str]]


class _Reader:
    def __init__(self, db: AsyncSession, scope: Scope, period: Period, slips: _Slips) -> None:
        self._db, self._scope, self._period, self._slips = db, scope, period, slips
        self._places = {place.id: place.label for place in scope.places}
        self._row = 0

    def _line(self, **values: Any) -> BookLine:
        self._row += 1
        return BookLine(row=self._row, **values)

    async def receipts(self) -> AsyncIterator[Sequence[BookLine]]:
        wanted = (
            select(
                Receipt.number,
                Receipt.voids_id,
                Receipt.issued_at,
                Receipt.sub_office_id,
                Receipt.drawer_id,
                Receipt.means,
                Receipt.printed,
                ReceiptSeries.code,
            )
            .join(ReceiptSeries, ReceiptSeries.id == Receipt.series_id)
            .where(*_issued(self._scope, self._period))
            .order_by(ReceiptSeries.code, Receipt.number)
        )
        async for rows in _batches(self._db, wanted):
            lines = [line for row in rows for line in row.printed["lines"]]
            services = await _services(self._db, lines)
            yield [self._of_receipt(row, line, services) for row in rows for line in row.printed["lines"]]

    def _of_receipt(self, row: Any, line: dict[str, Any], services: dict[UUID, str]) -> BookLine:
        slip, treasury_slip = self._slips.of_drawers.get(row.drawer_id, ("", ""))
        if row.means not in CARRIED[RemittedTo.TREASURY]:
            # Cheques and cards reach the comptable through the bank: of these a slip to the comptable moves nothing.
            slip, treasury_slip = "" if slip == treasury_slip else slip, ""
        return self._line(
            kind=LineKind.VOID if row.voids_id else LineKind.RECEIPT,
            number=receipt_number(row.code, row.number),
            at=row.issued_at,
            place=self._places[row.sub_office_id],
            by=str(row.printed["collected_by"]),
            account=str(line["account"]),
            service=services[_account_of(line)],
            means=row.means,
            amount_cents=line["amount_cents"],
            voids=str(row.printed.get("voids", "")),
            slip=slip,
            treasury_slip=treasury_slip,
        )

    async def online(self) -> AsyncIterator[Sequence[BookLine]]:
        wanted = (
            select(PaymentAttempt.id, PaymentAttempt.refdet, PaymentAttempt.credited_at, Cart.sub_office_id)
            .join(Cart, Cart.id == PaymentAttempt.cart_id)
            .where(*_credited(self._scope, self._period))
            .order_by(PaymentAttempt.credited_at, PaymentAttempt.id)
        )
        async for rows in _batches(self._db, wanted):
            ids = [row.id for row in rows]
            credited = await _credited_accounts(self._db, ids)
            carried = await _carried(self._db, self._slips, ids)
            classified = await _classified(self._db, self._slips, ids)
            yield [
                self._line(
                    kind=LineKind.ONLINE,
                    number=row.refdet,
                    at=row.credited_at,
                    place=self._places[row.sub_office_id],
                    by="PayFiP",
                    account=account,
                    service=service,
                    means=Means.PAYFIP,
                    amount_cents=cents,
                    slip=(slip := (classified if service == TO_CLASSIFY else carried).get(row.id, "")),
                    treasury_slip=slip,
                )
                for row in rows
                for account, service, cents in credited.get(row.id, ())
            ]

    async def debits(self) -> AsyncIterator[Sequence[BookLine]]:
        """Read the debits of the period, then what came back of any in it."""
        columns = (DebitItem.amount_cents, DebitRun.number, Invoice.year, Invoice.number, Invoice.id)
        debits = (
            select(*columns, FamilyAccount.number, DebitRun.made_at, DebitItem.id)
            .select_from(DebitItem)
            .join(DebitRun, DebitRun.id == DebitItem.run_id)
            .join(Invoice, Invoice.id == DebitItem.invoice_id)
            .join(FamilyAccount, FamilyAccount.id == Invoice.family_account_id)
        )
        made = debits.where(*_debited(self._scope, self._period)).order_by(
            DebitRun.number, Invoice.year, Invoice.number
        )
        async for rows in _batches(self._db, made):
            yield await self._of_debits(rows, LineKind.DEBIT)
        back = (
            select(*columns, FamilyAccount.number, DebitReturn.recorded_at, DebitReturn.transaction_id)
            .select_from(DebitReturn)
            .join(DebitItem, DebitItem.id == DebitReturn.item_id)
            .join(DebitRun, DebitRun.id == DebitItem.run_id)
            .join(Invoice, Invoice.id == DebitItem.invoice_id)
            .join(FamilyAccount, FamilyAccount.id == Invoice.family_account_id)
            .where(
                DebitRun.office_id == self._scope.office.id,
                DebitReturn.recorded_at >= self._period.begin,
                DebitReturn.recorded_at < self._period.end,
            )
            .order_by(DebitReturn.recorded_at, DebitReturn.item_id)
        )
        async for rows in _batches(self._db, back):
            yield await self._of_debits(rows, LineKind.RETURNED)

    async def _of_debits(self, rows: Sequence[Any], kind: LineKind) -> list[BookLine]:
        services = await _services_of_invoices(self._db, [row[4] for row in rows])
        carried = await _carried(self._db, self._slips, [row[7] for row in rows])
        return [self._of_debit(row, services, carried, kind) for row in rows]

    def _of_debit(self, row: Any, services: dict[UUID, str], carried: dict[UUID, str], kind: LineKind) -> BookLine:
        cents, run, year, number, invoice_id, account, at, transaction_id = row
        written = f"{self._scope.office.code}-P{run:04d}-{invoice_number(year, number)}"
        is_back = kind is LineKind.RETURNED
        slip = carried.get(transaction_id, "")
        return self._line(
            kind=kind,
            number=f"{written}-R" if is_back else written,
            at=at,
            place=self._scope.office.label,
            by="SEPA",
            account=account,
            service=services.get(invoice_id, SEVERAL_SERVICES),
            means=Means.DIRECT_DEBIT,
            amount_cents=-cents if is_back else cents,
            voids=written if is_back else "",
            slip=slip,
            treasury_slip=slip,
        )


async def _batches(db: AsyncSession, wanted: Any) -> AsyncIterator[Sequence[Any]]:
    result = await db.stream(wanted.execution_options(yield_per=BATCH))
    async for rows in result.partitions(BATCH):
        yield rows


def _issued(scope: Scope, period: Period) -> tuple[ColumnElement[bool], ...]:
    inside = Receipt.issued_at >= period.begin, Receipt.issued_at < period.end
    return Receipt.sub_office_id.in_(scope.place_ids), *inside


def _credited(scope: Scope, period: Period) -> tuple[ColumnElement[bool], ...]:
    inside = PaymentAttempt.credited_at >= period.begin, PaymentAttempt.credited_at < period.end
    return Cart.sub_office_id.in_(scope.place_ids), *inside


def _debited(scope: Scope, period: Period) -> tuple[ColumnElement[bool], ...]:
    inside = DebitRun.made_at >= period.begin, DebitRun.made_at < period.end
    return DebitRun.office_id == scope.office.id, *inside


def _account_of(line: dict[str, Any]) -> UUID:
    return UUID(line.get("wallet_id") or line["invoice_id"])


async def _services(db: AsyncSession, lines: Iterable[dict[str, Any]]) -> dict[UUID, str]:
    """Return what the lines of receipts are for, by wallet or invoice."""
    ids = {_account_of(line) for line in lines}
    rows = await db.execute(select(Wallet.id, Wallet.service_code).where(Wallet.id.in_(ids)))
    found = {wallet_id: service.value for wallet_id, service in rows}
    return found | await _services_of_invoices(db, ids - found.keys())


async def _services_of_invoices(db: AsyncSession, invoice_ids: Iterable[UUID]) -> dict[UUID, str]:
    rows = await db.execute(
        select(InvoiceLine.invoice_id, InvoiceLine.service_code)
        .where(InvoiceLine.invoice_id.in_(list(invoice_ids)))
        .distinct()
    )
    found: dict[UUID, str] = {}
    for invoice_id, service in rows:
        found[invoice_id] = SEVERAL_SERVICES if invoice_id in found else service.value
    return found


async def _credited_accounts(
    db: AsyncSession, transaction_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[str, str, int]]]:
    """Return what payments online credited: the family account's number, the service, and the cents."""
    of_wallet, of_invoice = aliased(FamilyAccount), aliased(FamilyAccount)
    kinds = (AccountKind.WALLET, AccountKind.RECEIVABLE, AccountKind.TO_CLASSIFY)
    rows = (
        await db.execute(
            select(
                Posting.transaction_id,
                Posting.account_id,
                Posting.amount_cents,
                LedgerAccount.kind,
                Wallet.service_code,
                func.coalesce(of_wallet.number, of_invoice.number, ""),
            )
            .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
            .outerjoin(Wallet, Wallet.id == Posting.account_id)
            .outerjoin(of_wallet, of_wallet.id == Wallet.family_account_id)
            .outerjoin(Invoice, Invoice.id == Posting.account_id)
            .outerjoin(of_invoice, of_invoice.id == Invoice.family_account_id)
            .where(Posting.transaction_id.in_(transaction_ids), LedgerAccount.kind.in_(kinds))
            .order_by(Posting.id)
        )
    ).all()
    invoices = await _services_of_invoices(db, [row[1] for row in rows if row[3] is AccountKind.RECEIVABLE])
    found: dict[UUID, list[tuple[str, str, int]]] = {}
    for transaction_id, account_id, cents, kind, service, number in rows:
        what = TO_CLASSIFY if kind is AccountKind.TO_CLASSIFY else invoices.get(account_id, SEVERAL_SERVICES)
        found.setdefault(transaction_id, []).append((number, service.value if service else what, cents))
    return found


async def _carried(db: AsyncSession, slips: _Slips, transaction_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the slips that carry some transactions."""
    rows = await db.execute(
        select(RemittanceTransaction.transaction_id, RemittanceTransaction.remittance_id).where(
            RemittanceTransaction.transaction_id.in_(transaction_ids)
        )
    )
    return {transaction_id: slips.numbers[slip_id] for transaction_id, slip_id in rows if slip_id in slips.numbers}


async def _classified(db: AsyncSession, slips: _Slips, attempt_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the slips that carry what waited of some payments online and was classified since."""
    rows = await db.execute(
        select(PaymentDecision.attempt_id, PaymentDecision.id).where(PaymentDecision.attempt_id.in_(attempt_ids))
    )
    decisions = {decision_id: attempt_id for attempt_id, decision_id in rows}
    carried = await _carried(db, slips, list(decisions))
    return {decisions[decision_id]: slip for decision_id, slip in carried.items()}


async def _slips(db: AsyncSession, scope: Scope, period: Period, as_of: datetime) -> _Slips:
    """Return the slips that were made, and not taken back, by an instant."""
    cancel = aliased(Remittance)
    standing = (
        Remittance.office_id == scope.office.id,
        Remittance.made_at <= as_of,
        ~select(cancel.id).where(cancel.cancels_id == Remittance.id, cancel.made_at <= as_of).exists(),
    )
    slips = (await db.execute(select(Remittance.id, Remittance.number, Remittance.to).where(*standing))).all()
    numbers = {row.id: slip_number(scope.office.code, row.number) for row in slips}
    sources = await db.execute(select(RemittanceSource.source_id, RemittanceSource.remittance_id))
    to_treasury = {row.id: numbers[row.id] for row in slips if row.to is RemittedTo.TREASURY}
    to_treasury |= {source_id: numbers[slip_id] for source_id, slip_id in sources if slip_id in numbers}
    drawers = await db.execute(
        select(RemittanceDrawer.drawer_id, RemittanceDrawer.remittance_id)
        .join(Drawer, Drawer.id == RemittanceDrawer.drawer_id)
        .where(
            Drawer.sub_office_id.in_(scope.place_ids),
            Drawer.opened_at < period.end,
            Drawer.closed_at >= period.begin,
        )
    )
    return _Slips(
        as_of=as_of,
        numbers=numbers,
        of_drawers={
            drawer_id: (numbers[slip_id], to_treasury.get(slip_id, ""))
            for drawer_id, slip_id in drawers
            if slip_id in numbers
        },
    )

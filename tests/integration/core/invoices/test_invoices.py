"""An invoice is numbered without a gap, stands in the ledger, and is never paid beyond what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.invoices.rules import BadInvoice, Line, UnknownInvoice
from cvq_core.invoices.store import InvoiceStanding, invoices_by_id, invoices_of, issue_invoice, lines_of
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.revenue import revenue_accounts
from cvq_core.ledger.rules import (
    AccountKind,
    AmountOutOfBounds,
    IdempotencyMismatch,
    MoreThanDue,
    TransactionKind,
)
from cvq_core.ledger.store import balance_of, post, reverse
from cvq_core.ledger.verify import verify
from cvq_core.people.store import UnknownFamilyAccount
from cvq_core.services.rules import ServiceCode
from tests.core_examples import NOW, create_family, create_ledger_account, create_services, create_wallet, transaction

TODAY = local_day(NOW)
MEALS = Line(ServiceCode.CANTEEN, "Repas de novembre", 14, 235, "QF 742, tranche 3, deuxième enfant : 2,35 €")
ENTRIES = Line(ServiceCode.POOL, "Entrées", 2, 300)


@dataclass
class Ground:
    database: Database
    family: UUID
    drawer: UUID

    async def issue(
        self,
        invoice_id: UUID | None = None,
        *,
        lines: Sequence[Line] = (MEALS, ENTRIES),
        due_on: date = TODAY + timedelta(days=30),
        family: UUID | None = None,
    ) -> Invoice:
        async with self.database.write() as db:
            return await issue_invoice(
                db,
                invoice_id or new_id(),
                family_account_id=family or self.family,
                label="Novembre 2026",
                lines=lines,
                due_on=due_on,
                now=NOW,
            )

    async def pay(self, invoice: Invoice, cents: int, key: UUID | None = None) -> UUID:
        key = key or new_id()
        async with self.database.write() as db:
            legs = ((invoice.id, cents), (self.drawer, -cents))
            await post(db, transaction(*legs, transaction_id=key, kind=TransactionKind.PAYMENT), now=NOW)
        return key

    async def standing(self, invoice: Invoice) -> InvoiceStanding:
        async with self.database.read() as db:
            return (await invoices_by_id(db, [invoice.id]))[invoice.id]

    async def troubles(self) -> list[str]:
        async with self.database.read() as db:
            return await verify(db)


@pytest.fixture
async def ground(database: Database) -> Ground:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        drawer = await create_ledger_account(db, AccountKind.DRAWER)
    return Ground(database, family.id, drawer)


async def test_an_invoice_is_owed_by_the_family_and_earned_by_each_service(ground: Ground) -> None:
    invoice = await ground.issue()
    standing = await ground.standing(invoice)
    assert (standing.number, standing.due_cents, standing.paid_cents) == ("2026-000001", 3890, 0)
    async with ground.database.read() as db:
        assert await balance_of(db, invoice.id) == 3890
        revenues = await revenue_accounts(db, [ServiceCode.CANTEEN, ServiceCode.POOL], NOW)
        assert [await balance_of(db, revenues[code]) for code in (ServiceCode.CANTEEN, ServiceCode.POOL)] == [3290, 600]
        lines = await lines_of(db, invoice.id)
    assert [(line.label, line.amount_cents, line.explanation) for line in lines] == [
        ("Repas de novembre", 3290, MEALS.explanation),
        ("Entrées", 600, ""),
    ]
    assert await ground.troubles() == []


async def test_it_is_paid_in_parts_and_never_beyond_what_is_due(ground: Ground) -> None:
    invoice = await ground.issue()
    key = await ground.pay(invoice, 3000)
    with pytest.raises(MoreThanDue) as refused:
        await ground.pay(invoice, 891)
    assert refused.value.facts["due_cents"] == 890
    await ground.pay(invoice, 3000, key)
    await ground.pay(invoice, 890)
    assert (await ground.standing(invoice)).due_cents == 0
    await ground.pay(invoice, 3000, key)
    assert await ground.troubles() == []


async def test_of_forty_who_pay_the_whole_at_once_one_does(ground: Ground) -> None:
    invoice = await ground.issue()
    answers = await asyncio.gather(*(ground.pay(invoice, 3890) for _ in range(40)), return_exceptions=True)
    assert sum(isinstance(answer, UUID) for answer in answers) == 1
    assert sum(isinstance(answer, MoreThanDue) for answer in answers) == 39
    assert await ground.troubles() == []


async def test_a_payment_that_is_undone_is_due_again(ground: Ground) -> None:
    invoice = await ground.issue()
    key = await ground.pay(invoice, 3890)
    async with ground.database.write() as db:
        await reverse(db, key, reversal_id=new_id(), label="Annulation", actor_kind="staff", actor_id=new_id(), now=NOW)
    assert (await ground.standing(invoice)).due_cents == 3890


async def test_one_payment_settles_an_invoice_and_tops_a_wallet_up_or_does_neither(ground: Ground) -> None:
    invoice = await ground.issue()
    async with ground.database.write() as db:
        wallet = await create_wallet(db, ground.family, cents=0)
    with pytest.raises(MoreThanDue):
        await pay_both(ground, wallet.id, 1000, invoice, 4000)
    assert await pay_both(ground, wallet.id, 1000, invoice, 3890) == {wallet.id: 1000, invoice.id: 0}
    assert await ground.troubles() == []


async def pay_both(
    ground: Ground, wallet: UUID, wallet_cents: int, invoice: Invoice, invoice_cents: int
) -> Mapping[UUID, int]:
    legs = ((wallet, wallet_cents), (invoice.id, invoice_cents), (ground.drawer, -wallet_cents - invoice_cents))
    async with ground.database.write() as db:
        return (await post(db, transaction(*legs, kind=TransactionKind.PAYMENT), now=NOW)).balances


async def test_numbers_have_no_gap_whoever_issues_at_once_and_whatever_is_refused(ground: Ground) -> None:
    async def issue(lines: Sequence[Line]) -> Invoice:
        return await ground.issue(lines=lines)

    refused = replace(MEALS, quantity=0)
    results = await asyncio.gather(
        *(issue([refused] if number % 4 == 0 else [MEALS]) for number in range(20)), return_exceptions=True
    )
    numbers = sorted(each.number for each in results if isinstance(each, Invoice))
    assert numbers == list(range(1, 16))


async def test_the_same_id_is_the_same_invoice_and_with_other_lines_none(ground: Ground) -> None:
    invoice_id = new_id()
    first, again = await ground.issue(invoice_id), await ground.issue(invoice_id)
    assert (first.id, first.number) == (again.id, again.number)
    with pytest.raises(IdempotencyMismatch):
        await ground.issue(invoice_id, lines=[MEALS])
    assert len(await ground_invoices(ground)) == 1


@pytest.mark.parametrize(
    ("lines", "due_in", "refusal"),
    [
        ([], 30, BadInvoice),
        ([MEALS] * 201, 30, BadInvoice),
        ([MEALS], -1, BadInvoice),
        ([replace(MEALS, unit_cents=-5)], 30, AmountOutOfBounds),
        ([replace(MEALS, unit_cents=10**10)], 30, AmountOutOfBounds),
    ],
)
async def test_what_is_no_invoice_is_refused_and_changes_nothing(
    ground: Ground, lines: list[Line], due_in: int, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await ground.issue(lines=lines, due_on=TODAY + timedelta(days=due_in))
    assert await ground_invoices(ground) == []
    assert await ground.troubles() == []


async def test_nobodys_invoice_is_refused_and_an_unknown_one_is_not_found(ground: Ground) -> None:
    with pytest.raises(UnknownFamilyAccount):
        await ground.issue(family=new_id())
    async with ground.database.read() as db:
        with pytest.raises(UnknownInvoice):
            await invoices_by_id(db, [new_id()])


async def test_only_what_is_still_due_is_listed_for_payment(ground: Ground) -> None:
    paid, due = await ground.issue(), await ground.issue(lines=[ENTRIES])
    await ground.pay(paid, 3890)
    assert [each.invoice.id for each in await ground_invoices(ground)] == [due.id, paid.id]
    assert [each.invoice.id for each in await ground_invoices(ground, due_only=True)] == [due.id]


async def ground_invoices(ground: Ground, *, due_only: bool = False) -> list[InvoiceStanding]:
    async with ground.database.read() as db:
        return await invoices_of(db, ground.family, due_only=due_only)

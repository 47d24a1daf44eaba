"""A family's statement: what there was, what moved, what there is, for any period and however long."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from datetime import date, datetime, timedelta
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.families.statement_pdf import statement_pdf
from cvq_core.families.statements import BadPeriod, family_statement, statement_csv
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.store import post
from cvq_core.ledger.wallets import UnknownWallet
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    NOW,
    TODAY,
    create_family,
    create_ledger_account,
    create_services,
    create_wallet,
    transaction,
)

MARCH = (date(2026, 3, 1), date(2026, 3, 31))


async def meal(
    db: AsyncSession, wallet_id: UUID, other: UUID, cents: int, at: datetime, *, label: str = "Repas"
) -> None:
    await post(db, transaction((wallet_id, cents), (other, -cents), label=label, occurred_at=at), now=at)


async def test_a_period_has_its_opening_its_lines_and_its_closing(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        wallet = await create_wallet(db, family.id, ServiceCode.CANTEEN)
        revenue = await create_ledger_account(db)
        # Half past midnight in Paris on 1 March is still February in UTC.
        midnight = datetime.fromisoformat("2026-02-28T23:30:00+00:00")
        for day, cents in ((-10, 5000), (-4, -235)):
            await meal(db, wallet.id, revenue, cents, NOW + timedelta(days=day))
        await meal(db, wallet.id, revenue, -1, midnight, label="Minuit et demi")
        for day in (5, 6, 40):
            await meal(db, wallet.id, revenue, -235, NOW + timedelta(days=day))
        found = await family_statement(db, family.id, *MARCH)
        [section] = found.sections
        assert (section.title, section.opening_cents, section.closing_cents) == ("Cantine", 4765, 4294)
        assert [(line.day, line.label, line.amount_cents, line.balance_cents) for line in section.lines] == [
            (date(2026, 3, 1), "Minuit et demi", -1, 4764),
            (date(2026, 3, 8), "Repas", -235, 4529),
            (date(2026, 3, 9), "Repas", -235, 4294),
        ]
        assert section.opening_cents + sum(line.amount_cents for line in section.lines) == section.closing_cents


async def test_wallets_come_in_the_order_of_the_services_then_what_is_due(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family, other = await create_family(db), await create_family(db, "F00002")
        pool = await create_wallet(db, family.id, ServiceCode.POOL, cents=800)
        await create_wallet(db, family.id, ServiceCode.CANTEEN, cents=-470)
        foreign = await create_wallet(db, other.id, ServiceCode.POOL, cents=100)
        invoice = await issue_invoice(
            db,
            new_id(),
            family_account_id=family.id,
            label="Mars",
            lines=[Line(ServiceCode.CANTEEN, "Repas", 4, 235)],
            due_on=TODAY,
            now=NOW,
        )
        found = await family_statement(db, family.id, *MARCH)
        assert [section.closing_cents for section in found.sections] == [-470, 800, -940]
        assert [section.is_invoice for section in found.sections] == [False, False, True]
        assert str(invoice.number) in found.sections[2].title
        [alone] = (await family_statement(db, family.id, *MARCH, wallet_id=pool.id)).sections
        assert alone.id == pool.id
        with pytest.raises(UnknownWallet):
            await family_statement(db, family.id, *MARCH, wallet_id=foreign.id)
        before = await family_statement(db, family.id, date(2026, 1, 1), date(2026, 1, 31))
        assert [(section.opening_cents, len(section.lines)) for section in before.sections] == [(0, 0), (0, 0)]


async def test_fifteen_hundred_lines_are_all_on_the_paper_and_in_the_file(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        wallet = await create_wallet(db, family.id, ServiceCode.CANTEEN, cents=500_000)
        revenue = await create_ledger_account(db)
        for number in range(1500):
            label = "=SOMME(A1)" if number == 0 else "Repas"
            await meal(db, wallet.id, revenue, -235, NOW + timedelta(hours=number), label=label)
        found = await family_statement(db, family.id, TODAY, TODAY + timedelta(days=90))
    assert found.lines == 1501
    assert found.sections[0].closing_cents == 500_000 - 1500 * 235
    rows = list(csv.reader(io.StringIO(statement_csv(found).decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 1 + 1 + 1501 + 1
    assert rows[3][3] == "'=SOMME(A1)", "no label becomes a formula"
    assert rows[-1][5] == "1475,00"
    pdf = statement_pdf(found)
    assert pdf == statement_pdf(found), "the same statement gives the same bytes"
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    assert all(f"Page {number} sur {len(pages)}" in text for number, text in enumerate(pages, start=1))
    assert all("Libellé" in text for text in pages[:-1])
    assert sum(text.count("−2,35") for text in pages) == 1500
    assert "1\u202f475,00" in pages[-1]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (TODAY, TODAY - timedelta(days=1)),
        (date(1999, 1, 1), TODAY),
        (date(2010, 1, 1), TODAY),
        (TODAY, date(2200, 1, 1)),
    ],
)
async def test_what_is_no_period_is_refused(database: Database, first: date, last: date) -> None:
    async with database.read() as db:
        with pytest.raises(BadPeriod):
            await family_statement(db, new_id(), first, last)

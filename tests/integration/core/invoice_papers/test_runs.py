"""A month of invoices in one file: made as a job, each with its own pages, noted with the file or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import func, select

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.invoice_papers.rules import BadMonth, NoInvoices, RunNotReady, RunState
from cvq_core.invoice_papers.runs import KEPT, CopiesChanged, InvoicePrinter, ask_run, count_of_month, run_file
from cvq_core.invoice_papers.store import note_print
from cvq_core.invoice_papers.tables import InvoicePrint, InvoiceRun
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.offices.rules import Officer
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.settings import Settings
from cvq_core.vault import Stored, Vault
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_ledger_account,
    create_officer,
    create_services,
    transaction,
)

MARCH = date(2026, 3, 1)


class PowerCut(BaseException):
    """The machine stops."""


class Watched(Vault):
    """The vault, with something that happens just before it keeps a file."""

    before_put: Callable[[], None] | None = None

    def put(self, file_id: UUID, content: bytes) -> Stored:
        if self.before_put is not None:
            self.before_put()
        return super().put(file_id, content)


@dataclass
class Press:
    """Three families with an invoice of March each, of which one is long, and an invoice that is another office's."""

    database: Database
    vault: Watched
    files: Path
    officer: Officer
    office: UUID
    invoices: list[UUID]
    now: datetime = NOW

    @property
    def printer(self) -> InvoicePrinter:
        return InvoicePrinter(self.database, Settings(), self.vault, lambda: self.now)

    async def ask(self, key: UUID | None = None, *, only_new: bool = False, month: date = MARCH) -> UUID:
        async with self.database.write() as db:
            run = await ask_run(
                db,
                key or new_id(),
                office_id=self.office,
                month=month,
                only_new=only_new,
                officer=self.officer,
                now=self.now,
            )
            return run.id

    async def make(self, run_id: UUID) -> None:
        await self.printer.make({"run_id": str(run_id)})

    async def run(self, run_id: UUID) -> InvoiceRun:
        async with self.database.read() as db:
            return await db.get_one(InvoiceRun, run_id)

    async def pages(self, run_id: UUID) -> list[str]:
        content = await run_file(self.vault, await self.run(run_id))
        with closing(pypdfium2.PdfDocument(content)) as pdf:
            return [page.get_textpage().get_text_bounded().replace("\u00a0", " ") for page in pdf]

    async def prints(self) -> int:
        async with self.database.read() as db:
            return await db.scalar(select(func.count()).select_from(InvoicePrint)) or 0

    async def print_one(self, invoice_id: UUID) -> None:
        async with self.database.write() as db:
            await note_print(db, invoice_id, new_id(), staff_id=self.officer.staff_id, now=self.now)

    def kept_files(self) -> int:
        return sum(1 for each in self.files.rglob("*") if each.is_file())


@pytest.fixture
async def press(database: Database, tmp_path: Path) -> Press:
    async with database.write() as db:
        await create_services(db)
        await add_service(db, ServiceCode.SQUASH, service_id=new_id(), policy=FundingPolicy.REFUSE, valid_from=LONG_AGO)
        officer = await create_officer(db)
        place = await create_counter(db, officer, is_main=True)
        invoices = []
        for number, lines in enumerate((1, 60, 1, 1), start=1):
            family = await create_family(db, f"F0000{number}", f"Famille {number}")
            service = ServiceCode.SQUASH if number == 4 else ServiceCode.CANTEEN
            invoice = await issue_invoice(
                db,
                new_id(),
                family_account_id=family.id,
                label="Mars",
                lines=[Line(service, f"Repas {each}", 1, 235) for each in range(lines)],
                due_on=TODAY + timedelta(days=30),
                now=NOW,
            )
            invoices.append(invoice.id)
    files = tmp_path / "vault"
    return Press(database, Watched(files, bytes(32)), files, officer, place.office_id, invoices[:3])


async def test_a_month_is_one_file_in_the_order_of_the_numbers_and_each_invoice_counts_its_own_pages(
    press: Press,
) -> None:
    run_id = await press.ask()
    with pytest.raises(RunNotReady):
        await press.pages(run_id)
    await press.make(run_id)
    run = await press.run(run_id)
    assert (run.state, run.done, run.invoices) == (RunState.READY, 3, 3)
    pages = await press.pages(run_id)
    numbers = [number for page in pages for number in ("000001", "000002", "000003", "000004") if number in page]
    assert numbers == sorted(numbers)
    assert "000004" not in numbers, "the squash is none of this office's"
    assert numbers.count("000002") > 1
    assert "Page 1 sur 1" in pages[0]
    assert f"Page 1 sur {numbers.count('000002')}" in pages[1]
    assert "DUPLICATA" not in "".join(pages)


async def test_what_was_printed_is_a_duplicate_the_second_time_or_left_out(press: Press) -> None:
    await press.print_one(press.invoices[2])
    async with press.database.read() as db:
        assert await count_of_month(db, press.office, MARCH, TODAY) == (3, 2)
    new = await press.ask(only_new=True)
    await press.make(new)
    assert "000003" not in "".join(await press.pages(new))
    with pytest.raises(NoInvoices):
        await press.ask(only_new=True)
    again = await press.ask()
    await press.make(again)
    assert "".join(await press.pages(again)).count("DUPLICATA N° 1") == 3


async def test_asked_twice_it_is_one_printing_and_made_twice_it_is_noted_once(press: Press) -> None:
    key = new_id()
    assert await press.ask(key) == await press.ask(key)
    with pytest.raises(IdempotencyMismatch):
        await press.ask(key, only_new=True)
    await asyncio.gather(press.make(key), press.make(key), return_exceptions=True)
    await press.make(key)
    assert (await press.run(key)).state is RunState.READY
    assert await press.prints() == 3
    assert press.kept_files() == 1
    assert await press.pages(key)


async def test_one_printed_meanwhile_has_the_file_made_anew_so_that_its_marks_are_right(press: Press) -> None:
    run_id, loop = await press.ask(), asyncio.get_running_loop()

    def somebody_prints() -> None:
        asyncio.run_coroutine_threadsafe(press.print_one(press.invoices[0]), loop).result()

    press.vault.before_put = somebody_prints
    with pytest.raises(CopiesChanged):
        await press.make(run_id)
    assert (await press.run(run_id)).state is RunState.MAKING
    assert (await press.prints(), press.kept_files()) == (1, 0)
    press.vault.before_put = None
    await press.make(run_id)
    pages = await press.pages(run_id)
    assert ["DUPLICATA" in page for page in pages[:2]] == [True, False]


async def test_power_that_goes_while_it_is_made_leaves_nothing_and_it_begins_anew(press: Press) -> None:
    run_id = await press.ask()

    def power_cut() -> None:
        raise PowerCut

    press.vault.before_put = power_cut
    with pytest.raises(PowerCut):
        await press.make(run_id)
    assert (await press.prints(), press.kept_files()) == (0, 0)
    press.vault.before_put = None
    await press.make(run_id)
    assert await press.prints() == 3


async def test_what_cannot_be_made_says_so_and_what_is_there_stays(press: Press) -> None:
    run_id, made = await press.ask(), await press.ask()
    await press.make(made)
    for each in (run_id, made):
        await press.printer.give_up({"run_id": str(each)})
    assert [(await press.run(each)).state for each in (run_id, made)] == [RunState.FAILED, RunState.READY]
    await press.make(run_id)
    assert (await press.run(run_id)).state is RunState.FAILED


async def test_a_month_that_is_none_or_has_nothing_is_refused(press: Press) -> None:
    with pytest.raises(NoInvoices):
        await press.ask(month=date(2026, 2, 1))
    for month in (date(2026, 4, 1), date(2026, 3, 2)):
        with pytest.raises(BadMonth):
            await press.ask(month=month)


async def test_files_with_families_addresses_do_not_stay(press: Press) -> None:
    run_id = await press.ask()
    await press.make(run_id)
    press.now += KEPT - timedelta(seconds=1)
    await press.printer.purge()
    assert press.kept_files() == 1
    press.now += timedelta(seconds=2)
    await press.printer.purge()
    assert press.kept_files() == 0
    with pytest.raises(RunNotReady):
        await press.pages(run_id)


async def test_what_somebody_else_printed_before_the_job_came_to_it_is_not_printed_again(press: Press) -> None:
    run_id = await press.ask(only_new=True)
    for each in press.invoices:
        await press.print_one(each)
    await press.make(run_id)
    assert (await press.run(run_id)).state is RunState.FAILED
    assert (await press.prints(), press.kept_files()) == (3, 0)


async def test_what_is_paid_already_is_not_sent(press: Press) -> None:
    async with press.database.write() as db:
        drawer = await create_ledger_account(db, AccountKind.DRAWER)
        legs = ((press.invoices[0], 235), (drawer, -235))
        await post(db, transaction(*legs, kind=TransactionKind.PAYMENT), now=NOW)
        assert await count_of_month(db, press.office, MARCH, TODAY) == (2, 2)
    run_id = await press.ask()
    await press.make(run_id)
    assert "000001" not in "".join(await press.pages(run_id))

"""A month of an office read back from the ledger: journal, balance, closing, and what each file of an edition tells."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import timedelta

import pypdfium2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cvq_core.books.closings import close_month
from cvq_core.books.parts import LINE_COLUMNS
from cvq_core.books.periods import (
    BadBookPeriod,
    EarlierMonthOpen,
    MonthClosed,
    MonthNotOver,
    Period,
    month,
    read_period,
)
from cvq_core.books.rules import (
    BookFormat,
    BookMissing,
    EditionState,
    LineKind,
    Movement,
    NotTheBookkeeper,
    UnknownBook,
)
from cvq_core.books.scope import scope_of
from cvq_core.books.tables import BookClosing, BookEdition
from cvq_core.books.verify import verify_books
from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.offices.rules import Means
from tests.core_examples import top_up
from tests.integration.core.books.conftest import APRIL, IN_APRIL, LATER, MARCH, House
from tests.workbook import read_workbook

YEAR = read_period("2026", local_day(LATER))


async def test_the_journal_lists_every_receipt_in_order_and_what_came_by_the_bank(spring: House) -> None:
    lines = await spring.lines()
    assert [line.row for line in lines] == list(range(1, len(lines) + 1))
    told = [(line.number[-6:], line.kind, line.service, line.means, line.amount_cents) for line in lines[:6]]
    assert told == [
        ("000001", LineKind.RECEIPT, "pool", Means.CASH, 1550),
        ("000002", LineKind.RECEIPT, "canteen", Means.CHEQUE, 2000),
        ("000002", LineKind.RECEIPT, "several", Means.CHEQUE, 1100),
        ("000003", LineKind.RECEIPT, "pool", Means.CASH, 700),
        ("000004", LineKind.VOID, "pool", Means.CASH, -700),
        ("000005", LineKind.RECEIPT, "canteen", Means.CARD, 900),
    ]
    assert lines[4].voids == "POM-000003"
    assert {line.account for line in lines} == {"F00001", ""}
    assert {(line.place, line.by) for line in lines[:6]} == {("École de Pompaire", "Odile Brémaud")}
    # The place's slip, and the one with which the officer passed it on to the comptable.
    assert {(line.means, line.slip, line.treasury_slip) for line in lines[:6]} == {
        (Means.CASH, "POM-V-000001", "POM-V-000002"),
        (Means.CHEQUE, "POM-V-000001", ""),
        (Means.CARD, "POM-V-000001", ""),
    }
    online = [(line.kind, line.service, line.amount_cents, line.treasury_slip) for line in lines[6:9]]
    assert online == [
        (LineKind.ONLINE, "pool", 1200, "POM-V-000002"),
        (LineKind.ONLINE, "canteen", 300, "POM-V-000002"),
        (LineKind.ONLINE, "to_classify", 2400, ""),
    ]
    assert [(line.kind, line.amount_cents, line.treasury_slip) for line in lines[9:]] == [
        (LineKind.DEBIT, 4000, "POM-V-000002"),
        (LineKind.DEBIT, 600, "POM-V-000002"),
    ]
    [first, back] = await spring.lines(APRIL)
    assert (first.number, first.amount_cents, first.slip) == ("POM-000006", 400, "")
    assert (back.kind, back.amount_cents, back.voids) == (LineKind.RETURNED, -4000, lines[9].number)
    assert len(await spring.lines(YEAR)) == len(lines) + 2


async def test_a_place_has_its_own_lines_and_slips_are_those_of_the_instant(spring: House) -> None:
    assert [line.number for line in await spring.lines(MARCH, spring.school)] == [
        line.number for line in (await spring.lines())[:6]
    ]
    assert {line.kind for line in await spring.lines(MARCH, spring.main)} == {LineKind.ONLINE}
    before = await spring.lines(as_of=MARCH.begin)
    assert {line.slip for line in before} == {""}


async def test_the_balance_leads_from_the_opening_to_the_closing_by_every_means(spring: House) -> None:
    march = await spring.balance()
    held = {line.means: line for line in march.held}
    assert held[Means.CASH].moved == {
        Movement.RECEIVED: 2250,
        Movement.TAKEN_BACK: -700,
        Movement.DIFFERENCE: -50,
        Movement.REMITTED: -1500,
    }
    assert (held[Means.CASH].opening_cents, held[Means.CASH].closing_cents) == (0, 0)
    assert (held[Means.CHEQUE].moved[Movement.RECEIVED], held[Means.CHEQUE].closing_cents) == (3100, 3100)
    assert held[Means.CARD].closing_cents == 900
    assert held[Means.PAYFIP].moved == {Movement.RECEIVED: 3900, Movement.REMITTED: -1500}
    assert held[Means.DIRECT_DEBIT].closing_cents == 0
    assert (march.to_classify_cents, march.closing_cents) == (2400, 900 + 2400 + 3100)
    assert (march.cash.safe_cents, march.cash.float_cents, march.cash.beyond_float_cents) == (8000, 8000, 0)
    april = await spring.balance(APRIL)
    assert april.opening_cents == march.closing_cents
    assert (april.cash.drawers_cents, april.cash.beyond_float_cents) == (2400, 400)
    assert {line.means: line.opening_cents for line in april.held if line.opening_cents} == {
        line.means: line.closing_cents for line in march.held if line.closing_cents
    }


async def test_every_account_is_there_and_all_of_them_add_up_to_zero(spring: House) -> None:
    for place in (None, spring.main, spring.school):
        for period in (MARCH, APRIL, YEAR):
            accounts = (await spring.balance(period, place)).accounts
            assert sum(line.opening_cents for line in accounts) == sum(line.closing_cents for line in accounts) == 0
            assert sum(line.debit_cents for line in accounts) == sum(line.credit_cents for line in accounts)
    accounts = {line.label: line for line in (await spring.balance()).accounts}
    assert accounts["Versé au comptable, Régie de recettes et d’avances"].closing_cents == -(1500 + 1500 + 4600)
    assert accounts["Comptes famille, Piscine"].credit_cents == 1550 + 700 + 1200
    assert accounts["Écarts de caisse, École de Pompaire"].closing_cents == -50


async def test_what_a_place_paid_over_leaves_its_balance_and_comes_into_the_counter_s(spring: House) -> None:
    school = {line.means: line for line in (await spring.balance(MARCH, spring.school)).held}
    assert school[Means.CARD].moved == {Movement.RECEIVED: 900, Movement.REMITTED: -900}
    main = {line.means: line for line in (await spring.balance(MARCH, spring.main)).held}
    assert main[Means.CARD].moved == {Movement.INTEGRATED: 900}
    assert main[Means.CASH].moved == {Movement.INTEGRATED: 1500, Movement.REMITTED: -1500}


async def test_months_are_closed_once_in_their_order_by_the_officer(spring: House) -> None:
    with pytest.raises(EarlierMonthOpen, match="03/2026"):
        await spring.close(APRIL)
    with pytest.raises(MonthNotOver):
        await spring.close(now=MARCH.end)
    with pytest.raises(BadBookPeriod):
        await spring.close(month(2026, 2))
    with pytest.raises(NotTheBookkeeper):
        async with spring.database.write() as db:
            await close_month(
                db, key=new_id(), office_id=spring.main.office_id, period=MARCH, officer=spring.odile, now=LATER
            )
    key = new_id()
    first = await spring.close(key=key)
    assert (await spring.close(key=key, now=LATER + timedelta(hours=1))).closed_at == first.closed_at
    with pytest.raises(IdempotencyMismatch):
        await spring.close(APRIL, key=key)
    with pytest.raises(MonthClosed):
        await spring.close()
    assert first.payments == 5 + 2 + 2
    # The next balance begins with what this one was closed on, and says what it said.
    before = await spring.balance(APRIL)
    assert (await spring.close(APRIL)).payments == 1
    assert await spring.balance(APRIL) == before


async def test_of_rivals_who_close_one_month_at_once_one_does(spring: House) -> None:
    results = await asyncio.gather(*(spring.close() for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["BookClosing"] + ["MonthClosed"] * 3


async def test_a_late_counter_entry_stands_in_the_month_in_which_it_was_made(house: House) -> None:
    drawer = await house.opens()
    wrong = await house.takes(drawer, Means.CASH, top_up(house.pool, 700))
    await house.close()
    void = await house.voids(wrong, IN_APRIL)
    assert [line.number for line in await house.lines()] == ["POM-000001"]
    [line] = await house.lines(APRIL)
    assert (line.number[-1], line.voids, line.amount_cents, void.total_cents) == ("2", "POM-000001", -700, -700)
    assert (await house.balance()).closing_cents == 700
    assert (await house.balance(APRIL)).closing_cents == 0


async def test_what_was_closed_never_changes_and_the_check_sees_it_if_it_does(spring: House) -> None:
    closing = await spring.close()
    for statement in ("UPDATE book_closing SET payments = 0", "DELETE FROM book_closing"):
        with pytest.raises(DBAPIError, match="book_closing only grows"):
            async with spring.database.write() as db:
                await db.execute(text(statement))
    async with spring.database.read() as db:
        sums = {"": {**closing.sums[""], "wallet:pool": [0, 1]}}
        db.add(
            BookClosing(
                id=new_id(),
                office_id=closing.office_id,
                first_day=APRIL.first,
                last_day=APRIL.last,
                closed_at=LATER,
                staff_id=closing.staff_id,
                payments=7,
                sums=sums,
            )
        )
        await db.flush()
        assert await verify_books(db) == [
            "POM 2026-04 was closed with 7 payments, has 1",
            "POM 2026-04 was closed on other sums than its postings add up to",
        ]


async def test_an_edition_is_provisional_until_its_month_is_closed_then_numbered_then_a_duplicate(
    spring: House,
) -> None:
    async def told(period: Period = MARCH, *, school: bool = False) -> tuple[int | None, int]:
        edition = await spring.ask(period, spring.school if school else None)
        return edition.number, edition.copy

    assert await told() == (None, 0)
    await spring.close()
    assert [await told(), await told(), await told(school=True), await told()] == [(1, 0), (2, 1), (3, 0), (4, 2)]
    assert await told(YEAR) == (None, 0)
    key = new_id()
    assert {(await spring.ask(key=key)).number for _ in range(2)} == {5}
    with pytest.raises(IdempotencyMismatch):
        await spring.ask(APRIL, key=key)


async def test_a_year_is_closed_when_each_of_its_months_is(house: House) -> None:
    drawer = await house.opens()
    await house.takes(drawer, Means.CASH, top_up(house.pool, 700))
    for number in range(3, 13):
        await house.close(month(2026, number), now=LATER + timedelta(days=300))
    assert (await house.ask(YEAR)).number == 1


async def test_rivals_number_editions_without_a_gap(spring: House) -> None:
    await spring.close()
    asked = await asyncio.gather(*(spring.ask() for _ in range(5)))
    assert sorted((each.number, each.copy) for each in asked) == [(n + 1, n) for n in range(5)]


async def test_paper_csv_workbook_and_ledger_say_the_same(spring: House) -> None:
    await spring.close()
    edition = await spring.edition()
    assert edition.state is EditionState.READY
    files = await spring.files(edition)
    assert files[BookFormat.XLSX][0] == "livres-POM-2026-03-000001.xlsx"
    lines, balance = await spring.lines(as_of=edition.as_of), await spring.balance()

    content = files[BookFormat.JOURNAL_CSV][1]
    assert content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")
    assert head == list(LINE_COLUMNS)
    assert [(row[2], row[7], _cents(row[10]), row[12]) for row in rows] == [
        (line.number, line.account, line.amount_cents, line.slip) for line in lines
    ]

    book = read_workbook(files[BookFormat.XLSX][1])
    in_book = book["Journal"].rows[1:]
    assert [(row[2], row[7], round(float(row[10]) * 100)) for row in in_book] == [
        (line.number, line.account, line.amount_cents) for line in lines
    ]
    balance_csv = files[BookFormat.BALANCE_CSV][1].decode("utf-8-sig")
    for name, sheet in list(book.items())[1:]:
        section = balance_csv.split(f"{name}\r\n", 1)[1].split("\r\n\r\n")[0]
        in_csv = csv.reader(io.StringIO(section), delimiter=";")
        assert [[_same(cell) for cell in row] for row in in_csv] == [
            [_same(cell) for cell in row] for row in sheet.rows
        ], name
    for service, means, cents in (("Piscine", "espèces", 1550), ("À classer", "PayFiP", 2400)):
        [total] = [row for row in book["Par service et moyen"].rows if row[:2] == [service, means]]
        mine = [row for row in in_book[int(total[8]) - 1 : int(total[9])] if row[8:10] == [service, means]]
        assert (round(float(total[4]) * 100), int(total[5])) == (cents, len(mine))
        assert sum(round(float(row[10]) * 100) for row in mine) == cents
        assert (mine[0][2], mine[-1][2]) == (total[6], total[7])
    assert book["Par moyen"].links["H2"] == "'Journal'!A2"

    paper = _text(files[BookFormat.JOURNAL_PDF][1])
    for line in lines:
        assert line.number in paper
        assert f"{line.amount_cents // 100},{line.amount_cents % 100:02d}" in paper or line.amount_cents < 0
    assert "Total du journal, 11 lignes" in paper
    said = _text(files[BookFormat.BALANCE_PDF][1])
    for account in balance.accounts:
        assert account.label.split(",")[0] in said
    assert "Édition POM-L-000001" in said.replace("  ", " ")
    for sentence in ("PROVISOIRE", "DUPLICATA", "Jeanne", "Moreau"):
        assert sentence not in paper + said + balance_csv


async def test_an_edition_made_again_is_the_same_but_for_its_mark_whatever_came_since(spring: House) -> None:
    await spring.close()
    first = await spring.files(await spring.edition())
    again = await spring.edition()
    files = await spring.files(again)
    assert (again.number, again.copy) == (2, 1)
    assert files[BookFormat.JOURNAL_CSV][1] == first[BookFormat.JOURNAL_CSV][1]
    assert "DUPLICATA N° 1" in _text(files[BookFormat.JOURNAL_PDF][1])
    assert "DUPLICATA N° 1" in _text(files[BookFormat.BALANCE_PDF][1])


async def test_a_job_that_runs_twice_leaves_one_set_of_files(spring: House) -> None:
    def stored() -> int:
        return sum(path.is_file() for path in spring.vault._folder.rglob("*"))

    edition, before = await spring.ask(), stored()
    payload = {"edition_id": str(edition.id)}
    await asyncio.gather(spring.maker.make(payload), spring.maker.make(payload))
    await spring.maker.make(payload)
    assert len(await spring.files(edition)) == len(BookFormat) == stored() - before


async def test_provisional_files_are_removed_after_a_while_and_numbered_ones_stay(spring: House) -> None:
    provisional = await spring.edition()
    await spring.close()
    numbered = await spring.edition()
    spring.maker._clock = lambda: LATER + timedelta(days=31)
    await spring.maker.purge()
    with pytest.raises(BookMissing):
        await spring.files(provisional)
    async with spring.database.read() as db:
        assert (await db.get_one(BookEdition, provisional.id)).state is EditionState.GONE
    assert len(await spring.files(numbered)) == len(BookFormat)


async def test_a_text_is_no_formula_in_a_spreadsheet(house: House) -> None:
    async with house.database.write() as db:
        await db.execute(text("UPDATE sub_office SET label = '=1+1' WHERE code = 'POM-ECOLE'"))
    drawer = await house.opens()
    await house.takes(drawer, Means.CASH, top_up(house.pool, 700))
    files = await house.files(await house.edition())
    assert ";'=1+1;" in files[BookFormat.JOURNAL_CSV][1].decode("utf-8-sig")
    sheet = read_workbook(files[BookFormat.XLSX][1])["Journal"]
    assert (sheet.rows[1][5], sheet.formulas) == ("=1+1", [])


async def test_another_office_s_place_has_no_books_here(spring: House) -> None:
    async with spring.database.read() as db:
        with pytest.raises(UnknownBook):
            await scope_of(db, new_id())
        with pytest.raises(UnknownBook):
            await scope_of(db, spring.main.office_id, new_id())


def _cents(written: str) -> int:
    return int(written.replace(",", ""))


def _same(cell: str | float) -> str:
    """A cell as both files can be compared: numbers as hundredths."""
    try:
        return str(round(float(str(cell).replace(",", ".")) * 100))
    except ValueError:
        return str(cell)


def _text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    pages = [document[number].get_textpage().get_text_bounded() for number in range(len(document))]
    return " ".join(pages).replace("\r\n", " ").replace("\u00a0", " ").replace("\u202f", " ")

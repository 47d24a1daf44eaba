"""A month under two tariffs: totals, brackets, families that pay more or less, and files that say the same."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cvq_core.services.rules import PriceUnit, ServiceCode
from cvq_core.spreadsheets import to_csv, to_xlsx
from cvq_core.tariffs.export import sheets
from cvq_core.tariffs.month import month_before
from cvq_core.tariffs.rules import Bracket, Case, Conditions, Facts, Item, QuotientStanding, Range, Residence, Tariff
from cvq_core.tariffs.simulation import Use, simulate

RICH, POOR, FAR = UUID(int=1), UUID(int=2), UUID(int=3)
NUMBERS = {RICH: "F00001", POOR: "=F00002", FAR: "F00003"}


def tariff(*cases: Case) -> Tariff:
    return Tariff(ServiceCode.CANTEEN, "Cantine", "D", (Item("meal", "Repas", PriceUnit.MEAL, cases),))


def of_quotient(euros: int) -> Facts:
    return Facts("meal", residence=Residence.INSIDE, standing=QuotientStanding.CURRENT, quotient_euros=euros)


FLAT = tariff(Case(cents=Fraction(300)))
BRACKETS = tariff(
    Case(
        Conditions(residence=Residence.INSIDE),
        brackets=(Bracket(Range(0, 500), Fraction(100)), Bracket(Range(501), Fraction(400))),
    )
)
USES = (Use(RICH, of_quotient(2000), 10), Use(POOR, of_quotient(300), 5), Use(POOR, of_quotient(400), 5))


def say(sentence: str, /, **facts: Any) -> str:
    return sentence.format_map(facts)


def test_totals_brackets_and_families_are_those_of_the_month() -> None:
    tried = simulate(FLAT, BRACKETS, USES)
    assert (tried.uses, tried.before_cents, tried.after_cents) == (20, 6000, 5000)
    assert [(group.bracket, group.uses, group.after_cents) for group in tried.groups] == [(1, 10, 1000), (2, 10, 4000)]
    assert [(each.account_id, each.difference_cents) for each in tried.dearer] == [(RICH, 1000)]
    assert [(each.account_id, each.difference_cents) for each in tried.cheaper] == [(POOR, -2000)]


def test_what_one_of_them_has_no_price_for_is_left_out_of_both_and_said() -> None:
    far = Use(FAR, Facts("meal", residence=Residence.OUTSIDE), 7)
    tried = simulate(FLAT, BRACKETS, [*USES, far])
    assert (tried.left_out_after, tried.left_out_before, tried.before_cents) == (7, 0, 6000)
    assert simulate(BRACKETS, FLAT, [*USES, far]).left_out_before == 7


def test_without_an_old_tariff_the_new_one_is_counted_alone() -> None:
    tried = simulate(None, BRACKETS, USES)
    assert (tried.has_before, tried.before_cents, tried.after_cents) == (False, 0, 5000)


@given(st.lists(st.tuples(st.sampled_from([RICH, POOR, FAR]), st.integers(0, 3000), st.integers(1, 20)), max_size=30))
def test_brackets_and_families_each_add_up_to_the_totals(drawn: list[tuple[UUID, int, int]]) -> None:
    tried = simulate(FLAT, BRACKETS, [Use(account, of_quotient(euros), times) for account, euros, times in drawn])
    assert sum(group.after_cents for group in tried.groups) == tried.after_cents
    assert sum(group.before_cents for group in tried.groups) == tried.before_cents
    assert sum(family.uses for family in tried.families) == tried.uses == sum(times for _, _, times in drawn)
    assert len(tried.dearer) + len(tried.cheaper) + tried.unchanged == len(tried.families)
    assert simulate(FLAT, FLAT, [Use(*each) for each in [(RICH, of_quotient(1))]]).unchanged == 1


def test_the_csv_opens_in_a_spreadsheet_and_no_text_becomes_a_formula() -> None:
    content = to_csv(sheets(simulate(FLAT, BRACKETS, USES), NUMBERS, say))
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert ["Total aujourd’hui (€)", "60,00"] in rows
    assert ["F00001", "10", "30,00", "40,00", "10,00"] in rows
    assert ["'=F00002", "10", "30,00", "10,00", "-20,00"] in rows


def test_the_workbook_has_a_sheet_for_each_part_and_amounts_that_are_numbers() -> None:
    book = zipfile.ZipFile(io.BytesIO(to_xlsx(sheets(simulate(FLAT, BRACKETS, USES), NUMBERS, say))))
    names = book.read("xl/workbook.xml").decode()
    assert [name in names for name in ("Résumé", "Tranches", "Familles")] == [True] * 3
    families = book.read("xl/worksheets/sheet3.xml").decode()
    assert "<v>40</v>" in families
    assert "<v>-20</v>" in families
    assert "<f>" not in families


def test_last_month_is_the_calendars() -> None:
    assert month_before(date(2026, 3, 3)) == (date(2026, 2, 1), date(2026, 2, 28))
    assert month_before(date(2026, 1, 31)) == (date(2025, 12, 1), date(2025, 12, 31))

"""What stands in the cells of old bases, understood."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.imports import values
from cvq_core.imports.values import Unclear

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("12,50", 1250),
        ("12.5", 1250),
        ("1 234,50 €", 123450),
        ("1.234,50", 123450),
        ("-3", -300),
        ("(12,50)", -1250),
        ("12,50-", -1250),
        ("−0,05", -5),
        ("0", 0),
        ("12.500000", 1250),
    ],
)
def test_amounts_are_read_as_people_and_programs_write_them(text: str, cents: int) -> None:
    assert values.cents(text) == cents


@pytest.mark.parametrize("text", ["", "douze", "1,005", "1e3", "12,5,0", "--", "99999999999", "٣"])
def test_what_is_no_amount_is_never_guessed(text: str) -> None:
    with pytest.raises(Unclear):
        values.cents(text)


@given(st.integers(-(10**9), 10**9))
def test_every_amount_that_we_write_is_read_back(cents: int) -> None:
    sign = "-" if cents < 0 else ""
    assert values.cents(f"{sign}{abs(cents) // 100},{abs(cents) % 100:02d}") == cents


@given(st.text(max_size=20))
def test_no_text_makes_a_cell_fail_otherwise_than_unclear(text: str) -> None:
    for read in (values.cents, values.quotient, values.phone, values.email, values.number_of_card, values.uid_of_card):
        try:
            read(text)
        except Unclear:
            continue


def test_a_year_of_two_digits_is_never_to_come() -> None:
    assert values.birth("010341", ("%d%m%y",), TODAY) == date(1941, 3, 1)
    assert values.birth("010319", ("%d%m%y",), TODAY) == date(2019, 3, 1)


def test_a_date_that_stands_for_unknown_is_none_and_an_impossible_one_is_told() -> None:
    assert values.birth("01/01/1900", ("%d/%m/%Y",), TODAY) is None
    for text in ("01/01/2030", "31/02/2010", "01/01/1800", "hier"):
        with pytest.raises(Unclear):
            values.birth(text, ("%d/%m/%Y",), TODAY)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("MOREAU née DUPONT", ("Dupont", "Moreau")),
        ("MOREAU (DUPONT)", ("Dupont", "Moreau")),
        ("Moreau (née Dupont)", ("Dupont", "Moreau")),
        ("Dupont épouse Moreau", ("Dupont", "Moreau")),
        ("DUPONT EP. MOREAU", ("Dupont", "Moreau")),
        ("Mme LE GOFF", ("Le Goff", None)),
        ("d'arc", ("D’Arc", None)),
        ("DA-SILVA", ("Da-Silva", None)),
        ("René", ("René", None)),
    ],
)
def test_a_name_at_birth_is_told_from_the_one_in_use(text: str, names: tuple[str, str | None]) -> None:
    assert values.family_names(text) == names


def test_a_workbook_that_lost_the_noughts_in_front_is_forgiven() -> None:
    assert values.phone("536491234") == values.phone("05 36 49 12 34") == "05 36 49 12 34"

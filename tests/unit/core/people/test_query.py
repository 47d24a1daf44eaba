"""What a secretary types to find somebody, understood."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.people.query import AGE_YEARS_MAX, WORDS_MAX, parse_query

TODAY = date(2026, 3, 1)
JEANNE = date(1941, 5, 12)


@pytest.mark.parametrize(
    "text",
    [
        "jeanne moreau 12/05/1941",
        "moreau 12 05 1941 jeanne",
        "12/5/41 jeanne moreau",
        "12.05.41 Jeanne Moreau",
        "Jeanne Moreau, née le 12 mai 1941",
        "Jeanne MOREAU né(e) le 12-05-1941",
        "12051941 jeanne moreau",
        "jeanne moreau 120541",
        "1941-05-12 jeanne moreau",
        "19410512 jeanne moreau",
        "jeanne 12 mai 41 moreau",
    ],
)
def test_every_usual_writing_of_a_birth_date_is_understood_in_any_place(text: str) -> None:
    query = parse_query(text, TODAY)
    assert sorted(query.words) == ["jeanne", "moreau"]
    assert query.birth is not None
    assert JEANNE in query.birth.days
    assert query.unread == ""


def test_a_year_of_two_digits_may_be_of_either_century() -> None:
    birth = parse_query("moreau 12/5/19", TODAY).birth
    assert birth is not None
    assert birth.days == (date(1919, 5, 12), date(2019, 5, 12))


def test_nobody_is_born_in_the_future() -> None:
    birth = parse_query("moreau 12/5/26", TODAY).birth
    assert birth is not None
    assert birth.days == (date(1926, 5, 12),)


def test_a_year_alone_is_the_whole_year() -> None:
    birth = parse_query("moreau 1941", TODAY).birth
    assert birth is not None
    assert (birth.first, birth.last) == (date(1941, 1, 1), date(1941, 12, 31))


def test_a_month_and_a_year_are_that_month() -> None:
    birth = parse_query("moreau février 1940", TODAY).birth
    assert birth is not None
    assert (birth.first, birth.last) == (date(1940, 2, 1), date(1940, 2, 29))


def test_a_day_and_a_month_are_that_birthday_in_every_year_somebody_alive_may_have() -> None:
    birth = parse_query("moreau 12/05", TODAY).birth
    assert birth is not None
    assert JEANNE in birth.days
    assert len(birth.days) <= AGE_YEARS_MAX + 1


def test_a_leap_day_exists_in_leap_years_only() -> None:
    birth = parse_query("29/2", TODAY).birth
    assert birth is not None
    assert all(day.year % 4 == 0 for day in birth.days)


def test_a_name_that_is_also_a_month_stays_a_name() -> None:
    query = parse_query("Mars Bruno 1er mars 2019", TODAY)
    assert query.words == ("mars", "bruno")
    assert query.birth is not None
    assert query.birth.days == (date(2019, 3, 1),)


@pytest.mark.parametrize(
    ("text", "unread"), [("moreau 12/0", "12 0"), ("moreau 13/13/41", "13 13 41"), ("moreau 7", "7")]
)
def test_half_a_date_is_no_error_while_one_types_but_is_given_back(text: str, unread: str) -> None:
    query = parse_query(text, TODAY)
    assert query.words == ("moreau",)
    assert query.birth is None
    assert query.unread == unread


def test_a_day_that_no_calendar_has_is_given_back() -> None:
    assert parse_query("moreau 31/02/1941", TODAY).unread == "31 02"


def test_an_initial_narrows_a_name_down_but_finds_nobody_alone() -> None:
    assert parse_query("j moreau", TODAY).words == ("j", "moreau")
    assert parse_query("j", TODAY).words == ()


def test_hyphens_and_accents_are_as_good_as_none() -> None:
    assert parse_query("JEAN-PIERRE Lefèvre", TODAY).words == ("jean", "pierre", "lefevre")


def test_an_endless_query_is_cut() -> None:
    query = parse_query(" ".join(f"mot{letter}" for letter in "abcdefghijklmnop") * 50, TODAY)
    assert len(query.words) <= WORDS_MAX


@given(st.text(max_size=300))
def test_whatever_is_typed_is_understood_somehow(text: str) -> None:
    query = parse_query(text, TODAY)
    assert len(query.words) <= WORDS_MAX
    assert all(word.isascii() and word.isalnum() for word in query.words)


@given(st.from_regex(r"\A[a-z ]{0,8}[0-9]{1,4}[ /.-][0-9a-z]{1,4}[ /.-]?[0-9]{0,4}\Z"))
def test_no_number_however_wrong_breaks_the_search(text: str) -> None:
    birth = parse_query(text, TODAY).birth
    assert birth is None or all(day <= TODAY for day in birth.days)


@given(st.dates(min_value=date(1906, 3, 2), max_value=TODAY))
def test_any_birth_date_is_found_in_its_french_writing(born: date) -> None:
    birth = parse_query(f"{born:%d/%m/%Y} moreau", TODAY).birth
    assert birth is not None
    assert birth.days == (born,)

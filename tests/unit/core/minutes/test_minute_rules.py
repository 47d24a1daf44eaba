"""Books beside count: rules without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.minutes.rules import (
    BadParties,
    BookLine,
    Books,
    DifferenceUnexplained,
    NotCounted,
    Seen,
    Unit,
    check_explained,
    check_parties,
    compare,
    minute_number,
)
from cvq_core.offices.rules import DENOMINATIONS_CENTS, BadCount

SAFE = BookLine("safe", "Espèces au coffre", Unit.CASH, 50_00)
CHEQUES = BookLine("cheques", "Chèques", Unit.CENTS, 12_50)
CARDS = BookLine("value:1:", "Carte vierge", Unit.THINGS, 50)
BOOKS = Books((SAFE, CHEQUES, CARDS), (), 7)


@given(
    pieces=st.dictionaries(st.sampled_from(DENOMINATIONS_CENTS), st.integers(0, 20)),
    cheques=st.integers(0, 100_00),
    cards=st.integers(0, 99),
)
def test_each_difference_is_what_was_counted_less_the_books_and_is_explained(
    pieces: dict[int, int], cheques: int, cards: int
) -> None:
    seen = {"safe": Seen(0, pieces), "cheques": Seen(cheques), "value:1:": Seen(cards)}
    compared = compare(BOOKS, seen)
    assert [each.difference for each in compared] == [
        sum(cents * number for cents, number in pieces.items()) - 50_00,
        cheques - 12_50,
        cards - 50,
    ]
    explained = {each.line.code: "Compté deux fois" for each in compared if each.difference}
    check_explained(compared, explained)
    for code in explained:
        with pytest.raises(DifferenceUnexplained):
            check_explained(compared, explained | {code: " "})


@pytest.mark.parametrize(
    "changes",
    [
        {"cheques": None},
        {"safe": Seen(50_00)},
        {"cheques": Seen(-1)},
        {"cheques": Seen(1, {})},
        {"value:1:": Seen(True)},
    ],
)
def test_what_is_not_counted_is_said(changes: dict[str, Seen | None]) -> None:
    seen = {"safe": Seen(0, {5000: 1}), "cheques": Seen(12_50), "value:1:": Seen(50)} | changes
    with pytest.raises(NotCounted):
        compare(BOOKS, {code: each for code, each in seen.items() if each is not None})


def test_notes_that_there_are_not_are_refused() -> None:
    with pytest.raises(BadCount):
        compare(BOOKS, {"safe": Seen(0, {3000: 1}), "cheques": Seen(0), "value:1:": Seen(0)})


def test_the_digest_moves_with_any_amount_and_with_a_receipt_that_leaves_them_alone() -> None:
    other = BookLine("cheques", "Chèques", Unit.CENTS, 12_51)
    assert Books((SAFE, other, CARDS), (), 7).digest != BOOKS.digest
    assert Books(BOOKS.lines, (), 8).digest != BOOKS.digest
    assert Books(BOOKS.lines, (("Dernier bordereau", "CVQ-V-000001"),), 7).digest == BOOKS.digest


def test_a_minute_has_two_parties() -> None:
    check_parties("Odile Brémaud", "Alix Petit")
    for one, other in (("", "Alix"), ("Odile", " "), ("Odile", "odile ")):
        with pytest.raises(BadParties):
            check_parties(one, other)
    assert minute_number("CVQ", 3) == "CVQ-PV-000003"

"""What a deposit may be, and as whom somebody comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.waste.rules import (
    LINES_MAX,
    LITRES_MAX,
    BadDeposit,
    Category,
    ChooseStanding,
    Load,
    NotAdmitted,
    Standing,
    UnknownCategory,
    Visits,
    charged,
    check_loads,
    is_charged,
    standing_of,
    volume_words,
)

KNOWN = [f"c{number}" for number in range(20)]


@pytest.mark.parametrize(
    "loads",
    [
        [],
        [Load("c1", 50), Load("c1", 100)],
        [Load("c1", 0)],
        [Load("c1", -50)],
        [Load("c1", 75)],
        [Load("c1", LITRES_MAX + 50)],
        [Load(f"c{number}", 50) for number in range(LINES_MAX + 1)],
    ],
)
def test_a_deposit_that_cannot_be_is_refused(loads: list[Load]) -> None:
    with pytest.raises(BadDeposit):
        check_loads(loads, KNOWN)


def test_a_mixed_load_is_one_deposit_and_what_is_not_taken_is_refused() -> None:
    check_loads([Load("c1", 50), Load("c2", LITRES_MAX)], KNOWN)
    with pytest.raises(UnknownCategory):
        check_loads([Load("c1", 50), Load("amiante", 50)], KNOWN)


def test_who_may_come_as_two_has_to_say_as_whom() -> None:
    both = list(Standing)
    with pytest.raises(ChooseStanding):
        standing_of(both, None)
    assert standing_of(both, Standing.PROFESSIONAL) is Standing.PROFESSIONAL
    assert standing_of([Standing.HOUSEHOLD], None) is Standing.HOUSEHOLD
    for may, asked in (([], None), ([Standing.HOUSEHOLD], Standing.PROFESSIONAL)):
        with pytest.raises(NotAdmitted):
            standing_of(may, asked)


@given(st.sampled_from(Standing), st.none() | st.just("m3"))
def test_only_professionals_are_charged_and_only_for_what_has_a_price(standing: Standing, price: str | None) -> None:
    expected = standing is Standing.PROFESSIONAL and price is not None
    assert is_charged(Category("gravats", "Gravats", price), standing) is expected


def test_what_has_no_price_costs_nothing() -> None:
    known = {code: Category(code, code.capitalize(), None) for code in ("gravats", "cartons")}
    loads = [Load("gravats", 500), Load("cartons", 500)]
    assert [each.amount_cents for each in charged(loads, known, {"gravats": (1125, "why")})] == [1125, 0]


def test_a_visit_beyond_the_quota_is_an_overrun() -> None:
    assert [Visits(made, 2).overrun for made in (1, 2, 3)] == [False, False, True]
    assert not Visits(1000, None).overrun


@pytest.mark.parametrize(("litres", "words"), [(50, "0,05 m³"), (500, "0,5 m³"), (1000, "1 m³"), (1250, "1,25 m³")])
def test_volumes_are_said_in_cubic_metres(litres: int, words: str) -> None:
    assert volume_words(litres) == words

"""A shared child's month, split to the cent: nothing lost, nobody favoured by the order of things."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.invoices.shares import (
    BadMonth,
    Charge,
    NoSharesThen,
    Share,
    check_month,
    fingerprint,
    share_label,
    split_month,
)
from cvq_core.ledger.rules import AmountOutOfBounds
from cvq_core.people.custody import Part

MOTHER, FATHER = UUID(int=1), UUID(int=2)
MONTH = date(2026, 2, 1)
TODAY = date(2026, 3, 3)
SIXTY = (Part(MOTHER, 60), Part(FATHER, 40))
HALVES = (Part(MOTHER, 50), Part(FATHER, 50))

CHARGES = st.lists(
    st.builds(
        Charge,
        day=st.integers(0, 27).map(lambda days: MONTH + timedelta(days=days)),
        label=st.sampled_from(["Matin", "Soir"]),
        quantity=st.integers(1, 3),
        unit_cents=st.integers(1, 999),
    ),
    min_size=1,
    max_size=40,
)


def day(number: int) -> date:
    return MONTH.replace(day=number)


def amounts(shares: list[Share]) -> list[tuple[UUID, int]]:
    return [(share.part.account_id, share.amount_cents) for share in shares]


def test_the_month_is_split_once_and_the_odd_cent_goes_to_the_larger_rest() -> None:
    charges = [Charge(day(number), "Soir", 1, 225) for number in (2, 3, 4)]
    assert amounts(split_month(charges, lambda _: SIXTY)) == [(MOTHER, 405), (FATHER, 270)]
    odd = [Charge(day(2), "Soir", 1, 101)]
    assert amounts(split_month(odd, lambda _: SIXTY)) == [(MOTHER, 61), (FATHER, 40)]


def test_of_equal_rests_the_first_part_bears_the_cent() -> None:
    assert amounts(split_month([Charge(day(2), "Soir", 1, 101)], lambda _: HALVES)) == [(MOTHER, 51), (FATHER, 50)]


def test_where_the_shares_change_in_between_each_stretch_has_its_own() -> None:
    charges = [Charge(day(2), "Soir", 1, 1000), Charge(day(20), "Soir", 1, 1000)]
    found = split_month(charges, lambda on: SIXTY if on < day(15) else HALVES)
    assert amounts(found) == [(MOTHER, 600), (FATHER, 400), (MOTHER, 500), (FATHER, 500)]
    assert [share.total_cents for share in found] == [1000] * 4


def test_a_day_without_shares_is_refused_by_its_date() -> None:
    with pytest.raises(NoSharesThen) as refused:
        split_month([Charge(day(2), "Soir", 1, 225)], lambda _: ())
    assert refused.value.facts["day"] == "2 février 2026"


@given(CHARGES, st.integers(0, 100), st.integers(1, 28))
def test_every_cent_is_borne_and_nobody_bears_a_cent_too_much(charges: list[Charge], percent: int, change: int) -> None:
    before, after = (Part(MOTHER, percent), Part(FATHER, 100 - percent)), HALVES
    found = split_month(charges, lambda on: before if on.day < change else after)
    assert sum(share.amount_cents for share in found) == sum(each.amount_cents for each in charges)
    for share in found:
        assert abs(share.amount_cents - Fraction(share.total_cents * share.part.share_percent, 100)) < 1


@given(CHARGES, st.randoms(use_true_random=False))
def test_the_order_of_the_charges_changes_nothing(charges: list[Charge], random: Random) -> None:
    shuffled = list(charges)
    random.shuffle(shuffled)
    assert split_month(shuffled, lambda _: SIXTY) == split_month(charges, lambda _: SIXTY)
    assert fingerprint(shuffled) == fingerprint(charges)


def test_a_line_tells_the_part_and_the_whole_and_no_account() -> None:
    [mother, _] = split_month([Charge(day(2), "Soir", 2, 225), Charge(day(3), "Matin", 1, 120)], lambda _: SIXTY)
    assert share_label("Périscolaire, février 2026, Emma", mother) == (
        "Périscolaire, février 2026, Emma\u00a0: 60\u00a0% de 5,70\u00a0€"
    )
    assert mother.detail == "2 × Soir à 2,25\u00a0€, 1 × Matin à 1,20\u00a0€"
    [alone] = split_month([Charge(day(2), "Soir", 1, 225)], lambda _: (Part(MOTHER, 100),))
    assert share_label("Emma", alone) == "Emma"


@pytest.mark.parametrize(
    "charges",
    [
        [],
        [Charge(date(2026, 3, 1), "Soir", 1, 225)],
        [Charge(date(2026, 1, 31), "Soir", 1, 225)],
        [Charge(day(2), "Soir", 1, 225)] * 501,
    ],
)
def test_what_is_no_month_of_charges_is_refused(charges: list[Charge]) -> None:
    with pytest.raises(BadMonth):
        check_month(MONTH, charges, TODAY)


def test_a_day_to_come_and_a_month_s_middle_are_refused() -> None:
    with pytest.raises(BadMonth):
        check_month(date(2026, 3, 1), [Charge(date(2026, 3, 4), "Soir", 1, 225)], TODAY)
    with pytest.raises(BadMonth):
        check_month(date(2026, 2, 2), [Charge(day(2), "Soir", 1, 225)], TODAY)


@pytest.mark.parametrize(("quantity", "cents"), [(0, 225), (-1, 225), (1, 0), (1, -5), (1, 10**13)])
def test_an_amount_that_is_none_is_refused(quantity: int, cents: int) -> None:
    with pytest.raises(AmountOutOfBounds):
        check_month(MONTH, [Charge(day(2), "Soir", quantity, cents)], TODAY)

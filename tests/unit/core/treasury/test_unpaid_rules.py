"""What may be claimed of a family, from when, and what is left of what was handed over."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.treasury.unpaid_rules import (
    BadClaimRule,
    ClaimRule,
    Debt,
    DebtKind,
    Family,
    FamilyDebts,
    Gathered,
    by_age,
    check_rule,
    gathered,
    still_handed,
)

DAY = date(2026, 6, 1)
RULE = ClaimRule(15_00, 30, "CGCT D1611-1")
MOREAU = UUID(int=1)


def debt(number: int, cents: int, *, days: int = 60, handed: int = 0, family: UUID = MOREAU) -> Debt:
    since = DAY - timedelta(days=days)
    return Debt(UUID(int=100 + number), family, DebtKind.INVOICE, f"Facture {number}", since, cents, handed)


def of(*debts: Debt, rule: ClaimRule | None = RULE) -> FamilyDebts:
    [found] = gathered({MOREAU: Family(MOREAU, "F00001", "Moreau")}, debts, rule, DAY)
    return found


@pytest.mark.parametrize(
    ("cents", "state", "claimable"),
    [
        ((14_99,), Gathered.BELOW, 0),
        ((15_00,), Gathered.CLAIMABLE, 15_00),
        ((5_00, 9_99), Gathered.BELOW, 0),
        ((5_00, 5_00, 5_00), Gathered.CLAIMABLE, 15_00),
    ],
)
def test_small_debts_are_gathered_until_they_reach_the_threshold(
    cents: tuple[int, ...], state: Gathered, claimable: int
) -> None:
    found = of(*(debt(number, each) for number, each in enumerate(cents)))
    assert (found.state, found.claimable_cents, found.open_cents) == (state, claimable, sum(cents))


def test_a_debt_is_claimed_once_its_days_to_pay_are_over() -> None:
    assert of(debt(1, 20_00, days=31)).state is Gathered.CLAIMABLE
    waiting = of(debt(1, 20_00, days=30))
    assert (waiting.state, waiting.ripe_on) == (Gathered.GRACE, DAY + timedelta(days=1))
    both = of(debt(1, 20_00), debt(2, 30_00, days=5))
    assert (both.claimable_cents, both.open_cents) == (20_00, 50_00)


def test_what_the_comptable_has_is_not_claimed_again() -> None:
    assert of(debt(1, 20_00, handed=20_00)).state is Gathered.HANDED
    more = of(debt(1, 30_00, handed=20_00), debt(2, 4_00))
    assert (more.state, more.open_cents, more.handed_cents) == (Gathered.BELOW, 14_00, 20_00)


def test_without_a_setting_nothing_is_claimed() -> None:
    assert of(debt(1, 900_00), rule=None).claimable_cents == 0


def test_debts_are_counted_by_their_age() -> None:
    ages = [debt(number, 100, days=days) for number, days in enumerate((1, 30, 31, 90, 91, 365, 366))]
    assert by_age(ages, DAY) == [200, 100, 100, 200, 100]


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([(2000, 2000)], [2000]),
        ([(2000, 5000)], [2000]),
        ([(2000, 1500)], [1500]),
        ([(2000, 0)], [0]),
        ([(2000, -300)], [0]),
        ([(2000, 2000), (1000, 3000)], [2000, 1000]),
        ([(2000, 2000), (1000, 2500)], [2000, 500]),
        ([(2000, 2000), (1000, 1500)], [1500, 0]),
        # What came back afterwards is a new debt, not the one that was handed over.
        ([(2000, 0), (1000, 1000)], [0, 1000]),
    ],
)
def test_what_is_paid_counts_against_the_newest_part_first(steps: list[tuple[int, int]], left: list[int]) -> None:
    assert still_handed(steps) == left


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(-500, 9000)), max_size=8))
def test_never_is_more_with_the_comptable_than_was_handed_over_or_than_is_owed(steps: list[tuple[int, int]]) -> None:
    left = still_handed(steps)
    assert all(0 <= cents <= amount for cents, (amount, _) in zip(left, steps, strict=True))
    if steps:
        assert sum(left) <= max(0, steps[-1][1])


@pytest.mark.parametrize(
    ("rule", "valid_from"),
    [
        (ClaimRule(0, 30, "x"), DAY),
        (ClaimRule(1_000_01, 30, "x"), DAY),
        (ClaimRule(15_00, -1, "x"), DAY),
        (ClaimRule(15_00, 366, "x"), DAY),
        (ClaimRule(15_00, 30, "  "), DAY),
        (ClaimRule(15_00, 30, "x"), DAY - timedelta(days=1)),
    ],
)
def test_a_setting_that_is_none_is_refused(rule: ClaimRule, valid_from: date) -> None:
    with pytest.raises(BadClaimRule):
        check_rule(rule, valid_from, DAY)
    check_rule(RULE, DAY, DAY)

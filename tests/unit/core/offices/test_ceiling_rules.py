"""What an office may hold, and when it is to remit, without a database."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.offices.ceiling_rules import (
    REMIT_REASON_WORDS,
    CeilingPart,
    CeilingReached,
    RemitReason,
    Standing,
    check_ceiling,
    is_counted,
    is_far,
    remit_reason,
)
from cvq_core.offices.rules import Means

DAY = date(2026, 3, 3)
MAX = 300_00


def standing(held: int, *, ceiling: int = 1000_00, refuses: bool = True) -> Standing:
    return Standing("Mairie de Pompaire", held, ceiling, refuses)


@pytest.mark.parametrize(
    ("held", "warned", "reached"),
    [(799_99, False, False), (800_00, True, False), (999_99, True, False), (1000_00, True, True)],
)
def test_one_is_warned_from_eighty_per_cent_on(held: int, warned: bool, reached: bool) -> None:
    assert (standing(held).warned, standing(held).reached) == (warned, reached)


def test_a_ceiling_refuses_above_and_only_by_setting() -> None:
    check_ceiling(standing(900_00), 100_00)
    check_ceiling(standing(900_00, refuses=False), 100_01)
    with pytest.raises(CeilingReached, match="Mairie de Pompaire aurait 1\u202f000,01"):
        check_ceiling(standing(900_00), 100_01)


def test_cash_is_always_counted_and_the_rest_by_the_act() -> None:
    nothing, everything = frozenset[CeilingPart](), frozenset(CeilingPart)
    assert [means for means in Means if is_counted(means, nothing)] == [Means.CASH]
    assert [means for means in Means if is_counted(means, everything)] == [
        Means.CASH,
        Means.CHEQUE,
        Means.CESU,
        Means.ANCV,
    ]


@given(
    st.integers(1, 6).flatmap(
        lambda drawers: st.tuples(
            st.just(drawers),
            st.lists(st.tuples(st.integers(0, drawers - 1), st.integers(1, MAX), st.booleans()), max_size=60),
        )
    )
)
def test_whatever_is_under_way_payments_that_found_the_ceiling_far_never_pass_it(
    histories: tuple[int, list[tuple[int, int, bool]]],
) -> None:
    """Each drawer has one payment under way at most; a payment sees only what was committed when it looked."""
    drawers, steps = histories
    ceiling, committed = 2000_00, 0
    under_way: dict[int, int] = {}
    for drawer, cents, commits in steps:
        if commits:
            committed += under_way.pop(drawer, 0)
        elif drawer not in under_way and is_far(
            standing(committed, ceiling=ceiling), cents, open_drawers=drawers, payment_max_cents=MAX
        ):
            under_way[drawer] = cents
        assert committed + sum(under_way.values()) <= ceiling


def test_a_payment_larger_than_the_largest_in_cash_is_never_far() -> None:
    assert is_far(standing(0), MAX, open_drawers=1, payment_max_cents=MAX)
    assert not is_far(standing(0), MAX + 1, open_drawers=1, payment_max_cents=MAX)


@pytest.mark.parametrize(
    ("held", "since", "reason"),
    [
        (0, DAY - timedelta(days=400), None),
        (1, DAY - timedelta(days=29), None),
        (1, DAY - timedelta(days=30), RemitReason.PERIOD),
        (800_00, DAY, RemitReason.NEARLY),
        (800_00, DAY - timedelta(days=31), RemitReason.PERIOD),
        (1000_00, DAY, RemitReason.CEILING),
    ],
)
def test_one_remits_at_least_monthly_and_when_the_ceiling_is_reached(
    held: int, since: date, reason: RemitReason | None
) -> None:
    found = remit_reason(standing(held), holds_something=held > 0, since=since, today=DAY, every_days=30)
    assert found is reason


def test_without_a_ceiling_one_still_remits_monthly() -> None:
    since = DAY - timedelta(days=30)
    assert remit_reason(None, holds_something=True, since=since, today=DAY, every_days=30) is RemitReason.PERIOD
    assert remit_reason(None, holds_something=False, since=since, today=DAY, every_days=30) is None


def test_every_reason_has_its_words() -> None:
    assert set(REMIT_REASON_WORDS) == set(RemitReason)

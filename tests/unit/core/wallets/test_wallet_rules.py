"""When money moves by itself between a family's wallets, and when the family is told that one is low."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.ledger.rules import AmountOutOfBounds
from cvq_core.wallets.rules import (
    SETTING_CENTS_MAX,
    BadTopUpSetting,
    NotEnoughToMove,
    Notice,
    SameWallet,
    TopUpInACircle,
    TopUpSetting,
    check_circle,
    check_move,
    check_top_up,
    first_of_month,
    notice_due,
    top_up_due,
)

TEN_BELOW_FIVE = TopUpSetting(threshold_cents=500, amount_cents=1000, month_max_cents=3000)
SETTINGS = st.builds(
    TopUpSetting,
    threshold_cents=st.integers(0, SETTING_CENTS_MAX),
    amount_cents=st.integers(1, 10_000),
    month_max_cents=st.integers(10_000, SETTING_CENTS_MAX),
)
CENTS = st.integers(-50_000, 200_000)


@pytest.mark.parametrize(
    ("balance", "source", "this_month", "due"),
    [
        (500, 9000, 0, 0),  # at the threshold is not below it
        (499, 9000, 0, 1000),
        (-2000, 9000, 0, 1000),
        (0, 700, 0, 700),  # what the source holds
        (0, 0, 0, 0),
        (0, -300, 0, 0),  # what a family owes is not there to be moved
        (0, 9000, 2400, 600),  # what is left of the month's ceiling
        (0, 9000, 3000, 0),
        (0, 9000, 4000, 0),  # the ceiling was higher before
    ],
)
def test_an_automatic_top_up_is_what_the_family_chose_and_the_source_and_the_month_allow(
    balance: int, source: int, this_month: int, due: int
) -> None:
    found = top_up_due(TEN_BELOW_FIVE, balance_cents=balance, source_cents=source, this_month_cents=this_month)
    assert found == due


@given(SETTINGS, CENTS, CENTS, st.integers(0, 200_000))
def test_a_top_up_never_overdraws_the_source_nor_passes_the_ceiling(
    setting: TopUpSetting, balance: int, source: int, this_month: int
) -> None:
    due = top_up_due(setting, balance_cents=balance, source_cents=source, this_month_cents=this_month)
    assert 0 <= due <= setting.amount_cents
    if due:
        assert balance < setting.threshold_cents
        assert due <= source
        assert this_month + due <= setting.month_max_cents


@given(SETTINGS, CENTS, st.integers(0, 200_000))
def test_looking_again_and_again_comes_to_an_end_within_the_month(
    setting: TopUpSetting, balance: int, source: int
) -> None:
    moved = 0
    for _ in range(SETTING_CENTS_MAX + 2):
        due = top_up_due(setting, balance_cents=balance + moved, source_cents=source - moved, this_month_cents=moved)
        if due == 0:
            break
        moved += due
    assert moved <= setting.month_max_cents
    assert balance + moved >= setting.threshold_cents or moved in (setting.month_max_cents, source)


@pytest.mark.parametrize(
    "setting", [(-1, 10, 10), (0, 0, 10), (0, -5, 10), (0, 11, 10), (100_001, 10, 10), (0, 10, 100_001)]
)
def test_amounts_that_do_not_fit_each_other_are_refused(setting: tuple[int, int, int]) -> None:
    with pytest.raises(BadTopUpSetting):
        check_top_up(TopUpSetting(*setting))


def test_no_wallet_fills_itself_by_way_of_others() -> None:
    pool, canteen, squash = uuid4(), uuid4(), uuid4()
    check_circle(pool, canteen, {})
    check_circle(pool, canteen, {canteen: squash})
    with pytest.raises(SameWallet):
        check_circle(pool, pool, {})
    with pytest.raises(TopUpInACircle):
        check_circle(pool, canteen, {canteen: pool})
    with pytest.raises(TopUpInACircle):
        check_circle(pool, canteen, {canteen: squash, squash: pool})


@given(st.dictionaries(st.integers(0, 5), st.integers(0, 5)))
def test_whatever_was_chosen_before_looking_for_a_circle_ends(sources: dict[int, int]) -> None:
    named = {UUID(int=one): UUID(int=other) for one, other in sources.items()}
    try:
        check_circle(UUID(int=7), UUID(int=0), named)
    except TopUpInACircle:
        pytest.fail("nothing leads to 7")


@pytest.mark.parametrize(
    ("balance", "told", "notice"),
    [
        (1000, False, Notice.NOTHING),
        (999, False, Notice.TELL),
        (999, True, Notice.NOTHING),
        (-500, True, Notice.NOTHING),
        (1000, True, Notice.FORGET),
    ],
)
def test_a_family_is_told_once_until_the_balance_has_come_back(balance: int, told: bool, notice: Notice) -> None:
    assert notice_due(1000, balance_cents=balance, told=told) is notice


@given(st.lists(CENTS, max_size=30), st.integers(-1000, 100_000))
def test_there_are_as_many_notices_as_crossings(balances: list[int], threshold: int) -> None:
    told, notices, crossings, was_low = False, 0, 0, False
    for balance in balances:
        crossings += balance < threshold and not was_low
        was_low = balance < threshold
        due = notice_due(threshold, balance_cents=balance, told=told)
        notices += due is Notice.TELL
        told = due is Notice.TELL or (told and due is not Notice.FORGET)
    assert notices == crossings


def test_only_what_is_there_is_moved() -> None:
    check_move(1000, 1000)
    with pytest.raises(NotEnoughToMove) as refused:
        check_move(1001, 1000)
    assert "10,00" in str(refused.value)
    with pytest.raises(NotEnoughToMove):
        check_move(1, -1000)
    for cents in (0, -1):
        with pytest.raises(AmountOutOfBounds):
            check_move(cents, 1000)


def test_a_ceiling_begins_anew_on_the_first_of_the_month() -> None:
    assert first_of_month(date(2026, 3, 31)) == date(2026, 3, 1)

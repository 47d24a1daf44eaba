"""Double entry, floors and fingerprints, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.ids import new_id
from cvq_core.ledger.rules import (
    AMOUNT_CENTS_MAX,
    POSTINGS_MAX,
    AccountKind,
    AmountOutOfBounds,
    InsufficientFunds,
    NewPosting,
    UnbalancedTransaction,
    WalletLevel,
    check_transaction,
    fingerprint,
    floor_for,
    moved,
    natural_balance,
    opposite,
    running_balances,
)
from tests.core_examples import NOW, transaction

A, B = UUID(int=1), UUID(int=2)
CENTS = st.integers(-1000, 1000)


@pytest.mark.parametrize("legs", [(), ((A, 100),), ((A, 100), (B, -99)), ((A, 100), (B, 100))])
def test_what_does_not_add_up_to_zero_is_refused(legs: tuple[tuple[UUID, int], ...]) -> None:
    with pytest.raises(UnbalancedTransaction):
        check_transaction(transaction(*legs))


@pytest.mark.parametrize(
    "cents", [0, 1.5, "100", True, None, AMOUNT_CENTS_MAX + 1, -AMOUNT_CENTS_MAX - 1, float("nan")]
)
def test_what_is_no_amount_is_refused(cents: object) -> None:
    with pytest.raises(AmountOutOfBounds):
        check_transaction(transaction((A, cents), (B, cents)))  # type: ignore[arg-type]  # hostile on purpose


def test_a_transaction_has_a_bound_on_its_postings() -> None:
    pairs = [(A, 1), (B, -1)] * (POSTINGS_MAX // 2)
    check_transaction(transaction(*pairs))
    with pytest.raises(UnbalancedTransaction):
        check_transaction(transaction(*pairs, (A, 1), (B, -1)))


def test_a_repeated_request_has_the_same_fingerprint_at_another_hour() -> None:
    asked = transaction((A, 100), (B, -100))
    assert fingerprint(asked) == fingerprint(replace(asked, occurred_at=NOW + timedelta(hours=1)))


@pytest.mark.parametrize(
    "change",
    [
        {"label": "Autre chose"},
        {"actor_id": new_id()},
        {"actor_kind": "staff"},
        {"reference": "Q-1"},
        {"reverses_id": new_id()},
        {"visit_id": new_id()},
        {"postings": (NewPosting(A, 101), NewPosting(B, -101))},
        {"postings": (NewPosting(B, 100), NewPosting(A, -100))},
    ],
)
def test_any_other_content_has_another_fingerprint(change: dict[str, object]) -> None:
    asked = transaction((A, 100), (B, -100))
    assert fingerprint(asked) != fingerprint(replace(asked, **change))  # type: ignore[arg-type]  # one field at a time


def test_people_say_what_a_drawer_holds_as_a_plus() -> None:
    assert natural_balance(AccountKind.DRAWER, -1500) == 1500
    assert natural_balance(AccountKind.WALLET, 1500) == 1500


def test_a_wallet_twice_in_one_transaction_notes_both_balances() -> None:
    postings = [NewPosting(A, -100), NewPosting(B, 300), NewPosting(A, -200)]
    assert running_balances(postings, {A: 1000}) == [900, None, 700]


@given(st.lists(st.tuples(st.sampled_from([A, B]), CENTS), max_size=10))
def test_a_transaction_and_its_opposite_leave_nothing_behind(legs: list[tuple[UUID, int]]) -> None:
    postings = [NewPosting(account_id, cents) for account_id, cents in legs]
    both = [*postings, *opposite(postings)]
    assert all(sum(each.amount_cents for each in both if each.account_id == account) == 0 for account in (A, B))


def test_a_wallet_may_be_emptied_to_the_last_cent_and_no_further() -> None:
    assert moved(WalletLevel(300, 0), -300) == WalletLevel(0, 0)
    with pytest.raises(InsufficientFunds) as refused:
        moved(WalletLevel(300, 0), -301)
    assert refused.value.facts["missing_cents"] == 1


def test_a_wallet_without_a_floor_goes_as_low_as_it_gets() -> None:
    assert moved(WalletLevel(0, None), -470) == WalletLevel(-470, None)


def test_an_old_debt_under_a_service_that_now_refuses_can_only_shrink() -> None:
    wallet = WalletLevel(-470, floor_for(may_owe=False, balance_cents=-470))
    with pytest.raises(InsufficientFunds):
        moved(wallet, -1)
    half_paid = moved(wallet, 300)
    assert half_paid == WalletLevel(-170, -170)
    paid = moved(half_paid, 1000)
    assert paid == WalletLevel(830, 0)
    with pytest.raises(InsufficientFunds):
        moved(paid, -831)


@given(balance=st.integers(-1000, 1000), may_owe=st.booleans(), changes=st.lists(CENTS, max_size=20))
def test_no_sequence_of_changes_takes_a_wallet_below_its_floor(balance: int, may_owe: bool, changes: list[int]) -> None:
    wallet = WalletLevel(balance, floor_for(may_owe, balance))
    for change in changes:
        try:
            after = moved(wallet, change)
        except InsufficientFunds:
            continue
        assert after.balance_cents == wallet.balance_cents + change
        assert after.floor_cents is None or after.balance_cents >= after.floor_cents
        assert after.floor_cents is None or after.floor_cents <= 0
        wallet = after

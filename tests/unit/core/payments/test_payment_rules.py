"""Whatever PayFiP answers, however often and in whatever order: one state, and every cent somewhere."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.ids import new_id
from cvq_core.payments.rules import (
    ASKED_UNTIL,
    PAGE_LIFE,
    UNKNOWN_AFTER,
    AmountNotOnline,
    AttemptFacts,
    AttemptState,
    CartState,
    PayerEmailMissing,
    Said,
    Share,
    Trouble,
    after,
    after_time,
    allocate,
    ask_again_in,
    cart_state,
    check_amount,
    check_email,
    is_idop,
    is_refdet,
    outstanding,
    refdet_of,
)
from tests.core_examples import NOW

answers = st.lists(st.sampled_from(Said), max_size=8)
IN_A_WEEK = NOW + timedelta(days=7)


def told(said: list[Said]) -> AttemptState:
    state = AttemptState.OPEN
    for answer in said:
        state = after(state, answer)
    return state


@given(answers, st.randoms())
def test_answers_in_any_order_and_doubled_make_one_state(said: list[Said], chance: Random) -> None:
    shuffled = [*said, *said]
    chance.shuffle(shuffled)
    assert told(shuffled) is told(said)


@given(answers)
def test_what_was_paid_once_stays_paid(said: list[Said]) -> None:
    assert (told(said) is AttemptState.PAID) == (Said.PAID in said)


def test_an_attempt_is_unknown_after_two_hours_and_not_before() -> None:
    for state in AttemptState:
        early = after_time(state, NOW, NOW + UNKNOWN_AFTER - timedelta(seconds=1))
        assert early is (AttemptState.EXPIRED if state is AttemptState.OPEN else state)
    assert after_time(AttemptState.SENT, NOW, NOW + UNKNOWN_AFTER) is AttemptState.UNKNOWN
    assert after(AttemptState.UNKNOWN, Said.NOT_YET) is AttemptState.UNKNOWN
    assert after(AttemptState.UNKNOWN, Said.FORGOTTEN) is AttemptState.EXPIRED


def test_an_attempt_that_nobody_was_given_the_address_of_expires_with_its_page() -> None:
    assert after_time(AttemptState.OPEN, NOW, NOW + PAGE_LIFE) is AttemptState.OPEN
    assert after_time(AttemptState.OPEN, NOW, NOW + PAGE_LIFE + timedelta(seconds=1)) is AttemptState.EXPIRED


@given(st.sampled_from(AttemptState), st.integers(0, 60 * 60 * 60))
def test_asking_comes_to_an_end_and_never_too_often(state: AttemptState, age_s: int) -> None:
    wait = ask_again_in(state, timedelta(seconds=age_s))
    assert (wait is None) == (state is AttemptState.PAID or timedelta(seconds=age_s) >= ASKED_UNTIL)
    assert wait is None or timedelta(seconds=10) <= wait <= timedelta(hours=6)


def test_a_refused_payment_may_still_be_tried_again_on_the_same_page_and_is_asked_about() -> None:
    assert ask_again_in(AttemptState.REFUSED, timedelta(minutes=5)) == timedelta(seconds=30)
    assert ask_again_in(AttemptState.CANCELLED, timedelta(minutes=31)) == timedelta(hours=1)
    assert ask_again_in(AttemptState.SENT, timedelta(minutes=31)) == timedelta(minutes=5)


def test_a_cart_stands_where_its_attempts_left_it() -> None:
    sent, unknown, refused, paid = (
        AttemptFacts(state, NOW)
        for state in (AttemptState.SENT, AttemptState.UNKNOWN, AttemptState.REFUSED, AttemptState.PAID)
    )

    def stands(*attempts: AttemptFacts, settled: bool = False, minutes: int = 1) -> CartState:
        return cart_state(attempts, IN_A_WEEK, NOW + timedelta(minutes=minutes), settled=settled)

    assert stands() is CartState.OPEN
    assert stands(sent) is CartState.SENT
    assert stands(sent, minutes=15) is CartState.OPEN
    assert stands(refused) is CartState.REFUSED
    assert stands(refused, sent) is CartState.SENT
    assert stands(unknown, sent) is CartState.UNKNOWN
    assert stands(paid) is CartState.UNKNOWN, "paid in another amount: somebody decides"
    assert stands(refused, paid, settled=True) is CartState.PAID
    assert stands(refused, minutes=8 * 24 * 60) is CartState.EXPIRED


shares = st.lists(st.builds(Share, st.uuids(), st.integers(1, 10_000), st.booleans()), min_size=1, max_size=6)


@given(shares, st.data(), st.booleans())
def test_every_cent_of_a_payment_goes_somewhere_and_no_invoice_gets_more_than_is_due(
    asked: list[Share], data: st.DataObject, settled: bool
) -> None:
    due = {each.account_id: data.draw(st.integers(0, each.amount_cents + 50)) for each in asked if each.is_due}
    total = sum(each.amount_cents for each in asked)
    received = data.draw(st.one_of(st.just(total), st.integers(1, 100_000)))
    found = allocate(asked, due, received, settled=settled)
    assert sum(cents for _, cents in found.credits) + found.waiting_cents == received
    assert found.waiting_cents >= 0
    assert all(cents > 0 for _, cents in found.credits)
    assert all(cents <= due[account] for account, cents in found.credits if account in due)
    assert (found.trouble is not None) == (found.waiting_cents > 0), "what waits is listed"
    if settled or received != total:
        assert not found.credits


def test_the_reason_for_waiting_is_told() -> None:
    invoice, wallet = Share(new_id(), 700, True), Share(new_id(), 300, False)
    assert allocate([invoice, wallet], {invoice.account_id: 700}, 1000, settled=False).trouble is None
    paid_elsewhere = allocate([invoice, wallet], {invoice.account_id: 200}, 1000, settled=False)
    assert paid_elsewhere.credits == ((invoice.account_id, 200), (wallet.account_id, 300))
    assert (paid_elsewhere.waiting_cents, paid_elsewhere.trouble) == (500, Trouble.PAID_ELSEWHERE)
    assert allocate([wallet], {}, 299, settled=False).trouble is Trouble.OTHER_AMOUNT
    assert allocate([wallet], {}, 300, settled=True).trouble is Trouble.PAID_TWICE


def test_what_was_paid_elsewhere_leaves_the_cart_and_the_rest_remains() -> None:
    settled, open_one, wallet = Share(new_id(), 700, True), Share(new_id(), 500, True), Share(new_id(), 300, False)
    rest = outstanding([settled, open_one, wallet], {settled.account_id: 0, open_one.account_id: 120})
    assert [each.amount_cents for each in rest] == [120, 300]


def test_payfip_takes_from_one_euro_to_a_hundred_thousand() -> None:
    check_amount(100)
    check_amount(10_000_000)
    for cents in (0, 99, 10_000_001):
        with pytest.raises(AmountNotOnline):
            check_amount(cents)


@pytest.mark.parametrize(
    "address", ["", "a@b", "jeanne", "jeanne@", "@aulnay.fr", "é@aulnay.fr", "a b@c.fr", "x" * 80 + "@a.fr"]
)
def test_what_is_no_address_is_refused_before_payfip_does(address: str) -> None:
    with pytest.raises(PayerEmailMissing):
        check_email(address)


def test_an_address_is_given_without_what_stood_around_it() -> None:
    assert check_email(" jeanne@aulnay.fr ") == "jeanne@aulnay.fr"


@given(st.uuids(), st.uuids())
def test_a_reference_is_the_attempt_itself(one: UUID, other: UUID) -> None:
    assert is_refdet(refdet_of(one))
    assert len(refdet_of(one)) == 29
    assert (refdet_of(one) == refdet_of(other)) == (one == other)


def test_what_cannot_be_an_identifier_is_not_looked_up() -> None:
    assert is_idop("c2aac5b8-9890-4ffa-b5af-65275c015309")
    for text in ("", "x", "a" * 65, "'; DROP TABLE cart; --", "abc\ndefgh", "abcdefgh\n"):
        assert not is_idop(text)

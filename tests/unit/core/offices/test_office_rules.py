"""What a régie may collect and how, change, counts and appointments, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.ledger.rules import AmountOutOfBounds
from cvq_core.offices.rules import (
    COUNT_MAX,
    DENOMINATIONS_CENTS,
    MANDATE_TITLE_WORDS,
    MEANS_WORDS,
    TOP_UPS_MAX,
    Act,
    AmountAboveLimit,
    Appointment,
    BadCount,
    CashPaymentTooLarge,
    Due,
    FloatOutOfBounds,
    MandateTitle,
    Means,
    MeansNotInAct,
    NothingToCollect,
    NotInAct,
    NotMandatary,
    TenderedDiffers,
    TenderedTooLittle,
    TopUp,
    appointed,
    check_collection,
    check_float,
    counted_total,
    receipt_number,
)
from cvq_core.services.rules import ServiceCode

POOL, CANTEEN, SQUASH = UUID(int=1), UUID(int=2), UUID(int=3)
SERVICES = {POOL: ServiceCode.POOL, CANTEEN: ServiceCode.CANTEEN, SQUASH: ServiceCode.SQUASH}
ACT = Act(
    services=frozenset({ServiceCode.POOL, ServiceCode.CANTEEN}),
    means=frozenset({Means.CASH, Means.CHEQUE}),
    cash_payment_max_cents=300_00,
    top_up_max_cents=500_00,
)


def check(top_ups: Sequence[tuple[UUID, int]], means: Means = Means.CASH, tendered: int = 0) -> Due:
    return check_collection(ACT, [TopUp(*each) for each in top_ups], SERVICES, means, tendered)


def test_the_change_is_what_was_given_less_the_total() -> None:
    assert check([(POOL, 1500), (CANTEEN, 1000)], tendered=5000) == Due(2500, 5000, 2500)


def test_a_service_that_the_act_does_not_enumerate_is_refused_by_its_name() -> None:
    with pytest.raises(NotInAct, match="Squash"):
        check([(POOL, 1000), (SQUASH, 1000)], tendered=2000)


def test_a_means_that_the_act_does_not_enumerate_is_refused_by_its_name() -> None:
    with pytest.raises(MeansNotInAct, match="carte bancaire"):
        check([(POOL, 1000)], Means.CARD, 1000)


@pytest.mark.parametrize("cents", [0, -1, -1000, 10.5, "1000", True, None])
def test_only_whole_cents_above_zero_are_an_amount(cents: object) -> None:
    with pytest.raises(AmountOutOfBounds):
        check([(POOL, cents)], tendered=1000)  # type: ignore[list-item]  # hostile on purpose


def test_one_top_up_has_a_limit() -> None:
    assert check([(POOL, 500_00)], Means.CHEQUE, 500_00).total_cents == 500_00
    with pytest.raises(AmountAboveLimit, match="500,00"):
        check([(POOL, 500_01)], Means.CHEQUE, 500_01)


def test_cash_has_a_limit_for_the_whole_payment() -> None:
    assert check([(POOL, 200_00), (CANTEEN, 100_00)], tendered=300_00).change_cents == 0
    with pytest.raises(CashPaymentTooLarge, match="300,00"):
        check([(POOL, 200_00), (CANTEEN, 100_01)], tendered=400_00)


def test_too_little_given_is_refused_with_what_is_missing() -> None:
    with pytest.raises(TenderedTooLittle, match="0,01"):
        check([(POOL, 1000)], tendered=999)


@pytest.mark.parametrize(("means", "tendered"), [(Means.CHEQUE, 1001), (Means.CASH, 1000 + 500_00)])
def test_a_cheque_pays_the_exact_total_and_cash_no_whole_note_too_much(means: Means, tendered: int) -> None:
    with pytest.raises(TenderedDiffers):
        check([(POOL, 1000)], means, tendered)


@pytest.mark.parametrize("wallets", [[], [POOL, POOL], [UUID(int=n) for n in range(TOP_UPS_MAX + 1)]])
def test_a_collection_names_some_wallets_each_once(wallets: list[UUID]) -> None:
    with pytest.raises(NothingToCollect):
        check([(wallet, 100) for wallet in wallets], tendered=100)


def test_a_count_adds_up_its_notes_and_coins() -> None:
    assert counted_total({2000: 2, 200: 3, 1: 4}) == 4604
    assert counted_total({}) == 0


@pytest.mark.parametrize("counted", [{3: 1}, {0: 1}, {100: -1}, {100: COUNT_MAX + 1}, {100: 1.5}, {"100": 1}])
def test_a_count_of_what_does_not_exist_is_refused(counted: dict[int, int]) -> None:
    with pytest.raises(BadCount):
        counted_total(counted)


@given(st.dictionaries(st.sampled_from(DENOMINATIONS_CENTS), st.integers(0, COUNT_MAX)))
def test_every_possible_count_has_its_total(counted: dict[int, int]) -> None:
    assert counted_total(counted) == sum(cents for cents, number in counted.items() for _ in range(number))


@pytest.mark.parametrize("cents", [-1, 5001, 10.0, None])
def test_a_float_is_at_most_what_the_place_was_given(cents: object) -> None:
    check_float(5000, 5000)
    with pytest.raises(FloatOutOfBounds, match="50,00"):
        check_float(cents, 5000)  # type: ignore[arg-type]  # hostile on purpose


def test_an_appointment_holds_from_its_first_to_its_last_day() -> None:
    appointment = Appointment(MandateTitle.MANDATARY, date(2026, 1, 1), date(2026, 1, 31))
    assert appointed([appointment], date(2026, 1, 1)) is appointment
    assert appointed([appointment], date(2026, 1, 31)) is appointment
    for day in (date(2025, 12, 31), date(2026, 2, 1)):
        with pytest.raises(NotMandatary):
            appointed([appointment], day)
    with pytest.raises(NotMandatary):
        appointed([], date(2026, 1, 1))


def test_a_receipt_number_sorts_and_reads_well() -> None:
    assert receipt_number("POM", 42) == "POM-000042"
    assert receipt_number("POM", 1234567) == "POM-1234567"


def test_every_means_and_title_has_its_words() -> None:
    assert set(MEANS_WORDS) == set(Means)
    assert set(MANDATE_TITLE_WORDS) == set(MandateTitle)

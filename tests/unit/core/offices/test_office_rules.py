"""What a régie may collect and how, change, counts and appointments, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.ledger.rules import MoreThanDue
from cvq_core.offices.rules import (
    COUNT_MAX,
    DENOMINATIONS_CENTS,
    MANDATE_TITLE_WORDS,
    MEANS_WORDS,
    NO_DETAILS,
    VOUCHER_FACE_CENTS_MAX,
    Act,
    AmountAboveLimit,
    Appointment,
    BadCount,
    BadMeansDetails,
    CashPaymentTooLarge,
    Cheque,
    Due,
    FloatNotInSafe,
    FloatOutOfBounds,
    MandateTitle,
    Means,
    MeansDetails,
    MeansNotAtCounter,
    MeansNotInAct,
    NotInAct,
    NotMandatary,
    TenderedDiffers,
    TenderedTooLittle,
    VoucherCount,
    VoucherNotForService,
    VouchersGiveNoChange,
    appointed,
    check_collection,
    check_float,
    check_safe,
    counted_total,
    receipt_number,
)
from cvq_core.payables.rules import Payable, PayableKind, PayableLine
from cvq_core.services.rules import ServiceCode

POOL, CANTEEN, SQUASH = UUID(int=1), UUID(int=2), UUID(int=3)
SERVICES = {POOL: ServiceCode.POOL, CANTEEN: ServiceCode.CANTEEN, SQUASH: ServiceCode.SQUASH}
ACT = Act(
    services=frozenset({ServiceCode.POOL, ServiceCode.CANTEEN, ServiceCode.CRECHE}),
    means=frozenset({Means.CASH, Means.CHEQUE, Means.ANCV, Means.PAYFIP}),
    cash_payment_max_cents=300_00,
    top_up_max_cents=500_00,
    voucher_services={Means.ANCV: frozenset({ServiceCode.POOL})},
)
CHEQUE = Cheque("0004217", "Crédit agricole", "Jeanne Moreau")


def line(payable: Payable, *services: ServiceCode, due: int | None = None) -> PayableLine:
    only = services[0] if len(services) == 1 else None
    return PayableLine(payable, UUID(int=9), "F00001", "Moreau", "Piscine", only, frozenset(services), due)


def invoice(cents: int, *services: ServiceCode, due: int) -> PayableLine:
    return line(Payable(PayableKind.INVOICE, UUID(int=7), cents), *services, due=due)


def check(
    top_ups: Sequence[tuple[UUID, int]],
    means: Means = Means.CASH,
    tendered: int = 0,
    *invoices: PayableLine,
    details: MeansDetails = NO_DETAILS,
) -> Due:
    lines = [line(Payable(PayableKind.WALLET, *each), SERVICES[each[0]]) for each in top_ups]
    return check_collection(ACT, [*lines, *invoices], means, tendered, details)


def vouchers(*counts: tuple[int, int]) -> MeansDetails:
    return MeansDetails(vouchers=tuple(VoucherCount(*each) for each in counts))


def test_the_change_is_what_was_given_less_the_total() -> None:
    assert check([(POOL, 1500), (CANTEEN, 1000)], tendered=5000) == Due(2500, 5000, 2500)


def test_a_service_that_the_act_does_not_enumerate_is_refused_by_its_name() -> None:
    with pytest.raises(NotInAct, match="Squash"):
        check([(POOL, 1000), (SQUASH, 1000)], tendered=2000)


def test_a_means_that_the_act_does_not_enumerate_is_refused_by_its_name() -> None:
    with pytest.raises(MeansNotInAct, match="carte bancaire"):
        check([(POOL, 1000)], Means.CARD, 1000)


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


def test_wallets_and_invoices_are_paid_together() -> None:
    assert check([(POOL, 1000)], Means.CASH, 5000, invoice(1500, ServiceCode.CANTEEN, due=2000)).change_cents == 2500


def test_the_act_must_enumerate_every_service_that_an_invoice_pays_for() -> None:
    two = invoice(1500, ServiceCode.CANTEEN, ServiceCode.SQUASH, due=1500)
    with pytest.raises(NotInAct, match="Squash"):
        check([], Means.CASH, 1500, two)


def test_no_more_is_taken_than_is_due_and_no_limit_of_top_ups_holds_for_invoices() -> None:
    assert check([], Means.CHEQUE, 900_00, invoice(900_00, ServiceCode.CANTEEN, due=900_00)).total_cents == 900_00
    with pytest.raises(MoreThanDue, match="15,00"):
        check([], Means.CASH, 1501, invoice(1501, ServiceCode.CANTEEN, due=1500))


def test_what_the_bank_brings_by_itself_is_not_taken_at_a_counter() -> None:
    with pytest.raises(MeansNotAtCounter, match="PayFiP"):
        check([(POOL, 1000)], Means.PAYFIP, 1000)
    with pytest.raises(MeansNotInAct, match="prélèvement"):
        check([(POOL, 1000)], Means.DIRECT_DEBIT, 1000)


def test_vouchers_pay_the_exact_total_by_their_face_values() -> None:
    assert check([(POOL, 4500)], Means.ANCV, 4500, details=vouchers((2000, 2), (500, 1))) == Due(4500, 4500, 0)
    with pytest.raises(VouchersGiveNoChange, match=r"50,00.*45,00"):
        check([(POOL, 4500)], Means.ANCV, 5000, details=vouchers((2500, 2)))
    with pytest.raises(VouchersGiveNoChange):
        check([(POOL, 4500)], Means.ANCV, 4500, details=vouchers((2000, 2)))
    with pytest.raises(TenderedDiffers):
        check([(POOL, 4500)], Means.ANCV, 4600, details=vouchers((4500, 1)))


def test_vouchers_pay_only_for_their_services() -> None:
    with pytest.raises(VoucherNotForService, match="Cantine"):
        check([(POOL, 1000), (CANTEEN, 1000)], Means.ANCV, 2000, details=vouchers((1000, 2)))


@pytest.mark.parametrize(
    "count", [(0, 1), (-500, 1), (1000, 0), (1000, -1), (VOUCHER_FACE_CENTS_MAX + 1, 1), (1000, COUNT_MAX + 1)]
)
def test_vouchers_that_cannot_be_are_refused(count: tuple[int, int]) -> None:
    with pytest.raises(BadMeansDetails):
        check([(POOL, 1000)], Means.ANCV, 1000, details=vouchers(count))


@pytest.mark.parametrize(
    ("means", "details"),
    [
        (Means.ANCV, NO_DETAILS),
        (Means.ANCV, vouchers((500, 1), (500, 1))),
        (Means.CASH, vouchers((1000, 1))),
        (Means.CASH, MeansDetails(cheque=CHEQUE)),
        (Means.CASH, MeansDetails(card_reference="123")),
        (Means.CHEQUE, MeansDetails(cheque=Cheque("0004217", "", "Jeanne Moreau"))),
    ],
)
def test_what_is_noted_goes_with_the_means(means: Means, details: MeansDetails) -> None:
    assert check([(POOL, 1000)], Means.CHEQUE, 1000, details=MeansDetails(cheque=CHEQUE)).total_cents == 1000
    with pytest.raises(BadMeansDetails):
        check([(POOL, 1000)], means, 1000, details=details)


@pytest.mark.parametrize("held", [-1, 0, 1999])
def test_a_drawer_opens_with_no_more_than_the_safe_holds(held: int) -> None:
    check_safe(0, held)
    check_safe(2000, 2000)
    with pytest.raises(FloatNotInSafe):
        check_safe(2000, held)


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

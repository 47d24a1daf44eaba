"""What an advance may pay, and where its money is: rules without a database."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.advances.rules import (
    FROM_A_WALLET,
    AccountNotClosed,
    AdvanceMeansNotInAct,
    BadAdvanceTerms,
    BadExpense,
    Expense,
    ExpenseTooLarge,
    Fund,
    FundTooLow,
    MoreThanGranted,
    MoreThanStated,
    NoAdvance,
    NothingToRefund,
    PaidBy,
    Purpose,
    PurposeNotInAct,
    RefundNotInAct,
    Terms,
    check_expense,
    check_given_back,
    check_granting,
    check_refund,
    check_terms,
    statement_number,
    terms_in_force,
    voucher_number,
)
from cvq_core.errors import Refusal
from cvq_core.ledger.rules import AmountOutOfBounds
from cvq_core.services.rules import ServiceCode

TODAY = date(2026, 3, 3)
WALLET = UUID(int=7)
IBAN = "FR1420041010050500013M02606"
TERMS = Terms(
    TODAY,
    500_00,
    100_00,
    frozenset({Purpose.CLOSED_ACCOUNT, Purpose.POSTAGE}),
    frozenset({PaidBy.CASH, PaidBy.TRANSFER}),
    "Arrêté du 3 mars 2026",
)
FUND = Fund(500_00, 150_00, 300_00, 50_00)


def stamps(cents: int = 10_00, **changes: Any) -> Expense:
    asked: dict[str, Any] = {
        "purpose": Purpose.POSTAGE,
        "paid_by": PaidBy.CASH,
        "amount_cents": cents,
        "payee": "La Poste",
        "document": "Reçu 41",
    }
    return Expense(**{**asked, **changes})


@pytest.mark.parametrize(
    ("expense", "refusal"),
    [
        (stamps(purpose=Purpose.SUPPLIES), PurposeNotInAct),
        (stamps(0), AmountOutOfBounds),
        (stamps(-1), AmountOutOfBounds),
        (stamps(True), AmountOutOfBounds),
        (stamps(10**30), AmountOutOfBounds),
        (stamps(100_01, paid_by=PaidBy.TRANSFER, iban=IBAN), ExpenseTooLarge),
        (stamps(80_01), ExpenseTooLarge),
        (stamps(payee="  "), BadExpense),
        (stamps(document=""), BadExpense),
        (stamps(wallet_id=WALLET), BadExpense),
        (stamps(purpose=Purpose.CLOSED_ACCOUNT), BadExpense),
        (stamps(paid_by=PaidBy.TRANSFER), BadExpense),
        (stamps(iban=IBAN), BadExpense),
    ],
)
def test_what_the_act_does_not_enumerate_or_limit_is_refused(expense: Expense, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        check_expense(TERMS, FUND, expense, cash_max_cents=80_00)


def test_an_expense_is_paid_from_its_own_side_of_the_fund() -> None:
    poor = Fund(500_00, 9_99, 490_01, 0)
    with pytest.raises(FundTooLow):
        check_expense(TERMS, poor, stamps(), cash_max_cents=300_00)
    check_expense(TERMS, poor, stamps(paid_by=PaidBy.TRANSFER, iban=IBAN), cash_max_cents=300_00)


def test_a_means_that_the_act_leaves_out_is_refused() -> None:
    cash_only = Terms(TODAY, 500_00, 100_00, TERMS.purposes, frozenset({PaidBy.CASH}), "Arrêté")
    with pytest.raises(AdvanceMeansNotInAct):
        check_expense(cash_only, FUND, stamps(paid_by=PaidBy.TRANSFER, iban=IBAN), cash_max_cents=300_00)


def test_the_last_terms_that_began_hold() -> None:
    later = Terms(TODAY + timedelta(days=9), 300_00, 50_00, TERMS.purposes, TERMS.paid_by, "Arrêté du 12 mars 2026")
    again = Terms(TODAY, 400_00, 50_00, TERMS.purposes, TERMS.paid_by, "Rectificatif")
    assert terms_in_force([TERMS, later], TODAY) is TERMS
    assert terms_in_force([TERMS, later], later.valid_from) is later
    assert terms_in_force([TERMS, again], TODAY) is again
    with pytest.raises(NoAdvance):
        terms_in_force([TERMS], TODAY - timedelta(days=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"granted_cents": 0, "payment_max_cents": 0},
        {"payment_max_cents": 500_01},
        {"purposes": frozenset()},
        {"paid_by": frozenset()},
        {"act": " "},
        {"valid_from": TODAY - timedelta(days=1)},
    ],
)
def test_terms_that_make_no_sense_or_reach_into_the_past_are_refused(changes: dict[str, object]) -> None:
    content = {name: getattr(TERMS, name) for name in Terms.__slots__} | changes
    with pytest.raises(BadAdvanceTerms):
        check_terms(Terms(**content), TODAY)
    check_terms(TERMS, TODAY)


def test_no_more_is_received_than_is_granted_or_stated() -> None:
    check_granting(TERMS, Fund(400_00, 0, 0, 0), 100_00)
    with pytest.raises(MoreThanGranted):
        check_granting(TERMS, Fund(400_00, 0, 0, 0), 100_01)
    check_given_back(10_00, 10_00)
    with pytest.raises(MoreThanStated):
        check_given_back(10_00, 10_01)


@given(balance=st.integers(-10_000, 10_000), cents=st.integers(1, 10_000), is_closed=st.booleans())
def test_a_refund_never_takes_more_than_a_wallet_holds(balance: int, cents: int, is_closed: bool) -> None:
    refund = stamps(cents, purpose=Purpose.CLOSED_ACCOUNT, wallet_id=WALLET)
    try:
        check_refund(
            balance, refund, service=ServiceCode.POOL, services=frozenset({ServiceCode.POOL}), is_closed=is_closed
        )
    except AccountNotClosed:
        assert not is_closed
    except NothingToRefund:
        assert balance < cents
    else:
        assert is_closed
        assert balance - cents >= 0


def test_an_office_refunds_only_services_for_which_it_collects() -> None:
    refund = stamps(purpose=Purpose.OVERPAID, wallet_id=WALLET)
    assert refund.purpose in FROM_A_WALLET
    with pytest.raises(RefundNotInAct):
        check_refund(50_00, refund, service=ServiceCode.CANTEEN, services={ServiceCode.POOL}, is_closed=False)


def test_numbers_say_what_they_number() -> None:
    assert voucher_number("CVQ", 7) == "CVQ-D-000007"
    assert statement_number("CVQ", 3) == "CVQ-E-000003"

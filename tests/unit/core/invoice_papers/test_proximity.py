"""The tobacconists' code: each sign at its place, every key as its layout says, and no code that would say less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.invoice_papers.proximity import AMOUNT_CENTS_MAX, LENGTH, Codes, code_of, debt_number, reference_of
from cvq_core.treasury.matching import REFERENCE_LENGTH_MIN

CODES = Codes(emitter="940033", collectivity="RS", product="087", post="079033")
NUMBERS = st.integers(1, 999_999)
YEARS = st.integers(2000, 2099)
CENTS = st.integers(1, AMOUNT_CENTS_MAX)


def test_an_invoice_s_code_is_written_as_its_layout_says() -> None:
    code = code_of(CODES, year=2026, number=42, due_cents=2890)
    assert code is not None
    assert code == " " * 64 + "461008700269940033000160 31210000020260000420790334992806     2890"
    parts = {
        "collectivity": code[64:67],
        "period": code[67],
        "product": code[68:71],
        "year": code[73:75],
        "emitter": code[76:82],
        "branch": code[82:86],
        "number": code[93:108],
        "post": code[108:114],
        "amount": code[122:130],
    }
    assert parts == {
        "collectivity": "461",
        "period": "0",
        "product": "087",
        "year": "26",
        "emitter": "940033",
        "branch": "0001",
        "number": "000002026000042",
        "post": "079033",
        "amount": "    2890",
    }


@pytest.mark.parametrize(
    ("letters", "digits"), [("AA", "001"), ("AZ", "026"), ("BA", "027"), ("RS", "461"), ("ZZ", "676")]
)
def test_two_letters_count_as_three_digits(letters: str, digits: str) -> None:
    code = code_of(Codes(emitter="940033", collectivity=letters, product="087", post="079033"), **_ANY)
    assert code is not None
    assert code[64:67] == digits


@given(year=YEARS, number=NUMBERS, cents=CENTS, period=st.integers(0, 9))
def test_every_key_is_right_by_a_sum_of_its_own(year: int, number: int, cents: int, period: int) -> None:
    codes = Codes(emitter="940033", collectivity="461", product="087", post="079033", period=str(period))
    code = code_of(codes, year=year, number=number, due_cents=cents)
    assert code is not None
    assert len(code) == LENGTH
    assert code[64:].replace(" ", "").isdigit()
    # What is missing to a multiple of eleven, eleven itself included; of two digits the last one stands.
    assert code[75] == "10987654321"[int(code[64:75]) % 11]
    assert int(code[86:88]) == _ranked(code[76:86])
    assert int(code[89:91]) == _ranked(code[91:116])
    assert int(code[116:118]) == _ranked(code[118:121] + code[122:130].replace(" ", "0"))
    debt = f"{code[73:75]}{code[67]}00{code[93:108][2:]}"
    assert int(code[91:93]) == int(debt) % 23 + 1
    assert code[91:115] == reference_of(codes, year, number)


@given(first=st.tuples(YEARS, NUMBERS), second=st.tuples(YEARS, NUMBERS))
def test_no_two_invoices_share_a_number_or_a_reference(first: tuple[int, int], second: tuple[int, int]) -> None:
    if first != second:
        assert debt_number(*first) != debt_number(*second)
        assert reference_of(CODES, *first) != reference_of(CODES, *second)
    assert len(str(debt_number(*first))) >= REFERENCE_LENGTH_MIN


@pytest.mark.parametrize("cents", [0, -1, AMOUNT_CENTS_MAX + 1])
def test_what_has_no_room_gets_no_code(cents: int) -> None:
    assert code_of(CODES, year=2026, number=42, due_cents=cents) is None
    assert code_of(CODES, year=2026, number=1_000_000, due_cents=100) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"emitter": "94003"},
        {"emitter": "94003a"},
        {"collectivity": "rs"},
        {"product": "8"},
        {"post": "79033"},
        {"branch": "1"},
        {"period": "10"},
        {"post": "٠٧٩٠٣٣"},
    ],
)
def test_a_code_of_another_form_is_refused_by_its_name(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Codes(**{"emitter": "940033", "collectivity": "RS", "product": "087", "post": "079033", **wrong})


_ANY = {"year": 2026, "number": 42, "due_cents": 2890}


def _ranked(digits: str) -> int:
    return sum(int(digit) * (len(digits) - place) for place, digit in enumerate(digits)) % 100

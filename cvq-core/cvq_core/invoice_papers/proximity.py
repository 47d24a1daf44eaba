"""The code by which an invoice is paid at a tobacconist's (paiement de proximité), as a pure rule.

The DGFiP has published no layout. This is that of the optical line of a payment slip (talon), as public free software
for town halls writes it (docs/adr/0035): 130 characters, the first 64 of them blank. Positions are counted from 1.

    65-67  collectivity          68  period            69-71  product           72-73  00
    74-75  year                  76  key 5 (of 65-75)  77-82  emitter           83-86  branch
    87-88  key 3 (of 77-86)      89  blank             90-91  key 2 (of 92-116)
    92-93  key of the debt       94-108  number of the debt        109-114  accounting post
      115  4                    116  9                117-118  key 1 (of 119-121 and 123-130)
      119  8                120-121  06                   122  blank            123-130  amount in cents
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

LENGTH = 130
AMOUNT_CENTS_MAX = 99_999_999
"""What eight digits hold."""

CASH_CENTS_MAX = 300_00
"""What a tobacconist takes in cash for one invoice; more is paid by card."""

NUMBER_MAX = 10**13 - 1
"""The key of the debt is made of thirteen digits of its number."""

_FORMS = {
    "emitter": r"[0-9]{6}",
    "branch": r"[0-9]{4}",
    "collectivity": r"[0-9]{3}|[A-Z]{2}",
    "product": r"[0-9]{3}|[A-Z]{2}",
    "post": r"[0-9]{6}",
    "period": r"[0-9]",
}


@dataclass(frozen=True)
class Codes:
    """What the DGFiP and the comptable give an emitter; collectivity and product as three digits or two letters."""

    emitter: str
    collectivity: str
    product: str
    post: str
    branch: str = "0001"
    period: str = "0"

    # Settings are read by pydantic, which otherwise leaves a key that it does not know alone.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Refuse a code of another form.

        Raises:
            ValueError: the message names it.
        """
        for name, form in _FORMS.items():
            if not re.fullmatch(form, getattr(self, name)):
                raise ValueError(f"{name} has not the form {form}")


def debt_number(year: int, number: int) -> int:
    """Return an invoice's number as the code and what comes back carry it: 2026000042 for "2026-000042"."""
    return year * 1_000_000 + number


def code_of(codes: Codes, *, year: int, number: int, due_cents: int) -> str | None:
    """Return what the code of an invoice says while `due_cents` are due on it; None where it cannot be said."""
    if not 0 < due_cents <= AMOUNT_CENTS_MAX or not 0 < number < 1_000_000:
        return None
    head = f"{_three(codes.collectivity)}{codes.period}{_three(codes.product)}00{year % 100:02d}"
    whose = codes.emitter + codes.branch
    reference = reference_of(codes, year, number) + "9"
    amount = f"{due_cents:>8}"
    return (
        f"{'':64}{head}{_key_11(head)}{whose}{_key_100(whose)} "
        f"{_key_100(reference)}{reference}{_key_100('806' + amount.replace(' ', '0'))}806 {amount}"
    )


def reference_of(codes: Codes, year: int, number: int) -> str:
    """Return the reference of the payment, 24 digits: what may come back with the money."""
    debt = debt_number(year, number)
    key = int(f"{year % 100:02d}{codes.period}00{debt:013d}") % 23 + 1
    return f"{key:02d}{debt:015d}{codes.post}4"


def _three(code: str) -> str:
    """Return a code of three digits; letters are counted from AA = 001 to ZZ = 676."""
    if code.isdigit():
        return code
    first, second = (ord(letter) - ord("A") for letter in code)
    return f"{first * 26 + second + 1:03d}"


def _key_11(digits: str) -> str:
    return str(11 - int(digits) % 11)[-1]


def _key_100(digits: str) -> str:
    """Return the sum of the digits, each times its rank from the right, modulo 100."""
    return f"{sum(rank * int(digit) for rank, digit in enumerate(reversed(digits), start=1)) % 100:02d}"

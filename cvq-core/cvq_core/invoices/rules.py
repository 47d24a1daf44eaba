"""What an invoice may be, as pure functions.

An invoice is a receivable of the ledger: issuing it debits the family's receivable and credits each service's revenue;
a payment credits the receivable; what is due is what the receivable still stands at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from cvq_core.errors import N_, BadInput, NotFound
from cvq_core.ledger.rules import AMOUNT_CENTS_MAX, AmountOutOfBounds
from cvq_core.services.rules import ServiceCode

LINES_MAX = 200


class UnknownInvoice(NotFound):
    """No invoice has this id or number."""

    slug = "unknown-invoice"
    message = N_("Cette facture n’existe pas.")
    what_to_do = N_("Vérifiez son numéro.")


class BadInvoice(BadInput):
    """It has no line, too many, or is due before it is issued."""

    slug = "bad-invoice"
    message = N_("Cette facture n’est pas possible : il lui faut des lignes, et une échéance après son émission.")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `quantity` times `unit_cents` makes the amount; `explanation` says how the price came about."""

    service: ServiceCode
    label: str
    quantity: int
    unit_cents: int
    explanation: str = ""
    person_id: UUID | None = None

    @property
    def amount_cents(self) -> int:
        """What the line adds to the invoice."""
        return self.quantity * self.unit_cents


def check_invoice(lines: Sequence[Line], issued_on: date, due_on: date) -> int:
    """Return the total of an invoice in cents.

    Raises:
        BadInvoice: no line, too many, or due before it is issued.
        AmountOutOfBounds: a line or the total is not positive, or beyond what the ledger takes.
    """
    if not 1 <= len(lines) <= LINES_MAX or due_on < issued_on:
        raise BadInvoice
    for line in lines:
        if type(line.quantity) is not int or type(line.unit_cents) is not int or line.amount_cents <= 0:
            raise AmountOutOfBounds
    total = sum(line.amount_cents for line in lines)
    if total > AMOUNT_CENTS_MAX:
        raise AmountOutOfBounds
    return total


def invoice_number(year: int, number: int) -> str:
    """Return an invoice's number as it is printed and asked for: "2026-000042"."""
    return f"{year}-{number:06d}"

"""The file for the bank: pain.008.001.02, checked against its schema by the library that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sepaxml import SepaDD

SequenceType = Literal["FRST", "RCUR", "OOFF"]
"""The first debit under a mandate, a further one, or the only one."""


@dataclass(frozen=True, slots=True)
class Creditor:
    """Who debits."""

    name: str
    iban: str
    bic: str
    creditor_number: str


@dataclass(frozen=True, slots=True)
class Debit:
    """One debit as the bank reads it; `end_to_end` comes back with a return."""

    holder: str
    iban: str
    amount_cents: int
    mandate: str
    signed_on: date
    sequence: SequenceType
    description: str
    end_to_end: str


def bank_file(creditor: Creditor, debits: Sequence[Debit], day: date) -> bytes:
    """Return the XML of some debits on a day."""
    made = SepaDD(
        {
            "name": creditor.name[:70],
            "IBAN": creditor.iban,
            "BIC": creditor.bic,
            "batch": True,
            "creditor_id": creditor.creditor_number,
            "currency": "EUR",
            "instrument": "CORE",
        },
        schema="pain.008.001.02",
        clean=True,
    )
    for debit in debits:
        made.add_payment(
            {
                "name": debit.holder,
                "IBAN": debit.iban,
                "amount": debit.amount_cents,
                "type": debit.sequence,
                "collection_date": day,
                "mandate_id": debit.mandate,
                "mandate_date": debit.signed_on,
                "description": debit.description,
                "endtoend_id": debit.end_to_end,
            }
        )
    return bytes(made.export(validate=True))

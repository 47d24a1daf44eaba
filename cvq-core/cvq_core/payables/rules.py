"""What may stand together in one payment, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput
from cvq_core.ledger.rules import AmountOutOfBounds
from cvq_core.services.rules import ServiceCode

PAYABLES_MAX = 20


class PayableKind(StrEnum):
    """What is paid for."""

    WALLET = "wallet"
    INVOICE = "invoice"


class NothingToPay(BadInput):
    """Nothing is chosen, too much, or one thing twice."""

    slug = "nothing-to-pay"
    message = N_("Choisissez au moins une chose à payer, chacune une seule fois.")


@dataclass(frozen=True, slots=True)
class Payable:
    """So many cents for one wallet or one invoice; `id` is also the ledger account that the payment credits."""

    kind: PayableKind
    id: UUID
    amount_cents: int


@dataclass(frozen=True, slots=True)
class PayableLine:
    """A payable with what people read of it. `service` is None for an invoice of several services.

    `services` are all that it pays for: an office may collect it when its act enumerates every one of them.
    """

    payable: Payable
    family_account_id: UUID
    account_number: str
    family: str
    label: str
    service: ServiceCode | None
    services: frozenset[ServiceCode]
    due_cents: int | None


def check_payables(payables: Sequence[Payable]) -> int:
    """Return what is to be paid in all, in cents.

    Raises:
        NothingToPay: none, too many, or one twice.
        AmountOutOfBounds: one is not a positive whole number of cents.
    """
    if not 1 <= len(payables) <= PAYABLES_MAX or len({each.id for each in payables}) != len(payables):
        raise NothingToPay
    for each in payables:
        if type(each.amount_cents) is not int or each.amount_cents <= 0:
            raise AmountOutOfBounds
    return sum(each.amount_cents for each in payables)

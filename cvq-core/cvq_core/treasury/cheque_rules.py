"""Which cheques are banked, by whom, and what becomes of those that come back, as pure functions.

A cheque is banked the next working day at the latest, with its slip; the bank may send it back afterwards, and the debt
that it had paid is due again (code monétaire et financier, L131-31 and following).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.ledger.rules import NewPosting
from cvq_core.offices.rules import Cheque

CHEQUES_MAX = 300
"""How many cheques one slip holds: what is left goes onto the next one."""

FEES_CENTS_MAX = 100_00


class BounceReason(StrEnum):
    """Why a bank sends a cheque back."""

    INSUFFICIENT = "insufficient"
    CLOSED = "closed"
    OPPOSED = "opposed"
    FORBIDDEN = "forbidden"
    IRREGULAR = "irregular"
    PRESCRIBED = "prescribed"


BOUNCE_WORDS: dict[BounceReason, str] = {
    BounceReason.INSUFFICIENT: N_("provision insuffisante"),
    BounceReason.CLOSED: N_("compte clos"),
    BounceReason.OPPOSED: N_("opposition"),
    BounceReason.FORBIDDEN: N_("tireur interdit de chéquier"),
    BounceReason.IRREGULAR: N_("chèque irrégulier : signature, montant ou date"),
    BounceReason.PRESCRIBED: N_("chèque prescrit"),
}


class UnknownDeposit(NotFound):
    """No deposit has this id."""

    slug = "unknown-deposit"
    message = N_("Cette remise de chèques n’existe pas.")


class NothingToBank(BadInput):
    """No cheque was chosen."""

    slug = "nothing-to-bank"
    message = N_("Aucun chèque n’est choisi.")
    what_to_do = N_("Cochez les chèques que vous avez sous les yeux.")


class ChequeNotToBank(Refusal):
    """One of the cheques is not there: banked already, in an open drawer, or not yet integrated."""

    slug = "cheque-not-to-bank"
    message = N_(
        "Un de ces chèques n’est plus à remettre : il est déjà remis, ou n’est pas encore au siège de la régie."
    )
    what_to_do = N_("Rouvrez la page : la liste est à jour. Rien n’a été enregistré.")


class DepositCancelled(Refusal):
    """It was taken back, or is a cancellation itself."""

    slug = "deposit-cancelled"
    message = N_("Cette remise est annulée, ou est elle-même une annulation.")


class DepositAtTheBank(Refusal):
    """The bank has it: a line of its statement says so, or one of its cheques came back."""

    slug = "deposit-at-the-bank"
    message = N_("La banque a déjà cette remise : elle ne s’annule plus.")
    what_to_do = N_("Un chèque que la banque refuse se note comme rejeté.")


class UnknownCheque(NotFound):
    """No cheque was collected under this receipt."""

    slug = "unknown-cheque"
    message = N_("Ce chèque n’existe pas.")


class ChequeNotBanked(Refusal):
    """A cheque that never went to the bank does not come back from it."""

    slug = "cheque-not-banked"
    message = N_("Ce chèque n’a pas été remis à l’encaissement : la banque ne peut pas l’avoir rejeté.")
    what_to_do = N_("Vérifiez son numéro sur le bordereau de remise.")


class ChequeBounced(Refusal):
    """It came back before."""

    slug = "cheque-already-bounced"
    message = N_("Ce chèque est déjà noté comme rejeté.")
    what_to_do = N_("Rien de plus n’a été enregistré. Regardez le compte de la famille.")


class BadBounceDay(BadInput):
    """Before the cheque was banked, or to come."""

    slug = "bad-bounce-day"
    message = N_(
        "Ce jour n’est pas possible : le chèque a été remis le {banked}, et le rejet ne peut pas être à venir."
    )


class FeesOutOfBounds(BadInput):
    """Less than nothing, or more than any bank takes for a cheque."""

    slug = "fees-out-of-bounds"
    message = N_("Les frais de la banque vont de zéro à {limit}.")


@dataclass(frozen=True, slots=True)
class HeldCheque:
    """A cheque that lies at the office's own counter; its id is its receipt's."""

    receipt_id: UUID
    receipt_number: str
    collected_on: date
    place: str
    family: str
    amount_cents: int
    cheque: Cheque | None


def chosen(held: Sequence[HeldCheque], wanted: Collection[UUID]) -> list[HeldCheque]:
    """Return the cheques that go to the bank, in the order of the list.

    Raises:
        NothingToBank: none, or more than one slip holds.
        ChequeNotToBank: one of them is not there.
    """
    if not 0 < len(wanted) <= CHEQUES_MAX:
        raise NothingToBank
    found = [each for each in held if each.receipt_id in wanted]
    if len(found) != len(set(wanted)):
        raise ChequeNotToBank
    return found


def is_late(collected_on: date, today: date, is_working_day: Callable[[date], bool]) -> bool:
    """Whether a cheque should have been banked: the working day after its collection is over."""
    due = collected_on + timedelta(days=1)
    while not is_working_day(due):
        due += timedelta(days=1)
    return today > due


def check_bounce(bounced_on: date, banked_on: date, today: date, fees_cents: int, *, words: tuple[str, str]) -> None:
    """Refuse what cannot be of a bounced cheque; `words` are the day it was banked and the limit of the fees.

    Raises:
        BadBounceDay, FeesOutOfBounds
    """
    if not banked_on <= bounced_on <= today:
        raise BadBounceDay(banked=words[0])
    if type(fees_cents) is not int or not 0 <= fees_cents <= FEES_CENTS_MAX:
        raise FeesOutOfBounds(limit=words[1])


def bounce_postings(paid: Sequence[NewPosting], cheques_id: UUID, treasury_id: UUID) -> tuple[NewPosting, ...]:
    """Return what undoes a payment by cheque once the cheque is gone: the Treasury has so much less.

    `paid` are the postings of the payment, of which one went to the account of cheques.
    """
    return tuple(
        NewPosting(treasury_id if each.account_id == cheques_id else each.account_id, -each.amount_cents)
        for each in paid
    )


def deposit_number(series: str, number: int) -> str:
    """Return a deposit's number as it is printed: "CVQ-C-000007"."""
    return f"{series}-C-{number:06d}"

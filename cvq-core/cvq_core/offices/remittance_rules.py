"""What may be paid over, by whom, and when it may be taken back, as pure functions.

A place remits whole closed drawers: each of its cheques, vouchers and card payments is found through them, and the
cash is what is counted. A sub-office remits to its office, whose officer integrates it once the supporting documents
are checked; the office's own counter remits to the comptable (décret 2012-1246, article 22; instruction 06-031-A-B-M).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal
from cvq_core.offices.rules import MandateTitle, Means
from cvq_core.text import money

REMITTANCES_MAX = 200
TAKINGS_MAX = 10_000
"""So many payments by the bank one slip carries at most: more than a month of the largest territory."""


class RemittedTo(StrEnum):
    """Who receives what is paid over."""

    OFFICE = "office"
    TREASURY = "treasury"


REMITTED_TO_WORDS: dict[RemittedTo, str] = {
    RemittedTo.OFFICE: N_("au régisseur"),
    RemittedTo.TREASURY: N_("au comptable"),
}
CARRIED: dict[RemittedTo, tuple[Means, ...]] = {
    RemittedTo.OFFICE: (Means.CASH, Means.CHEQUE, Means.CARD, Means.CESU, Means.ANCV),
    RemittedTo.TREASURY: (
        Means.CASH,
        Means.CESU,
        Means.ANCV,
        Means.PAYFIP,
        Means.DIRECT_DEBIT,
    ),
}
"""What a remittance moves, in the order of its slip.

Card payments reach the comptable's account through the bank, and so do cheques (`cvq_core.treasury.deposits`).
"""


class TakingKind(StrEnum):
    """Why money came by the bank, or went back."""

    RECEIVED = "received"
    RETURNED = "returned"
    CLASSIFIED = "classified"


TAKING_WORDS: dict[TakingKind, str] = {
    TakingKind.RECEIVED: N_("reçu"),
    TakingKind.RETURNED: N_("revenu de la banque"),
    TakingKind.CLASSIFIED: N_("recette à classer, décidée"),
}


class UnknownRemittance(NotFound):
    """No remittance has this id."""

    slug = "unknown-remittance"
    message = N_("Ce versement n’existe pas.")


class NothingToRemit(BadInput):
    """No cash was counted, and no closed drawer holds anything else."""

    slug = "nothing-to-remit"
    message = N_("Il n’y a rien à verser.")
    what_to_do = N_("Fermez d’abord la caisse : ce qu’elle contient va au coffre.")


class RemittedTooMuch(BadInput):
    """More cash than the safe holds beyond the float."""

    slug = "remitted-too-much"
    message = N_("Il n’y a que {limit} à verser en espèces : le fonds de caisse reste sur place.")
    what_to_do = N_("Comptez de nouveau.")


class RemittanceCancelled(Refusal):
    """It was taken back, or is a cancellation itself."""

    slug = "remittance-cancelled"
    message = N_("Ce versement est annulé, ou est lui-même une annulation.")


class AlreadyDecided(Refusal):
    """The office has integrated it, or sent it back."""

    slug = "remittance-decided"
    message = N_("Le régisseur s’est déjà prononcé sur ce versement.")
    what_to_do = N_("Une erreur s’y corrige par un nouveau versement.")


class RemittanceAtTheBank(Refusal):
    """A line of the treasury account's statement was matched with it."""

    slug = "remittance-at-the-bank"
    message = N_("Ce versement est rapproché avec le relevé du compte au Trésor : il ne s’annule plus.")
    what_to_do = N_(
        "Si le rapprochement est une erreur, défaites-le d’abord ; sinon, corrigez par un nouveau versement."
    )


class NotToIntegrate(Refusal):
    """It went to the comptable: nobody integrates it here."""

    slug = "not-to-integrate"
    message = N_("Ce versement est allé au comptable : il ne s’intègre pas.")


class NotCashOfficer(Forbidden):
    """Only the officer, or the substitute, integrates."""

    slug = "not-cash-officer"
    message = N_("Seul le régisseur, ou son suppléant, intègre les versements.")
    what_to_do = N_("Demandez-lui de le faire.")


class CountDiffers(BadInput):
    """What the officer counted is not what the slip says."""

    slug = "count-differs"
    message = N_("Le bordereau annonce {slip} en espèces, et vous avez compté {counted}.")
    what_to_do = N_("Comptez de nouveau, ou renvoyez le versement avec son motif.")


class ReasonMissing(BadInput):
    """A remittance is sent back, or taken back, with its reason."""

    slug = "reason-missing"
    message = N_("Écrivez pourquoi.")


@dataclass(frozen=True, slots=True)
class BankTaking:
    """What one transaction of the ledger brought through the bank (less than zero: took back), in cents.

    `account_id` is the account from which it is paid over; `reference` is what bank and family know it by.
    """

    transaction_id: UUID
    account_id: UUID
    means: Means
    kind: TakingKind
    day: date
    reference: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What is there to be paid over, in cents: cash at most, and everything else by means.

    `takings` are what makes the totals of the means that come by the bank; `to_classify_cents` came too, and stays
    until somebody decides where it goes.
    """

    cash_max_cents: int
    others: Mapping[Means, int]
    drawer_ids: tuple[UUID, ...]
    source_ids: tuple[UUID, ...]
    takings: tuple[BankTaking, ...] = ()
    to_classify_cents: int = 0

    @property
    def total_max_cents(self) -> int:
        """Everything together."""
        return self.cash_max_cents + sum(self.others.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there."""
        return self.total_max_cents == 0


def passed_on_now(takings: Sequence[BankTaking]) -> tuple[BankTaking, ...]:
    """Return what a slip carries: nothing of an account from which more went back than came, until more has come."""
    sums: dict[UUID, int] = {}
    for taking in takings:
        sums[taking.account_id] = sums.get(taking.account_id, 0) + taking.amount_cents
    return tuple(taking for taking in takings if sums[taking.account_id] > 0)


def check_remittance(contents: Contents, cash_cents: int) -> dict[Means, int]:
    """Return what moves by each means, without those of which nothing is there.

    Raises:
        RemittedTooMuch, NothingToRemit
    """
    if cash_cents > contents.cash_max_cents:
        raise RemittedTooMuch(limit=money(contents.cash_max_cents))
    moved = {Means.CASH: cash_cents, **contents.others}
    if not any(moved.values()):
        raise NothingToRemit
    return {means: moved[means] for means in Means if moved.get(means)}


def check_officer(title: MandateTitle) -> None:
    """Refuse whoever is no officer.

    Raises:
        NotCashOfficer
    """
    if title not in (MandateTitle.OFFICER, MandateTitle.SUBSTITUTE):
        raise NotCashOfficer


def check_reason(reason: str) -> str:
    """Return a reason as it is printed.

    Raises:
        ReasonMissing: there is none.
    """
    plain = reason.strip()[:200]
    if len(plain) < 3:
        raise ReasonMissing
    return plain


def slip_number(series: str, number: int) -> str:
    """Return a slip's number as it is printed: "CVQ-V-000007"."""
    return f"{series}-V-{number:06d}"

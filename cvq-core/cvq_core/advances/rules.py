"""Rules of the advance, as pure functions.

The founding act gives an office an advance of a set amount, enumerates what it may pay, by which means and how much at
once (CGCT R1617-11 to R1617-14; décret 2012-1246, article 22). Every expense has its voucher; the comptable gives back
what the vouchers of a statement add up to. At any time what was granted is in the fund, or is an expense that waits to
be given back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal
from cvq_core.ledger.rules import AMOUNT_CENTS_MAX, AmountOutOfBounds
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.text import money

GRANTED_CENTS_MAX = 100_000_00
PAYEE_LENGTH_MAX = 80
DOCUMENT_LENGTH_MAX = 80


class Purpose(StrEnum):
    """What an advance may pay, of which the act enumerates some."""

    CLOSED_ACCOUNT = "closed_account"
    OVERPAID = "overpaid"
    CANCELLED_SUBSCRIPTION = "cancelled_subscription"
    SUPPLIES = "supplies"
    POSTAGE = "postage"


PURPOSE_WORDS: dict[Purpose, str] = {
    Purpose.CLOSED_ACCOUNT: N_("solde d’un compte fermé"),
    Purpose.OVERPAID: N_("somme versée en trop sur un compte"),
    Purpose.CANCELLED_SUBSCRIPTION: N_("abonnement ou activité annulés"),
    Purpose.SUPPLIES: N_("menues fournitures"),
    Purpose.POSTAGE: N_("affranchissement"),
}
FROM_A_WALLET = frozenset({Purpose.CLOSED_ACCOUNT, Purpose.OVERPAID})
"""Refunds of money that is still on a service's account, from which they take it; the others take nothing from it."""


class PaidBy(StrEnum):
    """How an advance pays, and where its money is: in its cash box, or on its account at the Treasury."""

    CASH = "cash"
    TRANSFER = "transfer"


PAID_BY_WORDS: dict[PaidBy, str] = {PaidBy.CASH: N_("espèces"), PaidBy.TRANSFER: N_("virement")}
HELD_IN_WORDS: dict[PaidBy, str] = {
    PaidBy.CASH: N_("en caisse d’avance"),
    PaidBy.TRANSFER: N_("sur le compte de l’avance"),
}


class Moved(StrEnum):
    """How money comes to the fund, or leaves it, other than by an expense."""

    GRANTED = "granted"
    REPLENISHED = "replenished"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"


MOVED_WORDS: dict[Moved, str] = {
    Moved.GRANTED: N_("avance reçue du comptable"),
    Moved.REPLENISHED: N_("reconstitution reçue du comptable"),
    Moved.WITHDRAWN: N_("espèces retirées du compte de l’avance"),
    Moved.RETURNED: N_("avance rendue au comptable"),
}


class NoAdvance(Refusal):
    """The act of this office grants no advance on this day."""

    slug = "no-advance"
    message = N_("L’acte de cette régie ne prévoit pas d’avance aujourd’hui.")
    what_to_do = N_("L’administrateur l’inscrit d’après l’acte constitutif.")


class NotAdvanceOfficer(Forbidden):
    """Only the officer, or the substitute, pays from the advance."""

    slug = "not-advance-officer"
    message = N_("Seul le régisseur, ou son suppléant, tient l’avance.")
    what_to_do = N_("Demandez-lui de le faire.")


class BadAdvanceTerms(BadInput):
    """Nothing is granted, one payment may be more than all of it, nothing may be paid, or the day is past."""

    slug = "bad-advance-terms"
    message = N_("Ces règles d’avance ne vont pas ensemble, ou commencent avant aujourd’hui.")
    what_to_do = N_("Il faut un montant, un plafond par dépense qui n’est pas plus grand, un objet et un moyen.")


class PurposeNotInAct(Refusal):
    """The act does not enumerate this purpose."""

    slug = "purpose-not-in-act"
    message = N_("L’acte ne permet pas de payer cela sur l’avance : {purpose}.")
    what_to_do = N_("Rien n’a été payé. Adressez la demande à l’ordonnateur.")


class AdvanceMeansNotInAct(Refusal):
    """The act does not enumerate this way to pay."""

    slug = "advance-means-not-in-act"
    message = N_("L’acte ne permet pas de payer ainsi sur l’avance : {means}.")
    what_to_do = N_("Rien n’a été payé. Choisissez un autre moyen.")


class ExpenseTooLarge(Refusal):
    """More than the act, or the cap on cash, lets one expense be."""

    slug = "expense-too-large"
    message = N_("Une dépense ainsi payée sur l’avance ne dépasse pas {limit}.")
    what_to_do = N_("Rien n’a été payé. Au-delà, c’est le comptable qui paie.")


class FundTooLow(Refusal):
    """The fund holds less."""

    slug = "fund-too-low"
    message = N_("Il n’y a que {held} {where}.")
    what_to_do = N_("Rien n’a bougé. Demandez la reconstitution de l’avance, ou choisissez l’autre moyen.")


class BadExpense(BadInput):
    """Whom, or by which document, is missing; a wallet is missing where one is refunded, or named where none is."""

    slug = "bad-expense"
    message = N_("Il manque à qui l’on paie, la pièce justificative, ou le compte de service remboursé.")


class NothingToRefund(Refusal):
    """The wallet holds less than what would be refunded."""

    slug = "nothing-to-refund"
    message = N_("Il n’y a que {held} à rembourser sur ce compte de service.")
    what_to_do = N_("Rien n’a été payé. Choisissez une somme qui s’y trouve.")


class AccountNotClosed(Refusal):
    """The balance of a closed account is refunded, and this one is open."""

    slug = "account-not-closed"
    message = N_("Ce compte famille n’est pas fermé.")
    what_to_do = N_("Fermez-le d’abord, ou remboursez une somme versée en trop.")


class RefundNotInAct(Refusal):
    """The office collects nothing for the service whose account would be refunded."""

    slug = "refund-not-in-act"
    message = N_("Cette régie ne rembourse pas ce service : {service}.")
    what_to_do = N_("Rien n’a été payé. Adressez la personne à la régie de ce service.")


class UnknownExpense(NotFound):
    """No expense of this office has this id."""

    slug = "unknown-expense"
    message = N_("Cette dépense n’existe pas.")


class ExpenseCancelled(Refusal):
    """It was taken back, or is itself what takes another one back."""

    slug = "expense-cancelled"
    message = N_("Cette dépense est annulée, ou est elle-même une annulation.")


class ExpenseStated(Refusal):
    """It stands on a statement that went to the comptable."""

    slug = "expense-stated"
    message = N_("Cette dépense est déjà sur un état envoyé au comptable.")
    what_to_do = N_("Voyez avec lui : une erreur s’y corrige par une recette.")


class NothingToState(Refusal):
    """No expense waits to be given back, beside those of earlier statements."""

    slug = "nothing-to-state"
    message = N_("Aucune dépense nouvelle n’attend d’être reconstituée.")


class UnknownStatement(NotFound):
    """No statement of this office has this id."""

    slug = "unknown-advance-statement"
    message = N_("Cet état de dépenses n’existe pas.")


class MoreThanStated(BadInput):
    """The comptable does not give back more than the statement asks for."""

    slug = "more-than-stated"
    message = N_("Il ne reste que {due} à recevoir sur cet état.")


class MoreThanGranted(BadInput):
    """More would be received than the act grants."""

    slug = "more-than-granted"
    message = N_("L’acte accorde {granted}, et {received} ont déjà été reçus.")


class AdvanceReasonMissing(BadInput):
    """An expense is taken back with its reason."""

    slug = "advance-reason-missing"
    message = N_("Écrivez pourquoi la dépense est annulée.")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the act grants from a day on, in cents; `payment_max_cents` is the most of one expense."""

    valid_from: date
    granted_cents: int
    payment_max_cents: int
    purposes: frozenset[Purpose]
    paid_by: frozenset[PaidBy]
    act: str


@dataclass(frozen=True, slots=True)
class Fund:
    """Where the advance is, in cents: in the cash box, on the account, or spent and not yet given back."""

    granted_cents: int
    cash_cents: int
    account_cents: int
    awaiting_cents: int

    @property
    def gap_cents(self) -> int:
        """What cannot be explained: zero, or the books are wrong."""
        return self.granted_cents - self.cash_cents - self.account_cents - self.awaiting_cents

    def held_cents(self, where: PaidBy) -> int:
        """What can be paid from, in one of the two."""
        return self.cash_cents if where is PaidBy.CASH else self.account_cents


@dataclass(frozen=True, slots=True)
class Expense:
    """What is to be paid: to whom, for what, by which document. `iban` belongs to a transfer, a wallet to a refund."""

    purpose: Purpose
    paid_by: PaidBy
    amount_cents: int
    payee: str
    document: str
    wallet_id: UUID | None = None
    iban: str = ""


def check_terms(terms: Terms, today: date) -> None:
    """Refuse terms that make no sense, or that would change what was allowed before.

    Raises:
        BadAdvanceTerms
    """
    sound = (
        0 < terms.payment_max_cents <= terms.granted_cents <= GRANTED_CENTS_MAX
        and terms.purposes
        and terms.paid_by
        and terms.act.strip()
        and terms.valid_from >= today
    )
    if not sound:
        raise BadAdvanceTerms


def terms_in_force(terms: Collection[Terms], on: date) -> Terms:
    """Return the terms of a day: the last ones that began; of several on one day, the last given here.

    Raises:
        NoAdvance: none has begun.
    """
    begun = [each for each in terms if each.valid_from <= on]
    if not begun:
        raise NoAdvance
    last = max(each.valid_from for each in begun)
    return [each for each in begun if each.valid_from == last][-1]


def check_expense(terms: Terms, fund: Fund, expense: Expense, *, cash_max_cents: int) -> None:
    """Refuse an expense that the act, or the fund, does not allow; `cash_max_cents` is the cap on cash.

    Raises:
        PurposeNotInAct, AdvanceMeansNotInAct, AmountOutOfBounds, ExpenseTooLarge, FundTooLow, BadExpense
    """
    if expense.purpose not in terms.purposes:
        raise PurposeNotInAct(purpose=PURPOSE_WORDS[expense.purpose])
    if expense.paid_by not in terms.paid_by:
        raise AdvanceMeansNotInAct(means=PAID_BY_WORDS[expense.paid_by])
    check_cents(expense.amount_cents)
    limit = terms.payment_max_cents
    if expense.paid_by is PaidBy.CASH:
        limit = min(limit, cash_max_cents)
    if expense.amount_cents > limit:
        raise ExpenseTooLarge(limit=money(limit))
    said = 0 < len(expense.payee.strip()) <= PAYEE_LENGTH_MAX and len(expense.document.strip()) > 0
    has_wallet = (expense.wallet_id is not None) == (expense.purpose in FROM_A_WALLET)
    has_iban = bool(expense.iban) == (expense.paid_by is PaidBy.TRANSFER)
    if not (said and len(expense.document) <= DOCUMENT_LENGTH_MAX and has_wallet and has_iban):
        raise BadExpense
    check_held(fund, expense.paid_by, expense.amount_cents)


def check_held(fund: Fund, where: PaidBy, amount_cents: int) -> None:
    """Refuse to take more than is there.

    Raises:
        FundTooLow
    """
    held = fund.held_cents(where)
    if amount_cents > held:
        raise FundTooLow(held=money(held), where=HELD_IN_WORDS[where])


def check_cents(amount_cents: int) -> None:
    """Refuse what is no positive whole number of cents.

    Raises:
        AmountOutOfBounds
    """
    if type(amount_cents) is not int or not 0 < amount_cents <= AMOUNT_CENTS_MAX:
        raise AmountOutOfBounds


def check_granting(terms: Terms, fund: Fund, amount_cents: int) -> None:
    """Refuse to receive more than the act grants.

    Raises:
        MoreThanGranted
    """
    if fund.granted_cents + amount_cents > terms.granted_cents:
        raise MoreThanGranted(granted=money(terms.granted_cents), received=money(fund.granted_cents))


def check_given_back(due_cents: int, amount_cents: int) -> None:
    """Refuse to receive more for a statement than is still due on it.

    Raises:
        MoreThanStated
    """
    if amount_cents > due_cents:
        raise MoreThanStated(due=money(due_cents))


def check_refund(
    balance_cents: int, expense: Expense, *, service: ServiceCode, services: Collection[ServiceCode], is_closed: bool
) -> None:
    """Refuse to refund what a service's account does not hold; what a family owes is never refunded.

    `services` are those for which the office collects.

    Raises:
        RefundNotInAct, AccountNotClosed, NothingToRefund
    """
    if service not in services:
        raise RefundNotInAct(service=SERVICE_LABELS[service])
    if expense.purpose is Purpose.CLOSED_ACCOUNT and not is_closed:
        raise AccountNotClosed
    if expense.amount_cents > balance_cents:
        raise NothingToRefund(held=money(max(0, balance_cents)))


def voucher_number(series: str, number: int) -> str:
    """Return an expense's number as it is printed: "CVQ-D-000007"."""
    return f"{series}-D-{number:06d}"


def statement_number(series: str, number: int) -> str:
    """Return a statement's number as it is printed: "CVQ-E-000003"."""
    return f"{series}-E-{number:06d}"

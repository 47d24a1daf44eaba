"""Rules of SEPA direct debit as pure functions (SEPA core scheme; décret 2012-1246, article 25).

A mandate lives until it is revoked, or until nothing was debited under it for thirty-six months. An invoice is its own
notice: it tells the amount and the day, at least as long before as the office promises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal

IDLE_MONTHS_MAX = 36
NOTICE_DAYS = 14
"""Days between an invoice and its debit, unless the family agreed to fewer."""

LOOK_AHEAD_DAYS_MAX = 60
ITEMS_MAX = 5000


class ReturnReason(StrEnum):
    """Why a bank sends a debit back (ISO 20022 external codes that a town meets)."""

    WRONG_ACCOUNT = "AC01"
    CLOSED = "AC04"
    BLOCKED = "AC06"
    INSUFFICIENT = "AM04"
    NO_MANDATE = "MD01"
    REFUNDED = "MD06"
    DECEASED = "MD07"
    REFUSED_BY_BANK = "MS03"
    OPPOSED = "SL01"


RETURN_WORDS: dict[ReturnReason, str] = {
    ReturnReason.WRONG_ACCOUNT: N_("numéro de compte faux"),
    ReturnReason.CLOSED: N_("compte clos"),
    ReturnReason.BLOCKED: N_("compte bloqué"),
    ReturnReason.INSUFFICIENT: N_("provision insuffisante"),
    ReturnReason.NO_MANDATE: N_("pas de mandat, selon la banque"),
    ReturnReason.REFUNDED: N_("remboursement demandé par la famille"),
    ReturnReason.DECEASED: N_("titulaire décédé"),
    ReturnReason.REFUSED_BY_BANK: N_("refus de la banque, sans motif"),
    ReturnReason.OPPOSED: N_("opposition de la famille"),
}

ENDS_THE_MANDATE = frozenset(
    {
        ReturnReason.WRONG_ACCOUNT,
        ReturnReason.CLOSED,
        ReturnReason.BLOCKED,
        ReturnReason.NO_MANDATE,
        ReturnReason.DECEASED,
        ReturnReason.OPPOSED,
    }
)
"""Reasons after which nothing may be debited again under the same mandate."""


class BadIban(BadInput):
    """The account number is wrong, or is no account in euros of the SEPA zone."""

    slug = "bad-iban"
    message = N_("Cet IBAN n’est pas possible.")
    what_to_do = N_("Recopiez-le du relevé d’identité bancaire : un chiffre est sans doute faux.")


class BadMandate(BadInput):
    """The holder has no name, or the mandate was signed after today."""

    slug = "bad-mandate"
    message = N_("Ce mandat n’est pas complet : il lui faut un titulaire, et une date de signature passée.")


class MandateExists(Refusal):
    """The family has a mandate that stands."""

    slug = "mandate-exists"
    message = N_("Cette famille a déjà un mandat de prélèvement.")
    what_to_do = N_("Révoquez-le d’abord, si elle change de compte.")


class UnknownMandate(NotFound):
    """No mandate has this id."""

    slug = "unknown-mandate"
    message = N_("Ce mandat n’existe pas.")


class NoCreditorNumber(Refusal):
    """The office has no SEPA creditor identifier or no account of its own."""

    slug = "no-creditor-number"
    message = N_("Cette régie n’a pas d’identifiant créancier SEPA (ICS) : elle ne peut pas prélever.")
    what_to_do = N_("La Banque de France le donne ; l’administrateur l’inscrit dans les réglages.")


class BadCollectionDay(BadInput):
    """The banks do not work on that day, or it is too soon or too far."""

    slug = "bad-collection-day"
    message = N_("On ne peut pas prélever ce jour-là : le premier jour possible est le {first}.")
    what_to_do = N_("Choisissez un jour ouvré des banques, dans les deux mois.")


class NothingToDebit(Refusal):
    """No invoice with a mandate is due by that day."""

    slug = "nothing-to-debit"
    message = N_("Aucune facture avec un mandat n’est à prélever à cette date.")


class UnknownDebit(NotFound):
    """No debit has this id."""

    slug = "unknown-debit"
    message = N_("Ce prélèvement n’existe pas.")


class AlreadyReturned(Refusal):
    """The bank sent it back before."""

    slug = "already-returned"
    message = N_("Ce prélèvement est déjà revenu de la banque.")


class NotTheOfficer(Forbidden):
    """Only the officer of the office, or the substitute, sends debits and takes back what returns."""

    slug = "not-the-officer"
    message = N_("Seul le régisseur, ou son suppléant, s’occupe des prélèvements.")
    what_to_do = N_("Demandez-lui de le faire.")


@dataclass(frozen=True, slots=True)
class Debtable:
    """An invoice that could be debited: what is due on it, from when, and under which mandate."""

    invoice_id: UUID
    number: str
    mandate_id: UUID
    issued_on: date
    due_on: date
    due_cents: int


def checked_iban(text: str) -> str:
    """Return an IBAN as banks write it in files.

    Raises:
        BadIban: its checksum is wrong, or its country is outside the SEPA zone.
    """
    try:
        iban = IBAN(text, validate_bban=True)
    except (SchwiftyException, ValueError):
        raise BadIban from None
    if not iban.in_sepa_zone:
        raise BadIban
    return str(iban)


def masked_iban(iban: str) -> str:
    """Return what anybody but the bank may see of an IBAN."""
    return f"{iban[:4]} •••• {iban[-4:]}"


def mandate_reference(office: str, number: int) -> str:
    """Return a mandate's unique reference (RUM), at most 35 signs: "CVQ-M000042"."""
    return f"{office}-M{number:06d}"


def is_idle(last_used: date, on: date) -> bool:
    """Tell whether a mandate has lapsed because nothing was debited under it for thirty-six months."""
    months = (on.year - last_used.year) * 12 + on.month - last_used.month
    return (months, on.day) > (IDLE_MONTHS_MAX, last_used.day)


def first_collection_day(today: date, is_bank_day: Callable[[date], bool]) -> date:
    """Return the first day on which what is sent today can be debited: two days of the banks later."""
    day, left = today, 2
    while left:
        day += timedelta(days=1)
        left -= is_bank_day(day)
    return day


def check_collection_day(day: date, today: date, is_bank_day: Callable[[date], bool], *, words: str) -> None:
    """Refuse a day on which nothing can be debited; `words` says the first possible one.

    Raises:
        BadCollectionDay
    """
    first = first_collection_day(today, is_bank_day)
    if not first <= day <= today + timedelta(days=LOOK_AHEAD_DAYS_MAX) or not is_bank_day(day):
        raise BadCollectionDay(first=words)


def may_be_debited(item: Debtable, day: date) -> bool:
    """Tell whether an invoice may be debited on a day: something is due, it is its day, and the family was told."""
    return item.due_cents > 0 and item.due_on <= day and day - item.issued_on >= timedelta(days=NOTICE_DAYS)

"""Rules of SEPA direct debit as pure functions (SEPA core scheme; décret 2012-1246, article 25).

A mandate is prepared, then signed on paper, and lives until it is revoked or until nothing was debited under it for
thirty-six months; one for a single debit is spent by it. Before each debit the family is told its amount and its day,
as many days before as its mandate promises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal

IDLE_MONTHS_MAX = 36
NOTICE_DAYS = 14
"""Days between the notice and its debit (SEPA core rulebook), unless the mandate that the family signed says fewer."""
NOTICE_HOLDS_DAYS = 30
"""How long after the day that was told a debit may still be made: somebody who waits in vain must be told anew."""

LOOK_AHEAD_DAYS_MAX = 60
ITEMS_MAX = 5000


class BadIban(BadInput):
    """The account number is wrong, or is no account in euros of the SEPA zone."""

    slug = "bad-iban"
    message = N_("Cet IBAN n’est pas possible.")
    what_to_do = N_("Recopiez-le du relevé d’identité bancaire : un chiffre est sans doute faux.")


class BadMandate(BadInput):
    """The holder has no name, or the mandate was signed after today."""

    slug = "bad-mandate"
    message = N_("Ce mandat n’est pas complet : il lui faut un titulaire, et une date de signature passée.")


class MandateNotSigned(Refusal):
    """The paper is not signed yet, or not here yet."""

    slug = "mandate-not-signed"
    message = N_("Ce mandat n’est pas encore signé : rien ne peut être prélevé.")
    what_to_do = N_("Faites-le signer, puis classez la page signée avec lui.")


class MandateSigned(Refusal):
    """It is signed, or over: what stands on a signed paper is not changed any more."""

    slug = "mandate-signed"
    message = N_("Ce mandat est déjà signé ou révoqué.")
    what_to_do = N_("Pour un autre compte bancaire, révoquez-le et préparez-en un nouveau.")


class NotConfirmed(Refusal):
    """Nobody has said that the account number on screen 2 is right."""

    slug = "mandate-not-confirmed"
    message = N_("La personne n’a pas encore confirmé son numéro de compte.")
    what_to_do = N_("Montrez-le à l’écran 2 et attendez son « oui ».")


class NoPaper(NotFound):
    """Nobody has filed the signed page of this mandate."""

    slug = "no-signed-paper"
    message = N_("La page signée de ce mandat n’a pas été classée.")


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


class NothingToTell(Refusal):
    """Every family with something to debit by that day knows of it."""

    slug = "nothing-to-tell"
    message = N_("Toutes les familles à prélever ce jour-là sont déjà prévenues.")


class UnknownNotice(NotFound):
    """Nobody was told by letter so."""

    slug = "unknown-debit-notice"
    message = N_("Ces lettres n’existent pas.")


class UnknownRun(NotFound):
    """No run has this id."""

    slug = "unknown-debit-run"
    message = N_("Ce fichier de prélèvements n’existe pas.")


class RunDecided(Refusal):
    """The file was sent to the bank, or given up, before."""

    slug = "debit-run-decided"
    message = N_("Ce fichier a déjà été noté comme envoyé ou abandonné.")


class RunNotSent(Refusal):
    """Nothing comes back of what was never sent."""

    slug = "debit-run-not-sent"
    message = N_("Ce fichier n’est pas noté comme envoyé à la banque.")
    what_to_do = N_("Notez d’abord son envoi ; s’il n’est pas parti, abandonnez-le.")


class DebitNotInAct(Refusal):
    """The founding act does not let the office debit."""

    slug = "debit-not-in-act"
    message = N_("L’acte de cette régie ne prévoit pas le prélèvement.")
    what_to_do = N_("Rien n’a été prélevé. L’ordonnateur peut compléter l’acte.")


class BadFee(BadInput):
    """A fee below zero or beyond any bank's."""

    slug = "bad-debit-fee"
    message = N_("Ces frais ne sont pas possibles.")


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


class MandateState(StrEnum):
    """Where a mandate stands on a day."""

    PREPARED = "prepared"
    SIGNED = "signed"
    LAPSED = "lapsed"
    REVOKED = "revoked"


MANDATE_WORDS: dict[MandateState, str] = {
    MandateState.PREPARED: N_("à signer"),
    MandateState.SIGNED: N_("signé"),
    MandateState.LAPSED: N_("éteint, sans prélèvement depuis trente-six mois"),
    MandateState.REVOKED: N_("révoqué"),
}


class Obstacle(StrEnum):
    """Why an invoice is not debited on a day."""

    NOT_IN_ACT = "not_in_act"
    NOT_SIGNED = "not_signed"
    LAPSED = "lapsed"
    SPENT = "spent"
    NOT_DUE = "not_due"
    NOT_TOLD = "not_told"
    TOLD_LATE = "told_late"
    TOLD_LESS = "told_less"


OBSTACLE_WORDS: dict[Obstacle, str] = {
    Obstacle.NOT_IN_ACT: N_("l’acte de la régie ne comprend pas ce service"),
    Obstacle.NOT_SIGNED: N_("le mandat n’est pas signé"),
    Obstacle.LAPSED: N_("le mandat est éteint : rien depuis trente-six mois"),
    Obstacle.SPENT: N_("le mandat est pour un seul prélèvement"),
    Obstacle.NOT_DUE: N_("pas encore à payer ce jour-là"),
    Obstacle.NOT_TOLD: N_("la famille n’est pas encore prévenue"),
    Obstacle.TOLD_LATE: N_("la famille a été prévenue pour un jour plus tardif"),
    Obstacle.TOLD_LESS: N_("la famille a été prévenue d’une somme plus petite"),
}
TELLABLE = frozenset({Obstacle.NOT_TOLD, Obstacle.TOLD_LESS})
"""What a new notice puts right."""


@dataclass(frozen=True, slots=True)
class Told:
    """The notice that a family has of a debit: its day, its amount, and from when on it may be made."""

    day: date
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Debtable:
    """An invoice of a family that has a mandate: what is due on it, from when, and under which mandate.

    `signed_on` is None while the paper is not signed; `told` is the notice that no debit has used up yet.
    """

    invoice_id: UUID
    number: str
    mandate_id: UUID
    due_on: date
    due_cents: int
    signed_on: date | None
    last_used_on: date | None = None
    one_off: bool = False
    in_act: bool = True
    told: Told | None = None


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


def mandate_state(
    *, signed_on: date | None, revoked_on: date | None, last_used_on: date | None, on: date
) -> MandateState:
    """Return where a mandate stands on a day."""
    if revoked_on is not None:
        return MandateState.REVOKED
    if signed_on is None:
        return MandateState.PREPARED
    return MandateState.LAPSED if is_idle(last_used_on or signed_on, on) else MandateState.SIGNED


def earliest_day(told_on: date, notice_days: int, wanted: date, is_bank_day: Callable[[date], bool]) -> date:
    """Return the first day of the banks on which a family that is told on a day may be debited, not before `wanted`."""
    day = max(wanted, told_on + timedelta(days=notice_days))
    while not is_bank_day(day):
        day += timedelta(days=1)
    return day


def obstacle(item: Debtable, day: date) -> Obstacle | None:
    """Return what keeps an invoice from being debited on a day; None when nothing does."""
    told = item.told
    if not item.in_act:
        return Obstacle.NOT_IN_ACT
    if item.signed_on is None:
        return Obstacle.NOT_SIGNED
    if item.one_off and item.last_used_on is not None:
        return Obstacle.SPENT
    if is_idle(item.last_used_on or item.signed_on, day):
        return Obstacle.LAPSED
    if item.due_on > day:
        return Obstacle.NOT_DUE
    if told is None or day > told.day + timedelta(days=NOTICE_HOLDS_DAYS):
        return Obstacle.NOT_TOLD
    if told.day > day:
        return Obstacle.TOLD_LATE
    return Obstacle.TOLD_LESS if item.due_cents > told.amount_cents else None


def sorted_out(items: Sequence[Debtable], day: date) -> tuple[list[Debtable], list[tuple[Debtable, Obstacle]]]:
    """Return what may be debited on a day, and what not and why; a mandate for one debit gives the first of them."""
    possible: list[Debtable] = []
    refused: list[tuple[Debtable, Obstacle]] = []
    spent: set[UUID] = set()
    for item in items:
        why = Obstacle.SPENT if item.mandate_id in spent else obstacle(item, day)
        if why is not None:
            refused.append((item, why))
            continue
        possible.append(item)
        if item.one_off:
            spent.add(item.mandate_id)
    return possible, refused


def spelled_iban(iban: str) -> str:
    """Return a whole IBAN in groups of four, as it stands on the paper that its holder signs."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def bic_of(iban: str) -> str:
    """Return the BIC of an account's bank, "" where the list of banks does not know it (it is optional since 2016)."""
    try:
        bic = IBAN(iban).bic
    except SchwiftyException:
        return ""
    return str(bic) if bic else ""

"""Refusals of imports, and the identifiers that are made from an old base's own numbers. Pure."""

from __future__ import annotations

from uuid import UUID, uuid5

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal
from cvq_core.services.rules import ServiceCode

_OLD_BASES = UUID("b6d0a4e2-5c0f-5f0e-9a51-0d6a3c1f7e42")
EXPLANATION_LENGTH_MIN = 10
STATED_CENTS_MAX = 10_000_000_000


class UnknownImport(NotFound):
    """No import of this base, or with this id."""

    slug = "unknown-import"
    message = N_("Aucun import de ce nom n’est en cours ici.")
    what_to_do = N_("Cherchez-le dans la liste des imports.")


class UnknownCommune(BadInput):
    """The mapping names a commune that the base does not have."""

    slug = "unknown-commune"
    message = N_("La commune {insee} n’est pas dans la base.")
    what_to_do = N_("Vérifiez le code INSEE de la correspondance.")


class BaseOfAnotherCommune(Refusal):
    """A base's name belongs to one commune for good: with its numbers it is the key of what was made."""

    slug = "base-of-another-commune"
    message = N_("La base « {base} » est déjà celle d’une autre commune ({insee}).")
    what_to_do = N_("Donnez un autre nom à cette base dans la correspondance.")


class ImportUnderWay(Refusal):
    """An import of this base has begun to be applied."""

    slug = "import-under-way"
    message = N_("Un import de cette base a commencé et n’est pas fini.")
    what_to_do = N_("Finissez-le avec `cvq import apply`, ou défaites-le avec `cvq import undo`.")


class NotToApply(Refusal):
    """There is nothing staged to apply."""

    slug = "import-not-staged"
    message = N_("Cet import n’est pas à reprendre : il l’a déjà été, ou il a été défait.")


class AlreadyApplied(Refusal):
    """A record of the pair is a person already: what was decided is done."""

    slug = "import-pair-applied"
    message = N_("Ces deux fiches ont déjà été reprises : la décision ne change plus.")
    what_to_do = N_("Défaites l’import, ou réunissez les comptes depuis la fiche des familles.")


class DecidedMeanwhile(Refusal):
    """Somebody else decided the pair since this person looked at it."""

    slug = "import-pair-decided"
    message = N_("Quelqu’un d’autre a décidé de ces deux fiches pendant que vous les regardiez.")
    what_to_do = N_("Votre réponse n’est pas enregistrée. Si la sienne est fausse, changez-la ici.")


class UnknownPair(NotFound):
    """No such pair is to be decided, or not by this person."""

    slug = "unknown-import-pair"
    message = N_("Ces deux fiches ne sont pas à comparer.")
    what_to_do = N_("Revenez à la liste de ce qui reste à décider.")


class FamiliesWait(Refusal):
    """Balances are signed off once all families of the import are decided."""

    slug = "import-families-wait"
    message = N_("Il reste {count} familles à reprendre dans cet import.")
    what_to_do = N_("Décidez d’abord de leurs doublons, puis faites reprendre les familles.")


class NotThisOffice(Forbidden):
    """Only the officer, or the substitute, of an office that collects the service takes its balances over."""

    slug = "not-this-services-officer"
    message = N_("Seul le régisseur de ce service, ou son suppléant, prend ses soldes en compte.")
    what_to_do = N_("Demandez-lui de le faire.")


class DifferenceUnexplained(BadInput):
    """The old base's totals are others, and nobody said why."""

    slug = "opening-difference-unexplained"
    message = N_("Il y a une différence de {difference} avec les totaux de l’ancienne base.")
    what_to_do = N_("Cherchez-la d’abord. Si elle est juste, expliquez-la en une phrase : elle reste au dossier.")


class OpeningsMoved(Refusal):
    """The balances are others than those that the officer compared."""

    slug = "openings-moved"
    message = N_("Les soldes ont changé depuis la comparaison.")
    what_to_do = N_("Rien n’est pris en compte. Recommencez la comparaison.")


class AlreadySigned(Refusal):
    """A service's balances of an import are taken over once."""

    slug = "opening-already-signed"
    message = N_("Les soldes de ce service ont déjà été pris en compte.")


class NotSigned(NotFound):
    """The paper is of balances that were taken over, and nobody has yet."""

    slug = "opening-not-signed"
    message = N_("Ces soldes ne sont pas encore pris en compte.")
    what_to_do = N_("Le papier se fait après la signature.")


class NothingToSign(NotFound):
    """The import brings no balance for this service."""

    slug = "opening-nothing"
    message = N_("Cet import n’apporte aucun solde pour ce service.")


def identity_of(base: str, key: str) -> UUID:
    """Return who a record of an old base is: the id of the person that is made from it, however often one imports."""
    return uuid5(_OLD_BASES, f"{base}\nperson\n{key}")


def account_id_of(base: str, number: str) -> UUID:
    """Return the id of the account that is opened for a family of an old base."""
    return uuid5(_OLD_BASES, f"{base}\nfamily\n{number}")


def membership_id(row_id: UUID) -> UUID:
    """Return the id of the membership that a staged person leads to."""
    return uuid5(row_id, "membership")


def card_id(row_id: UUID) -> UUID:
    """Return the id of the card that a staged person leads to."""
    return uuid5(row_id, "card")


def enrolment_id(row_id: UUID, service: ServiceCode) -> UUID:
    """Return the id of an enrolment that a staged person leads to."""
    return uuid5(row_id, service.value)


def quotient_id(family_id: UUID) -> UUID:
    """Return the id of the quotient that a staged family leads to."""
    return uuid5(family_id, "quotient")


def opening_id(family_id: UUID, service: ServiceCode) -> UUID:
    """Return the id of an opening balance, which is its ledger transaction's."""
    return uuid5(family_id, service.value)


def undone_id(transaction_id: UUID) -> UUID:
    """Return the id of the reversal of an opening balance."""
    return uuid5(transaction_id, "undone")

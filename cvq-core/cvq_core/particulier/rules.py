"""What is asked of API Particulier and what is read from its answers, as pure functions.

The interface is `GET /v3/dss/quotient_familial/identite` of https://particulier.api.gouv.fr (OpenAPI 3.0.0 of
2026-03-31): a person's civil identity in, the quotient of a month out. Of the answer only the value, the month and the
fund are taken; the family's members and address that come with it are never read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.people.rules import QuotientSource

PATH = "/v3/dss/quotient_familial/identite"
FRANCE = "99100"
GIVEN_NAMES_MAX = 3
"""The interface takes no more."""

_COUNTRY = re.compile(r"99[0-9]{3}")
_COMMUNE = re.compile(r"[0-9]{5}|2[AB][0-9]{3}")
_SIRET = re.compile(r"[0-9]{14}")


class Sex(StrEnum):
    """As it stands in the civil register."""

    FEMALE = "F"
    MALE = "M"


class AccordManner(StrEnum):
    """How somebody was informed and agreed."""

    COUNTER = "counter"
    VISIT = "visit"
    PAPER = "paper"


class Outcome(StrEnum):
    """What became of an inquiry."""

    FOUND = "found"
    UNCHANGED = "unchanged"
    NOT_FOUND = "not_found"
    BAD_IDENTITY = "bad_identity"
    REFUSED = "refused"
    BUSY = "busy"
    SILENT = "silent"

    @property
    def is_final(self) -> bool:
        """Whether asking the same again later would change nothing."""
        return self not in (Outcome.BUSY, Outcome.SILENT, Outcome.REFUSED)


OUTCOME_WORDS: dict[Outcome, str] = {
    Outcome.FOUND: N_("Quotient reçu."),
    Outcome.UNCHANGED: N_("Le quotient connu est encore le bon : rien n’a changé."),
    Outcome.NOT_FOUND: N_(
        "Ni la CAF ni la MSA ne connaît cette personne sous cette identité. Vérifiez l’état civil, ou notez le "
        "quotient de l’attestation."
    ),
    Outcome.BAD_IDENTITY: N_("L’état civil n’a pas été accepté. Vérifiez les prénoms et le lieu de naissance."),
    Outcome.REFUSED: N_(
        "API Particulier a refusé notre accès. Prévenez le service informatique, et notez le quotient de l’attestation."
    ),
    Outcome.BUSY: N_("API Particulier reçoit trop de demandes. Recommencez dans quelques minutes."),
    Outcome.SILENT: N_(
        "La CAF et la MSA ne répondent pas. Recommencez plus tard, ou notez le quotient de l’attestation."
    ),
}


TO_SEE_BY_HAND = (Outcome.NOT_FOUND, Outcome.BAD_IDENTITY)
"""What asking again does not help: the family's certificate is to be asked for."""

NO_ANSWER_YET = (Outcome.BUSY, Outcome.SILENT)


class NoParticulier(Refusal):
    """This installation has no access to API Particulier."""

    slug = "no-api-particulier"
    message = N_("Cette installation ne peut pas interroger la CAF et la MSA.")
    what_to_do = N_("Notez le quotient familial de l’attestation.")


class AccordMissing(Refusal):
    """Nobody of this account was informed and agreed, or they took it back."""

    slug = "quotient-accord-missing"
    message = N_("La famille n’a pas donné son accord pour interroger la CAF ou la MSA.")
    what_to_do = N_("Informez-la, notez son accord, ou notez le quotient de l’attestation.")


class NotTheirAccount(NotFound):
    """The person may not speak for this account: no guardian of it, and no payer where it has none."""

    slug = "not-their-account"
    message = N_("Le quotient d’un compte est celui de ses responsables, et cette personne n’en est pas un.")
    what_to_do = N_("Choisissez une des personnes proposées.")


class RoundRunning(Refusal):
    """All families are being asked about already."""

    slug = "quotient-round-running"
    message = N_("Une mise à jour des quotients est déjà en cours.")
    what_to_do = N_("Attendez sa fin, ou arrêtez-la, puis recommencez.")


class BadIdentity(BadInput):
    """The civil identity cannot be asked about."""

    slug = "bad-civil-identity"
    message = N_("L’état civil est incomplet : sexe, date de naissance, pays et, en France, commune de naissance.")
    what_to_do = N_("Recopiez-le de la pièce d’identité ; la commune est un code INSEE à cinq caractères.")


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody as the civil register has them. `commune` is the INSEE code of the birth place, None abroad."""

    family_name: str
    given_names: tuple[str, ...]
    born: date
    sex: Sex
    country: str = FRANCE
    commune: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of an answer: the value in whole euros, the fund, and the first day of the month it is for."""

    value_euros: int
    source: QuotientSource
    month: date


class Unreadable(Exception):
    """An answer that is not what the interface promises."""


def birth_place(country: str, commune: str | None) -> tuple[str, str | None]:
    """Return a birth place as it is kept.

    Raises:
        BadIdentity: no INSEE codes, or no commune for somebody who was born in France.
    """
    country, commune = country.strip(), (commune or "").strip().upper() or None
    if not _COUNTRY.fullmatch(country):
        raise BadIdentity
    if country != FRANCE:
        return country, None
    if commune is None or not _COMMUNE.fullmatch(commune):
        raise BadIdentity
    return country, commune


def question(identity: Identity, recipient: str, month: date) -> list[tuple[str, str]]:
    """Return the parameters of an inquiry about the quotient of a month."""
    asked = [
        ("recipient", recipient),
        ("nomNaissance", _plain(identity.family_name)),
        *(("prenoms[]", _plain(name)) for name in identity.given_names[:GIVEN_NAMES_MAX]),
        ("anneeDateNaissance", str(identity.born.year)),
        ("moisDateNaissance", str(identity.born.month)),
        ("jourDateNaissance", str(identity.born.day)),
        ("sexeEtatCivil", identity.sex.value),
        ("codeCogInseePaysNaissance", identity.country),
    ]
    if identity.commune is not None:
        asked.append(("codeCogInseeCommuneNaissance", identity.commune))
    return [*asked, ("annee", str(month.year)), ("mois", str(month.month))]


def read_answer(body: bytes, month: date) -> Answer:
    """Return what is kept of an answer to a question about `month`.

    Raises:
        Unreadable: no JSON, a missing or impossible field, or a month that is not over.
    """
    try:
        found = _Body.model_validate_json(body).data.quotient_familial
        answered = date(found.annee, found.mois, 1)
    except (ValidationError, ValueError) as error:
        raise Unreadable from error
    if answered > month:
        raise Unreadable
    source = QuotientSource.MSA if found.fournisseur == "MSA" else QuotientSource.CAF
    return Answer(found.valeur, source, answered)


def is_siret(text: str) -> bool:
    """Whether these are the 14 digits of an establishment, its key included (the Post's own are left alone)."""
    if not _SIRET.fullmatch(text):
        return False
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(text)]
    return text.startswith("356000000") or sum(each - 9 * (each > 9) for each in doubled) % 10 == 0


def due_refresh(today: date, rhythm: Literal["never", "yearly", "quarterly"]) -> date | None:
    """Return the month whose quotients are to be asked for all families now: in January, or each quarter's first."""
    months = {"never": (), "yearly": (1,), "quarterly": (1, 4, 7, 10)}[rhythm]
    return today.replace(day=1) if today.month in months else None


def _plain(name: str) -> str:
    """The interface takes letters, spaces, hyphens and straight apostrophes."""
    return name.replace("’", "'").strip()


class _Quotient(BaseModel):
    fournisseur: Literal["CNAF", "MSA"]
    valeur: int = Field(ge=0, le=20_000, strict=True)
    annee: int = Field(ge=2000, le=2199, strict=True)
    mois: int = Field(ge=1, le=12, strict=True)


class _Data(BaseModel):
    quotient_familial: _Quotient


class _Body(BaseModel):
    data: _Data

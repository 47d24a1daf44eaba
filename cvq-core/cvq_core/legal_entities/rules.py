"""What makes an account a company's or an association's, as pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.particulier.rules import is_siret
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode

_RNA = re.compile(r"W[0-9]{9}")
HOLDERS_MAX = 500
ENTITY_ROLES = (FamilyRole.PAYER, FamilyRole.HOLDER)
"""Who belongs to such an account: who answers and pays for it, and who only carries its card."""
PROFESSIONAL_SERVICES = frozenset({ServiceCode.WASTE_CENTRE})
"""Whose users may be professionals. Elsewhere such a right would let a company's people in through any door."""

ENTITY_ROLE_WORDS: dict[FamilyRole, str] = {
    FamilyRole.PAYER: N_("répond de l’organisme"),
    FamilyRole.HOLDER: N_("porte la carte de l’organisme"),
}


class EntityKind(StrEnum):
    """What kind of body it is."""

    COMPANY = "company"
    ASSOCIATION = "association"
    PUBLIC = "public"


ENTITY_KIND_WORDS: dict[EntityKind, str] = {
    EntityKind.COMPANY: N_("entreprise"),
    EntityKind.ASSOCIATION: N_("association"),
    EntityKind.PUBLIC: N_("administration"),
}


class BadEntity(BadInput):
    """The name or the number cannot be right."""

    slug = "bad-legal-entity"
    message = N_("Cet organisme n’est pas complet, ou son numéro est faux.")
    what_to_do = N_(
        "Il lui faut un nom, et son numéro : SIRET (14 chiffres), ou pour une association sans SIRET son numéro RNA "
        "(W et 9 chiffres)."
    )


class EntityKnown(Refusal):
    """Another account has this number."""

    slug = "legal-entity-known"
    message = N_("Cet organisme a déjà un compte : {number}.")
    what_to_do = N_("Ouvrez ce compte, et ajoutez-y les personnes.")


class UnknownEntity(NotFound):
    """The account is no company's nor association's."""

    slug = "unknown-legal-entity"
    message = N_("Ce compte n’est pas celui d’une entreprise ou d’une association.")


class NotAHolder(Refusal):
    """Cards of an account go to its people."""

    slug = "not-a-holder"
    message = N_("Cette personne n’appartient pas à cet organisme.")
    what_to_do = N_("Ajoutez-la d’abord, puis donnez-lui la carte.")


class NoProfessionals(BadInput):
    """Nobody uses this service as a professional."""

    slug = "no-professionals"
    message = N_("Ce service n’a pas d’usagers professionnels.")
    what_to_do = N_("Ce droit n’existe qu’à la déchèterie.")


class TooManyHolders(Refusal):
    """The account holds no more people than the bound."""

    slug = "too-many-holders"
    message = N_("Cet organisme a déjà beaucoup de porteurs de carte.")
    what_to_do = N_("Retirez d’abord ceux qui n’y sont plus.")


@dataclass(frozen=True, slots=True)
class EntityNumbers:
    """What proves that it exists: a SIRET, or an association's number in the national register (RNA)."""

    siret: str | None
    rna: str | None


def entity_numbers(kind: EntityKind, siret: str, rna: str) -> EntityNumbers:
    """Return the numbers as they are kept.

    Raises:
        BadEntity: one is wrong, or there is none that this kind has.
    """
    digits, register = re.sub(r"[\s.]+", "", siret), re.sub(r"\s+", "", rna).upper()
    if (digits and not is_siret(digits)) or (register and not _RNA.fullmatch(register)):
        raise BadEntity
    if register and kind is not EntityKind.ASSOCIATION:
        raise BadEntity
    if not (digits or register):
        raise BadEntity
    return EntityNumbers(digits or None, register or None)

"""The words of families: roles, and where a family quotient comes from."""

from __future__ import annotations

from enum import StrEnum

from cvq_core.errors import N_


class FamilyRole(StrEnum):
    """What a person is in a family account; one person may be several things, in several accounts."""

    GUARDIAN = "guardian"
    CHILD = "child"
    PAYER = "payer"
    COLLECTOR = "collector"
    HOLDER = "holder"
    """Carries a card of a company's or an association's account (`cvq_core.legal_entities`), and spends from it."""


FAMILY_ROLE_WORDS: dict[FamilyRole, str] = {
    FamilyRole.GUARDIAN: N_("responsable"),
    FamilyRole.CHILD: N_("enfant"),
    FamilyRole.PAYER: N_("paie pour la famille"),
    FamilyRole.COLLECTOR: N_("peut venir chercher l’enfant"),
    FamilyRole.HOLDER: N_("porte la carte de l’organisme"),
}
"""A role as one tells it to a family."""


class QuotientSource(StrEnum):
    """Where a family quotient comes from."""

    CAF = "caf"
    MSA = "msa"
    DECLARED = "declared"

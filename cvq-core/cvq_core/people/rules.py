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


FAMILY_ROLE_WORDS: dict[FamilyRole, str] = {
    FamilyRole.GUARDIAN: N_("responsable"),
    FamilyRole.CHILD: N_("enfant"),
    FamilyRole.PAYER: N_("paie pour la famille"),
    FamilyRole.COLLECTOR: N_("peut venir chercher l’enfant"),
}
"""A role as one tells it to a family."""


class QuotientSource(StrEnum):
    """Where a family quotient comes from."""

    CAF = "caf"
    MSA = "msa"
    DECLARED = "declared"

"""Rules about people as pure functions: roles in a family."""

from __future__ import annotations

from enum import StrEnum


class FamilyRole(StrEnum):
    """What a person is in a family account; one person may be several things, in several accounts."""

    GUARDIAN = "guardian"
    CHILD = "child"
    PAYER = "payer"
    COLLECTOR = "collector"


class QuotientSource(StrEnum):
    """Where a family quotient comes from."""

    CAF = "caf"
    MSA = "msa"
    DECLARED = "declared"

"""Rules about services as pure functions: what an empty wallet means for each."""

from __future__ import annotations

from enum import StrEnum

from cvq_core.errors import N_


class ServiceCode(StrEnum):
    """The services that the product knows by name."""

    CANTEEN = "canteen"
    AFTER_SCHOOL = "after_school"
    CRECHE = "creche"
    LEISURE_CENTRE = "leisure_centre"
    POOL = "pool"
    SQUASH = "squash"
    LIBRARY = "library"
    TOY_LIBRARY = "toy_library"
    HALL = "hall"
    WASTE_CENTRE = "waste_centre"
    BUILDING = "building"


SERVICE_LABELS: dict[ServiceCode, str] = {
    ServiceCode.CANTEEN: N_("Cantine"),
    ServiceCode.AFTER_SCHOOL: N_("Accueil périscolaire"),
    ServiceCode.CRECHE: N_("Crèche"),
    ServiceCode.LEISURE_CENTRE: N_("Centre de loisirs"),
    ServiceCode.POOL: N_("Piscine"),
    ServiceCode.SQUASH: N_("Squash"),
    ServiceCode.LIBRARY: N_("Médiathèque"),
    ServiceCode.TOY_LIBRARY: N_("Ludothèque"),
    ServiceCode.HALL: N_("Salles"),
    ServiceCode.WASTE_CENTRE: N_("Déchèterie"),
    ServiceCode.BUILDING: N_("Bâtiments"),
}
"""What a service is called where the territory has not named it otherwise."""


class FundingPolicy(StrEnum):
    """What an empty wallet means for a service."""

    SERVE_AND_OWE = "serve_and_owe"
    REFUSE = "refuse"
    FREE = "free"
    SUBSCRIPTION = "subscription"
    BILLED = "billed"


POLICY_WORDS: dict[FundingPolicy, str] = {
    FundingPolicy.SERVE_AND_OWE: N_("Servi même si le compte est vide : la somme reste due."),
    FundingPolicy.REFUSE: N_("Il faut de l’argent sur le compte pour entrer."),
    FundingPolicy.FREE: N_("Gratuit."),
    FundingPolicy.SUBSCRIPTION: N_("Avec un abonnement."),
    FundingPolicy.BILLED: N_("Payé sur facture, après coup."),
}
"""A policy as one tells it to a family."""


class PriceUnit(StrEnum):
    """What one price is for."""

    MEAL = "meal"
    HOUR = "hour"
    ENTRY = "entry"
    PERIOD = "period"
    CUBIC_METRE = "cubic_metre"
    CARD = "card"


def may_owe(policy: FundingPolicy) -> bool:
    """Whether a wallet under this policy may go below zero."""
    return policy is FundingPolicy.SERVE_AND_OWE

"""Rules about services as pure functions: funding policies, units."""

from __future__ import annotations

from enum import StrEnum


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


class FundingPolicy(StrEnum):
    """What an empty wallet means for a service."""

    SERVE_AND_OWE = "serve_and_owe"
    REFUSE = "refuse"
    FREE = "free"
    SUBSCRIPTION = "subscription"
    BILLED = "billed"


class PriceUnit(StrEnum):
    """What one price is for."""

    MEAL = "meal"
    HOUR = "hour"
    ENTRY = "entry"
    PERIOD = "period"
    CUBIC_METRE = "cubic_metre"
    CARD = "card"

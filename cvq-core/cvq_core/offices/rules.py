"""Rules of public money at the counter, as pure functions."""

from __future__ import annotations

from enum import StrEnum


class Means(StrEnum):
    """How somebody pays."""

    CASH = "cash"
    CHEQUE = "cheque"
    CARD = "card"


class MandateTitle(StrEnum):
    """As what somebody was appointed to a cash office."""

    OFFICER = "officer"
    SUBSTITUTE = "substitute"
    MANDATARY = "mandatary"

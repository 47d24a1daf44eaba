"""Rules about cards as pure functions: states."""

from __future__ import annotations

from enum import StrEnum


class CardStatus(StrEnum):
    """Where a card is in its life."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    REPLACED = "replaced"
    EXPIRED = "expired"


class BlockedReason(StrEnum):
    """Why a card is blocked."""

    LOST = "lost"
    STOLEN = "stolen"
    WITHDRAWN = "withdrawn"

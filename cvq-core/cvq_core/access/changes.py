"""Telling those who decide away from here (a site's controller) that something has changed which a door decides on.

Whoever changes such a thing says of whom or of what, in the transaction of the change; nothing personal travels along.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.live.store import publish
from cvq_core.services.rules import ServiceCode

TOPIC = "access"
KIND = "changed"
NAMED_MAX = 500
"""A change that concerns more than these names nobody: it is told as one that concerns everybody."""

_NOTED = "cvq_access_change"


def note_change(
    db: AsyncSession,
    *,
    now: datetime,
    persons: Iterable[UUID] = (),
    accounts: Iterable[UUID] = (),
    wallets: Iterable[UUID] = (),
    points: Iterable[UUID] = (),
    services: Iterable[ServiceCode] = (),
    everybody: bool = False,
) -> None:
    """Say that doors may decide otherwise from now on; one event a transaction, whatever it changes.

    The event's payload holds `at` (when it was first said, ISO 8601) and the sorted lists `persons`, `accounts`,
    `wallets` and `points` (identifiers) and `services` (codes); or, beyond `NAMED_MAX` of them, `everybody`: true and
    empty lists. What a tap itself moves is not said: a controller that decides knows, and the others ask.
    """
    named: dict[str, Iterable[UUID | ServiceCode]] = {
        "persons": persons,
        "accounts": accounts,
        "wallets": wallets,
        "points": points,
        "services": services,
    }
    if _NOTED not in db.info:
        db.info[_NOTED] = {"at": now.isoformat(), "everybody": False, **{name: [] for name in named}}
        publish(db, TOPIC, KIND, db.info[_NOTED])
    payload: dict[str, Any] = db.info[_NOTED]
    lists = {name: sorted({*payload[name], *(str(each) for each in added)}) for name, added in named.items()}
    if everybody or payload["everybody"] or sum(map(len, lists.values())) > NAMED_MAX:
        lists = {name: [] for name in named}
        payload["everybody"] = True
    payload.update(lists)

"""Giving rights to pass, and ending them; every room that lets somebody in does it here."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.access.facts import EVERY_DAY, RightKind
from cvq_core.access.tables import Entitlement
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.once import insert_once
from cvq_core.services.rules import ServiceCode

_SAME = (
    "kind",
    "service_code",
    "point_id",
    "person_id",
    "account_id",
    "payer_account_id",
    "valid_from",
    "weekdays",
    "opens_at",
    "closes_at",
    "site",
    "on_holidays",
)
"""What makes a right the one that was asked for; its end and its entries move during its life."""


async def give_right(
    db: AsyncSession,
    right_id: UUID,
    *,
    kind: RightKind,
    service: ServiceCode,
    valid_from: datetime,
    now: datetime,
    valid_until: datetime | None = None,
    person_id: UUID | None = None,
    account_id: UUID | None = None,
    point_id: UUID | None = None,
    payer_account_id: UUID | None = None,
    entries_left: int | None = None,
    weekdays: int = EVERY_DAY,
    opens_at: time | None = None,
    closes_at: time | None = None,
    site: str | None = None,
    on_holidays: bool = True,
) -> Entitlement:
    """Let a person, or everybody of an account, pass from an instant to another (excluded); the same id again is once.

    `right_id` is the caller's and the key of a retry. A right that ended meanwhile stays ended.

    Raises:
        IdempotencyMismatch: this id came before for another right.
    """
    assert (person_id is None) != (account_id is None), "a right is a person's or a household's"
    row = {
        "id": right_id,
        "kind": kind,
        "service_code": service,
        "point_id": point_id,
        "person_id": person_id,
        "account_id": account_id,
        "payer_account_id": payer_account_id,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "entries_left": entries_left,
        "weekdays": weekdays,
        "opens_at": opens_at,
        "closes_at": closes_at,
        "site": site,
        "on_holidays": on_holidays,
    }
    given = await insert_once(db, Entitlement.__table__, row)
    held = await db.get(Entitlement, right_id, populate_existing=True)
    assert held is not None, "it was written just now, or before"
    if given:
        _tell(db, held, now)
    elif any(getattr(held, name) != row[name] for name in _SAME):
        raise IdempotencyMismatch
    return held


async def end_right(db: AsyncSession, right_id: UUID, *, now: datetime) -> bool:
    """Let a right hold no more from now on, and return whether it still did; ended again, nothing changes.

    What never began leaves no trace here: whoever gave it (a booking, a subscription) keeps its own.
    """
    held: Entitlement | None = await db.scalar(
        select(Entitlement)
        .where(Entitlement.id == right_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if held is None or (held.valid_until is not None and held.valid_until <= now):
        return False
    _tell(db, held, now)
    if held.valid_from >= now:
        await db.delete(held)
    else:
        held.valid_until = now
    await db.flush()
    return True


def _tell(db: AsyncSession, right: Entitlement, now: datetime) -> None:
    note_change(
        db,
        now=now,
        persons=[right.person_id] if right.person_id else [],
        accounts=[right.account_id] if right.account_id else [],
    )

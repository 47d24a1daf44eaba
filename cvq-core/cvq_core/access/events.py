"""What doors say of themselves: forced, held open, tampered with, without a line; kept as long as taps are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import PointEventKind
from cvq_core.access.tables import AccessPoint, PointEvent
from cvq_core.live.store import publish
from cvq_core.once import insert_once
from cvq_core.services.rules import ServiceCode

EVENTS_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class NewPointEvent:
    """What happened to a door; `id` is the device's own."""

    id: UUID
    point_id: UUID
    kind: PointEventKind
    happened_at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event with the name of its point."""

    event: PointEvent
    point: str


async def note_events(
    db: AsyncSession,
    events: Sequence[NewPointEvent],
    *,
    points: Collection[UUID],
    device_id: UUID | None,
    now: datetime,
) -> int:
    """Record events of `points`, each once, and return how many were new; pages that watch a point are told."""
    count = 0
    for event in events:
        if event.point_id not in points:
            continue
        new = await insert_once(
            db,
            PointEvent.__table__,
            {
                "id": event.id,
                "point_id": event.point_id,
                "kind": event.kind,
                # A clock that is ahead must not keep an event longer than the others.
                "happened_at": min(event.happened_at, now),
                "received_at": now,
                "device_id": device_id,
                "detail": event.detail,
            },
        )
        if new:
            count += 1
            publish(db, f"access_point:{event.point_id}", "event")
    return count


async def latest_events(
    db: AsyncSession, service: ServiceCode, *, since: datetime, limit: int = EVENTS_SHOWN_MAX
) -> list[ListedEvent]:
    """Return what the doors of a service said of themselves since an instant, the latest first."""
    rows = await db.execute(
        select(PointEvent, AccessPoint.label)
        .join(AccessPoint, AccessPoint.id == PointEvent.point_id)
        .where(AccessPoint.service_code == service, PointEvent.happened_at >= since)
        .order_by(PointEvent.happened_at.desc(), PointEvent.id)
        .limit(min(limit, EVENTS_SHOWN_MAX))
    )
    return [ListedEvent(event, label) for event, label in rows]

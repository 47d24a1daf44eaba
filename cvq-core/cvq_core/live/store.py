"""Writing live events in the transaction of the change, and reading what a page missed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import utc_now
from cvq_core.live.tables import LiveEvent, LiveTopic

PENDING = "cvq_live_events"
CHANNEL = "cvq_live"
EVENTS_MAX = 500
"""A page that missed more than this is told to start afresh."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as pages get it."""

    topic: str
    kind: str
    payload: dict[str, Any]
    sequence: int = 0


def publish(db: AsyncSession, topic: str, kind: str, payload: dict[str, Any] | None = None) -> None:
    """Note that `topic` changed; the event is written just before the commit, with its number."""
    db.info.setdefault(PENDING, []).append(Event(topic, kind, payload or {}))


async def flush_events(db: AsyncSession) -> None:
    """Number and write the pending events.

    Last in the transaction and in the order of their topics, so that a topic's row is locked for an instant and two
    transactions never wait for each other in a circle.
    """
    by_topic: dict[str, list[Event]] = defaultdict(list)
    for event in db.info.get(PENDING, []):
        by_topic[event.topic].append(event)
    now = utc_now()
    dialect = db.get_bind().dialect.name
    upsert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    rows: list[dict[str, Any]] = []
    for topic in sorted(by_topic):
        events = by_topic[topic]
        numbered = upsert(LiveTopic).values(topic=topic, last_sequence=len(events))
        last = await db.scalar(
            numbered.on_conflict_do_update(
                index_elements=[LiveTopic.topic],
                set_={"last_sequence": LiveTopic.last_sequence + len(events)},
            ).returning(LiveTopic.last_sequence)
        )
        assert last is not None
        rows += [
            {
                "topic": topic,
                "sequence": last - len(events) + place,
                "kind": event.kind,
                "payload": event.payload,
                "created_at": now,
            }
            for place, event in enumerate(events, start=1)
        ]
        if dialect == "postgresql":
            await db.execute(text("SELECT pg_notify(:channel, :topic)"), {"channel": CHANNEL, "topic": topic})
    if rows:
        await db.execute(insert(LiveEvent), rows)


def pending_topics(db: AsyncSession) -> frozenset[str]:
    """Return the topics that this transaction has written to."""
    return frozenset(event.topic for event in db.info.get(PENDING, []))


async def last_sequences(db: AsyncSession, topics: Sequence[str]) -> dict[str, int]:
    """Return each topic's newest number, 0 where nothing ever happened."""
    rows = await db.execute(select(LiveTopic.topic, LiveTopic.last_sequence).where(LiveTopic.topic.in_(topics)))
    known: dict[str, int] = {topic: last for topic, last in rows}  # noqa: C416 - rows are no pairs for mypy
    return {topic: known.get(topic, 0) for topic in topics}


async def events_since(db: AsyncSession, topic: str, since: int) -> tuple[list[Event], bool]:
    """Return the events of `topic` after number `since`, oldest first, and whether some of them are gone.

    They are gone when they were purged, or when there are more than `EVENTS_MAX`: the page then loads afresh.
    """
    # First the number, then the events: one committed in between is found, and never taken for one that is gone.
    last = (await last_sequences(db, [topic]))[topic]
    found = (
        await db.scalars(
            select(LiveEvent)
            .where(LiveEvent.topic == topic, LiveEvent.sequence > since)
            .order_by(LiveEvent.sequence)
            .limit(EVENTS_MAX + 1)
        )
    ).all()
    events = [Event(row.topic, row.kind, row.payload, row.sequence) for row in found]
    if events:
        return events[:EVENTS_MAX], len(events) > EVENTS_MAX or events[0].sequence != since + 1
    return [], last != since


async def purge_events(db: AsyncSession, now: datetime, *, older_than: timedelta = timedelta(days=1)) -> int:
    """Delete old events; return how many."""
    before = now - older_than
    count = await db.scalar(select(func.count()).select_from(LiveEvent).where(LiveEvent.created_at < before))
    await db.execute(delete(LiveEvent).where(LiveEvent.created_at < before))
    return count or 0

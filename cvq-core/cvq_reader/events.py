"""What doors, readers and this machine tell of themselves: on disk as soon as it can be, gone once the core has it."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from cvq_core.access.facts import PointEventKind
from cvq_core.controllers.wire import ReaderState
from cvq_core.ids import new_id
from cvq_reader.queue import TapQueue
from cvq_reader.steady import seconds_since_boot

log = structlog.get_logger(__name__)

MEMORY_MAX = 1000
SAID_ONCE_IN_S = 10.0
"""A loose contact says the same hundreds of times a minute: once in so long is enough."""
_MISSING = "missing_readers"
_STATES = frozenset({PointEventKind.READER_OFFLINE, PointEventKind.READER_ONLINE, PointEventKind.WRONG_KEY})


@dataclass(frozen=True, slots=True)
class PointEvent:
    """One thing that happened at a point; `id` is the key of a repetition."""

    id: UUID
    point_id: UUID
    kind: PointEventKind
    at: datetime
    detail: str = ""


class PointEvents:
    """The events that the core does not have yet. `note` never waits: what is noted is written down right after."""

    def __init__(
        self,
        queue: TapQueue,
        now: Callable[[], datetime],
        *,
        silent_after_s: float,
        steady: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self._queue = queue
        self._now = now
        self._silent_after_s = silent_after_s
        self._steady = steady
        self._fresh: OrderedDict[UUID, PointEvent] = OrderedDict()
        self._last: dict[tuple[UUID, PointEventKind], float] = {}
        self._away_since: dict[str, float] = {}
        self._missing: dict[str, PointEventKind] = {}
        self._is_remembered = True
        self.on_noted: Callable[[], None] = lambda: None
        """Called when there is something to send."""

    async def start(self) -> None:
        """Remember which readers were missing when this machine was last heard of."""
        kept = await self._queue.recall(_MISSING)
        self._missing = {name: PointEventKind(kind) for name, kind in json.loads(kept).items()} if kept else {}

    def note(self, point_id: UUID, kind: PointEventKind, detail: str = "", *, event_id: UUID | None = None) -> None:
        """Note what happened now; the same at the same point is said once in a while."""
        instant, last = self._steady(), self._last.get((point_id, kind))
        if kind not in _STATES and last is not None and instant - last < SAID_ONCE_IN_S:
            return
        self._last[point_id, kind] = instant
        event = PointEvent(event_id or new_id(), point_id, kind, self._now(), detail)
        log.warning("point_event", kind=kind.value, point=str(point_id), detail=detail)
        self._fresh[event.id] = event
        if len(self._fresh) > MEMORY_MAX:
            self._fresh.popitem(last=False)
        self.on_noted()

    def look_at(self, readers: Iterable[ReaderState]) -> None:
        """Tell of readers that have gone and of those that are back; those on the network speak when they are used."""
        now = self._steady()
        for reader in readers:
            if reader.kind == "http":
                continue
            name = f"{reader.point_id} {reader.name}"
            if reader.online:
                self._away_since.pop(name, None)
                if self._missing.pop(name, None) is not None:
                    self._is_remembered = False
                    self.note(reader.point_id, PointEventKind.READER_ONLINE, reader.name)
                continue
            kind = PointEventKind.WRONG_KEY if reader.answers else PointEventKind.READER_OFFLINE
            away_s = now - self._away_since.setdefault(name, now)
            if away_s >= self._silent_after_s and self._missing.get(name) is not kind:
                self._missing[name] = kind
                self._is_remembered = False
                self.note(reader.point_id, kind, reader.name)

    async def write_down(self) -> None:
        """Put what is only in memory on disk, as far as the disk takes it."""
        fresh = list(self._fresh.values())
        if fresh:
            try:
                await self._queue.keep_events([_row(event) for event in fresh])
            except sqlite3.Error as error:
                log.error("events_stay_in_memory", error=str(error))
                return
            for event in fresh:
                self._fresh.pop(event.id, None)
        if not self._is_remembered:
            self._is_remembered = True
            await self._queue.remember(**{_MISSING: json.dumps(self._missing)})

    async def waiting(self, limit: int) -> list[PointEvent]:
        """Return some events that the core does not have, the oldest first."""
        await self.write_down()
        found = dict(self._fresh)
        found |= {event.id: event for event in map(_event, await self._queue.events(limit))}
        return sorted(found.values(), key=lambda event: (event.at, event.id))[:limit]

    async def sent(self, ids: Sequence[UUID]) -> None:
        """Forget what the core has."""
        for event_id in ids:
            self._fresh.pop(event_id, None)
        await self._queue.drop_events([str(each) for each in ids])


def _row(event: PointEvent) -> tuple[str, ...]:
    return str(event.id), str(event.point_id), event.kind.value, event.at.isoformat(), event.detail


def _event(row: Sequence[str]) -> PointEvent:
    event_id, point_id, kind, at, detail = row
    return PointEvent(UUID(event_id), UUID(point_id), PointEventKind(kind), datetime.fromisoformat(at), detail)

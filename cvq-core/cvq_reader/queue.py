"""Taps that the core does not have yet, on this machine's disk: there before a door opens, gone once the core has them.

    asked ─► answered (by the core, on line) ─┐
      └────► decided (here) ─► sent ──────────┴─► gone, once the list holds what the tap took
                 └─────▲► refused (by the core), and sent again with the next list

A tap is written before anybody is asked and again when it is decided, each time with FULL synchronisation. What a power
cut leaves as "asked" is sent as interrupted: whether the door opened is not known, and the core's answer may have come.
While the disk takes nothing, taps stay in memory up to a bound, are decided all the same, and `full` says so.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import structlog
from pydantic import TypeAdapter

from cvq_core.access.facts import Assurance
from cvq_reader.deciding import NOTHING, Taken

log = structlog.get_logger(__name__)

INTERRUPTED = "interrupted"
_TAKEN = TypeAdapter(Taken)
_TABLES = """
CREATE TABLE IF NOT EXISTS tap (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, point_id TEXT NOT NULL, uid TEXT, person_id TEXT, at TEXT NOT NULL,
  sure INTEGER NOT NULL, assurance TEXT NOT NULL, allowed INTEGER, reason TEXT, display TEXT,
  list_made_at TEXT, taken TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS tap_state ON tap (state, at);
CREATE TABLE IF NOT EXISTS event (
  id TEXT PRIMARY KEY, point_id TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS known (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
EVENTS_MAX = 5000
"""What doors tell of themselves: beyond so many, the oldest go."""
T = TypeVar("T")


class State(StrEnum):
    """Where a tap is on its way to the core."""

    ASKED = "asked"
    ANSWERED = "answered"
    DECIDED = "decided"
    SENT = "sent"
    REFUSED = "refused"


_NOT_AT_THE_CORE = (State.ASKED, State.DECIDED, State.REFUSED)


@dataclass(frozen=True, slots=True)
class QueuedTap:
    """One tap. `uid` is forgotten as soon as the core has it; `taken` counts until the list says it too."""

    id: UUID
    state: State
    point_id: UUID
    at: datetime
    sure: bool
    uid: str | None = None
    person_id: UUID | None = None
    assurance: Assurance = Assurance.UID
    allowed: bool | None = None
    reason: str | None = None
    display: str | None = None
    list_made_at: datetime | None = None
    taken: Taken = NOTHING


class TapQueue:
    """The taps that are on their way; `start` first. A thread of its own writes, so that a slow disk blocks nobody."""

    def __init__(self, file: Path, *, memory_max: int) -> None:
        self._file = file
        self._memory_max = memory_max
        self._memory: OrderedDict[UUID, QueuedTap] = OrderedDict()
        self._gone: set[UUID] = set()
        """Taps that are to be deleted as soon as the disk lets us."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue")
        self._base: sqlite3.Connection | None = None
        self.full = False
        self.lost = 0
        """Taps that neither disk nor memory could hold."""

    async def start(self) -> list[QueuedTap]:
        """Open the queue; return all that is in it, what a power cut left undecided being interrupted now.

        Raises:
            sqlite3.Error: the file cannot be opened at all.
        """
        return await self._run(self._open)

    async def close(self) -> None:
        """Close it."""
        await self._run(self._shut)
        self._thread.shutdown()

    async def put(self, tap: QueuedTap) -> bool:
        """Write a tap down, new or further on its way; return whether it is on disk."""
        try:
            await self._run(lambda: self._write([tap]))
        except sqlite3.Error as error:
            self._keep_in_memory(tap, error)
            return False
        self._memory.pop(tap.id, None)
        return True

    async def settle(self, done: Iterable[QueuedTap]) -> bool:
        """Note that the core has some taps: their numbers are forgotten. Return whether the disk knows it."""
        return await self._move([replace(tap, uid=None) for tap in done])

    async def refuse(self, taps: Iterable[QueuedTap]) -> bool:
        """Note that the core does not take some taps: they wait for `try_again`, or for the next start."""
        return await self._move([replace(tap, state=State.REFUSED) for tap in taps])

    async def try_again(self) -> bool:
        """Have what the core refused sent once more; return whether there is some.

        Raises:
            sqlite3.Error: the disk cannot be read.
        """
        refused = await self.waiting(State.REFUSED, self._memory_max)
        await self._move([replace(tap, state=State.DECIDED) for tap in refused])
        return bool(refused)

    async def _move(self, rows: list[QueuedTap]) -> bool:
        for tap in rows:
            if tap.id in self._memory:
                self._memory[tap.id] = tap
        return await self._try(lambda: self._write(rows))

    async def forget(self, ids: Iterable[UUID]) -> None:
        """Drop taps whose effects the list has."""
        gone = set(ids)
        for tap_id in gone:
            self._memory.pop(tap_id, None)
        if not await self._try(lambda: self._delete(gone)):
            self._gone |= gone

    async def waiting(self, state: State, limit: int) -> list[QueuedTap]:
        """Return some taps in a state, the oldest first."""
        held = [tap for tap in self._memory.values() if tap.state is state]
        on_disk = await self._run(lambda: self._read(state, limit)) if self._base is not None else []
        found = {tap.id: tap for tap in on_disk if tap.id not in self._memory and tap.id not in self._gone}
        found |= {tap.id: tap for tap in held}
        return sorted(found.values(), key=lambda tap: (tap.at, tap.id))[:limit]

    async def count(self, *states: State) -> tuple[int, datetime | None]:
        """Return how many taps are in some states, all that the core does not have if none is named; and the oldest.

        Raises:
            sqlite3.Error: the disk cannot be read.
        """
        among = states or _NOT_AT_THE_CORE
        number, oldest = await self._run(lambda: self._count(among))
        held = [tap for tap in self._memory.values() if tap.state in among]
        hours = [tap.at for tap in held] + ([oldest] if oldest else [])
        return number + len(held), min(hours, default=None)

    async def keep_events(self, rows: Sequence[Sequence[str]]) -> None:
        """Write events of points down, as `cvq_reader.events` has them.

        Raises:
            sqlite3.Error: the disk does not take them.
        """
        await self._run(lambda: self._write_events(rows))

    async def events(self, limit: int) -> list[Sequence[str]]:
        """Return some events, the oldest first."""
        query = "SELECT id, point_id, kind, at, detail FROM event ORDER BY at, id LIMIT ?"
        return await self._run(lambda: self._connection().execute(query, (limit,)).fetchall())

    async def drop_events(self, ids: Sequence[str]) -> None:
        """Forget events; one that the disk does not let go is sent again, and known there by its id."""
        rows = [(each,) for each in ids]
        await self._try(lambda: self._connection().executemany("DELETE FROM event WHERE id = ?", rows))

    async def remember(self, **values: str) -> None:
        """Keep some words beside the taps, if the disk lets us."""
        await self._try(lambda: self._keep_words(values))

    async def recall(self, name: str) -> str | None:
        """Return a word that was kept."""
        return await self._run(lambda: self._word(name))

    async def flush(self) -> None:
        """Try to write down what had to stay in memory."""
        if not self._memory and not self._gone:
            self.full = False
            return
        rows, gone = list(self._memory.values()), set(self._gone)
        if not (await self._try(lambda: self._write(rows)) and await self._try(lambda: self._delete(gone))):
            return
        for tap in rows:
            if self._memory.get(tap.id) is tap:
                del self._memory[tap.id]
        self._gone -= gone
        self.full = bool(self._memory)
        if not self.full:
            log.warning("the disk takes taps again", taps=len(rows))

    def _keep_in_memory(self, tap: QueuedTap, error: sqlite3.Error) -> None:
        if not self.full:
            log.error("the disk takes no taps, they stay in memory", error=str(error))
        self.full = True
        self._memory[tap.id] = tap
        if len(self._memory) > self._memory_max:
            # What was refused matters least, then what is oldest.
            refused = next((each.id for each in self._memory.values() if each.allowed is False), None)
            self._memory.pop(refused or next(iter(self._memory)))
            self.lost += 1
            log.error("a tap is lost: neither disk nor memory can hold it", lost=self.lost)

    async def _try(self, work: Callable[[], Any]) -> bool:
        try:
            await self._run(work)
        except sqlite3.Error as error:
            if not self.full:
                log.error("the disk takes nothing", error=str(error))
            self.full = True
            return False
        return True

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # From here on, in the queue's own thread.

    def _open(self) -> list[QueuedTap]:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        base = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        self._file.chmod(0o600)
        # What is deleted holds card numbers: it is overwritten.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=5000"):
            base.execute(f"PRAGMA {pragma}")
        base.executescript(_TABLES)
        base.execute(
            "UPDATE tap SET state = ?, allowed = 0, reason = ?, display = '' WHERE state = ?",
            (State.DECIDED, INTERRUPTED, State.ASKED),
        )
        base.execute("UPDATE tap SET state = ? WHERE state = ?", (State.DECIDED, State.REFUSED))
        self._base = base
        return [_tap(row) for row in base.execute("SELECT * FROM tap ORDER BY at")]

    def _shut(self) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None

    def _write(self, taps: Sequence[QueuedTap]) -> None:
        base = self._connection()
        rows = [_row(tap) for tap in taps]
        base.execute("BEGIN IMMEDIATE")
        try:
            base.executemany(f"INSERT OR REPLACE INTO tap VALUES ({', '.join('?' * 13)})", rows)  # noqa: S608 - marks
            base.execute("COMMIT")
        except sqlite3.Error:
            _roll_back(base)
            raise

    def _delete(self, ids: Iterable[UUID]) -> None:
        base = self._connection()
        base.execute("BEGIN IMMEDIATE")
        try:
            base.executemany("DELETE FROM tap WHERE id = ?", [(str(each),) for each in ids])
            base.execute("COMMIT")
        except sqlite3.Error:
            _roll_back(base)
            raise

    def _read(self, state: State, limit: int) -> list[QueuedTap]:
        rows = self._connection().execute("SELECT * FROM tap WHERE state = ? ORDER BY at, id LIMIT ?", (state, limit))
        return [_tap(row) for row in rows]

    def _write_events(self, rows: Sequence[Sequence[str]]) -> None:
        base = self._connection()
        base.execute("BEGIN IMMEDIATE")
        try:
            base.executemany("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)", rows)
            base.execute(
                "DELETE FROM event WHERE id NOT IN (SELECT id FROM event ORDER BY at DESC, id LIMIT ?)", (EVENTS_MAX,)
            )
            base.execute("COMMIT")
        except sqlite3.Error:
            _roll_back(base)
            raise

    def _count(self, states: Sequence[State]) -> tuple[int, datetime | None]:
        counted = "SELECT count(*), min(at) FROM tap WHERE state = ?"
        found = [self._connection().execute(counted, (state,)).fetchone() for state in states]
        oldest = min((at for _, at in found if at), default=None)
        return sum(number for number, _ in found), datetime.fromisoformat(oldest) if oldest else None

    def _keep_words(self, values: dict[str, str]) -> None:
        self._connection().executemany("INSERT OR REPLACE INTO known VALUES (?, ?)", list(values.items()))

    def _word(self, name: str) -> str | None:
        row = self._connection().execute("SELECT value FROM known WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def _connection(self) -> sqlite3.Connection:
        if self._base is None:
            raise sqlite3.OperationalError("the queue is closed")
        return self._base


def _roll_back(base: sqlite3.Connection) -> None:
    if base.in_transaction:
        base.execute("ROLLBACK")


def _row(tap: QueuedTap) -> tuple[Any, ...]:
    return (
        str(tap.id),
        tap.state.value,
        str(tap.point_id),
        tap.uid,
        str(tap.person_id) if tap.person_id else None,
        tap.at.isoformat(),
        int(tap.sure),
        tap.assurance.value,
        None if tap.allowed is None else int(tap.allowed),
        tap.reason,
        tap.display,
        tap.list_made_at.isoformat() if tap.list_made_at else None,
        _TAKEN.dump_json(tap.taken).decode(),
    )


def _tap(row: Sequence[Any]) -> QueuedTap:
    tap_id, state, point_id, uid, person_id, at, sure, assurance, allowed, reason, display, made, taken = row
    return QueuedTap(
        UUID(tap_id),
        State(state),
        UUID(point_id),
        datetime.fromisoformat(at),
        bool(sure),
        uid,
        UUID(person_id) if person_id else None,
        Assurance(assurance),
        None if allowed is None else bool(allowed),
        reason,
        display,
        datetime.fromisoformat(made) if made else None,
        _TAKEN.validate_json(taken),
    )

"""The booth's card reader: who laid which card, when it was taken away, and whether there is a reader at all.

Two threads block in PC/SC and only report facts: one waits for changes, one exchanges the few bytes with the card, so
that a card which never answers cannot hide that it was taken away. What the facts mean is decided in one place, on the
event loop. A card that trembles in its field comes and goes several times a second: it counts as taken away only once
it stayed away for `SETTLE_S`.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from cvq_core.devices.pcsc import Context, ReaderState, ServiceGone, Unreadable
from cvq_desk.wire import CardGone, CardSeen, DeviceName, DeviceStatus

SETTLE_S = 0.8
"""Longer than pcscd takes to look twice at a reader that does not report by itself (0.4 s each)."""

READ_TIMEOUT_S = 3.0
"""A card that gave no identifier by then is told as unreadable; should it answer later, it counts."""

READ_ATTEMPTS = 3
READ_PAUSE_S = 0.1
"""A card is still moving when it is first noticed, so that one failed reading says little."""

WAIT_MS = 2_000
"""Longest wait in SCardGetStatusChange: a change that slipped through is noticed after this."""

RETRY_S = 1.0
"""How often to look for pcscd while it is not there."""

CLOSE_TIMEOUT_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CardUnreadable:
    """A card lies on the reader that cannot be read; `reason` is for the log, not for the resident."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ReaderMissing:
    """There is no reader any more, or no pcscd to ask."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ReaderBack:
    """There is a reader; told once at the start, too."""

    at: datetime


CardEvent = CardSeen | CardGone | CardUnreadable | ReaderMissing | ReaderBack


@dataclass(frozen=True, slots=True)
class _Reader:
    """Fact: the reader in use, None for none."""

    name: str | None


@dataclass(frozen=True, slots=True)
class _Present:
    """Fact: a card came; `turn` numbers the comings, so that a late answer is not taken for the next card's."""

    turn: int


@dataclass(frozen=True, slots=True)
class _Absent:
    """Fact: no card lies there."""


@dataclass(frozen=True, slots=True)
class _Read:
    """Fact: what the card of a `turn` answered."""

    turn: int
    uid: str | None
    reason: str = ""


_Fact = _Reader | _Present | _Absent | _Read


class CardReader:
    """A PC/SC card reader, by name or by a part of it; any contactless one without a name.

    A card must be away for `settle_s` to count as taken away, and give its identifier within `read_timeout_s`.
    """

    def __init__(
        self, reader_name: str | None = None, *, settle_s: float = SETTLE_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        self._wanted = reader_name
        self._settle_s = settle_s
        self._read_timeout_s = read_timeout_s
        self._table = CardTable()

    def status(self) -> DeviceStatus:
        """Return the reader's state: ready, missing, or in trouble with `card_unreadable` on it."""
        table = self._table
        if table.reader is None:
            return DeviceStatus(device=DeviceName.CARD_READER, state="missing")
        if table.unreadable:
            return DeviceStatus(
                device=DeviceName.CARD_READER, state="trouble", trouble="card_unreadable", detail=table.reader
            )
        return DeviceStatus(device=DeviceName.CARD_READER, state="ready", detail=table.reader)

    async def events(self) -> AsyncGenerator[CardEvent, None]:
        """Yield what happens on the reader, for ever; closing the iterator ends both threads.

        The first event tells whether there is a reader. A card that lies there already is seen. Call it once at a time.
        """
        facts: asyncio.Queue[_Fact] = asyncio.Queue()
        watcher = _Watcher(asyncio.get_running_loop(), facts.put_nowait, self._wanted)
        self._table = table = CardTable(settle_s=self._settle_s, read_timeout_s=self._read_timeout_s)
        watcher.start()
        try:
            while True:
                fact = await _next_fact(facts, table.due())
                now = asyncio.get_running_loop().time()
                for event in table.learn(fact, now) if fact else table.tick(now):
                    yield event
        finally:
            await watcher.close()
            self._table = CardTable()


async def _next_fact(facts: asyncio.Queue[_Fact], due: float | None) -> _Fact | None:
    """Wait for a fact, or until `due` on the loop's clock."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(due):
            return await facts.get()
    return None


class CardTable:
    """What the facts mean: the rules of settling, swapping and late answers, without threads; `clock` dates events."""

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        settle_s: float = SETTLE_S,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._clock = clock
        self._settle_s = settle_s
        self._read_timeout_s = read_timeout_s
        self.reader: str | None = None
        self.unreadable = False
        self._told = False
        self._laid: str | None = None
        self._turn: int | None = None
        self._gone_at: float | None = None
        self._answer_by: float | None = None

    def due(self) -> float | None:
        """Return when `tick` wants to be called, None for never."""
        return min((at for at in (self._gone_at, self._answer_by) if at is not None), default=None)

    def learn(self, fact: _Fact, now: float) -> list[CardEvent]:
        """Take in a fact that became known at `now` (seconds) and return what it means."""
        match fact:
            case _Reader(name):
                return self._change_reader(name)
            case _Present(turn):
                self._turn, self._answer_by = turn, now + self._read_timeout_s
                return []
            case _Absent():
                return self._lift(now)
            case _Read(turn, uid, reason) if turn == self._turn:
                return self._refuse(reason) if uid is None else self._see(uid)
            case _:
                return []

    def tick(self, now: float) -> list[CardEvent]:
        """Let time pass: a card stayed away, or did not answer."""
        events: list[CardEvent] = []
        if self._gone_at is not None and now >= self._gone_at:
            events += self._take_away()
        if self._answer_by is not None and now >= self._answer_by:
            events += self._refuse("the card does not answer")
        return events

    def _change_reader(self, name: str | None) -> list[CardEvent]:
        if self._told and name == self.reader:
            return []
        events = self._take_away()
        self._told, self.reader, self._turn, self._answer_by = True, name, None, None
        return [*events, ReaderMissing(self._clock()) if name is None else ReaderBack(self._clock())]

    def _lift(self, now: float) -> list[CardEvent]:
        self._turn = self._answer_by = None
        if self.unreadable:
            return self._take_away()
        if self._laid is not None and self._gone_at is None:
            self._gone_at = now + self._settle_s
        return []

    def _see(self, uid: str) -> list[CardEvent]:
        self._answer_by = None
        if uid == self._laid:
            self._gone_at = None
            return []
        events = self._take_away() if self._laid or self.unreadable else []
        self._laid = uid
        return [*events, CardSeen(uid=uid, at=self._clock())]

    def _refuse(self, reason: str) -> list[CardEvent]:
        self._answer_by = None
        if self.unreadable:
            return []
        events = self._take_away()
        self.unreadable = True
        return [*events, CardUnreadable(self._clock(), reason)]

    def _take_away(self) -> list[CardEvent]:
        lay_there = self._laid is not None or self.unreadable
        self._laid, self._gone_at, self.unreadable = None, None, False
        return [CardGone(at=self._clock())] if lay_there else []


class _Watcher:
    """The two threads and their end. They are daemons: a reader that hangs cannot keep the agent from stopping."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[_Fact], None], wanted: str | None) -> None:
        self._loop = loop
        self._tell_loop = tell
        self._wanted = wanted
        self._closing = threading.Event()
        self._waiting: Context | None = None
        self._orders: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._watch, name="card-watch", daemon=True),
            threading.Thread(target=self._read, name="card-read", daemon=True),
        ]
        self._turn = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    async def close(self) -> None:
        """Wake and end both threads; a thread that a dead card holds back is left behind, as a daemon."""
        self._closing.set()
        self._orders.put(None)
        deadline = self._loop.time() + CLOSE_TIMEOUT_S
        while any(thread.is_alive() for thread in self._threads) and self._loop.time() < deadline:
            # A cancellation that comes just before the wait begins is lost, hence the repetition.
            if waiting := self._waiting:
                waiting.cancel()
            await asyncio.sleep(0.02)
        if held := [thread.name for thread in self._threads if thread.is_alive()]:
            log.warning("card reader threads left behind", threads=held)

    def _tell(self, fact: _Fact) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before this thread
            self._loop.call_soon_threadsafe(self._tell_loop, fact)

    def _watch(self) -> None:
        told = False
        while not self._closing.is_set():
            try:
                with Context() as context:
                    self._waiting, told = context, False
                    self._watch_readers(context)
            except ServiceGone as error:
                if not told:
                    log.warning("card reader service is missing", reason=str(error))
                told = True
                self._tell(_Reader(None))
                self._closing.wait(RETRY_S)
            finally:
                self._waiting = None

    def _watch_readers(self, context: Context) -> None:
        reader, state = None, ReaderState()
        while not self._closing.is_set():
            found = choose_reader(context.readers(), self._wanted)
            if found != reader or found is None:
                self._tell(_Reader(found))
                reader, state = found, ReaderState()
            changed = context.wait(reader, state, WAIT_MS)
            if changed is None:
                continue
            if changed.known and reader is not None:
                self._tell_change(reader, state, changed)
            state = changed

    def _tell_change(self, reader: str, before: ReaderState, after: ReaderState) -> None:
        came_or_went = after.event_count != before.event_count or after.card_present != before.card_present
        if not came_or_went:
            return
        if not after.card_present or before.card_present:
            self._tell(_Absent())
        if after.card_present:
            self._turn += 1
            self._tell(_Present(self._turn))
            self._orders.put((self._turn, reader))

    def _read(self) -> None:
        while (order := self._orders.get()) is not None and not self._closing.is_set():
            turn, reader = order
            if turn == self._turn:
                self._tell(self._read_card(turn, reader))

    def _read_card(self, turn: int, reader: str) -> _Read:
        reason = ""
        for attempt in range(READ_ATTEMPTS):
            if attempt and (self._closing.wait(READ_PAUSE_S) or turn != self._turn):
                break
            try:
                with Context() as context:
                    return _Read(turn, context.read_uid(reader))
            except (Unreadable, ServiceGone) as error:
                reason = str(error)
        return _Read(turn, None, reason)


def choose_reader(names: list[str], wanted: str | None) -> str | None:
    """Return the reader to use among PC/SC's names.

    A reader with several faces lists each: the contactless one is preferred, the slot of its security module is none.
    """
    if wanted is not None:
        exact = [name for name in names if name == wanted]
        return next(iter(exact or [name for name in names if wanted in name]), None)
    candidates = [name for name in names if "SAM" not in name.upper().split()]
    contactless = [name for name in candidates if any(word in name.upper() for word in ("PICC", "CONTACTLESS", " CL "))]
    return next(iter(contactless or candidates), None)

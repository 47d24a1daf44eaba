"""A card reader at this machine, through PC/SC: whoever lays a card on it is answered once for each time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from cvq_core.cards.rules import BadCardUid, card_uid
from cvq_core.controllers.wire import ReaderState
from cvq_core.devices.pcsc import Context, ServiceGone, Unreadable
from cvq_core.devices.pcsc import ReaderState as SlotState
from cvq_reader.doors import Doors
from cvq_reader.relays import ProgramRelay
from cvq_reader.settings import PcscReader

log = structlog.get_logger(__name__)

WAIT_MS = 1000
RETRY_S = 1.0


def names() -> list[str]:
    """Return the card readers of this machine; none where there is no pcscd."""
    try:
        with Context() as context:
            return context.readers()
    except ServiceGone:
        return []


class PcscMachine:
    """One reader: a thread blocks in PC/SC and tells each card once, when it is laid there."""

    def __init__(self, reader: PcscReader, doors: Doors) -> None:
        self._reader = reader
        self._doors = doors
        self._closing = threading.Event()
        self._name: str | None = None
        self._last_seen: datetime | None = None

    async def run(self) -> None:
        """Serve it until cancelled; a reader that is not there is looked for again and again."""
        loop = asyncio.get_running_loop()
        cards: asyncio.Queue[str] = asyncio.Queue(maxsize=16)

        def tell(uid: str) -> None:
            loop.call_soon_threadsafe(lay, uid)

        def lay(uid: str) -> None:
            # Nobody lays sixteen cards in the time of one answer.
            if not cards.full():
                cards.put_nowait(uid)

        # A daemon: a reader that hangs cannot keep the controller from stopping.
        threading.Thread(target=self._watch, args=(tell,), name="pcsc", daemon=True).start()
        try:
            while True:
                await self._tap(await cards.get())
        finally:
            self._closing.set()

    def states(self) -> list[ReaderState]:
        """Tell how it is."""
        point_id = self._doors.point_named(self._reader.point)
        if point_id is None:
            return []
        seen = self._last_seen
        return [ReaderState(point_id=point_id, kind="pcsc", online=self._name is not None, last_seen_at=seen)]

    async def _tap(self, uid: str) -> None:
        point_id = self._doors.point_named(self._reader.point)
        if point_id is None:
            log.warning("pcsc_card_passed_over", point=self._reader.point)
            return
        answer = await self._doors.present(point_id, uid=uid)
        log.info("pcsc_tap", point=self._reader.point, allowed=answer.allowed, reason=answer.reason)
        relay = self._reader.relay
        if answer.allowed and relay is not None:
            await ProgramRelay(relay.command, relay.seconds).open()

    # From here on, in the reader's thread.

    def _watch(self, tell: Callable[[str], None]) -> None:
        while not self._closing.is_set():
            try:
                with Context() as context:
                    self._serve(context, tell)
            except ServiceGone as error:
                if self._name is not None:
                    log.warning("pcsc_gone", reason=str(error))
            self._name = None
            self._closing.wait(RETRY_S)

    def _serve(self, context: Context, tell: Callable[[str], None]) -> None:
        state, lay_there, turns = SlotState(), False, -1
        while not self._closing.is_set():
            if self._name is None:
                self._name = next((name for name in context.readers() if self._reader.name in name), None)
                state, lay_there = SlotState(), False
            found = context.wait(self._name, state, WAIT_MS)
            if self._name is None or found is None:
                # Time went by, or readers came or went: is ours still there?
                self._name = self._name if self._name in context.readers() else None
                continue
            state, self._last_seen = found, datetime.now(UTC)
            if not found.known:
                self._name = None
            elif found.card_present and (not lay_there or found.event_count != turns):
                self._read(context, tell)
            lay_there, turns = found.card_present, found.event_count

    def _read(self, context: Context, tell: Callable[[str], None]) -> None:
        assert self._name is not None
        try:
            tell(card_uid(context.read_uid(self._name)))
        except (Unreadable, BadCardUid) as error:
            log.info("pcsc_unreadable", reason=str(error))

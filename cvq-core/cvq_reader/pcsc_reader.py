"""A card reader at this machine, through PC/SC: whoever lays a card on it is answered once for each time.

Where the point asks for more than a card's number, its signed record is read, and with the line the card proves itself
to the core: this machine carries the messages and learns no key.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import structlog

from cvq_core.access.facts import Assurance
from cvq_core.cards.rules import BadCardUid, card_uid
from cvq_core.controllers.wire import READER_NAME_MAX, ReaderState
from cvq_core.devices.line import ServerRefused, ServerUnreachable
from cvq_core.devices.pcsc import GET_UID, Context, ServiceGone, Unreadable, uid_of
from cvq_core.devices.pcsc import ReaderState as SlotState
from cvq_core.ids import new_id
from cvq_reader.core import Core, Dialogue
from cvq_reader.doors import Answer, Doors
from cvq_reader.relays import ProgramRelay
from cvq_reader.settings import PcscReader

log = structlog.get_logger(__name__)

WAIT_MS = 1000
RETRY_S = 1.0
STEPS_MAX = 20
SELECT_RECORD = bytes.fromhex("905A00000310C7F400")
READ_RECORD = bytes.fromhex("90AD000007010000006B000000")
_GOOD, _MORE = b"\x91\x00", b"\x91\xaf"
Say = Callable[[bytes], bytes]
T = TypeVar("T")


def names() -> list[str]:
    """Return the card readers of this machine; none where there is no pcscd."""
    try:
        with Context() as context:
            return context.readers()
    except ServiceGone:
        return []


class PcscMachine:
    """One reader: a thread blocks in PC/SC and tells when a card is laid there; another one talks with the card."""

    def __init__(self, reader: PcscReader, doors: Doors, core: Core) -> None:
        self._reader = reader
        self._doors = doors
        self._core = core
        self._closing = threading.Event()
        self._name: str | None = None
        self._last_seen: datetime | None = None
        self._talking = ThreadPoolExecutor(1, thread_name_prefix="card")

    async def run(self) -> None:
        """Serve it until cancelled; a reader that is not there is looked for again and again."""
        loop = asyncio.get_running_loop()
        cards: asyncio.Queue[str] = asyncio.Queue(maxsize=1)

        def lay(name: str) -> None:
            # Whoever lays a second card while the first is being read lays it again.
            if not cards.full():
                cards.put_nowait(name)

        # A daemon: a reader that hangs cannot keep the controller from stopping.
        threading.Thread(
            target=self._watch, args=(lambda name: loop.call_soon_threadsafe(lay, name),), name="pcsc", daemon=True
        ).start()
        try:
            while True:
                name = await cards.get()
                try:
                    await self._serve_card(name)
                except (Unreadable, ServiceGone, BadCardUid) as error:
                    log.info("pcsc_unreadable", reason=str(error))
        finally:
            self._closing.set()
            self._talking.shutdown(wait=False, cancel_futures=True)

    def states(self) -> list[ReaderState]:
        """Tell how it is."""
        point_id = self._doors.point_named(self._reader.point)
        if point_id is None:
            return []
        seen = self._last_seen
        name = f"PC/SC {self._reader.name}".strip()[:READER_NAME_MAX]
        online = self._name is not None
        return [ReaderState(point_id=point_id, name=name, kind="pcsc", online=online, last_seen_at=seen)]

    async def _serve_card(self, name: str) -> None:
        point_id = self._doors.point_named(self._reader.point)
        point = self._doors.point(point_id) if point_id is not None else None
        if point_id is None or point is None:
            log.warning("pcsc_card_passed_over", point=self._reader.point)
            return
        with ExitStack() as stack:
            context = stack.enter_context(await self._apart(Context))
            say = stack.enter_context(await self._apart(partial(context.card, name))).transmit
            uid = card_uid(uid_of(await self._apart(partial(say, bytes(GET_UID)))))
            assurance = Assurance.UID
            if point.assurance is not Assurance.UID:
                assurance = self._doors.assurance_of(uid, await self._apart(partial(_record, say)))
            if point.assurance is Assurance.AUTHENTICATED and await self._proves_itself(uid, say):
                assurance = Assurance.AUTHENTICATED
        answer = await self._doors.present(point_id, uid=uid, assurance=assurance)
        await self._act(answer)

    async def _proves_itself(self, uid: str, say: Say) -> bool:
        """Carry messages between the core and the card; without the core no card can prove itself."""
        if not self._core.is_quick:
            return False
        proof_id = new_id()
        try:
            step = await self._core.prove("", {"id": str(proof_id), "card_uid": uid})
            for _ in range(STEPS_MAX):
                if not step.commands:
                    break
                answers = await self._apart(partial(_carry, say, step))
                body = {"step": step.step + 1, "answers": [each.hex() for each in answers]}
                step = await self._core.prove(f"/{proof_id}/answers", body)
        except (ServerUnreachable, ServerRefused) as error:
            log.warning("pcsc_no_proof", reason=str(error))
            return False
        return step.proof is not None and not step.refused

    async def _act(self, answer: Answer) -> None:
        log.info("pcsc_tap", point=self._reader.point, allowed=answer.allowed, reason=answer.reason)
        relay = self._reader.relay
        if answer.allowed and relay is not None:
            await ProgramRelay(relay.command, relay.seconds).open()

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._talking, work)

    # From here on, in the thread that waits.

    def _watch(self, tell: Callable[[str], None]) -> None:
        while not self._closing.is_set():
            try:
                with Context() as context:
                    self._wait_for_cards(context, tell)
            except ServiceGone as error:
                if self._name is not None:
                    log.warning("pcsc_gone", reason=str(error))
            self._name = None
            self._closing.wait(RETRY_S)

    def _wait_for_cards(self, context: Context, tell: Callable[[str], None]) -> None:
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
                tell(self._name)
            lay_there, turns = found.card_present, found.event_count


def _record(say: Say) -> bytes | None:
    """Return the signed record on a card, None where it has none."""
    if say(SELECT_RECORD)[-2:] != _GOOD:
        return None
    answer = say(READ_RECORD)
    return answer[:-2] if answer[-2:] == _GOOD else None


def _carry(say: Say, dialogue: Dialogue) -> list[bytes]:
    """Tell a card some commands, up to the first that it refuses; return its answers."""
    answers: list[bytes] = []
    for command in dialogue.commands:
        answers.append(say(bytes.fromhex(command)))
        if answers[-1][-2:] not in (_GOOD, _MORE):
            break
    return answers

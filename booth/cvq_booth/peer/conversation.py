"""The booth's end of one visit's connection with the console: who speaks with whom, and starting anew.

The console offers and mends; this end answers. aiortc knows no ICE restart, which the `hello` says: the console then
builds a new connection instead. What aiortc gives up (after some thirty seconds without the other end) is started anew
from here, with a new generation, as soon as the desk can carry a signal again.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Literal

import structlog
from aiortc import RTCDataChannel
from aiortc.exceptions import InvalidStateError
from pydantic import ValidationError

from cvq_booth.peer.connection import Connection
from cvq_booth.peer.papers import BUFFERED_BYTES_LOW, Papers
from cvq_booth.peer.signals import Description, PeerSignal, new_generation

log = structlog.get_logger(__name__)

PAPERS_LABEL = "papers"
INBOX_MAX = 256
RETIRED_MAX = 16
ANSWER_TIMEOUT_S = 15.0
SEND_TIMEOUT_S = 3.0
CALL_FIRST_S = 4.0
CALL_MAX_S = 20.0
STRAY_GAP_S = 0.5

PeerState = Literal["waiting", "connecting", "connected", "interrupted", "closed"]
SendSignal = Callable[[dict[str, Any]], Awaitable[object]]


class Conversation:
    """One visit's end of the peer `devices`; `run` lives until it is cancelled."""

    def __init__(
        self,
        send_signal: SendSignal,
        papers: Papers,
        ice_servers: Sequence[dict[str, Any]],
        on_state: Callable[[PeerState], None],
    ) -> None:
        self._send_signal = send_signal
        self._papers = papers
        self.ice_servers = list(ice_servers)
        self._on_state = on_state
        self.state: PeerState = "waiting"
        self._id = new_generation()
        self._remote: str | None = None
        self._retired: deque[str] = deque(maxlen=RETIRED_MAX)
        self._connection: Connection | None = None
        self._attempts = 0
        self._answer: tuple[int, Description] | None = None
        self._inbox: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(INBOX_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: asyncio.Task[None] | None = None
        self._strayed_at_s = float("-inf")

    # From outside

    def receive(self, data: object) -> None:
        """Take a signal; it is worked on in its turn, and dropped when it makes no sense or too many wait."""
        try:
            signal = PeerSignal.model_validate(data)
        except ValidationError as error:
            log.info("unknown_signal", errors=error.error_count())
            return
        self._do(lambda: self._receive(signal))

    def signalling_back(self) -> None:
        """The desk can carry signals again: both ends make up for what was lost."""
        self._do(lambda: self._say_hello(heal=True))

    async def run(self) -> None:
        """Greet the console and follow it."""
        caller = asyncio.create_task(self._keep_calling())
        try:
            await self._say_hello(heal=False)
            while True:
                work = await self._inbox.get()
                try:
                    await work()
                except Exception:
                    log.exception("signal_failed")
        finally:
            caller.cancel()

    def end(self) -> None:
        """Send nothing more, at once; `farewell` does what takes time."""
        self._drop_connection()
        self._become("closed")

    async def farewell(self) -> None:
        """Tell the other end, and wait until nothing is left running."""
        if self._remote is not None:
            await self._send(kind="bye")
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # Generations

    async def _receive(self, signal: PeerSignal) -> None:
        if signal.sender == self._id or signal.sender in self._retired:
            return
        if signal.kind in {"hello", "welcome"}:
            await self._receive_hello(signal)
        elif signal.sender != self._remote:
            await self._receive_stray()
        elif signal.to != self._id:
            log.info("stale_signal", kind=signal.kind)
        elif signal.kind == "bye":
            self._receive_bye(signal)
        elif signal.description is not None:
            await self._receive_description(signal.description, signal.offer)
        elif signal.candidate is not None and self._connection is not None:
            await self._connection.add_candidate(signal.candidate)

    async def _receive_hello(self, hello: PeerSignal) -> None:
        if hello.kind == "welcome" and hello.to != self._id:
            return
        if hello.sender != self._remote:
            await self._adopt(hello.sender)
        if hello.kind == "hello":
            await self._send(kind="welcome", heal=hello.heal, connected=self._connected)

    async def _adopt(self, remote: str) -> None:
        if self._remote is not None:
            await self._send(kind="bye", replaced=True)
            self._retired.append(self._remote)
            self._drop_connection()
        self._remote = remote
        self._attempts = 0
        self._become("connecting")

    async def _receive_stray(self) -> None:
        """The hello of an unknown end was lost: it is asked to say it again."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._strayed_at_s >= STRAY_GAP_S:
            self._strayed_at_s = now_s
            await self._say_hello(heal=True)

    def _receive_bye(self, bye: PeerSignal) -> None:
        self._retired.append(bye.sender)
        self._remote = None
        self._drop_connection()
        self._become("waiting")

    async def _start_anew(self) -> None:
        self._drop_connection()
        self._id = new_generation()
        self._become("interrupted")
        await self._say_hello(heal=True)

    async def _keep_calling(self) -> None:
        """While nobody has answered, greet again, ever more rarely: a signal may be lost without a line that breaks.

        A connection that is being made is left alone; should it not come to stand, the console begins it again.
        """
        delay_s = CALL_FIRST_S
        while True:
            await asyncio.sleep(delay_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreads, not hides
            if self._connection is not None:
                delay_s = CALL_FIRST_S
            else:
                delay_s = min(CALL_MAX_S, delay_s * 2)
                self.signalling_back()

    # The connection

    async def _receive_description(self, description: Description, offer: int) -> None:
        if description.type != "offer":
            return
        if self._answer is not None and self._answer[0] == offer:
            await self._send(kind="description", description=self._answer[1], offer=offer)
            return
        if self._connection is not None:
            # The console never offers twice in one connection with an end that cannot restart ICE.
            await self._start_anew()
            return
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                sdp = await self._connect().answer(description.sdp)
        except Exception as error:  # aiortc lets through whatever its parsers stumble over
            log.warning("offer_refused", error=repr(error))
            self._attempts += 1
            self._drop_connection()
            return
        self._answer = (offer, Description(type="answer", sdp=sdp))
        await self._send(kind="description", description=self._answer[1], offer=offer)

    def _connect(self) -> Connection:
        connection = Connection(
            self.ice_servers,
            turn_attempt=self._attempts,
            on_state=lambda state: self._do(lambda: self._follow(connection, state)),
            on_channel=lambda channel: self._take_channel(connection, channel),
        )
        self._connection = connection
        return connection

    async def _follow(self, connection: Connection, state: str) -> None:
        if connection is not self._connection:
            return
        if state == "connected":
            self._attempts = 0
            self._become("connected")
        elif state in {"failed", "closed"}:
            self._attempts += 1
            await self._start_anew()

    def _take_channel(self, connection: Connection, channel: RTCDataChannel) -> None:
        if connection is not self._connection or channel.label != PAPERS_LABEL:
            channel.close()
            return
        self._stop_sending()
        channel.bufferedAmountLowThreshold = BUFFERED_BYTES_LOW
        channel.on("bufferedamountlow", self._papers.drained)
        channel.on("close", self._papers.drained)
        channel.on("message", self._papers.receive)
        self._sending = self._start(self._send_papers(channel))

    async def _send_papers(self, channel: RTCDataChannel) -> None:
        try:
            await self._papers.run(channel)
        except (InvalidStateError, ConnectionError) as error:
            log.info("papers_channel_lost", error=repr(error))

    def _stop_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _drop_connection(self) -> None:
        self._stop_sending()
        self._answer = None
        if self._connection is not None:
            self._start(self._connection.close())
            self._connection = None

    # Small things

    @property
    def _connected(self) -> bool:
        return self._connection is not None and self._connection.state == "connected"

    async def _say_hello(self, *, heal: bool) -> None:
        await self._send(kind="hello", heal=heal, connected=self._connected)

    async def _send(self, **signal: Any) -> None:
        try:
            whole = PeerSignal(sender=self._id, to=self._remote, ice_restart=False, **signal)
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._send_signal(whole.as_data())
        except (ConnectionError, TimeoutError) as error:
            log.info("signal_not_sent", error=str(error))

    def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            self._inbox.put_nowait(work)
        except asyncio.QueueFull:
            log.warning("signals_dropped")

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _become(self, state: PeerState) -> None:
        if state != self.state:
            self.state = state
            self._on_state(state)

"""The booth's one connection to the desk: a WebSocket that it dials, watches and dials again for ever.

What the booth reports is kept until the desk has surely seen it. A desk handles the frames of a connection in their
order and answers every ping; so an answered ping says that all that was sent before it has arrived. What was not
covered by an answer when the line went is sent again on the next one, which is harmless: reports carry ids or states.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
    WSServerHandshakeError,
)
from pydantic import ValidationError

from cvq_booth.desk import Desk, DeskRefused, DeskUnreachable
from cvq_desk.wire import (
    DEAD_AFTER_S,
    MESSAGE_BYTES_MAX,
    PING_INTERVAL_S,
    BoothView,
    CallReport,
    CardGone,
    CardSeen,
    CommandReport,
    ConsentAnswer,
    Devices,
    Hello,
    HelpAsked,
    MandateAnswer,
    Message,
    Ping,
    Pong,
    Signal,
    to_booth,
)

log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
QUEUE_MAX = 512
KEPT_MAX = 256
RESENDS_MAX = 8
"""A report that broke so many connections in a row is given up: it must not keep the booth away from its desk."""

Report = CardSeen | CardGone | ConsentAnswer | MandateAnswer | CallReport | CommandReport | HelpAsked

_PING = Ping().model_dump_json()


class LineLost(Exception):
    """The connection ended or fell silent."""


@dataclass(slots=True)
class _Kept:
    number: int
    message: Report
    connections: int = 0


class Link:
    """Keeps the line to the desk; `run` never returns.

    The callbacks run in the order of the desk's frames: `on_view` for the newest `BoothView`, `on_signal` for a peer's
    data, `on_line` whenever the line comes up or goes.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        software: str,
        started_at: datetime,
        on_view: Callable[[BoothView], Awaitable[None]],
        on_signal: Callable[[Signal], Awaitable[None]],
        on_line: Callable[[bool], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._hello = Hello(software=software, started_at=started_at)
        self._on_view = on_view
        self._on_signal = on_signal
        self._on_line = on_line
        self._devices: Devices | None = None
        self._kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()
        self._number = 0
        self._queue: asyncio.Queue[tuple[int, str]] | None = None
        self._pings: deque[int] = deque()
        self._sent = 0
        self._choked = False
        self.desk_ahead = timedelta()
        self.up = False

    @property
    def waiting(self) -> int:
        """How many reports the desk has not surely seen yet."""
        return len(self._kept)

    def desk_now(self) -> datetime:
        """Return the desk's hour: its deadlines are told in it, and a booth's clock may be wrong."""
        return datetime.now(UTC) + self.desk_ahead

    def send(self, message: Signal) -> None:
        """Send what is worth nothing later: it is dropped while the line is away."""
        self._put(0, message)

    def devices(self, message: Devices) -> None:
        """Tell the state of the machines now, and at the beginning of every new line."""
        self._devices = message
        self._put(0, message)

    def report(self, message: Report) -> None:
        """Tell the desk, now or when the line is back, until it is certain that it arrived.

        A newer report on the same thing (command, question, card, call) takes the place of the older one.
        """
        self._number += 1
        key = _subject(message)
        self._kept.pop(key, None)
        self._kept[key] = _Kept(self._number, message)
        if len(self._kept) > KEPT_MAX:
            lost = self._kept.popitem(last=False)
            log.error("too many reports wait for the desk, the oldest is given up", subject=lost[0])
        self._put(self._number, message)

    async def run(self) -> None:
        """Dial, and dial again with growing pauses, until cancelled."""
        pause_s = BACKOFF_FIRST_S
        told = ""
        while True:
            was_up = False
            try:
                await self._connect()
            except (LineLost, ClientError, DeskRefused, DeskUnreachable, OSError, TimeoutError) as error:
                was_up = self.up
                reason = f"{type(error).__name__}: {error}"
                if was_up or reason != told:
                    log.warning("no line to the desk", reason=reason)
                told = reason
            finally:
                await self._down()
            pause_s = BACKOFF_FIRST_S if was_up else min(pause_s * 2, BACKOFF_MAX_S)
            # Booths that lost the same desk must not come back all in the same instant.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, not hides

    async def _connect(self) -> None:
        headers = await self._desk.headers()
        url = self._desk.url.replace("http", "ws", 1) + "/api/v1/booth/live"
        # A session of its own: closing it tears down a socket that would not even say goodbye any more.
        async with ClientSession() as session:
            try:
                async with asyncio.timeout(DEAD_AFTER_S * 2):
                    socket = await session.ws_connect(
                        url,
                        headers=headers,
                        max_msg_size=MESSAGE_BYTES_MAX,
                        timeout=ClientWSTimeout(ws_close=0.5),
                    )
            except WSServerHandshakeError as error:
                if error.status in {401, 403}:
                    self._desk.forget_token()
                raise
            await self._talk(socket)

    async def _talk(self, socket: ClientWebSocketResponse) -> None:
        queue: asyncio.Queue[tuple[int, str]] = asyncio.Queue(QUEUE_MAX)
        self._queue = queue
        self._pings.clear()
        self._sent = 0
        self._choked = False
        self._put(0, self._hello)
        if self._devices:
            self._put(0, self._devices)
        for key, kept in list(self._kept.items()):
            kept.connections += 1
            if kept.connections > RESENDS_MAX:
                del self._kept[key]
                log.error("the desk never took this report, it is given up", subject=key)
            else:
                self._put(kept.number, kept.message)
        writer = asyncio.create_task(self._write(socket, queue), name="link-writer")
        reader = asyncio.create_task(self._read(socket), name="link-reader")
        try:
            done, _ = await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            raise LineLost("closed")
        finally:
            writer.cancel()
            reader.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)
            with suppress(ClientError, OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await socket.close()

    async def _write(self, socket: ClientWebSocketResponse, queue: asyncio.Queue[tuple[int, str]]) -> None:
        loop = asyncio.get_running_loop()
        ping_at = loop.time()
        while True:
            if loop.time() >= ping_at:
                ping_at = loop.time() + PING_INTERVAL_S
                self._pings.append(self._sent)
                await socket.send_str(_PING)
            try:
                async with asyncio.timeout_at(ping_at):
                    number, text = await queue.get()
            except TimeoutError:
                continue
            if self._choked:
                raise LineLost(f"more than {QUEUE_MAX} messages wait")
            await socket.send_str(text)
            self._sent = max(self._sent, number)

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        while True:
            try:
                frame = await socket.receive(timeout=DEAD_AFTER_S)
            except TimeoutError:
                raise LineLost(f"silent for {DEAD_AFTER_S:.0f} s") from None
            if frame.type is not WSMsgType.TEXT:
                raise LineLost(f"closed by the desk ({frame.data})")
            try:
                message = to_booth.validate_json(frame.data)
            except ValidationError as error:
                log.error("the desk said something that is not understood", errors=error.error_count())
                continue
            try:
                await self._take(message)
            except Exception:
                # Whatever one message broke, the line stays: the next view may mend it, and help may be called.
                log.exception("a message of the desk could not be followed", type=message.type)

    async def _take(self, message: BoothView | Signal | Pong) -> None:
        if isinstance(message, Pong | BoothView) and message.now is not None:
            # A view comes before the first pong, and what it asks for has its deadline in the desk's hour.
            self.desk_ahead = message.now - datetime.now(UTC)
        if isinstance(message, Pong):
            self._heard()
        if not self.up:
            self.up = True
            log.info("line to the desk is up")
            await self._on_line(True)
        if isinstance(message, BoothView):
            await self._on_view(message)
        elif isinstance(message, Signal):
            await self._on_signal(message)

    def _heard(self) -> None:
        if not self._pings:
            return
        arrived = self._pings.popleft()
        for key in [key for key, kept in self._kept.items() if kept.number <= arrived]:
            del self._kept[key]

    def _put(self, number: int, message: Message) -> None:
        if self._queue is None:
            return
        try:
            self._queue.put_nowait((number, message.model_dump_json()))
        except asyncio.QueueFull:
            # A gap would make the next answered ping vouch for what was never sent: this line is given up instead.
            self._choked = True

    async def _down(self) -> None:
        self._queue = None
        if self.up:
            self.up = False
            await self._on_line(False)


def _subject(message: Report) -> tuple[str, ...]:
    match message:
        case CommandReport():
            return ("command", str(message.command_id))
        case ConsentAnswer():
            return ("consent", str(message.consent_id))
        case MandateAnswer():
            return ("mandate", str(message.mandate_id))
        case CallReport():
            return ("call", str(message.visit_id), message.state)
        case HelpAsked():
            return ("help", message.reason)
        case CardSeen() | CardGone():
            return ("card",)

"""The sending end of the data channel `papers`: strips and pages of scans, stills, and what the machines say.

What an advisor waits for overtakes what is large: a note or a strip goes out between two chunks of a page, and the
page goes on afterwards (see the end of `cvq_desk.wire`). Everything is paced, and little waits in the channel's
own buffer, so that nothing urgent has to wait behind what was already handed over.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Protocol
from uuid import UUID

import structlog
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from cvq_booth.peer.pace import Pace
from cvq_desk.wire import (
    CHUNK_BYTES,
    BandHead,
    BytesReceived,
    DeviceNote,
    PageHead,
    PagesHeld,
    PageWanted,
    StillHead,
)

log = structlog.get_logger(__name__)

PAGE_BYTES_MAX = 32 * 1024 * 1024
STILL_BYTES_MAX = 8 * 1024 * 1024
BAND_BYTES_MAX = 1024 * 1024
BANDS_BYTES_MAX = 4 * 1024 * 1024
STILLS_MAX = 8
NOTES_MAX = 64
PAGES_MAX = 512
TEXT_CHARACTERS_MAX = 4096
NOTE_BYTES_MAX = 16 * 1024
BUFFERED_BYTES_MAX = CHUNK_BYTES
BUFFERED_BYTES_LOW = BUFFERED_BYTES_MAX // 2
BUFFER_POLL_S = 1.0

_from_console: TypeAdapter[PageWanted | BytesReceived] = TypeAdapter(
    Annotated[PageWanted | BytesReceived, Field(discriminator="type")]
)


class PageSource(Protocol):
    """The finished pages of the visit that goes on, as the spool holds them."""

    def page_ids(self) -> Sequence[UUID]:
        """Return the pages in the order in which they were scanned."""

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return what a page is and where its image lies, or None when it is not, or no longer, held."""


class Channel(Protocol):
    """What is needed of aiortc's `RTCDataChannel`."""

    @property
    def readyState(self) -> str: ...  # noqa: N802 - aiortc's name

    @property
    def bufferedAmount(self) -> int: ...  # noqa: N802 - aiortc's name

    def send(self, data: bytes | str) -> None: ...


class Urgency(IntEnum):
    """What overtakes what, the most urgent first."""

    NOTE = 0
    BAND = 1
    STILL = 2
    PAGE = 3


@dataclass(frozen=True, slots=True)
class _Item:
    urgency: Urgency
    head: BaseModel
    payload: bytes | Path = b""
    page_id: UUID | None = None


@dataclass(slots=True)
class _Queues:
    """What waits, by urgency; each queue is bounded in its own way."""

    by_urgency: dict[Urgency, deque[_Item]] = field(default_factory=lambda: {u: deque() for u in Urgency})

    def __getitem__(self, urgency: Urgency) -> deque[_Item]:
        return self.by_urgency[urgency]

    def pop(self, more_urgent_than: int) -> _Item | None:
        for urgency, items in self.by_urgency.items():
            if urgency >= more_urgent_than:
                return None
            if items:
                return items.popleft()
        return None

    def clear(self) -> None:
        for items in self.by_urgency.values():
            items.clear()


class Papers:
    """Queues what goes to the console and sends it through whichever channel is open.

    A note waits for a channel; a strip, a still or a page that finds none is not kept: the console learns from
    `PagesHeld`, which opens every channel, which pages it lacks, and asks for them.
    """

    def __init__(
        self,
        source: PageSource,
        make_pace: Callable[[], Pace],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._source = source
        self._make_pace = make_pace
        self._clock = clock
        self._sleep = sleep
        self._queues = _Queues()
        self._work = asyncio.Event()
        self._drained = asyncio.Event()
        self._pace = make_pace()
        self._channel: Channel | None = None
        self._page_on_its_way: UUID | None = None

    # What the booth sends

    def note(self, note: DeviceNote) -> bool:
        """Queue a note; the oldest goes when too many wait for a channel. False when none is open yet."""
        size = len(note.model_dump_json().encode())
        _check_size(size, size, NOTE_BYTES_MAX)
        notes = self._queues[Urgency.NOTE]
        if len(notes) >= NOTES_MAX:
            notes.popleft()
        self._put(_Item(Urgency.NOTE, note))
        return self._channel is not None

    def band(self, head: BandHead, jpeg: bytes) -> bool:
        """Queue a strip of a page; the oldest strips go when the line is too slow: the page itself follows them."""
        _check_size(head.bytes, len(jpeg), BAND_BYTES_MAX)
        if self._channel is None:
            return False
        bands = self._queues[Urgency.BAND]
        waiting = sum(len(item.payload) for item in bands if isinstance(item.payload, bytes))
        while bands and waiting + len(jpeg) > BANDS_BYTES_MAX:
            waiting -= len(bands[0].payload) if isinstance(bands[0].payload, bytes) else 0
            bands.popleft()
        self._put(_Item(Urgency.BAND, head, jpeg))
        return True

    def still(self, head: StillHead, image: bytes) -> bool:
        """Queue a still of the document camera; False when no channel is open or too many wait."""
        _check_size(head.bytes, len(image), STILL_BYTES_MAX)
        if self._channel is None or len(self._queues[Urgency.STILL]) >= STILLS_MAX:
            return False
        self._put(_Item(Urgency.STILL, head, image))
        return True

    def page(self, head: PageHead, path: Path) -> bool:
        """Queue a finished page, once; False when no channel is open or too many wait."""
        pages = self._queues[Urgency.PAGE]
        if self._channel is None or len(pages) >= PAGES_MAX:
            return False
        known = self._page_on_its_way == head.page_id or any(item.page_id == head.page_id for item in pages)
        if not known:
            self._put(_Item(Urgency.PAGE, head, path, head.page_id))
        return True

    # The channel

    async def run(self, channel: Channel) -> None:
        """Send what is queued, and what will be, until the channel closes."""
        self._pace = self._make_pace()
        self._channel = channel
        held = PagesHeld(page_ids=list(self._source.page_ids())[-PAGES_MAX:])
        self._queues[Urgency.NOTE].appendleft(_Item(Urgency.NOTE, held))
        try:
            while channel.readyState == "open":
                item = self._queues.pop(more_urgent_than=len(Urgency))
                if item is None:
                    self._work.clear()
                    await self._work.wait()
                else:
                    await self._send(channel, item)
        except _ChannelClosed:
            pass
        finally:
            # A later channel may have taken over already; what waits is then its own.
            if self._channel is channel:
                self._channel = None
                self._page_on_its_way = None
                for urgency in (Urgency.BAND, Urgency.STILL, Urgency.PAGE):
                    self._queues[urgency].clear()

    def drained(self) -> None:
        """Learn that the channel's buffer has room, or that the channel has closed."""
        self._drained.set()
        self._work.set()

    def receive(self, message: str | bytes) -> None:
        """Take what the console says on the channel; what makes no sense is dropped."""
        if isinstance(message, bytes) or len(message) > TEXT_CHARACTERS_MAX:
            return
        try:
            parsed = _from_console.validate_json(message)
        except ValidationError:
            log.info("unknown_message", text=message[:200])
            return
        if isinstance(parsed, BytesReceived):
            self._pace.heard(parsed.bytes, self._clock())
        else:
            self._send_again(parsed.page_id)

    def _send_again(self, page_id: UUID) -> None:
        held = self._source.page_file(page_id)
        if held is None:
            log.info("page_not_held", page_id=str(page_id))
            return
        self.page(*held)

    def _put(self, item: _Item) -> None:
        self._queues[item.urgency].append(item)
        self._work.set()

    async def _send(self, channel: Channel, item: _Item) -> None:
        payload = await _load(item)
        if payload is None:
            return
        if item.urgency is Urgency.PAGE:
            self._page_on_its_way = item.page_id
        await self._hand_over(channel, item.head.model_dump_json())
        start = 0
        while start < len(payload):
            while urgent := self._queues.pop(more_urgent_than=item.urgency):
                await self._send(channel, urgent)
            end = start + self._pace.chunk_bytes
            await self._hand_over(channel, payload[start:end])
            start = end
        if item.urgency is Urgency.PAGE:
            self._page_on_its_way = None

    async def _hand_over(self, channel: Channel, data: bytes | str) -> None:
        while channel.bufferedAmount > BUFFERED_BYTES_MAX and channel.readyState == "open":
            self._drained.clear()
            try:
                # The time-out is for the event that was lost between the look and the wait, not for the line.
                async with asyncio.timeout(BUFFER_POLL_S):
                    await self._drained.wait()
            except TimeoutError:
                continue
        while (wait_s := self._pace.wait_s(self._clock())) > 0:
            await self._sleep(wait_s)
        if channel.readyState != "open":
            raise _ChannelClosed
        channel.send(data)
        self._pace.spend(len(data.encode() if isinstance(data, str) else data), self._clock())


class _ChannelClosed(Exception):
    """The channel closed while something was being sent."""


async def _load(item: _Item) -> bytes | None:
    if isinstance(item.payload, bytes):
        return item.payload
    try:
        data = await asyncio.to_thread(_read_bounded, item.payload)
    except OSError as error:
        log.warning("page_unreadable", page_id=str(item.page_id), error=str(error))
        return None
    if not isinstance(item.head, PageHead) or len(data) != item.head.bytes:
        log.warning("page_of_another_size", page_id=str(item.page_id), bytes=len(data))
        return None
    return data


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(PAGE_BYTES_MAX + 1)


def _check_size(said: int, true: int, most: int) -> None:
    if said != true or not 0 < true <= most:
        raise ValueError(f"a head says {said} bytes, {true} follow; from 1 to {most} can be sent")

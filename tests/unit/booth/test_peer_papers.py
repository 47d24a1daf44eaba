"""What goes out on the data channel `papers`, in which order, and what is held back."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from cvq_booth.peer.pace import Pace, PaceLimits
from cvq_booth.peer.papers import BAND_BYTES_MAX, BANDS_BYTES_MAX, NOTES_MAX, Papers
from cvq_desk.wire import CHUNK_BYTES, BandHead, DeviceNote, PageHead, StillHead

COMMAND = uuid4()


class Folder:
    """Pages as the spool holds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heads: dict[UUID, PageHead] = {}

    def add(self, image: bytes) -> tuple[PageHead, Path]:
        """Keep a page."""
        page_id = uuid4()
        (self.folder / f"{page_id}.jpg").write_bytes(image)
        self.heads[page_id] = PageHead(
            command_id=COMMAND,
            page_id=page_id,
            page=len(self.heads) + 1,
            width=2480,
            height=3508,
            resolution_dpi=300,
            media_type="image/jpeg",
            sha256=hashlib.sha256(image).hexdigest(),
            bytes=len(image),
        )
        return self.heads[page_id], self.folder / f"{page_id}.jpg"

    def page_ids(self) -> list[UUID]:
        """Return the pages."""
        return list(self.heads)

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return one page."""
        head = self.heads.get(page_id)
        return (head, self.folder / f"{page_id}.jpg") if head else None


class Channel:
    """A channel that keeps what it was given; its buffer drains only when the test says so, if it fills at all."""

    def __init__(self, *, fills: bool = False) -> None:
        self.readyState = "open"
        self.bufferedAmount = 0
        self.sent: list[str | bytes] = []
        self.on_send: Callable[[str | bytes], None] = lambda _data: None
        self._fills = fills

    def send(self, data: bytes | str) -> None:
        """Keep a frame."""
        self.sent.append(data)
        if self._fills:
            self.bufferedAmount += len(data)
        self.on_send(data)


class Clock:
    """A clock that sleepers turn."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Sleep without waiting."""
        self.now_s += seconds
        await asyncio.sleep(0)


def read(frames: list[str | bytes]) -> list[tuple[dict[str, Any], bytes]]:
    """Put frames together as `cvq_desk.wire` says; things come in the order in which they were complete."""
    done: list[tuple[dict[str, Any], bytes]] = []
    open_items: list[tuple[dict[str, Any], bytearray]] = []
    for frame in frames:
        if isinstance(frame, str):
            head = json.loads(frame)
            open_items.append((head, bytearray()))
        else:
            assert len(frame) <= CHUNK_BYTES
            open_items[-1][1].extend(frame)
        head, payload = open_items[-1]
        if len(payload) == head.get("bytes", 0):
            done.append((head, bytes(payload)))
            open_items.pop()
    assert open_items == []
    return done


def kinds(frames: list[str | bytes]) -> list[str]:
    """Return the types of what arrived, in its order."""
    return [head["type"] for head, _ in read(frames)]


def band(jpeg: bytes, top: int = 0) -> tuple[BandHead, bytes]:
    """Make a strip."""
    head = BandHead(command_id=COMMAND, page=1, top=top, height=128, page_width=827, page_height=1169, bytes=len(jpeg))
    return head, jpeg


def note(state: str) -> DeviceNote:
    """Make a note."""
    return DeviceNote(command_id=COMMAND, state=state)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty spool."""
    return Folder(tmp_path)


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def papers(folder: Folder, clock: Clock) -> Papers:
    """The sending end, at 400 kbit/s."""
    return Papers(folder, lambda: Pace(PaceLimits(400, 400)), clock=clock, sleep=clock.sleep)


@asynccontextmanager
async def running(papers: Papers, channel: Channel) -> AsyncIterator[asyncio.Task[None]]:
    """Let the papers go through a channel."""
    task = asyncio.create_task(papers.run(channel))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has happened on the loop."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_every_channel_opens_with_the_list_of_held_pages(papers: Papers, folder: Folder) -> None:
    head, _ = folder.add(b"page")
    for channel in (Channel(), Channel()):
        async with running(papers, channel):
            await until(lambda channel=channel: len(channel.sent) == 1)
        assert json.loads(channel.sent[0]) == {"type": "pages_held", "page_ids": [str(head.page_id)]}


async def test_a_page_arrives_whole_in_chunks_that_the_wire_allows(papers: Papers, folder: Folder) -> None:
    image = bytes(range(256)) * 400
    channel = Channel()
    async with running(papers, channel):
        assert papers.page(*folder.add(image))
        await until(lambda: sum(len(frame) for frame in channel.sent if isinstance(frame, bytes)) == len(image))
    head, arrived = read(channel.sent)[-1]
    assert hashlib.sha256(arrived).hexdigest() == head["sha256"]


async def test_a_page_takes_the_time_that_the_pace_gives_it(papers: Papers, folder: Folder, clock: Clock) -> None:
    channel = Channel()
    async with running(papers, channel):
        papers.page(*folder.add(b"p" * 50_000))
        await until(lambda: complete(channel, 50_000))
    assert 0.9 < clock.now_s < 1.1


async def test_strips_and_notes_overtake_a_page_that_is_on_its_way(papers: Papers, folder: Folder) -> None:
    image = b"p" * 50_000
    channel = Channel()

    def interrupt(data: str | bytes) -> None:
        if isinstance(data, bytes) and data.startswith(b"p") and "band" not in " ".join(map(str, channel.sent)):
            papers.band(*band(b"b" * 3000))
            papers.note(note("paper_jam"))

    channel.on_send = interrupt
    async with running(papers, channel):
        papers.page(*folder.add(image))
        await until(lambda: sum(frame.count(b"p") for frame in channel.sent if isinstance(frame, bytes)) == 50_000)
    assert kinds(channel.sent) == ["pages_held", "device_note", "band", "page"]
    assert read(channel.sent)[-1][1] == image


async def test_a_still_overtakes_a_page_but_not_a_strip(papers: Papers, folder: Folder) -> None:
    channel = Channel()
    async with running(papers, channel):
        papers.page(*folder.add(b"p" * 5000))
        papers.still(StillHead(command_id=COMMAND, media_type="image/jpeg", width=8, height=8, bytes=5000), b"s" * 5000)
        papers.band(*band(b"b" * 5000))
        await until(lambda: len([frame for frame in channel.sent if isinstance(frame, str)]) == 4)
        await until(lambda: sum(len(frame) for frame in channel.sent if isinstance(frame, bytes)) == 15_000)
    assert [kind for kind in kinds(channel.sent) if kind != "pages_held"] == ["band", "still", "page"]


async def test_a_wanted_page_is_sent_again_and_one_on_its_way_only_once(papers: Papers, folder: Folder) -> None:
    head, path = folder.add(b"p" * 10_000)
    wanted = json.dumps({"type": "page_wanted", "page_id": str(head.page_id)})
    channel = Channel()
    async with running(papers, channel):
        papers.page(head, path)
        papers.receive(wanted)
        await until(lambda: kinds_so_far(channel).count("page") == 1 and complete(channel, 10_000))
        papers.receive(wanted)
        await until(lambda: kinds_so_far(channel).count("page") == 2 and complete(channel, 20_000))
    assert [payload for _, payload in read(channel.sent)[-2:]] == [b"p" * 10_000] * 2


def kinds_so_far(channel: Channel) -> list[str]:
    """Return the types of the heads that went out."""
    return [json.loads(frame)["type"] for frame in channel.sent if isinstance(frame, str)]


def complete(channel: Channel, size_bytes: int) -> bool:
    """Tell whether that many bytes went out in binary frames."""
    return sum(len(frame) for frame in channel.sent if isinstance(frame, bytes)) == size_bytes


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{}",
        "[1]",
        '{"type": "page_wanted"}',
        '{"type": "page_wanted", "page_id": "../../etc/passwd"}',
        '{"type": "page_wanted", "page_id": "6f0c7d52-8d0b-4f0e-9a39-0c4f3f0b7a11"}',
        '{"type": "bytes_received", "bytes": -1}',
        '{"type": "bytes_received", "bytes": 99999999999999999999}',
        "x" * 100_000,
        b"\x00\x01",
    ],
)
async def test_nonsense_from_the_other_end_changes_nothing(papers: Papers, message: str | bytes) -> None:
    channel = Channel()
    async with running(papers, channel):
        papers.receive(message)
        papers.note(note("ready"))
        await until(lambda: len(channel.sent) == 2)
    assert kinds(channel.sent) == ["pages_held", "device_note"]


async def test_a_page_whose_file_has_gone_or_changed_is_passed_over(papers: Papers, folder: Folder) -> None:
    gone, gone_path = folder.add(b"gone")
    changed, changed_path = folder.add(b"before")
    gone_path.unlink()
    changed_path.write_bytes(b"something else")
    channel = Channel()
    async with running(papers, channel):
        papers.page(gone, gone_path)
        papers.page(changed, changed_path)
        papers.page(*folder.add(b"sound"))
        await until(lambda: complete(channel, 5))
    assert [payload for _, payload in read(channel.sent)[1:]] == [b"sound"]


async def test_when_the_line_is_too_slow_the_oldest_strips_go(papers: Papers) -> None:
    channel = Channel(fills=True)
    channel.bufferedAmount = 1_000_000
    strips = BANDS_BYTES_MAX // BAND_BYTES_MAX + 2
    async with running(papers, channel):
        for top in range(strips):
            papers.band(*band(b"b" * BAND_BYTES_MAX, top))
        channel._fills, channel.bufferedAmount = False, 0
        papers.drained()
        await until(lambda: complete(channel, BANDS_BYTES_MAX))
    tops = [head["top"] for head, _ in read(channel.sent) if head["type"] == "band"]
    assert tops == list(range(2, strips))


async def test_nothing_more_is_handed_over_while_the_channel_has_its_fill(papers: Papers, folder: Folder) -> None:
    channel = Channel(fills=True)
    async with running(papers, channel):
        papers.page(*folder.add(b"p" * 100_000))
        await until(lambda: channel.bufferedAmount > CHUNK_BYTES)
        for _ in range(50):
            await asyncio.sleep(0)
        assert channel.bufferedAmount <= 2 * CHUNK_BYTES
        while not complete(channel, 100_000):
            channel.bufferedAmount = 0
            papers.drained()
            await asyncio.sleep(0.001)
    assert read(channel.sent)[-1][1] == b"p" * 100_000


async def test_without_a_channel_notes_wait_and_everything_else_is_left_to_the_list_of_held_pages(
    papers: Papers, folder: Folder
) -> None:
    assert not papers.band(*band(b"b"))
    assert not papers.page(*folder.add(b"p"))
    for number in range(NOTES_MAX + 1):
        assert not papers.note(note(f"n{number}"))
    channel = Channel()
    async with running(papers, channel):
        await until(lambda: len(channel.sent) == NOTES_MAX + 1)
    assert [head.get("state") for head, _ in read(channel.sent)] == [
        None,
        *(f"n{number}" for number in range(1, NOTES_MAX + 1)),
    ]


async def test_a_channel_that_closes_ends_the_sending_and_the_next_one_begins_afresh(
    papers: Papers, folder: Folder
) -> None:
    first, second = Channel(), Channel()

    def close_in_the_middle(data: str | bytes) -> None:
        if isinstance(data, bytes):
            first.readyState = "closed"

    first.on_send = close_in_the_middle
    async with running(papers, first) as task:
        papers.page(*folder.add(b"p" * 50_000))
        papers.page(*folder.add(b"queued behind it"))
        await asyncio.wait_for(task, 10)
    async with running(papers, second):
        papers.note(note("ready"))
        await until(lambda: "device_note" in kinds_so_far(second))
        for _ in range(50):
            await asyncio.sleep(0)
    assert kinds(second.sent) == ["pages_held", "device_note"]


@pytest.mark.parametrize(("said", "jpeg"), [(3, b"four"), (0, b""), (BAND_BYTES_MAX + 1, b"b" * (BAND_BYTES_MAX + 1))])
def test_a_head_that_does_not_fit_its_bytes_is_refused(papers: Papers, said: int, jpeg: bytes) -> None:
    head = BandHead(command_id=COMMAND, page=1, top=0, height=1, page_width=1, page_height=1, bytes=said)
    with pytest.raises(ValueError, match="bytes"):
        papers.band(head, jpeg)

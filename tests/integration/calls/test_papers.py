"""Papers from the booth's aiortc peer to the console's page in a real browser."""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image
from playwright.async_api import Browser, Page

from cvq_booth.peer import DevicePeer, PaceLimits
from cvq_desk.wire import BandHead, DeviceNote, PageHead, StillHead
from tests.integration.calls.stage import Site, open_page, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMAND = uuid4()
MEBIBYTE = 1024 * 1024
CONNECTED = "stage.peer?.state === 'connected'"


class Spool:
    """Pages on disk, as the agent holds them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._heads: dict[UUID, PageHead] = {}

    def add(self, image: bytes, *, sha256: str | None = None) -> tuple[PageHead, Path]:
        """Keep a page; a wrong hash makes it a damaged one."""
        page_id = uuid4()
        self._path(page_id).write_bytes(image)
        self._heads[page_id] = PageHead(
            command_id=COMMAND,
            page_id=page_id,
            page=len(self._heads) + 1,
            width=2480,
            height=3508,
            resolution_dpi=300,
            media_type="image/jpeg",
            sha256=sha256 or hashlib.sha256(image).hexdigest(),
            bytes=len(image),
        )
        return self._heads[page_id], self._path(page_id)

    def page_ids(self) -> list[UUID]:
        """Return the pages in their order."""
        return list(self._heads)

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return one page."""
        head = self._heads.get(page_id)
        return (head, self._path(page_id)) if head else None

    def _path(self, page_id: UUID) -> Path:
        return self._folder / f"{page_id}.jpg"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    return Spool(tmp_path)


def noise(size_bytes: int) -> bytes:
    """Return bytes of which no two parts are alike, the same every time."""
    return random.Random(size_bytes).randbytes(size_bytes)


@asynccontextmanager
async def booth(site: Site, spool: Spool, limits: PaceLimits | None = None) -> AsyncIterator[DevicePeer]:
    """Start the booth's end, connected to the relay."""
    peer: DevicePeer | None = None

    async def deliver(signal: dict[str, object]) -> None:
        if peer is not None:
            await peer.receive(signal)

    peer = DevicePeer(site.relay.join("r", "booth", deliver), spool, limits=limits)
    await peer.set_visit(uuid4(), [])
    try:
        yield peer
    finally:
        await peer.close()


@asynccontextmanager
async def console(site: Site, browser: Browser) -> AsyncIterator[Page]:
    """Open the console's page and wait until it is connected with the booth and was told which pages are held."""
    async with open_page(browser, f"{site.url}/pages/papers.html?room=r") as page:
        await until(page, f"{CONNECTED} && stage.held.length > 0")
        yield page


async def has_page(page: Page, head: PageHead) -> None:
    """Wait until a page has arrived, sound."""
    await until(page, "([id, sha256]) => stage.pages[id]?.sha256 === sha256", [str(head.page_id), head.sha256])


async def test_a_page_of_a_mebibyte_arrives_with_its_hash(site: Site, spool: Spool, bare_browser: Browser) -> None:
    async with booth(site, spool, PaceLimits(20_000)) as peer, console(site, bare_browser) as page:
        head, path = spool.add(noise(MEBIBYTE))
        assert await peer.send_page(head, path)
        await has_page(page, head)
        assert await page.evaluate("id => stage.pages[id]", str(head.page_id)) == {
            "sha256": head.sha256,
            "bytes": MEBIBYTE,
            "type": "image/jpeg",
            "page": 1,
        }


async def test_strips_grow_into_a_page_on_the_canvas(site: Site, spool: Spool, bare_browser: Browser) -> None:
    async with booth(site, spool) as peer, console(site, bare_browser) as page:
        for index, colour in enumerate(["red", "lime", "blue"]):
            strip = BytesIO()
            Image.new("RGB", (413, 64), colour).save(strip, "JPEG", quality=95)
            head = BandHead(
                command_id=COMMAND,
                page=1,
                top=128 * index,
                height=128,
                page_width=827,
                page_height=512,
                bytes=strip.tell(),
            )
            assert await peer.send_band(head, strip.getvalue())
            await until(page, "count => stage.bands.length === count", index + 1)
            await until(page, f"stage.colourAt(0.5, {index * 0.25 + 0.12}).join() !== '255,255,255'")
            assert await page.evaluate("stage.colourAt(0.5, 0.9)") == [255, 255, 255]
        shown = [await page.evaluate(f"stage.colourAt(0.5, {0.12 + row * 0.25})") for row in range(3)]
        assert [max(range(3), key=colour.__getitem__) for colour in shown] == [0, 1, 2]


async def test_stills_and_notes_arrive(site: Site, spool: Spool, bare_browser: Browser) -> None:
    async with booth(site, spool) as peer, console(site, bare_browser) as page:
        image = noise(200_000)
        still = StillHead(command_id=COMMAND, media_type="image/jpeg", width=1280, height=720, bytes=len(image))
        assert await peer.send_still(still, image)
        assert await peer.send_note(DeviceNote(command_id=COMMAND, state="paper_jam", detail={"où": "à l’arrière"}))
        await until(page, "sha256 => stage.stills.includes(sha256)", hashlib.sha256(image).hexdigest())
        assert (await page.evaluate("stage.notes"))[0]["detail"] == {"où": "à l’arrière"}


async def test_strips_overtake_a_page_on_a_slow_line(site: Site, spool: Spool, bare_browser: Browser) -> None:
    slow = PaceLimits(400, 400)
    async with booth(site, spool, slow) as peer, console(site, bare_browser) as page:
        head, path = spool.add(noise(60_000))
        await peer.send_page(head, path)
        await until(page, "stage.progress > 0")
        strip = BytesIO()
        Image.new("L", (413, 64), 128).save(strip, "JPEG")
        place = BandHead(
            command_id=COMMAND, page=2, top=0, height=128, page_width=827, page_height=1169, bytes=strip.tell()
        )
        await peer.send_band(place, strip.getvalue())
        await until(page, "stage.bands.length === 1")
        assert await page.evaluate("Object.keys(stage.pages).length") == 0
        await has_page(page, head)


async def test_a_reloaded_console_gets_again_what_the_booth_still_holds(
    site: Site, spool: Spool, bare_browser: Browser
) -> None:
    async with booth(site, spool) as peer, console(site, bare_browser) as page:
        heads = [spool.add(noise(50_000 + number)) for number in range(3)]
        for head, path in heads:
            await peer.send_page(head, path)
        for head, _ in heads:
            await has_page(page, head)
        await page.reload()
        for head, _ in heads:
            await has_page(page, head)
        assert await page.evaluate("stage.held[0]") == [str(head.page_id) for head, _ in heads]


async def test_a_page_that_was_cut_off_comes_whole_after_the_reload(
    site: Site, spool: Spool, bare_browser: Browser
) -> None:
    async with booth(site, spool, PaceLimits(1500, 1500)) as peer, console(site, bare_browser) as page:
        head, path = spool.add(noise(400_000))
        await peer.send_page(head, path)
        await until(page, "stage.progress > 0")
        await page.reload()
        await has_page(page, head)


async def test_a_damaged_page_is_asked_for_again_and_then_given_up(
    site: Site, spool: Spool, bare_browser: Browser
) -> None:
    async with booth(site, spool) as peer, console(site, bare_browser) as page:
        head, path = spool.add(noise(3000), sha256="0" * 64)
        await peer.send_page(head, path)
        await until(
            page, "id => stage.troubles.some(([slug, of]) => slug === 'damaged' && of === id)", str(head.page_id)
        )
        assert await page.evaluate("Object.keys(stage.pages)") == []
        # The channel goes on.
        sound, sound_path = spool.add(noise(4000))
        await peer.send_page(sound, sound_path)
        await has_page(page, sound)


@asynccontextmanager
async def booth_process(site: Site, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a booth's peer as a process; what is still alive at the end is killed."""
    url = f"{site.url.replace('http', 'ws')}/signals?room=r&end=booth"
    script = Path(__file__).with_name("booth_process.py")
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), url, str(folder))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_page_comes_whole_although_the_booths_agent_was_killed_in_its_middle(
    site: Site, spool: Spool, tmp_path: Path, bare_browser: Browser
) -> None:
    head, path = spool.add(noise(400_000))
    path.with_suffix(".json").write_text(head.model_dump_json())
    async with open_page(bare_browser, f"{site.url}/pages/papers.html?room=r") as page:
        async with booth_process(site, tmp_path) as first:
            await until(page, "stage.progress > 0")
            first.kill()
            await first.wait()
        async with booth_process(site, tmp_path):
            await has_page(page, head)
            assert await page.evaluate("stage.held.length") == 2


async def test_a_signalling_that_was_away_at_the_start_costs_nothing_but_time(
    site: Site, spool: Spool, bare_browser: Browser
) -> None:
    await site.relay.cut()
    async with (
        booth(site, spool) as peer,
        open_page(bare_browser, f"{site.url}/pages/papers.html?room=r") as page,
    ):
        await until(page, "stage.peer !== undefined")
        site.relay.restore()
        peer.signalling_back()
        await until(page, CONNECTED)


async def test_asking_for_a_new_way_builds_a_new_connection_because_aiortc_knows_no_restart(
    site: Site, spool: Spool, bare_browser: Browser
) -> None:
    async with booth(site, spool), console(site, bare_browser) as page:
        await page.evaluate("stage.peer.restart()")
        await until(page, f"stage.held.length === 2 && {CONNECTED}")


async def test_the_end_of_a_visit_is_seen_at_the_console(site: Site, spool: Spool, bare_browser: Browser) -> None:
    async with booth(site, spool) as peer, console(site, bare_browser) as page:
        states: set[str] = {peer.state}
        await peer.set_visit(None)
        states.add(peer.state)
        await until(page, "stage.peer.state === 'waiting'")
        assert states == {"connected", "closed"}
        assert len(asyncio.all_tasks()) < 20


@pytest.mark.parametrize(
    "frames",
    [
        ["not json"],
        ["null"],
        ['{"type": "page", "bytes": -1}'],
        ['{"type": "page", "bytes": 99999999999}'],
        ['{"type": "still", "bytes": 5}'] * 4,
        ['{"type": "band", "bytes": 1}', b"two"],
        [b"bytes of nothing"],
    ],
)
async def test_a_booth_that_talks_nonsense_is_cut_off(
    site: Site, bare_browser: Browser, frames: list[str | bytes]
) -> None:
    async with open_page(bare_browser, f"{site.url}/pages/papers.html?room=r") as page:
        await until(page, "stage.papers !== undefined")
        closed = await page.evaluate(
            """frames => {
                const channel = { label: "papers", readyState: "open", closed: false, send() {} };
                channel.close = () => { channel.closed = true; };
                stage.papers.attach(channel);
                for (const data of frames) {
                    channel.onmessage?.({ data: typeof data === "string" ? data : new Uint8Array(data).buffer });
                }
                return [channel.closed, stage.troubles];
            }""",
            [frame if isinstance(frame, str) else list(frame) for frame in frames],
        )
        assert closed == [True, [["nonsense", None]]]


async def test_what_a_newer_booth_says_is_passed_over(site: Site, bare_browser: Browser) -> None:
    async with open_page(bare_browser, f"{site.url}/pages/papers.html?room=r") as page:
        await until(page, "stage.papers !== undefined")
        notes = await page.evaluate("""() => {
            const channel = { label: "papers", readyState: "open", send() {}, close() {} };
            stage.papers.attach(channel);
            channel.onmessage({ data: '{"type": "smell", "bytes": 3}' });
            channel.onmessage({ data: new Uint8Array(3).buffer });
            channel.onmessage({ data: '{"type": "mood", "good": true}' });
            channel.onmessage({ data: '{"type": "device_note", "command_id": null, "state": "ready", "detail": {}}' });
            return [stage.notes.length, stage.troubles];
        }""")
        assert notes == [1, []]


async def test_a_page_that_comes_twice_is_given_once(site: Site, bare_browser: Browser) -> None:
    image = list(noise(100))
    head = {"type": "page", "page_id": "p", "bytes": 100, "sha256": hashlib.sha256(bytes(image)).hexdigest()}
    async with open_page(bare_browser, f"{site.url}/pages/papers.html?room=r") as page:
        await until(page, "stage.papers !== undefined")
        await page.evaluate(
            """([head, image]) => {
                const channel = { label: "papers", readyState: "open", send() {}, close() {} };
                stage.papers.attach(channel);
                for (const id of ["p", "p", "last"]) {
                    channel.onmessage({ data: JSON.stringify({ ...head, page_id: id }) });
                    channel.onmessage({ data: new Uint8Array(image).buffer });
                }
            }""",
            [head, image],
        )
        await until(page, "stage.given.includes('last')")
        assert await page.evaluate("stage.given") == ["p", "last"]

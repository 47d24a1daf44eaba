"""The call on a village's line: outages short and long, another address, and papers beside the face."""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright

from cvq_booth.virtual.figure import End
from cvq_desk.wire import PageHead
from tests.integration.calls import booth_process
from tests.integration.calls.rural_line import RuralLine, rural_line
from tests.integration.calls.stage import CHROMIUM, Site, open_browser, open_page, serve_site, until

pytestmark = [pytest.mark.nightly, pytest.mark.asyncio(loop_scope="module")]

Films = dict[End, tuple[Path, Path]]
SEES = "other => stage.seen[other].length >= 15 && stage.peer?.state === 'connected'"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def line() -> AsyncIterator[RuralLine]:
    """One Mbit/s up, 60 ms there and back, one packet in a hundred lost."""
    with rural_line(1000, 8000, delay_s=0.03, loss=0.01) as line:
        yield line


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def far_site(line: RuralLine) -> AsyncIterator[Site]:
    """The site at the near end of the line."""
    async with serve_site(line.here) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browsers(
    playwright: Playwright, films: Films, line: RuralLine, far_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Browser, Browser]]:
    """The advisor's browser at the near end, the booth's at the far one."""
    far_chromium = line.program(tmp_path_factory.mktemp("far"), "chromium", CHROMIUM)
    async with (
        open_browser(playwright, *films[End.ADVISOR], origin=far_site.url) as near,
        open_browser(playwright, *films[End.RESIDENT], program=far_chromium, origin=far_site.url) as far,
    ):
        yield near, far


@asynccontextmanager
async def call(site: Site, browsers: tuple[Browser, Browser]) -> AsyncIterator[tuple[Page, Page]]:
    """Open both ends and wait until they see each other."""
    url = f"{site.url}/pages/call.html?room=face"
    async with (
        open_page(browsers[0], f"{url}&end=console") as console,
        open_page(browsers[1], f"{url}&end=booth") as booth,
    ):
        await meet_anew(console, booth)
        yield console, booth


async def meet_anew(console: Page, booth: Page) -> None:
    """Wait until each end sees the other one's camera move, from now on."""
    for page in (console, booth):
        await until(page, "globalThis.stage !== undefined")
        await page.evaluate("stage.seen = {resident: [], advisor: []}")
    await asyncio.gather(until(console, SEES, "resident"), until(booth, SEES, "advisor"))


async def test_a_short_outage_is_mended_within_the_same_connection(
    far_site: Site, line: RuralLine, browsers: tuple[Browser, Browser]
) -> None:
    async with call(far_site, browsers) as (console, booth):
        line.cut = True
        await asyncio.gather(*(until(page, "stage.peer.state === 'interrupted'") for page in (console, booth)))
        line.cut = False
        await meet_anew(console, booth)
        assert [await page.evaluate("stage.connections.length") for page in (console, booth)] == [1, 1]


async def test_an_outage_after_which_the_browser_gives_up_is_mended_too(
    far_site: Site, line: RuralLine, browsers: tuple[Browser, Browser]
) -> None:
    async with call(far_site, browsers) as (console, booth):
        line.cut = True
        failed = "stage.connections.at(-1).connectionState === 'failed'"
        await asyncio.gather(*(until(page, failed) for page in (console, booth)))
        line.cut = False
        await meet_anew(console, booth)


async def test_another_address_of_the_booth_is_followed(
    far_site: Site, line: RuralLine, browsers: tuple[Browser, Browser]
) -> None:
    async with call(far_site, browsers) as (console, booth):
        line.change_address()
        await meet_anew(console, booth)


async def test_a_page_is_sent_beside_the_call_and_again_after_an_outage_in_its_middle(
    far_site: Site, line: RuralLine, browsers: tuple[Browser, Browser], tmp_path: Path
) -> None:
    image = random.Random(1).randbytes(300_000)
    head = PageHead(
        command_id=uuid4(),
        page_id=uuid4(),
        page=1,
        width=1240,
        height=1754,
        resolution_dpi=150,
        media_type="image/jpeg",
        sha256=hashlib.sha256(image).hexdigest(),
        bytes=len(image),
    )
    (tmp_path / f"{head.page_id}.jpg").write_bytes(image)
    (tmp_path / f"{head.page_id}.json").write_text(head.model_dump_json())
    python = line.program(tmp_path, "python", sys.executable)
    signals = f"{far_site.url.replace('http', 'ws')}/signals?room=papers&end=booth"
    has_page = "([id, sha256]) => stage.pages[id]?.sha256 === sha256"
    async with (
        call(far_site, browsers) as (console, booth),
        open_page(browsers[0], f"{far_site.url}/pages/papers.html?room=papers") as papers,
    ):
        process = await asyncio.create_subprocess_exec(str(python), booth_process.__file__, signals, str(tmp_path))
        try:
            await until(papers, "stage.progress > 0")
            line.cut = True
            await until(papers, "stage.peer.state === 'interrupted'")
            line.cut = False
            await until(papers, has_page, [str(head.page_id), head.sha256])
            await meet_anew(console, booth)
        finally:
            process.kill()
            await process.wait()

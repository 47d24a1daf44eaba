"""The preview site, and Chromium to look at it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, async_playwright

from tests.e2e.look.preview import AXE_FOLDER, RECEIVED, preview_app
from tests.e2e.look.samples import SAMPLES

ROOT = Path(__file__).parents[3]
# Served and not evaluated, so that the browser compiles its half megabyte once for all the pages.
AXE = f"{AXE_FOLDER}/axe.min.js"
PICTURES = ROOT / "artefacts/look"
WIDE: ViewportSize = {"width": 1366, "height": 768}

# What a browser window of 1366 by 768 has left at a zoom of 200 %.
ZOOMED: ViewportSize = {"width": 683, "height": 384}
DOCK: ViewportSize = {"width": 420, "height": 768}


@dataclass(frozen=True, slots=True)
class Site:
    """Where the preview is, and what it was sent: path and body."""

    url: str
    received: list[tuple[str, bytes]]


Open = Callable[[str], Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site() -> AsyncIterator[Site]:
    """The preview site, on a free port of the loopback."""
    app = preview_app()
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield Site(f"http://{host}:{port}", app[RECEIVED])
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, speaking French, with a camera and a microphone that are not real."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--lang=fr-FR",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def window(browser: Browser) -> AsyncIterator[BrowserContext]:
    """One browser window for all the samples of a module."""
    context = await browser.new_context(locale="fr-FR", reduced_motion="reduce", viewport=WIDE)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def tab(window: BrowserContext, site: Site) -> AsyncIterator[Page]:
    """The one page in which a module's samples are opened one after the other; closed before its site goes."""
    page = await window.new_page()
    yield page
    await page.close()


@pytest_asyncio.fixture(loop_scope="module")
async def look(tab: Page, site: Site) -> AsyncIterator[Open]:
    """Open a sample with `await look(name)`; a page that complains on the console fails its test."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def thrown(error: object) -> None:
        complaints.append(str(error))

    async def open_sample(name: str) -> Page:
        answer = await tab.goto(f"{site.url}/look/{name}")
        assert answer is not None
        assert answer.ok
        await tab.evaluate("document.fonts.ready.then(() => true)")
        for selector in SAMPLES[name].presses:
            await tab.click(selector)
        return tab

    tab.on("console", note)
    tab.on("pageerror", thrown)
    yield open_sample
    # As a tab that has just been opened: nothing of the sample before is remembered.
    await tab.evaluate("sessionStorage.clear()")
    tab.remove_listener("console", note)
    tab.remove_listener("pageerror", thrown)
    assert complaints == []

"""The call between the console and screen 1: two browsers that see and hear each other, whatever goes wrong between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page

from tests.integration.calls.stage import Site, open_page, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEES = "other => stage.seen[other].length >= 15 && stage.peer?.state === 'connected'"
HEARS = "stage.peer?.stats().then(({audio}) => audio.packetsReceived > 20 && audio.energyReceived > 0)"


@asynccontextmanager
async def call(site: Site, console: Browser, booth: Browser) -> AsyncIterator[tuple[Page, Page]]:
    """Open both ends of a call."""
    url = f"{site.url}/pages/call.html?room=r"
    async with (
        open_page(booth, f"{url}&end=booth") as booth_page,
        open_page(console, f"{url}&end=console") as console_page,
    ):
        yield console_page, booth_page


async def meet(console: Page, booth: Page) -> None:
    """Wait until each end sees the other one's camera move."""
    await asyncio.gather(until(console, SEES, arg="resident"), until(booth, SEES, arg="advisor"))


async def test_each_end_sees_and_hears_the_other_one_encrypted(
    site: Site, console_browser: Browser, booth_browser: Browser
) -> None:
    async with call(site, console_browser, booth_browser) as (console, booth):
        await meet(console, booth)
        for page, other in ((console, "resident"), (booth, "advisor")):
            await until(page, HEARS)
            await until(page, "other => stage.hears() === other", arg=other)
            stats = await page.evaluate("stage.peer.stats()")
            assert stats["encryption"]["dtls"] == "connected"
            assert stats["encryption"]["srtpCipher"]
            assert stats["route"]["local"] in {"host", "prflx"}
        # Nobody takes one's own picture for the other one's.
        assert await console.evaluate("stage.seen.advisor.length") == 0
        assert await booth.evaluate("stage.seen.resident.length") == 0
        assert await console.evaluate("stage.connections.map(c => c.getConfiguration().iceServers)") == [[]]


@pytest.mark.parametrize("reloaded", ["console", "booth"])
async def test_a_reloaded_page_is_back_in_the_call(
    site: Site, console_browser: Browser, booth_browser: Browser, reloaded: str
) -> None:
    async with call(site, console_browser, booth_browser) as (console, booth):
        await meet(console, booth)
        page, other = (console, booth) if reloaded == "console" else (booth, console)
        await page.reload()
        await other.evaluate("stage.seen = {resident: [], advisor: []}")
        await meet(console, booth)


async def test_the_call_outlives_the_signalling_and_finds_a_new_way_when_it_is_back(
    site: Site, console_browser: Browser, booth_browser: Browser
) -> None:
    ufrag = """stage.connections.at(-1).getStats().then(all =>
        [...all.values()].find(one => one.type === 'transport').iceLocalUsernameFragment)"""
    async with call(site, console_browser, booth_browser) as (console, booth):
        await meet(console, booth)
        first = [await page.evaluate(ufrag) for page in (console, booth)]
        await site.relay.cut()
        for page in (console, booth):
            await page.evaluate("stage.frames = 0")
        # Five seconds of pictures at fifteen a second go by without a line to the desk.
        await asyncio.gather(*(until(page, "stage.frames >= 75") for page in (console, booth)))
        await console.evaluate("stage.peer.restart()")
        site.relay.restore()
        for page, before in zip((console, booth), first, strict=True):
            await until(page, f"before => {ufrag}.then(now => now !== before)", arg=before)
            await page.evaluate("stage.seen = {resident: [], advisor: []}")
        await meet(console, booth)
        assert [await page.evaluate("stage.connections.length") for page in (console, booth)] == [1, 1]


async def test_a_muted_microphone_carries_no_sound_until_it_is_opened_again(
    site: Site, console_browser: Browser, booth_browser: Browser
) -> None:
    silent = """async () => {
        const sample = async () => (await stage.peer.stats()).audio;
        const before = await sample();
        let after = await sample();
        while (after.packetsReceived - before.packetsReceived < 25) after = await sample();
        return after.energyReceived - before.energyReceived < 1e-9;
    }"""
    loud = "before => stage.peer?.stats().then(({audio}) => audio.energyReceived > before + 1e-4)"
    async with call(site, console_browser, booth_browser) as (console, booth):
        await until(booth, loud, arg=0)
        await console.evaluate("stage.peer.setMicrophone(false)")
        await until(booth, silent)
        before = (await booth.evaluate("stage.peer.stats()"))["audio"]["energyReceived"]
        await console.evaluate("stage.peer.setMicrophone(true)")
        await until(booth, loud, arg=before)


@pytest.mark.parametrize("bare_end", ["console", "booth"])
async def test_a_page_without_camera_and_microphone_still_sees_and_hears(
    site: Site, console_browser: Browser, booth_browser: Browser, bare_browser: Browser, bare_end: str
) -> None:
    browsers = (bare_browser, booth_browser) if bare_end == "console" else (console_browser, bare_browser)
    async with call(site, *browsers) as pages:
        bare, other = pages if bare_end == "console" else pages[::-1]
        await until(bare, SEES, arg="resident" if bare_end == "console" else "advisor")
        await until(bare, HEARS)
        media = await bare.evaluate("({missing: stage.media.missing, trouble: stage.media.trouble})")
        assert sorted(media["missing"]) == ["camera", "microphone"]
        assert media["trouble"] == {"camera": "not_found", "microphone": "not_found"}
        assert await other.evaluate("stage.peer.state") == "connected"
        assert await other.evaluate("stage.frames") == 0


async def test_hanging_up_tells_the_other_end_which_can_be_called_again(
    site: Site, console_browser: Browser, booth_browser: Browser
) -> None:
    async with call(site, console_browser, booth_browser) as (console, booth):
        await meet(console, booth)
        await console.evaluate("stage.peer.close()")
        await until(booth, "stage.peer.state === 'waiting'")
        await console.reload()
        await booth.evaluate("stage.seen = {resident: [], advisor: []}")
        await meet(console, booth)

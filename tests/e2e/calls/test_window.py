"""The window that the advisor chose is seen on screen 2, and nothing comes back from there."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.integration.calls.stage import Site, open_page, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_shared_window_is_seen_at_the_booth_until_it_is_taken_back(
    site: Site, console_browser: Browser, booth_browser: Browser
) -> None:
    url = f"{site.url}/pages/window.html?room=w"
    async with (
        open_page(booth_browser, f"{url}&end=booth") as booth,
        open_page(console_browser, f"{url}&end=console") as console,
    ):
        await console.click("#share")
        await until(booth, "stage.peer.state === 'connected' && stage.frames >= 10 && stage.green() > 0.5")
        sender = "stage.connections[0].getSenders()[0]"
        assert await console.evaluate(f"{sender}.getParameters().encodings[0].maxBitrate") == 1_500_000
        assert await console.evaluate(f"{sender}.track.contentHint") == "detail"
        assert await console.evaluate("stage.peer.stats().then(({video}) => video.framesDecoded)") == 0
        await console.evaluate("stage.peer.close()")
        await until(booth, "stage.peer.state === 'waiting'")

"""Two browsers, one at each end of the call, each with its own camera and voice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from cvq_booth.virtual.camera import write_camera
from cvq_booth.virtual.figure import End
from cvq_booth.virtual.voice import write_voice
from tests.integration.calls.stage import Site, open_browser, serve_site

Films = dict[End, tuple[Path, Path]]


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    """Each end's camera and voice."""
    folder = tmp_path_factory.mktemp("films")
    return {
        end: (write_camera(folder / f"{end}.y4m", end, seconds=4), write_voice(folder / f"{end}.wav", end))
        for end in End
    }


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def playwright() -> AsyncIterator[Playwright]:
    """Drive Chromium."""
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def console_browser(playwright: Playwright, films: Films) -> AsyncIterator[Browser]:
    """The advisor's browser."""
    async with open_browser(playwright, *films[End.ADVISOR]) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def booth_browser(playwright: Playwright, films: Films) -> AsyncIterator[Browser]:
    """The booth's browser."""
    async with open_browser(playwright, *films[End.RESIDENT]) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bare_browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser on a machine without camera and microphone."""
    async with open_browser(playwright, None, None) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    """A site and a relay of the test's own."""
    async with serve_site() as site:
        yield site

"""Browsers and the stage, shared by the call tests of a module; each browser is a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from tests.integration.calls.stage import Site, open_browser, serve_site


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def playwright() -> AsyncIterator[Playwright]:
    """Drive Chromium."""
    async with async_playwright() as driver:
        yield driver


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


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for the cameras' files."""
    return tmp_path_factory.mktemp("films")

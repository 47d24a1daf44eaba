"""A browser with one page, for those who need no more."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """Debian's Chromium, speaking French; a page with a fault of its own fails the test."""
    faults: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--lang=fr-FR"]
        )
        page = await (await chromium.new_context(locale="fr-FR")).new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        await chromium.close()
    assert faults == []

"""A secretary decides by single keys, goes back once, and never loses sight of how many are left."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from cvq_core.imports.tables import Verdict
from cvq_core.people.tables import Commune
from cvq_core.staff.rules import Role
from tests.core_examples import create_services
from tests.factories import PASSWORD, make_staff, make_town_hall
from tests.integration.core.imports.old_base import ROWS, bring, pairs
from tests.served import Site, served

DOUBTS = (
    *ROWS,
    "3;9;R;Moreau;;Claire;07/06/1985;;;;;;;;",
    "4;10;E;Dupont;;Léa;09/05/2017;Les Forges;;;;;;;",
    "5;11;R;Giraud;Dupont;Anne;02/01/1980;;;;;;;;",
)


@pytest_asyncio.fixture
async def town(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            db.add(Commune(insee="79322", name="Le Tallud", postcode="79200", in_territory=True))
            await create_services(db)
            await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
        await bring(site.database, DOUBTS)
        yield site


@pytest_asyncio.fixture
async def page(town: Site) -> AsyncIterator[Page]:
    """Debian's Chromium, signed in by the keyboard; a page with a fault of its own fails the test."""
    faults: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--lang=fr-FR"]
        )
        page = await (await chromium.new_context(locale="fr-FR")).new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(f"{town.url}/connexion?next=/reprises")
        await page.locator("input[name=username]").focus()
        await page.keyboard.type("sylvie")
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/reprises")
        yield page
        await chromium.close()
    assert faults == []


async def look(page: Page) -> None:
    """Wait until the page takes an answer."""
    await page.locator("form[data-ready]").wait_for()


async def press(page: Page, key: str, left: int) -> None:
    """Press a key of the page, and wait until the next pair says how many are left."""
    await look(page)
    async with page.expect_navigation():
        await page.keyboard.press(key)
    await expect(page.locator(".in-sight b")).to_have_text(str(left))
    await expect(page.locator(".in-sight")).to_be_in_viewport()


async def test_three_pairs_are_decided_one_is_taken_back_and_decided_otherwise(town: Site, page: Page) -> None:
    await page.get_by_role("link", name=re.compile("^Décider")).press("Enter")
    await page.wait_for_url("**/ressemblances")
    await expect(page.locator(".in-sight b")).to_have_text("3")
    await press(page, "m", 2)
    await press(page, "p", 2)
    await press(page, "d", 1)
    # Back to the last answer, taken back, then the ones that are left, the put off one last.
    await press(page, "r", 1)
    await expect(page.get_by_role("button", name="Reprendre la décision")).to_be_visible()
    await press(page, "p", 2)
    await press(page, "m", 1)
    await look(page)
    async with page.expect_navigation():
        await page.keyboard.press("d")
    await expect(page.get_by_text("Tout est décidé dans cette base.")).to_be_visible()
    assert sorted(str(pair.verdict) for pair in await pairs(town.database)) == [
        Verdict.DIFFERENT,
        Verdict.SAME,
        Verdict.SAME,
    ]


async def test_a_key_pressed_twice_answers_once(town: Site, page: Page) -> None:
    await page.get_by_role("link", name=re.compile("^Décider")).press("Enter")
    await page.wait_for_url("**/ressemblances")
    await look(page)
    async with page.expect_navigation():
        await page.keyboard.press("m")
        await page.keyboard.press("m")
    # The moment that the page waits is not over yet: this press is nobody's answer.
    await page.keyboard.press("m")
    await look(page)
    await expect(page.locator(".in-sight b")).to_have_text("2")
    decided = [pair for pair in await pairs(town.database) if pair.verdict is not None]
    assert len(decided) == 1

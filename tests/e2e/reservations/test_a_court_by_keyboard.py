"""A secretary reserves a court for Jeanne with the keyboard alone; another's reservation shows without a reload."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from datetime import time, timedelta
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, expect

from cvq_core.facilities.service import reserve
from cvq_core.staff.rules import Role
from tests.core_examples import TODAY
from tests.factories import PASSWORD, make_staff, make_town_hall
from tests.integration.core.facilities.conftest import Ground, add_person, make_ground, slot
from tests.served import Site, served

IN_A_WEEK = TODAY + timedelta(days=7)
TABS_MAX = 60


@pytest_asyncio.fixture
async def site(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        yield site


@pytest_asyncio.fixture
async def ground(site: Site) -> Ground:
    ground = Ground(site.database, site.services.settings)
    await make_ground(ground)
    ground.ids["jeanne"], ground.ids["family"] = await add_person(ground, "Jeanne", "F00001")
    async with site.database.write() as db:
        await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
    return ground


async def _tab_to(page: Page, said: str) -> None:
    """Press Tab until a link or a button that says so has the focus."""
    focused = "document.activeElement.matches('a, button') ? document.activeElement.textContent : ''"
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        if said in await page.evaluate(focused):
            return
    raise AssertionError(f"the keyboard does not reach « {said} »")


async def _enter_on(page: Page, said: str, leads_to: str | re.Pattern[str]) -> None:
    await _tab_to(page, said)
    await page.keyboard.press("Enter")
    await page.wait_for_url(leads_to)


async def test_a_free_slot_is_reserved_by_keyboard_and_given_up_again(site: Site, ground: Ground, page: Page) -> None:
    await page.goto(f"{site.url}/connexion")
    await page.locator("input[name=username]").focus()
    await page.keyboard.type("sylvie")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/mairie*")
    week = f"{site.url}/reservations?lieu={ground.ids['court']}&semaine={IN_A_WEEK}"
    await page.goto(week)
    await _tab_to(page, "lundi 9 mars")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/nouvelle"))
    await expect(page.locator(".when")).to_contain_text("lundi 9 mars")
    await expect(page.locator(".when")).to_contain_text("8 h 40")
    await page.keyboard.type("moreau jea")
    await expect(page.locator("#people")).to_contain_text("MOREAU Jeanne")
    await _enter_on(page, "MOREAU Jeanne", re.compile("personne="))
    await expect(page.locator("main")).to_contain_text("7,00")
    await _enter_on(page, "Réserver", "**/fiche/*")
    await expect(page.locator("main")).to_contain_text("réservé")
    assert await ground.balance() == 9300
    fiche = page.url
    await page.goto(week)
    await expect(page.locator(".week")).to_contain_text("MOREAU Jeanne")
    rose, account = await add_person(ground, "Rose", "F00003")
    async with site.database.write() as db:
        wish = ground.wish(slot(IN_A_WEEK, time(8)), person_id=rose, account_id=account)
        await reserve(ground.doing(db, site.services.clock()), wish)
    await expect(page.locator(".week")).to_contain_text("MOREAU Rose")
    await page.goto(fiche)
    await _enter_on(page, "Annuler cette réservation", "**/fiche/*")
    await expect(page.locator("main")).to_contain_text("annulée")
    assert await ground.balance() == 10000

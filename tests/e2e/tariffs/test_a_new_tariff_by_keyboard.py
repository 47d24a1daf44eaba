"""From sign-in to an adopted tariff on a seeded territory, with the keyboard alone."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, expect
from sqlalchemy import select

from cvq_core.seed.service import seed_territory
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from cvq_core.tariffs.store import tariff_in_force
from tests.factories import PASSWORD, make_staff
from tests.served import Site, served

NOVEMBER = datetime(2026, 11, 24, 9, 40, tzinfo=UTC)
TABS_MAX = 60


@pytest_asyncio.fixture
async def site(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """The demonstration's territory with the manager of its canteen."""
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path, now=NOVEMBER) as site:
        await seed_territory(site.database, "demo", seed=1, school_year=2026)
        async with site.database.write() as db:
            canteen = await db.scalar(select(Service.id).where(Service.code == ServiceCode.CANTEEN))
            await make_staff(db, Role.SERVICE_MANAGER, canteen, "laurence", "Laurence Pineau")
        yield site


async def _tab_to(page: Page, said: str) -> None:
    """Press Tab until what has the focus says so, or bears that id."""
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        focused = await page.evaluate("`${document.activeElement.textContent} #${document.activeElement.id}`")
        if said in focused:
            return
    raise AssertionError(f"the keyboard does not reach « {said} »")


async def _enter_on(page: Page, said: str, leads_to: str) -> None:
    await _tab_to(page, said)
    await page.keyboard.press("Enter")
    await page.wait_for_url(leads_to)


async def test_a_tariff_is_corrected_proposed_tried_and_adopted(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/connexion")
    await page.locator("input[name=username]").focus()
    await page.keyboard.type("laurence")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tarifs")

    await _enter_on(page, "Proposer un tarif", "**/proposer")
    voted = await page.input_value("#text")
    await page.fill("#text", voted.replace("montant: 2.35", "montant: 1.60"))
    await _tab_to(page, "Proposer")
    await page.keyboard.press("Enter")
    await expect(page.locator("#faults")).to_contain_text("Cette tranche est moins chère que celle d’avant.")
    await _tab_to(page, "Ligne 16")
    await page.keyboard.press("Enter")
    await page.keyboard.type("          - {quotient: 701 à 1000, montant: 2.80}")
    await _tab_to(page, "Proposer")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/versions/*")
    version_url = page.url

    await _enter_on(page, "Essayer sur le mois dernier", "**/essai")
    await expect(page.locator("h1")).to_contain_text("octobre 2026")
    await expect(page.locator("main")).to_contain_text("Présences vraisemblables, et non relevées")
    dearer = page.locator(".beside .card").first
    await expect(dearer).to_contain_text("Paieraient plus")
    assert await dearer.locator("tbody tr").count() > 0

    await page.goto(version_url)
    await _tab_to(page, "#valid_from")
    await page.keyboard.type("01012027")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/adopter**")
    await expect(page.locator("main")).to_contain_text("Il s’appliquera à partir du vendredi 1ᵉʳ janvier 2027.")
    await _enter_on(page, "Adopter à partir du", "**/versions/*")
    await expect(page.locator("main")).to_contain_text("à venir")

    async with site.database.read() as db:
        before = await tariff_in_force(db, ServiceCode.CANTEEN, date(2026, 12, 31))
        after = await tariff_in_force(db, ServiceCode.CANTEEN, date(2027, 1, 1))
    assert (before.row.number, after.row.number) == (1, 2)
    assert after.row.text == voted.replace("montant: 2.35", "montant: 2.80")

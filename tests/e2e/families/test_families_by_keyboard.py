"""A secretary with a keyboard alone: a calendar looked at and recorded, two accounts merged and taken apart."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect
from sqlalchemy import select

from cvq_core.families.tables import AccountMergeUndo
from cvq_core.ids import new_id
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import CustodyArrangement, FamilyAccount, Membership
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import LONG_AGO, create_family, create_member, create_services, create_wallet
from tests.factories import PASSWORD, make_staff, make_town_hall
from tests.served import Site, served

TABS_MAX = 60


@dataclass(frozen=True, slots=True)
class Village:
    """Anna's account, Julien's with their child in both, and Anna's a second time."""

    site: Site
    mother: FamilyAccount
    double: FamilyAccount


@pytest_asyncio.fixture
async def village(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Village]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            mother = await create_family(db, "0000123", "Famille Moreau")
            father = await create_family(db, "0000777", "Foyer Texier")
            double = await create_family(db, "0000124", "Famille Moreau")
            await create_member(db, mother.id, "Anna", FamilyRole.GUARDIAN, born=date(1985, 2, 3))
            await create_member(db, father.id, "Julien", FamilyRole.GUARDIAN, born=date(1984, 2, 3))
            emma = await create_member(db, mother.id, "Emma", FamilyRole.CHILD, born=date(2017, 6, 1))
            db.add(
                Membership(
                    id=new_id(), account_id=father.id, person_id=emma.id, role=FamilyRole.CHILD, valid_from=LONG_AGO
                )
            )
            await create_member(db, double.id, "Tom", FamilyRole.CHILD, born=date(2019, 1, 9))
            await create_wallet(db, double.id, ServiceCode.POOL, cents=1240)
            await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
        yield Village(site, mother, double)


@pytest_asyncio.fixture
async def page(village: Village) -> AsyncIterator[Page]:
    """Debian's Chromium, signed in by the keyboard; a page with a fault of its own fails the test."""
    faults: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--lang=fr-FR"]
        )
        page = await (await chromium.new_context(locale="fr-FR")).new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(f"{village.site.url}/connexion?next=/familles")
        await page.locator("input[name=username]").focus()
        await page.keyboard.type("sylvie")
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/familles")
        yield page
        await chromium.close()
    assert faults == []


async def tab_to(page: Page, said: str) -> None:
    """Press Tab until what has the focus says so, or bears that id or value."""
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(
            "(({ textContent, id, value }) => `${textContent} #${id} =${value}`)(document.activeElement)"
        )
        if said in focused:
            return
    raise AssertionError(f"the keyboard does not reach « {said} »")


async def enter_on(page: Page, said: str, leads_to: str) -> None:
    await tab_to(page, said)
    await page.keyboard.press("Enter")
    await page.wait_for_url(leads_to)


async def find(page: Page, name: str, number: str) -> None:
    """Type into the search, which has the focus at once, and open the account of that number."""
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.type(name)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**q=**")
    await tab_to(page, number)
    await page.keyboard.press("Enter")


async def test_a_calendar_is_chosen_looked_at_and_recorded(village: Village, page: Page) -> None:
    await find(page, "emma moreau", "0000123")
    await page.wait_for_url(f"**/familles/{village.mother.id}")
    await enter_on(page, "Calendrier de garde", "**/enfants/*")
    await expect(page.locator("main")).to_contain_text("Aucun calendrier de garde n’est enregistré.")
    await enter_on(page, "Nouveau calendrier", "**/calendrier")
    await tab_to(page, "=even")
    await page.keyboard.press("ArrowDown")
    await tab_to(page, "#share-1")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("60")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("40")
    await tab_to(page, "Voir ce que cela donne")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Ce calendrier est-il le bon\u202f?")
    await expect(page.locator("td.today")).to_contain_text("Julien")
    async with village.site.database.read() as db:
        assert (await db.scalars(select(CustodyArrangement.id))).all() == [], "looking records nothing"
    await tab_to(page, "Oui, enregistrer ce calendrier")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**?mois=2026-03")
    await expect(page.locator("td.other").first).to_contain_text("Julien")
    await expect(page.locator("td.here").first).to_contain_text("Ici")
    await expect(page.locator("main")).to_contain_text("60\u00a0% de ce qui se partage")


async def test_two_accounts_are_merged_after_a_comparison_and_taken_apart(village: Village, page: Page) -> None:
    await find(page, "tom moreau", "0000124")
    await page.wait_for_url(f"**/familles/{village.double.id}")
    await enter_on(page, "Réunir avec un autre compte", "**/reunir")
    await find(page, "anna moreau", "0000123")
    await page.wait_for_url("**?avec=0000123")
    await expect(page.locator(".two-sides")).to_contain_text("12,40")
    await expect(page.locator("form[aria-labelledby=after-title]")).to_contain_text(
        "Rejoignent le compte gardé\u00a0: Tom Moreau."
    )
    await tab_to(page, "#reason")
    await page.keyboard.type("ouvert deux fois")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Réunir ces deux comptes\u202f?")
    await enter_on(page, "Oui, réunir les comptes", "**/reunions/*")
    await expect(page.locator("main")).to_contain_text("elle peut encore être défaite")
    await tab_to(page, "#reason")
    await page.keyboard.type("deux familles")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Défaire cette réunion\u202f?")
    await enter_on(page, "Oui, défaire la réunion", f"**/familles/{village.double.id}")
    await expect(page.locator(".history")).to_contain_text("est défaite\u00a0: deux familles.")
    async with village.site.database.read() as db:
        assert len((await db.scalars(select(AccountMergeUndo))).all()) == 1

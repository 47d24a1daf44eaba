"""A waste centre's day as its attendants live it: with the network, without it, and when it is back."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from pypdfium2 import PdfDocument
from sqlalchemy import select

from cvq_core.devices.store import make_code
from cvq_core.ids import new_id
from cvq_core.waste.plates import register_plate
from cvq_core.waste.rules import Standing
from cvq_core.waste.store import set_quota
from cvq_core.waste.tables import WasteDeposit, WasteLate
from tests.core_examples import LONG_AGO, NOW, TODAY, create_services
from tests.e2e.tablet.test_tablet import findings, picture
from tests.integration.core.waste.ground import UID, fill
from tests.served import Site, served


@dataclass(slots=True)
class Centre:
    """The server, and the tablets of its two sites, each with a browser of its own."""

    site: Site
    made: dict[str, Any]
    browser: Browser
    windows: list[BrowserContext] = field(default_factory=list)

    async def tablet(self, site: UUID) -> Page:
        """Install a tablet at a site."""
        async with self.site.database.write() as db:
            code = await make_code(db, kind="reader", subject_id=site, name="Gardien", now=NOW)
        window = await self.browser.new_context(
            locale="fr-FR", viewport={"width": 1024, "height": 768}, has_touch=True, reduced_motion="reduce"
        )
        self.windows.append(window)
        await window.clock.install(time=NOW)
        page = await window.new_page()
        await page.goto(f"{self.site.url}/tablette/decheterie")
        await page.get_by_label("Code d’installation").fill(code)
        async with page.expect_response("**/api/v1/waste/people"):
            await page.get_by_role("button", name="Installer cette tablette").click()
        await expect(page.locator("#place")).to_have_text("Déchèterie de Parthenay")
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        return page

    async def deposits(self) -> list[WasteDeposit]:
        async with self.site.database.read() as db:
            return list(await db.scalars(select(WasteDeposit).order_by(WasteDeposit.received_at, WasteDeposit.id)))


@pytest.fixture
async def centre(browser: Browser, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Centre]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            made = await fill(db)
            await create_services(db)
            await set_quota(db, new_id(), valid_from=LONG_AGO, visits_a_year=2, by=None, now=NOW)
            await register_plate(
                db, "AB-123-CD", person_id=made["luc"], standing=Standing.PROFESSIONAL, by=None, now=NOW
            )
        found = Centre(site, made, browser)
        yield found
        for window in found.windows:
            await window.close()


async def type_on_keys(page: Page, text: str) -> None:
    for letter in text:
        await page.locator(f'#keys [data-key="{letter}"]').tap()


async def bring(page: Page, *loads: tuple[str, str]) -> None:
    for category, volume in loads:
        await page.locator("#categories button", has_text=category).tap()
        await page.locator("#volumes button", has_text=volume).tap()


async def put_down(page: Page, words: str) -> None:
    await page.get_by_role("button", name="Déposer").tap()
    await expect(page.locator("#done")).to_be_visible()
    await expect(page.locator("#done-words")).to_contain_text(words)


async def jeanne_comes(page: Page) -> None:
    await type_on_keys(page, "JEANNE")
    await page.locator(".found", has_text="Jeanne").tap()


async def smallest_target(page: Page) -> int:
    sizes = await page.locator("button:visible").evaluate_all(
        "(found) => found.map((each) => Math.min(each.offsetWidth, each.offsetHeight))"
    )
    return int(min(sizes))


async def test_a_mixed_load_a_company_that_pays_and_an_overrun_with_and_without_a_network(centre: Centre) -> None:
    here = await centre.tablet(centre.made["sites"][0])
    there = await centre.tablet(centre.made["sites"][1])
    # With the network: the mason's card, a mixed load, the price in sight, the slip.
    await picture(here, "waste-who")
    assert await findings(here) == []
    assert await smallest_target(here) >= 75
    await here.keyboard.type(UID)
    await here.keyboard.press("Enter")
    await bring(here, ("Gravats", "Petite remorque"), ("Gravats", "Petite remorque"), ("Cartons", "Coffre"))
    await expect(here.locator("#name")).to_have_text("MOREAU Luc, Maçonnerie Roy")
    await expect(here.locator("#total")).to_have_text("22,50 €")
    await picture(here, "waste-load")
    assert await findings(here) == []
    assert await smallest_target(here) >= 75
    assert await here.evaluate("document.documentElement.scrollHeight <= innerHeight")
    await put_down(here, "C’est enregistré.")
    slip = PdfDocument(await here.pdf())[0].get_textpage().get_text_range()
    assert all(part in slip for part in ("Bon de dépôt", "Maçonnerie Roy", "Gravats", "1 m³", "22,50 €", "gratuit"))
    assert re.search(r"3 mars 2026 à \d+\sh\s\d\d", slip)
    assert "Au suivant" not in slip
    assert await findings(here) == []
    await picture(here, "waste-done")
    await here.get_by_role("button", name="Au suivant").tap()
    await jeanne_comes(here)
    await bring(here, ("Végétaux", "Sac"))
    await expect(here.locator("#visits")).to_have_text("Passage 1 sur 2 : il en restera 1")
    await put_down(here, "C’est enregistré.")

    # The line is cut at both sites, and one tablet is switched off and on again.
    for page in (here, there):
        await page.context.set_offline(True)
    await here.reload()
    await jeanne_comes(here)
    await bring(here, ("Végétaux", "Grande remorque"))
    await expect(here.locator("#visits")).to_have_text("Passage 2 sur 2 : il en restera 0")
    await put_down(here, "au retour du réseau")
    await here.get_by_role("button", name="Au suivant").tap()
    await jeanne_comes(here)
    await bring(here, ("Végétaux", "Sac"))
    await expect(here.locator("#visits")).to_have_text("Ce foyer a fait ses 2 passages de l’année.")
    await expect(here.locator("#confirm")).to_be_disabled()
    await here.get_by_role("button", name="Abandonner").tap()
    # The other site cannot know of those: it still counts none.
    for _ in range(2):
        await jeanne_comes(there)
        await bring(there, ("Végétaux", "Sac"))
        await put_down(there, "au retour du réseau")
        await there.get_by_role("button", name="Au suivant").tap()
    await type_on_keys(there, "AB123")
    await there.locator(".found", has_text="AB123CD").tap()
    await bring(there, ("Gravats", "Fourgon"))
    await expect(there.locator("#total")).to_have_text("67,50 €")
    await picture(there, "waste-offline")
    await put_down(there, "au retour du réseau")
    await there.get_by_role("button", name="Au suivant").tap()
    await there.keyboard.type("04FFFFFFFFFFFF")
    await there.keyboard.press("Enter")
    await bring(there, ("Cartons", "Sac"))
    await there.get_by_role("button", name="Professionnel").tap()
    await put_down(there, "au retour du réseau")
    await expect(there.locator("#waiting")).to_contain_text("À envoyer : 4")
    await there.reload()
    await expect(there.locator("#waiting")).to_contain_text("À envoyer : 4")
    assert len(await centre.deposits()) == 2

    # It is back: each comes home once, however often it is sent.
    for page in (here, there):
        await page.context.set_offline(False)
        async with page.expect_response("**/api/v1/waste/people"):
            await page.reload()
        await expect(page.locator("#waiting")).to_be_hidden()
    found = await centre.deposits()
    assert [each.amount_cents for each in found if each.standing is Standing.PROFESSIONAL] == [2250, 6750]
    assert {each.account_id for each in found if each.amount_cents} == {centre.made["company"]}
    visits = [(each.visit, each.overrun, each.offline) for each in found if each.standing is Standing.HOUSEHOLD]
    assert visits == [(1, False, False), (2, False, True), (3, True, True), (4, True, True)]
    async with centre.site.database.read() as db:
        [left] = await db.scalars(select(WasteLate))
    assert (left.reason, left.who) == ("unknown-card", "Carte …FFFF")


async def test_a_list_that_is_too_old_is_gone_and_a_card_is_still_taken(centre: Centre) -> None:
    page = await centre.tablet(centre.made["sites"][0])
    await page.context.set_offline(True)
    await page.clock.set_fixed_time(NOW + timedelta(hours=73))
    await page.reload()
    await expect(page.locator("#not-held")).to_contain_text("trop ancienne")
    await type_on_keys(page, "JEANNE")
    await expect(page.locator(".found")).to_have_count(0)
    kept = await page.evaluate(
        """() => new Promise((resolve) => {
          indexedDB.open("cvq-tablet").onsuccess = (event) => {
            const get = event.target.result.transaction("kept").objectStore("kept").get("waste-list");
            get.onsuccess = () => resolve(JSON.stringify(get.result));
          };
        })"""
    )
    assert "Jeanne" not in kept
    await page.keyboard.type(UID)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Professionnel").tap()
    await bring(page, ("Gravats", "Sac"))
    await expect(page.locator("#total")).to_have_text("prix au retour du réseau")
    await put_down(page, "au retour du réseau")
    await page.context.set_offline(False)
    async with page.expect_response("**/api/v1/waste/people"):
        await page.reload()
    [deposit] = await centre.deposits()
    assert (deposit.amount_cents, deposit.account_id) == (113, centre.made["company"])
    assert deposit.occurred_at.date() == TODAY

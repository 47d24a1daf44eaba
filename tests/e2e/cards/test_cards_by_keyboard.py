"""With the keyboard alone: a lost card is blocked by phone, and works again once its holder has it."""

from __future__ import annotations

from playwright.async_api import Page, expect

from cvq_core.cards.tables import Card
from tests.factories import PASSWORD
from tests.integration.console.test_card_pages import Desk, desk

__all__ = ["desk"]

TABS_MAX = 60


async def _tab_to(page: Page, said: str) -> None:
    """Press Tab until what has the focus says so: a link or a button by its text, a field by its label."""
    focused = """
    (() => {
      const here = document.activeElement;
      return here.matches('a, button') ? here.textContent : (here.labels?.[0]?.textContent ?? '');
    })()
    """
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        if said in await page.evaluate(focused):
            return
    raise AssertionError(f"the keyboard does not reach « {said} »")


async def test_a_lost_card_is_blocked_by_phone_and_works_again_when_its_holder_has_it(desk: Desk, page: Page) -> None:
    await page.goto(f"{desk.site.url}/connexion")
    await page.locator("input[name=username]").focus()
    await page.keyboard.type("sylvie")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/mairie*")
    await page.goto(f"{desk.site.url}/cartes")
    number = f"{desk.card.number[:3]} {desk.card.number[3:6]} {desk.card.number[6:]}"
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.type(number)
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("en service")
    await _tab_to(page, desk.card.number[:3])
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/cartes/{desk.card.id}")
    await _tab_to(page, "On vous l’a dit")
    await page.keyboard.type("par t")
    await _tab_to(page, "Bloquer maintenant")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("par téléphone")
    assert await _status(desk) == "blocked"
    await _tab_to(page, "Remettre en service")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1 + .chip, .chip").first).to_contain_text("en service")
    assert await _status(desk) == "active"


async def _status(desk: Desk) -> str:
    async with desk.site.database.read() as db:
        return (await db.get_one(Card, desk.card.id)).status.value

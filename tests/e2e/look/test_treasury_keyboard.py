"""The officer's pages of the Treasury by the keyboard alone: what is ticked adds up in sight, and is what is sent."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from playwright.async_api import Page, expect

from tests.e2e.look.conftest import Open, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _sent(page: Page, site: Site, key: str, path: str) -> list[tuple[str, str]]:
    """Press a shortcut and return the fields that its form sends."""
    site.received.clear()
    async with page.expect_response(lambda answer: answer.url.endswith(path)):
        await page.keyboard.press(f"Alt+{key}")
    [body] = [body for sent_to, body in site.received if sent_to == path]
    return parse_qsl(body.decode())


async def test_a_cheque_that_is_not_there_is_left_out_with_the_space_bar(look: Open, site: Site) -> None:
    page = await look("treasury-cheques")
    await page.focus("#cheque-2")
    await page.keyboard.press("Space")
    await expect(page.locator("[data-tally-count]")).to_have_text("1")
    await expect(page.locator("[data-tally-sum]")).to_have_text("45,50 €")
    fields = await _sent(page, site, "r", "/tresor/cheques/remettre")
    assert [value for name, value in fields if name == "cheque"] == ["1"]


async def test_both_sides_of_a_match_add_up_until_nothing_is_between_them(look: Open, site: Site) -> None:
    page = await look("treasury-statement")
    difference = page.locator("[data-balance-difference]")
    await expect(difference).to_have_text("-826,00 €")
    for box in ("#item-2", "#item-1"):
        await page.focus(box)
        await page.keyboard.press("Space")
    await expect(difference).to_have_text("0,00 €")
    fields = await _sent(page, site, "d", "/tresor/releve/decider")
    assert [(name, value) for name, value in fields if name in ("line", "item")] == [("line", "1"), ("item", "card:1")]


async def test_a_family_that_is_kept_comes_off_the_total(look: Open, site: Site) -> None:
    page = await look("treasury-unpaid")
    await expect(page.locator("[data-kept-sum]")).to_have_text("59,80 €")
    fields = dict(await _sent(page, site, "t", "/tresor/restes/transmettre"))
    # The whole that was shown goes along, so that what changed meanwhile is seen.
    assert (fields["total"], fields["keep"]) == ("12980", "2")

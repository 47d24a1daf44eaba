"""Tariffs by keyboard alone: a fault leads to its line, a file fills the text, a simulation's tables can be reached."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.look.conftest import Open, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_enter_on_a_fault_selects_its_line_in_the_text(look: Open) -> None:
    page = await look("tariff-faults")
    await page.locator('a[data-line="5"]').focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_be_focused()
    selected = await page.locator("#text").evaluate("text => text.value.slice(text.selectionStart, text.selectionEnd)")
    assert selected.startswith("décision:")


async def test_a_file_fills_the_text_and_nothing_is_sent_before_the_button(look: Open, site: Site) -> None:
    page = await look("tariff-propose")
    site.received.clear()
    await page.locator("#file").set_input_files(
        {"name": "tarif.yaml", "mimeType": "text/plain", "buffer": b"service: piscine\n"}
    )
    await expect(page.locator("#text")).to_have_value("service: piscine\n")
    assert [path for path, _ in site.received if path == "/tariffs/propose"] == []
    await page.locator("#text").focus()
    await page.keyboard.press("Tab")
    async with page.expect_response("**/tariffs/propose"):
        await page.keyboard.press("Enter")
    sent = [body for path, body in site.received if path == "/tariffs/propose"]
    assert len(sent) == 1
    assert b"service%3A+piscine" in sent[0]


async def test_tab_goes_through_a_simulation_and_its_tables_scroll_with_the_arrows(look: Open) -> None:
    page = await look("tariff-simulation")
    reached = []
    for _ in range(12):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.className + '|' + document.activeElement.tagName"))
    assert sum("table-frame" in each for each in reached) == 3
    assert sum("button" in each for each in reached) >= 2


async def test_the_last_question_is_answered_with_enter(look: Open, site: Site) -> None:
    page = await look("tariff-adopt")
    site.received.clear()
    await page.locator("main button").focus()
    async with page.expect_response("**/tariffs/2/adopt"):
        await page.keyboard.press("Enter")
    assert [(path, b"valid_from=2027-01-01" in body) for path, body in site.received] == [("/tariffs/2/adopt", True)]

"""Everything can be done without a mouse: each control takes the focus, is seen with it, and has its key."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.look.conftest import Open

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = """
login account secretary secretary-alerts console console-papers console-account console-ending dock cash-collecting
cash-count visits-log
""".split()  # noqa: SIM905 – read more easily than a column of quoted names

# Keys of one hand come more slowly than those of a card reader that types (`GAP_MS` in `wedge.js`).
A_HANDS_PAUSE_MS = 150

# All keys within a millisecond or two, as a reader types, however busy this machine is.
TYPED_BY_A_READER = """
number => [...number, "Enter"].forEach(key => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })))
"""

# One radio button of a group takes the focus; the arrow keys lead to the others.
CONTROLS = """
() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
  const groups = new Set();
  return all.filter((control) => {
    if (control.matches(":disabled, [tabindex='-1'], [type='hidden']") || !control.checkVisibility()) return false;
    if (control.type !== "radio") return true;
    const group = `${control.form?.id} ${control.name}`;
    return !groups.has(group) && groups.add(group);
  }).length;
}
"""
FOCUSED = """
() => {
  const control = document.activeElement;
  if (!control || control === document.body) return null;
  window.known ??= new Map();
  const key = control.type === "radio" ? `${control.form?.id} ${control.name}` : control;
  if (!window.known.has(key)) window.known.set(key, window.known.size);
  const ringed = control.matches(".pick input, .person input") ? control.closest("label") : control;
  const style = getComputedStyle(ringed);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 3;
  return [window.known.get(key), ring, control.outerHTML.slice(0, 120)];
}
"""


@pytest.mark.parametrize("name", PAGES)
async def test_the_tab_key_reaches_every_control_and_each_shows_that_it_has_the_focus(name: str, look: Open) -> None:
    page = await look(name)
    await page.evaluate("document.activeElement.blur()")
    wanted = await page.evaluate(CONTROLS)
    reached: set[int] = set()
    for _ in range(wanted * 2 + 10):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        if focused is not None:
            number, ring, html = focused
            assert ring, html
            reached.add(number)
    assert len(reached) >= wanted


async def test_a_letter_presses_its_button_outside_a_field_and_writes_inside_one(look: Open) -> None:
    page = await look("console")
    async with page.expect_request(lambda request: request.url.endswith("/acts/curtain")):
        await page.keyboard.press("b")
    field = page.locator("#f-school")
    await field.fill("")
    await field.press("b")
    await expect(field).to_have_value("b")
    async with page.expect_request(lambda request: request.url.endswith("/acts/curtain")):
        await field.press("Alt+b")
    await expect(field).to_have_value("b")


async def test_letters_alone_can_be_switched_off_and_alt_still_works(look: Open) -> None:
    page = await look("console")
    await page.keyboard.press("?")
    panel = page.locator("#shortcuts")
    await expect(panel).to_be_visible()
    await panel.get_by_label("Touches seules actives (sans Alt)").uncheck()
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await page.keyboard.press("2")
    await expect(page.locator("#tab-form")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Alt+2")
    await expect(page.locator("#tab-papers")).to_have_attribute("aria-selected", "true")
    await page.evaluate("localStorage.clear()")


async def test_the_list_of_shortcuts_names_what_can_be_pressed_on_this_page(look: Open) -> None:
    page = await look("console")
    await page.keyboard.press("?")
    items = page.locator("#shortcuts li")
    await expect(items.filter(has_text="Fermer le compte")).to_contain_text("K")
    await expect(items.filter(has_text="Formulaire complet")).to_contain_text("E")
    face = await page.locator("#face").bounding_box()
    panel = await page.locator("#shortcuts").bounding_box()
    assert face is not None
    assert panel is not None
    assert panel["x"] + panel["width"] <= face["x"], "the list lies over the face"


async def test_a_row_of_today_takes_one_key_for_each_state(look: Open) -> None:
    page = await look("secretary")
    await page.locator("#row-3 button").first.focus()
    for key, act in {"e": "expect", "a": "arrive", "s": "seat", "x": "mark_absent", "v": "vouch"}.items():
        async with page.expect_request(lambda request, act=act: request.url.endswith(f"/appointments/3/{act}")):
            await page.keyboard.press(key)
        await expect(page.locator("#row-3 form[data-sending]")).to_have_count(0)
        await page.wait_for_timeout(A_HANDS_PAUSE_MS)
    await page.keyboard.press("ArrowDown")
    async with page.expect_request(lambda request: request.url.endswith("/appointments/4/seat")):
        await page.keyboard.press("s")


async def test_a_card_whose_number_begins_like_a_key_presses_nothing(look: Open) -> None:
    page = await look("secretary")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    await page.locator("#row-3 button").first.focus()
    await page.evaluate(TYPED_BY_A_READER, "AE0422AC35E80A")
    await expect(page.locator("input[data-wedge]")).to_have_value("AE0422AC35E80A")
    await page.wait_for_timeout(2 * A_HANDS_PAUSE_MS)
    assert [url for url in sent if "/appointments/" in url] == []


async def test_the_arrow_keys_walk_the_tabs_and_a_reload_comes_back_to_the_same(look: Open) -> None:
    page = await look("console")
    await page.locator("#tab-form").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#panel-help")).to_be_visible()
    await expect(page.locator("#panel-form")).to_be_hidden()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#panel-papers")).to_be_visible()
    await page.reload()
    await expect(page.locator("#panel-papers")).to_be_visible()


async def test_names_are_initials_until_a_row_has_the_focus_or_the_veil_is_lifted(look: Open) -> None:
    page = await look("secretary")
    name = page.locator("#row-3 .full")

    async def shown() -> bool:
        box = await name.bounding_box()
        return box is not None and box["width"] > 20

    await expect(page.locator("#row-3 .initials")).to_be_visible()
    assert not await shown()
    await page.locator("#row-3 button").first.focus()
    assert await shown()
    await page.locator("#who").focus()
    assert not await shown()
    await page.keyboard.press("Alt+n")
    assert await shown()
    await expect(page.locator("#row-3 .initials")).to_be_hidden()

"""Every page and state, in every manner of looking at it: nothing for axe to find, nothing cut off, a picture kept."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize

from tests.e2e.look.conftest import AXE, DOCK, PICTURES, WIDE, ZOOMED, Open
from tests.e2e.look.samples import SAMPLES

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN_AXE = """
async (only) => {
  const result = await axe.run(document, {
    // Whatever is below 4.5:1 is below 7:1 as well: the plain rule would say the same again.
    rules: { "color-contrast-enhanced": { enabled: true }, "color-contrast": { enabled: false } },
    ...(only.length ? { runOnly: only } : {}),
  });
  return result.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]);
}
"""
# All rules once; then those again whose answer hangs on the colours, or on the width, for the page is the same.
RULES = {
    "light": [],
    "dark": ["color-contrast-enhanced"],
    "forced": ["color-contrast-enhanced"],
    "zoom-200": ["target-size", "scrollable-region-focusable"],
}
# Text that is wider or higher than the box that cuts it, and so cannot be read; a field's own text scrolls.
CUT_TEXT = """
() => [...document.querySelectorAll("main *, header *")]
  .filter((element) => element.checkVisibility() && !element.closest(".unseen, svg, video, canvas, select"))
  .filter((element) => !element.matches("input, textarea, option, .column, .table-frame, video, .full"))
  .filter((element) => getComputedStyle(element).overflowX !== "visible" || element.matches("button, .button, .chip"))
  .filter((element) => element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)
  .map((element) => element.outerHTML.slice(0, 160))
"""
TO_THE_TOP = (
    "for (const element of [document.documentElement, ...document.querySelectorAll('.column')]) element.scrollTop = 0"
)
# Where two controls lie over one another, one of them cannot be pressed.
COVERED = """
() => [...document.querySelectorAll("main :is(button, a, input, select, textarea), header :is(button, a)")]
  .filter((element) => element.checkVisibility() && !element.closest(".unseen, label"))
  .filter((element) => {
    element.scrollIntoView({ block: "center", inline: "nearest" });
    const box = element.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return !(element.contains(top) || top?.contains(element));
  })
  .map((element) => element.outerHTML.slice(0, 160))
"""
MANNERS: dict[str, tuple[ViewportSize, dict[str, Any]]] = {
    "light": (WIDE, {"color_scheme": "light"}),
    "dark": (WIDE, {"color_scheme": "dark"}),
    "forced": (WIDE, {"color_scheme": "light", "forced_colors": "active"}),
    "zoom-200": (ZOOMED, {"color_scheme": "light"}),
}


# The others only repeat what these show in dark and in forced colours: they wait for the night.
EVERY_DAY = """
login-refused problem-forbidden account secretary secretary-alerts secretary-refused console console-form-errors
console-jam console-account console-before-call console-ending dock cash-collecting cash-done cash-counted visits-log
family-child family-merge
""".split()  # noqa: SIM905 – read more easily than a column of quoted names


async def _look_at(page: Page, name: str, manner: str) -> None:
    """Take the picture, then let nothing pass: axe, sideways scrolling, cut text, covered controls."""
    viewport, media = MANNERS[manner]
    await page.emulate_media(**media)
    # The dock is 420 px wide by its nature; at 200 % it has half of a window, as any other page.
    await page.set_viewport_size(DOCK if name.startswith("dock") and manner != "zoom-200" else viewport)
    await page.evaluate(TO_THE_TOP)
    full = manner == "zoom-200" or name.startswith("dock")
    await page.screenshot(path=PICTURES / manner / f"{name}.png", full_page=full)
    assert await page.evaluate(RUN_AXE, RULES[manner]) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    assert await page.evaluate(CUT_TEXT) == []
    assert await page.evaluate(COVERED) == []


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_page_can_be_read_and_used_at_1366_px_and_at_a_zoom_of_200(name: str, look: Open) -> None:
    page = await look(name)
    await page.add_script_tag(url=AXE)
    await _look_at(page, name, "light")
    await _look_at(page, name, "zoom-200")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in EVERY_DAY else pytest.mark.nightly) for name in SAMPLES]
)
async def test_a_page_can_be_read_and_used_in_dark_and_in_forced_colours(name: str, look: Open) -> None:
    page = await look(name)
    await page.add_script_tag(url=AXE)
    await _look_at(page, name, "dark")
    await _look_at(page, name, "forced")

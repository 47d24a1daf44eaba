"""The small modules of the pages, in a real browser: pages of paper, sums, sounds, files in and out."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image
from playwright.async_api import Page, expect

from tests.e2e.look.conftest import Open, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

PDF = base64.b64encode(b"%PDF-1.7\n%%EOF\n").decode()

START_STRIP = """
async (colours) => {
  const { PageStrip } = await import("/static/console/js/strip.js");
  const strip = (window.strip = new PageStrip(document.getElementById("strip")));
  for (const [id, png] of Object.entries(colours)) {
    const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
    await strip.add(id, new Blob([bytes], { type: "image/png" }));
  }
}
"""
# Recorded beside the real oscillators, which play all the same.
RECORD_TONES = """
() => {
  window.tones = [];
  const Real = window.OscillatorNode;
  window.OscillatorNode = class extends Real {
    constructor(context, options) {
      super(context, options);
      window.tones.push(options.frequency);
    }
  };
}
"""


def _paper(red: int) -> str:
    """Return a PNG of 60 by 90, darker in its upper half, in base64."""
    image = Image.new("RGB", (60, 90), (red, 200, 200))
    image.paste((red, 60, 60), (0, 0, 60, 45))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


async def _strip(look: Open) -> Page:
    page = await look("console-papers")
    await page.evaluate(START_STRIP, {name: _paper(red) for name, red in (("a", 10), ("b", 120), ("c", 240))})
    return page


async def _order(page: Page) -> list[str]:
    return [str(each) for each in await page.evaluate("strip.pages().map(({ id }) => id)")]


async def test_pages_are_put_in_order_by_button_and_it_is_said(look: Open) -> None:
    page = await _strip(look)
    await expect(page.locator("[data-page]")).to_have_count(3)
    await expect(page.locator("#tab-papers [data-strip-count]")).to_have_text("3")
    await page.get_by_role("button", name="Mettre après").first.click()
    assert await _order(page) == ["b", "a", "c"]
    await expect(page.locator("[data-strip-said]")).to_have_text("Page déplacée à la place 2")
    await expect(page.get_by_role("button", name="Mettre après").nth(1)).to_be_focused()
    await page.get_by_role("button", name="Mettre avant").nth(2).click()
    assert await _order(page) == ["b", "c", "a"]


async def test_a_page_thrown_away_can_be_taken_back_to_its_place(look: Open) -> None:
    page = await _strip(look)
    await page.get_by_role("button", name="Jeter").nth(1).click()
    assert await _order(page) == ["a", "c"]
    await page.get_by_role("button", name="Reprendre la page jetée").click()
    assert await _order(page) == ["a", "b", "c"]
    await expect(page.locator("[data-strip-undo]")).to_be_hidden()


async def test_turning_a_page_turns_its_picture_and_its_crop(look: Open) -> None:
    page = await _strip(look)
    await page.get_by_role("button", name="Tourner").first.click()
    turned = await page.evaluate("strip.pages()[0]")
    assert turned["turn_degrees"] == 90
    size = await page.evaluate(
        "(() => { const c = document.querySelector('[data-page-canvas]'); return [c.width, c.height]; })()"
    )
    assert size[0] > size[1]


async def test_a_page_is_cropped_with_keys_alone(look: Open) -> None:
    page = await _strip(look)
    await page.get_by_role("button", name="Recadrer la page 1").press("Enter")
    await expect(page.locator("#crop")).to_be_visible()
    left = page.get_by_label("Gauche")
    await expect(left).to_be_focused()
    for _ in range(10):
        await left.press("ArrowRight")
    await page.get_by_role("button", name="Garder ce cadre").press("Enter")
    await expect(page.locator("#crop")).to_be_hidden()
    crop = await page.evaluate("strip.pages()[0].crop")
    assert crop == [pytest.approx(0.1), 0, 1, 1]
    await expect(page.get_by_role("button", name="Recadrer la page 1")).to_be_focused()


async def test_a_page_is_cropped_by_drawing_a_frame_and_left_as_it_was_by_escape(look: Open) -> None:
    page = await _strip(look)
    await page.get_by_role("button", name="Recadrer la page 1").click()
    box = await page.locator("[data-crop-canvas]").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.75, steps=4)
    await page.mouse.up()
    await page.get_by_role("button", name="Garder ce cadre").click()
    expected = [
        pytest.approx(0.25, abs=0.02),
        pytest.approx(0.25, abs=0.02),
        pytest.approx(0.75, abs=0.02),
        pytest.approx(0.75, abs=0.02),
    ]
    await page.wait_for_function("strip.pages()[0].crop[0] > 0")
    assert await page.evaluate("strip.pages()[0].crop") == expected
    await page.get_by_role("button", name="Recadrer la page 1").click()
    await page.get_by_role("button", name="Page entière").click()
    await page.keyboard.press("Escape")
    await expect(page.locator("#crop")).to_be_hidden()
    assert await page.evaluate("strip.pages()[0].crop") == expected


async def test_filing_wants_to_know_first_what_the_paper_is(look: Open) -> None:
    page = await _strip(look)
    await page.evaluate("document.addEventListener('strip:file', ({ detail }) => { window.filed = detail; })")
    await page.get_by_role("button", name="Classer au dossier").click()
    await expect(page.get_by_text("Dites d’abord ce qu’est ce papier.")).to_be_visible()
    await expect(page.get_by_label("Ce papier est")).to_be_focused()
    assert await page.evaluate("window.filed") is None
    await page.get_by_label("Ce papier est").fill("Avis d’imposition")
    await page.get_by_role("button", name="Classer au dossier").click()
    assert await page.evaluate("window.filed") == {"title": "Avis d’imposition"}


async def test_a_filed_document_and_a_scanned_page_drag_out_as_files(look: Open) -> None:
    page = await _strip(look)
    drag = """(selector) => {
      const transfer = new DataTransfer();
      const event = new DragEvent("dragstart", { bubbles: true, dataTransfer: transfer });
      document.querySelector(selector).dispatchEvent(event);
      return transfer.getData("DownloadURL");
    }"""
    document = await page.evaluate(drag, ".filed a")
    assert document.startswith("application/pdf:justificatif-de-domicile.pdf:http://127.0.0.1:")
    assert document.endswith("/documents/1.pdf")
    scanned = await page.evaluate(drag, "[data-page]")
    assert scanned.startswith("image/png:page-1.png:blob:http://127.0.0.1:")


async def _drop(page: Page, name: str, media_type: str) -> None:
    await page.evaluate(
        """([name, type, content]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], name, { type }));
          document.querySelector("[data-drop-url]")
            .dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
        }""",
        [name, media_type, PDF],
    )


async def test_a_pdf_dropped_on_the_dock_is_sent_to_the_printer_with_the_session_s_token(
    look: Open, site: Site
) -> None:
    page = await look("dock")
    async with page.expect_request(lambda request: request.url.endswith("/prints")) as sent:
        await _drop(page, "lettre à Mme Moreau.pdf", "application/pdf")
    request = await sent.value
    assert request.method == "POST"
    assert request.headers["x-csrf-token"] == "jeton"
    assert request.headers["content-type"] == "application/pdf"
    assert request.headers["idempotency-key"]
    assert await request.response() is not None
    assert ("/prints", base64.b64decode(PDF)) in site.received


async def test_what_is_no_pdf_is_not_sent_and_the_page_says_so(look: Open) -> None:
    page = await look("dock")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    await _drop(page, "photo.png", "image/png")
    await expect(page.get_by_text("Seul un PDF peut s’imprimer au guichet.")).to_be_visible()
    assert sent == []


async def test_the_till_adds_up_and_says_the_change_or_what_is_missing(look: Open) -> None:
    page = await look("cash-collecting")
    total, change = page.locator("[data-till-total]"), page.locator("[data-till-change]")
    await expect(total).to_have_text("14,70\u00a0€")
    await expect(change).to_have_text("5,30\u00a0€")
    await page.get_by_role("button", name="+ 20 € Piscine").click()
    await expect(total).to_have_text("34,70\u00a0€")
    await expect(page.get_by_text("Il manque")).to_be_visible()
    await expect(change).to_have_text("14,70\u00a0€")
    await page.get_by_role("button", name="le compte juste").click()
    await expect(page.get_by_text("À rendre")).to_be_visible()
    await expect(change).to_have_text("0,00\u00a0€")
    await page.get_by_role("textbox", name="Piscine").fill("dix")
    await expect(page.get_by_role("textbox", name="Piscine")).to_have_attribute("aria-invalid", "true")
    await page.get_by_role("radio", name="chèque", exact=True).check()
    await expect(page.get_by_label("Donné")).to_be_hidden()


async def test_the_till_shows_the_fields_of_each_means_and_adds_vouchers_up(look: Open) -> None:
    page = await look("cash-collecting")
    await expect(page.locator("#cheque_number")).to_be_hidden()
    await page.get_by_role("radio", name="CESU").check()
    await page.get_by_label("Nombre de titres, ligne 1").fill("4")
    await page.get_by_label("Valeur d’un titre, ligne 1").fill("10")
    await page.get_by_label("Nombre de titres, ligne 2").fill("1")
    await page.get_by_label("Valeur d’un titre, ligne 2").fill("2,50")
    await expect(page.locator("[data-till-vouchers]")).to_contain_text("42,50")
    await expect(page.locator("#tendered")).to_be_hidden()


async def test_a_drawer_is_counted_by_notes_and_coins_without_showing_what_should_be_there(look: Open) -> None:
    page = await look("cash-count")
    await page.get_by_label("20,00").fill("3")
    await page.get_by_label("0,05").fill("7")
    await expect(page.locator("[data-count-total]")).to_have_text("60,35\u00a0€")
    await expect(page.get_by_text("80,00")).to_have_count(0)


async def test_an_alert_sounds_after_a_first_touch_and_help_sounds_again(look: Open) -> None:
    page = await look("secretary-help")
    await page.evaluate(RECORD_TONES)
    await expect(page.locator("[data-sound-blocked]")).to_be_visible()
    await page.get_by_role("button", name="Essayer le son").click()
    await expect(page.locator("[data-sound-blocked]")).to_be_hidden()
    await page.wait_for_function("tones.length >= 4 && tones.includes(660) && tones.includes(880)", timeout=30_000)
    heard = await page.evaluate("tones.length")
    await page.wait_for_function("(heard) => tones.length > heard", arg=heard, timeout=30_000)


async def test_only_the_reasons_of_the_chosen_organisation_can_be_picked(look: Open) -> None:
    page = await look("secretary")
    reason = page.get_by_label("Pour quoi faire")
    await expect(page.get_by_text("À apporter : carte d’identité, dernier relevé de retraite.")).to_be_visible()
    await page.get_by_label("Organisme").select_option("Communauté de communes")
    await expect(reason).to_have_value("")
    await expect(page.get_by_text("À apporter : carte d’identité")).to_be_hidden()
    enabled = await reason.evaluate(
        "(select) => [...select.querySelectorAll('optgroup:enabled')].map(({ label }) => label)"
    )
    assert enabled == ["Communauté de communes"]
    await reason.select_option("Cantine : inscrire un enfant")
    await expect(page.get_by_text("À apporter : livret de famille, avis d’imposition.")).to_be_visible()


async def test_clocks_follow_the_server_s_hour_and_not_the_machine_s(look: Open) -> None:
    page = await look("console")
    shown = await page.locator("#visit-bar [data-clock]").inner_text()
    assert shown.startswith("12:")
    await expect(page.locator("#visit-bar [data-clock]")).not_to_have_text(shown)
    await expect(page.locator("#waiting-2 [data-since]")).to_have_text("depuis 4 min")

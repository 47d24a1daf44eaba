"""Three fields and a when, without the mouse: who comes, for which organisation, for what, and when."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from cvq_desk.booking.tables import Appointment
from tests.e2e.secretary.conftest import SignIn, Village

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def appointments(village: Village) -> list[Appointment]:
    async with village.site.database.read() as db:
        return list(await db.scalars(select(Appointment).order_by(Appointment.booked_at)))


async def tab_until(page: Page, selector: str, presses_max: int = 40) -> None:
    for _ in range(presses_max):
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by the keyboard")


async def test_a_resident_is_found_and_booked_for_now_without_the_mouse(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await expect(page.locator("#who")).to_be_focused()
    await page.keyboard.type("12/5/41 moreau")
    await expect(page.locator("#found .person b", has_text="MOREAU")).to_have_count(1)
    await village.picture(page, "1-found")
    await page.keyboard.press("Enter")
    await expect(page.locator("#organisation")).to_be_focused()
    await page.keyboard.type("MSA")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Ret")
    await expect(page.locator(".to-bring p:visible")).to_contain_text("relevé de carrière")
    await expect(page.locator("#when .now input")).to_be_checked()
    await village.picture(page, "2-chosen")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#booked")).to_contain_text("Jeanne Moreau")
    await expect(page.locator("#today .full")).to_have_text("Jeanne Moreau")
    await expect(page.locator("#today .state")).to_contain_text("arrivé")
    await expect(page.locator("#who")).to_be_focused()
    await expect(page.locator("#who")).to_have_value("")
    await village.picture(page, "3-booked")
    (appointment,) = await appointments(village)
    assert (appointment.person_id, appointment.walk_in, appointment.status) == (village.jeanne, True, "arrived")


async def test_a_slot_is_reached_with_the_arrow_keys(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.keyboard.type("caillaud")
    await page.keyboard.press("Enter")
    await expect(page.locator("#organisation")).to_be_focused()
    await page.keyboard.type("Mission")
    await tab_until(page, "#when input")
    await page.keyboard.press("ArrowRight")
    chosen = await page.locator("#when input:checked").get_attribute("value")
    assert chosen not in (None, "now")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#booked")).to_contain_text("Alain Caillaud")
    (appointment,) = await appointments(village)
    assert (appointment.starts_at.isoformat(), appointment.status) == (chosen, "expected")
    assert appointment.reason_id is None


async def test_homonyms_are_told_apart_and_chosen_with_the_arrow_keys(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.keyboard.type("jeanne moreau")
    await page.keyboard.press("Enter")
    people = page.locator("#found .person:not(.without)")
    await expect(people).to_have_count(2)
    await expect(people.filter(has_text="12 mai 1941")).to_contain_text("Le Tallud")
    await expect(people.filter(has_text="12 mai 1941")).to_contain_text("5773")
    await expect(people.filter(has_text="1988")).to_contain_text("Pompaire")
    await expect(people.filter(has_text="1988")).to_contain_text("sans carte")
    assert await page.locator("#found input:checked").count() == 0, "nobody is chosen for her among homonyms"
    await village.picture(page, "4-homonyms")
    await expect(people.first.locator("input")).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowDown")
    await expect(people.nth(1).locator("input")).to_be_checked()


async def test_a_name_that_is_replaced_takes_its_tick_with_it(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.keyboard.type("jeanne moreau")
    await page.keyboard.press("Enter")
    await expect(page.locator("#found .person:not(.without) input").first).to_be_focused()
    await page.keyboard.press("Space")
    await page.locator("#who").fill("caillaud moreau")
    await expect(page.locator("#found .nobody")).to_be_visible()
    assert await page.locator("#found input:checked").count() == 0


async def test_a_card_on_the_reader_finds_its_holder_wherever_the_focus_is(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.locator("#organisation").focus()
    # The reader is a keyboard that types faster than any hand: its keys come in one go.
    await page.evaluate(
        """() => {
          for (const key of [..."4821305773", "Enter"]) {
            const press = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
            document.activeElement.dispatchEvent(press);
          }
        }"""
    )
    await expect(page.locator("#found .person:not(.without) b")).to_contain_text("MOREAU")
    await expect(page.locator("#found .person:not(.without) input")).to_be_checked()
    await expect(page.locator("#who")).to_have_value("4821305773")
    await expect(page.locator("#organisation")).to_be_focused()


async def test_a_card_typed_into_the_search_is_found_and_an_unknown_one_is_told(
    village: Village, sign_in: SignIn
) -> None:
    page = await sign_in(village)
    await page.keyboard.type("482 130 5773")
    await page.keyboard.press("Enter")
    await expect(page.locator("#found .person:not(.without) b")).to_contain_text("MOREAU")
    await page.locator("#who").fill("4821305774")
    await page.locator("#who").press("Enter")
    await expect(page.locator("#found .nobody")).to_contain_text("Aucune carte")


async def test_somebody_without_an_account_is_written_down(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.keyboard.type("petit")
    await page.keyboard.press("Enter")
    await expect(page.locator("#found .nobody")).to_contain_text("Personne de ce nom")
    await expect(page.locator("#without-account")).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Marcel Petit")
    await page.keyboard.press("Tab")
    await page.keyboard.type("3 février 1950")
    await tab_until(page, "#organisation")
    await page.keyboard.type("MSA")
    await expect(page.locator("#when .now input")).to_be_checked()
    await village.picture(page, "5-without-account")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#booked")).to_contain_text("Marcel Petit")
    (appointment,) = await appointments(village)
    assert (appointment.person_id, appointment.resident_name) == (None, "Marcel Petit")
    assert str(appointment.resident_birth_date) == "1950-02-03"


async def test_what_is_missing_is_said_beside_its_field(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.locator("#organisation").select_option(label="MSA · Mutualité sociale agricole")
    await expect(page.locator("#when .now input")).to_be_checked()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".who .error")).to_contain_text("Choisissez une personne, ou écrivez son nom.")
    await expect(page.locator("#status")).to_contain_text("Une information est manquante")
    assert await appointments(village) == []


async def test_the_form_sent_twice_in_a_hurry_books_once(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.keyboard.type("caillaud")
    await page.keyboard.press("Enter")
    await expect(page.locator("#organisation")).to_be_focused()
    await page.keyboard.type("MSA")
    await expect(page.locator("#when .now input")).to_be_checked()
    await page.locator(".validate button[type=submit]").dblclick()
    await expect(page.locator("#booked")).to_contain_text("Alain Caillaud")
    assert len(await appointments(village)) == 1


async def test_the_page_works_without_its_modules(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village, java_script_enabled=False)
    await page.fill("#who", "12 mai 1941")
    await page.keyboard.press("Enter")
    await expect(page.locator("#found .person b")).to_contain_text("MOREAU")
    await expect(page.locator("#found .person:not(.without) input")).to_be_checked()
    await page.select_option("#organisation", label="MSA · Mutualité sociale agricole")
    await page.click(".validate button[type=submit]")
    await expect(page.locator("#when")).to_contain_text("Choisissez « Maintenant » ou un créneau.")
    await page.check("#when .now input")
    await page.click(".validate button[type=submit]")
    await expect(page.locator("#booked")).to_contain_text("Jeanne Moreau")
    await page.click("#today button:has-text('assis')")
    await expect(page.locator("#today .state")).to_contain_text("assis")

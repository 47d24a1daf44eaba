"""The day beside the form: one key for each state, names that never face the queue, what rings, and the live line."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.live import publish
from cvq_core.staff.rules import Role
from cvq_desk.booking.alerts import raise_alert
from cvq_desk.booking.service import Act, Booking, book
from cvq_desk.booking.tables import Alert, Appointment
from cvq_desk.booths.tables import BoothStatus
from cvq_desk.wire import DeviceName
from tests.core_examples import NOW
from tests.e2e.secretary.conftest import SignIn, Village, settle
from tests.factories import principal_of
from tests.served import served

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = (Path(__file__).parents[3] / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """
async () => {
  const result = await axe.run(document, { rules: { "color-contrast-enhanced": { enabled: true } } });
  return result.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]);
}
"""


async def booked(village: Village, name: str, in_minutes: int | None = 30) -> UUID:
    """Somebody whom another secretary of the town hall books meanwhile."""
    async with village.site.database.write() as db:
        now = village.site.services.clock()
        act = Act(db, principal_of(village.secretary, Role.SECRETARY, village.town_hall.id), now)
        starts_at = None if in_minutes is None else NOW + timedelta(minutes=in_minutes)
        appointment = await book(
            act,
            Booking(
                id=new_id(),
                booth_id=village.booth.id,
                organisation_id=village.msa.id,
                name=name,
                starts_at=starts_at,
            ),
        )
    return appointment.id


async def status_of(village: Village, appointment_id: UUID) -> str:
    async with village.site.database.read() as db:
        return (await db.get_one(Appointment, appointment_id)).status


async def rings(village: Village, kind: str) -> None:
    async with village.site.database.write() as db:
        now = village.site.services.clock()
        await raise_alert(db, town_hall_id=village.town_hall.id, booth_id=village.booth.id, kind=kind, now=now)


async def booth_reports(village: Village, *troubles: tuple[DeviceName, str]) -> None:
    """The booth's line is there, and its machines say how they are."""
    async with village.site.database.write() as db:
        status = await db.get(BoothStatus, village.booth.id)
        if status is None:
            status = BoothStatus(booth_id=village.booth.id, devices={}, software="", card_uid="")
            db.add(status)
        now = village.site.services.clock()
        status.connection, status.connected_at, status.last_seen_at = new_id(), now, now
        status.devices = {
            name.value: {"device": name.value, "state": "ready", "trouble": None} for name in DeviceName
        } | {name.value: {"device": name.value, "state": "trouble", "trouble": slug} for name, slug in troubles}
        publish(db, f"town_hall:{village.town_hall.id}", "booth")


async def axe(page: Page) -> object:
    await page.evaluate(f"{AXE};0")
    return await page.evaluate(RUN_AXE)


async def test_one_key_each_on_the_row_that_has_the_focus(village: Village, sign_in: SignIn) -> None:
    first, second = await booked(village, "Jeanne Moreau"), await booked(village, "Alain Caillaud", 60)
    page = await sign_in(village)
    rows = page.locator("#today [data-row]")
    await rows.nth(0).locator("button").first.focus()
    for key, word, status in (("a", "arrivé", "arrived"), ("s", "assis", "seated"), ("e", "attendu", "expected")):
        await page.keyboard.press(key)
        await expect(rows.nth(0).locator(".state")).to_contain_text(word)
        assert await status_of(village, first) == status
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("x")
    await expect(rows.nth(1).locator(".state")).to_contain_text("absent")
    assert (await status_of(village, first), await status_of(village, second)) == ("expected", "absent")


async def test_the_seat_is_refused_to_a_second_one_with_the_reason(village: Village, sign_in: SignIn) -> None:
    await booked(village, "Jeanne Moreau")
    second = await booked(village, "Alain Caillaud", 60)
    page = await sign_in(village)
    rows = page.locator("#today [data-row]")
    await rows.nth(0).get_by_role("button", name="assis").click()
    await expect(rows.nth(0).locator(".state")).to_contain_text("assis")
    await expect(rows.nth(1).get_by_role("button", name="assis")).to_be_disabled()
    assert await status_of(village, second) == "expected"


async def test_names_stand_as_initials_until_their_row_has_the_focus(village: Village, sign_in: SignIn) -> None:
    await booked(village, "Jeanne Moreau")
    page = await sign_in(village)
    row = page.locator("#today [data-row]")
    await expect(row.locator(".initials")).to_have_text("J. M.")
    await expect(row.locator(".initials")).to_be_visible()
    assert (await row.locator(".full").bounding_box() or {"width": 0})["width"] <= 1
    await row.locator("button").first.focus()
    await expect(row.locator(".initials")).to_be_hidden()
    await page.locator("h1").click()
    await expect(row.locator(".initials")).to_be_visible()
    await page.keyboard.press("n")
    await expect(row.locator(".initials")).to_be_hidden()
    # The list is drawn anew meanwhile; the veil stays lifted.
    await booked(village, "Alain Caillaud", 60)
    await expect(page.locator("#today [data-row]")).to_have_count(2)
    await expect(page.locator("#today .initials").first).to_be_hidden()


async def test_two_windows_show_the_same_day_without_a_reload(village: Village, sign_in: SignIn) -> None:
    here, there = await sign_in(village), await sign_in(village)
    appointment = await booked(village, "Jeanne Moreau")
    for page in (here, there):
        await expect(page.locator("#today .full")).to_have_text("Jeanne Moreau")
    await here.locator("#today").get_by_role("button", name="arrivé").click()
    await expect(there.locator("#today .state")).to_contain_text("arrivé")
    assert await status_of(village, appointment) == "arrived"


async def test_a_slot_that_somebody_else_takes_disappears_and_what_is_typed_stays(
    village: Village, sign_in: SignIn
) -> None:
    page = await sign_in(village)
    await page.locator("#who").fill("caillaud")
    await expect(page.locator("#found .person b")).to_contain_text("CAILLAUD")
    await page.select_option("#organisation", label="MSA · Mutualité sociale agricole")
    taken = (NOW + timedelta(minutes=15)).isoformat()
    later = (NOW + timedelta(hours=4)).isoformat()
    await page.locator(f'#when input[value="{later}"]').check()
    await expect(page.locator(f'#when input[value="{taken}"]')).to_have_count(1)
    await booked(village, "Jeanne Moreau", 15)
    await expect(page.locator(f'#when input[value="{taken}"]')).to_have_count(0)
    await expect(page.locator(f'#when input[value="{later}"]')).to_be_checked()
    await expect(page.locator("#who")).to_have_value("caillaud")
    await expect(page.locator("#found .person:not(.without) input")).to_be_checked()


async def test_the_loser_of_a_slot_is_told_and_sees_the_free_ones(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.locator("#who").fill("caillaud")
    await expect(page.locator("#found .person b")).to_contain_text("CAILLAUD")
    await page.select_option("#organisation", label="MSA · Mutualité sociale agricole")
    wanted = page.locator(f'#when input[value="{(NOW + timedelta(minutes=15)).isoformat()}"]')
    await wanted.check()
    # The line to this page is slow: the other booking is faster than its news.
    await page.route("**/fragments/quand*", lambda route: route.abort())
    await booked(village, "Jeanne Moreau", 15)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#status")).to_contain_text("vient d’être pris")
    await village.picture(page, "6-slot-taken")
    await page.unroute("**/fragments/quand*")
    await booked(village, "Odile Guérin", 60)
    await expect(wanted).to_have_count(0)


async def test_slots_asked_for_before_a_booking_do_not_come_back_after_it(village: Village, sign_in: SignIn) -> None:
    page = await sign_in(village)
    await page.locator("#who").fill("caillaud")
    await expect(page.locator("#found .person b")).to_contain_text("CAILLAUD")
    await page.select_option("#organisation", label="MSA · Mutualité sociale agricole")
    await expect(page.locator("#when .now input")).to_be_checked()
    asked, go = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await go.wait()
        await route.fulfill(response=answer)

    await page.route("**/fragments/quand*", answer_late)
    await booked(village, "Odile Guérin", 60)
    await asked.wait()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#booked")).to_contain_text("Caillaud")
    await expect(page.locator("#when")).to_contain_text("Choisissez d’abord l’organisme")
    async with page.expect_event("requestfinished"):
        go.set()
    await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    await expect(page.locator("#when input")).to_have_count(0)


async def test_alerts_come_with_a_sound_and_stay_until_she_goes(village: Village, sign_in: SignIn) -> None:
    await booth_reports(village)
    page = await sign_in(village)
    await expect(page.locator("#booth .chip").first).to_contain_text("prêt")
    await rings(village, "faintness")
    await rings(village, "paper_out")
    await booth_reports(village, (DeviceName.PRINTER, "paper_out"))
    alerts = page.locator("#booth [role=alert]")
    await expect(alerts).to_have_count(2)
    await expect(page.locator('[data-sound="faint"]')).to_contain_text("Malaise au guichet.")
    await expect(page.locator('[data-sound="paper_out"]')).to_contain_text("plus de papier")
    await expect(page.locator("#booth .machines")).to_contain_text("plus de papier")
    await village.picture(page, "7-alerts")
    assert await axe(page) == []
    await page.locator('[data-sound="faint"]').get_by_role("button").click()
    await expect(alerts).to_have_count(1)
    async with village.site.database.read() as db:
        settled = await db.scalars(select(Alert.settled_by).where(Alert.kind == "faintness"))
        assert settled.all() == [village.secretary.id]


async def test_the_slip_is_printed_and_says_nothing_of_the_reason(village: Village, sign_in: SignIn) -> None:
    appointment = await booked(village, "Jeanne Moreau")
    page = await sign_in(village)
    async with page.expect_response(f"**/mairie/rendez-vous/{appointment}/bulletin.pdf") as answer:
        await page.locator("#today [data-print]").click()
    pdf = await answer.value
    assert (pdf.status, pdf.headers["content-type"]) == (200, "application/pdf")
    assert pdf.headers["content-security-policy"] == "frame-ancestors 'self'"


async def test_axe_finds_nothing_on_the_page_with_a_booking_and_a_full_list(village: Village, sign_in: SignIn) -> None:
    await booth_reports(village)
    for name, in_minutes in (("Jeanne Moreau", None), ("Alain Caillaud", 45), ("Odile Guérin", 210)):
        await booked(village, name, in_minutes)
    page = await sign_in(village)
    await page.locator("#who").fill("jeanne moreau")
    await expect(page.locator("#found .person:not(.without)")).to_have_count(2)
    await page.select_option("#organisation", label="MSA · Mutualité sociale agricole")
    await page.locator(".later summary").click()
    await village.picture(page, "8-full-day")
    assert await axe(page) == []


async def test_a_line_that_breaks_is_shown_and_comes_back_with_what_was_missed(
    village: Village, sign_in: SignIn
) -> None:
    page = await sign_in(village)
    await expect(page.locator("#line")).to_have_attribute("data-line", "ok")
    await page.context.set_offline(True)
    # An open socket outlives the loss of the network; the page notices by the pings that stay unanswered.
    await expect(page.locator("#line")).not_to_have_attribute("data-line", "ok")
    await booked(village, "Jeanne Moreau")
    await expect(page.locator("#line")).to_have_attribute("data-line", "offline")
    await village.picture(page, "9-offline")
    assert await page.locator("#today [data-row]").count() == 0
    await page.context.set_offline(False)
    await expect(page.locator("#line")).to_have_attribute("data-line", "ok")
    await expect(page.locator("#today .full")).to_have_text("Jeanne Moreau")


async def test_an_answer_that_got_lost_is_asked_for_again_and_nothing_is_done_twice(
    village: Village, sign_in: SignIn
) -> None:
    page = await sign_in(village)
    lost: list[str] = []

    async def lose_the_first(route: Route) -> None:
        if lost:
            await route.continue_()
            return
        lost.append((await route.fetch()).status_text)
        await route.abort()

    await page.route("**/rendez-vous", lose_the_first)
    await page.locator("#who").fill("caillaud")
    await expect(page.locator("#found .person:not(.without) input")).to_be_checked()
    await page.select_option("#organisation", label="MSA · Mutualité sociale agricole")
    await expect(page.locator("#when .now input")).to_be_checked()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#booked")).to_contain_text("Alain Caillaud")
    assert lost == ["OK"]
    async with village.site.database.read() as db:
        assert len((await db.scalars(select(Appointment))).all()) == 1


async def test_the_page_outlives_a_restart_of_the_server(
    sqlite_template: Path, tmp_path: Path, sign_in: SignIn
) -> None:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    async with served(f"sqlite:///{file}", tmp_path) as site:
        village = await settle(site)
        page = await sign_in(village)
        await page.locator("#who").fill("caillaud")
        await expect(page.locator("#found .person:not(.without) input")).to_be_checked()
    port = int(site.url.rpartition(":")[2])
    async with served(f"sqlite:///{file}", tmp_path, port=port) as again:
        await booked(replace(village, site=again), "Jeanne Moreau")
        await expect(page.locator("#today .full")).to_have_text("Jeanne Moreau")
        await expect(page.locator("#line")).to_have_attribute("data-line", "ok")
        await expect(page.locator("#who")).to_have_value("caillaud")
        await page.close()


async def test_an_appointment_of_a_later_day_is_moved_and_cancelled(village: Village, sign_in: SignIn) -> None:
    tomorrow = 24 * 60
    appointment = await booked(village, "Jeanne Moreau", tomorrow + 30)
    page = await sign_in(village)
    await page.locator(".coming summary").click()
    await expect(page.locator(".coming [data-row]")).to_contain_text("mercredi 4 mars 2026")
    await village.picture(page, "10-later-days")
    await page.get_by_role("link", name="déplacer").click()
    await page.wait_for_url("**/deplacer")
    later = NOW + timedelta(minutes=tomorrow + 60)
    await page.locator(f'#when input[value="{later.isoformat()}"]').check()
    await village.picture(page, "11-move")
    assert await axe(page) == []
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#booked")).to_contain_text("mercredi 4 mars 2026 à 11")
    async with village.site.database.read() as db:
        assert (await db.get_one(Appointment, appointment)).starts_at == later
    await page.get_by_role("button", name="Annuler ce rendez-vous").click()
    await expect(page.locator(".coming")).to_have_count(0)
    await expect(page.locator("#booked")).to_be_empty()
    assert await status_of(village, appointment) == "cancelled"

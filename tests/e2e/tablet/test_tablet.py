"""The roll call as an adult at the canteen lives it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import func, select

from cvq_core.access.tables import Attendance, Entitlement, Tap, TapConflict
from cvq_core.devices.store import revoke
from cvq_core.ledger.tables import Wallet
from cvq_core.people.tables import Membership, Person
from cvq_core.services.rules import ServiceCode
from tests.e2e.tablet.conftest import NOON, PICTURES, Canteen

AXE = (Path(__file__).parents[3] / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
FINDINGS = """async () => {
  const result = await axe.run(document, { rules: { "color-contrast-enhanced": { enabled: true } } });
  return result.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]);
}"""
LEA = "Léa MOREAU"


async def findings(page: Page) -> object:
    """Return what axe has to say of the page."""
    # The page's policy lets no other script in; this one comes in through the browser's own door.
    await page.evaluate(AXE)
    return await page.evaluate(FINDINGS)


async def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


async def balance(canteen: Canteen) -> int:
    async with canteen.database.read() as db:
        cents = await db.scalar(
            select(Wallet.balance_cents)
            .join(Membership, Membership.account_id == Wallet.family_account_id)
            .join(Person, Person.id == Membership.person_id)
            .where(
                Person.given_names == "Léa",
                Person.family_name == "Moreau",
                Wallet.service_code == ServiceCode.CANTEEN,
            )
        )
    assert cents is not None
    return cents


async def test_lea_is_ticked_present_and_her_meal_is_owed(canteen: Canteen) -> None:
    page = await canteen.open()
    await expect(page.get_by_label("Code d’installation")).to_be_visible()
    assert await findings(page) == []
    await picture(page, "enrol")
    page = await canteen.installed()
    row = page.locator(".person", has_text=LEA)
    await expect(row).to_contain_text("attendu")
    await expect(page.get_by_role("heading", level=2)).to_have_text("École du Tallud · présents : 0 sur 60")

    await row.locator("[data-tick]").tap()

    await expect(row).to_contain_text("présent")
    await expect(page.locator("#status")).to_have_text(f"{LEA} : Présence notée")
    await expect(page.locator("[data-present]")).to_have_text("1")
    assert await balance(canteen) == -470 - 235
    assert await findings(page) == []
    await picture(page, "list")


async def test_two_children_of_the_same_name_are_told_apart_by_their_birth_dates(canteen: Canteen) -> None:
    page = await canteen.installed()
    async with canteen.database.write() as db:
        at_table = select(Entitlement.person_id).where(Entitlement.service_code == ServiceCode.CANTEEN)
        children = await db.scalars(select(Person).where(Person.id.in_(at_table)).order_by(Person.birth_date))
        # As many of one name as have a birth date of their own, and never Léa.
        own_day = {child.birth_date: child for child in children if child.given_names != "Léa"}
        for child in own_day.values():
            child.given_names, child.family_name = "Anna", "Guignard"
    page = await canteen.open()
    await expect(page.locator(".person", has_text=LEA)).to_be_visible()
    await page.locator(".person .told-apart:visible").first.wait_for()
    told = await page.locator(".person .told-apart:visible").all_text_contents()
    assert len(told) >= 2
    assert len(set(told)) == len(told)
    await expect(page.locator(".person", has_text=LEA).locator(".told-apart")).to_be_hidden()


async def test_touching_twice_and_opening_the_page_again_counts_one_meal(canteen: Canteen) -> None:
    page = await canteen.installed()
    row = page.locator(".person", has_text=LEA)
    await row.locator("[data-tick]").tap()
    await expect(row).to_contain_text("présent")
    await row.locator("[data-tick]").tap()
    await expect(page.locator("#status")).to_have_text(f"{LEA} : déjà noté aujourd’hui")
    again = await canteen.open()
    await expect(again.locator(".person", has_text=LEA)).to_contain_text("présent")
    await expect(again.get_by_label("Code d’installation")).to_be_hidden()
    assert await balance(canteen) == -470 - 235


async def test_a_touch_whose_answer_was_lost_goes_on_by_itself_and_counts_once(canteen: Canteen) -> None:
    page = await canteen.installed()
    row = page.locator(".person", has_text=LEA)
    lost = 0

    async def lose_the_answer(route: Route) -> None:
        nonlocal lost
        lost += 1
        await route.fetch()
        await route.abort("connectionreset")

    await page.route("**/api/v1/attendances", lose_the_answer)
    await row.locator("[data-tick]").tap()
    await expect(row).to_contain_text("présent")
    await expect(page.locator("#waiting")).to_contain_text("À envoyer : 1")
    await page.unroute("**/api/v1/attendances")

    async with page.expect_response("**/api/v1/taps/batch"):
        await page.reload()

    await expect(page.locator("#waiting")).to_be_hidden()
    await expect(row).to_contain_text("présent")
    assert lost == 1
    async with canteen.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Tap)) == 1
        assert await db.scalar(select(func.count()).select_from(TapConflict)) == 0
    assert await balance(canteen) == -470 - 235


async def test_without_a_network_the_roll_call_goes_on_and_all_of_it_comes_home_once(canteen: Canteen) -> None:
    uid = await canteen.card_of("Tom", "Moreau")
    page = await canteen.installed()
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await canteen.window.set_offline(True)
    # A tablet that was switched off in the night opens all the same.
    await page.reload()
    lea, tom = (page.locator(".person", has_text=name) for name in (LEA, "Tom MOREAU"))
    await lea.locator("[data-tick]").tap()
    await expect(lea).to_contain_text("présent")
    await page.keyboard.type(uid)
    await page.keyboard.press("Enter")
    await expect(tom).to_contain_text("présent")
    await expect(page.locator("#greeting")).to_have_text("Tom MOREAU")
    await expect(page.locator("#line-down")).to_contain_text("Sans réseau")
    assert await findings(page) == []
    await picture(page, "offline")
    await page.keyboard.type("04FFFFFFFFFFFF")
    await page.keyboard.press("Enter")
    await expect(page.locator("#status")).to_contain_text("n’est pas sur la liste")
    await expect(page.locator("#waiting")).to_contain_text("À envoyer : 3")
    other = page.locator(".person:not([data-status])").first
    await other.locator("[data-absent]").tap()
    await expect(page.locator('.person[data-status="absent"]')).to_have_count(1)
    await page.reload()
    await expect(page.locator("#waiting")).to_contain_text("À envoyer : 4")
    await expect(lea).to_contain_text("présent")

    await canteen.window.set_offline(False)
    # What was done last comes home last.
    async with page.expect_response("**/api/v1/absences"):
        await page.reload()

    await expect(page.locator("#waiting")).to_be_hidden()
    await expect(page.locator('.person[data-status="present"]')).to_have_count(2)
    # The second child of a family pays less.
    assert await balance(canteen) == -470 - 235 - 212
    async with canteen.database.read() as db:
        found = (await db.execute(select(Tap.reason, Tap.allowed, Tap.offline).order_by(Tap.reason))).all()
        statuses = sorted(await db.scalars(select(Attendance.status)))
        assert await db.scalar(select(func.count()).select_from(TapConflict)) == 0
    assert [tuple(each) for each in found] == [
        ("served-and-owed", True, True),
        ("served-and-owed", True, True),
        ("unknown-card", False, True),
    ]
    assert statuses == ["absent", "present", "present"]


async def test_somebody_who_did_not_come_is_noted_absent(canteen: Canteen) -> None:
    page = await canteen.installed()
    row = page.locator(".person", has_text="Tom MOREAU")
    await row.get_by_role("button", name="Absent : Tom MOREAU").tap()
    await expect(row).to_have_attribute("data-status", "absent")
    async with canteen.database.read() as db:
        assert await db.scalar(select(Attendance.status)) == "absent"


async def test_a_code_that_was_used_is_refused_in_words_and_a_revoked_tablet_asks_for_a_new_one(
    canteen: Canteen,
) -> None:
    page = await canteen.open()
    await page.get_by_label("Code d’installation").fill("AAAA-BBBB-CCCC")
    await page.get_by_role("button", name="Installer cette tablette").click()
    await expect(page.locator("#trouble")).to_contain_text("Ce code d’installation n’est plus valable.")
    page = await canteen.installed()
    device = await canteen.the_device()
    async with canteen.database.write() as db:
        await revoke(db, device.id, NOON)
    await page.reload()
    await expect(page.locator("#trouble")).to_contain_text("Cet appareil n’est pas reconnu.")
    await expect(page.get_by_label("Code d’installation")).to_be_visible()
    await expect(page.locator("#roll-call")).to_be_hidden()


async def test_what_a_tablet_has_not_sent_is_told_when_it_comes_to_stand_elsewhere(canteen: Canteen) -> None:
    page = await canteen.installed()
    device = await canteen.the_device()
    await canteen.window.set_offline(True)
    await page.locator(".person", has_text=LEA).locator("[data-tick]").tap()
    await expect(page.locator("#waiting")).to_contain_text("À envoyer : 1")
    async with canteen.database.write() as db:
        await revoke(db, device.id, NOON)
    await canteen.window.set_offline(False)
    await page.reload()
    await expect(page.locator("#trouble")).to_contain_text("Cet appareil n’est pas reconnu.")
    await expect(page.locator(".person")).to_have_count(0)
    await page.get_by_label("Code d’installation").fill(await canteen.code("garderie-tallud"))
    await page.get_by_role("button", name="Installer cette tablette").click()
    await expect(page.locator("#not-taken")).to_contain_text("Refusés par le serveur : 1")
    await expect(page.locator("#waiting")).to_be_hidden()
    await expect(page.locator(".person").first).to_be_visible()
    assert await balance(canteen) == -470


async def test_the_private_key_never_leaves_the_browser(canteen: Canteen) -> None:
    page = await canteen.installed()
    extractable = await page.evaluate(
        """() => new Promise((resolve) => {
          indexedDB.open("cvq-tablet").onsuccess = (event) => {
            const get = event.target.result.transaction("identity").objectStore("identity").get("mine");
            get.onsuccess = () => resolve(get.result.keys.privateKey.extractable);
          };
        })"""
    )
    assert extractable is False


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (600, 960), (512, 384)])
async def test_every_target_is_twenty_millimetres_and_nothing_is_cut_off(
    canteen: Canteen, width: int, height: int
) -> None:
    page = await canteen.installed()
    await page.set_viewport_size({"width": width, "height": height})
    sizes = await page.locator(".person button:visible").evaluate_all(
        "(found) => found.map((each) => [each.offsetWidth, each.offsetHeight])"
    )
    assert min(min(size) for size in sizes) >= 75  # 20 mm at 96 dots an inch
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await picture(page, f"list-{width}")

"""A day of a sub-office at the keyboard alone: twelve payments by every means, an error, the ceiling, the slip."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pypdfium2
from playwright.async_api import Page, expect

from cvq_core.ledger.verify import verify
from cvq_core.offices.verify import verify_offices
from tests.e2e.cash.conftest import PICTURES, SignIn
from tests.served import Site

TABS_MAX = 90
FOCUSED = "selector => document.activeElement?.matches(selector) ?? false"
CHEQUE = {"cheque_number": "0004217", "cheque_bank": "Crédit agricole", "cheque_drawer": "Jeanne Moreau"}
TOTAL = re.compile(r"Total (reçu|rendu) ([\d ]+),(\d\d) €")


@dataclass(frozen=True)
class Payment:
    """What is typed: amounts by the label of their field, the means, what was given, and what is noted."""

    amounts: dict[str, str]
    means: str
    tendered: str = ""
    noted: dict[str, str] = field(default_factory=dict)


ERROR = Payment({"Piscine": "12"}, "cash", "12")
TOO_MUCH = Payment({"Piscine": "1"}, "cash", "1")
MORNING = (
    Payment({"Piscine": "10"}, "cash", "20"),
    Payment({"Cantine": "15"}, "cash", "15"),
    Payment({"Piscine": "30"}, "cheque", noted=CHEQUE),
    Payment({"Cantine": "22,50"}, "card", noted={"card_reference": "A-0017"}),
    Payment({"Crèche": "40"}, "cesu", noted={"n1": "4", "f1": "10"}),
    Payment({"Piscine": "25"}, "ancv", noted={"n1": "2", "f1": "10", "n2": "1", "f2": "5"}),
    Payment({"Piscine": "5", "Facture": "15"}, "cash", "50"),
)
AFTERNOON = (
    Payment({"Piscine": "21"}, "cash", "21"),
    Payment({"Cantine": "18"}, "cheque", noted=CHEQUE | {"cheque_number": "0004218"}),
    Payment({"Crèche": "33"}, "card", noted={"card_reference": "A-0018"}),
    Payment({"Cantine": "34"}, "cash", "50"),
)
INSTEAD = Payment({"Piscine": "8"}, "cheque", noted=CHEQUE | {"cheque_number": "0004219"})
CASH, CHEQUES, CARDS, CESU, ANCV = 100_00, 56_00, 55_50, 40_00, 25_00
EVERYTHING = CASH + CHEQUES + CARDS + CESU + ANCV


class Keyboard:
    """Somebody who works without a mouse; keeps what was printed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.receipts: list[str] = []

    async def tab_to(self, selector: str) -> None:
        """Press Tab until what `selector` names has the focus."""
        for _ in range(TABS_MAX):
            if await self.page.evaluate(FOCUSED, selector):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {selector}")

    async def write(self, selector: str, text: str) -> None:
        """Reach a field and write over what is in it."""
        await self.tab_to(selector)
        await self.page.keyboard.press("Control+a")
        await self.page.keyboard.type(text)

    async def press(self, key: str, then: str) -> None:
        """Press a key once the page listens, and wait for what it brings."""
        await self.page.wait_for_load_state()
        await self.page.keyboard.press(key)
        await self.page.locator(then).first.wait_for()

    async def open(self) -> None:
        """Open the drawer with the float that was counted."""
        await self.write("#float", "20,00")
        await self.press("Enter", "#payer")

    async def choose(self, payment: Payment) -> None:
        """Look the family up, and type what it pays, how, and with what."""
        await self.write("#payer", "moreau 12 05 1941")
        await self.press("Enter", ".payers a")
        await self.tab_to(".payers a")
        await self.press("Enter", "form.collecting")
        for label, amount in payment.amounts.items():
            field_id = await self.page.get_by_label(re.compile(label)).first.get_attribute("id")
            await self.write(f"[id='{field_id}']", amount)
        await self.tab_to("input[name=means]")
        await self.page.keyboard.press("Space")
        while not await self.page.evaluate(FOCUSED, f"[value={payment.means}]"):
            await self.page.keyboard.press("ArrowRight")
        for name, text in payment.noted.items():
            await self.page.evaluate("document.querySelector('input[name=means]:checked').focus()")
            await self.write(f"#{name}", text)
        if payment.tendered:
            await self.write("#tendered", payment.tendered)
        await self.page.keyboard.press("Control+Enter")

    async def pay(self, payment: Payment) -> None:
        """Collect, keep the receipt's words, and turn to the next person."""
        await self.choose(payment)
        await self.page.locator(".confirm").wait_for()
        await self.tab_to(".confirm button.big")
        await self.press("Enter", ".receipt-number")
        await self.keep_receipt()

    async def keep_receipt(self) -> None:
        """Keep the paper that printed by itself."""
        url = await self.page.locator("a[data-print-once]").get_attribute("href")
        self.receipts.append(await self.paper(url or ""))

    async def next_person(self) -> None:
        """Go on."""
        await self.tab_to("a.button.big")
        await self.press("Enter", "#payer")

    async def paper(self, url: str) -> str:
        """Return what a PDF of the page says."""
        answer = await self.page.request.get(self.page.url.split("/caisse")[0] + url)
        assert answer.headers["content-type"] == "application/pdf"
        document = pypdfium2.PdfDocument(await answer.body())
        words = " ".join(document[number].get_textpage().get_text_range() for number in range(len(document)))
        document.close()
        return " ".join(words.replace("\u202f", " ").replace("\u00a0", " ").split())

    async def picture(self, name: str) -> None:
        """Keep what the page shows."""
        await self.page.screenshot(path=PICTURES / f"{name}.png")


def cents(euros: str, rest: str) -> int:
    return int(euros.replace(" ", "")) * 100 + int(rest)


def printed_total(receipt: str) -> int:
    """What a receipt says was received, or, with a minus, given back."""
    found = TOTAL.search(receipt)
    assert found, receipt
    return cents(found[2], found[3]) * (1 if found[1] == "reçu" else -1)


def printed_means(slip: str, word: str) -> int:
    found = re.search(rf"{word} ([\d ]+),(\d\d) €", slip)
    assert found, (word, slip)
    return cents(found[1], found[2])


async def test_a_sub_offices_day_adds_up_from_the_first_receipt_to_the_slip(office: Site, sign_in: SignIn) -> None:
    odile = Keyboard(await sign_in("odile"))
    page = odile.page
    await odile.open()
    for payment in MORNING:
        await odile.pay(payment)
        await odile.next_person()

    # An error: twelve euros instead of twenty-one.
    await odile.pay(ERROR)
    await odile.tab_to("details.fold > summary")
    await page.keyboard.press("Enter")
    await odile.write("#void-reason", "Douze au lieu de vingt et un")
    await odile.press("Enter", "h2:has-text('−12,00')")
    await odile.keep_receipt()
    await odile.next_person()

    for payment in AFTERNOON:
        await odile.pay(payment)
        await odile.next_person()

    # The ceiling is reached: cash is refused in words, a cheque is not.
    await expect(page.locator(".ceiling.reached")).to_contain_text("100 %")
    await odile.choose(TOO_MUCH)
    await expect(page.get_by_role("alert")).to_contain_text("plafond de 100,00")
    await odile.picture("ceiling")
    await page.keyboard.press("Alt+q")
    await page.locator("#payer").wait_for()
    await odile.pay(INSTEAD)
    await expect(page.locator(".drawer .by-means")).to_contain_text("276,50")
    await odile.picture("last-receipt")

    # Close: twenty euros of float and a hundred of takings.
    await odile.press("Alt+f", "form.count")
    await odile.write("#d5000", "2")
    await odile.write("#d2000", "1")
    await odile.press("Enter", ".counted")
    await expect(page.locator(".counted")).to_contain_text("Le compte est juste.")

    # Remit, and keep the slip.
    await odile.press("Alt+v", "form.count")
    await expect(page.locator("aside")).to_contain_text("276,50")
    await odile.write("#d5000", "2")
    await odile.picture("remit")
    await odile.press("Enter", "#slip-title")
    await odile.picture("slip")
    slip = await odile.paper(await page.locator("a[data-print-once]").get_attribute("href") or "")

    # The papers add up: receipts to the slip, and the slip by each means.
    assert len(odile.receipts) == 14
    assert sum(map(printed_total, odile.receipts)) == EVERYTHING
    assert [f"POM-{number:06d}" in receipt for number, receipt in enumerate(odile.receipts, start=1)] == [True] * 14
    by_means = {"Espèces": CASH, "Chèque": CHEQUES, "Carte bancaire": CARDS, "CESU préfinancé": CESU}
    by_means |= {"Chèque-vacances ANCV": ANCV, "Total versé": EVERYTHING}
    assert {word: printed_means(slip, word) for word in by_means} == by_means
    assert "POM-V-000001" in slip
    assert "POM-000001 à POM-000014 (14)" in slip
    for words in ("0004217", "0004218", "0004219", "A-0017", "A-0018", "4 × 10,00 €", "2 × 10,00 €, 1 × 5,00 €"):
        assert words in slip

    # The receipt of the error is found again by its number.
    await page.goto(f"{office.url}/caisse/quittances")
    await odile.write("#number", "POM-000008")
    await odile.press("Enter", "#found-title")
    await expect(page.locator(".receipts").first).to_contain_text("annulée")

    await _integrated_by_the_officer(Keyboard(await sign_in("benoit")))
    async with office.database.read() as db:
        assert [*await verify(db), *await verify_offices(db)] == []


async def _integrated_by_the_officer(benoit: Keyboard) -> None:
    page = benoit.page
    await page.keyboard.press("Alt+n")
    await page.locator("#pending-title").wait_for()
    await benoit.tab_to(".slips a")
    await benoit.press("Enter", "#counted")
    await benoit.write("#counted", "100")
    await benoit.picture("integrate")
    await benoit.press("Enter", "#pending-title")
    await expect(page.locator("main")).to_contain_text("Rien n’attend d’être intégré.")
    # The cheques go to the bank with a slip of their own.
    await expect(page.locator("aside")).to_contain_text("165,00")

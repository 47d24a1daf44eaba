"""The main job, from the secretary's key to the wiped booth, as its users live it, on real parts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import UUID

import pypdfium2
from PIL import Image, ImageChops, ImageStat
from playwright.async_api import Locator, Page, expect
from sqlalchemy import select

from cvq_core.database import Database
from cvq_core.seed.heroes import JEANNE_UID
from cvq_desk.dossiers.tables import Document
from cvq_scanning.pdf import check_pdfa
from tests.e2e.story.village import Reader, Village


async def test_a_resident_is_served_from_the_secretarys_key_to_the_wiped_booth(village: Village) -> None:
    turnstile = await village.reader("piscine-gatineo-1")
    tablet = await village.reader("cantine-tallud")
    await readers_before(village, turnstile, tablet)
    await secretary_books(village)
    await advisor_takes_and_calls(village)
    await both_see_and_hear(village)
    await card_and_consent(village)
    await account_is_open(village)
    await form_grows_on_screen_2(village)
    await papers_are_scanned_and_filed(village)
    await form_prints(village)
    await end_and_wipe(village)
    await pool_is_topped_up(village)
    await reader_after(village, turnstile)
    assert village.troubles == []


async def readers_before(village: Village, turnstile: Reader, tablet: Reader) -> None:
    """Before: the pool refuses; the canteen's tablet ticks the child, served and owed."""
    refused = await turnstile.tap(JEANNE_UID)
    assert not refused["allowed"]
    assert refused["reason"] == "wallet-empty"
    assert len(refused["display_short"]) <= 24
    lea = next(child for child in await tablet.expected() if child["given_name"] == "Léa")
    served = await tablet.tick(UUID(lea["person_id"]))
    assert served["allowed"]
    assert served["amount_cents"] == 235
    again = await tablet.tick(UUID(lea["person_id"]))
    assert again["amount_cents"] == 0, "a child eats once a day"


async def secretary_books(village: Village) -> None:
    """Three fields and a when; the slip; arrived, seated: one key each."""
    page = village.mairie
    await village.sign_in(page, "martine")
    await page.wait_for_url("**/mairie")
    await village.book_now(
        who="moreau jeanne 12 05 1941",
        organisation="Communauté de communes de Parthenay-Gâtine",
        reason="Inscrire un enfant à la cantine",
    )
    await expect(page.locator("#when")).to_contain_text("Choisissez d’abord l’organisme")
    await village.picture(page, "secretary-booked")
    slip_url = await page.locator("#booked a[href$='.pdf']").first.get_attribute("href")
    slip = await page.request.get(village.site.url + (slip_url or ""))
    assert (await slip.body()).startswith(b"%PDF")


async def advisor_takes_and_calls(village: Village) -> None:
    """The queue shows it without a reload; the call rings five seconds before any camera opens."""
    console = village.console
    await village.sign_in(console, "hugo")
    await console.wait_for_url("**/console")
    await village.press_on_row("Moreau", "a")
    await expect(console.locator("#queue")).to_contain_text("Jeanne Moreau")
    await expect(console.locator("#queue")).to_contain_text("Mairie du Tallud")
    await expect(console.locator("#queue")).to_contain_text("Inscrire un enfant à la cantine")
    await village.picture(console, "queue")
    await console.get_by_role("button", name="Prendre Jeanne Moreau").click()
    await console.wait_for_url("**/console/*")
    await expect(console.locator("#call")).to_contain_text("dès que la personne sera assise")
    await village.press_on_row("Moreau", "s")
    await console.get_by_role("button", name="Appeler le guichet").click()
    await expect(console.locator("#call")).to_have_attribute("data-call-state", "ringing")
    await expect(village.screen_1.locator("#scene")).to_contain_text("Hugo Martineau")
    assert not await village.screen_1.evaluate("document.getElementById('own-picture').srcObject")
    await village.picture(village.screen_1, "ringing-screen-1")
    await village.picture(village.screen_2, "ringing-screen-2")
    await expect(console.locator("#face")).to_have_attribute("data-face", "live")


async def both_see_and_hear(village: Village) -> None:
    """Each end decodes the other one's moving picture, and its voice has energy."""
    await asyncio.gather(
        village.sees_other_end(village.console, "#face-remote", "resident"),
        village.sees_other_end(village.screen_1, "#face", "advisor"),
    )
    await village.hears(village.console, "#face-remote")
    await village.hears(village.screen_1, "#face")
    await expect(village.mairie.locator("#booth")).to_contain_text("occupé")
    await village.picture(village.console, "in-call")
    await village.picture(village.screen_1, "in-call-screen-1")
    await village.picture(village.screen_2, "welcome-screen-2")
    await village.picture(village.mairie, "secretary-booth-busy")


async def card_and_consent(village: Village) -> None:
    """Identity first; the card; the question in plain words; the resident presses Oui."""
    console, screen = village.console, village.screen_2
    await expect(console.locator("#consent")).to_contain_text("Vérifiez d’abord l’identité")
    await console.get_by_role("button", name="Pièce vue").click()
    await expect(console.locator("#person")).to_contain_text("pièce vue à l’écran")
    village.lay_card(JEANNE_UID)
    await expect(console.locator("#person")).to_contain_text("Carte de Jeanne Moreau")
    await console.get_by_role("button", name="Demander l’accord").click()
    await expect(screen.locator("#scene")).to_contain_text("Êtes-vous d’accord")
    await expect(screen.locator("#scene")).to_contain_text("Communauté de communes de Parthenay-Gâtine")
    await village.picture(screen, "consent-screen-2")
    await village.picture(console, "consent-asked")
    account = await console.locator("#account").inner_text()
    assert "Cantine" not in account, "nothing is open before the answer"
    # A key that was down before the question was there does not count: the resident presses until it is taken.
    while await screen.locator("[data-question]").count():
        await screen.keyboard.press("o")
        await asyncio.sleep(0.3)
    await expect(console.locator("#consent")).to_contain_text("donné avec une touche")


async def account_is_open(village: Village) -> None:
    """Family, cards, wallets with their movements, for this visit alone."""
    console = village.console
    await console.get_by_role("tab", name=re.compile("Compte")).click()
    account = console.locator("#account")
    await expect(account).to_contain_text("Famille Moreau")
    await expect(account).to_contain_text("Léa")
    await expect(account.get_by_role("region", name="Piscine")).to_contain_text("0,00")
    await expect(account.get_by_role("region", name="Cantine")).to_contain_text("−7,05")
    await village.picture(console, "account")


async def form_grows_on_screen_2(village: Village) -> None:
    """What is typed shows in large type; the draft survives a reload; a missing field is marked and nothing is done."""
    console, screen = village.console, village.screen_2
    await console.get_by_role("tab", name=re.compile("Formulaire")).click()
    await console.get_by_role("button", name="Inscription à la cantine").click()
    await console.locator("[name=child_family_name]").fill("Moreau")
    await expect(screen.locator("#scene")).to_contain_text("Moreau")
    await console.locator("[name=child_given_name]").press_sequentially("Léa")
    await expect(screen.locator("#scene")).to_contain_text("Léa")
    await village.picture(screen, "form-screen-2")
    await console.get_by_role("button", name="Formulaire complet").click()
    await expect(console.locator("#form")).to_contain_text("Il manque cette réponse")
    await village.picture(console, "form-incomplete")
    await console.reload()
    await expect(console.locator("[name=child_given_name]")).to_have_value("Léa")
    await expect(console.locator("#face")).to_have_attribute("data-face", "live")
    await console.locator("[name=child_birth_date]").fill("2018-03-09")
    await console.locator("[name=school]").fill("École du Tallud")
    await console.get_by_label("lundi").check()
    await console.get_by_label("jeudi").check()
    await console.locator("[name=first_day]").fill("2026-11-23")
    await console.locator("[name=guardian_name]").fill("Jeanne Moreau")
    await console.locator("[name=guardian_phone]").fill("05 49 64 12 34")
    await console.locator("[data-field=emergency_consent]").get_by_label("Oui").check()
    await expect(screen.locator("#scene")).to_contain_text("oui")
    await console.get_by_role("button", name="Formulaire complet").click()
    await expect(console.locator("#form")).to_contain_text("terminé")


async def papers_are_scanned_and_filed(village: Village) -> None:
    """The stack goes through the booth's scanner; pages grow before both, are turned, dropped and filed as PDF/A."""
    console, screen = village.console, village.screen_2
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    await console.get_by_role("button", name="Numériser la pile").click()
    await expect(screen.locator("#scene")).to_contain_text("feuille")
    await village.picture(screen, "scanning-screen-2")
    finished = console.locator("#strip [data-page]:not([data-growing])")
    await expect(finished).to_have_count(4, timeout=90_000)
    await village.picture(console, "scanned")
    await expect(finished.nth(3)).to_contain_text("blanche ?")
    for number in range(3):
        await shows_the_sheet(village, finished.nth(number).locator("canvas"), number)
    await finished.nth(3).get_by_role("button", name="Jeter").click()
    await finished.nth(2).get_by_role("button", name="Mettre avant").click()
    await finished.nth(0).get_by_role("button", name="Tourner").click()
    for _ in range(3):
        await finished.nth(0).get_by_role("button", name="Tourner").click()
    await console.get_by_label("Ce papier est").fill("Justificatif de domicile")
    await console.get_by_role("button", name="Classer au dossier").click()
    filed = console.locator("#papers .filed li", has_text="Justificatif de domicile")
    await expect(filed).to_contain_text("3 pages")
    await expect(filed.get_by_role("button", name="Imprimer au guichet")).to_be_visible(timeout=120_000)
    url = await filed.get_by_role("link").get_attribute("href")
    answer = await console.request.get(village.site.url + (url or ""))
    await check_searchable(await answer.body())


async def shows_the_sheet(village: Village, canvas: Locator, number: int) -> None:
    """The page at the console is the sheet that lay in the scanner, and none of the others."""
    drawn = await canvas.evaluate("canvas => canvas.toDataURL('image/png').split(',')[1]")
    seen = _small(Image.open(io.BytesIO(base64.b64decode(drawn))))
    sheets = sorted((village.site.folder / "scanner" / "paper" / "feeder").glob("*.pnm"))
    differences = [ImageStat.Stat(ImageChops.difference(seen, _small(Image.open(sheet)))).mean[0] for sheet in sheets]
    assert differences.index(min(differences)) == number, differences
    assert differences[number] < 6, differences


def _small(picture: Image.Image) -> Image.Image:
    return picture.convert("L").resize((210, 297), Image.Resampling.BOX)


async def check_searchable(pdf: bytes) -> None:
    """The filed document is a PDF/A of three pages in which French words are found."""
    assert check_pdfa(pdf) == []
    document = pypdfium2.PdfDocument(pdf)
    text = " ".join(document[page].get_textpage().get_text_bounded() for page in range(len(document)))
    assert len(document) == 3
    assert "domicile" in text.lower()


async def form_prints(village: Village) -> None:
    """The completed form prints on the booth's printer; what it receives is the form, to the byte."""
    console = village.console
    await console.get_by_role("tab", name=re.compile("Formulaire")).click()
    await console.locator("#form").get_by_role("button", name="Imprimer au guichet").click()
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    await expect(console.locator("#printing")).to_contain_text("sortie")
    await village.picture(console, "printed")
    (printed,) = village.printer(do="state")["printed"]
    received = await asyncio.to_thread(Path(printed).read_bytes)
    assert hashlib.sha256(received).hexdigest() == await sum_of_the_form(village)


async def sum_of_the_form(village: Village) -> str:
    """What the form that was filed adds up to."""
    database = Database(village.site.database_url)
    try:
        async with database.read() as db:
            return (await db.scalars(select(Document.sha256).where(Document.kind == "form"))).one()
    finally:
        await database.close()


async def end_and_wipe(village: Village) -> None:
    """What to take home is named; the summary goes by e-mail; the booth forgets, and shows its idle page."""
    console, screen = village.console, village.screen_2
    await console.get_by_role("button", name=re.compile("Terminer")).click()
    for what in ("carte", "papiers", "lunettes", "feuille"):
        await expect(screen.locator("#scene")).to_contain_text(what)
    await village.picture(screen, "goodbye-screen-2")
    await console.get_by_label("Ou l’envoyer par courriel").fill("jeanne.moreau@example.org")
    await console.get_by_role("button", name="Envoyer").click()
    reference = re.search(r"\d{6}-[A-Z0-9]{6}", await console.locator("#ending").inner_text())
    assert reference
    async with asyncio.timeout(30):
        while not village.mailbox.messages():
            await asyncio.sleep(0.1)
    mail = message_from_bytes(village.mailbox.messages()[0], policy=default)
    assert mail["To"] == "jeanne.moreau@example.org"
    body = mail.get_body()
    assert body is not None
    assert reference[0] in body.get_content()
    assert "Inscription à la cantine" in body.get_content()
    await village.picture(console, "ending")
    village.take_card()
    await console.get_by_role("button", name=re.compile("Effacer le guichet")).click()
    await expect(console.locator("#ending")).to_contain_text("le guichet est effacé")
    await expect(screen.locator("#scene")).not_to_contain_text("Hugo")
    await village.picture(screen, "idle-screen-2")
    await village.picture(village.screen_1, "idle-screen-1")
    for page in (village.screen_1, village.screen_2):
        assert "Moreau" not in await page.content()
    assert list(village.site.spool.rglob("*.jpg")) == []
    await expect_account_closed(console, village)


async def expect_account_closed(console: Page, village: Village) -> None:
    """Visit over: nothing of the account can be had any more."""
    visit_url = console.url
    answer = await console.request.get(f"{visit_url}/fragments/account")
    assert "Famille Moreau" not in await answer.text()


async def pool_is_topped_up(village: Village) -> None:
    """The secretary, who is the sub-office's mandatary, takes the cash; a numbered receipt is made."""
    page = village.mairie
    await page.get_by_role("link", name="Encaisser").click()
    await page.get_by_label("Fonds de caisse").fill("50,00")
    await page.get_by_role("button", name="Ouvrir").click()
    await page.get_by_role("searchbox").fill("moreau 12 05 1941")
    await page.get_by_role("searchbox").press("Enter")
    await page.get_by_role("link", name=re.compile("Moreau")).first.click()
    await page.get_by_label("Piscine").fill("20")
    await page.get_by_label("espèces").check()
    await page.get_by_label("Donné").fill("50")
    await village.picture(page, "collecting")
    await page.get_by_role("button", name="Vérifier").click()
    await expect(page.locator("main")).to_contain_text("30,00")
    await village.picture(page, "confirm")
    await page.get_by_role("button", name=re.compile("Encaisser 20,00")).click()
    await expect(page.locator(".receipt-number")).to_be_visible()
    await village.picture(page, "receipt")


async def reader_after(village: Village, turnstile: Reader) -> None:
    """After: the pool opens, and the wallet is one entry poorer."""
    opened = await turnstile.tap(JEANNE_UID)
    assert opened["allowed"]
    assert opened["amount_cents"] == 310
    assert opened["balance_cents"] in (None, 2000 - 310)

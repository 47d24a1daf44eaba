"""The story holds when something breaks in its middle: all of it comes back by itself, nothing is lost or doubled.

One village lives through all three faults, one after the other, each while a form is half written, a paper is filed and
another is being printed; the secretary takes cash across the server's death.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Request, Route, expect
from sqlalchemy import select

from cvq_core.database import Database
from cvq_core.ledger.verify import verify
from cvq_core.offices.tables import Receipt
from cvq_desk.dossiers.tables import Document, DraftField
from cvq_desk.visits.tables import BoothCommand, Visit
from cvq_scanning.virtual import SHEETS
from tests.e2e.story.opening import book_and_seat, call, open_form, take
from tests.e2e.story.village import Village

SLOW_S_A_PAGE = 4.0
LONG_MS = 120_000
PAPER = "Justificatif de domicile"
PAPER_OF_THE_DEAD_SERVER = "Facture d’eau"
PAPER_OF_THE_RELOAD = "Certificat de scolarité"


async def test_a_visit_outlives_the_server_the_agent_and_the_page(village: Village) -> None:
    await book_and_seat(village)
    await take(village)
    await call(village)
    await village.console.get_by_role("button", name="Pièce vue").click()
    await a_paper_is_scanned(village, PAPER)
    await file_it(village)
    await it_is_filed(village, PAPER)
    await open_form(village)
    visit_url = village.console.url

    await cash_is_ready(village)
    await a_paper_is_scanned(village, PAPER_OF_THE_DEAD_SERVER)
    await lives_through(village, kill_server, field="child_family_name", value="Moreau-Lebrun")
    number = await cash_is_taken(village)
    await it_is_filed(village, PAPER_OF_THE_DEAD_SERVER)
    await lives_through(village, kill_agent, field="child_given_name", value="Léa")
    await a_paper_is_scanned(village, PAPER_OF_THE_RELOAD)
    await lives_through(village, reload_page, field="school", value="École du Tallud")
    await filed_again_after_the_reload(village)

    assert village.console.url == visit_url
    await expect(village.console.locator("#form [name=child_family_name]")).to_have_value("Moreau-Lebrun")
    await expect(village.console.locator("#form [name=child_given_name]")).to_have_value("Léa")
    await nothing_is_lost_or_doubled(village, prints=3, receipt_number=number)


async def a_paper_is_scanned(village: Village, title: str) -> None:
    """One sheet goes through the scanner, and the advisor says what it is."""
    console = village.console
    assert village.site.scanner is not None
    village.site.scanner.load_feeder([SHEETS["residence_proof"](300)])
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    await console.get_by_role("button", name="Numériser la pile").click()
    await expect(console.locator("#strip [data-page]:not([data-growing])")).to_have_count(1, timeout=LONG_MS)
    await console.get_by_label("Ce papier est").fill(title)


async def file_it(village: Village) -> None:
    """The advisor files it, and waits for nothing but the pages being on their way."""
    console = village.console
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    async with console.expect_request(_files_pages):
        await console.get_by_role("button", name="Classer au dossier").click()


async def it_is_filed(village: Village, title: str) -> None:
    """It stands among the filed papers, if need be after the advisor has tried again as the page says."""
    console = village.console
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    filed = console.locator("#papers .filed li", has_text=title)
    not_sent = console.locator("[data-strip-trouble=not_sent]:not([hidden])")
    await expect(filed.or_(not_sent).first).to_be_visible(timeout=LONG_MS)
    if not await filed.count():
        await console.get_by_role("button", name="Classer au dossier").click()
    await expect(filed.get_by_role("button", name="Imprimer au guichet")).to_be_visible(timeout=LONG_MS)
    await expect(console.locator("#strip [data-page]")).to_have_count(0)


async def filed_again_after_the_reload(village: Village) -> None:
    """The booth sends the page of which no answer came once more; filed again, it is the same document."""
    console = village.console
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    await expect(console.locator("#papers .filed li", has_text=PAPER_OF_THE_RELOAD)).to_have_count(1, timeout=LONG_MS)
    await expect(console.locator("#strip [data-page]:not([data-growing])")).to_have_count(1, timeout=LONG_MS)
    await console.get_by_label("Ce papier est").fill(PAPER_OF_THE_RELOAD)
    await file_it(village)
    await it_is_filed(village, PAPER_OF_THE_RELOAD)


async def lives_through(
    village: Village, fault: Callable[[Village], Awaitable[None]], *, field: str, value: str
) -> None:
    """Bring a fault about while the form is being written and a paper printed, and wait until all is as it was."""
    console = village.console
    done = await console.locator("#printing li .chip.ok", has_text="sortie").count()
    village.printer(do="speed", seconds_per_page=SLOW_S_A_PAGE)
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    await console.locator("#papers .filed li", has_text=PAPER).get_by_role("button", name="Imprimer au guichet").click()
    await expect(console.locator("#printing")).to_contain_text("s’imprime", timeout=LONG_MS)
    # Killed while it hands the paper over, the agent cannot know whether the printer took it, and prints nothing twice.
    await the_printer_has_it(village)
    await console.get_by_role("tab", name=re.compile("Formulaire")).click()
    # The last key is pressed, and nobody waits for its being saved.
    await console.locator(f"#form [name={field}]").fill(value)
    await fault(village)

    await expect(console.locator("#line")).to_have_attribute("data-line", "ok", timeout=LONG_MS)
    await expect(console.locator("#face")).to_have_attribute("data-face", "live", timeout=LONG_MS)
    await asyncio.gather(
        village.sees_other_end(console, "#face-remote", "resident"),
        village.sees_other_end(village.screen_1, "#face", "advisor"),
    )
    await expect(console.locator(f"#form [name={field}]")).to_have_value(value, timeout=LONG_MS)
    await console.get_by_role("tab", name=re.compile("Formulaire")).click()
    # Where the advisor goes now shows on screen 2 with its answer: the whole way from the console to the booth is open.
    await console.locator(f"#form [name={field}]").focus()
    await expect(village.screen_2.locator("#scene")).to_contain_text(value, timeout=LONG_MS)
    try:
        await expect(console.locator("#printing li .chip.ok", has_text="sortie")).to_have_count(
            done + 1, timeout=LONG_MS
        )
    except AssertionError as failed:
        raise AssertionError(await console.locator("#printing").inner_text()) from failed
    await expect(console.locator("#machines")).not_to_contain_text("Plus de nouvelles", timeout=LONG_MS)
    await expect(console.locator("#papers .filed li", has_text=PAPER)).to_have_count(1)


async def the_printer_has_it(village: Village) -> None:
    spool = village.site.folder / "printer" / "spool"
    async with asyncio.timeout(LONG_MS / 1000):
        while not list(spool.glob("*.pdf")):
            await asyncio.sleep(0.05)


async def kill_server(village: Village) -> None:
    """The server dies while pages go to the dossier; the secretary takes the cash meanwhile; the server comes back."""
    assert village.site.server is not None
    await file_it(village)
    await village.site.server.kill()
    await village.mairie.get_by_role("button", name=re.compile("Encaisser 20,00")).click()
    await village.site.start_server()


async def kill_agent(village: Village) -> None:
    """The booth's agent dies and is started again, as its supervisor does."""
    assert village.site.booth is not None
    await village.site.booth.kill()
    await village.site.start_booth()


async def reload_page(village: Village) -> None:
    """The advisor's page is loaded anew when the server has filed its pages and the page has not heard of it yet."""
    console = village.console
    filed = asyncio.Event()

    async def never_answer(route: Route) -> None:
        await route.fetch()
        filed.set()

    await console.route("**/documents", never_answer)
    await file_it(village)
    async with asyncio.timeout(LONG_MS / 1000):
        await filed.wait()
    await console.reload()
    await console.unroute("**/documents", never_answer)


async def cash_is_ready(village: Village) -> None:
    """The secretary has counted twenty euros for the pool, and has only to confirm."""
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
    await page.get_by_role("button", name="Vérifier").click()
    await expect(page.get_by_role("button", name=re.compile("Encaisser 20,00"))).to_be_visible()


async def cash_is_taken(village: Village) -> int:
    """She confirms again, if the first key did not get through; there is one receipt, and its number is returned."""
    page = village.mairie
    receipt, confirm = page.locator(".receipt-number"), page.get_by_role("button", name=re.compile("Encaisser 20,00"))
    await expect(receipt.or_(confirm).first).to_be_visible()
    if not await receipt.count():
        await confirm.click()
    await expect(receipt).to_be_visible()
    found = re.search(r"(\d+)\s*$", (await receipt.inner_text()).strip())
    assert found
    return int(found[1])


async def nothing_is_lost_or_doubled(village: Village, *, prints: int, receipt_number: int) -> None:
    """Ids, papers and money, as the database and the printer's tray have them."""
    database = Database(village.site.database_url)
    try:
        async with database.read() as db:
            visit = (await db.scalars(select(Visit))).one()
            documents = list(await db.scalars(select(Document).where(Document.visit_id == visit.id)))
            commands = list(await db.scalars(select(BoothCommand).where(BoothCommand.kind == "print")))
            drafts = {row.name: row.values for row in await db.scalars(select(DraftField))}
            receipts = list(await db.scalars(select(Receipt)))
            troubles = await verify(db)
    finally:
        await database.close()
    assert visit.state == "in_call"
    assert sorted((document.title, document.state) for document in documents) == [
        (title, "ready") for title in sorted((PAPER, PAPER_OF_THE_DEAD_SERVER, PAPER_OF_THE_RELOAD))
    ]
    assert [command.state for command in commands] == ["done"] * prints
    assert drafts["child_family_name"] == ["Moreau-Lebrun"]
    assert drafts["child_given_name"] == ["Léa"]
    assert drafts["school"] == ["École du Tallud"]
    assert [receipt.number for receipt in receipts] == [receipt_number]
    assert [receipt.total_cents for receipt in receipts] == [2000]
    assert troubles == []
    printed: dict[str, Any] = village.printer(do="state")
    sums = [_sha256(path) for path in printed["printed"]]
    assert len(sums) == prints
    assert set(sums) == {document.sha256 for document in documents if document.title == PAPER}


def _files_pages(request: Request) -> bool:
    return request.method == "POST" and request.url.endswith("/documents")


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()

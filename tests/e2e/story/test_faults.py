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

from playwright.async_api import expect
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


async def test_a_visit_outlives_the_server_the_agent_and_the_page(village: Village) -> None:
    await book_and_seat(village)
    await take(village)
    await call(village)
    await village.console.get_by_role("button", name="Pièce vue").click()
    await a_paper_is_filed(village)
    await open_form(village)
    visit_url = village.console.url

    await cash_is_ready(village)
    await lives_through(village, kill_server, field="child_family_name", value="Moreau-Lebrun")
    number = await cash_is_taken(village)
    await lives_through(village, kill_agent, field="child_given_name", value="Léa")
    await lives_through(village, reload_page, field="school", value="École du Tallud")

    assert village.console.url == visit_url
    await expect(village.console.locator("#form [name=child_family_name]")).to_have_value("Moreau-Lebrun")
    await expect(village.console.locator("#form [name=child_given_name]")).to_have_value("Léa")
    await nothing_is_lost_or_doubled(village, prints=3, receipt_number=number)


async def a_paper_is_filed(village: Village) -> None:
    """One sheet goes through the scanner and into the dossier."""
    console = village.console
    assert village.site.scanner is not None
    village.site.scanner.load_feeder([SHEETS["residence_proof"](300)])
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    await console.get_by_role("button", name="Numériser la pile").click()
    await expect(console.locator("#strip [data-page]:not([data-growing])")).to_have_count(1, timeout=LONG_MS)
    await console.get_by_label("Ce papier est").fill(PAPER)
    await console.get_by_role("button", name="Classer au dossier").click()
    filed = console.locator("#papers .filed li", has_text=PAPER)
    await expect(filed.get_by_role("button", name="Imprimer au guichet")).to_be_visible(timeout=LONG_MS)


async def lives_through(
    village: Village, fault: Callable[[Village], Awaitable[None]], *, field: str, value: str
) -> None:
    """Bring a fault about while the form is being written and a paper printed, and wait until all is as it was."""
    console = village.console
    done = await console.locator("#printing li", has_text="sortie").count()
    village.printer(do="speed", seconds_per_page=SLOW_S_A_PAGE)
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    await console.locator("#papers .filed li", has_text=PAPER).get_by_role("button", name="Imprimer au guichet").click()
    await expect(console.locator("#printing")).to_contain_text("s’imprime", timeout=LONG_MS)
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
    # An answer that changes again and shows proves the whole way from the console's key to screen 2.
    await console.locator(f"#form [name={field}]").focus()
    await expect(village.screen_2.locator("#scene")).to_contain_text(value, timeout=LONG_MS)
    await expect(console.locator("#printing li", has_text="sortie")).to_have_count(done + 1, timeout=LONG_MS)
    await expect(console.locator("#machines")).not_to_contain_text("Plus de nouvelles", timeout=LONG_MS)
    await expect(console.locator("#papers .filed li", has_text=PAPER)).to_have_count(1)


async def kill_server(village: Village) -> None:
    """The server dies; the secretary takes the cash meanwhile, twice; the server comes back."""
    assert village.site.server is not None
    await village.site.server.kill()
    await village.mairie.get_by_role("button", name=re.compile("Encaisser 20,00")).click()
    await village.site.start_server()


async def kill_agent(village: Village) -> None:
    """The booth's agent dies and is started again, as its supervisor does."""
    assert village.site.booth is not None
    await village.site.booth.kill()
    await village.site.start_booth()


async def reload_page(village: Village) -> None:
    """The advisor's page is loaded anew."""
    await village.console.reload()


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
    assert [(document.title, document.state) for document in documents] == [(PAPER, "ready")]
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
    assert set(sums) == {documents[0].sha256}


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()

"""Wrong input and machines in trouble, as people see them: each has its own words, and nothing is done by mistake.

One village lives through all of it, in the order of the tests: each one leaves it in order for the next.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect
from sqlalchemy import Select, func, select

from cvq_booth.virtual.figure import End
from cvq_core.database import Database
from cvq_core.journal.tables import AuditRecord
from cvq_core.seed.heroes import BLOCKED_UID, JEANNE_UID, STRANGER_UID
from cvq_desk.dossiers.tables import Document
from cvq_desk.visits.tables import Visit
from cvq_scanning.virtual import SHEETS, VirtualScanner
from tests.e2e.story.opening import FAILED, book_and_seat, call, open_form, open_village, take
from tests.e2e.story.village import Village

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES_MAX = 4
PAGES_ARE_THERE = "Les pages déjà numérisées sont là."
LONG_MS = 120_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def busy_village(
    tmp_path_factory: pytest.TempPathFactory, films: dict[End, tuple[Path, Path]]
) -> AsyncIterator[Village]:
    """A village where Jeanne sits before the booth and nobody has taken her yet; a scan has four pages at most."""
    folder = tmp_path_factory.mktemp("village")
    async with open_village(folder, films, {"CVQ_SCAN_PAGES_MAX": str(PAGES_MAX)}) as opened:
        await book_and_seat(opened)
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def village(request: pytest.FixtureRequest, busy_village: Village) -> AsyncIterator[Village]:
    """The same village for each test; pictures of it are kept when one fails."""
    yield busy_village
    if request.node.stash.get(FAILED, False):
        await busy_village.show_failure()


async def test_of_two_advisors_the_second_is_told_who_was_faster(village: Village) -> None:
    nadia = await village.page_of("nadia")
    await village.sign_in(nadia, "nadia")
    key = nadia.get_by_role("button", name="Prendre Jeanne Moreau")
    await expect(key).to_be_visible()
    # Her page hears nothing any more, as at the moment when two press together.
    take_url = await key.locator("xpath=ancestor::form").get_attribute("action")
    await take(village)
    answer = await _press_late(nadia, take_url or "")
    assert "Hugo Martineau a déjà pris cette personne." in answer
    assert "Choisissez la personne suivante." in answer
    await expect(nadia.locator("#queue")).to_contain_text("avec Hugo Martineau")
    await village.picture(nadia, "wrong-double-take")
    assert await _count(village, select(func.count()).select_from(Visit)) == 1
    assert await _refusals(village, "take-refused") == 1
    await nadia.close()


async def test_a_card_of_another_town_is_said_to_be_unknown_and_opens_nothing(village: Village) -> None:
    await call(village)
    await village.console.get_by_role("button", name="Pièce vue").click()
    village.lay_card(STRANGER_UID)
    await expect(village.console.locator("#person")).to_contain_text("inconnue ici")
    await expect(village.console.locator("#person")).to_contain_text("Cette carte n’est pas connue ici.")
    await expect(village.screen_2.locator("#scene")).to_contain_text("Cette carte n’est pas connue ici.")
    await village.picture(village.screen_2, "wrong-stranger-card-screen-2")
    await _account_stays_closed(village)
    assert await _refusals(village, "card-refused") == 1
    await _take_card(village)


async def test_a_lost_card_is_refused_with_the_reason(village: Village) -> None:
    village.lay_card(BLOCKED_UID)
    await expect(village.console.locator("#person")).to_contain_text("refusée")
    await expect(village.console.locator("#person")).to_contain_text("déclarée perdue")
    await expect(village.screen_2.locator("#scene")).to_contain_text("Cette carte ne peut pas servir.")
    await expect(village.screen_2.locator("#scene")).to_contain_text("déclarée perdue")
    await village.picture(village.console, "wrong-blocked-card-console")
    await village.picture(village.screen_2, "wrong-blocked-card-screen-2")
    await _account_stays_closed(village)
    assert await _refusals(village, "card-refused") == 2
    await _take_card(village)
    village.lay_card(JEANNE_UID)
    await expect(village.console.locator("#person")).to_contain_text("Carte de Jeanne Moreau")


async def test_a_form_with_a_missing_field_is_not_finished_and_says_which(village: Village) -> None:
    console = village.console
    await open_form(village)
    await console.locator("[name=child_family_name]").fill("Moreau")
    await console.get_by_role("button", name="Formulaire complet").click()
    missing = console.locator("#form .field[data-field=child_given_name]")
    await expect(missing).to_contain_text("Il manque cette réponse")
    await expect(missing.locator("input")).to_have_attribute("aria-invalid", "true")
    await expect(console.locator("#form .field[data-field=child_family_name]")).not_to_contain_text("Il manque")
    await expect(console.locator("#form")).to_contain_text(re.compile("Il reste \\d+ champs? à voir"))
    await expect(console.locator("#form .form-sheet")).not_to_contain_text("terminé")
    assert await _count(village, select(func.count()).select_from(Document)) == 0
    await village.picture(console, "wrong-missing-field")


@pytest.mark.parametrize(
    ("trouble", "console_words", "screen_words"),
    [
        ("no_docs", "Posez vos feuilles dans le chargeur", "La machine n’a pas trouvé de feuille."),
        ("cover_open", "Refermez doucement le capot", "Le couvercle est ouvert."),
        ("jammed", "Une feuille est coincée", "La feuille est coincée."),
    ],
)
async def test_each_trouble_of_the_scanner_has_its_own_words_on_both_sides(
    village: Village, trouble: str, console_words: str, screen_words: str
) -> None:
    scanner = _scanner(village)
    scanner.load_feeder([SHEETS["residence_proof"](300)])
    scanner.set_control(trouble)  # type: ignore[arg-type]  # the words above are its own
    await _scan(village.console)
    await _both_are_told(village, console_words, screen_words)
    await village.picture(village.console, f"wrong-scanner-{trouble}-console")
    await village.picture(village.screen_2, f"wrong-scanner-{trouble}-screen-2")
    scanner.set_control()
    await expect(_pages(village.console)).to_have_count(0)
    await expect(village.console.get_by_text(PAGES_ARE_THERE)).to_have_count(0)


async def test_a_stack_over_the_limit_stops_there_and_keeps_what_was_scanned(village: Village) -> None:
    scanner = _scanner(village)
    scanner.load_feeder([SHEETS["residence_proof"](300)] * 30)
    await _scan(village.console)
    await _both_are_told(
        village, "Les pages déjà numérisées sont gardées", "Il y a trop de feuilles pour une seule fois."
    )
    await expect(_pages(village.console)).to_have_count(PAGES_MAX)
    await expect(village.console.get_by_text(PAGES_ARE_THERE)).to_be_visible()
    await village.picture(village.console, "wrong-too-many-pages")
    await village.console.get_by_label("Ce papier est").fill("Facture d’eau")
    await village.console.get_by_role("button", name="Classer au dossier").click()
    filed = village.console.locator("#papers .filed li", has_text="Facture d’eau")
    await expect(filed).to_contain_text(f"{PAGES_MAX} pages", timeout=LONG_MS)
    await expect(village.console.locator("#papers [role='alert']")).to_have_count(0)
    await expect(filed.get_by_role("button", name="Imprimer au guichet")).to_be_visible(timeout=LONG_MS)


@pytest.mark.parametrize(
    ("fault", "console_words", "screen_words"),
    [
        ("media-empty", "Il manque du papier", "Il n’y a plus de papier dans l’imprimante."),
        ("media-jam", "Une feuille est coincée", "Une feuille est coincée dans l’imprimante."),
        ("cover-open", "Refermez doucement le capot", "Le capot de l’imprimante est ouvert."),
    ],
)
async def test_a_printer_in_trouble_waits_says_why_and_prints_once_when_it_is_mended(
    village: Village, fault: str, console_words: str, screen_words: str
) -> None:
    console = village.console
    before = len(village.printer(do="state")["printed"])
    village.printer(do="faults", faults=[fault])
    await _print(console)
    row = console.locator("#printing li").filter(has_text=console_words)
    await asyncio.gather(
        expect(row).to_have_count(1, timeout=LONG_MS),
        expect(village.screen_2.locator("#scene")).to_contain_text(screen_words, timeout=LONG_MS),
    )
    await village.picture(console, f"wrong-printer-{fault}-console")
    await village.picture(village.screen_2, f"wrong-printer-{fault}-screen-2")
    village.printer(do="faults", faults=[])
    await expect(_come_out(console)).to_have_count(before + 1, timeout=LONG_MS)
    assert len(village.printer(do="state")["printed"]) == before + 1


async def test_a_paper_for_a_printer_that_is_off_fails_says_why_and_prints_once_when_asked_again(
    village: Village,
) -> None:
    console = village.console
    before = len(village.printer(do="state")["printed"])
    village.printer(do="off")
    await _print(console)
    row = console.locator("#printing li").filter(has_text="n’est pas sortie")
    await asyncio.gather(
        expect(row).to_contain_text("La machine est éteinte", timeout=LONG_MS),
        expect(village.screen_2.locator("#scene")).to_contain_text("L’imprimante est éteinte.", timeout=LONG_MS),
    )
    await village.picture(console, "wrong-printer-off-console")
    village.printer(do="on")
    assert len(village.printer(do="state")["printed"]) == before
    await row.get_by_role("button", name="Imprimer encore").click()
    await expect(_come_out(console)).to_have_count(before + 1, timeout=LONG_MS)
    assert len(village.printer(do="state")["printed"]) == before + 1


async def _press_late(page: Page, take_url: str) -> str:
    """Send what the key of a page that has not heard yet would send; its answer as text."""
    script = """async url => {
        const { tokenHeaders } = await import('/static/js/forms.js');
        const answer = await fetch(url, { method: 'POST', headers: {
            ...tokenHeaders(), 'Content-Type': 'application/x-www-form-urlencoded' }, body: '' });
        return new DOMParser().parseFromString(await answer.text(), 'text/html').body.textContent;
    }"""
    found: str = await page.evaluate(script, take_url)
    return found


async def _account_stays_closed(village: Village) -> None:
    answer = await village.console.request.get(f"{village.console.url}/fragments/account")
    text = await answer.text()
    assert "Famille" not in text


async def _take_card(village: Village) -> None:
    village.take_card()
    await expect(village.console.locator("#person")).to_contain_text("aucune")


async def _scan(console: Page) -> None:
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    await console.get_by_role("button", name="Numériser la pile").click()


async def _both_are_told(village: Village, console_words: str, screen_words: str) -> None:
    """Advisor and resident read it at the same time; the resident's screen goes back to its work after a while."""
    await asyncio.gather(
        expect(village.console.locator("#papers [role=alert]")).to_contain_text(console_words, timeout=LONG_MS),
        expect(village.screen_2.locator("#scene")).to_contain_text(screen_words, timeout=LONG_MS),
    )


async def _print(console: Page) -> None:
    await console.get_by_role("tab", name=re.compile("Papiers")).click()
    filed = console.locator("#papers .filed li", has_text="Facture d’eau")
    await filed.get_by_role("button", name="Imprimer au guichet").click()


def _pages(console: Page) -> Locator:
    return console.locator("#strip [data-page]:not([data-growing])")


def _come_out(console: Page) -> Locator:
    return console.locator("#printing li").filter(has=console.locator(".chip.ok"))


def _scanner(village: Village) -> VirtualScanner:
    assert village.site.scanner is not None
    return village.site.scanner


async def _refusals(village: Village, action: str) -> int:
    wanted = select(func.count()).select_from(AuditRecord)
    return await _count(village, wanted.where(AuditRecord.action == action, AuditRecord.outcome == "refused"))


async def _count(village: Village, query: Select[int]) -> int:
    database = Database(village.site.database_url)
    try:
        async with database.read() as db:
            return int(await db.scalar(query) or 0)
    finally:
        await database.close()

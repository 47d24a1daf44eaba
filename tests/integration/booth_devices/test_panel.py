"""The demonstration's panel: a visitor's clicks move real virtual machines, and nobody else's do."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import ClientSession, CookieJar, web
from playwright.async_api import async_playwright

from cvq_booth.devices.print_log import PrintLog
from cvq_booth.devices.printer import Printer
from cvq_booth.virtual.cards import VirtualCards
from cvq_booth.virtual.hands import (
    BadCards,
    CardHands,
    DemoCard,
    Machine,
    OverrideHands,
    PaperHands,
    PrinterHands,
    read_cards,
)
from cvq_booth.virtual.panel import create_panel
from cvq_booth.virtual.printer import VirtualPrinter
from cvq_scanning.acquire import load_overrides
from cvq_scanning.virtual import PAPER_DEVICE, TEST_DEVICE, prepare

AXE = Path(__file__).parents[3] / "node_modules/axe-core/axe.min.js"
JEANNE = DemoCard("Carte de Jeanne Moreau", "04A1B2C3D4E5F6")
PAUL = DemoCard("Carte de Paul Lefèvre", "0499887766")


class Buttons(HTMLParser):
    """Finds the buttons of a page: what is written on each, and its gesture."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._gesture: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._gesture = dict(attrs).get("value") if tag == "button" else None

    def handle_data(self, data: str) -> None:
        if self._gesture:
            self.found[data.strip()] = self._gesture
            self._gesture = None


class Visitor:
    """Somebody before the panel, who reads the page and presses its buttons by what is written on them."""

    def __init__(self, session: ClientSession, address: str) -> None:
        self._session = session
        self.address = address

    async def read(self, language: str = "fr") -> str:
        async with self._session.get(self.address, headers={"Accept-Language": language}) as answer:
            assert answer.status == 200
            return await answer.text()

    async def press(self, label: str) -> str:
        gesture = Buttons(await self.read()).found[label]
        assert await self.post(gesture) == 200
        return await self.read()

    async def post(self, gesture: str, **headers: str) -> int:
        own = {"Origin": self.address.rstrip("/")}
        async with self._session.post(
            f"{self.address}gestures", data={"gesture": gesture}, headers=own | headers
        ) as answer:
            return answer.status


async def serve(machines: Sequence[Machine], port: int) -> AsyncIterator[Visitor]:
    runner = web.AppRunner(create_panel(machines))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield Visitor(session, f"http://127.0.0.1:{port}/")
    await runner.cleanup()


@pytest.fixture
async def reader_panel(cards: VirtualCards, unused_tcp_port: int) -> AsyncIterator[Visitor]:
    async for visitor in serve([CardHands(cards.directory / "control", [JEANNE, PAUL])], unused_tcp_port):
        yield visitor


@pytest.fixture
async def printer_panel(printer: VirtualPrinter, unused_tcp_port: int) -> AsyncIterator[Visitor]:
    async for visitor in serve([PrinterHands(printer.directory / "control")], unused_tcp_port):
        yield visitor


async def test_cards_are_laid_and_taken_away(reader_panel: Visitor, cards: VirtualCards) -> None:
    assert "Aucune carte sur le lecteur." in await reader_panel.read()
    assert f"Posée\u00a0: {JEANNE.label}" in await reader_panel.press(JEANNE.label)
    assert cards.state()["uid"] == JEANNE.uid
    await reader_panel.press(PAUL.label)
    assert cards.state()["uid"] == PAUL.uid
    assert "illisible est posée" in await reader_panel.press("Poser une carte illisible")
    assert "Aucune carte" in await reader_panel.press("Retirer la carte")
    assert cards.state()["uid"] is None


async def test_the_reader_is_unplugged_and_plugged_in_again(reader_panel: Visitor, cards: VirtualCards) -> None:
    assert "Le lecteur est débranché." in await reader_panel.press("Débrancher le lecteur")
    assert not cards.state()["reader"]
    assert "Aucune carte sur le lecteur." in await reader_panel.press("Rebrancher le lecteur")


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        (("Plus de papier", "Il n’y a plus de papier.", "Remettre du papier"), "paper_out"),
        (("Bourrage", "Une feuille est coincée.", "Retirer la feuille coincée"), "paper_jam"),
        (("Capot ouvert", "Le capot est ouvert.", "Fermer le capot"), "cover_open"),
        (("Plus d’encre", "La cartouche est vide.", "Changer la cartouche"), "toner_empty"),
        (("Éteindre l’imprimante", "L’imprimante est éteinte.", "Allumer l’imprimante"), "off"),
    ],
)
async def test_each_trouble_of_the_printer_comes_and_goes(
    printer_panel: Visitor, printer: VirtualPrinter, words: tuple[str, str, str], slug: str
) -> None:
    spoil, state, mend = words
    booth = Printer(printer.uri)
    assert state in await printer_panel.press(spoil)
    assert (await booth.status()).trouble == slug
    assert "L’imprimante est en ordre." in await printer_panel.press(mend)
    assert (await booth.status()).state == "ready"


async def test_a_second_click_of_a_double_click_does_nothing(printer_panel: Visitor, printer: VirtualPrinter) -> None:
    gesture = Buttons(await printer_panel.read()).found["Bourrage"]
    assert await printer_panel.post(gesture) == 200
    assert await printer_panel.post(gesture) == 200
    assert (await Printer(printer.uri).status()).trouble == "paper_jam"


async def test_what_was_printed_can_be_looked_at(
    printer_panel: Visitor, printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    booth = Printer(printer.uri)
    job = await booth.submit(pdf, title="", key=uuid4(), log=print_log)
    assert [step async for step in booth.follow(job)][-1].state == "done"
    assert "Document 1" in await printer_panel.read()
    async with ClientSession() as session:
        async with session.get(f"{printer_panel.address}sheets/1") as answer:
            assert (answer.content_type, await answer.read()) == ("application/pdf", pdf)
        async with session.get(f"{printer_panel.address}sheets/2") as answer:
            assert answer.status == 404


async def test_machines_that_do_not_answer_are_told(tmp_path: Path, unused_tcp_port: int) -> None:
    machines = [CardHands(tmp_path / "nobody", []), PrinterHands(tmp_path / "nobody")]
    async for visitor in serve(machines, unused_tcp_port):
        page = await visitor.read()
        assert "Le lecteur virtuel ne répond pas." in page
        assert "L’imprimante virtuelle ne répond pas." in page


async def test_the_scanner_of_ours_is_jammed_slowed_and_given_papers(tmp_path: Path, unused_tcp_port: int) -> None:
    scanner = await asyncio.to_thread(prepare, tmp_path / "scanner")
    control, glass = tmp_path / "scanner/paper/control", tmp_path / "scanner/paper/glass.pnm"
    async for visitor in serve([PaperHands(scanner)], unused_tcp_port):
        assert "Une feuille est coincée." in await visitor.press("Bourrage")
        assert "trouble jammed" in control.read_text()
        await visitor.press("Retirer la feuille coincée")
        await visitor.press("Scanner lentement")
        assert "trouble none" in control.read_text()
        assert "delay 3000" in control.read_text()
        before = glass.read_bytes()
        await visitor.press("Certificat de scolarité")
        assert glass.read_bytes() != before


async def test_troubles_go_into_the_booths_overrides_and_leave_the_rest(tmp_path: Path, unused_tcp_port: int) -> None:
    overrides = tmp_path / "overrides.json"
    overrides.write_text(json.dumps({PAPER_DEVICE: {"resolution": 150}, TEST_DEVICE: {"read-delay": 1}}))
    async for visitor in serve([OverrideHands(overrides, TEST_DEVICE)], unused_tcp_port):
        for spoil, status in [
            ("Bourrage", "SANE_STATUS_JAMMED"),
            ("Chargeur vide", "SANE_STATUS_NO_DOCS"),
            ("Capot ouvert", "SANE_STATUS_COVER_OPEN"),
        ]:
            await visitor.press(spoil)
            assert load_overrides(overrides, TEST_DEVICE) == {"read-delay": 1, "read-return-value": status}
        assert "Le scanner est en ordre." in await visitor.press("Fermer le capot")
        assert load_overrides(overrides, TEST_DEVICE) == {"read-delay": 1}
        assert load_overrides(overrides, PAPER_DEVICE) == {"resolution": 150}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Host": "example.org"},
        {"Host": "127.0.0.1"},
    ],
)
async def test_another_sites_page_cannot_move_the_machines(
    reader_panel: Visitor, cards: VirtualCards, headers: dict[str, str]
) -> None:
    assert await reader_panel.post(f"card-{JEANNE.uid}", **headers) == 403
    assert cards.state()["uid"] is None


@pytest.mark.parametrize("gesture", ["", "card-04AABBCCDD", "card-remove", "../../etc", "x" * 3000])
async def test_a_gesture_that_the_page_does_not_offer_is_let_be(
    reader_panel: Visitor, cards: VirtualCards, gesture: str
) -> None:
    assert await reader_panel.post(gesture) == 200
    assert cards.state()["uid"] is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "5",
        "[5]",
        '[{"label": "Carte"}]',
        '[{"label": "Carte", "uid": "pas un numéro"}]',
        '[{"label": "Carte", "uid": "04"}]',
        json.dumps([{"label": "Carte", "uid": "04A1B2C3"}] * 51),
    ],
)
def test_a_list_of_cards_that_cannot_be_read_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cards.json"
    path.write_text(text)
    with pytest.raises(BadCards, match=r"cards\.json"):
        read_cards(path)


def test_a_list_of_cards_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cards.json"
    path.write_text(json.dumps([{"label": JEANNE.label, "uid": JEANNE.uid.lower()}]))
    assert read_cards(path) == [JEANNE]


async def test_the_page_works_in_a_browser_by_keyboard_and_follows_what_happens_elsewhere(
    reader_panel: Visitor, cards: VirtualCards
) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", chromium_sandbox=False)
        try:
            page = await browser.new_page(locale="fr-FR")
            faults: list[str] = []
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
            await page.goto(reader_panel.address)
            await page.get_by_role("button", name=JEANNE.label).press("Enter")
            await page.get_by_text(f"Posée\u00a0: {JEANNE.label}").wait_for()
            assert cards.state()["uid"] == JEANNE.uid
            await cards.lay(PAUL.uid)
            await page.get_by_text(f"Posée : {PAUL.label}").wait_for()
            await page.evaluate(AXE.read_text())  # its own policy keeps inline scripts out of the page
            violations = await page.evaluate("axe.run().then(({ violations }) => violations.map(({ id }) => id))")
            assert (violations, faults) == ([], [])
            if folder := os.environ.get("CVQ_ARTEFACTS"):
                await page.screenshot(path=Path(folder) / "panel.png")
        finally:
            await browser.close()

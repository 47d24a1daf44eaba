"""The agent with its machines in a visit: cards, papers to the console, and what the desk is told of them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import async_playwright

from cvq_booth.virtual.cards import Fault, VirtualCards, virtual_cards
from cvq_booth.virtual.printer import Fault as PrinterFault
from cvq_booth.virtual.printer import virtual_printer
from cvq_desk.wire import (
    CardGone,
    CardSeen,
    CardState,
    CardView,
    Command,
    CommandKind,
    CommandReport,
    Devices,
    HelpAsked,
    Phase,
)
from cvq_scanning.virtual import PAPER_DEVICE, prepare
from tests.integration.booth.conftest import working_agent
from tests.integration.booth.desk_stand_in import DeskStandIn, eventually
from tests.integration.calls.stage import open_browser, until
from tests.unit.booth.booth_states import GOODBYE, VISIT, view, visit

JEANNE = "04A1B2C3D4E5F6"


@pytest.fixture
async def desk():
    async with DeskStandIn() as stand_in:
        stand_in.view = view()
        yield stand_in


@pytest.fixture
async def cards(monkeypatch) -> VirtualCards:
    async with virtual_cards() as reader:
        for name, value in reader.environment.items():
            monkeypatch.setitem(os.environ, name, value)
        yield reader


def scene(agent, screen: int) -> str:
    front = agent._front
    return front.screens._renderer.frame(screen, front.state).scene


def command(kind: CommandKind, **params) -> Command:
    return Command(
        id=uuid4(), visit_id=VISIT, kind=kind, deadline=datetime.now(UTC) + timedelta(minutes=2), params=params
    )


def told(devices: Devices, name: str) -> str:
    return next(device.trouble or device.state for device in devices.devices if device.device == name)


async def test_the_card_is_told_when_it_is_laid_and_when_it_is_taken_away(desk, spool_dir, cards):
    async with working_agent(desk, spool_dir, without_card_reader=False):
        await desk.heard(Devices, lambda message: told(message, "card_reader") == "ready")
        await cards.lay(JEANNE)
        assert (await desk.heard(CardSeen)).uid == JEANNE
        await cards.remove()
        await desk.heard(CardGone)


async def test_a_card_that_lies_there_is_told_again_on_a_new_line(desk, spool_dir, cards):
    async with working_agent(desk, spool_dir, without_card_reader=False):
        await cards.lay(JEANNE)
        await desk.heard(CardSeen)
        heard = len(desk.messages)
        await desk.cut()
        assert (await desk.heard(CardSeen, after=heard)).uid == JEANNE


async def test_a_card_that_cannot_be_read_is_said_on_the_screen(desk, spool_dir, cards):
    async with working_agent(desk, spool_dir, without_card_reader=False) as agent:
        await desk.show(view(Phase.WELCOME, visit()))
        await cards.lay(JEANNE, Fault.NOISE)
        await eventually(lambda: scene(agent, 2) == "card")
        await cards.remove()
        await eventually(lambda: scene(agent, 2) == "welcome")


async def test_a_card_that_stays_behind_is_told_until_it_is_taken(desk, spool_dir, cards):
    async with working_agent(desk, spool_dir, without_card_reader=False) as agent:
        present = CardView(state=CardState.PRESENT)
        await cards.lay(JEANNE)
        await desk.heard(CardSeen)
        wipe = command(CommandKind.WIPE)
        ending = view(Phase.GOODBYE, visit(goodbye=GOODBYE, card=present)).model_copy(update={"commands": [wipe]})
        await desk.show(ending)
        await desk.heard(CommandReport, lambda report: report.state == "done")
        await desk.show(view())
        await eventually(lambda: scene(agent, 1) == scene(agent, 2) == "card_forgotten")
        assert (await desk.heard(HelpAsked)).reason == "card_forgotten"
        await cards.remove()
        await eventually(lambda: scene(agent, 1) == scene(agent, 2) == "idle")


async def test_what_the_printer_lacks_is_told_before_anybody_prints(desk, spool_dir):
    async with virtual_printer() as printer:
        await printer.set_faults(PrinterFault.PAPER_OUT)
        async with working_agent(desk, spool_dir, printer_uri=printer.uri) as agent:
            await desk.heard(Devices, lambda message: told(message, "printer") == "paper_out")
            await printer.set_faults()
            agent.screens_changed()  # whatever makes the agent look again
            await desk.heard(Devices, lambda message: told(message, "printer") == "ready")


async def test_a_scanned_page_goes_straight_to_the_console_and_again_to_a_reloaded_one(
    desk, spool_dir, tmp_path, monkeypatch
):
    scanner = prepare(tmp_path / "scanner")
    for name, value in scanner.env.items():
        monkeypatch.setenv(name, value)
    async with (
        async_playwright() as playwright,
        open_browser(playwright, None, None) as browser,
        working_agent(desk, spool_dir, scanner=PAPER_DEVICE) as agent,
    ):
        await desk.heard(Devices, lambda message: told(message, "scanner") == "ready")
        await desk.show(view(Phase.PAPERS, visit()))
        console = await browser.new_page()
        await console.goto(desk.url.replace("127.0.0.1", "localhost") + "/console/console.html")
        await until(console, "() => globalThis.stage?.ready")
        await console.evaluate("stage.papers()")
        await until(console, "() => stage.held.length > 0")
        scan = command(CommandKind.SCAN, source="flatbed", mode="gray", resolution_dpi=75)
        await desk.show(view(Phase.PAPERS, visit()).model_copy(update={"commands": [scan]}))
        await until(console, "() => Object.keys(stage.pages).length === 1")
        assert await console.evaluate("stage.bands") > 0
        await until(console, "() => stage.notes.some((note) => note.state === 'done')")
        (page_id,) = await console.evaluate("Object.keys(stage.pages)")
        assert page_id == str(agent.page_ids()[0])
        await console.reload()
        await until(console, "() => globalThis.stage?.ready")
        await console.evaluate("stage.papers()")
        await until(console, "page_id => page_id in stage.pages", page_id)

"""A card from its making to a site's doors behind a controller: a proof with the line, its signed record without.

Beside the card reader (PC/SC) stands an OSDP reader on a pseudo-terminal; the line is cut in
between, and a card that is blocked meanwhile is refused at once where the line is whole. Whoever
manages the doors sees it on their page: each tap as it is made, the late ones when they come, and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from cvq_booth.virtual.cards import READER
from cvq_booth.virtual.desfire import VirtualDesfire, YesSayer, copied
from cvq_core.access.changes import note_change
from cvq_core.access.facts import Assurance, PointKind
from cvq_core.access.tables import AccessPoint, Tap
from cvq_core.controllers.store import give_points
from cvq_core.controllers.tables import Controller
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.services.rules import ServiceCode
from tests.core_examples import NOW
from tests.e2e.cards.ground import CHIPS, DOOR, Village, encode_both, laid
from tests.factories import PASSWORD
from tests.integration.reader.ground import controller, line_to, settled, until
from tests.integration.reader.osdp_reader import ADDRESS, OsdpReader

GATE = "portail"
KEY = bytes(range(16))


@pytest.fixture
def gate() -> Iterator[OsdpReader]:
    """The reader at the gate; its thread ends with the test, whatever happens."""
    reader = OsdpReader(KEY)
    yield reader
    reader.close()


async def made_and_handed_over(village: Village) -> list[VirtualDesfire]:
    chips = [VirtualDesfire(uid) for uid in CHIPS]
    await encode_both(village, chips)
    async with village.site.signed_in("sylvie") as sylvie:
        for order in village.orders:
            answer = await sylvie.post(f"/api/v1/card-orders/{order.id}/hand-over", {"identity": "paper_shown"})
            assert answer.status == 200, await answer.text()
    return chips


async def test_a_made_card_opens_a_sites_doors_with_the_line_and_without_it(
    village: Village,
    tmp_path: Path,
    gate: OsdpReader,
    page: Page,
) -> None:
    chips = await made_and_handed_over(village)
    opened = tmp_path / "opened"
    async with (
        line_to(village.site.url) as line,
        # On a loaded machine too it is the core that answers while the line is up.
        controller(village.site, tmp_path / "site", line, DOOR, online_ms=5000) as machine,
    ):
        await another_point(village)
        (tmp_path / "osdp.key").write_text(KEY.hex())
        machine.more = village.cards.environment
        machine.readers = [
            {"kind": "pcsc", "point": DOOR, "name": READER, "relay": {"command": opening(tmp_path, opened)}},
            {"kind": "osdp", "point": GATE, "device": str(gate.path), "speed": 115200, "address": ADDRESS}
            | {"key_file": str(tmp_path / "osdp.key")},
        ]
        await machine.start()
        await until(machine.line_is_up, "the core is asked")
        taps = Taps(village)
        await sign_in(page, village)
        await page.goto(f"{village.site.url}/acces/points/{await point_id(village, DOOR)}")
        passing = page.locator("#access-taps")

        # With the line the card proves itself to the core, through this controller; a copy and a yes-sayer do not.
        async with laid(village.cards, chips[0]):
            assert await taps.next() == (True, "entitled", Assurance.AUTHENTICATED)
        await expect(passing).to_contain_text("Jeanne")
        for forged in (copied(chips[0]), YesSayer(CHIPS[0])):
            async with laid(village.cards, forged):
                allowed, reason, assurance = await taps.next()
                assert (allowed, reason) == (False, "assurance-too-low")
                assert assurance is not Assurance.AUTHENTICATED
        assert opened.read_text().split() == ["3"]
        await expect(passing).to_contain_text("Lecture non sûre")
        await expect(passing).not_to_contain_text("sans liaison")

        await until(lambda: _so(gate.is_secure), "the gate's reader is there")
        gate.lay(CHIPS[1])
        assert await taps.next() == (True, "entitled", Assurance.UID)
        await until(lambda: _so(gate.outputs()), "the gate opens")

        # Without it no card can prove itself: the door asks for the signed record now, the gate for a number.
        sequence = (await machine.status())["sequence"]
        async with village.site.database.write() as db:
            door = await db.scalar(select(AccessPoint).where(AccessPoint.code == DOOR))
            assert door is not None
            door.assurance = Assurance.SIGNED_ID
            note_change(db, now=NOW, points=[door.id])
        await until(lambda: _knows(machine, sequence), "the site hears of the door's new setting")
        await until(lambda: settled(machine), "the core has all taps")
        await line.cut()
        async with laid(village.cards, chips[0]):
            await until(lambda: _queued(machine, 1), "the door decides")
        async with laid(village.cards, YesSayer(CHIPS[1])):
            await until(lambda: _queued(machine, 2), "the door refuses")
        gate.lay(CHIPS[1])
        await until(lambda: _queued(machine, 3), "the gate decides")
        await until(lambda: _so(len(opened.read_text().split()) == 2), "the door has opened twice")
        await line.mend()
        await until(lambda: settled(machine), "the taps arrive")
        late = [await taps.next() for _ in range(3)]
        assert late == [
            (True, "entitled", Assurance.SIGNED_ID),
            (False, "assurance-too-low", Assurance.UID),
            (True, "entitled", Assurance.UID),
        ]
        await expect(passing.get_by_text("sans liaison")).to_have_count(2)
        assert "Oui, la porte s’ouvre." in await asked_why(page, village, CHIPS[0], DOOR)

        async with village.site.signed_in("sylvie") as sylvie:
            body = {"why": "lost", "channel": "phone", "identity": "answers"}
            assert (await sylvie.post(f"/api/v1/cards/{village.orders[1].id}/block", body)).status == 200
        gate.lay(CHIPS[1])
        assert (await taps.next())[:2] == (False, "card-blocked")
        await until(lambda: _so(gate.shown()[-1] == "Carte bloquee"), "the gate says so")
        why = await asked_why(page, village, CHIPS[1], GATE)
        assert "Non, la porte reste fermée." in why
        assert "Carte bloquée" in why
        await page.goto(f"{village.site.url}/acces/points/{await point_id(village, GATE)}")
        await expect(passing).to_contain_text("Carte bloquée")


async def sign_in(page: Page, village: Village) -> None:
    """Sign in whoever manages the doors."""
    await page.goto(f"{village.site.url}/connexion")
    await page.locator("input[name=username]").fill("paul")
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "connexion" not in url)


async def asked_why(page: Page, village: Village, uid: str, code: str) -> str:
    """Ask on the page what a door answers to a card now, and why."""
    await page.goto(f"{village.site.url}/acces")
    await page.locator("#carte").fill(uid)
    await page.locator("#point").select_option(str(await point_id(village, code)))
    await page.get_by_role("button", name="Voir la réponse").click()
    return await page.locator(".answer-box").inner_text()


async def point_id(village: Village, code: str) -> UUID:
    async with village.site.database.read() as db:
        found = await db.scalar(select(AccessPoint.id).where(AccessPoint.code == code))
    assert found is not None
    return found


async def another_point(village: Village) -> None:
    """A gate that asks for a card's number, and the controller for both."""
    async with village.site.database.write() as db:
        gate = AccessPoint(
            id=new_id(),
            code=GATE,
            label="Portail",
            site="Siège",
            kind=PointKind.GATE,
            service_code=ServiceCode.BUILDING,
            assurance=Assurance.UID,
        )
        db.add(gate)
        await db.flush()
        points = list(await db.scalars(select(AccessPoint.id).where(AccessPoint.code.in_((DOOR, GATE)))))
        controller_id = await db.scalar(select(Controller.id))
        assert controller_id is not None
        await give_points(db, controller_id, points, actor=SYSTEM, now=NOW)


def opening(folder: Path, opened: Path) -> list[str]:
    """A program that opens: it notes for how many seconds."""
    program = folder / "open"
    program.write_text(f'#!/bin/sh\necho "$1" >> {json.dumps(str(opened))}\n')
    program.chmod(0o755)
    return [str(program)]


class Taps:
    """The taps at the core, in the order in which they were made."""

    def __init__(self, village: Village) -> None:
        self._village = village
        self._seen = 0

    async def next(self) -> tuple[bool, str, Assurance]:
        """The next one: whether it was let in, why, and what the card had proved."""

        async def found() -> list[Any]:
            async with self._village.site.database.read() as db:
                rows = list(await db.scalars(select(Tap).order_by(Tap.tapped_at, Tap.id)))
            return rows[self._seen :]

        tap = (await until(found, "a tap arrives"))[0]
        self._seen += 1
        return tap.allowed, str(tap.reason), tap.assurance


async def _knows(machine: Any, sequence: int) -> bool:
    return bool((await machine.status())["sequence"] > sequence)


async def _queued(machine: Any, number: int) -> bool:
    return bool((await machine.status())["queued"] == number)


async def _so(what: object) -> bool:
    return bool(what)

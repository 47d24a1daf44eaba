"""A served core, a place that makes cards, and a card reader of pcscd's with virtual chips to lay on it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cvq_booth.virtual.cards import READER, VirtualCards
from cvq_booth.virtual.desfire import VirtualDesfire
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card, CardOrder
from cvq_core.devices.store import make_code
from tests.card_ground import Workshop
from tests.served import Site

CHIPS = ("04782E21801D80", "04782E21801D81")
DOOR = "porte-des-services"


@dataclass(frozen=True, slots=True)
class Village:
    """A served core with a place that makes cards, two people who wait for theirs, a door and a card reader."""

    site: Site
    workshop: Workshop
    orders: tuple[CardOrder, ...]
    cards: VirtualCards
    folder: Path

    async def cvq(self, *arguments: str) -> Process:
        environment = {**os.environ, **self.cards.environment, "CVQ_ENCODER_URL": self.site.url}
        environment["CVQ_ENCODER_KEY_FILE"] = str(self.folder / "encoder-key.json")
        environment["CVQ_ENCODER_READER"] = READER
        environment["PYTHONUNBUFFERED"] = "1"
        program = [str(Path(sys.executable).with_name("cvq")), "cards", *arguments]
        return await asyncio.create_subprocess_exec(*program, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def laid(cards: VirtualCards, chip: VirtualDesfire) -> AsyncIterator[None]:
    """A card on the reader while the block lasts."""
    await cards.lay(chip.uid.hex(), chip=chip)
    yield
    await cards.remove()


async def encode_both(village: Village, chips: list[VirtualDesfire]) -> None:
    """Enrol the maker's PC and encode two cards; the first one is pulled away in the middle, and laid down again."""
    async with village.site.database.write() as db:
        code = await make_code(
            db, kind="encoder", subject_id=village.workshop.place.id, name="Encodeur", now=village.site.services.clock()
        )
    enrolling = await village.cvq("enrol", code)
    out, err = await enrolling.communicate()
    assert enrolling.returncode == 0, (out, err)
    encoding = await village.cvq("encode")
    await _said(encoding, "[1/2] Posez la carte")
    chips[0].pulled_after = 9
    async with laid(village.cards, chips[0]):
        await _said(encoding, "Retirée trop tôt")
    async with village.site.database.read() as db:
        assert await db.get(Card, village.orders[0].id) is None
    for place, chip in enumerate(chips, start=1):
        async with laid(village.cards, chip):
            await _said(encoding, f"[{place}/2] Encodée")
    await _said(encoding, "Encodées : 2. Restent : 0.")
    assert await encoding.wait() == 0
    async with village.site.database.read() as db:
        assert [(await db.get_one(Card, order.id)).status for order in village.orders] == [CardStatus.MADE] * 2


async def _said(program: Process, words: str) -> str:
    """Wait until the program says something, and return the whole line."""
    assert program.stdout is not None
    async with asyncio.timeout(60):
        while line := (await program.stdout.readline()).decode():
            if words in line:
                return line
    assert program.stderr is not None
    raise AssertionError((await program.stderr.read()).decode())

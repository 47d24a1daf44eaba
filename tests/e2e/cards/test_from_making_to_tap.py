"""A card from its order to a door: encoded by `cvq cards` through a real pcscd, handed over, proved at a reader.

The chip is virtual (`cvq_booth.virtual.desfire`) and says so; pcscd, vpcd and the client library are Debian's.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession

from cvq_booth.virtual.cards import READER, VirtualCards, virtual_cards
from cvq_booth.virtual.desfire import VirtualDesfire, YesSayer, copied
from cvq_core.access.facts import Assurance, PointKind, RightKind
from cvq_core.access.store import give_right
from cvq_core.access.tables import AccessPoint
from cvq_core.card_keys.dialogues import goes_on
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card, CardOrder
from cvq_core.clock import utc_now
from cvq_core.devices.pcsc import Context, Unreadable
from cvq_core.devices.store import make_code
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.staff.rules import Role
from cvq_core.staff.store import digest
from tests.card_ground import BLANKS, Workshop, open_workshop
from tests.core_examples import LONG_AGO, NOW
from tests.factories import make_person, make_staff
from tests.hsm import hsm_settings
from tests.served import Site, served

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


@pytest.fixture
async def village(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Village]:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    async with served(f"sqlite:///{file}", tmp_path, **hsm_settings()) as site, virtual_cards() as cards:
        for name, value in cards.environment.items():
            monkeypatch.setitem(os.environ, name, value)
        workshop = await open_workshop(site.database)
        async with site.database.write() as db:
            people = [(await make_person(db, "Moreau", name)).id for name in ("Jeanne", "Paul")]
            await make_staff(db, Role.SECRETARY, new_id(), "sylvie")
            await _door(db, people)
        orders = await workshop.orders(await workshop.plan(people))
        yield Village(site, workshop, tuple(orders), cards, tmp_path)


async def _door(db: Any, people: list[UUID]) -> None:
    """A door that asks for a proof, and the right to it."""
    await add_service(
        db, ServiceCode.BUILDING, service_id=new_id(), policy=FundingPolicy.SUBSCRIPTION, valid_from=LONG_AGO
    )
    point = AccessPoint(
        id=new_id(),
        code=DOOR,
        label="Porte des services",
        site="Siège",
        kind=PointKind.DOOR,
        service_code=ServiceCode.BUILDING,
        assurance=Assurance.AUTHENTICATED,
    )
    db.add(point)
    await db.flush()
    for person_id in people:
        await give_right(
            db,
            new_id(),
            kind=RightKind.AGENT_SCHEDULE,
            service=ServiceCode.BUILDING,
            valid_from=NOW - timedelta(days=1),
            person_id=person_id,
            now=NOW,
        )
    device = Device(id=new_id(), kind="reader", subject_id=point.id, name=DOOR, public_key=bytes(32), enrolled_at=NOW)
    db.add(device)
    await db.flush()
    db.add(DeviceToken(token_digest=digest(DOOR), device_id=device.id, expires_at=NOW + timedelta(hours=1)))


async def _said(program: Process, words: str) -> str:
    """Wait until the program says something, and return the whole line."""
    assert program.stdout is not None
    async with asyncio.timeout(60):
        while line := (await program.stdout.readline()).decode():
            if words in line:
                return line
    assert program.stderr is not None
    raise AssertionError((await program.stderr.read()).decode())


@dataclass(frozen=True, slots=True)
class DoorReader:
    """A reader's program beside a door: it carries messages between PC/SC and the core."""

    url: str
    session: ClientSession

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {DOOR}"}
        async with self.session.post(f"{self.url}/api/v1{path}", json=body, headers=headers) as answer:
            said: dict[str, Any] = await answer.json()
            assert answer.status < 300, said
            return said

    async def tap(self, *, with_proof: bool = True) -> tuple[bool, str]:
        """Read the card that lies there, have it prove itself, and ask whether it may pass."""
        with Context() as context:
            uid = await asyncio.to_thread(_uid, context)
            proof = await self._prove(context, uid) if with_proof else None
        body = {"id": str(new_id()), "card_uid": uid, "tapped_at": utc_now().isoformat()}
        said = await self.post("/taps", body | ({"proof": proof} if proof else {}))
        return said["allowed"], said["reason"]

    async def _prove(self, context: Context, uid: str) -> str | None:
        with await asyncio.to_thread(context.card, READER) as card:
            said = await self.post("/card-authentications", {"id": str(new_id()), "card_uid": uid})
            while said["commands"]:
                answers = []
                for command in said["commands"]:
                    raw = await asyncio.to_thread(card.transmit, bytes.fromhex(command))
                    answers.append(raw.hex())
                    if not goes_on(raw):
                        break
                body = {"step": said["step"] + 1, "answers": answers}
                said = await self.post(f"/card-authentications/{said['id']}/answers", body)
        proof: str | None = said["proof"]
        return proof


def _uid(context: Context) -> str:
    for _ in range(200):
        try:
            return context.read_uid(READER)
        except Unreadable:
            time.sleep(0.02)  # pcscd looks for a card every 0.4 s
    raise AssertionError("no card was read")


@asynccontextmanager
async def laid(cards: VirtualCards, chip: VirtualDesfire) -> AsyncIterator[None]:
    """A card on the reader while the block lasts."""
    await cards.lay(chip.uid.hex(), chip=chip)
    yield
    await cards.remove()


async def test_a_card_goes_from_its_making_to_a_door_that_asks_for_a_proof(village: Village) -> None:
    chips = [VirtualDesfire(uid) for uid in CHIPS]
    await _encode_both(village, chips)
    assert await village.workshop.left() == BLANKS - 2
    async with village.site.signed_in("sylvie") as sylvie:
        for order in village.orders:
            answer = await sylvie.post(f"/api/v1/card-orders/{order.id}/hand-over", {"identity": "paper_shown"})
            assert answer.status == 200, await answer.text()
    async with ClientSession() as session:
        door = DoorReader(village.site.url, session)
        async with laid(village.cards, chips[0]):
            assert await door.tap() == (True, "entitled")
            assert await door.tap(with_proof=False) == (False, "assurance-too-low")
        async with laid(village.cards, chips[1]):
            assert await door.tap() == (True, "entitled")
        for forged in (copied(chips[0]), YesSayer(CHIPS[0])):
            async with laid(village.cards, forged):
                assert await door.tap() == (False, "assurance-too-low")
        async with village.site.signed_in("sylvie") as sylvie:
            body = {"why": "lost", "channel": "phone", "identity": "answers"}
            assert (await sylvie.post(f"/api/v1/cards/{village.orders[0].id}/block", body)).status == 200
        async with laid(village.cards, chips[0]):
            assert await door.tap() == (False, "card-blocked")


async def _encode_both(village: Village, chips: list[VirtualDesfire]) -> None:
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

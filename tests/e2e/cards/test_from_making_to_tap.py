"""A card from its order to a door: encoded by `cvq cards` through a real pcscd, handed over, proved at a reader.

The chip is virtual (`cvq_booth.virtual.desfire`) and says so; pcscd, vpcd and the client library are Debian's.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from cvq_booth.virtual.cards import READER
from cvq_booth.virtual.desfire import VirtualDesfire, YesSayer, copied
from cvq_core.card_keys.dialogues import goes_on
from cvq_core.clock import utc_now
from cvq_core.devices.pcsc import Context, Unreadable
from cvq_core.ids import new_id
from tests.card_ground import BLANKS
from tests.e2e.cards.ground import CHIPS, DOOR, Village, encode_both, laid


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


async def test_a_card_goes_from_its_making_to_a_door_that_asks_for_a_proof(village: Village) -> None:
    chips = [VirtualDesfire(uid) for uid in CHIPS]
    await encode_both(village, chips)
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

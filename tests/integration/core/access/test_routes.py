"""Readers over HTTP: enrolled with a one-time code, each speaking for its own access point."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from cvq_core.access.tables import Tap
from cvq_core.app import make_core
from cvq_core.devices.store import SIGNED_PREFIX, make_code
from cvq_core.ids import new_id
from cvq_core.seed.heroes import JEANNE_UID, LEA_UID, STRANGER_UID
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings
from tests.integration.core.access.conftest import NOON, Village
from tests.integration.core.access.test_taps import top_up

AT = NOON.isoformat()


@dataclass(slots=True)
class Reader:
    """A reader that has enrolled and holds a token."""

    http: ClientSession
    base: str
    token: str

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send one request as this reader; return the status and the decoded answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(method, self.base + path, json=body, headers=headers) as response:
            return response.status, await response.json() if response.content_length else None

    async def tap(self, uid: str, tap_id: UUID | None = None) -> tuple[int, Any]:
        """Present a card."""
        return await self.ask("POST", "/api/v1/taps", {"id": str(tap_id or new_id()), "card_uid": uid, "tapped_at": AT})

    async def tick(self, person_id: UUID) -> tuple[int, Any]:
        """Tick somebody in the list."""
        body = {"id": str(new_id()), "person_id": str(person_id), "ticked_at": AT}
        return await self.ask("POST", "/api/v1/attendances", body)


@dataclass(slots=True)
class Site:
    """A running server with the village in its database."""

    village: Village
    http: ClientSession
    base: str

    async def reader(self, point: str) -> Reader:
        """Enrol a reader at a point, as an installer does, and get its token."""
        async with self.village.database.write() as db:
            code = await make_code(db, kind="reader", subject_id=self.village.points[point], name=point, now=NOON)
        key = Ed25519PrivateKey.generate()
        public = _text(key.public_key().public_bytes_raw())
        enrolled = await self._post("enrol", {"code": code, "kind": "reader", "public_key": public})
        wanted = await self._post("challenge", {"device_id": enrolled["device_id"]})
        challenge = base64.urlsafe_b64decode(wanted["challenge"] + "==")
        proof = {**wanted, "device_id": enrolled["device_id"], "signature": _text(key.sign(SIGNED_PREFIX + challenge))}
        return Reader(self.http, self.base, (await self._post("token", proof))["token"])

    async def _post(self, path: str, body: object) -> Any:
        async with self.http.post(f"{self.base}/api/v1/devices/{path}", json=body) as response:
            assert response.ok, await response.text()
            return await response.json()


@pytest.fixture
async def site(village: Village, village_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    app = make_core(Settings(database_url=village_url, data_dir=tmp_path / "data"), clock=lambda: NOON)
    async with TestServer(app) as server, ClientSession() as http:
        yield Site(village, http, str(server.make_url("")).rstrip("/"))


async def test_a_turnstile_refuses_jeanne_and_opens_after_she_was_topped_up(site: Site) -> None:
    turnstile = await site.reader("piscine-gatineo-1")
    status, refused = await turnstile.tap(JEANNE_UID)
    assert (status, refused["allowed"], refused["reason"]) == (200, False, "wallet-empty")
    wallet = await site.village.wallet(await site.village.person("Jeanne", "Moreau"), ServiceCode.POOL)
    await top_up(site.village, wallet.id, 2000)
    status, opened = await turnstile.tap(JEANNE_UID)
    assert (status, opened["allowed"], opened["balance_cents"]) == (200, True, 1690)
    assert len(opened["display_short"]) <= 24


async def test_the_same_request_again_gets_the_same_answer_word_for_word(site: Site) -> None:
    turnstile = await site.reader("piscine-gatineo-1")
    wallet = await site.village.wallet(await site.village.person("Jeanne", "Moreau"), ServiceCode.POOL)
    await top_up(site.village, wallet.id, 2000)
    tap_id = new_id()
    answers = await asyncio.gather(*(turnstile.tap(JEANNE_UID, tap_id) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    status, problem = await turnstile.tap(LEA_UID, tap_id)
    assert (status, problem["type"].split("/")[-1]) == (409, "tap-reused")
    async with site.village.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Tap)) == 1


async def test_a_tablet_lists_who_is_expected_and_ticks_lea_served_and_owed(site: Site) -> None:
    tablet = await site.reader("cantine-tallud")
    status, roll_call = await tablet.ask("GET", "/api/v1/attendances/expected")
    assert status == 200
    names = {(each["given_name"], each["family_name"]): each for each in roll_call["expected"]}
    assert names["Léa", "Moreau"]["status"] is None
    status, served = await tablet.tick(UUID(names["Léa", "Moreau"]["person_id"]))
    assert (status, served["reason"], served["amount_cents"]) == (200, "served-and-owed", 235)
    _, after = await tablet.ask("GET", "/api/v1/attendances/expected")
    assert {each["given_name"] for each in after["expected"] if each["status"] == "present"} == {"Léa"}


async def test_somebody_who_did_not_come_is_noted_absent_and_may_still_arrive(site: Site) -> None:
    tablet = await site.reader("cantine-tallud")
    tom = await site.village.person("Tom", "Moreau")
    for _ in range(2):
        status, _ = await tablet.ask("POST", "/api/v1/absences", {"person_id": str(tom)})
        assert status == 204
    status, late = await tablet.tick(tom)
    assert (status, late["allowed"]) == (200, True)
    status, problem = await tablet.ask("POST", "/api/v1/absences", {"person_id": str(tom)})
    assert (status, problem["type"].split("/")[-1]) == (409, "already-present")


async def test_nobody_is_noted_absent_who_was_not_expected(site: Site) -> None:
    tablet = await site.reader("cantine-tallud")
    jeanne = await site.village.person("Jeanne", "Moreau")
    status, problem = await tablet.ask("POST", "/api/v1/absences", {"person_id": str(jeanne)})
    assert (status, problem["type"].split("/")[-1]) == (404, "not-expected")


async def test_a_reader_speaks_for_its_own_point_alone(site: Site) -> None:
    """There is no way to name another point: the token tells which one it is."""
    tablet = await site.reader("cantine-tallud")
    body = {"id": str(new_id()), "card_uid": JEANNE_UID, "tapped_at": AT, "point_id": str(new_id())}
    status, _ = await tablet.ask("POST", "/api/v1/taps", body)
    assert status == 422
    status, answer = await tablet.tap(JEANNE_UID)
    assert status == 200
    async with site.village.database.read() as db:
        row = await db.get(Tap, UUID(answer["id"]))
    assert row is not None
    assert row.point_id == site.village.points["cantine-tallud"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "not-a-uuid", "card_uid": JEANNE_UID, "tapped_at": AT},
        {"id": str(UUID(int=7)), "card_uid": "ZZZZZZZZ", "tapped_at": AT},
        {"id": str(UUID(int=7)), "card_uid": JEANNE_UID, "tapped_at": "2026-11-24T11:00:00"},
        {"id": str(UUID(int=7)), "card_uid": JEANNE_UID * 20, "tapped_at": AT},
    ],
    ids=["empty", "no uuid", "no uid", "naive instant", "too long"],
)
async def test_what_cannot_be_right_is_refused_and_leaves_no_tap(site: Site, body: dict[str, str]) -> None:
    turnstile = await site.reader("piscine-gatineo-1")
    status, problem = await turnstile.ask("POST", "/api/v1/taps", body)
    assert status == 422
    assert problem["title"]
    async with site.village.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Tap)) == 0


async def test_without_a_token_nothing_is_decided(site: Site) -> None:
    body = {"id": str(new_id()), "card_uid": STRANGER_UID, "tapped_at": AT}
    async with site.http.post(f"{site.base}/api/v1/taps", json=body) as response:
        assert response.status == 401
    stranger = Reader(site.http, site.base, "made-up-token")
    assert (await stranger.tap(STRANGER_UID))[0] == 401


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")

"""A booth or a reader enrols once, proves itself with its own key, and can be revoked; no secret is kept in clear."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import WSMsgType
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from cvq_core.database import Base
from cvq_core.devices.routes import CALLS_A_MINUTE
from cvq_core.devices.store import ROTATION_PREFIX, SIGNED_PREFIX, make_code, revoke
from cvq_core.devices.tables import Device, DeviceToken, EnrolmentCode
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_desk.booking.tables import Booth
from cvq_desk.booths import socket as booth_socket
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground, ground_on

DEVICES = f"{API}/devices"
SOME_PAPER = f"{API}/booth/files/{new_id()}"  # a booth is told that there is none, and nobody else is


@pytest.fixture
async def ground(database_url: str, tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground_on(database_url, tmp_path) as ground:
        yield ground


def text_of(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with a key of its own, before and after it is known."""

    caller: Caller
    key: Ed25519PrivateKey
    device_id: str = ""

    @property
    def public_key(self) -> str:
        return text_of(self.key.public_key().public_bytes_raw())

    async def enrol(self, code: str, kind: str = "booth") -> Answer:
        return await self.caller.post(f"{DEVICES}/enrol", {"code": code, "kind": kind, "public_key": self.public_key})

    async def challenge(self) -> Answer:
        return await self.caller.post(f"{DEVICES}/challenge", {"device_id": self.device_id})

    async def prove(self, challenge: str, key: Ed25519PrivateKey | None = None) -> Answer:
        signature = (key or self.key).sign(SIGNED_PREFIX + base64.urlsafe_b64decode(challenge + "=="))
        body = {"device_id": self.device_id, "challenge": challenge, "signature": text_of(signature)}
        return await self.caller.post(f"{DEVICES}/token", body)

    async def token(self) -> str:
        return str((await self.prove((await self.challenge()).body["challenge"])).body["token"])

    async def read_paper(self, token: str) -> Answer:
        return await replace(self.caller, headers={"Authorization": f"Bearer {token}"}).get(SOME_PAPER)


async def code_for(ground: Ground, kind: str = "booth") -> str:
    async with ground.database.write() as db:
        return await make_code(db, kind=kind, subject_id=ground.booth, name="Guichet du Tallud", now=ground.hour())


def machine(ground: Ground) -> Machine:
    return Machine(Caller(ground.url, ground.session, {}), Ed25519PrivateKey.generate())


async def enrolled(ground: Ground, kind: str = "booth") -> Machine:
    new = machine(ground)
    answer = await new.enrol(await code_for(ground, kind), kind)
    assert (answer.status, answer.body["name"]) == (201, "Guichet du Tallud")
    return replace(new, device_id=answer.body["device_id"])


async def test_a_machine_with_a_code_gets_in_with_its_own_key(ground: Ground) -> None:
    booth = await enrolled(ground)
    assert (await booth.read_paper(await booth.token())).slug == "not-found"
    assert await ground.count(AuditRecord, AuditRecord.action == "device-enrolled") == 1


async def test_a_code_works_once_also_for_two_at_once(ground: Ground) -> None:
    code = await code_for(ground)
    machines = [machine(ground) for _ in range(4)]
    answers = await asyncio.gather(*(each.enrol(code) for each in machines))
    assert sorted(answer.status for answer in answers) == [201, 422, 422, 422]
    assert (await machine(ground).enrol(code)).slug == "bad-enrolment-code"
    assert await ground.count(Device) == 1


async def test_a_code_may_be_typed_in_small_letters(ground: Ground) -> None:
    assert (await machine(ground).enrol(f" {(await code_for(ground)).lower()} ")).status == 201


async def test_a_code_is_over_after_a_day(ground: Ground) -> None:
    code = await code_for(ground)
    ground.hour.forward(hours=24)
    answer = await machine(ground).enrol(code)
    assert (answer.status, answer.slug) == (422, "bad-enrolment-code")
    assert await ground.count(Device) == 0


async def test_a_readers_code_makes_no_booth_and_stays_good_for_a_reader(ground: Ground) -> None:
    code = await code_for(ground, "reader")
    assert (await machine(ground).enrol(code)).slug == "bad-enrolment-code"
    assert (await machine(ground).enrol(code, "reader")).status == 201


async def test_a_reader_is_no_booth(ground: Ground) -> None:
    reader = await enrolled(ground, "reader")
    assert (await reader.read_paper(await reader.token())).status == 403


@pytest.mark.parametrize("key", ["", "no base64!", "é", text_of(bytes(31)), text_of(bytes(33))])
async def test_what_is_no_key_is_refused_and_the_code_stays_good(ground: Ground, key: str) -> None:
    code = await code_for(ground)
    new = machine(ground)
    body = {"code": code, "kind": "booth", "public_key": key}
    assert (await new.caller.post(f"{DEVICES}/enrol", body)).slug == "bad-device-key"
    assert (await new.enrol(code)).status == 201


async def test_whoever_guesses_codes_must_soon_wait_even_with_the_right_one(ground: Ground) -> None:
    guesser = machine(ground)
    guesses = [await guesser.enrol("AAAA-BBBB-CCCC") for _ in range(CALLS_A_MINUTE)]
    assert {(answer.status, answer.slug) for answer in guesses} == {(422, "bad-enrolment-code")}
    answer = await guesser.enrol(await code_for(ground))
    assert (answer.status, answer.slug) == (429, "too-many-requests")
    assert await ground.count(EnrolmentCode, EnrolmentCode.used_at.is_not(None)) == 0


async def test_only_the_key_that_was_enrolled_opens(ground: Ground) -> None:
    booth, thief = await enrolled(ground), Ed25519PrivateKey.generate()
    answer = await booth.prove((await booth.challenge()).body["challenge"], thief)
    assert (answer.status, answer.slug) == (401, "device-refused")
    assert await ground.count(DeviceToken) == 0


async def test_a_challenge_is_signed_once_within_a_minute_by_whom_it_was_given_to(ground: Ground) -> None:
    booth, other = await enrolled(ground), await enrolled(ground, "reader")
    challenge = (await booth.challenge()).body["challenge"]
    assert (await other.prove(challenge)).slug == "device-refused"
    assert (await booth.prove(challenge)).status == 200
    assert (await booth.prove(challenge)).slug == "device-refused"
    late = (await booth.challenge()).body["challenge"]
    ground.hour.forward(minutes=1)
    assert (await booth.prove(late)).slug == "device-refused"
    assert (await booth.prove(text_of(bytes(32)))).slug == "device-refused"


async def test_a_token_is_over_after_an_hour_and_the_key_gets_another(ground: Ground) -> None:
    booth = await enrolled(ground)
    token = await booth.token()
    ground.hour.forward(minutes=59)
    assert (await booth.read_paper(token)).status == 404
    ground.hour.forward(minutes=1)
    assert (await booth.read_paper(token)).slug == "not-signed-in"
    assert (await booth.read_paper(await booth.token())).status == 404


async def test_a_machine_that_was_revoked_gets_in_no_more(ground: Ground) -> None:
    booth = await enrolled(ground)
    token, challenge = await booth.token(), (await booth.challenge()).body["challenge"]
    async with ground.database.write() as db:
        await revoke(db, UUID(booth.device_id), ground.hour())
    assert (await booth.read_paper(token)).slug == "not-signed-in"
    assert (await booth.prove(challenge)).slug == "device-refused"
    assert (await booth.challenge()).slug == "device-refused"
    assert (await replace(booth, device_id=str(new_id())).challenge()).slug == "device-refused"


async def test_a_booth_that_is_installed_anew_takes_the_key_from_the_machine_before_it(ground: Ground) -> None:
    stolen = await enrolled(ground)
    token = await stolen.token()
    reader = await enrolled(ground, "reader")
    new = await enrolled(ground)
    assert (await stolen.read_paper(token)).slug == "not-signed-in"
    assert (await stolen.challenge()).slug == "device-refused"
    assert (await new.read_paper(await new.token())).slug == "not-found"
    assert (await reader.read_paper(await reader.token())).status == 403
    assert await ground.count(AuditRecord, AuditRecord.action == "device-revoked") == 1


async def test_the_command_takes_the_key_of_a_booth_and_its_unused_code_away(ground: Ground, tmp_path: Path) -> None:
    booth = await enrolled(ground)
    code = await code_for(ground)
    await enrolled(ground, "reader")
    async with ground.database.read() as db:
        name = await db.scalar(select(Booth.name).where(Booth.id == ground.booth))
    assert name is not None
    done = await cvq(ground, tmp_path, "revoke", "booth", name)
    assert (done.code, done.said) == (0, "clés retirées : 1\n")
    assert (await booth.challenge()).slug == "device-refused"
    assert (await machine(ground).enrol(code)).slug == "bad-enrolment-code"
    assert await ground.count(Device, Device.revoked_at.is_(None)) == 1
    unknown = await cvq(ground, tmp_path, "revoke", "booth", "nowhere")
    assert unknown.code == 1
    assert name in unknown.erred


@dataclass(frozen=True, slots=True)
class Done:
    code: int | None
    said: str
    erred: str


async def cvq(ground: Ground, tmp_path: Path, *arguments: str) -> Done:
    url = ground.services.settings.database_url
    environment = {**os.environ, "CVQ_DATABASE_URL": url, "CVQ_DATA_DIR": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("cvq"), *arguments, env=environment, stdout=PIPE, stderr=PIPE
    )
    said, erred = await process.communicate()
    return Done(process.returncode, said.decode(), erred.decode())


async def test_the_open_line_of_a_booth_ends_when_it_is_revoked(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booth_socket, "STILL_ENROLLED_EVERY_S", 0.02)
    booth = await enrolled(ground)
    headers = {"Authorization": f"Bearer {await booth.token()}"}
    async with ground.session.ws_connect(f"{ground.url}{API}/booth/live", headers=headers) as line:
        assert (await line.receive(20)).type is WSMsgType.TEXT
        async with ground.database.write() as db:
            await revoke(db, UUID(booth.device_id), ground.hour())
        while (message := await line.receive(20)).type is WSMsgType.TEXT:
            pass
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)


async def test_neither_code_nor_key_nor_token_is_kept_in_clear(ground: Ground, tmp_path: Path) -> None:
    code = await code_for(ground)
    new = machine(ground)
    assert (await new.enrol("AAAA-BBBB-CCCC")).status == 422
    booth = replace(new, device_id=(await new.enrol(code)).body["device_id"])
    token = await booth.token()
    assert (await booth.enrol(code)).status == 422
    await booth.read_paper(token)
    kept = await everything(ground)
    assert booth.device_id in kept
    for secret in (code, code.replace("-", ""), token, booth.key.private_bytes_raw().hex(), "AAAA-BBBB-CCCC"):
        assert secret not in kept


async def everything(ground: Ground) -> str:
    """Every row of every table, journal included, as text."""
    async with ground.database.read() as db:
        rows: list[Any] = [
            tuple(row) for table in Base.metadata.sorted_tables for row in await db.execute(select(table))
        ]
    return repr(rows)


async def change_key(old: Machine, new: Ed25519PrivateKey, *, endorsed_by: tuple[Ed25519PrivateKey, ...]) -> Answer:
    challenge = (await old.challenge()).body["challenge"]
    raw = new.public_key().public_bytes_raw()
    signed = ROTATION_PREFIX + base64.urlsafe_b64decode(challenge + "==") + raw
    first, second = (text_of(key.sign(signed)) for key in endorsed_by)
    body = {"device_id": old.device_id, "challenge": challenge, "public_key": text_of(raw)}
    return await old.caller.post(f"{DEVICES}/key", {**body, "signature": first, "new_signature": second})


async def test_a_machine_changes_its_key_and_the_old_one_ends_with_its_tokens(ground: Ground) -> None:
    booth = await enrolled(ground)
    token = await booth.token()
    new = Ed25519PrivateKey.generate()
    assert (await change_key(booth, new, endorsed_by=(booth.key, new))).status == 200
    assert (await booth.read_paper(token)).status == 401
    assert (await booth.prove((await booth.challenge()).body["challenge"])).status == 401
    renewed = replace(booth, key=new)
    assert (await renewed.read_paper(await renewed.token())).status == 404
    async with ground.database.read() as db:
        assert await db.scalar(select(AuditRecord.action).where(AuditRecord.action == "device-key-changed"))


async def test_a_key_changes_only_by_the_old_key_and_for_who_holds_the_new_one(ground: Ground) -> None:
    booth = await enrolled(ground)
    new, thief = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    for endorsed_by in ((thief, new), (booth.key, thief), (new, booth.key)):
        answer = await change_key(booth, new, endorsed_by=endorsed_by)
        assert (answer.status, answer.body["type"]) == (401, "/problems/device-refused")
    assert (await booth.read_paper(await booth.token())).status == 404


async def test_a_controller_that_is_installed_anew_takes_the_key_from_the_machine_before_it(ground: Ground) -> None:
    first = await enrolled(ground, "controller")
    await enrolled(ground, "controller")
    assert (await first.challenge()).status == 401

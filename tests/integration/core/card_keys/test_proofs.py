"""A card proves itself through a reader over HTTP; what copies it does not; and a tap rests on the proof once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession
from sqlalchemy import select, update

from cvq_booth.virtual.desfire import VirtualDesfire, YesSayer, copied
from cvq_core.access.facts import Assurance
from cvq_core.card_keys.custody import ChipKeys
from cvq_core.card_keys.dialogues import Personal, goes_on, personalise
from cvq_core.card_keys.keys import make_key, retire_key
from cvq_core.card_keys.service import Evidence, Presented, assurance_of
from cvq_core.card_keys.signed import SignedId
from cvq_core.card_keys.store import Begin, go_on, open_dialogue
from cvq_core.card_keys.tables import CardChip, CardDialogue, DialogueKind, KeyPurpose, Outcome
from cvq_core.cards.tables import Card
from cvq_core.database import Database
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.staff.store import digest
from tests.core_examples import NOW
from tests.factories import make_card, make_person
from tests.hsm import hsm, hsm_settings
from tests.served import Site, served

UID = "04782E21801D80"
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What depends on no database is tried on one."""


@dataclass(slots=True)
class Ground:
    """A served core with a personalised card, its reader, and another reader."""

    site: Site
    card: Card
    chip: VirtualDesfire
    readers: tuple[UUID, UUID]
    key_version: int

    @property
    def database(self) -> Database:
        return self.site.database


@asynccontextmanager
async def ground_on(database_url: str, folder: Path) -> AsyncIterator[Ground]:
    async with served(database_url, folder, **hsm_settings()) as site:
        async with site.database.write() as db:
            card = await make_card(db, await make_person(db), uid=UID)
            version = await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
            signing = await make_key(db, hsm(), KeyPurpose.SIGNATURE, now=NOW)
            signed = await asyncio.to_thread(hsm().sign, SignedId(signing, card.number, card.uid, card.id))
            db.add(
                CardChip(
                    card_id=card.id,
                    key_version=version,
                    signature_version=signing,
                    signed_id=signed,
                    encoded_at=NOW,
                    encoder_id=None,
                )
            )
            readers = []
            for name in ("tourniquet", "porte"):
                device = Device(
                    id=new_id(), kind="reader", subject_id=new_id(), name=name, public_key=b"0" * 32, enrolled_at=NOW
                )
                db.add(device)
                await db.flush()
                db.add(DeviceToken(token_digest=digest(name), device_id=device.id, expires_at=NOW + timedelta(hours=1)))
                readers.append(device.id)
            chip = VirtualDesfire(UID)
            await _personalise(db, chip, Personal(bytes.fromhex(UID), card.number, signed, version, frozenset({0})))
        yield Ground(site, card, chip, (readers[0], readers[1]), version)


async def _personalise(db: Any, chip: VirtualDesfire, personal: Personal) -> None:
    def speak(_: CardDialogue) -> Begin:
        return lambda random: personalise(personal, ChipKeys(hsm(), personal.uid), random)

    row = CardDialogue(
        id=new_id(),
        kind=DialogueKind.ENCODING,
        device_id=new_id(),
        card_uid=UID,
        subject_id=new_id(),
        key_version=personal.version,
        said={},
        expires_at=NOW + timedelta(minutes=1),
    )
    step = await open_dialogue(db, row, speak, now=NOW)
    while step.outcome is None:
        answers = [answer.hex().upper() for answer in _answers(chip, step.commands)]
        step = await go_on(row, speak, step.number + 1, answers, now=NOW)
    assert step.outcome is Outcome.DONE


def _answers(chip: VirtualDesfire, commands: Any) -> list[bytes]:
    found = []
    for command in commands:
        found.append(chip.answer(command))
        if not goes_on(found[-1]):
            break
    return found


@pytest.fixture
async def ground(database_url: str, tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground_on(database_url, tmp_path) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader's program: it carries messages between the core and what lies on it."""

    ground: Ground
    session: ClientSession
    name: str = "tourniquet"

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.name}"}
        async with self.session.post(f"{self.ground.site.url}/api/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def prove(self, chip: VirtualDesfire, uid: str = UID, proof_id: UUID | None = None) -> dict[str, Any]:
        chip.reset()
        proof_id = proof_id or new_id()
        status, said = await self.post("/card-authentications", {"id": str(proof_id), "card_uid": uid})
        assert status == 200, said
        while said["commands"]:
            answers = _answers(chip, [bytes.fromhex(each) for each in said["commands"]])
            body = {"step": said["step"] + 1, "answers": [each.hex() for each in answers]}
            status, said = await self.post(f"/card-authentications/{proof_id}/answers", body)
            assert status == 200, said
        return said


@pytest.fixture
async def reader(ground: Ground) -> AsyncIterator[Reader]:
    async with ClientSession() as session:
        yield Reader(ground, session)


async def _assurance(ground: Ground, evidence: Evidence, **other: Any) -> Assurance:
    presented = Presented(
        other.get("uid", UID), other.get("tap_id") or new_id(), other.get("reader_id", ground.readers[0])
    )
    async with ground.database.write() as db:
        return await assurance_of(db, evidence, presented, now=other.get("now", ground.site.services.clock()))


async def test_a_genuine_card_proves_itself_and_the_proof_carries_one_tap(ground: Ground, reader: Reader) -> None:
    said = await reader.prove(ground.chip)
    proof = Evidence(proof=UUID(said["proof"]))
    tap_id = new_id()
    assert await _assurance(ground, proof, tap_id=tap_id) is Assurance.AUTHENTICATED
    assert await _assurance(ground, proof, tap_id=tap_id) is Assurance.AUTHENTICATED  # the same tap, sent again
    assert await _assurance(ground, proof) is Assurance.UID  # another tap


@one_database
async def test_a_tap_that_is_sent_again_late_still_rests_on_its_proof(ground: Ground, reader: Reader) -> None:
    proof, tap_id = Evidence(proof=UUID((await reader.prove(ground.chip))["proof"])), new_id()
    assert await _assurance(ground, proof, tap_id=tap_id) is Assurance.AUTHENTICATED
    later = ground.site.services.clock() + timedelta(minutes=5)
    assert await _assurance(ground, proof, tap_id=tap_id, now=later) is Assurance.AUTHENTICATED


async def test_a_proof_is_bound_to_its_reader_its_card_and_its_moment(ground: Ground, reader: Reader) -> None:
    proof = Evidence(proof=UUID((await reader.prove(ground.chip))["proof"]))
    now = ground.site.services.clock()
    assert await _assurance(ground, proof, reader_id=ground.readers[1]) is Assurance.UID
    assert await _assurance(ground, proof, uid="04A2241AC35E80") is Assurance.UID
    assert await _assurance(ground, proof, now=now + timedelta(seconds=11)) is Assurance.UID
    assert await _assurance(ground, Evidence(proof=new_id())) is Assurance.UID
    assert await _assurance(ground, proof) is Assurance.AUTHENTICATED


async def test_a_proof_is_used_once_by_rivals(ground: Ground, reader: Reader) -> None:
    proof = Evidence(proof=UUID((await reader.prove(ground.chip))["proof"]))
    found = await asyncio.gather(*(_assurance(ground, proof) for _ in range(8)))
    assert sorted(found) == sorted([Assurance.AUTHENTICATED] + [Assurance.UID] * 7)


@one_database
@pytest.mark.parametrize("forge", [copied, lambda card: YesSayer(card.uid.hex()), lambda _: VirtualDesfire(UID)])
async def test_what_only_looks_like_the_card_is_refused_and_the_journal_says_so(
    ground: Ground, reader: Reader, forge: Any
) -> None:
    said = await reader.prove(forge(ground.chip))
    assert (said["refused"], said["proof"]) == (True, None)
    assert await _assurance(ground, Evidence(proof=UUID(said["id"]))) is Assurance.UID
    async with ground.database.read() as db:
        [row] = await db.scalars(select(AuditRecord).where(AuditRecord.action == "card-not-genuine"))
    assert (row.outcome, row.subject_id, row.actor_id) == ("refused", ground.card.id, ground.readers[0])


@one_database
async def test_a_copy_of_the_signed_identifier_passes_as_signed_and_no_further(ground: Ground) -> None:
    async with ground.database.read() as db:
        chip = await db.get_one(CardChip, ground.card.id)
    assert await _assurance(ground, Evidence(signed_id=chip.signed_id)) is Assurance.SIGNED_ID
    assert await _assurance(ground, Evidence(signed_id=chip.signed_id), uid="04A2241AC35E80") is Assurance.UID
    assert await _assurance(ground, Evidence(signed_id=b"X" * 107)) is Assurance.UID


@one_database
async def test_no_evidence_is_a_bare_number(ground: Ground) -> None:
    assert await _assurance(ground, Evidence()) is Assurance.UID


@one_database
async def test_messages_may_come_twice_and_a_second_try_is_none(ground: Ground, reader: Reader) -> None:
    proof_id = new_id()
    begin = {"id": str(proof_id), "card_uid": UID}
    _, first = await reader.post("/card-authentications", begin)
    _, again = await reader.post("/card-authentications", begin)
    assert first == again
    path = f"/card-authentications/{proof_id}/answers"
    answers = [each.hex() for each in _answers(ground.chip, [bytes.fromhex(each) for each in first["commands"]])]
    _, second = await reader.post(path, {"step": 1, "answers": answers})
    _, repeated = await reader.post(path, {"step": 1, "answers": answers})
    assert second == repeated
    assert (await reader.post(path, {"step": 1, "answers": ["9100", "00" * 16 + "91AF"]}))[0] == 422
    wrong = {"step": 2, "answers": ["00" * 32 + "9100"]}
    assert (await reader.post(path, wrong))[1]["refused"]
    assert (await reader.post(path, wrong))[1]["refused"]
    right = [each.hex() for each in _answers(ground.chip, [bytes.fromhex(each) for each in second["commands"]])]
    assert (await reader.post(path, {"step": 2, "answers": right}))[1]["refused"]
    async with ground.database.read() as db:
        assert len(list(await db.scalars(select(AuditRecord).where(AuditRecord.action == "card-not-genuine")))) == 1


@one_database
async def test_a_dialogue_is_its_reader_s_own_and_ends_with_its_time(ground: Ground, reader: Reader) -> None:
    proof_id = new_id()
    _, first = await reader.post("/card-authentications", {"id": str(proof_id), "card_uid": UID})
    body = {"step": 1, "answers": ["9100"]}
    other = Reader(ground, reader.session, "porte")
    path = f"/card-authentications/{proof_id}/answers"
    assert (await other.post(path, body))[0] == 404
    assert (await other.post("/card-authentications", {"id": str(proof_id), "card_uid": UID}))[0] == 404
    async with ground.database.write() as db:
        await db.execute(update(CardDialogue).values(expires_at=NOW - timedelta(seconds=1)))
    assert (await reader.post(path, body))[0] == 404
    assert first["commands"]


@one_database
async def test_nothing_of_a_finished_proof_is_kept_but_that_it_was(ground: Ground, reader: Reader) -> None:
    said = await reader.prove(ground.chip)
    async with ground.database.read() as db:
        row = await db.get_one(CardDialogue, UUID(said["id"]))
    assert row.said == {"steps": 2}


@one_database
async def test_a_card_without_a_chip_of_ours_or_with_a_retired_key_cannot_prove(ground: Ground, reader: Reader) -> None:
    async with ground.database.write() as db:
        await make_card(db, await make_person(db, "Martin"), "123456789", uid="04000000000001")
    begin = {"id": str(new_id()), "card_uid": "04000000000001"}
    status, problem = await reader.post("/card-authentications", begin)
    assert (status, problem["type"].rsplit("/")[-1]) == (409, "card-cannot-prove")
    async with ground.database.write() as db:
        await retire_key(db, KeyPurpose.CARD, ground.key_version, now=NOW)
    status, problem = await reader.post("/card-authentications", {"id": str(new_id()), "card_uid": UID})
    assert (status, problem["type"].rsplit("/")[-1]) == (409, "card-cannot-prove")
    assert (await reader.post("/card-authentications", {"id": str(new_id()), "card_uid": "04FFFFFFFFFFFF"}))[0] == 404


@one_database
async def test_public_keys_are_given_to_readers(ground: Ground, reader: Reader) -> None:
    headers = {"Authorization": "Bearer tourniquet"}
    async with reader.session.get(f"{ground.site.url}/api/v1/card-keys/signing", headers=headers) as answer:
        [key] = (await answer.json())["keys"]
    assert len(bytes.fromhex(key["public_key"])) == 65


@one_database
async def test_a_server_without_an_hsm_says_so(database_url: str, tmp_path: Path) -> None:
    async with (
        ground_on(database_url, tmp_path) as ground,
        served(database_url, tmp_path) as bare,
        ClientSession() as session,
    ):
        reader = Reader(Ground(bare, ground.card, ground.chip, ground.readers, 1), session)
        status, problem = await reader.post("/card-authentications", {"id": str(new_id()), "card_uid": UID})
    assert (status, problem["type"].rsplit("/")[-1]) == (503, "card-keys-unavailable")

"""Taps that arrive together: gathered into one transaction, each answered as if it had come alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cvq_core import gatherer as module
from cvq_core.access.batcher import TapBatcher
from cvq_core.access.scene import TapRequest, UnknownPoint
from cvq_core.access.tables import Tap
from cvq_core.access.taps import TapAnswer
from cvq_core.devices.store import revoke
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.errors import Forbidden, NotSignedIn, Refusal, Unavailable
from cvq_core.ids import new_id
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.verify import verify
from cvq_core.seed.heroes import BLOCKED_UID, JEANNE_UID, STRANGER_UID
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Permission, Principal
from cvq_core.staff.store import digest
from tests.integration.core.access.conftest import NOON, Village
from tests.integration.core.access.test_taps import top_up

POOL = "piscine-gatineo-1"


async def reader(village: Village, point: str = POOL, *, kind: str = "reader") -> tuple[UUID, str]:
    """Write down a device with a token; return its id and the token."""
    device_id, token = new_id(), f"token-{new_id()}"
    async with village.database.write() as db:
        db.add(
            Device(
                id=device_id,
                kind=kind,
                subject_id=village.points[point],
                name=point,
                public_key=bytes(32),
                enrolled_at=NOON,
            )
        )
        await db.flush()
        db.add(DeviceToken(token_digest=digest(token), device_id=device_id, expires_at=NOON + timedelta(hours=1)))
    return device_id, token


def card(uid: str, tap_id: UUID | None = None, point_id: UUID | None = None) -> Callable[[Principal], TapRequest]:
    """Return what makes a tap of a card once it is known at which point the reader stands."""
    wanted = tap_id or new_id()

    def build(principal: Principal) -> TapRequest:
        assert principal.subject_id is not None
        return TapRequest(wanted, point_id or principal.subject_id, NOON, card_uid=uid, reader_id=principal.id)

    return build


def batcher_of(village: Village, *, batch_max: int = 16) -> TapBatcher:
    return TapBatcher(village.database, lambda: NOON, batch_max=batch_max)


@pytest.mark.parametrize("batch_max", [16, 1], ids=["gathered", "each-alone"])
async def test_two_hundred_at_once_spend_what_is_there_and_no_more(village: Village, batch_max: int) -> None:
    _, token = await reader(village)
    wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
    await top_up(village, wallet.id, 30 * 310)
    taps = batcher_of(village, batch_max=batch_max)
    answers = await asyncio.gather(*(taps.take(token, Permission.TAP, card(JEANNE_UID)) for _ in range(200)))
    reasons = [answer.reason for _, answer in answers if isinstance(answer, TapAnswer)]
    assert (reasons.count("paid"), reasons.count("wallet-empty")) == (30, 170)
    async with village.database.read() as db:
        assert await balance_of(db, wallet.id) == 0
        assert await verify(db) == []
        assert await db.scalar(select(func.count()).select_from(Tap)) == 200


async def test_the_same_taps_in_batches_of_two_servers_at_once_are_taken_once(village: Village) -> None:
    """On PostgreSQL several processes serve: the batches of two of them may hold the same tap, sent again."""
    _, token = await reader(village)
    wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
    await top_up(village, wallet.id, 100_000)
    ids = [new_id() for _ in range(40)]
    servers = [batcher_of(village), batcher_of(village)]
    answers = await asyncio.gather(
        *(server.take(token, Permission.TAP, card(JEANNE_UID, each)) for server in servers for each in ids)
    )
    assert [answer for _, answer in answers[:40]] == [answer for _, answer in answers[40:]]
    async with village.database.read() as db:
        assert await balance_of(db, wallet.id) == 100_000 - 40 * 310
        assert await db.scalar(select(func.count()).select_from(Tap)) == 40


async def test_readers_that_ask_again_as_soon_as_they_are_answered_never_wait_for_ever(village: Village) -> None:
    """The moment in which the last of a batch is answered is the moment in which everybody asks again."""
    _, token = await reader(village)
    taps = batcher_of(village)

    async def ask() -> None:
        for _ in range(10):
            await taps.take(token, Permission.TAP, card(STRANGER_UID))

    async with asyncio.timeout(120):
        await asyncio.gather(*(ask() for _ in range(4)))


async def test_each_is_answered_for_itself_whatever_is_wrong_with_the_others(village: Village) -> None:
    (device_id, token), (_, booth) = await reader(village), await reader(village, kind="booth")
    taps = batcher_of(village)
    used = new_id()
    await taps.take(token, Permission.TAP, card(STRANGER_UID, used))
    asked = [
        taps.take(token, Permission.TAP, card(await village.card_of("Paul", "Roy"))),
        taps.take(token, Permission.TAP, card(BLOCKED_UID)),
        taps.take(token, Permission.TAP, card(JEANNE_UID, used)),
        taps.take("nobody's token", Permission.TAP, card(JEANNE_UID)),
        taps.take(booth, Permission.TAP, card(JEANNE_UID)),
        taps.take(token, Permission.TAP, card(JEANNE_UID, point_id=new_id())),
        taps.take(token, Permission.TAP, card(STRANGER_UID)),
    ]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(found[5], UnknownPoint)
    answers = [each[1] if isinstance(each, tuple) else each for each in found]
    assert [
        answer.reason if isinstance(answer, TapAnswer) else answer.slug
        for answer in answers
        if isinstance(answer, TapAnswer | Refusal)
    ] == [
        "subscribed",
        "card-blocked",
        "tap-reused",
        NotSignedIn.slug,
        Forbidden.slug,
        UnknownPoint.slug,
        "unknown-card",
    ]
    first = found[0]
    assert isinstance(first, tuple)
    assert first[0].id == device_id


async def test_a_reader_that_was_revoked_gets_no_answer_any_more(village: Village) -> None:
    device_id, token = await reader(village)
    taps = batcher_of(village)
    _, answer = await taps.take(token, Permission.TAP, card(STRANGER_UID))
    assert isinstance(answer, TapAnswer)
    async with village.database.write() as db:
        await revoke(db, device_id, NOON)
    _, answer = await taps.take(token, Permission.TAP, card(STRANGER_UID))
    assert isinstance(answer, NotSignedIn)


async def test_a_reader_that_hung_up_before_its_turn_has_nothing_decided(village: Village) -> None:
    _, token = await reader(village)
    taps = batcher_of(village, batch_max=1)
    first = asyncio.create_task(taps.take(token, Permission.TAP, card(STRANGER_UID)))
    second = asyncio.create_task(taps.take(token, Permission.TAP, card(STRANGER_UID)))
    third = asyncio.create_task(taps.take(token, Permission.TAP, card(STRANGER_UID)))
    await asyncio.sleep(0)
    third.cancel()
    await asyncio.gather(first, second)
    async with village.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Tap)) == 2


async def test_a_queue_that_is_too_long_is_refused_at_once(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = await reader(village)
    monkeypatch.setattr(module, "WAITING_MAX", 3)
    taps = batcher_of(village, batch_max=1)
    asked = [asyncio.create_task(taps.take(token, Permission.TAP, card(STRANGER_UID))) for _ in range(20)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in found if isinstance(each, Unavailable)]
    assert refused
    async with village.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Tap)) == 20 - len(refused)

"""An advisor moves a resident's money only as far as the resident agreed, and only within the family."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.services.rules import ServiceCode
from cvq_desk.wire import CardGone, CardSeen, ConsentAnswer, ConsentManner
from tests.core_examples import create_services, create_wallet
from tests.integration.desk_visits.ground import API, CARD_UID, Answer, Caller, Ground


class Purse:
    """Jeanne's two wallets with 20 euros for the pool, and a stranger's."""

    pool: UUID
    canteen: UUID
    strangers: UUID


@pytest.fixture
async def purse(ground: Ground) -> Purse:
    purse = Purse()
    async with ground.database.write() as db:
        await create_services(db)
        purse.pool = (await create_wallet(db, ground.family.id, cents=2000)).id
        purse.canteen = (await create_wallet(db, ground.family.id, ServiceCode.CANTEEN)).id
        purse.strangers = (await create_wallet(db, ground.strangers_family.id, cents=2000)).id
    return purse


async def agreed(ground: Ground, nadia: Caller, *scopes: str, with_card: bool = False) -> str:
    """Return a visit in which Jeanne agreed to some scopes."""
    visit = await ground.visit_in_call(nadia)
    if with_card:
        await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    asked = await nadia.post(
        f"{API}/visits/{visit}/consents", {"account_id": str(ground.family.id), "scopes": list(scopes)}
    )
    answer = ConsentAnswer(consent_id=UUID(asked.body["id"]), agreed=True, manner=ConsentManner.TOUCH)
    await ground.tell_desk("consent_answer", answer)
    return visit


async def move(ground: Ground, nadia: Caller, visit: str, purse: Purse, **more: Any) -> Answer:
    body = {
        "id": str(new_id()),
        "account_id": str(ground.family.id),
        "from_wallet_id": str(purse.pool),
        "to_wallet_id": str(purse.canteen),
        "amount_cents": 500,
        **more,
    }
    return await nadia.post(f"{API}/visits/{visit}/wallet-moves", body)


async def test_with_the_residents_agreement_money_moves_and_the_journal_says_under_which(
    ground: Ground, nadia: Caller, purse: Purse
) -> None:
    visit = await agreed(ground, nadia, "wallets", "moves")
    key = str(new_id())
    for _ in range(2):
        answer = await move(ground, nadia, visit, purse, id=key)
        assert (answer.status, answer.body["from_balance_cents"], answer.body["to_balance_cents"]) == (201, 1500, 500)
    async with ground.database.read() as db:
        written = await db.get_one(LedgerTransaction, UUID(key))
        records = list(await db.scalars(select(AuditRecord).where(AuditRecord.action == "money-moved")))
    assert (str(written.visit_id), written.actor_kind) == (visit, "staff")
    assert all(str(row.visit_id) == visit and row.consent_id is not None for row in records)
    assert {row.account_id for row in records} == {ground.family.id}


async def test_an_agreement_to_look_is_none_to_move(ground: Ground, nadia: Caller, purse: Purse) -> None:
    visit = await agreed(ground, nadia, "family", "cards", "wallets")
    before = await ground.state_of_business()
    assert (await move(ground, nadia, visit, purse)).slug == "no-consent"
    assert await ground.state_of_business() == before
    assert await ground.refusals("no-consent") == 1


async def test_another_familys_wallet_is_never_touched(ground: Ground, nadia: Caller, purse: Purse) -> None:
    visit = await agreed(ground, nadia, "moves")
    before = await ground.state_of_business()
    assert (
        await move(ground, nadia, visit, purse, to_wallet_id=str(purse.strangers))
    ).slug == "wallets-of-two-families"
    assert (await move(ground, nadia, visit, purse, from_wallet_id=str(purse.strangers))).status == 403
    assert (await move(ground, nadia, visit, purse, account_id=str(ground.strangers_family.id))).slug == "no-consent"
    assert await ground.state_of_business() == before


async def test_nothing_moves_once_the_card_is_away_or_the_account_closed(
    ground: Ground, nadia: Caller, purse: Purse
) -> None:
    visit = await agreed(ground, nadia, "moves", with_card=True)
    await ground.tell_desk("card_gone", CardGone(at=ground.hour()))
    ground.hour.forward(seconds=31)
    assert (await move(ground, nadia, visit, purse)).slug == "card-removed"
    assert (await nadia.post(f"{API}/visits/{visit}/close-account")).status == 200
    assert (await move(ground, nadia, visit, purse)).slug == "no-consent"


async def test_a_colleague_cannot_move_anything(ground: Ground, nadia: Caller, purse: Purse) -> None:
    visit = await agreed(ground, nadia, "moves")
    hugo = await ground.as_staff("hugo")
    assert (await move(ground, hugo, visit, purse)).slug == "not-your-visit"

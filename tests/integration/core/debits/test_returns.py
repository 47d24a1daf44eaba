"""What the bank sends back, or never got, is due again, and its fee is the office's expense."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.debits.mandates import standing_mandate
from cvq_core.debits.reasons import ReturnReason
from cvq_core.debits.rules import AlreadyReturned, NothingToDebit, Obstacle, RunDecided, RunNotSent
from cvq_core.debits.tables import DebitNotice, DebitReturn, RunEnd
from cvq_core.ledger.store import balance_of
from cvq_core.offices.bank_fees import bank_fees_account
from cvq_core.offices.tables import CashOffice
from cvq_core.treasury.expected import expected_items
from cvq_core.treasury.matching import ItemKind
from tests.core_examples import NOW, TODAY
from tests.integration.core.debits.conftest import OTHER, Ground, debits_in, notice_like


async def test_what_comes_back_is_due_again_and_is_debited_again_once_the_family_was_told_anew(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice()
    sent = await ground.tell_and_send()
    (debit,) = debits_in(sent)
    item = UUID(debit["end_to_end"])
    with pytest.raises(RunNotSent):
        await ground.give_back(item)
    await ground.end(sent)
    await ground.give_back(item, fee=76)
    await ground.give_back(item, fee=76)
    assert await ground.due(invoice) == 3290
    with pytest.raises(AlreadyReturned):
        await ground.give_back(item, ReturnReason.CLOSED)
    assert await ground.obstacles() == [Obstacle.NOT_TOLD], "one notice is one debit"
    async with ground.database.write() as db:
        db.add(notice_like(await db.scalar(select(DebitNotice)), recorded_at=NOW + timedelta(minutes=1)))
    assert [each["sequence"] for each in debits_in(await ground.send())] == ["RCUR"]
    assert await ground.troubles() == []


async def test_a_closed_account_ends_the_mandate(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    sent = await ground.tell_and_send()
    await ground.end(sent)
    (debit,) = debits_in(sent)
    await ground.give_back(UUID(debit["end_to_end"]), ReturnReason.CLOSED)
    async with ground.database.read() as db:
        assert await standing_mandate(db, ground.office, ground.family) is None
    with pytest.raises(NothingToDebit):
        await ground.send()
    assert (await ground.sign(iban=OTHER)).reference == "POM-M000002"


async def test_a_file_that_is_given_up_makes_everything_due_again_and_nothing_of_it_comes_back(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice()
    sent = await ground.tell_and_send()
    await asyncio.gather(*(ground.end(sent, RunEnd.GIVEN_UP) for _ in range(3)))
    assert await ground.due(invoice) == 3290
    with pytest.raises(RunDecided):
        await ground.end(sent)
    (debit,) = debits_in(sent)
    with pytest.raises(AlreadyReturned):
        await ground.give_back(UUID(debit["end_to_end"]))
    assert await ground.troubles() == []


async def test_of_rivals_who_send_a_file_and_give_it_up_one_wins(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice()
    sent = await ground.tell_and_send()
    answers = await asyncio.gather(ground.end(sent), ground.end(sent, RunEnd.GIVEN_UP), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "RunDecided"]
    assert await ground.due(invoice) == (0 if answers[0] is None else 3290)


async def test_what_the_bank_takes_for_it_is_the_offices_expense_once_and_never_the_familys(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice()
    sent = await ground.tell_and_send()
    await ground.end(sent)
    (debit,) = debits_in(sent)
    for _ in range(2):
        await ground.give_back(UUID(debit["end_to_end"]), fee=76)
    async with ground.database.write() as db:
        office = await db.get_one(CashOffice, ground.office)
        assert await balance_of(db, await bank_fees_account(db, office, NOW)) == 76
        back = await db.get_one(DebitReturn, UUID(debit["end_to_end"]))
        assert back.fees_transaction_id is not None
        expected = {
            item.kind: item.amount_cents
            for item in await expected_items(db, office, TODAY)
            if item.kind in (ItemKind.DEBIT_RETURN, ItemKind.BANK_FEES)
        }
    assert expected == {ItemKind.DEBIT_RETURN: -3290, ItemKind.BANK_FEES: -76}
    assert await ground.due(invoice) == 3290
    assert await ground.troubles() == []

"""A file for the bank: each invoice that is due debited once, whole, under a signed mandate."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from cvq_core.clock import local_day
from cvq_core.debits.collection import kept_file
from cvq_core.debits.rules import BadCollectionDay, DebitNotInAct, NothingToDebit, NotTheOfficer, Obstacle, UnknownDebit
from cvq_core.debits.tables import DebitMandate
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import AcceptedMeans
from cvq_core.services.rules import ServiceCode
from tests.core_examples import NOW, TODAY
from tests.integration.core.debits.conftest import DAY, Ground, debits_in


async def test_what_is_due_is_debited_whole_and_the_file_says_so(ground: Ground) -> None:
    mandate = await ground.sign()
    first, second = await ground.invoice(3290), await ground.invoice(1205)
    sent = await ground.tell_and_send()
    assert (sent.run.items, sent.run.total_cents, sent.run.number) == (2, 4495, 1)
    assert [await ground.due(each) for each in (first, second)] == [0, 0]
    debits = debits_in(sent)
    assert [(each["amount"], each["sequence"]) for each in debits] in (
        [("32.90", "FRST"), ("12.05", "RCUR")],
        [("12.05", "RCUR"), ("32.90", "FRST")],
    )
    assert {each["mandate"] for each in debits} == {mandate.reference} == {"POM-M000001"}
    assert {each["name"] for each in debits} == {"Jeanne Moreau"}
    assert {each["iban"] for each in debits} == {"FR1420041010050500013M02606"}
    assert await ground.troubles() == []


async def test_the_same_run_asked_again_debits_nothing_more_and_gives_the_same_bytes(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    await ground.tell()
    run_id = new_id()
    first, again = await ground.send(run_id), await ground.send(run_id)
    assert first.content == again.content
    async with ground.database.read() as db:
        assert (await kept_file(db, ground.vault, first.run)).content == first.content
    with pytest.raises(IdempotencyMismatch):
        await ground.send(run_id, day=DAY + timedelta(days=3))
    with pytest.raises(NothingToDebit):
        await ground.send()


async def test_of_two_runs_at_once_one_debits(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    await ground.tell()
    answers = await asyncio.gather(ground.send(), ground.send(), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NothingToDebit", "SentRun"]
    assert await ground.troubles() == []


async def test_what_was_paid_at_a_counter_is_not_debited_and_the_rest_of_it_is(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice(3290)
    await ground.tell()
    async with ground.database.write() as db:
        legs = (NewPosting(invoice, 3000), NewPosting(ground.drawer, -3000))
        await post(
            db,
            NewTransaction(new_id(), TransactionKind.PAYMENT, "Au guichet", NOW, legs, "staff", None),
            now=NOW,
        )
    assert [each["amount"] for each in debits_in(await ground.send())] == ["2.90"]


async def test_the_check_names_a_mandate_that_was_debited_and_nobody_signed(ground: Ground) -> None:
    mandate = await ground.sign()
    await ground.invoice()
    await ground.tell_and_send()
    assert await ground.troubles() == []
    async with ground.database.write() as db:
        (await db.get_one(DebitMandate, mandate.id)).signed_on = None
    assert await ground.troubles() == ["mandat POM-M000001 : prélevé sans signature"]


async def test_only_what_the_act_of_the_office_covers_is_debited(ground: Ground) -> None:
    await ground.sign()
    then = NOW - timedelta(days=21)
    async with ground.database.write() as db:
        await issue_invoice(
            db,
            new_id(),
            family_account_id=ground.family,
            label="Piscine",
            lines=[Line(ServiceCode.POOL, "Leçons", 1, 4000)],
            due_on=local_day(then),
            now=then,
        )
    assert await ground.obstacles() == [Obstacle.NOT_IN_ACT]
    async with ground.database.write() as db:
        await db.execute(
            update(AcceptedMeans).where(AcceptedMeans.means == Means.DIRECT_DEBIT).values(valid_until=TODAY)
        )
    await ground.invoice()
    with pytest.raises(DebitNotInAct):
        await ground.send()


async def test_a_mandatary_sends_nothing_to_the_bank(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    await ground.tell()
    with pytest.raises(NotTheOfficer):
        await ground.send(officer=ground.mandatary)
    with pytest.raises(UnknownDebit):
        await ground.give_back(new_id())


@pytest.mark.parametrize(
    "day",
    [TODAY, date(2026, 3, 4), date(2026, 3, 7), date(2026, 3, 8), date(2026, 4, 3), date(2026, 6, 1)],
    ids=["today", "tomorrow", "saturday", "sunday", "good friday", "too far"],
)
async def test_a_day_on_which_banks_cannot_debit_is_refused(ground: Ground, day: date) -> None:
    await ground.sign()
    await ground.invoice()
    with pytest.raises(BadCollectionDay):
        await ground.send(day=day)

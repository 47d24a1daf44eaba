"""Cheques go to the bank once, each with its slip, and a slip can be taken back until the bank has it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.offices.remittance_rules import ReasonMissing
from cvq_core.offices.remittance_store import contents_of
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import SubOffice
from cvq_core.treasury.accounts import NotTreasuryOfficer, offices_of
from cvq_core.treasury.cheque_rules import ChequeNotToBank, DepositCancelled, NothingToBank, UnknownDeposit
from cvq_core.treasury.deposit_pdf import deposit_pdf
from cvq_core.treasury.deposits import cancel_deposit, deposits_of, held_cheques, number_of
from cvq_core.treasury.tables import ChequeDeposit
from tests.core_examples import NOW, TODAY
from tests.integration.core.treasury.conftest import Town


async def held(town: Town) -> list[int]:
    async with town.database.read() as db:
        return [each.amount_cents for each in await held_cheques(db, town.office)]


async def test_a_deposit_moves_its_cheques_to_the_treasury_under_the_next_number(town: Town) -> None:
    first, second, third = await town.cheques(1000, 2500, 400)
    assert await held(town) == [1000, 2500, 400]
    made = await town.deposit([first, third])
    assert (number_of(made), made.cheques, made.total_cents) == ("POM-C-000001", 2, 1400)
    assert (await town.at_the_treasury(), await town.cheques_account()) == (1400, 2500)
    assert await held(town) == [2500]
    assert number_of(await town.deposit([second])) == "POM-C-000002"
    assert await held(town) == []
    assert await town.sound() == []


async def test_cheques_of_a_place_are_banked_once_its_remittance_is_integrated(town: Town) -> None:
    [cheque] = await town.cheques(1800, at=town.school)
    assert await held(town) == []
    remittance = await town.remit(from_school=True)
    assert await held(town) == []
    await town.integrate(remittance)
    assert await held(town) == [1800]
    await town.deposit([cheque])
    assert (await town.at_the_treasury(), await town.cheques_account()) == (1800, 0)
    assert await town.sound() == []


async def test_the_officer_s_remittance_leaves_the_cheques_to_the_bank(town: Town) -> None:
    await town.cheques(1800)
    await town.by(Means.CASH, 2000)
    async with town.database.read() as db:
        contents = await contents_of(db, await db.get_one(SubOffice, town.main), TODAY)
    assert (contents.cash_max_cents, contents.others) == (2000, {})
    await town.remit(2000)
    assert await held(town) == [1800]


async def test_a_cheque_is_in_one_deposit_only(town: Town) -> None:
    [cheque] = await town.cheques(1000)
    await town.deposit([cheque])
    with pytest.raises(ChequeNotToBank):
        await town.deposit([cheque])
    with pytest.raises(NothingToBank):
        await town.deposit([])
    [card] = await town.by(Means.CARD, 700)
    with pytest.raises(ChequeNotToBank):
        await town.deposit([card])


async def test_of_two_officers_at_once_one_makes_the_deposit(town: Town) -> None:
    cheques = await town.cheques(1000, 2000)
    answers = await asyncio.gather(*(town.deposit(cheques) for _ in range(6)), return_exceptions=True)
    made = [each for each in answers if isinstance(each, ChequeDeposit)]
    assert len(made) == 1
    assert all(isinstance(each, ChequeNotToBank) for each in answers if each is not made[0])
    assert await town.at_the_treasury() == 3000
    assert await town.sound() == []


async def test_the_same_request_again_gives_the_same_slip_and_another_one_is_refused(town: Town) -> None:
    cheques, key = await town.cheques(1000, 2000), new_id()
    answers = await asyncio.gather(*(town.deposit(cheques, key=key) for _ in range(4)))
    assert {each.number for each in answers} == {1}
    with pytest.raises(IdempotencyMismatch):
        await town.deposit(cheques[:1], key=key)
    assert await town.at_the_treasury() == 3000


async def test_nobody_but_the_officer_banks_cheques(town: Town) -> None:
    cheques = await town.cheques(1000)
    with pytest.raises(NotTreasuryOfficer):
        await town.deposit(cheques, officer=town.odile)
    async with town.database.read() as db:
        assert [office.id for office in await offices_of(db, town.benoit.staff_id, TODAY)] == [town.office]
        assert await offices_of(db, town.odile.staff_id, TODAY) == []


async def test_a_deposit_is_taken_back_with_a_slip_of_its_own_and_banked_anew(town: Town) -> None:
    cheques = await town.cheques(1000, 2000)
    made = await town.deposit(cheques)

    async def take_back(key: UUID | None = None, reason: str = "Un chèque manque") -> ChequeDeposit:
        async with town.database.write() as db:
            return await cancel_deposit(
                db, key=key or new_id(), deposit_id=made.id, reason=reason, officer=town.benoit, now=NOW
            )

    with pytest.raises(ReasonMissing):
        await take_back(reason=" ")
    key = new_id()
    back = await take_back(key)
    assert (back.number, back.total_cents, back.printed["cancels"]) == (2, -3000, "POM-C-000001")
    assert (await take_back(key)).id == back.id
    with pytest.raises(DepositCancelled):
        await take_back()
    assert (await town.at_the_treasury(), await held(town)) == (0, [1000, 2000])
    assert (await town.deposit(cheques)).number == 3
    async with town.database.read() as db:
        assert [line.stands for line in await deposits_of(db, town.office)] == [True, False, False]
    assert await town.sound() == []


async def test_a_deposit_that_is_none_cannot_be_taken_back(town: Town) -> None:
    async with town.database.write() as db:
        with pytest.raises(UnknownDeposit):
            await cancel_deposit(db, key=new_id(), deposit_id=new_id(), reason="Erreur", officer=town.benoit, now=NOW)


async def test_the_slip_lists_each_cheque_and_says_the_same_again(town: Town) -> None:
    made = await town.deposit(await town.cheques(1000, 2550))
    pdf = deposit_pdf(made)
    assert pdf.startswith(b"%PDF")
    async with town.database.read() as db:
        again = await db.scalar(select(ChequeDeposit).where(ChequeDeposit.id == made.id))
    assert again is not None
    assert deposit_pdf(again) == pdf

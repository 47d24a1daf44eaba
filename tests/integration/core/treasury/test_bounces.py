"""A bounced cheque takes back what it paid, once, and its receipt stays."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from cvq_core.families.statements import family_statement
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch, InsufficientFunds
from cvq_core.ledger.store import balance_of
from cvq_core.offices.bank_fees import bank_fees_account
from cvq_core.offices.rules import Means, Officer
from cvq_core.offices.tables import CashOffice, Receipt
from cvq_core.treasury.accounts import NotTreasuryOfficer
from cvq_core.treasury.bounces import bounce, bounces_of, find_banked
from cvq_core.treasury.cheque_rules import (
    BadBounceDay,
    BounceReason,
    ChequeBounced,
    ChequeNotBanked,
    DepositAtTheBank,
    FeesOutOfBounds,
    UnknownCheque,
)
from cvq_core.treasury.deposits import cancel_deposit
from cvq_core.treasury.tables import BouncedCheque
from tests.core_examples import NOW, TODAY, create_ledger_account, move, top_up
from tests.integration.core.treasury.conftest import Town, pay


async def bounced(
    town: Town,
    receipt: Receipt,
    *,
    key: UUID | None = None,
    fees_cents: int = 0,
    on: date = TODAY,
    reason: BounceReason = BounceReason.INSUFFICIENT,
    officer: Officer | None = None,
) -> BouncedCheque:
    async with town.database.write() as db:
        return await bounce(
            db,
            key=key or new_id(),
            receipt_id=receipt.id,
            reason=reason,
            bounced_on=on,
            fees_cents=fees_cents,
            officer=officer or town.benoit,
            now=NOW,
        )


async def spend(town: Town, cents: int) -> None:
    async with town.database.write() as db:
        await move(db, town.pool, -cents, await create_ledger_account(db))


async def test_the_invoice_is_due_again_the_top_up_is_taken_back_and_the_treasury_has_less(town: Town) -> None:
    invoice = await town.invoice(4000)
    [cheque] = await town.cheques([pay(invoice, 4000), top_up(town.pool, 1000)])
    await town.deposit([cheque])
    assert (await town.due(invoice), (await town.wallet(town.pool)).balance_cents) == (0, 1000)
    made = await bounced(town, cheque, fees_cents=1250)
    assert (await town.due(invoice), (await town.wallet(town.pool)).balance_cents) == (4000, 0)
    assert await town.at_the_treasury() == -1250
    async with town.database.write() as db:
        fees = await bank_fees_account(db, await db.get_one(CashOffice, town.office), NOW)
        assert await balance_of(db, fees) == 1250
        assert (await db.get_one(Receipt, cheque.id)).total_cents == 5000
        [listed] = await bounces_of(db, town.office)
    assert (listed.bounced.id if listed.bounced else None) == made.id
    assert await town.sound() == []


async def test_a_wallet_that_refuses_goes_below_zero_by_a_bounced_cheque_and_by_nothing_else(town: Town) -> None:
    [cheque] = await town.cheques(2000)
    await town.deposit([cheque])
    await spend(town, 1500)
    await bounced(town, cheque)
    wallet = await town.wallet(town.pool)
    assert (wallet.balance_cents, wallet.floor_cents) == (-1500, -1500)
    with pytest.raises(InsufficientFunds):
        await spend(town, 100)
    await town.by(Means.CASH, 1000)
    wallet = await town.wallet(town.pool)
    # The debt has shrunk, and does not grow again.
    assert (wallet.balance_cents, wallet.floor_cents) == (-500, -500)
    with pytest.raises(InsufficientFunds):
        await spend(town, 1)
    assert await town.sound() == []


async def test_the_family_reads_it_in_its_statement_beside_the_receipt(town: Town) -> None:
    [cheque] = await town.cheques(2000)
    await town.deposit([cheque])
    await bounced(town, cheque, reason=BounceReason.OPPOSED)
    async with town.database.read() as db:
        found = await family_statement(db, town.family, TODAY, TODAY)
    [section] = [each for each in found.sections if each.id == town.pool]
    assert [(line.label, line.amount_cents, line.balance_cents) for line in section.lines] == [
        ("Approvisionnement (chèque), Mairie de Pompaire", 2000, 2000),
        ("Chèque rejeté (opposition), quittance POM-000001", -2000, 0),
    ]


async def test_a_cheque_bounces_once_however_many_say_so(town: Town) -> None:
    [cheque] = await town.cheques(2000)
    await town.deposit([cheque])
    answers = await asyncio.gather(*(bounced(town, cheque) for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in answers].count(BouncedCheque) == 1
    assert [type(each) for each in answers].count(ChequeBounced) == 4
    assert (await town.wallet(town.pool)).balance_cents == 0
    assert await town.sound() == []


async def test_the_same_request_again_gives_the_same_record_and_another_one_is_refused(town: Town) -> None:
    [cheque] = await town.cheques(2000)
    await town.deposit([cheque])
    key = new_id()
    first = await bounced(town, cheque, key=key, fees_cents=900)
    assert (await bounced(town, cheque, key=key, fees_cents=900)).id == first.id
    with pytest.raises(IdempotencyMismatch):
        await bounced(town, cheque, key=key, fees_cents=901)
    assert await town.at_the_treasury() == -900


async def test_what_cannot_have_bounced_is_refused(town: Town) -> None:
    [cheque] = await town.cheques(2000)
    with pytest.raises(ChequeNotBanked):
        await bounced(town, cheque)
    await town.deposit([cheque])
    with pytest.raises(BadBounceDay):
        await bounced(town, cheque, on=TODAY - timedelta(days=1))
    with pytest.raises(BadBounceDay):
        await bounced(town, cheque, on=TODAY + timedelta(days=1))
    for fees in (-1, 10_001):
        with pytest.raises(FeesOutOfBounds):
            await bounced(town, cheque, fees_cents=fees)
    with pytest.raises(NotTreasuryOfficer):
        await bounced(town, cheque, officer=town.odile)
    [cash] = await town.by(Means.CASH, 500)
    with pytest.raises(UnknownCheque):
        await bounced(town, cash)
    assert (await town.wallet(town.pool)).balance_cents == 2500


async def test_a_deposit_whose_cheque_came_back_is_not_taken_back(town: Town) -> None:
    [cheque] = await town.cheques(2000)
    made = await town.deposit([cheque])
    await bounced(town, cheque)
    async with town.database.write() as db:
        with pytest.raises(DepositAtTheBank):
            await cancel_deposit(db, key=new_id(), deposit_id=made.id, reason="Erreur", officer=town.benoit, now=NOW)


@pytest.mark.parametrize("typed", ["4217001", "POM-000001", "moreau"])
async def test_a_cheque_at_the_bank_is_found_by_what_stands_on_it(town: Town, typed: str) -> None:
    await town.deposit(await town.cheques(2000))
    async with town.database.read() as db:
        [found] = await find_banked(db, town.office, typed)
        assert found.receipt.total_cents == 2000
        assert [each.receipt.id for each in await find_banked(db, town.office, "x", 2000)] == [found.receipt.id]
        assert await find_banked(db, town.office, "%") == []
        assert await find_banked(db, new_id(), typed) == []

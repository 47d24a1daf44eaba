"""An advance's life: expenses with their vouchers, refunds, mistakes, the statement, and what the comptable gives."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from cvq_core.advances.paper import statement_pdf, voucher_pdf
from cvq_core.advances.rules import (
    AccountNotClosed,
    AdvanceReasonMissing,
    ExpenseCancelled,
    ExpenseStated,
    ExpenseTooLarge,
    Fund,
    FundTooLow,
    MoreThanGranted,
    MoreThanStated,
    Moved,
    NoAdvance,
    NotAdvanceOfficer,
    NothingToRefund,
    NothingToState,
    PaidBy,
    Purpose,
    RefundNotInAct,
    UnknownExpense,
)
from cvq_core.advances.service import cancel_expense, set_terms, state_expenses
from cvq_core.advances.store import (
    account_id,
    expense_line,
    expense_lines,
    expenses_of_statement,
    fund_of,
    refundable,
    statement_line,
)
from cvq_core.advances.tables import AdvanceExpense, AdvanceStatement
from cvq_core.debits.rules import BadIban
from cvq_core.families.departures import close_account
from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch
from cvq_core.ledger.store import balance_of, post
from cvq_core.ledger.tables import Wallet
from cvq_core.offices.tables import CollectableService
from cvq_core.offices.verify import verify_offices
from cvq_core.services.rules import ServiceCode
from tests.core_examples import NOW, TODAY, create_wallet, transaction
from tests.integration.core.advances.conftest import IBAN, TERMS, Till

RIVALS = 8


async def cancel(till: Till, expense: AdvanceExpense, reason: str = "Facture rendue") -> AdvanceExpense:
    async with till.database.write() as db:
        return await cancel_expense(
            db,
            key=new_id(),
            office=till.office,
            expense_id=expense.id,
            reason=reason,
            officer=till.benoit,
            now=NOW,
        )


async def state(till: Till) -> AdvanceStatement:
    async with till.database.write() as db:
        return await state_expenses(db, key=new_id(), office=till.office, officer=till.benoit, now=NOW)


async def wallet_cents(till: Till) -> int:
    async with till.database.read() as db:
        return (await db.get_one(Wallet, till.pool)).balance_cents


async def test_an_advance_is_received_spent_stated_and_given_back(till: Till) -> None:
    first = await till.pay(42_50)
    await till.pay(30_00, paid_by=PaidBy.TRANSFER, iban=IBAN, payee="Papeterie Roy")
    assert await till.fund() == Fund(500_00, 157_50, 270_00, 72_50)
    statement = await state(till)
    assert (first.number, statement.number, statement.total_cents) == (1, 1, 72_50)
    await till.move(Moved.REPLENISHED, 50_00, statement_id=statement.id, reference="Mandat 118")
    async with till.database.read() as db:
        line = await statement_line(db, till.office.id, statement.id)
        assert (line.number, line.due_cents) == ("POM-E-000001", 22_50)
    with pytest.raises(MoreThanStated):
        await till.move(Moved.REPLENISHED, 22_51, statement_id=statement.id)
    await till.move(Moved.REPLENISHED, 22_50, statement_id=statement.id)
    assert await till.fund() == Fund(500_00, 157_50, 342_50, 0)
    assert await till.troubles() == []


async def test_the_refund_of_a_wallet_takes_it_from_the_wallet_in_the_same_entry(till: Till) -> None:
    expense = await till.pay(25_00, purpose=Purpose.OVERPAID, wallet_id=till.pool, payee="Jeanne Moreau")
    assert await wallet_cents(till) == 35_00
    assert expense.printed["refunded"] == {"account": "F00001", "service": "Piscine"}
    async with till.database.read() as db:
        assert await balance_of(db, account_id(till.office.id, AccountKind.REFUNDS)) == 25_00
    with pytest.raises(NothingToRefund):
        await till.pay(35_01, purpose=Purpose.OVERPAID, wallet_id=till.pool)
    assert await cancel(till, expense)
    assert await wallet_cents(till) == 60_00
    assert await till.fund() == Fund(500_00, 200_00, 300_00, 0)
    assert await till.troubles() == []


async def test_the_balance_of_a_closed_account_is_refunded_once_it_is_closed(till: Till) -> None:
    with pytest.raises(AccountNotClosed):
        await till.pay(60_00, purpose=Purpose.CLOSED_ACCOUNT, wallet_id=till.pool)
    async with till.database.write() as db:
        await close_account(db, new_id(), account_id=till.family, reason="Départ", by=None, now=NOW)
    async with till.database.read() as db:
        [left] = await refundable(db, till.office.id, TODAY)
        assert (left.account.number, left.wallet.balance_cents) == ("F00001", 60_00)
    await till.pay(60_00, purpose=Purpose.CLOSED_ACCOUNT, wallet_id=till.pool, payee="Jeanne Moreau")
    async with till.database.read() as db:
        assert await refundable(db, till.office.id, TODAY) == []


async def test_what_a_family_owes_is_never_refunded_though_its_service_lets_it_owe(till: Till) -> None:
    async with till.database.write() as db:
        canteen = await create_wallet(db, till.family, ServiceCode.CANTEEN)
    with pytest.raises(NothingToRefund):
        await till.pay(1, purpose=Purpose.OVERPAID, wallet_id=canteen.id)


async def test_a_service_that_the_office_does_not_collect_is_not_refunded(till: Till) -> None:
    async with till.database.write() as db:
        row = await db.get_one(CollectableService, (till.place, ServiceCode.POOL, TODAY))
        row.valid_until = TODAY - timedelta(days=1)
    with pytest.raises(RefundNotInAct):
        await till.pay(10_00, purpose=Purpose.OVERPAID, wallet_id=till.pool)


async def test_only_the_officer_touches_the_advance(till: Till) -> None:
    with pytest.raises(NotAdvanceOfficer):
        await till.pay(officer=till.odile)
    with pytest.raises(NotAdvanceOfficer):
        await till.move(Moved.GRANTED, 1, officer=till.odile)
    assert await till.fund() == Fund(500_00, 200_00, 300_00, 0)


async def test_nothing_is_paid_over_the_limits_or_beyond_the_fund(till: Till) -> None:
    with pytest.raises(ExpenseTooLarge):
        await till.pay(200_01)
    await till.pay(190_00)
    with pytest.raises(FundTooLow):
        await till.pay(10_01)
    with pytest.raises(FundTooLow):
        await till.move(Moved.RETURNED, 300_01)
    with pytest.raises(MoreThanGranted):
        await till.move(Moved.GRANTED, 1)
    with pytest.raises(BadIban):
        await till.pay(paid_by=PaidBy.TRANSFER, iban="FR76 1234")
    assert await till.fund() == Fund(500_00, 10_00, 300_00, 190_00)


async def test_the_same_request_again_is_the_same_expense(till: Till) -> None:
    key, moved = new_id(), new_id()
    first = await till.pay(key=key)
    assert (await till.pay(key=key)).number == first.number
    with pytest.raises(IdempotencyMismatch):
        await till.pay(10_01, key=key)
    with pytest.raises(IdempotencyMismatch):
        await till.pay(key=key, payee="Quelqu’un d’autre")
    for _ in range(2):
        await till.move(Moved.RETURNED, 5_00, key=moved)
    with pytest.raises(IdempotencyMismatch):
        await till.move(Moved.RETURNED, 6_00, key=moved)
    assert await till.fund() == Fund(495_00, 190_00, 295_00, 10_00)


async def test_rivals_never_spend_the_same_money_and_number_without_a_gap(till: Till) -> None:
    answers = await asyncio.gather(*(till.pay(60_00) for _ in range(RIVALS)), return_exceptions=True)
    paid = [each for each in answers if isinstance(each, AdvanceExpense)]
    assert sorted(each.number for each in paid) == [1, 2, 3]
    assert {type(each) for each in answers} == {AdvanceExpense, FundTooLow}
    assert await till.fund() == Fund(500_00, 20_00, 300_00, 180_00)
    assert await till.troubles() == []


async def test_an_expense_is_taken_back_once_with_a_reason_and_until_it_is_stated(till: Till) -> None:
    wrong = await till.pay(20_00)
    with pytest.raises(AdvanceReasonMissing):
        await cancel(till, wrong, "  ")
    back = await cancel(till, wrong)
    assert (back.number, back.amount_cents, back.cancels_id) == (2, -20_00, wrong.id)
    for expense in (wrong, back):
        with pytest.raises(ExpenseCancelled):
            await cancel(till, expense)
    with pytest.raises(NothingToState):
        await state(till)
    kept = await till.pay(5_00)
    statement = await state(till)
    async with till.database.read() as db:
        numbers = [line.expense.number for line in await expenses_of_statement(db, statement)]
    assert (numbers, statement.total_cents) == ([1, 2, 3], 5_00)
    with pytest.raises(ExpenseStated):
        await cancel(till, kept)
    assert await till.troubles() == []


async def test_of_rivals_who_state_and_take_back_at_once_the_books_agree(till: Till) -> None:
    kept, other = await till.pay(20_00), await till.pay(5_00)
    await asyncio.gather(state(till), cancel(till, kept), return_exceptions=True)
    async with till.database.read() as db:
        lines = await expense_lines(db, till.office.id)
        assert (await expense_line(db, till.office.id, other.id)).statement_id is not None
    assert [line.expense.number for line in lines] in ([2, 1], [3, 2, 1])
    assert await till.troubles() == []


async def test_another_office_s_expense_is_unknown(till: Till) -> None:
    expense = await till.pay()
    async with till.database.read() as db:
        with pytest.raises(UnknownExpense):
            await expense_line(db, new_id(), expense.id)
        with pytest.raises(NoAdvance):
            await fund_of(db, new_id())


async def test_terms_are_dated_and_only_grow(till: Till) -> None:
    later = TODAY + timedelta(days=1)
    terms_id = new_id()
    for _ in range(2):
        async with till.database.write() as db:
            terms = type(TERMS)(later, 500_00, 5_00, TERMS.purposes, TERMS.paid_by, "Arrêté du 4 mars 2026")
            await set_terms(db, terms_id, office=till.office, terms=terms, staff_id=till.benoit.staff_id, now=NOW)
    await till.pay(10_00)
    with pytest.raises(DBAPIError):
        async with till.database.write() as db:
            await db.execute(text("UPDATE advance_terms SET payment_max_cents = 1"))


async def test_the_check_finds_money_that_left_the_fund_past_its_vouchers(till: Till) -> None:
    async with till.database.write() as db:
        legs = ((account_id(till.office.id, AccountKind.ADVANCE_CASH), 7_00), (till.pool, -7_00))
        await post(db, transaction(*legs), now=NOW)
    [trouble] = await till.troubles()
    assert "50000 cents: 19300 + 30000 held, 0 awaited" in trouble


async def test_the_papers_say_whom_what_and_how_much(till: Till) -> None:
    expense = await till.pay(30_00, paid_by=PaidBy.TRANSFER, iban=IBAN, payee="Papeterie <Roy>")
    back = await cancel(till, expense)
    await till.pay(25_00, purpose=Purpose.OVERPAID, wallet_id=till.pool, payee="Jeanne Moreau")
    statement = await state(till)
    async with till.database.read() as db:
        for each in (expense, back):
            line = await expense_line(db, till.office.id, each.id)
            assert voucher_pdf(line).startswith(b"%PDF")
            assert voucher_pdf(line) == voucher_pdf(line)
        assert statement_pdf(await statement_line(db, till.office.id, statement.id)).startswith(b"%PDF")
        assert await verify_offices(db) == []
        stated = await db.scalars(select(AdvanceStatement.printed))
        assert IBAN not in str(stated.all())

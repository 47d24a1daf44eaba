"""What stays unknown is listed with the bank's day beside it, and is decided once."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch
from cvq_core.offices.rules import NotMandatary
from cvq_core.payables.rules import PayableKind
from cvq_core.payments.bank import BadBankFile, Match
from cvq_core.payments.reconciliation import Listed, bank_day, decide, import_bank_file, listed, reconciling_place
from cvq_core.payments.rules import AttemptState, CartState, Decision, NotInTheBank, NotToReconcile, Trouble
from cvq_core.payments.tables import BankLine, Cart, PaymentAttempt
from cvq_core.payments.virtual import Result
from tests.core_examples import NOW, create_officer
from tests.integration.core.payments.conftest import Ground

TODAY = date(2026, 3, 3)


async def unknown(ground: Ground) -> tuple[Cart, PaymentAttempt]:
    """A payment about which PayFiP knows nothing after two hours."""
    cart = await ground.cart((PayableKind.WALLET, ground.wallet, 1500))
    await ground.started(cart)
    ground.hour.forward(hours=2)
    await ground.payments.poll()
    (attempt,) = await ground.attempts(cart)
    assert attempt.trouble is Trouble.UNKNOWN
    return cart, attempt


async def imported(ground: Ground, *lines: tuple[str, int]) -> None:
    text = "Date;Référence;Montant;Autorisation\n" + "".join(
        f"03/03/2026;{refdet};{cents // 100},{cents % 100:02d};A{number}\n"
        for number, (refdet, cents) in enumerate(lines)
    )
    async with ground.database.write() as db:
        await import_bank_file(
            db, name="jour.csv", content=text.encode(), staff_id=ground.officer.staff_id, now=ground.hour.now
        )


async def on_the_list(ground: Ground) -> list[Listed]:
    async with ground.database.read() as db:
        return await listed(db, ground.place)


async def decided(ground: Ground, attempt: PaymentAttempt, decision: Decision, *, key: UUID | None = None) -> None:
    async with ground.database.write() as db:
        await decide(
            db,
            key or new_id(),
            attempt.id,
            decision,
            place=ground.place,
            reason="Vu avec la banque",
            staff_id=ground.officer.staff_id,
            now=ground.hour.now,
        )


async def test_an_unknown_payment_is_listed_and_credited_on_the_banks_word(ground: Ground) -> None:
    cart, attempt = await unknown(ground)
    assert [each.attempt.id for each in await on_the_list(ground)] == [attempt.id]
    with pytest.raises(NotInTheBank):
        await decided(ground, attempt, Decision.CREDITED)
    await imported(ground, (attempt.refdet, 1500))
    (line,) = await on_the_list(ground)
    assert line.attempt.trouble is Trouble.IN_THE_BANK
    assert line.bank is not None
    assert (line.bank.amount_cents, line.bank.day) == (1500, TODAY)
    await decided(ground, attempt, Decision.CREDITED)
    assert await ground.state(cart) == CartState.PAID
    assert await ground.balance(ground.wallet) == 1500
    assert await on_the_list(ground) == []


async def test_what_the_officer_credited_is_not_credited_again_when_payfip_speaks_at_last(ground: Ground) -> None:
    cart, attempt = await unknown(ground)
    await imported(ground, (attempt.refdet, 1500))
    assert attempt.idop is not None
    ground.virtual.end(attempt.idop, Result.PAID_BY_CARD)
    await asyncio.gather(
        decided(ground, attempt, Decision.CREDITED),
        ground.payments.ask(attempt.id, attempt.idop),
        return_exceptions=True,
    )
    await ground.payments.ask(attempt.id, attempt.idop)
    assert await ground.balance(ground.wallet) == 1500
    assert await ground.held(AccountKind.ONLINE_PAYMENTS) == 1500
    (attempt,) = await ground.attempts(cart)
    assert attempt.trouble is None


async def test_another_amount_at_the_bank_is_credited_to_the_waiting_account_and_listed_again(ground: Ground) -> None:
    _, attempt = await unknown(ground)
    await imported(ground, (attempt.refdet, 1400))
    await decided(ground, attempt, Decision.CREDITED)
    (line,) = await on_the_list(ground)
    assert (line.attempt.trouble, line.attempt.waiting_cents) == (Trouble.OTHER_AMOUNT, 1400)
    assert await ground.balance(ground.wallet) == 0
    await decided(ground, line.attempt, Decision.FILED)
    assert await on_the_list(ground) == []


async def test_a_forgotten_payment_that_the_bank_names_comes_back_to_the_list(ground: Ground) -> None:
    cart, attempt = await unknown(ground)
    ground.virtual.operations.clear()
    ground.hour.forward(hours=1)
    await ground.payments.poll()
    (attempt,) = await ground.attempts(cart)
    assert (attempt.state, attempt.trouble) == (AttemptState.EXPIRED, None)
    await imported(ground, (attempt.refdet, 1500))
    await ground.payments.poll()
    (line,) = await on_the_list(ground)
    assert line.attempt.trouble is Trouble.IN_THE_BANK


async def test_a_line_is_decided_once(ground: Ground) -> None:
    _, attempt = await unknown(ground)
    key = new_id()
    await decided(ground, attempt, Decision.FILED, key=key)
    await decided(ground, attempt, Decision.FILED, key=key)
    with pytest.raises(IdempotencyMismatch):
        await decided(ground, attempt, Decision.CREDITED, key=key)
    with pytest.raises(NotToReconcile):
        await decided(ground, attempt, Decision.FILED)
    paid = await ground.cart((PayableKind.WALLET, ground.wallet, 500))
    ground.virtual.end(await ground.started(paid), Result.PAID_BY_CARD)
    await ground.payments.ask_again(paid.token)
    (fine,) = await ground.attempts(paid)
    with pytest.raises(NotToReconcile):
        await decided(ground, fine, Decision.FILED)


async def test_the_same_file_twice_is_one_file_and_a_bad_one_leaves_nothing(ground: Ground) -> None:
    await asyncio.gather(*(imported(ground, ("CVQA", 100), ("CVQB", 200)) for _ in range(4)))
    async with ground.database.write() as db:
        with pytest.raises(BadBankFile):
            await import_bank_file(
                db, name="x", content=b"Date;Montant\n", staff_id=ground.officer.staff_id, now=ground.hour.now
            )
        assert await db.scalar(select(func.count(BankLine.id))) == 2


async def test_a_day_of_the_bank_stands_beside_what_was_credited_that_day(ground: Ground) -> None:
    credited = []
    for cents in (500, 700):
        cart = await ground.cart((PayableKind.WALLET, ground.wallet, cents))
        ground.virtual.end(await ground.started(cart), Result.PAID_BY_CARD)
        await ground.payments.ask_again(cart.token)
        credited += await ground.attempts(cart)
    await imported(ground, (credited[0].refdet, 500), ("CVQINCONNU", 300))
    async with ground.database.read() as db:
        day = await bank_day(db, ground.place, TODAY)
    assert [(row.refdet, match) for row, match in day.rows] == [
        (credited[0].refdet, Match.AGREED),
        ("CVQINCONNU", Match.UNKNOWN),
    ]
    assert [(each.refdet, each.credited_cents) for each in day.missing] == [(credited[1].refdet, 700)]


async def test_only_somebody_appointed_to_the_place_reconciles(ground: Ground) -> None:
    async with ground.database.write() as db:
        stranger = await create_officer(db, "paul", "Paul Roy")
        assert (await reconciling_place(db, ground.place.code, ground.officer.staff_id, NOW)).id == ground.place.id
        with pytest.raises(NotMandatary):
            await reconciling_place(db, ground.place.code, stranger.staff_id, NOW)

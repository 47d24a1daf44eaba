"""Thousands of payments with notices lost, doubled, reordered and late, over a PayFiP that fails now and then.

A history is drawn from its number: who pays, when, what is lost on the way, what is paid elsewhere meanwhile. At its
end, once there is no more to learn, each payment that PayFiP took is credited exactly once, or stands on the list.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.database import Database
from cvq_core.jobs.tables import Job
from cvq_core.ledger.rules import AccountKind, MoreThanDue
from cvq_core.ledger.verify import verify
from cvq_core.payables.rules import PayableKind
from cvq_core.payments.rules import AttemptState, CartPaid, PayFipSilent, PaymentBeingChecked
from cvq_core.payments.service import LOOK_UP
from cvq_core.payments.tables import Cart, PaymentAttempt
from cvq_core.payments.verify import verify_payments
from cvq_core.payments.virtual import Fault, Operation, Result
from tests.integration.core.payments.conftest import Ground, ground_on
from tests.rounds import PAYFIP_HISTORIES

HISTORIES_A_SLICE = 500
PASSING = (Fault.TECHNICAL, Fault.ANSWER_LOST, Fault.NOT_YET, Fault.FORGOTTEN)
RESULTS = (Result.PAID_BY_CARD,) * 5 + (
    Result.PAID_BY_DEBIT,
    Result.CARD_REFUSED,
    Result.DEBIT_REFUSED,
    Result.CANCELLED,
)


class History:
    """One cart and everything that happens to it."""

    def __init__(self, ground: Ground, number: int) -> None:
        self.ground = ground
        self.chance = Random(number)
        self.invoice: UUID | None = None
        self.invoiced = 0
        self.paid_elsewhere = 0

    async def play(self) -> None:
        ground, chance = self.ground, self.chance
        before = await self.sums()
        payables = [(PayableKind.WALLET, ground.wallet, chance.randint(100, 5000))]
        if chance.random() < 0.5:
            self.invoiced = chance.randint(100, 5000)
            self.invoice = await ground.invoice(self.invoiced)
            payables.append((PayableKind.INVOICE, self.invoice, self.invoiced))
        cart = await ground.cart(*payables)
        for _ in range(chance.randint(1, 3)):
            await self.one_try(cart)
        mine = await self.until_there_is_no_more_to_learn(cart)
        await self.check(cart, payables[0][2], before, mine)

    async def one_try(self, cart: Cart) -> None:
        ground, chance = self.ground, self.chance
        if chance.random() < 0.15:
            ground.virtual.faults.append(chance.choice(PASSING))
        # The answer may be lost after the operation was made.
        with suppress(PayFipSilent, PaymentBeingChecked, CartPaid):
            await ground.payments.start(cart.token)
        ground.virtual.faults.clear()
        mine = await self.operations(cart)
        if self.invoice is not None and chance.random() < 0.15:
            cents = chance.randint(1, self.invoiced)
            try:
                await ground.pay_elsewhere(self.invoice, cents)
            except MoreThanDue:
                cents = 0
            self.paid_elsewhere += cents
        for operation in mine:
            if chance.random() < 0.7:
                other = chance.randint(1, 6000) if chance.random() < 0.08 else None
                ground.virtual.end(operation.idop, chance.choice(RESULTS), amount_cents=other)
        ground.hour.forward(seconds=chance.choice((1, 30, 400, 1000, 8000)))
        # A notice for each, lost, once or several times, in any order, while the poll goes on.
        notices = [operation.idop for operation in mine for _ in range(chance.choice((0, 0, 1, 1, 2, 3)))]
        chance.shuffle(notices)
        if chance.random() < 0.2:
            ground.virtual.faults.append(chance.choice(PASSING))
        await asyncio.gather(ground.payments.poll(), *(ground.payments.heard(idop) for idop in notices))
        if chance.random() < 0.5:
            await asyncio.gather(ground.payments.poll(), ground.payments.ask_again(cart.token))
        ground.virtual.faults.clear()

    async def operations(self, cart: Cart) -> list[Operation]:
        references = {attempt.refdet for attempt in await self.ground.attempts(cart)}
        return [each for each in self.ground.virtual.operations.values() if each.asked["refdet"] in references]

    async def until_there_is_no_more_to_learn(self, cart: Cart) -> list[Operation]:
        ground = self.ground
        mine = await self.operations(cart)
        for operation in mine:
            # Nobody is sent to an identifier that never reached us; if it was paid all the same, PayFiP says so.
            if (operation.result is not None and self.chance.random() < 0.5) or await self.never_arrived(operation):
                await ground.payments.heard(operation.idop)
        async with ground.database.write() as db:
            jobs = list(await db.scalars(select(Job).where(Job.kind == LOOK_UP, Job.done_at.is_(None))))
            for job in jobs:
                job.done_at = ground.hour.now
        for job in jobs:
            await ground.payments.look_up(job.payload)
        for hours in (0, 1, 2, 24, 26):
            ground.hour.forward(hours=hours)
            while await ground.payments.poll():
                pass
        return mine

    async def never_arrived(self, operation: Operation) -> bool:
        async with self.ground.database.read() as db:
            return await db.scalar(select(PaymentAttempt.id).where(PaymentAttempt.idop == operation.idop)) is None

    async def sums(self) -> tuple[int, int, int]:
        """What the wallet holds, what is under way from PayFiP, what waits to be classified, in cents."""
        ground = self.ground
        return (
            await ground.balance(ground.wallet),
            await ground.held(AccountKind.ONLINE_PAYMENTS),
            await ground.held(AccountKind.TO_CLASSIFY),
        )

    async def check(self, cart: Cart, topped_up: int, before: tuple[int, int, int], mine: list[Operation]) -> None:
        """Each payment is credited once; what is not credited to the cart's lines waits and is listed."""
        ground = self.ground
        wallet, online, waiting = (after - was for after, was in zip(await self.sums(), before, strict=True))
        took = [each for each in mine if each.result in (Result.PAID_BY_CARD, Result.PAID_BY_DEBIT)]
        attempts = {attempt.refdet: attempt for attempt in await ground.attempts(cart)}
        for operation in mine:
            attempt = attempts[operation.asked["refdet"]]
            if operation in took:
                assert attempt.state is AttemptState.PAID
                assert (attempt.transaction_id, attempt.received_cents) == (attempt.id, operation.amount_cents)
            else:
                assert attempt.transaction_id is None
        assert online == sum(operation.amount_cents for operation in took)
        assert wallet in (0, topped_up), "the cart is credited once at most"
        on_invoice = 0
        if self.invoice is not None:
            on_invoice = self.invoiced + await self.due_left() - self.paid_elsewhere
        assert wallet + on_invoice + waiting == online, "every cent is somewhere"
        assert waiting == sum(attempt.waiting_cents for attempt in attempts.values())
        for attempt in attempts.values():
            # After what was not so ("I do not know it"), only a word of the day after proves that nothing was paid.
            unproven = attempt.idop is not None and attempt.transaction_id is None and not attempt.known_unpaid
            assert (attempt.trouble is not None) == (attempt.waiting_cents > 0 or unproven)

    async def due_left(self) -> int:
        """What is due on the invoice, as a minus."""
        assert self.invoice is not None
        return -await self.ground.balance(self.invoice)


async def played(database: Database, numbers: range) -> None:
    async with ground_on(database) as ground:
        for number in numbers:
            try:
                await History(ground, number).play()
            except Exception as error:
                raise AssertionError(f"history {number}") from error
            ground.virtual.operations.clear()
        async with ground.database.read() as db:
            assert await verify(db) == []
            assert await verify_payments(db) == []


async def test_each_payment_is_credited_exactly_once_or_listed(database: Database) -> None:
    await played(database, range(PAYFIP_HISTORIES.test))


async def test_a_payment_that_was_refused_and_made_long_after_its_page_had_died_is_credited(database: Database) -> None:
    await played(database, range(2585, 2586))


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("first", range(0, PAYFIP_HISTORIES.night, HISTORIES_A_SLICE))
async def test_five_thousand_histories_each_payment_credited_exactly_once_or_listed(
    database: Database, first: int
) -> None:
    await played(database, range(first, first + HISTORIES_A_SLICE))

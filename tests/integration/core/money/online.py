"""The steps of a life on a telephone: carts that are paid at PayFiP, and what that does."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.ledger.tables import Posting
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.carts import make_cart
from cvq_core.payments.tables import Cart, PaymentAttempt
from cvq_core.payments.virtual import Fault, Operation, Result
from tests.integration.core.money.life import LOSS, PICK, Leg
from tests.integration.core.money.with_wallets import WithWallets

CARTS_MAX = 3
STILL_ENDED = timedelta(hours=3)
FAULTS = st.sampled_from([None, None, None, Fault.TECHNICAL, Fault.ANSWER_LOST, Fault.NOT_YET, Fault.FORGOTTEN])
RESULTS = st.sampled_from(
    [Result.PAID_BY_CARD, Result.PAID_BY_CARD, Result.PAID_BY_DEBIT, Result.CARD_REFUSED, Result.CANCELLED]
)


class PublicMoney(WithWallets):
    """All of it, with what is paid online: an attempt is known by its reference."""

    def __init__(self) -> None:
        super().__init__()
        self.carts: list[tuple[str, list[Payable]]] = []
        self.settled: set[str] = set()
        self.credited: set[str] = set()

    def operations(self) -> list[Operation]:
        return list(self.town.virtual.operations.values())

    def payable(self) -> list[Operation]:
        """Return the operations that somebody may still end: PayFiP's page is open, or was not long ago."""
        return [each for each in self.operations() if self.town.hour.now - each.made_at < STILL_ENDED]

    @precondition(lambda self: len(self.carts) < CARTS_MAX)
    @rule(cents=st.integers(100, 100_00), with_invoice=st.booleans(), pick=PICK, loss=LOSS)
    def fill_a_cart(self, cents: int, with_invoice: bool, pick: int, loss: str) -> None:
        payables = [Payable(PayableKind.WALLET, self.house.pool, cents)]
        owed = [invoice for invoice in self.invoices if self.due(invoice)]
        if with_invoice and owed:
            invoice = owed[pick % len(owed)]
            payables.append(Payable(PayableKind.INVOICE, invoice, self.due(invoice)))
        key = new_id()
        answer = self.attempt(
            lambda db: make_cart(
                db,
                key,
                payables,
                place_code=self.house.main.code,
                email="jeanne@aulnay.fr",
                acknowledged=False,
                actor_kind="staff",
                actor_id=self.town.odile.staff_id,
                now=self.town.hour.now,
            ),
            loss,
        )
        assert isinstance(answer, Cart)
        self.carts.append((answer.token, payables))

    @precondition(lambda self: self.carts)
    @rule(pick=PICK, fault=FAULTS)
    def press_pay(self, pick: int, fault: Fault | None) -> None:
        token, _ = self.carts[pick % len(self.carts)]
        self.ask_payfip(self.town.payments.start(token), fault)

    @precondition(lambda self: self.payable())
    @rule(pick=PICK, result=RESULTS, other=st.sampled_from([0, 0, 0, 0, 77]), notices=st.integers(0, 2), fault=FAULTS)
    def end_at_payfip(self, pick: int, result: Result, other: int, notices: int, fault: Fault | None) -> None:
        """Somebody ends an operation; its notification is lost, comes once, or twice."""
        operations = self.payable()
        operation = operations[pick % len(operations)]
        asked = int(operation.asked["montant"])
        self.town.virtual.end(operation.idop, result, amount_cents=asked + other)

        async def hear() -> None:
            for _ in range(notices):
                await self.town.payments.heard(operation.idop)
            await self.town.payments.poll()

        self.ask_payfip(hear(), fault)

    @rule(
        pick=PICK,
        result=RESULTS,
        other=st.sampled_from([0, 0, 0, 0, 77]),
        notices=st.integers(0, 2),
        fault=FAULTS,
    )
    def pay_a_cart(self, pick: int, result: Result, other: int, notices: int, fault: Fault | None) -> None:
        """From the button to the end on PayFiP's page; what fails, fails after the operation was made."""
        if not self.carts or (pick % 3 and len(self.carts) < CARTS_MAX):
            self.fill_a_cart(100 + 9 * pick, True, pick, "none")
            pick = len(self.carts) - 1
        self.press_pay(pick, None)
        self.read(self.compare)
        if self.payable():
            self.end_at_payfip(len(self.payable()) - 1, result, other, notices, fault)

    @precondition(lambda self: self.carts)
    @rule(pick=PICK, fault=FAULTS)
    def come_back(self, pick: int, fault: Fault | None) -> None:
        token, _ = self.carts[pick % len(self.carts)]
        self.ask_payfip(self.town.payments.ask_again(token), fault)

    @precondition(lambda self: self.carts)
    @rule(seconds=st.sampled_from([1, 30, 400, 1000, 8000]), fault=FAULTS)
    def wait_for_payfip(self, seconds: int, fault: Fault | None) -> None:
        self.pass_time(seconds=seconds)
        self.ask_payfip(self.town.payments.poll(), fault)

    def pass_hours(self, hours: int) -> None:
        """While somebody may still pay, the server goes on asking."""
        for step in (1, 2, 21, *[24] * (hours // 24 - 1)):
            super().pass_hours(step)
            if self.carts:
                self.ask_payfip(self.town.payments.poll(), None)

    def ask_payfip(self, asking: Awaitable[object], fault: Fault | None) -> None:
        faults = self.town.virtual.faults
        if fault is not None:
            faults.append(fault)

        async def ask() -> None:
            try:
                await asking
            except Refusal:
                # Silent, paid, being checked, expired: whatever it is, nothing may have moved but what was paid.
                return

        self.town.runner.run(ask())
        faults.clear()
        self.take_what_was_credited()

    def take_what_was_credited(self) -> None:
        """Say by arithmetic where each payment that came goes, in the order in which they were written."""

        written = (
            select(func.min(Posting.id))
            .where(Posting.transaction_id == PaymentAttempt.transaction_id)
            .scalar_subquery()
        )
        wanted = (
            select(PaymentAttempt, Cart.token)
            .join(Cart, Cart.id == PaymentAttempt.cart_id)
            .where(self.is_mine(), PaymentAttempt.transaction_id.is_not(None))
            .where(PaymentAttempt.refdet.not_in(self.credited))
            .order_by(written)
        )

        async def look(db: AsyncSession) -> list[tuple[PaymentAttempt, str]]:
            return [(attempt, token) for attempt, token in await db.execute(wanted)]

        by_reference = {each.asked["refdet"]: each for each in self.operations()}
        for attempt, token in self.read(look):
            operation = by_reference[attempt.refdet]
            assert operation.result in (Result.PAID_BY_CARD, Result.PAID_BY_DEBIT), "only what is paid is credited"
            assert operation.amount_cents == attempt.received_cents
            self.credited.add(attempt.refdet)
            shares = [(UUID(account), cents) for account, cents, _ in attempt.shares]
            assert sum(cents for _, cents in shares) == int(operation.asked["montant"])
            self.move(self.legs_of_a_payment(token, operation.amount_cents, shares))

    def legs_of_a_payment(self, token: str, received: int, shares: list[Leg]) -> list[Leg]:
        """Return where a payment goes that was asked for `shares`: to the cart once, and the rest waits."""
        legs: list[Leg] = []
        if token not in self.settled and received == sum(cents for _, cents in shares):
            self.settled.add(token)
            for account, cents in shares:
                legs.append((account, min(cents, self.due(account)) if account in self.invoices else cents))
        placed = sum(cents for _, cents in legs)
        waiting, self.placed_online = received - placed, self.placed_online + placed
        return [*legs, (self.house.to_classify, waiting), (self.house.online, -received)]

    def is_mine(self) -> ColumnElement[bool]:
        return Cart.token.in_([token for token, _ in self.carts])

    def teardown(self) -> None:
        """Once there is no more to learn, every payment that PayFiP took is in the books, or stands on the list."""
        try:
            if self.carts:
                for hours in (0, 1, 2, 24, 26):
                    self.pass_time(hours=hours)
                    while self.town.runner.run(self.town.payments.poll()):
                        pass
                self.take_what_was_credited()
                self.read(self.compare)
                identified = self.read(self.identified)
                known = {refdet for refdet, is_listed in identified if not is_listed}
                took = (Result.PAID_BY_CARD, Result.PAID_BY_DEBIT)
                paid = {each.asked["refdet"] for each in self.operations() if each.result in took}
                assert paid & known <= self.credited <= paid
        finally:
            super().teardown()

    async def identified(self, db: AsyncSession) -> list[tuple[str, bool]]:
        """Return the references of operations whose identifier reached us, and whether somebody has to look at them.

        Of the others only a notification tells. Whoever was away for days, and then got no answer, asks no more.
        """
        rows = await db.execute(
            select(PaymentAttempt.refdet, PaymentAttempt.trouble.is_not(None))
            .join(Cart, Cart.id == PaymentAttempt.cart_id)
            .where(self.is_mine(), PaymentAttempt.idop.is_not(None))
        )
        return [(refdet, is_listed) for refdet, is_listed in rows]

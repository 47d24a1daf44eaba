"""One life of public money: what plain arithmetic says of it, how a step reaches the database, and the comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from sqlalchemy import func, literal, select, text, union_all, update
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import Refusal
from cvq_core.ledger.tables import Posting, Receivable, Wallet
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import Receipt, Remittance
from cvq_core.payables.rules import Payable
from cvq_core.payments.tables import Cart, PaymentAttempt
from tests.core_examples import NOW
from tests.integration.core.money.town import ENTRY, FLOAT, MEAL, House, Town, build_house

Answer = TypeVar("Answer")
CENTS = st.one_of(st.integers(1, 350_00), st.sampled_from([ENTRY, MEAL, 10_00, 20_00, 100_00]))
PICK = st.integers(0, 1000)
LOSS = st.sampled_from(["none"] * 7 + ["before", "within", "after"])
Leg = tuple[UUID, int]


class Lost(Exception):
    """The connection is gone."""


def slug_of(answer: object) -> str | None:
    return answer.slug if isinstance(answer, Refusal) else None


def opposite(legs: Iterable[Leg]) -> list[Leg]:
    return [(account, -cents) for account, cents in legs]


class Life(RuleBasedStateMachine):
    """`held` is what every account of the life holds by arithmetic, in cents: plus is credit, minus is debit.

    `waiting` is what closed drawers took by other means and no slip carries, in cents.
    """

    town: Town
    house: House

    def __init__(self) -> None:
        super().__init__()
        self.held: Counter[UUID] = Counter()
        self.invoices: list[UUID] = []
        self.numbers = self.slip_numbers = 0
        self.drawer: UUID | None = None
        self.is_open = False
        self.float = self.counted = 0
        self.waiting: Counter[Means] = Counter()
        self.is_ready = False

    @initialize()
    def begin(self) -> None:
        self.town.hour.now = NOW
        # Lives follow each other: what is written from here on is this one's.
        self.first_posting = self.last_posting = self.read(self.newest_posting)
        self.house = self.write(lambda db: build_house(db, self.town))
        # The places got their floats from the comptable: that is all there is.
        for place in (self.house.school, self.house.main):
            self.move([(place.float, FLOAT), (place.safe, -FLOAT)])
        self.is_ready = True

    def teardown(self) -> None:
        """Nobody asks PayFiP about this life any more."""

        async def forget(db: AsyncSession) -> None:
            mine = select(Cart.id).where(Cart.sub_office_id == self.house.main.id)
            await db.execute(update(PaymentAttempt).where(PaymentAttempt.cart_id.in_(mine)).values(next_ask_at=None))

        if self.is_ready:
            self.write(forget)
        self.town.virtual.faults.clear()
        self.town.virtual.operations.clear()

    # How a step reaches the database.

    def write(self, act: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
        async def inside() -> Answer:
            async with self.town.database.write() as db:
                return await act(db)

        return self.town.runner.run(inside())

    def read(self, look: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
        async def inside() -> Answer:
            async with self.town.database.read() as db:
                return await look(db)

        return self.town.runner.run(inside())

    def attempt(self, act: Callable[[AsyncSession], Awaitable[Answer]], loss: str = "none") -> Answer | Refusal:
        """Do a step; whoever lost the line, before or after the commit, asks again with the same ids."""

        async def cut_off(db: AsyncSession) -> None:
            await act(db)
            if loss == "within" and not self.town.database.is_sqlite:
                await db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            raise Lost

        try:
            if loss in ("before", "within"):
                with pytest.raises((Lost, DBAPIError, PendingRollbackError)):
                    self.write(cut_off)
            elif loss == "after":
                self.write(act)
            return self.write(act)
        except Refusal as refusal:
            return refusal

    # What arithmetic says.

    def move(self, legs: Iterable[Leg]) -> None:
        """Note what a step moved: it adds up to nothing."""
        legs = list(legs)
        assert sum(cents for _, cents in legs) == 0
        for account, cents in legs:
            self.held[account] += cents

    def would_refuse(self, legs: Iterable[Leg]) -> str | None:
        """Return the slug under which the ledger refuses these legs, if it does."""
        changes: Counter[UUID] = Counter()
        for account, cents in legs:
            changes[account] += cents
        for account in (self.house.pool, self.house.neighbours):
            if changes[account] < 0 and self.held[account] + changes[account] < 0:
                return "insufficient-funds"
        if any(self.held[invoice] + changes[invoice] > 0 for invoice in self.invoices if changes[invoice]):
            return "more-than-due"
        return None

    def due(self, invoice: UUID) -> int:
        return -self.held[invoice]

    @property
    def cash(self) -> int:
        """What is in the drawer."""
        return -self.held[self.drawer] if self.drawer else 0

    @property
    def in_safe(self) -> int:
        return -self.held[self.house.school.safe]

    def taken(self, answer: object) -> None:
        """A receipt was given: the next number."""
        assert isinstance(answer, Receipt)
        self.numbers += 1
        assert answer.number == self.numbers

    def slip(self, answer: object) -> None:
        assert isinstance(answer, Remittance)
        self.slip_numbers += 1
        assert answer.number == self.slip_numbers

    # What the books say.

    async def newest_posting(self, db: AsyncSession) -> int:
        return int(await db.scalar(select(func.max(Posting.id))) or 0)

    async def folds(self, db: AsyncSession) -> dict[UUID, tuple[int, int | None]]:
        """Return every account that the life touched with the fold of its postings and the balance kept of it."""
        folded = (
            select(Posting.account_id, func.sum(Posting.amount_cents).label("cents"))
            .where(Posting.id > self.first_posting)
            .group_by(Posting.account_id)
            .subquery()
        )
        kept = func.coalesce(Wallet.balance_cents, Receivable.balance_cents)
        rows = await db.execute(
            select(folded.c.account_id, folded.c.cents, kept)
            .outerjoin(Wallet, Wallet.id == folded.c.account_id)
            .outerjoin(Receivable, Receivable.id == folded.c.account_id)
        )
        return {account: (int(cents), balance) for account, cents, balance in rows}

    async def unbalanced(self, db: AsyncSession) -> list[UUID]:
        """Return the transactions since the step before that do not add up."""
        columns = (Posting.transaction_id, func.sum(Posting.amount_cents), func.count(), func.max(Posting.id))
        since = select(*columns).where(Posting.id > self.last_posting).group_by(Posting.transaction_id)
        rows = (await db.execute(since)).all()
        self.last_posting = max((newest for *_, newest in rows), default=self.last_posting)
        return [transaction for transaction, cents, legs, _ in rows if cents or legs < 2]

    async def papers(self, db: AsyncSession) -> dict[str, tuple[int, int]]:
        """Return how many receipts and slips there are, and the last number of each."""
        school, office = self.house.school.id, self.house.office
        receipts = select(literal("receipts"), func.count(), func.max(Receipt.number))
        slips = select(literal("slips"), func.count(), func.max(Remittance.number))
        both = union_all(receipts.where(Receipt.sub_office_id == school), slips.where(Remittance.office_id == office))
        return {name: (number, last or 0) for name, number, last in await db.execute(both)}

    @invariant()
    def the_books_say_what_arithmetic_says(self) -> None:
        if self.is_ready:
            self.read(self.compare)

    async def compare(self, db: AsyncSession) -> None:
        """Sum zero, balance = fold = arithmetic, nothing forbidden below zero, papers gapless, drawer = postings."""
        assert await self.unbalanced(db) == []
        folds = await self.folds(db)
        told = {account: cents for account, cents in self.held.items() if cents}
        assert {account: cents for account, (cents, _) in folds.items() if cents} == told
        assert all(balance in (None, cents) for cents, balance in folds.values())
        assert min(self.held[self.house.pool], self.held[self.house.neighbours]) >= 0
        assert all(self.held[invoice] <= 0 for invoice in self.invoices)
        assert min(self.in_safe, self.cash) >= 0
        numbers = {"receipts": self.numbers, "slips": self.slip_numbers}
        assert await self.papers(db) == {name: (last, last) for name, last in numbers.items()}

    def pass_time(self, **by: float) -> None:
        self.town.hour.now += timedelta(**by)

    @staticmethod
    def total(payables: Iterable[Payable]) -> int:
        return sum(each.amount_cents for each in payables)

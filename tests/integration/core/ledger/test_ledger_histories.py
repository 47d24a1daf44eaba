"""Random lives of a ledger, committed step by step: whatever happens and is lost, the books say what they must.

A family has a wallet that refuses, one that owes, and invoices; a neighbour has a wallet too. What a step should do is
plain arithmetic here; a connection may be lost before a commit, in the middle of it, or after it and before the answer.
After every step each balance is the fold of its postings and is what arithmetic says, nothing that may not be is below
zero or overpaid, and all postings add up to zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.batch import post_all
from cvq_core.ledger.checkpoints import write_checkpoints
from cvq_core.ledger.revenue import revenue_accounts
from cvq_core.ledger.rules import (
    AccountKind,
    AlreadyReversed,
    IdempotencyMismatch,
    InsufficientFunds,
    MoreThanDue,
    NewTransaction,
    UnbalancedTransaction,
    UnknownLedgerAccount,
)
from cvq_core.ledger.store import Posted, balance_of, post, reverse
from cvq_core.ledger.tables import LedgerTransaction, Posting, Receivable, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.services.rules import ServiceCode
from cvq_core.wallets.moves import move_money
from cvq_core.wallets.rules import NotEnoughToMove, SameWallet, WalletsOfTwoFamilies
from tests.core_examples import NOW, create_family, create_ledger_account, create_services, create_wallet, transaction

Answer = TypeVar("Answer")
CENTS = st.integers(1, 20_000)
PICK = st.integers(0, 1000)
LOSS = st.sampled_from(["none", "none", "none", "before", "within", "after"])
INVOICES_MAX = 5


class Lost(Exception):
    """The connection is gone."""


@dataclass(frozen=True)
class Town:
    """What is there once for all lives: the accounts that every payment touches."""

    database: Database
    runner: asyncio.Runner
    revenue: UUID
    drawer: UUID
    canteen_revenue: UUID


class Life(RuleBasedStateMachine):
    """`held` is what arithmetic says of every account of this life, in cents, plus being credit."""

    town: Town

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[UUID, int] = {}
        self.done: list[NewTransaction] = []
        self.undone: set[UUID] = set()
        self.invoices: list[UUID] = []

    @initialize()
    def begin(self) -> None:
        async def open_wallets(db: AsyncSession) -> tuple[UUID, list[UUID]]:
            numbers = int(await db.scalar(select(func.count()).select_from(Wallet)) or 0)
            family = await create_family(db, f"F{numbers:07}")
            neighbour = await create_family(db, f"G{numbers:07}")
            wallets = [
                await create_wallet(db, family.id, ServiceCode.POOL),
                await create_wallet(db, family.id, ServiceCode.CANTEEN),
                await create_wallet(db, neighbour.id, ServiceCode.POOL),
            ]
            return family.id, [wallet.id for wallet in wallets]

        self.family, self.wallets = self.write(open_wallets)
        self.pool, self.canteen, self.neighbours = self.wallets
        self.held = dict.fromkeys(self.wallets, 0)
        shared = (self.town.revenue, self.town.drawer, self.town.canteen_revenue)
        self.held_before = {
            account: self.read(lambda db, account=account: self.fold(db, account)) for account in shared
        }
        self.held |= self.held_before

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
        """Do a step; whoever lost the line asks again, with the same ids."""

        async def cut_off(db: AsyncSession) -> None:
            await act(db)
            if loss == "within" and not self.town.database.is_sqlite:
                await db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            raise Lost

        try:
            if loss in ("before", "within"):
                with pytest.raises((Lost, DBAPIError)):
                    self.write(cut_off)
            elif loss == "after":
                self.write(act)
            return self.write(act)
        except Refusal as refusal:
            return refusal

    async def fold(self, db: AsyncSession, account: UUID) -> int:
        return int(await db.scalar(select(func.sum(Posting.amount_cents)).where(Posting.account_id == account)) or 0)

    # What arithmetic says.

    def refused(self, asked: NewTransaction) -> type[Refusal] | None:
        changes: dict[UUID, int] = {}
        for leg in asked.postings:
            changes[leg.account_id] = changes.get(leg.account_id, 0) + leg.amount_cents
        for account, change in changes.items():
            if account in (self.pool, self.neighbours) and change < 0 and self.held[account] + change < 0:
                return InsufficientFunds
        for account, change in changes.items():
            if account in self.invoices and self.held[account] + change > 0:
                return MoreThanDue
        return None

    def take(self, asked: NewTransaction) -> None:
        self.done.append(asked)
        for leg in asked.postings:
            self.held[leg.account_id] += leg.amount_cents

    def post(self, loss: str, *legs: tuple[UUID, int]) -> None:
        asked = transaction(*legs)
        expected = self.refused(asked)
        answer = self.attempt(lambda db: post(db, asked, now=NOW), loss)
        if expected is not None:
            assert type(answer) is expected
            return
        assert isinstance(answer, Posted)
        assert answer.replayed == (loss == "after")
        self.take(asked)
        assert answer.balances == {
            account: self.held[account]
            for account in dict.fromkeys(account for account, _ in legs)
            if account in self.wallets or account in self.invoices
        }

    # The steps.

    @rule(which=st.integers(0, 2), cents=CENTS, loss=LOSS)
    def top_up(self, which: int, cents: int, loss: str) -> None:
        self.post(loss, (self.wallets[which], cents), (self.town.drawer, -cents))

    @rule(which=st.integers(0, 2), cents=CENTS, loss=LOSS)
    def use_a_service(self, which: int, cents: int, loss: str) -> None:
        self.post(loss, (self.wallets[which], -cents), (self.town.revenue, cents))

    @precondition(lambda self: len(self.invoices) < INVOICES_MAX)
    @rule(cents=CENTS, loss=LOSS)
    def invoice(self, cents: int, loss: str) -> None:
        key = new_id()
        answer = self.attempt(
            lambda db: issue_invoice(
                db,
                key,
                family_account_id=self.family,
                label="Cantine de mars",
                lines=[Line(ServiceCode.CANTEEN, "Repas", 1, cents)],
                due_on=local_day(NOW) + timedelta(days=30),
                now=NOW,
            ),
            loss,
        )
        assert not isinstance(answer, Refusal)
        self.invoices.append(key)
        self.held[key] = -cents
        self.held[self.town.canteen_revenue] += cents

    @precondition(lambda self: self.invoices)
    @rule(pick=PICK, cents=CENTS, exact=st.booleans(), payer=st.integers(-1, 1), loss=LOSS)
    def pay_an_invoice(self, pick: int, cents: int, exact: bool, payer: int, loss: str) -> None:
        invoice = self.invoices[pick % len(self.invoices)]
        cents = -self.held[invoice] if exact and self.held[invoice] else cents
        source = self.town.drawer if payer < 0 else self.wallets[payer]
        self.post(loss, (source, -cents), (invoice, cents))

    @rule(one=st.integers(0, 2), other=st.integers(0, 2), cents=CENTS, loss=LOSS)
    def move_between_wallets(self, one: int, other: int, cents: int, loss: str) -> None:
        key, source, target = new_id(), self.wallets[one], self.wallets[other]
        answer = self.attempt(
            lambda db: move_money(
                db,
                key=key,
                family_account_id=self.family,
                from_wallet_id=source,
                to_wallet_id=target,
                amount_cents=cents,
                actor=SYSTEM,
                now=NOW,
            ),
            loss,
        )
        if one == other:
            assert isinstance(answer, SameWallet)
        elif self.neighbours in (source, target):
            assert isinstance(answer, WalletsOfTwoFamilies)
        elif self.held[source] < cents:
            assert isinstance(answer, NotEnoughToMove)
        else:
            assert isinstance(answer, Posted)
            self.take(transaction((source, -cents), (target, cents), transaction_id=key))

    @precondition(lambda self: self.done)
    @rule(pick=PICK, loss=LOSS)
    def undo(self, pick: int, loss: str) -> None:
        asked, key = self.done[pick % len(self.done)], new_id()
        opposite = transaction(*((leg.account_id, -leg.amount_cents) for leg in asked.postings), transaction_id=key)
        already = asked.id in self.undone
        expected = AlreadyReversed if already else self.refused(opposite)
        answer = self.attempt(
            lambda db: reverse(
                db, asked.id, reversal_id=key, label="Annulation", actor_kind="staff", actor_id=None, now=NOW
            ),
            loss,
        )
        if expected is not None:
            assert type(answer) is expected
            return
        assert isinstance(answer, Posted)
        self.take(opposite)
        self.undone |= {asked.id, key}

    @precondition(lambda self: self.done)
    @rule(pick=PICK, more=st.integers(0, 2))
    def ask_again(self, pick: int, more: int) -> None:
        """The same once more, later, gets its first answer; with other amounts it is refused."""
        first = self.done[pick % len(self.done)]
        legs = [(leg.account_id, leg.amount_cents) for leg in first.postings]
        if more:
            legs = [(account, cents + (more if cents > 0 else -more)) for account, cents in legs]

        async def again(db: AsyncSession) -> Posted:
            written = await db.get_one(LedgerTransaction, first.id)
            asked = transaction(*legs, transaction_id=first.id, kind=written.kind, label=written.label)
            return await post(db, _as_written(asked, written), now=NOW + timedelta(hours=1))

        answer = self.attempt(again)
        if more:
            # What is refused for its amounts is refused for its id first, if it comes that far.
            assert isinstance(answer, IdempotencyMismatch)
        else:
            assert isinstance(answer, Posted)
            assert answer.replayed

    @rule(
        legs=st.lists(st.tuples(st.integers(0, 2), st.integers(-20_000, 20_000).filter(bool)), min_size=1, max_size=6)
    )
    def post_many_at_once(self, legs: list[tuple[int, int]]) -> None:
        asked = [transaction((self.wallets[which], cents), (self.town.revenue, -cents)) for which, cents in legs]
        answers = self.attempt(lambda db: post_all(db, asked, now=NOW))
        assert not isinstance(answers, Refusal)
        for one, answer in zip(asked, answers, strict=True):
            expected = self.refused(one)
            if expected is None:
                self.take(one)
                assert isinstance(answer, Posted)
                wallet = one.postings[0].account_id
                assert answer.balances == {wallet: self.held[wallet]}
            else:
                assert type(answer) is expected

    @rule(cents=CENTS)
    def what_cannot_be_written(self, cents: int) -> None:
        wrong = transaction((self.canteen, -cents), (self.town.revenue, cents + 1))
        assert isinstance(self.attempt(lambda db: post(db, wrong, now=NOW)), UnbalancedTransaction)
        nowhere = transaction((self.canteen, -cents), (new_id(), cents))
        assert isinstance(self.attempt(lambda db: post(db, nowhere, now=NOW)), UnknownLedgerAccount)

    @rule()
    def write_a_checkpoint(self) -> None:
        self.town.runner.run(write_checkpoints(self.town.database, after=1))

    @invariant()
    def the_books_say_what_arithmetic_says(self) -> None:
        if not self.held:
            return

        async def look(db: AsyncSession) -> None:
            ids = list(self.held)
            rows = select(Posting.account_id, func.sum(Posting.amount_cents)).where(Posting.account_id.in_(ids))
            folds = dict.fromkeys(ids, 0) | {
                account: int(cents) for account, cents in await db.execute(rows.group_by(Posting.account_id))
            }
            assert folds == self.held
            wallets = select(Wallet.id, Wallet.balance_cents).where(Wallet.id.in_(self.wallets))
            dues = select(Receivable.id, Receivable.balance_cents).where(Receivable.id.in_(self.invoices))
            running = {row[0]: row[1] for found in (wallets, dues) for row in await db.execute(found)}
            assert running == {account: self.held[account] for account in (*self.wallets, *self.invoices)}
            assert min(running[self.pool], running[self.neighbours]) >= 0
            assert all(running[invoice] <= 0 for invoice in self.invoices)
            assert await db.scalar(select(func.sum(Posting.amount_cents))) in (0, None)
            assert await balance_of(db, self.town.revenue) == self.held[self.town.revenue]
            assert await balance_of(db, self.town.drawer) == -self.held[self.town.drawer]

        self.read(look)


def _as_written(asked: NewTransaction, written: LedgerTransaction) -> NewTransaction:
    return NewTransaction(
        id=asked.id,
        kind=written.kind,
        label=written.label,
        occurred_at=NOW,
        postings=asked.postings,
        actor_kind=written.actor_kind,
        actor_id=written.actor_id,
        reverses_id=written.reverses_id,
        reference=written.reference,
        visit_id=written.visit_id,
    )


def live(database_url: str, examples: int, steps: int) -> None:
    """Live so many lives in one database, and prove at the end all that `cvq check` proves."""
    with asyncio.Runner() as runner:
        database = Database(database_url)
        if database.is_sqlite:
            # No power is cut here: what is tested is not whether the disk keeps what it was given.
            event.listen(database.engine.sync_engine, "connect", _without_waiting_for_the_disk)

        async def build() -> Town:
            async with database.write() as db:
                await create_services(db)
                return Town(
                    database=database,
                    runner=runner,
                    revenue=await create_ledger_account(db),
                    drawer=await create_ledger_account(db, AccountKind.DRAWER),
                    canteen_revenue=(await revenue_accounts(db, {ServiceCode.CANTEEN}, NOW))[ServiceCode.CANTEEN],
                )

        async def prove() -> list[str]:
            async with database.read() as db:
                return await verify(db)

        try:
            Life.town = runner.run(build())
            run_state_machine_as_test(
                Life,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    derandomize=True,
                    phases=[Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
            assert runner.run(prove()) == []
        finally:
            runner.run(database.close())


def _without_waiting_for_the_disk(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined] # the driver's own, which has no type
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


def test_whatever_happens_to_a_ledger_and_whatever_is_lost_the_books_balance(database_url: str) -> None:
    live(database_url, examples=40 if database_url.startswith("sqlite") else 20, steps=20)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_the_books_balance_through_a_thousand_long_lives(database_url: str) -> None:
    live(database_url, examples=1000, steps=50)

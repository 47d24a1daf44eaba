"""Random days of a counter: whatever happens in whatever order, the books say after every step what arithmetic says.

The family and the counter are there once for all histories; each history runs in one transaction that is rolled back,
each step in a savepoint of it. The whole proof of `cvq check` is made at the end of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.ledger.rules import (
    AlreadyReversed,
    IdempotencyMismatch,
    InsufficientFunds,
    NewTransaction,
    TransactionKind,
)
from cvq_core.ledger.store import Posted, balance_of, post, reverse
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import (
    CashPaymentTooLarge,
    DrawerClosed,
    Means,
    Officer,
    ReceiptDrawerClosed,
    ReceiptNotVoidable,
)
from cvq_core.offices.service import collect, void
from cvq_core.offices.tables import Drawer, Receipt
from cvq_core.offices.verify import verify_offices
from cvq_core.payables.rules import Payable
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    NOW,
    create_counter,
    create_family,
    create_ledger_account,
    create_officer,
    create_services,
    create_wallet,
    top_up,
    transaction,
)

EXAMPLES = {"sqlite": 200, "postgresql": 30}
STEPS = 8
Answer = TypeVar("Answer")
Act = tuple[Callable[..., None], dict[str, object]]
CENTS = st.integers(1, 350_00)
PICK = st.integers(0, 1000)


@dataclass(frozen=True)
class House:
    """A family with a pool wallet that refuses and a canteen wallet that owes, and a counter with its mandatary."""

    wallets: tuple[UUID, UUID]
    revenue: UUID
    odile: Officer
    place: UUID


async def build_house(database: Database) -> House:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        odile = await create_officer(db)
        return House(
            wallets=(
                (await create_wallet(db, family.id, ServiceCode.POOL)).id,
                (await create_wallet(db, family.id, ServiceCode.CANTEEN)).id,
            ),
            revenue=await create_ledger_account(db),
            odile=odile,
            place=(await create_counter(db, odile)).id,
        )


class CounterDay:
    """`balances` and `cash` are what plain arithmetic says; the books must say the same."""

    def __init__(self, database: Database, runner: asyncio.Runner, house: House) -> None:
        self.runner, self.house = runner, house
        self.db = AsyncSession(database.engine, expire_on_commit=False)
        self.receipts: list[tuple[Receipt, list[Payable], Means]] = []
        self.uses: list[NewTransaction] = []
        self.undone: set[UUID] = set()
        self.numbers = 0
        self.balances = dict.fromkeys(house.wallets, 0)
        self.runner.run(self._open_drawer(2000))

    async def _open_drawer(self, float_cents: int) -> None:
        self.drawer = new_id()
        await open_drawer(
            self.db,
            self.drawer,
            sub_office_id=self.house.place,
            officer=self.house.odile,
            float_cents=float_cents,
            now=NOW,
        )
        self.is_open, self.cash = True, float_cents

    def attempt(self, act: Callable[[], Awaitable[Answer]]) -> Answer | Refusal:
        """Do a step in a savepoint; a refusal takes back whatever it had begun."""

        async def inside() -> Answer | Refusal:
            try:
                async with self.db.begin_nested():
                    return await act()
            except Refusal as refusal:
                return refusal

        return self.runner.run(inside())

    def _collect(self, key: UUID, top_ups: list[Payable], means: Means, tendered: int) -> Receipt | Refusal:
        return self.attempt(
            lambda: collect(
                self.db,
                key=key,
                drawer_id=self.drawer,
                payables=top_ups,
                means=means,
                tendered_cents=tendered,
                officer=self.house.odile,
                now=NOW,
            )
        )

    def top_up(self, cents: list[int], means: Means, extra: int) -> None:
        top_ups = [top_up(*each) for each in zip(self.house.wallets, cents, strict=False)]
        total = sum(cents)
        answer = self._collect(new_id(), top_ups, means, total + (extra if means is Means.CASH else 0))
        if not self.is_open:
            assert isinstance(answer, DrawerClosed)
        elif means is Means.CASH and total > 300_00:
            assert isinstance(answer, CashPaymentTooLarge)
        else:
            assert isinstance(answer, Receipt)
            self._numbered(answer)
            self.receipts.append((answer, top_ups, means))
            self._add(top_ups, means, 1)

    def _numbered(self, receipt: Receipt) -> None:
        self.numbers += 1
        assert receipt.number == self.numbers

    def _add(self, top_ups: list[Payable], means: Means, sign: int) -> None:
        for each in top_ups:
            self.balances[each.id] += sign * each.amount_cents
            if means is Means.CASH:
                self.cash += sign * each.amount_cents

    def ask_again_for_a_receipt(self, pick: int, more: int) -> None:
        if self.receipts:
            receipt, top_ups, means = self.receipts[pick % len(self.receipts)]
            changed = [top_up(top_ups[0].id, top_ups[0].amount_cents + more), *top_ups[1:]]
            answer = self._collect(receipt.id, changed, means, receipt.tendered_cents)
            same = not more and receipt.drawer_id == self.drawer
            if same:
                assert isinstance(answer, Receipt)
                assert answer.id == receipt.id
            else:
                assert isinstance(answer, IdempotencyMismatch)

    def void_a_receipt(self, pick: int) -> None:
        if self.receipts:
            receipt, top_ups, means = self.receipts[pick % len(self.receipts)]
            answer = self.attempt(
                lambda: void(self.db, key=new_id(), receipt_id=receipt.id, reason="", officer=self.house.odile, now=NOW)
            )
            if receipt.id in self.undone:
                assert isinstance(answer, ReceiptNotVoidable)
            elif receipt.drawer_id != self.drawer or not self.is_open:
                assert isinstance(answer, ReceiptDrawerClosed)
            elif self._pool_would_owe(top_ups):
                assert isinstance(answer, InsufficientFunds)
            else:
                assert isinstance(answer, Receipt)
                self._numbered(answer)
                self.undone.add(receipt.id)
                self._add(top_ups, means, -1)

    def _pool_would_owe(self, top_ups: list[Payable]) -> bool:
        pool = self.house.wallets[0]
        return any(each.id == pool and self.balances[pool] < each.amount_cents for each in top_ups)

    def use_a_service(self, which: int, cents: int) -> None:
        wallet = self.house.wallets[which]
        asked = transaction((wallet, -cents), (self.house.revenue, cents))
        answer = self.attempt(lambda: post(self.db, asked, now=NOW))
        if which == 0 and self.balances[wallet] < cents:
            assert isinstance(answer, InsufficientFunds)
        else:
            assert isinstance(answer, Posted)
            self.balances[wallet] -= cents
            self.uses.append(asked)
            assert answer.balances == {wallet: self.balances[wallet]}

    def ask_again_for_a_use(self, pick: int) -> None:
        if self.uses:
            asked = self.uses[pick % len(self.uses)]
            answer = self.attempt(lambda: post(self.db, asked, now=NOW))
            assert isinstance(answer, Posted)
            assert answer.replayed

    def undo_a_use(self, pick: int) -> None:
        if self.uses:
            use = self.uses[pick % len(self.uses)]
            answer = self.attempt(
                lambda: reverse(
                    self.db,
                    use.id,
                    reversal_id=new_id(),
                    label="Annulation",
                    actor_kind="staff",
                    actor_id=self.house.odile.staff_id,
                    now=NOW,
                )
            )
            if use.id in self.undone:
                assert isinstance(answer, AlreadyReversed)
            else:
                assert isinstance(answer, Posted)
                assert use.kind is TransactionKind.USE
                self.undone.add(use.id)
                self.balances[use.postings[0].account_id] -= use.postings[0].amount_cents

    def close_on_a_count(self, off_by: int) -> None:
        counted = max(0, self.cash + off_by) if self.is_open else 1
        # Only the second close of a drawer may find that it was closed on another count.
        answer = self.attempt(
            lambda: close_drawer(self.db, self.drawer, counted=_coins(counted), officer=self.house.odile, now=NOW)
        )
        if self.is_open:
            assert isinstance(answer, Drawer)
            assert answer.difference_cents == counted - self.cash
            self.is_open, self.cash, self.counted = False, 0, counted
        else:
            assert isinstance(answer, Drawer if counted == self.counted else DrawerClosed)

    def open_the_next_drawer(self, float_cents: int) -> None:
        if not self.is_open:
            self.runner.run(self._open_drawer(float_cents))

    async def compare(self) -> None:
        """Assert that wallets and drawer hold what arithmetic says."""
        wallets = await wallets_by_id(self.db, self.house.wallets)
        assert {wallet_id: wallet.balance_cents for wallet_id, wallet in wallets.items()} == self.balances
        assert await balance_of(self.db, self.drawer) == self.cash

    async def prove(self) -> None:
        """Assert all that `cvq check` asserts."""
        assert [*await verify(self.db), *await verify_offices(self.db)] == []


def _coins(cents: int) -> dict[int, int]:
    return {50000: cents // 50000, 100: cents % 50000 // 100, 1: cents % 100}


def act(method: Callable[..., None], **arguments: st.SearchStrategy[object]) -> st.SearchStrategy[Act]:
    return st.tuples(st.just(method), st.fixed_dictionaries(arguments))


HISTORIES = st.lists(
    st.one_of(
        act(
            CounterDay.top_up,
            cents=st.lists(CENTS, min_size=1, max_size=2),
            means=st.sampled_from([Means.CASH, Means.CHEQUE]),
            extra=st.integers(0, 50_00),
        ),
        act(CounterDay.use_a_service, which=st.integers(0, 1), cents=CENTS),
        act(CounterDay.void_a_receipt, pick=PICK),
        act(CounterDay.ask_again_for_a_receipt, pick=PICK, more=st.integers(0, 1)),
        act(CounterDay.ask_again_for_a_use, pick=PICK),
        act(CounterDay.undo_a_use, pick=PICK),
        act(CounterDay.close_on_a_count, off_by=st.integers(-3, 3)),
        act(CounterDay.open_the_next_drawer, float_cents=st.integers(0, 5000)),
    ),
    min_size=STEPS,
    max_size=2 * STEPS,
)


def test_whatever_happens_at_a_counter_the_books_balance(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url)
        house = runner.run(build_house(database))

        @settings(
            max_examples=EXAMPLES[database.url.get_backend_name()],
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(HISTORIES)
        def live(history: list[Act]) -> None:
            day = CounterDay(database, runner, house)
            try:
                for step, arguments in history:
                    step(day, **arguments)
                    runner.run(day.compare())
                runner.run(day.prove())
            finally:
                runner.run(day.db.close())

        try:
            live()
        finally:
            runner.run(database.close())


@pytest.mark.parametrize("cents", [0, 1, 99, 50000, 123456])
def test_the_coins_of_these_tests_add_up(cents: int) -> None:
    assert sum(coin * number for coin, number in _coins(cents).items()) == cents

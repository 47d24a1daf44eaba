"""Random days of a sub-office: whatever happens in whatever order, the books say after every step what arithmetic says.

Drawers open, collect for wallets and invoices by several means below a ceiling, void and close; what is in the safe is
remitted, taken back, integrated, sent back and passed on to the comptable.

The family and the counter are there once for all histories; each history runs in one transaction that is rolled back,
each step in a savepoint of it. The whole proof of `cvq check` is made at the end of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import invoices_by_id, issue_invoice
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.rules import (
    AlreadyReversed,
    IdempotencyMismatch,
    InsufficientFunds,
    MoreThanDue,
    NewTransaction,
    TransactionKind,
)
from cvq_core.ledger.store import Posted, balance_of, post, reverse
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.offices.ceiling_rules import CeilingReached
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.integrations import integrate, send_back
from cvq_core.offices.remittance_rules import (
    AlreadyDecided,
    CountDiffers,
    NothingToRemit,
    RemittanceCancelled,
    RemittedTooMuch,
)
from cvq_core.offices.remittances import cancel_remittance, remit
from cvq_core.offices.rules import (
    NO_DETAILS,
    CashPaymentTooLarge,
    DrawerClosed,
    FloatNotInSafe,
    MandateTitle,
    Means,
    MeansDetails,
    Officer,
    ReceiptDrawerClosed,
    ReceiptNotVoidable,
    VoucherCount,
    VoucherNotForService,
)
from cvq_core.offices.service import collect, void
from cvq_core.offices.store import appoint, create_sub_office, treasury_id
from cvq_core.offices.tables import Drawer, Integration, Receipt, Remittance
from cvq_core.offices.verify import verify_offices
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    NOW,
    TODAY,
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
STEPS = 10
FLOAT, CEILING = 5000, 600_00
Answer = TypeVar("Answer")
Act = tuple[Callable[..., None], dict[str, object]]
CENTS = st.integers(1, 350_00)
PICK = st.integers(0, 1000)


@dataclass(frozen=True)
class House:
    """A family with a pool wallet that refuses and a canteen wallet that owes, and a counter with its mandatary.

    The place may hold `CEILING` without its float; its office's own counter has Benoît as the officer.
    """

    family: UUID
    wallets: tuple[UUID, UUID]
    revenue: UUID
    odile: Officer
    place: UUID
    safe: UUID
    benoit: Officer
    main: UUID
    office: UUID


async def build_house(database: Database) -> House:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        odile, benoit = await create_officer(db), await create_officer(db, "benoit", "Benoît Rousseau")
        main = await create_counter(db, benoit, title=MandateTitle.OFFICER, is_main=True)
        place = await create_sub_office(
            db,
            sub_office_id=new_id(),
            office_id=main.office_id,
            code="POM-ECOLE",
            label="École de Pompaire",
            float_cents=FLOAT,
            services=[ServiceCode.POOL, ServiceCode.CANTEEN],
            means=[Means.CASH, Means.CHEQUE, Means.ANCV],
            now=NOW,
        )
        place.ceiling_cents, place.ceiling_refuses = CEILING, True
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=odile.staff_id,
            sub_office_id=place.id,
            title=MandateTitle.MANDATARY,
            valid_from=TODAY,
        )
        return House(
            family=family.id,
            wallets=(
                (await create_wallet(db, family.id, ServiceCode.POOL)).id,
                (await create_wallet(db, family.id, ServiceCode.CANTEEN)).id,
            ),
            revenue=await create_ledger_account(db),
            odile=odile,
            place=place.id,
            safe=place.safe_account_id,
            benoit=benoit,
            main=main.id,
            office=main.office_id,
        )


class CounterDay:
    """`balances`, `cash`, `in_safe` and the rest are what plain arithmetic says; the books must say the same.

    `waiting` is what closed drawers took by other means and no slip carries; a slip is its remittance with what it
    carries, and `stage` says how far it went: "sent", "kept" (integrated), "passed" (on to the comptable) or "back".
    """

    def __init__(self, database: Database, runner: asyncio.Runner, house: House) -> None:
        self.runner, self.house = runner, house
        self.db = AsyncSession(database.engine, expire_on_commit=False)
        self.receipts: list[tuple[Receipt, list[Payable], Means]] = []
        self.uses: list[NewTransaction] = []
        self.undone: set[UUID] = set()
        self.numbers = self.slip_numbers = 0
        self.balances = dict.fromkeys(house.wallets, 0)
        self.due: dict[UUID, int] = {}
        self.in_safe = FLOAT
        self.taken: dict[Means, int] = {}
        self.waiting: dict[Means, int] = {}
        self.slips: list[tuple[Remittance, dict[Means, int]]] = []
        self.stage: dict[UUID, str] = {}
        self.at_main = self.paid_over = 0
        self.runner.run(self._open_drawer(2000))

    async def _open_drawer(self, float_cents: int) -> None:
        drawer_id = new_id()
        await open_drawer(
            self.db,
            drawer_id,
            sub_office_id=self.house.place,
            officer=self.house.odile,
            float_cents=float_cents,
            now=NOW,
        )
        self.drawer = drawer_id
        self.is_open, self.cash, self.float = True, float_cents, float_cents
        self.in_safe -= float_cents

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
                details=_details(means, tendered),
                officer=self.house.odile,
                now=NOW,
            )
        )

    def issue_an_invoice(self, cents: int) -> None:
        line = Line(ServiceCode.CANTEEN, "Repas", 1, cents)
        answer = self.attempt(
            lambda: issue_invoice(
                self.db,
                new_id(),
                family_account_id=self.house.family,
                label="Mars",
                lines=[line],
                due_on=TODAY,
                now=NOW,
            )
        )
        assert isinstance(answer, Invoice)
        self.due[answer.id] = cents

    def pay_an_invoice(self, pick: int, cents: int, means: Means) -> None:
        if self.due:
            invoice_id = list(self.due)[pick % len(self.due)]
            answer = self._collect(new_id(), [Payable(PayableKind.INVOICE, invoice_id, cents)], means, cents)
            self._answered(answer, [Payable(PayableKind.INVOICE, invoice_id, cents)], means)

    def top_up(self, cents: list[int], means: Means, extra: int) -> None:
        top_ups = [top_up(*each) for each in zip(self.house.wallets, cents, strict=False)]
        total = sum(cents)
        answer = self._collect(new_id(), top_ups, means, total + (extra if means is Means.CASH else 0))
        self._answered(answer, top_ups, means)

    def _answered(self, answer: Receipt | Refusal, payables: list[Payable], means: Means) -> None:
        """Compare the answer to a collection with what it must be."""
        total = sum(each.amount_cents for each in payables)
        too_much = any(each.id in self.due and each.amount_cents > self.due[each.id] for each in payables)
        if not self.is_open:
            assert isinstance(answer, DrawerClosed)
        elif too_much:
            assert isinstance(answer, MoreThanDue)
        elif means is Means.CASH and total > 300_00:
            assert isinstance(answer, CashPaymentTooLarge)
        elif means is Means.ANCV and any(each.id != self.house.wallets[0] for each in payables):
            assert isinstance(answer, VoucherNotForService)
        elif means is Means.CASH and self.cash + self.in_safe - FLOAT + total > CEILING:
            assert isinstance(answer, CeilingReached)
        else:
            assert isinstance(answer, Receipt)
            self._numbered(answer)
            self.receipts.append((answer, payables, means))
            self._add(payables, means, 1)

    def _numbered(self, receipt: Receipt) -> None:
        self.numbers += 1
        assert receipt.number == self.numbers

    def _add(self, top_ups: list[Payable], means: Means, sign: int) -> None:
        for each in top_ups:
            if each.kind is PayableKind.WALLET:
                self.balances[each.id] += sign * each.amount_cents
            else:
                self.due[each.id] -= sign * each.amount_cents
            if means is Means.CASH:
                self.cash += sign * each.amount_cents
            else:
                self.taken[means] = self.taken.get(means, 0) + sign * each.amount_cents

    def ask_again_for_a_receipt(self, pick: int, more: int) -> None:
        if self.receipts:
            receipt, top_ups, means = self.receipts[pick % len(self.receipts)]
            changed = [replace(top_ups[0], amount_cents=top_ups[0].amount_cents + more), *top_ups[1:]]
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
            self.in_safe += counted
            for means, cents in self.taken.items():
                self.waiting[means] = self.waiting.get(means, 0) + cents
            self.taken = {}
        else:
            assert isinstance(answer, Drawer if counted == self.counted else DrawerClosed)

    def open_the_next_drawer(self, float_cents: int) -> None:
        if not self.is_open and float_cents <= self.in_safe:
            self.runner.run(self._open_drawer(float_cents))
        elif not self.is_open:
            answer = self.attempt(lambda: self._open_drawer(float_cents))
            assert isinstance(answer, FloatNotInSafe)

    def remit_some(self, keep: int, more: int) -> None:
        """Remit all but `keep` of what is beyond the float, or more than there is."""
        beyond = self.in_safe + (self.float if self.is_open else 0) - FLOAT
        most = max(0, min(self.in_safe, beyond))
        cents = max(0, most - keep) + more
        others = {means: amount for means, amount in self.waiting.items() if amount}
        answer = self._remit(new_id(), cents)
        if cents > most:
            assert isinstance(answer, RemittedTooMuch)
        elif not cents and not others:
            assert isinstance(answer, NothingToRemit)
        else:
            assert isinstance(answer, Remittance)
            self._slip(answer)
            carried = {Means.CASH: cents, **others}
            assert answer.total_cents == sum(carried.values())
            self.slips.append((answer, carried))
            self.stage[answer.id] = "sent"
            self.in_safe, self.waiting = self.in_safe - cents, {}

    def _remit(self, key: UUID, cents: int, *, main: bool = False) -> Remittance | Refusal:
        house = self.house
        return self.attempt(
            lambda: remit(
                self.db,
                key=key,
                sub_office_id=house.main if main else house.place,
                counted=_coins(cents),
                officer=house.benoit if main else house.odile,
                now=NOW,
            )
        )

    def _slip(self, remittance: Remittance) -> None:
        self.slip_numbers += 1
        assert remittance.number == self.slip_numbers

    def _comes_back(self, slip: Remittance, carried: dict[Means, int]) -> None:
        self.stage[slip.id] = "back"
        for means, cents in carried.items():
            if means is Means.CASH:
                self.in_safe += cents
            else:
                self.waiting[means] = self.waiting.get(means, 0) + cents

    def take_a_slip_back(self, pick: int) -> None:
        if self.slips:
            slip, carried = self.slips[pick % len(self.slips)]
            answer = self.attempt(
                lambda: cancel_remittance(
                    self.db, key=new_id(), remittance_id=slip.id, reason="Erreur", officer=self.house.odile, now=NOW
                )
            )
            if self.stage[slip.id] == "sent":
                assert isinstance(answer, Remittance)
                self._slip(answer)
                self._comes_back(slip, carried)
            else:
                assert isinstance(answer, AlreadyDecided | RemittanceCancelled)

    def integrate_a_slip(self, pick: int, off_by: int) -> None:
        if self.slips:
            slip, carried = self.slips[pick % len(self.slips)]
            answer = self.attempt(
                lambda: integrate(
                    self.db,
                    remittance_id=slip.id,
                    counted_cents=slip.cash_cents + off_by,
                    officer=self.house.benoit,
                    now=NOW,
                )
            )
            if self.stage[slip.id] == "back":
                assert isinstance(answer, AlreadyDecided | RemittanceCancelled)
            elif self.stage[slip.id] == "sent" and off_by:
                assert isinstance(answer, CountDiffers)
            else:
                assert isinstance(answer, Integration)
                if self.stage[slip.id] == "sent":
                    self.stage[slip.id] = "kept"
                    self.at_main += sum(carried.values())

    def send_a_slip_back(self, pick: int) -> None:
        if self.slips:
            slip, carried = self.slips[pick % len(self.slips)]
            answer = self.attempt(
                lambda: send_back(
                    self.db, key=new_id(), remittance_id=slip.id, reason="Erreur", officer=self.house.benoit, now=NOW
                )
            )
            if self.stage[slip.id] == "sent":
                assert isinstance(answer, Remittance)
                self._slip(answer)
                self._comes_back(slip, carried)
            else:
                assert isinstance(answer, AlreadyDecided | RemittanceCancelled)

    def pass_everything_on(self) -> None:
        kept = [(slip, carried) for slip, carried in self.slips if self.stage[slip.id] == "kept"]
        cash = sum(carried[Means.CASH] for _, carried in kept)
        answer = self._remit(new_id(), cash, main=True)
        if not self.at_main:
            assert isinstance(answer, NothingToRemit)
        else:
            assert isinstance(answer, Remittance)
            self._slip(answer)
            assert answer.total_cents == self.at_main
            self.paid_over, self.at_main = self.paid_over + self.at_main, 0
            for slip, _ in kept:
                self.stage[slip.id] = "passed"

    async def compare(self) -> None:
        """Assert that wallets and drawer hold what arithmetic says."""
        wallets = await wallets_by_id(self.db, self.house.wallets)
        assert {wallet_id: wallet.balance_cents for wallet_id, wallet in wallets.items()} == self.balances
        assert await balance_of(self.db, self.drawer) == self.cash
        assert await balance_of(self.db, self.house.safe) == self.in_safe >= 0
        if self.due:
            standing = await invoices_by_id(self.db, list(self.due))
            assert {invoice_id: each.due_cents for invoice_id, each in standing.items()} == self.due
        if self.paid_over:
            assert await balance_of(self.db, treasury_id(self.house.office)) == self.paid_over

    async def prove(self) -> None:
        """Assert all that `cvq check` asserts."""
        assert [*await verify(self.db), *await verify_offices(self.db)] == []


def _details(means: Means, cents: int) -> MeansDetails:
    """Vouchers of one cent and of a hundred euros make any sum."""
    if means is not Means.ANCV:
        return NO_DETAILS
    faces = {100_00: cents // 100_00, 1: cents % 100_00}
    return MeansDetails(vouchers=tuple(VoucherCount(face, number) for face, number in faces.items() if number))


def _coins(cents: int) -> dict[int, int]:
    return {50000: cents // 50000, 100: cents % 50000 // 100, 1: cents % 100}


def act(method: Callable[..., None], **arguments: st.SearchStrategy[object]) -> st.SearchStrategy[Act]:
    return st.tuples(st.just(method), st.fixed_dictionaries(arguments))


HISTORIES = st.lists(
    st.one_of(
        act(
            CounterDay.top_up,
            cents=st.lists(CENTS, min_size=1, max_size=2),
            means=st.sampled_from([Means.CASH, Means.CASH, Means.CHEQUE, Means.ANCV]),
            extra=st.integers(0, 50_00),
        ),
        act(CounterDay.use_a_service, which=st.integers(0, 1), cents=CENTS),
        act(CounterDay.void_a_receipt, pick=PICK),
        act(CounterDay.ask_again_for_a_receipt, pick=PICK, more=st.integers(0, 1)),
        act(CounterDay.ask_again_for_a_use, pick=PICK),
        act(CounterDay.undo_a_use, pick=PICK),
        act(CounterDay.close_on_a_count, off_by=st.integers(-3, 3)),
        act(CounterDay.open_the_next_drawer, float_cents=st.integers(0, 5000)),
        act(CounterDay.issue_an_invoice, cents=CENTS),
        act(CounterDay.pay_an_invoice, pick=PICK, cents=CENTS, means=st.sampled_from([Means.CASH, Means.CHEQUE])),
        act(CounterDay.remit_some, keep=st.sampled_from([0, 0, 0, 100_00]), more=st.sampled_from([0, 0, 0, 1])),
        act(CounterDay.take_a_slip_back, pick=PICK),
        act(CounterDay.integrate_a_slip, pick=PICK, off_by=st.sampled_from([0, 0, 0, 1])),
        act(CounterDay.send_a_slip_back, pick=PICK),
        act(CounterDay.pass_everything_on),
        # The way to the comptable is long: its steps come twice as often.
        act(CounterDay.close_on_a_count, off_by=st.integers(-3, 3)),
        act(CounterDay.remit_some, keep=st.just(0), more=st.just(0)),
        act(CounterDay.integrate_a_slip, pick=PICK, off_by=st.just(0)),
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

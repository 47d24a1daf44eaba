"""The steps of a life at the school's counter: drawers and receipts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import NO_DETAILS, Means, MeansDetails, VoucherCount
from cvq_core.offices.service import collect, void
from cvq_core.offices.tables import Drawer, Receipt
from cvq_core.payables.rules import Payable, PayableKind
from tests.core_examples import NOW, top_up
from tests.integration.core.money.life import CENTS, LOSS, PICK, Leg, Life, opposite, slug_of
from tests.integration.core.money.town import CEILING, FLOAT

AT_SCHOOL = st.sampled_from([Means.CASH, Means.CASH, Means.CHEQUE, Means.ANCV])


def coins(cents: int) -> dict[int, int]:
    return {50000: cents // 50000, 100: cents % 50000 // 100, 1: cents % 100}


def vouchers(cents: int) -> MeansDetails:
    """Vouchers of one cent and of a hundred euros make any sum."""
    faces = {100_00: cents // 100_00, 1: cents % 100_00}
    return MeansDetails(vouchers=tuple(VoucherCount(face, number) for face, number in faces.items() if number))


class AtTheCounter(Life):
    """Drawers and receipts, at the school."""

    def __init__(self) -> None:
        super().__init__()
        self.receipts: list[tuple[Receipt, list[Payable], list[Leg]]] = []
        self.voided: set[UUID] = set()

    @precondition(lambda self: not self.is_open)
    @rule(float_cents=st.integers(0, FLOAT), loss=LOSS)
    def open_a_drawer(self, float_cents: int, loss: str) -> None:
        drawer, school = new_id(), self.house.school
        answer = self.attempt(
            lambda db: open_drawer(
                db, drawer, sub_office_id=school.id, officer=self.town.odile, float_cents=float_cents, now=NOW
            ),
            loss,
        )
        if float_cents > self.in_safe:
            assert slug_of(answer) == "float-not-in-safe"
            return
        assert isinstance(answer, Drawer)
        self.move([(school.safe, float_cents), (drawer, -float_cents)])
        self.drawer, self.is_open, self.float, self.taken_by = drawer, True, float_cents, Counter[Means]()

    @precondition(lambda self: self.drawer)
    @rule(off_by=st.integers(-3, 3), loss=LOSS)
    def close_on_a_count(self, off_by: int, loss: str) -> None:
        # A second close on another count finds the drawer closed.
        counted = max(0, self.cash + off_by) if self.is_open else 1
        drawer, school = self.drawer, self.house.school
        assert drawer is not None
        answer = self.attempt(
            lambda db: close_drawer(db, drawer, counted=coins(counted), officer=self.town.odile, now=NOW), loss
        )
        if not self.is_open:
            assert (slug_of(answer) is None) == (counted == self.counted)
            return
        assert isinstance(answer, Drawer)
        assert answer.difference_cents == counted - self.cash
        difference = counted - self.cash
        self.move([(school.safe, -counted), (drawer, self.cash), (school.difference, difference)])
        self.is_open, self.counted = False, counted
        self.waiting.update(self.taken_by)

    def collect(
        self, payables: list[Payable], means: Means, *, extra: int = 0, loss: str = "none", key: UUID | None = None
    ) -> Receipt | Refusal:
        drawer, total, asked = self.drawer, self.total(payables), key or new_id()
        assert drawer is not None
        return self.attempt(
            lambda db: collect(
                db,
                key=asked,
                drawer_id=drawer,
                payables=payables,
                means=means,
                tendered_cents=total + (extra if means is Means.CASH else 0),
                details=vouchers(total) if means is Means.ANCV else NO_DETAILS,
                officer=self.town.odile,
                now=NOW,
            ),
            loss,
        )

    def expected(self, payables: list[Payable], means: Means) -> str | None:
        """Return why a payment is refused, if it is."""
        total, school = self.total(payables), self.house.school
        if not self.is_open:
            return "drawer-closed"
        if any(each.id in self.invoices and each.amount_cents > self.due(each.id) for each in payables):
            return "more-than-due"
        if means is Means.CASH and total > 300_00:
            return "cash-payment-too-large"
        if means is Means.ANCV and any(each.id != self.house.pool for each in payables):
            return "voucher-not-for-service"
        held = self.cash - self.held[school.safe] - FLOAT
        return "ceiling-reached" if means is Means.CASH and held + total > CEILING else None

    def pay(self, payables: list[Payable], means: Means, extra: int, loss: str) -> None:
        expected, drawer = self.expected(payables, means), self.drawer
        answer = self.collect(payables, means, extra=extra, loss=loss)
        assert slug_of(answer) == expected
        if isinstance(answer, Receipt):
            assert drawer is not None
            self.taken(answer)
            into = drawer if means is Means.CASH else self.house.school.by_means[means]
            legs = [*((each.id, each.amount_cents) for each in payables), (into, -self.total(payables))]
            self.move(legs)
            self.receipts.append((answer, payables, legs))
            if means is not Means.CASH:
                self.taken_by[means] += answer.total_cents

    @precondition(lambda self: self.drawer)
    @rule(cents=st.lists(CENTS, min_size=1, max_size=2), means=AT_SCHOOL, extra=st.integers(0, 50_00), loss=LOSS)
    def top_up(self, cents: list[int], means: Means, extra: int, loss: str) -> None:
        wallets = (self.house.pool, self.house.canteen)
        self.pay([top_up(*each) for each in zip(wallets, cents, strict=False)], means, extra, loss)

    @precondition(lambda self: self.drawer and self.invoices)
    @rule(pick=PICK, cents=CENTS, exact=st.booleans(), means=AT_SCHOOL, loss=LOSS)
    def pay_an_invoice(self, pick: int, cents: int, exact: bool, means: Means, loss: str) -> None:
        invoice = self.invoices[pick % len(self.invoices)]
        cents = self.due(invoice) if exact and self.due(invoice) else cents
        self.pay([Payable(PayableKind.INVOICE, invoice, cents)], means, 0, loss)

    @precondition(lambda self: self.receipts)
    @rule(pick=PICK, more=st.integers(0, 1))
    def ask_again_for_a_receipt(self, pick: int, more: int) -> None:
        receipt, payables, _ = self.receipts[pick % len(self.receipts)]
        changed = [replace(payables[0], amount_cents=payables[0].amount_cents + more), *payables[1:]]
        extra = receipt.tendered_cents - self.total(changed) if receipt.means is Means.CASH else 0
        answer = self.collect(changed, receipt.means, extra=extra, key=receipt.id)
        if more or receipt.drawer_id != self.drawer:
            assert slug_of(answer) == "idempotency-mismatch"
        else:
            assert isinstance(answer, Receipt)
            assert (answer.id, answer.number) == (receipt.id, receipt.number)

    @precondition(lambda self: self.receipts)
    @rule(pick=PICK, loss=LOSS)
    def void_a_receipt(self, pick: int, loss: str) -> None:
        receipt, _, legs = self.receipts[pick % len(self.receipts)]
        key = new_id()
        answer = self.attempt(
            lambda db: void(db, key=key, receipt_id=receipt.id, reason="", officer=self.town.odile, now=NOW), loss
        )
        if receipt.id in self.voided:
            assert slug_of(answer) == "receipt-not-voidable"
        elif receipt.drawer_id != self.drawer or not self.is_open:
            assert slug_of(answer) == "receipt-drawer-closed"
        elif expected := self.would_refuse(opposite(legs)):
            assert slug_of(answer) == expected
        else:
            self.taken(answer)
            self.voided.add(receipt.id)
            self.move(opposite(legs))
            if receipt.means is not Means.CASH:
                self.taken_by[receipt.means] -= receipt.total_cents

"""The steps of a life outside the cash office: what readers charge, what is invoiced, sold, moved and undone."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from cvq_core.access.facts import Manner
from cvq_core.access.scene import TapRequest
from cvq_core.access.taps import TapAnswer, take_taps
from cvq_core.clock import local_day
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.batch import post_all
from cvq_core.ledger.checkpoints import write_checkpoints
from cvq_core.ledger.rules import NewTransaction
from cvq_core.ledger.store import Posted, post, reverse
from cvq_core.services.rules import ServiceCode
from cvq_core.wallets.moves import move_money
from tests.core_examples import NOW, transaction
from tests.integration.core.money.life import CENTS, LOSS, PICK, Leg, opposite, slug_of
from tests.integration.core.money.remitting import Remitting
from tests.integration.core.money.town import ENTRY, MEAL

INVOICES_MAX = 5


class WithWallets(Remitting):
    """What readers charge, what is invoiced, moved and undone."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[NewTransaction, list[Leg]]] = []
        self.undone: set[UUID] = set()
        self.eaten: set[object] = set()
        self.taps: list[tuple[TapRequest, TapAnswer]] = []

    @precondition(lambda self: len(self.invoices) < INVOICES_MAX)
    @rule(cents=CENTS, loss=LOSS)
    def issue_an_invoice(self, cents: int, loss: str) -> None:
        key = new_id()
        answer = self.attempt(
            lambda db: issue_invoice(
                db,
                key,
                family_account_id=self.house.family,
                label="Cantine de mars",
                lines=[Line(ServiceCode.CANTEEN, "Repas", 1, cents)],
                due_on=local_day(NOW) + timedelta(days=30),
                now=NOW,
            ),
            loss,
        )
        assert slug_of(answer) is None
        self.invoices.append(key)
        self.move([(key, -cents), (self.town.revenue[ServiceCode.CANTEEN], cents)])

    def present(self, *requests: TapRequest, loss: str = "none") -> list[TapAnswer | Refusal]:
        answers = self.attempt(lambda db: take_taps(db, requests, now=self.town.hour.now), loss)
        assert isinstance(answers, list)
        return answers

    def presented(self, request: TapRequest, answer: TapAnswer | Refusal) -> None:
        """Compare what a reader was told with what it must be."""
        assert isinstance(answer, TapAnswer)
        self.taps.append((request, answer))
        house, revenue = self.house, self.town.revenue
        if request.manner is Manner.CARD:
            pays = self.held[house.pool] >= ENTRY
            assert (answer.allowed, answer.reason) == ((True, "paid") if pays else (False, "wallet-empty"))
            if pays:
                self.move([(house.pool, -ENTRY), (revenue[ServiceCode.POOL], ENTRY)])
        elif (day := local_day(self.town.hour.now)) in self.eaten:
            assert answer.reason == "already-counted"
        else:
            assert answer.reason == ("served" if self.held[house.canteen] >= MEAL else "served-and-owed")
            self.eaten.add(day)
            self.move([(house.canteen, -MEAL), (revenue[ServiceCode.CANTEEN], MEAL)])

    def card(self) -> TapRequest:
        return TapRequest(new_id(), self.town.turnstile, self.town.hour.now, card_uid=self.house.card)

    def tick(self) -> TapRequest:
        person = self.house.child
        return TapRequest(new_id(), self.town.tablet, self.town.hour.now, Manner.TICK, person_id=person)

    @rule(at_the_pool=st.lists(st.booleans(), min_size=1, max_size=4), loss=LOSS)
    def tap(self, at_the_pool: list[bool], loss: str) -> None:
        """One card at the turnstile, one child ticked, or some of them in the same moment."""
        requests = [self.card() if pool else self.tick() for pool in at_the_pool]
        for request, answer in zip(requests, self.present(*requests, loss=loss), strict=True):
            self.presented(request, answer)

    @precondition(lambda self: self.taps)
    @rule(pick=PICK)
    def send_a_tap_again(self, pick: int) -> None:
        request, first = self.taps[pick % len(self.taps)]
        assert self.present(request) == [first]

    @rule(days=st.integers(1, 3))
    def days_pass(self, days: int) -> None:
        self.pass_hours(24 * days)

    def pass_hours(self, hours: int) -> None:
        self.pass_time(hours=hours)

    @rule(one=st.integers(0, 2), other=st.integers(0, 2), cents=CENTS, loss=LOSS)
    def move_between_wallets(self, one: int, other: int, cents: int, loss: str) -> None:
        key, wallets = new_id(), (self.house.pool, self.house.canteen, self.house.neighbours)
        source, target = wallets[one], wallets[other]
        answer = self.attempt(
            lambda db: move_money(
                db,
                key=key,
                family_account_id=self.house.family,
                from_wallet_id=source,
                to_wallet_id=target,
                amount_cents=cents,
                actor=SYSTEM,
                now=NOW,
            ),
            loss,
        )
        if one == other:
            assert slug_of(answer) == "same-wallet"
        elif self.house.neighbours in (source, target):
            assert slug_of(answer) == "wallets-of-two-families"
        elif self.held[source] < cents:
            assert slug_of(answer) == "not-enough-to-move"
        else:
            assert isinstance(answer, Posted)
            self.move([(source, -cents), (target, cents)])

    def sale(self, pool: bool, cents: int) -> tuple[NewTransaction, list[Leg]]:
        """Something that is sold to whoever has a wallet, a subscription say."""
        service = ServiceCode.POOL if pool else ServiceCode.CANTEEN
        legs = [(self.house.pool if pool else self.house.canteen, -cents), (self.town.revenue[service], cents)]
        return transaction(*legs), legs

    @rule(sales=st.lists(st.tuples(st.booleans(), CENTS), min_size=1, max_size=4), loss=LOSS)
    def sell(self, sales: list[tuple[bool, int]], loss: str) -> None:
        """One sale alone, or several that share a transaction of the database."""
        asked = [self.sale(*each) for each in sales]
        if len(asked) == 1:
            answers = [self.attempt(lambda db: post(db, asked[0][0], now=NOW), loss)]
        else:
            found = self.attempt(lambda db: post_all(db, [each for each, _ in asked], now=NOW), loss)
            assert isinstance(found, list)
            answers = found
        for (one, legs), answer in zip(asked, answers, strict=True):
            assert slug_of(answer) == self.would_refuse(legs)
            if isinstance(answer, Posted):
                self.move(legs)
                self.entries.append((one, legs))

    @precondition(lambda self: self.invoices)
    @rule(pick=PICK, pool=st.booleans(), cents=CENTS, loss=LOSS)
    def pay_an_invoice_from_a_wallet(self, pick: int, pool: bool, cents: int, loss: str) -> None:
        """The ledger itself takes no more than is due, and nothing that is not there."""
        invoice = self.invoices[pick % len(self.invoices)]
        legs = [(self.house.pool if pool else self.house.canteen, -cents), (invoice, cents)]
        asked = transaction(*legs)
        answer = self.attempt(lambda db: post(db, asked, now=NOW), loss)
        assert slug_of(answer) == self.would_refuse(legs)
        if isinstance(answer, Posted):
            self.move(legs)
            self.entries.append((asked, legs))

    @precondition(lambda self: self.entries)
    @rule(pick=PICK, more=st.integers(0, 2))
    def ask_again_for_a_sale(self, pick: int, more: int) -> None:
        first, legs = self.entries[pick % len(self.entries)]
        changed = [(account, cents + (more if cents > 0 else -more)) for account, cents in legs]
        asked = transaction(*changed, transaction_id=first.id)
        answer = self.attempt(lambda db: post(db, asked, now=NOW + timedelta(hours=1)))
        assert slug_of(answer) == ("idempotency-mismatch" if more else None)
        if isinstance(answer, Posted):
            assert answer.replayed

    @precondition(lambda self: self.entries)
    @rule(pick=PICK, loss=LOSS)
    def undo_a_sale(self, pick: int, loss: str) -> None:
        sale, legs = self.entries[pick % len(self.entries)]
        key = new_id()
        answer = self.attempt(
            lambda db: reverse(
                db, sale.id, reversal_id=key, label="Annulation", actor_kind="staff", actor_id=None, now=NOW
            ),
            loss,
        )
        expected = "already-reversed" if sale.id in self.undone else self.would_refuse(opposite(legs))
        assert slug_of(answer) == expected
        if isinstance(answer, Posted):
            self.undone.add(sale.id)
            self.move(opposite(legs))

    @rule(cents=CENTS)
    def what_cannot_be_written_leaves_no_trace(self, cents: int) -> None:
        revenue = self.town.revenue[ServiceCode.CANTEEN]
        for target, amount, slug in (
            (revenue, cents + 1, "unbalanced-transaction"),
            (new_id(), cents, "unknown-ledger-account"),
        ):
            wrong = transaction((self.house.canteen, -cents), (target, amount))
            assert slug_of(self.attempt(lambda db, wrong=wrong: post(db, wrong, now=NOW))) == slug
        self.town.runner.run(write_checkpoints(self.town.database, after=1))

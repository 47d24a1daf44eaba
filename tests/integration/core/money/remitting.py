"""The steps of a life from the school's safe to the office, and from there to the comptable."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.offices.integrations import integrate, send_back
from cvq_core.offices.remittances import cancel_remittance, remit
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import Integration, Remittance
from cvq_core.treasury.deposits import deposit, held_cheques
from cvq_core.treasury.tables import ChequeDeposit
from tests.core_examples import NOW, top_up
from tests.integration.core.money.at_the_counter import AT_SCHOOL, AtTheCounter, coins
from tests.integration.core.money.life import LOSS, PICK, Leg, opposite, slug_of
from tests.integration.core.money.town import FLOAT, Place


class Remitting(AtTheCounter):
    """From the school's safe to the office, and from there to the comptable."""

    def __init__(self) -> None:
        super().__init__()
        self.slips: list[tuple[Remittance, dict[Means, int]]] = []
        self.stage: dict[UUID, str] = {}
        self.placed_online = 0

    def remit(self, place: Place, cents: int, loss: str) -> Remittance | Refusal:
        key, officer = new_id(), self.town.odile if place is self.house.school else self.town.benoit
        return self.attempt(
            lambda db: remit(db, key=key, sub_office_id=place.id, counted=coins(cents), officer=officer, now=NOW), loss
        )

    @rule(keep=st.sampled_from([0, 0, 0, 100_00]), more=st.sampled_from([0, 0, 0, 1]), loss=LOSS)
    def remit_some(self, keep: int, more: int, loss: str) -> None:
        """Remit all but `keep` of what is beyond the float, or more than there is."""
        school = self.house.school
        beyond = self.in_safe + (self.float if self.is_open else 0) - FLOAT
        most = max(0, min(self.in_safe, beyond))
        cents = max(0, most - keep) + more
        carried = {means: amount for means, amount in {Means.CASH: cents, **self.waiting}.items() if amount}
        answer = self.remit(school, cents, loss)
        if cents > most:
            assert slug_of(answer) == "remitted-too-much"
        elif not carried:
            assert slug_of(answer) == "nothing-to-remit"
        else:
            self.slip(answer)
            assert isinstance(answer, Remittance)
            assert answer.total_cents == sum(carried.values())
            self.slips.append((answer, carried))
            self.stage[answer.id] = "sent"
            self.move(self.legs_to_the_office(carried))
            self.waiting.clear()

    def legs_to_the_office(self, carried: dict[Means, int]) -> list[Leg]:
        house = self.house
        return [
            leg
            for means, cents in carried.items()
            for leg in ((house.school.by_means[means], cents), (house.on_the_way[means], -cents))
        ]

    def comes_back(self, slip: Remittance, carried: dict[Means, int], answer: object) -> None:
        self.slip(answer)
        self.stage[slip.id] = "back"
        self.move(opposite(self.legs_to_the_office(carried)))
        self.waiting.update({means: cents for means, cents in carried.items() if means is not Means.CASH})

    @precondition(lambda self: self.slips)
    @rule(pick=PICK, loss=LOSS)
    def take_a_slip_back(self, pick: int, loss: str) -> None:
        slip, carried = self.slips[pick % len(self.slips)]
        key, odile = new_id(), self.town.odile
        answer = self.attempt(
            lambda db: cancel_remittance(db, key=key, remittance_id=slip.id, reason="Erreur", officer=odile, now=NOW),
            loss,
        )
        if self.stage[slip.id] == "sent":
            self.comes_back(slip, carried, answer)
        else:
            assert slug_of(answer) in ("remittance-decided", "remittance-cancelled")

    @precondition(lambda self: self.slips)
    @rule(pick=PICK, off_by=st.sampled_from([0, 0, 0, 1]), loss=LOSS)
    def integrate_a_slip(self, pick: int, off_by: int, loss: str) -> None:
        slip, carried = self.slips[pick % len(self.slips)]
        counted, house = slip.cash_cents + off_by, self.house
        answer = self.attempt(
            lambda db: integrate(db, remittance_id=slip.id, counted_cents=counted, officer=self.town.benoit, now=NOW),
            loss,
        )
        if self.stage[slip.id] == "back":
            assert slug_of(answer) in ("remittance-decided", "remittance-cancelled")
        elif self.stage[slip.id] == "sent" and off_by:
            assert slug_of(answer) == "count-differs"
        else:
            assert isinstance(answer, Integration)
            if self.stage[slip.id] == "sent":
                self.stage[slip.id] = "kept"
                for means, cents in carried.items():
                    self.move([(house.on_the_way[means], cents), (house.main.by_means[means], -cents)])

    @precondition(lambda self: self.slips)
    @rule(pick=PICK, loss=LOSS)
    def send_a_slip_back(self, pick: int, loss: str) -> None:
        slip, carried = self.slips[pick % len(self.slips)]
        key, benoit = new_id(), self.town.benoit
        answer = self.attempt(
            lambda db: send_back(db, key=key, remittance_id=slip.id, reason="Erreur", officer=benoit, now=NOW), loss
        )
        if self.stage[slip.id] == "sent":
            self.comes_back(slip, carried, answer)
        else:
            assert slug_of(answer) in ("remittance-decided", "remittance-cancelled")

    @rule(pick=st.integers(1, 3), loss=LOSS)
    def bank_cheques(self, pick: int, loss: str) -> None:
        """Every so many of the cheques that lie at the office; all of them are what its account says."""
        house, key = self.house, new_id()
        held = self.read(lambda db: held_cheques(db, house.office))
        assert sum(each.amount_cents for each in held) == -self.held[house.main.by_means[Means.CHEQUE]]
        chosen = {each.receipt_id: each.amount_cents for each in held[::pick]}
        answer = self.attempt(
            lambda db: deposit(
                db, key=key, office_id=house.office, receipt_ids=list(chosen), officer=self.town.benoit, now=NOW
            ),
            loss,
        )
        if not chosen:
            assert slug_of(answer) == "nothing-to-bank"
        else:
            assert isinstance(answer, ChequeDeposit)
            assert answer.total_cents == sum(chosen.values())
            self.move([(house.main.by_means[Means.CHEQUE], answer.total_cents), (house.treasury, -answer.total_cents)])

    @rule(loss=LOSS)
    def pass_everything_on(self, loss: str) -> None:
        main, treasury = self.house.main, self.house.treasury
        kept = [(slip, carried) for slip, carried in self.slips if self.stage[slip.id] == "kept"]
        there: Counter[Means] = Counter()
        for _, carried in kept:
            # Cheques are banked apart from the rest.
            there.update({means: cents for means, cents in carried.items() if means is not Means.CHEQUE})
        # What came by the bank goes with it, but for what nobody has placed yet.
        total = there.total() + self.placed_online
        answer = self.remit(main, there[Means.CASH], loss)
        if not total:
            assert slug_of(answer) == "nothing-to-remit"
            return
        self.slip(answer)
        assert isinstance(answer, Remittance)
        assert answer.total_cents == total
        from_where = [(main.by_means[means], cents) for means, cents in there.items()]
        self.move([*from_where, (self.house.online, self.placed_online), (treasury, -total)])
        self.placed_online = 0
        for slip, _ in kept:
            self.stage[slip.id] = "passed"
        assert slug_of(self.remit(main, 0, "none")) == "nothing-to-remit", "it is passed on once"

    @rule(
        cents=st.lists(st.integers(1, 310_00), min_size=1, max_size=3),
        means=AT_SCHOOL,
        error=st.booleans(),
        stops=st.sampled_from(["open", "closed", "remitted", "integrated", "integrated", "passed"]),
        loss=LOSS,
    )
    def a_whole_day(self, cents: list[int], means: Means, error: bool, stops: str, loss: str) -> None:
        """The way to the comptable is long: some days go straight, as far as they go."""
        if not self.is_open:
            self.open_a_drawer(0, loss)
        for each in cents:
            self.pay([top_up(self.house.pool, each)], means, 0, loss)
        if error and self.receipts:
            self.void_a_receipt(len(self.receipts) - 1, loss)
        for stop, act in (
            ("open", lambda: self.close_on_a_count(0, loss)),
            ("closed", lambda: self.remit_some(0, 0, loss)),
            ("remitted", lambda: self.integrate_a_slip(len(self.slips) - 1, 0, loss)),
            ("integrated", lambda: (self.bank_cheques(1, loss), self.pass_everything_on(loss))),
        ):
            self.read(self.compare)
            if stop == stops or (stop == "remitted" and not self.slips):
                return
            act()

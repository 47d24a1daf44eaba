"""A day at each counter, and the week's end: drawers, receipts, slips, and what the office passes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.bench.months.arithmetic import Arithmetic, Leg, opposite
from cvq_core.bench.months.ground import Counter, Ground, at
from cvq_core.bench.months.made import MISCOUNTED, TOP_UPS_A_DAY, VOIDED, Made
from cvq_core.ids import new_id
from cvq_core.ledger.rules import InsufficientFunds
from cvq_core.ledger.store import balance_of
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.integrations import integrate
from cvq_core.offices.remittance_rules import NothingToRemit
from cvq_core.offices.remittance_store import contents_of
from cvq_core.offices.remittances import remit
from cvq_core.offices.rules import Means
from cvq_core.offices.service import collect, void
from cvq_core.offices.store import account_for, treasury_id, under_way_id
from cvq_core.offices.tables import Receipt, Remittance
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.treasury.cheque_rules import CHEQUES_MAX
from cvq_core.treasury.deposits import deposit, held_cheques

CASH_MAX_CENTS = 300_00


class Counters:
    """Everybody who collects; `sums` is told what each act was asked to move."""

    def __init__(self, ground: Ground, sums: Arithmetic, made: Made) -> None:
        self._ground, self._sums, self._made = ground, sums, made

    async def day(self, counter: Counter, day: date, invoices: Sequence[tuple[UUID, int]]) -> None:
        """Open a drawer, take top-ups and pay `invoices` (with their cents), correct errors, and close on a count."""
        chance, drawer = self._ground.chance, new_id()
        async with self._ground.database.write() as db:
            await self._open(db, counter, drawer, at(day, 9))
            top_ups = min(TOP_UPS_A_DAY, 1 + len(self._ground.families) // 20)
            wallets = [chance.choice(counter.wallets) for _ in range(top_ups)] if counter.wallets else []
            payables = [Payable(PayableKind.WALLET, each, 100 * chance.randint(5, 60)) for each in wallets]
            payables += [Payable(PayableKind.INVOICE, invoice, cents) for invoice, cents in invoices]
            for number, payable in enumerate(payables):
                await self._collect(db, counter, drawer, payable, at(day, 10 + number // 60 % 6, number % 60))
            await self._close(db, counter, drawer, at(day, 17))

    async def _open(self, db: AsyncSession, counter: Counter, drawer: UUID, now: datetime) -> None:
        safe = counter.place.safe_account_id
        cents = max(0, min(counter.place.float_cents, await balance_of(db, safe))) // 2
        await open_drawer(
            db, drawer, sub_office_id=counter.place.id, officer=counter.officer, float_cents=cents, now=now
        )
        self._sums.move((safe, cents), (drawer, -cents))

    async def _collect(self, db: AsyncSession, counter: Counter, drawer: UUID, payable: Payable, now: datetime) -> None:
        means = self._ground.chance.choice(counter.means)
        if means is Means.CASH and payable.amount_cents > CASH_MAX_CENTS:
            means = Means.CHEQUE
        receipt = await collect(
            db,
            key=new_id(),
            drawer_id=drawer,
            payables=[payable],
            means=means,
            tendered_cents=payable.amount_cents,
            officer=counter.officer,
            now=now,
        )
        into = drawer if means is Means.CASH else await account_for(db, means, counter.place, now)
        legs = [(payable.id, payable.amount_cents), (into, -payable.amount_cents)]
        self._sums.move(*legs)
        self._made.receipts += 1
        if payable.kind is PayableKind.WALLET and self._ground.chance.random() < VOIDED:
            await self._void(db, counter, receipt, legs, now)

    async def _void(
        self, db: AsyncSession, counter: Counter, receipt: Receipt, legs: Sequence[Leg], now: datetime
    ) -> None:
        try:
            await void(db, key=new_id(), receipt_id=receipt.id, reason="Erreur", officer=counter.officer, now=now)
        except InsufficientFunds:
            return
        self._sums.move(*opposite(legs))
        self._made.voids += 1

    async def _close(self, db: AsyncSession, counter: Counter, drawer: UUID, now: datetime) -> None:
        """Count what arithmetic says is there, or a cent more now and then."""
        place, there = counter.place, -self._sums.held[drawer]
        counted = there + (self._ground.chance.random() < MISCOUNTED)
        await close_drawer(db, drawer, counted=_coins(counted), officer=counter.officer, now=now)
        self._sums.move(
            (place.safe_account_id, -counted), (drawer, there), (place.difference_account_id, counted - there)
        )

    async def pay_over(self, now: datetime) -> None:
        """Let every place remit to the office, which integrates it and passes everything on to the comptable."""
        main = self._ground.main
        for counter in self._ground.counters:
            if not counter.place.is_main:
                async with self._ground.database.write() as db:
                    slip = await self._remit(db, counter, now)
                    if slip is not None:
                        await integrate(
                            db, remittance_id=slip.id, counted_cents=slip.cash_cents, officer=main.officer, now=now
                        )
                        await self._integrated(db, slip, now)
        async with self._ground.database.write() as db:
            await self._remit(db, main, now)
            await self._bank_cheques(db, now)

    async def _remit(self, db: AsyncSession, counter: Counter, now: datetime) -> Remittance | None:
        """Remit everything; what moves by each means is what arithmetic says is there."""
        place = counter.place
        contents = await contents_of(db, place, now.date())
        try:
            slip = await remit(
                db,
                key=new_id(),
                sub_office_id=place.id,
                counted=_coins(contents.cash_max_cents),
                officer=counter.officer,
                now=now,
            )
        except NothingToRemit:
            return None
        self._made.slips += 1
        for word, cents in slip.printed["means"].items():
            means = Means(word)
            source = await self._source(db, counter, means, now)
            target = treasury_id(place.office_id) if place.is_main else under_way_id(place.office_id, means)
            if means is not Means.CASH:
                assert cents == -self._sums.held[source], f"{place.label}: {means} to remit"
            self._sums.move((source, cents), (target, -cents))
        return slip

    async def _bank_cheques(self, db: AsyncSession, now: datetime) -> None:
        """Bank every cheque that lies at the office: they are what arithmetic says is there."""
        main = self._ground.main
        office_id, account = main.place.office_id, main.place.cheques_account_id
        while held := await held_cheques(db, office_id):
            receipts = [each.receipt_id for each in held[:CHEQUES_MAX]]
            made = await deposit(
                db, key=new_id(), office_id=office_id, receipt_ids=receipts, officer=main.officer, now=now
            )
            self._sums.move((account, made.total_cents), (treasury_id(office_id), -made.total_cents))
            self._made.deposits += 1
        assert self._sums.held[account] == 0, "a cheque that nobody banks"

    async def _source(self, db: AsyncSession, counter: Counter, means: Means, now: datetime) -> UUID:
        return self._ground.online if means is Means.PAYFIP else await account_for(db, means, counter.place, now)

    async def _integrated(self, db: AsyncSession, slip: Remittance, now: datetime) -> None:
        for word, cents in slip.printed["means"].items():
            means = Means(word)
            into = await account_for(db, means, self._ground.main.place, now)
            self._sums.move((under_way_id(slip.office_id, means), cents), (into, -cents))


def _coins(cents: int) -> dict[int, int]:
    """Return some cents as notes and coins; no more than ten thousand of a kind are counted."""
    return {50000: cents // 50000, 100: cents % 50000 // 100, 1: cents % 100}

"""The days of the months: meals, entries, counters, invoices, and payments online."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from cvq_core.access.facts import Manner
from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import Tap
from cvq_core.access.taps import BATCH_MAX, TapAnswer, take_taps
from cvq_core.bench.months.arithmetic import Arithmetic
from cvq_core.bench.months.counters import Counters
from cvq_core.bench.months.ground import Ground, at
from cvq_core.bench.months.made import INVOICED, MEALS, PAID_AT_A_COUNTER, PAID_ONLINE, REFUSED, SWIMS, Made
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.carts import make_cart
from cvq_core.payments.service import OnlinePayments
from cvq_core.payments.virtual import Result, VirtualPayFip
from cvq_core.services.rules import ServiceCode

SCHOOL_DAYS = (0, 1, 3, 4)
HOUR_CENTS = 170
ONLINE_AT_ONCE = 8
Due = tuple[UUID, int]


class Play:
    """Lives the days, and tells the arithmetic what was asked for and answered."""

    def __init__(self, ground: Ground, virtual: VirtualPayFip, payments: OnlinePayments, sums: Arithmetic) -> None:
        self.made = Made()
        self._ground, self._virtual, self._payments, self._sums = ground, virtual, payments, sums
        self._counters = Counters(ground, sums, self.made)
        self._at_a_counter: list[Due] = []

    async def month(self, first: date) -> date:
        """Live a calendar month, whose last day all is paid over on, and return its last day."""
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        await self._invoice(first)
        day = first
        while day <= last:
            await self._day(day)
            day += timedelta(days=1)
        self._ground.calendar.now = at(last, 20)
        await self._counters.pay_over(self._ground.calendar.now)
        return last

    async def _day(self, day: date) -> None:
        self._ground.calendar.now = at(day, 12)
        if day.weekday() in SCHOOL_DAYS:
            await self._present(list(self._meals(day)))
        await self._present(list(self._swims()))
        if day.weekday() < 5:
            counters = self._ground.counters
            for counter in counters:
                mine = self._at_a_counter if counter.place.is_main else []
                await self._counters.day(counter, day, [mine.pop() for _ in range(min(len(mine), 80))])
        if day.weekday() == 4:
            self._ground.calendar.now = at(day, 18)
            await self._counters.pay_over(self._ground.calendar.now)

    def _meals(self, day: date) -> Iterator[TapRequest]:
        for person, tablet, weekdays in self._ground.enrolled:
            if weekdays >> day.weekday() & 1 and self._ground.chance.random() < MEALS:
                yield TapRequest(new_id(), tablet, self._ground.calendar.now, Manner.TICK, person_id=person)

    def _swims(self) -> Iterator[TapRequest]:
        for uid in self._ground.swimmers:
            if self._ground.chance.random() < SWIMS:
                point = self._ground.chance.choice(self._ground.turnstiles)
                yield TapRequest(new_id(), point, self._ground.calendar.now, card_uid=uid)

    async def _present(self, requests: Sequence[TapRequest]) -> None:
        """Take taps as readers bring them together; which of them moved money stands with each."""
        for first in range(0, len(requests), BATCH_MAX):
            batch = requests[first : first + BATCH_MAX]
            ids = [each.id for each in batch]
            async with self._ground.database.write() as db:
                answers = await take_taps(db, batch, now=self._ground.calendar.now)
                charged = select(Tap.id).where(Tap.id.in_(ids), Tap.transaction_id.is_not(None))
                moved = set(await db.scalars(charged))
            for answer in answers:
                assert isinstance(answer, TapAnswer), "no tap of the months comes twice"
                self._sums.taps_cents += answer.amount_cents if answer.id in moved else 0
            self.made.taps += len(batch)

    async def _invoice(self, first: date) -> None:
        """Invoice the hours of the month before, and let most of it be paid online."""
        self._ground.calendar.now = at(first, 8)
        chance, online = self._ground.chance, []
        async with self._ground.database.write() as db:
            for family in self._ground.families:
                if chance.random() < INVOICED:
                    hours = chance.randint(4, 120)
                    invoice = await issue_invoice(
                        db,
                        new_id(),
                        family_account_id=family,
                        label=f"Crèche, {first:%m/%Y}",
                        lines=[Line(ServiceCode.CRECHE, "Heures d’accueil", hours, HOUR_CENTS)],
                        due_on=first + timedelta(days=30),
                        now=self._ground.calendar.now,
                    )
                    due = (invoice.id, hours * HOUR_CENTS)
                    self._sums.move((due[0], -due[1]), (self._ground.revenue[ServiceCode.CRECHE], due[1]))
                    self.made.invoices += 1
                    way = chance.random()
                    if way < PAID_ONLINE:
                        online.append(due)
                    elif way < PAID_ONLINE + PAID_AT_A_COUNTER:
                        self._at_a_counter.append(due)
        for start in range(0, len(online), ONLINE_AT_ONCE):
            await asyncio.gather(*(self._pay_online(due) for due in online[start : start + ONLINE_AT_ONCE]))

    async def _pay_online(self, due: Due) -> None:
        """Pay one invoice at PayFiP; a card that is refused first is paid with at the second try."""
        invoice, cents = due
        now, main = self._ground.calendar.now, self._ground.main
        async with self._ground.database.write() as db:
            cart = await make_cart(
                db,
                new_id(),
                [Payable(PayableKind.INVOICE, invoice, cents)],
                place_code=main.place.code,
                email="famille@example.org",
                acknowledged=False,
                actor_kind="staff",
                actor_id=main.officer.staff_id,
                now=now,
            )
        tries = [Result.CARD_REFUSED] if self._ground.chance.random() < REFUSED else []
        for result in (*tries, Result.PAID_BY_CARD):
            idop = (await self._payments.start(cart.token)).rpartition("=")[2]
            self._virtual.end(idop, result)
            await self._payments.ask_again(cart.token)
        self._virtual.operations = {key: each for key, each in self._virtual.operations.items() if key != idop}
        self._sums.move((invoice, cents), (self._ground.online, -cents))
        self.made.online += 1

"""An office with its own counter and one place, which collects by every means, pays over and closes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.books.balance import balance_of_period
from cvq_core.books.closings import close_month
from cvq_core.books.editions import MAKE_BOOK, BookMaker, ask_edition, edition_by_id, edition_file
from cvq_core.books.journal import journal_lines
from cvq_core.books.periods import Period, month
from cvq_core.books.rules import Balance, BookFormat, BookLine, disagreement, totals_of
from cvq_core.books.scope import scope_of
from cvq_core.books.tables import BookClosing, BookEdition
from cvq_core.books.verify import verify_books
from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.debits.reasons import ReturnReason
from cvq_core.debits.returns import take_back
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.jobs.runner import JobRunner
from cvq_core.ledger.verify import verify
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.integrations import integrate
from cvq_core.offices.remittances import remit
from cvq_core.offices.rules import Cheque, MandateTitle, Means, MeansDetails, Officer
from cvq_core.offices.service import collect, void
from cvq_core.offices.store import appoint, create_sub_office
from cvq_core.offices.tables import Receipt, Remittance, SubOffice
from cvq_core.offices.verify import verify_offices
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.carts import make_cart
from cvq_core.payments.rules import Notice, Said
from cvq_core.payments.store import begin, hear
from cvq_core.services.rules import ServiceCode
from cvq_core.vault import Vault
from tests.core_examples import (
    LONG_AGO,
    create_counter,
    create_family,
    create_mandate,
    create_officer,
    create_services,
    create_wallet,
    debit_what_is_due,
    top_up,
)

MARCH, APRIL = month(2026, 3), month(2026, 4)
IN_MARCH = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)
"""Half past eleven in the evening of the last day."""
IN_APRIL = IN_MARCH + timedelta(hours=1)
LATER = datetime(2026, 5, 4, 8, tzinfo=UTC)
CHEQUE = MeansDetails(cheque=Cheque("0004217", "Crédit agricole", "Jeanne Moreau"))


@dataclass
class House:
    """Benoît is the officer, at the office's own counter; Odile collects at the school."""

    database: Database
    benoit: Officer
    odile: Officer
    main: SubOffice
    school: SubOffice
    family: UUID
    pool: UUID
    canteen: UUID
    maker: BookMaker
    jobs: JobRunner
    vault: Vault
    drawers: dict[UUID, int] = field(default_factory=dict)

    async def opens(self, now: datetime = IN_MARCH, *, at_main: bool = False, cents: int = 2000) -> UUID:
        drawer_id = new_id()
        place, who = (self.main, self.benoit) if at_main else (self.school, self.odile)
        async with self.database.write() as db:
            await open_drawer(db, drawer_id, sub_office_id=place.id, officer=who, float_cents=cents, now=now)
        self.drawers[drawer_id] = cents
        return drawer_id

    async def takes(
        self,
        drawer_id: UUID,
        means: Means,
        *payables: Payable,
        now: datetime = IN_MARCH,
        officer: Officer | None = None,
    ) -> Receipt:
        total = sum(each.amount_cents for each in payables)
        async with self.database.write() as db:
            receipt = await collect(
                db,
                key=new_id(),
                drawer_id=drawer_id,
                payables=payables,
                means=means,
                tendered_cents=total,
                details=CHEQUE if means is Means.CHEQUE else MeansDetails(),
                officer=officer or self.odile,
                now=now,
            )
        if means is Means.CASH:
            self.drawers[drawer_id] += total
        return receipt

    async def voids(self, receipt: Receipt, now: datetime = IN_MARCH) -> Receipt:
        async with self.database.write() as db:
            made = await void(db, key=new_id(), receipt_id=receipt.id, reason="Erreur", officer=self.odile, now=now)
        if receipt.means is Means.CASH:
            self.drawers[receipt.drawer_id] -= receipt.total_cents
        return made

    async def closes(
        self, drawer_id: UUID, now: datetime = IN_MARCH, *, missing: int = 0, at_main: bool = False
    ) -> None:
        cents = self.drawers[drawer_id] - missing
        counted = {5000: cents // 5000, 100: cents % 5000 // 100, 1: cents % 100}
        who = self.benoit if at_main else self.odile
        async with self.database.write() as db:
            await close_drawer(db, drawer_id, counted=counted, officer=who, now=now)

    async def remits(self, cents: int, now: datetime = IN_MARCH, *, at_main: bool = False) -> Remittance:
        counted = {5000: cents // 5000, 100: cents % 5000 // 100, 1: cents % 100}
        place, who = (self.main, self.benoit) if at_main else (self.school, self.odile)
        async with self.database.write() as db:
            return await remit(db, key=new_id(), sub_office_id=place.id, counted=counted, officer=who, now=now)

    async def integrates(self, slip: Remittance, now: datetime = IN_MARCH) -> None:
        async with self.database.write() as db:
            await integrate(db, remittance_id=slip.id, counted_cents=slip.cash_cents, officer=self.benoit, now=now)

    async def invoice(self, *lines: tuple[ServiceCode, int], now: datetime = IN_MARCH) -> UUID:
        async with self.database.write() as db:
            made = await issue_invoice(
                db,
                new_id(),
                family_account_id=self.family,
                label="Février",
                lines=[Line(service, "Repas", 1, cents) for service, cents in lines],
                due_on=local_day(now),
                now=now,
            )
        return made.id

    async def pays_online(self, *payables: Payable, received: int | None = None, now: datetime = IN_MARCH) -> None:
        async with self.database.write() as db:
            cart = await make_cart(
                db,
                new_id(),
                payables,
                place_code=self.main.code,
                email="jeanne@aulnay.fr",
                acknowledged=False,
                actor_kind="staff",
                actor_id=None,
                now=now,
            )
            attempt = await begin(db, cart.id, new_id(), now=now)
            cents = received or sum(each.amount_cents for each in payables)
            await hear(db, attempt.id, Notice(Said.PAID, attempt.refdet, cents, "A1"), now=now)

    async def debits(self, *invoices: UUID, day: date) -> list[UUID]:
        run_id = new_id()
        async with self.database.write() as db:
            await debit_what_is_due(db, self.vault, run_id, office_id=self.main.office_id, day=day, officer=self.benoit)
        return [uuid5(run_id, str(invoice)) for invoice in invoices]

    async def comes_back(self, debit: UUID, now: datetime) -> None:
        async with self.database.write() as db:
            await take_back(db, debit, reason=ReturnReason.INSUFFICIENT, officer=self.benoit, now=now)

    async def lines(
        self, period: Period = MARCH, place: SubOffice | None = None, *, as_of: datetime = LATER
    ) -> list[BookLine]:
        async with self.database.read() as db:
            scope = await scope_of(db, self.main.office_id, place.id if place else None)
            return [line async for lines in journal_lines(db, scope, period, as_of) for line in lines]

    async def balance(self, period: Period = MARCH, place: SubOffice | None = None) -> Balance:
        """Return a balance, which must agree with its journal."""
        async with self.database.read() as db:
            scope = await scope_of(db, self.main.office_id, place.id if place else None)
            found = await balance_of_period(db, scope, period)
        assert disagreement(totals_of(await self.lines(period, place)), found) == ""
        return found

    async def close(self, period: Period = MARCH, *, key: UUID | None = None, now: datetime = LATER) -> BookClosing:
        async with self.database.write() as db:
            return await close_month(
                db, key=key or new_id(), office_id=self.main.office_id, period=period, officer=self.benoit, now=now
            )

    async def ask(
        self, period: Period = MARCH, place: SubOffice | None = None, *, key: UUID | None = None
    ) -> BookEdition:
        async with self.database.write() as db:
            return await ask_edition(
                db,
                key=key or new_id(),
                scope=await scope_of(db, self.main.office_id, place.id if place else None),
                period=period,
                staff_id=self.benoit.staff_id,
                now=LATER,
            )

    async def edition(self, period: Period = MARCH, place: SubOffice | None = None) -> BookEdition:
        """Ask for an edition and make it."""
        asked = await self.ask(period, place)
        while await self.jobs.run_one():
            pass
        async with self.database.read() as db:
            return await edition_by_id(db, asked.id)

    async def files(self, edition: BookEdition) -> dict[BookFormat, tuple[str, bytes]]:
        async with self.database.read() as db:
            return {kind: await edition_file(db, self.vault, edition, kind) for kind in BookFormat}


def paid(account_id: UUID, cents: int) -> Payable:
    """So much for an invoice."""
    return Payable(PayableKind.INVOICE, account_id, cents)


async def _people(db: AsyncSession) -> tuple[UUID, UUID, UUID]:
    await create_services(db)
    family = await create_family(db)
    pool = await create_wallet(db, family.id)
    canteen = await create_wallet(db, family.id, ServiceCode.CANTEEN)
    return family.id, pool.id, canteen.id


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    vault = Vault(tmp_path / "documents", b"k" * 32)
    async with database.write() as db:
        family, pool, canteen = await _people(db)
        odile, benoit = await create_officer(db), await create_officer(db, "benoit", "Benoît Rousseau")
        means = (Means.CASH, Means.CHEQUE, Means.CARD, Means.PAYFIP)
        at_main = (*means, Means.DIRECT_DEBIT)
        main = await create_counter(db, benoit, means=at_main, title=MandateTitle.OFFICER, is_main=True)
        school = await create_sub_office(
            db,
            sub_office_id=new_id(),
            office_id=main.office_id,
            code="POM-ECOLE",
            label="École de Pompaire",
            float_cents=3000,
            services=[ServiceCode.POOL, ServiceCode.CANTEEN],
            means=means,
            now=datetime(2026, 3, 3, 9, 30, tzinfo=UTC),
        )
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=odile.staff_id,
            sub_office_id=school.id,
            title=MandateTitle.MANDATARY,
            valid_from=LONG_AGO,
        )
        await create_mandate(db, vault, main.office_id, family, benoit)
    maker, jobs = BookMaker(database, vault, lambda: LATER), JobRunner(database, lambda: LATER)
    jobs.handlers[MAKE_BOOK] = maker.make
    yield House(database, benoit, odile, main, school, family, pool, canteen, maker, jobs, vault)
    async with database.read() as db:
        assert [*await verify(db), *await verify_offices(db), *await verify_books(db)] == []


@pytest.fixture
async def spring(house: House) -> House:
    """A house with all that may happen in a March, and a little of an April."""
    drawer = await house.opens()
    await house.takes(drawer, Means.CASH, top_up(house.pool, 1550))
    both = await house.invoice((ServiceCode.CANTEEN, 800), (ServiceCode.POOL, 300))
    await house.takes(drawer, Means.CHEQUE, top_up(house.canteen, 2000), paid(both, 1100))
    wrong = await house.takes(drawer, Means.CASH, top_up(house.pool, 700))
    await house.voids(wrong)
    await house.takes(drawer, Means.CARD, top_up(house.canteen, 900))
    await house.closes(drawer, missing=50)
    slip = await house.remits(1500)
    await house.integrates(slip)
    await house.pays_online(top_up(house.pool, 1200), top_up(house.canteen, 300))
    await house.pays_online(top_up(house.pool, 2500), received=2400)
    early = datetime(2026, 3, 3, 9, tzinfo=UTC)
    first = await house.invoice((ServiceCode.CANTEEN, 4000), now=early)
    second = await house.invoice((ServiceCode.CANTEEN, 600), now=early)
    back, _ = await house.debits(first, second, day=date(2026, 3, 20))
    await house.remits(1500, at_main=True)
    await house.comes_back(back, IN_APRIL)
    april = await house.opens(IN_APRIL)
    await house.takes(april, Means.CASH, top_up(house.pool, 400), now=IN_APRIL)
    return house

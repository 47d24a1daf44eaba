"""An office with its own counter and a sub-office, families with wallets and invoices, and what they pay there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import Receivable, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.integrations import integrate
from cvq_core.offices.remittances import remit
from cvq_core.offices.rules import Cheque, MandateTitle, Means, MeansDetails, Officer
from cvq_core.offices.service import collect
from cvq_core.offices.store import appoint, create_sub_office, treasury_id
from cvq_core.offices.tables import Receipt, Remittance, SubOffice
from cvq_core.offices.verify import verify_offices
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.services.rules import ServiceCode
from cvq_core.treasury.deposits import deposit
from cvq_core.treasury.tables import ChequeDeposit
from cvq_core.treasury.verify import verify_treasury
from tests.core_examples import (
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_officer,
    create_services,
    create_wallet,
    top_up,
)

MEANS = (Means.CASH, Means.CHEQUE, Means.CARD, Means.PAYFIP)


@dataclass(frozen=True)
class Town:
    """Benoît is the officer at the office's own counter; Odile collects there too, and at the school."""

    database: Database
    benoit: Officer
    odile: Officer
    main: UUID
    school: UUID
    office: UUID
    family: UUID
    pool: UUID
    canteen: UUID

    async def cheques(
        self, *amounts: int | Sequence[Payable], at: UUID | None = None, now: datetime = NOW
    ) -> list[Receipt]:
        """Take a cheque for each amount (cents for the pool) or cart, in a drawer that is closed afterwards."""
        return await self._take(Means.CHEQUE, amounts, at or self.main, now)

    async def by(self, means: Means, *amounts: int, at: UUID | None = None, now: datetime = NOW) -> list[Receipt]:
        return await self._take(means, amounts, at or self.main, now)

    async def _take(
        self, means: Means, amounts: Sequence[int | Sequence[Payable]], place: UUID, now: datetime
    ) -> list[Receipt]:
        drawer_id, receipts, cash = new_id(), [], 0
        async with self.database.write() as db:
            await open_drawer(db, drawer_id, sub_office_id=place, officer=self.odile, float_cents=0, now=now)
            for number, each in enumerate(amounts, start=1):
                payables = [top_up(self.pool, each)] if isinstance(each, int) else list(each)
                total = sum(payable.amount_cents for payable in payables)
                cash += total if means is Means.CASH else 0
                cheque = Cheque(f"{4217000 + number}", "Crédit agricole", "Jeanne Moreau")
                details = MeansDetails(cheque=cheque) if means is Means.CHEQUE else MeansDetails()
                receipts.append(
                    await collect(
                        db,
                        key=new_id(),
                        drawer_id=drawer_id,
                        payables=payables,
                        means=means,
                        tendered_cents=total,
                        details=details,
                        officer=self.odile,
                        now=now,
                    )
                )
            await close_drawer(db, drawer_id, counted={1: cash} if cash else {}, officer=self.odile, now=now)
        return receipts

    async def invoice(self, cents: int, *, due_in: int = 10, now: datetime = NOW) -> UUID:
        invoice_id = new_id()
        async with self.database.write() as db:
            await issue_invoice(
                db,
                invoice_id,
                family_account_id=self.family,
                label="Restauration scolaire, mars",
                lines=[Line(ServiceCode.CANTEEN, "Repas", 1, cents)],
                due_on=(now + timedelta(days=due_in)).date(),
                now=now,
            )
        return invoice_id

    async def deposit(
        self, receipts: Sequence[Receipt], *, key: UUID | None = None, officer: Officer | None = None
    ) -> ChequeDeposit:
        async with self.database.write() as db:
            return await deposit(
                db,
                key=key or new_id(),
                office_id=self.office,
                receipt_ids=[receipt.id for receipt in receipts],
                officer=officer or self.benoit,
                now=NOW,
            )

    async def remit(self, cents: int = 0, *, from_school: bool = False, now: datetime = NOW) -> Remittance:
        async with self.database.write() as db:
            return await remit(
                db,
                key=new_id(),
                sub_office_id=self.school if from_school else self.main,
                counted={1: cents} if cents else {},
                officer=self.odile if from_school else self.benoit,
                now=now,
            )

    async def integrate(self, remittance: Remittance) -> None:
        async with self.database.write() as db:
            await integrate(
                db, remittance_id=remittance.id, counted_cents=remittance.cash_cents, officer=self.benoit, now=NOW
            )

    async def wallet(self, wallet_id: UUID) -> Wallet:
        async with self.database.read() as db:
            return await db.get_one(Wallet, wallet_id)

    async def due(self, invoice_id: UUID) -> int:
        async with self.database.read() as db:
            return -(await db.get_one(Receivable, invoice_id)).balance_cents

    async def at_the_treasury(self) -> int:
        async with self.database.read() as db:
            return await balance_of(db, treasury_id(self.office))

    async def cheques_account(self) -> int:
        async with self.database.read() as db:
            return await balance_of(db, (await db.get_one(SubOffice, self.main)).cheques_account_id)

    async def sound(self) -> list[str]:
        async with self.database.read() as db:
            return [*await verify(db), *await verify_offices(db), *await verify_treasury(db)]


def pay(invoice_id: UUID, cents: int) -> Payable:
    return Payable(PayableKind.INVOICE, invoice_id, cents)


@pytest.fixture
async def town(database: Database) -> Town:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        pool = await create_wallet(db, family.id)
        canteen = await create_wallet(db, family.id, ServiceCode.CANTEEN)
        odile, benoit = await create_officer(db), await create_officer(db, "benoit", "Benoît Rousseau")
        main = await create_counter(db, benoit, means=MEANS, title=MandateTitle.OFFICER, is_main=True)
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=odile.staff_id,
            sub_office_id=main.id,
            title=MandateTitle.MANDATARY,
            valid_from=TODAY,
        )
        school = await create_sub_office(
            db,
            sub_office_id=new_id(),
            office_id=main.office_id,
            code="POM-ECOLE",
            label="École de Pompaire",
            float_cents=3000,
            services=[ServiceCode.POOL, ServiceCode.CANTEEN],
            means=MEANS,
            now=NOW,
        )
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=odile.staff_id,
            sub_office_id=school.id,
            title=MandateTitle.MANDATARY,
            valid_from=TODAY,
        )
    return Town(database, benoit, odile, main.id, school.id, main.office_id, family.id, pool.id, canteen.id)

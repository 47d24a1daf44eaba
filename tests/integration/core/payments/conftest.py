"""A family with a wallet and two invoices, a place whose act lets it collect online, and a PayFiP on the loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.rules import AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import balance_of, post
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.offices.rules import Means, Officer
from cvq_core.offices.tables import SubOffice
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.adapter import PayFip
from cvq_core.payments.carts import attempts_of, make_cart, standing_of
from cvq_core.payments.service import OnlinePayments
from cvq_core.payments.tables import Cart, PaymentAttempt
from cvq_core.payments.virtual import VirtualPayFip
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings
from tests.core_examples import (
    NOW,
    create_counter,
    create_family,
    create_ledger_account,
    create_officer,
    create_services,
    create_wallet,
)

ANSWER_WITHIN_S = 0.4


class Hour:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True)
class Ground:
    """Who pays, where, and through what."""

    database: Database
    hour: Hour
    virtual: VirtualPayFip
    payments: OnlinePayments
    officer: Officer
    place: SubOffice
    family: FamilyAccount
    wallet: UUID
    settings: Settings

    async def invoice(self, cents: int) -> UUID:
        async with self.database.write() as db:
            invoice = await issue_invoice(
                db,
                new_id(),
                family_account_id=self.family.id,
                label="Cantine",
                lines=[Line(ServiceCode.CANTEEN, "Repas", 1, cents)],
                due_on=local_day(self.hour.now) + timedelta(days=30),
                now=self.hour.now,
            )
            return invoice.id

    async def cart(self, *payables: tuple[PayableKind, UUID, int], acknowledged: bool = False) -> Cart:
        async with self.database.write() as db:
            return await make_cart(
                db,
                new_id(),
                [Payable(*each) for each in payables],
                place_code=self.place.code,
                email="jeanne@aulnay.fr",
                acknowledged=acknowledged,
                actor_kind="staff",
                actor_id=self.officer.staff_id,
                now=self.hour.now,
            )

    async def started(self, cart: Cart) -> str:
        """Start to pay, and return PayFiP's identifier."""
        page = await self.payments.start(cart.token)
        assert page.startswith(self.virtual.url)
        return page.rpartition("=")[2]

    async def pay_elsewhere(self, invoice_id: UUID, cents: int) -> None:
        async with self.database.write() as db:
            drawer = await create_ledger_account(db, AccountKind.DRAWER)
            legs = (NewPosting(invoice_id, cents), NewPosting(drawer, -cents))
            transaction = NewTransaction(
                new_id(), TransactionKind.PAYMENT, "Au guichet", NOW, legs, actor_kind="staff", actor_id=None
            )
            await post(db, transaction, now=NOW)

    async def attempts(self, cart: Cart) -> list[PaymentAttempt]:
        async with self.database.read() as db:
            return await attempts_of(db, cart.id)

    async def state(self, cart: Cart) -> str:
        async with self.database.read() as db:
            return (await standing_of(db, await db.get_one(Cart, cart.id), self.hour.now)).state

    async def balance(self, account_id: UUID) -> int:
        async with self.database.read() as db:
            return await balance_of(db, account_id)

    async def held(self, kind: AccountKind) -> int:
        """What the place's account of a kind holds, in cents; nothing when nobody has opened it."""
        async with self.database.read() as db:
            from sqlalchemy import select

            account_id = await db.scalar(select(LedgerAccount.id).where(LedgerAccount.kind == kind))
            return await balance_of(db, account_id) if account_id else 0


@asynccontextmanager
async def ground_on(database: Database) -> AsyncIterator[Ground]:
    hour = Hour()
    virtual = VirtualPayFip(clock=hour)
    await virtual.start()
    payfip = PayFip("012345", "T", virtual.url, call_s=ANSWER_WITHIN_S)
    async with database.write() as db:
        await create_services(db)
        officer = await create_officer(db)
        place = await create_counter(db, officer, means=(Means.CASH, Means.PAYFIP))
        family = await create_family(db)
        wallet = await create_wallet(db, family.id)
    settings = Settings(
        payfip_client="012345", payfip_office=place.code, payfip_url=virtual.url, smtp_url="smtp://127.0.0.1:9"
    )
    payments = OnlinePayments(database, hour, settings, payfip)
    try:
        yield Ground(database, hour, virtual, payments, officer, place, family, wallet.id, settings)
    finally:
        payfip.close()
        await virtual.stop()


@pytest.fixture
async def ground(database: Database) -> AsyncIterator[Ground]:
    async with ground_on(database) as ground:
        yield ground

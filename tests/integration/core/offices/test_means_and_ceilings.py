"""Invoices and wallets in one payment, cheques, vouchers, and the ceiling that rivals at once cannot pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import invoices_by_id, issue_invoice
from cvq_core.ledger.rules import IdempotencyMismatch, MoreThanDue, TransactionKind
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.offices.ceiling_rules import CeilingReached
from cvq_core.offices.ceilings import standings_of
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import (
    NO_DETAILS,
    Cheque,
    FloatNotInSafe,
    MandateTitle,
    Means,
    MeansDetails,
    MeansNotAtCounter,
    NotInAct,
    Officer,
    VoucherCount,
    VoucherNotForService,
)
from cvq_core.offices.service import collect, void
from cvq_core.offices.store import appoint, create_sub_office, voucher_account
from cvq_core.offices.tables import CashOffice, Receipt, SubOffice
from cvq_core.offices.verify import verify_offices
from cvq_core.payables.rules import NothingToPay, Payable, PayableKind
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_officer,
    create_services,
    create_wallet,
    top_up,
)

RIVALS = 8


@dataclass(frozen=True)
class Town:
    """A place that takes every means; its office holds at most what a test says."""

    database: Database
    place: UUID
    family: UUID
    pool: UUID
    drawers: tuple[tuple[Officer, UUID], ...]

    async def pay(
        self,
        *payables: Payable,
        means: Means = Means.CASH,
        tendered: int | None = None,
        details: MeansDetails = NO_DETAILS,
        drawer: int = 0,
        key: UUID | None = None,
    ) -> Receipt:
        officer, drawer_id = self.drawers[drawer]
        async with self.database.write() as db:
            return await collect(
                db,
                key=key or new_id(),
                drawer_id=drawer_id,
                payables=payables,
                means=means,
                tendered_cents=sum(each.amount_cents for each in payables) if tendered is None else tendered,
                details=details,
                officer=officer,
                now=NOW,
            )

    async def invoice(self, *services: ServiceCode) -> Payable:
        """An invoice of 15 euros for each service, to be paid whole."""
        lines = [Line(service, "Mars", 3, 500) for service in services]
        async with self.database.write() as db:
            made = await issue_invoice(
                db,
                new_id(),
                family_account_id=self.family,
                label="Mars",
                lines=lines,
                due_on=TODAY + timedelta(days=30),
                now=NOW,
            )
        return Payable(PayableKind.INVOICE, made.id, made.total_cents)

    async def due(self, payable: Payable) -> int:
        async with self.database.read() as db:
            return (await invoices_by_id(db, [payable.id]))[payable.id].due_cents

    async def balance(self) -> int:
        async with self.database.read() as db:
            return (await wallets_by_id(db, [self.pool]))[self.pool].balance_cents

    async def limit(
        self, ceiling: int, *, refuses: bool = True, counts: tuple[str, ...] = (), office: bool = False
    ) -> None:
        async with self.database.write() as db:
            of_office = {"ceiling_counts": list(counts)}
            limits = {"ceiling_cents": ceiling, "ceiling_refuses": refuses}
            await db.execute(update(CashOffice).values(of_office | (limits if office else {})))
            if not office:
                await db.execute(update(SubOffice).values(limits))

    async def held(self) -> int:
        async with self.database.read() as db:
            place = await db.get_one(SubOffice, self.place)
            standings = await standings_of(db, place, await db.get_one(CashOffice, place.office_id))
        assert standings.fullest is not None
        return standings.fullest.held_cents


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    async with database.write() as db:
        await create_services(db)
        for code in (ServiceCode.SQUASH, ServiceCode.CRECHE):
            await add_service(db, code, service_id=new_id(), policy=FundingPolicy.BILLED, valid_from=LONG_AGO)
        family = await create_family(db)
        pool = await create_wallet(db, family.id)
        officers = [await create_officer(db, f"odile{n}", f"Odile {n}") for n in range(RIVALS)]
        place = await create_counter(
            db,
            officers[0],
            services=(ServiceCode.POOL, ServiceCode.CANTEEN, ServiceCode.CRECHE),
            means=tuple(Means),
            more=officers[1:],
        )
        drawers = []
        for officer in officers:
            drawer = await open_drawer(db, new_id(), sub_office_id=place.id, officer=officer, float_cents=500, now=NOW)
            drawers.append((officer, drawer.id))
    yield Town(database, place.id, family.id, pool.id, tuple(drawers))
    async with database.read() as db:
        assert [*await verify(db), *await verify_offices(db)] == []


async def test_wallets_and_invoices_are_paid_in_one_transaction(town: Town) -> None:
    invoice = await town.invoice(ServiceCode.CANTEEN, ServiceCode.POOL)
    receipt = await town.pay(top_up(town.pool, 2000), invoice, tendered=100_00)
    assert (receipt.total_cents, receipt.change_cents) == (5000, 5000)
    assert await town.due(invoice) == 0
    assert await town.balance() == 2000
    lines = receipt.printed["lines"]
    assert [each["service"] for each in lines] == ["Piscine", "Facture 2026-000001"]
    async with town.database.read() as db:
        assert (await db.get_one(LedgerTransaction, receipt.transaction_id)).kind is TransactionKind.PAYMENT


async def test_an_invoice_is_paid_in_parts_and_never_beyond_what_is_due(town: Town) -> None:
    invoice = await town.invoice(ServiceCode.CANTEEN)
    await town.pay(Payable(PayableKind.INVOICE, invoice.id, 1000))
    assert await town.due(invoice) == 500
    with pytest.raises(MoreThanDue):
        await town.pay(Payable(PayableKind.INVOICE, invoice.id, 501))


async def test_of_rivals_who_pay_one_invoice_at_once_one_does(town: Town) -> None:
    invoice = await town.invoice(ServiceCode.CANTEEN)
    results = await asyncio.gather(*(town.pay(invoice, drawer=n) for n in range(RIVALS)), return_exceptions=True)
    assert {type(each) for each in results} == {Receipt, MoreThanDue}
    assert len([each for each in results if isinstance(each, Receipt)]) == 1
    assert await town.due(invoice) == 0


async def test_a_void_makes_the_invoice_due_again_and_takes_the_top_up_back(town: Town) -> None:
    invoice = await town.invoice(ServiceCode.CANTEEN)
    receipt = await town.pay(top_up(town.pool, 2000), invoice)
    async with town.database.write() as db:
        voiding = await void(
            db, key=new_id(), receipt_id=receipt.id, reason="Erreur", officer=town.drawers[0][0], now=NOW
        )
    assert voiding.total_cents == -3500
    assert await town.due(invoice) == 1500
    assert await town.balance() == 0


async def test_the_same_key_with_another_invoice_or_details_is_refused(town: Town) -> None:
    invoice, key = await town.invoice(ServiceCode.CANTEEN), new_id()
    cheque = MeansDetails(cheque=Cheque("0004217", "Crédit agricole", "Jeanne Moreau"))
    first = await town.pay(invoice, key=key, means=Means.CHEQUE, details=cheque)
    again = await town.pay(invoice, key=key, means=Means.CHEQUE, details=cheque)
    assert again.number == first.number
    other = MeansDetails(cheque=Cheque("0004218", "Crédit agricole", "Jeanne Moreau"))
    for payable, details in ((invoice, other), (top_up(town.pool, 1500), cheque)):
        with pytest.raises(IdempotencyMismatch):
            await town.pay(payable, key=key, means=Means.CHEQUE, details=details)


async def test_an_invoice_of_a_service_that_the_act_does_not_name_is_refused_whole(town: Town) -> None:
    invoice = await town.invoice(ServiceCode.CANTEEN, ServiceCode.SQUASH)
    with pytest.raises(NotInAct, match="Squash"):
        await town.pay(top_up(town.pool, 1000), invoice)
    assert (await town.due(invoice), await town.balance()) == (3000, 0)


async def test_nothing_or_one_thing_twice_is_no_payment(town: Town) -> None:
    for payables in ((), (top_up(town.pool, 100), top_up(town.pool, 100))):
        with pytest.raises(NothingToPay):
            await town.pay(*payables)


async def test_vouchers_are_kept_apart_by_their_kind_and_counted_by_face_value(town: Town) -> None:
    counted = MeansDetails(vouchers=(VoucherCount(1000, 2), VoucherCount(500, 1)))
    receipt = await town.pay(top_up(town.pool, 2500), means=Means.ANCV, details=counted)
    assert receipt.printed["vouchers"] == [{"face_cents": 1000, "number": 2}, {"face_cents": 500, "number": 1}]
    async with town.database.write() as db:
        place = await db.get_one(SubOffice, town.place)
        kept = {
            means: await balance_of(db, await voucher_account(db, place, means, NOW))
            for means in (Means.ANCV, Means.CESU)
        }
    assert kept == {Means.ANCV: 2500, Means.CESU: 0}
    with pytest.raises(VoucherNotForService):
        await town.pay(top_up(town.pool, 2500), means=Means.CESU, details=counted)


async def test_a_means_of_the_bank_is_refused_at_the_counter_though_the_act_names_it(town: Town) -> None:
    for means in (Means.PAYFIP, Means.DIRECT_DEBIT):
        with pytest.raises(MeansNotAtCounter):
            await town.pay(top_up(town.pool, 1000), means=means)


async def test_the_float_is_not_counted_and_what_is_in_the_drawers_is(town: Town) -> None:
    await town.limit(100_00)
    assert await town.held() == 0
    await town.pay(top_up(town.pool, 60_00))
    await town.pay(top_up(town.pool, 20_00), drawer=1)
    await town.pay(top_up(town.pool, 50_00), means=Means.CHEQUE)
    assert await town.held() == 80_00
    async with town.database.write() as db:
        await close_drawer(
            db, town.drawers[0][1], counted={5000: 1, 1000: 1, 500: 1}, officer=town.drawers[0][0], now=NOW
        )
    assert await town.held() == 80_00


async def test_above_the_ceiling_cash_is_refused_and_a_cheque_is_not(town: Town) -> None:
    await town.limit(100_00)
    await town.pay(top_up(town.pool, 100_00))
    with pytest.raises(CeilingReached):
        await town.pay(top_up(town.pool, 1))
    await town.pay(top_up(town.pool, 500_00), means=Means.CHEQUE)
    assert await town.balance() == 600_00


async def test_by_setting_a_ceiling_only_warns(town: Town) -> None:
    await town.limit(100_00, refuses=False)
    await town.pay(top_up(town.pool, 150_00))
    assert await town.held() == 150_00


async def test_what_the_act_counts_besides_cash_is_limited_too(town: Town) -> None:
    await town.limit(100_00, counts=("cheques", "vouchers"))
    await town.pay(top_up(town.pool, 90_00), means=Means.CHEQUE)
    ten = MeansDetails(vouchers=(VoucherCount(1100, 1),))
    for means, details in ((Means.CHEQUE, NO_DETAILS), (Means.CASH, NO_DETAILS), (Means.ANCV, ten)):
        with pytest.raises(CeilingReached):
            await town.pay(top_up(town.pool, 11_00), means=means, details=details)
    await town.pay(top_up(town.pool, 11_00), means=Means.CARD)


@pytest.mark.parametrize("office", [False, True])
@pytest.mark.parametrize("before", [0, 250_00])
async def test_rivals_in_several_drawers_never_pass_the_ceiling_together(town: Town, office: bool, before: int) -> None:
    """Far from the ceiling nobody waits; near to it each sees what the others took."""
    await town.limit(400_00, office=office)
    if before:
        await town.pay(top_up(town.pool, before))

    async def pay_on(drawer: int) -> list[object]:
        answers: list[object] = []
        for _ in range(5):
            try:
                answers.append(await town.pay(top_up(town.pool, 30_00), drawer=drawer))
            except Refusal as refusal:
                answers.append(refusal)
        return answers

    answers = [each for some in await asyncio.gather(*map(pay_on, range(RIVALS))) for each in some]
    taken = [each for each in answers if isinstance(each, Receipt)]
    assert {type(each) for each in answers} == {Receipt, CeilingReached}
    assert len(taken) == (400_00 - before) // 30_00
    assert await town.held() == before + len(taken) * 30_00


async def test_a_drawer_opens_only_with_what_the_safe_holds(town: Town) -> None:
    async with town.database.write() as db:
        place = await db.get_one(SubOffice, town.place)
        late = await create_officer(db, "marc", "Marc Petit")
        poor = await create_sub_office(
            db,
            sub_office_id=new_id(),
            office_id=place.office_id,
            code="POM-ECOLE",
            label="École",
            float_cents=1000,
            services=[ServiceCode.CANTEEN],
            means=[Means.CASH],
            now=NOW,
        )
    async with town.database.write() as db:
        for officer in (late, town.drawers[0][0]):
            await appoint(
                db,
                mandate_id=new_id(),
                staff_id=officer.staff_id,
                sub_office_id=poor.id,
                title=MandateTitle.MANDATARY,
                valid_from=TODAY,
            )
        await open_drawer(db, new_id(), sub_office_id=poor.id, officer=late, float_cents=600, now=NOW)
    with pytest.raises(FloatNotInSafe, match="4,00"):
        async with town.database.write() as db:
            await open_drawer(db, new_id(), sub_office_id=poor.id, officer=town.drawers[0][0], float_cents=600, now=NOW)

"""What came by the bank goes to the comptable with the officer's slip: every cent once, and nothing that waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from sqlalchemy import insert, select

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.debits.reasons import ReturnReason
from cvq_core.debits.returns import take_back
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.ledger.verify import verify
from cvq_core.offices.remittance_rules import Contents, NothingToRemit
from cvq_core.offices.remittance_store import contents_of
from cvq_core.offices.remittances import cancel_remittance, remit
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import treasury_id
from cvq_core.offices.tables import Remittance, RemittanceTransaction, SubOffice
from cvq_core.offices.verify import verify_offices
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.carts import make_cart
from cvq_core.payments.reconciliation import decide
from cvq_core.payments.rules import Decision, Notice, Said
from cvq_core.payments.store import begin, hear
from cvq_core.payments.verify import verify_payments
from cvq_core.services.rules import ServiceCode
from cvq_core.vault import Vault
from tests.core_examples import (
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_mandate,
    create_officer,
    create_services,
    create_wallet,
    debit_what_is_due,
    top_up,
)

RIVALS = 6
LATER = NOW + timedelta(days=10)
COLLECTED = date(2026, 3, 6)


@dataclass(frozen=True)
class House:
    """An office whose own counter collects online too, and which debits one family."""

    database: Database
    vault: Vault
    officer: Officer
    place: SubOffice
    family: UUID
    wallet: UUID

    async def pays_online(self, cents: int, *, received: int | None = None) -> UUID:
        """Pay a cart online; PayFiP says that so much was received."""
        async with self.database.write() as db:
            cart = await make_cart(
                db,
                new_id(),
                [top_up(self.wallet, cents)],
                place_code=self.place.code,
                email="jeanne@aulnay.fr",
                acknowledged=False,
                actor_kind="staff",
                actor_id=None,
                now=NOW,
            )
            attempt = await begin(db, cart.id, new_id(), now=NOW)
            await hear(db, attempt.id, Notice(Said.PAID, attempt.refdet, received or cents, "A1"), now=NOW)
        return attempt.id

    async def debits(self, *amounts: int) -> list[UUID]:
        """Debit invoices of so many cents on `COLLECTED`; return the debits."""
        then, invoices = NOW - timedelta(days=21), []
        run_id = new_id()
        async with self.database.write() as db:
            for cents in amounts:
                invoice = await issue_invoice(
                    db,
                    new_id(),
                    family_account_id=self.family,
                    label="Février",
                    lines=[Line(ServiceCode.CANTEEN, "Repas", 1, cents)],
                    due_on=local_day(then),
                    now=then,
                )
                invoices.append(invoice.id)
            await debit_what_is_due(
                db, self.vault, run_id, office_id=self.place.office_id, day=COLLECTED, officer=self.officer
            )
        return [uuid5(run_id, str(invoice)) for invoice in invoices]

    async def comes_back(self, debit: UUID) -> None:
        async with self.database.write() as db:
            await take_back(db, debit, reason=ReturnReason.INSUFFICIENT, officer=self.officer, now=NOW)

    async def file(self, attempt_id: UUID, *, key: UUID | None = None) -> None:
        async with self.database.write() as db:
            await decide(
                db,
                key or new_id(),
                attempt_id,
                Decision.FILED,
                place=self.place,
                reason="À rendre à la personne",
                staff_id=self.officer.staff_id,
                now=NOW,
            )

    async def remit(self, *, now: datetime = NOW, key: UUID | None = None) -> Remittance:
        async with self.database.write() as db:
            return await remit(
                db, key=key or new_id(), sub_office_id=self.place.id, counted={}, officer=self.officer, now=now
            )

    async def cancel(self, slip: Remittance) -> Remittance:
        async with self.database.write() as db:
            return await cancel_remittance(
                db, key=new_id(), remittance_id=slip.id, reason="Erreur", officer=self.officer, now=NOW
            )

    async def contents(self, day: date = TODAY) -> Contents:
        async with self.database.read() as db:
            return await contents_of(db, self.place, day)

    async def treasury(self) -> int:
        async with self.database.read() as db:
            return await balance_of(db, treasury_id(self.place.office_id))

    async def held(self, kind: AccountKind) -> int:
        async with self.database.read() as db:
            account_id = await db.scalar(select(LedgerAccount.id).where(LedgerAccount.kind == kind))
            return await balance_of(db, account_id) if account_id else 0


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    vault = Vault(tmp_path / "documents", bytes(32))
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        wallet = await create_wallet(db, family.id)
        officer = await create_officer(db, "benoit", "Benoît Rousseau")
        place = await create_counter(
            db, officer, means=(Means.CASH, Means.PAYFIP, Means.DIRECT_DEBIT), title=MandateTitle.OFFICER, is_main=True
        )
        await create_mandate(db, vault, place.office_id, family.id, officer)
    yield House(database, vault, officer, place, family.id, wallet.id)
    async with database.read() as db:
        assert [*await verify(db), *await verify_offices(db), *await verify_payments(db)] == []


async def test_what_was_paid_online_goes_once_with_the_officer_s_slip(house: House) -> None:
    await house.pays_online(1500)
    await house.pays_online(2000)
    assert (await house.contents()).others == {Means.PAYFIP: 3500}
    key = new_id()
    slip = await house.remit(key=key)
    assert (await house.remit(key=key)).number == slip.number == 1
    assert (slip.total_cents, slip.cash_cents, slip.printed["means"]) == (3500, 0, {"payfip": 3500})
    [line] = slip.printed["bank"]
    assert (line["day"], line["payments"], line["cents"], line["kind"]) == (str(TODAY), 2, 3500, "received")
    assert await house.treasury() == 3500
    assert await house.held(AccountKind.ONLINE_PAYMENTS) == 0
    assert (await house.contents()).is_empty
    with pytest.raises(NothingToRemit):
        await house.remit()


async def test_of_rivals_who_remit_the_same_payments_at_once_one_does(house: House) -> None:
    await house.pays_online(1500)
    results = await asyncio.gather(*(house.remit() for _ in range(RIVALS)), return_exceptions=True)
    assert len([each for each in results if isinstance(each, Remittance)]) == 1
    assert {type(each) for each in results} == {Remittance, NothingToRemit}
    assert await house.treasury() == 1500


async def test_payments_that_arrive_while_one_remits_are_carried_once_by_some_slip(house: House) -> None:
    async def remits() -> int:
        try:
            return (await house.remit()).total_cents
        except NothingToRemit:
            return 0

    results = await asyncio.gather(*(house.pays_online(100 + n) for n in range(RIVALS)), *(remits() for _ in range(4)))
    paid = sum(each for each in results if isinstance(each, int))
    assert paid + await remits() == await house.treasury() == sum(100 + n for n in range(RIVALS))


async def test_a_slip_that_is_taken_back_leaves_its_payments_to_the_next(house: House) -> None:
    await house.pays_online(1500)
    back = await house.cancel(await house.remit())
    assert (back.total_cents, await house.treasury()) == (-1500, 0)
    await house.pays_online(500)
    assert (await house.remit()).printed["means"] == {"payfip": 2000}


async def test_a_debit_goes_when_its_day_has_come_and_not_before(house: House) -> None:
    first, _ = await house.debits(1000, 3000)
    await house.comes_back(first)
    with pytest.raises(NothingToRemit):
        await house.remit()
    assert (await house.contents(COLLECTED)).others == {Means.DIRECT_DEBIT: 3000}
    slip = await house.remit(now=LATER)
    assert slip.printed["means"] == {"direct_debit": 3000}
    assert [(line["kind"], line["payments"], line["cents"]) for line in slip.printed["bank"]] == [
        ("received", 2, 4000),
        ("returned", 1, -1000),
    ]


async def test_what_comes_back_after_it_was_passed_on_is_taken_off_the_next_slip(house: House) -> None:
    [debit] = await house.debits(1000)
    await house.remit(now=LATER)
    await house.comes_back(debit)
    await house.pays_online(200)
    assert (await house.contents(COLLECTED)).others == {Means.PAYFIP: 200}, "more went back than came: it waits"
    await house.remit(now=LATER)
    await house.debits(2500)
    # The invoice that came back is due again, and is debited with the new one.
    slip = await house.remit(now=LATER)
    assert slip.printed["means"] == {"direct_debit": 2500}
    assert await house.treasury() == 1000 + 200 + 2500
    assert await house.held(AccountKind.DIRECT_DEBITS) == 0


async def test_what_nobody_has_placed_yet_is_stated_and_stays_until_it_is_decided(house: House) -> None:
    await house.pays_online(1500)
    other = await house.pays_online(2000, received=1900)
    contents = await house.contents()
    assert (contents.others, contents.to_classify_cents) == ({Means.PAYFIP: 1500}, 1900)
    slip = await house.remit()
    assert (slip.total_cents, slip.printed["to_classify_cents"]) == (1500, 1900)
    key = new_id()
    for _ in range(2):
        await house.file(other, key=key)
    contents = await house.contents()
    assert (contents.others, contents.to_classify_cents) == ({Means.PAYFIP: 1900}, 0)
    slip = await house.remit()
    [line] = slip.printed["bank"]
    assert (line["kind"], line["cents"], line["reference"][:3]) == ("classified", 1900, "CVQ")
    assert (await house.treasury(), await house.held(AccountKind.ONLINE_PAYMENTS)) == (3400, 0)
    assert await house.held(AccountKind.TO_CLASSIFY) == 0
    assert await house.held(AccountKind.CLASSIFIED) == 1900


async def test_the_check_finds_a_payment_that_two_slips_carry(database: Database, house: House) -> None:
    attempt_id = await house.pays_online(1500)
    await house.remit()
    await house.pays_online(700)
    second = await house.remit()
    # A reading transaction is never committed: the table itself would keep the second row for good.
    async with database.read() as db:
        row = {"remittance_id": second.id, "transaction_id": attempt_id, "means": Means.PAYFIP, "amount_cents": 1500}
        await db.execute(insert(RemittanceTransaction).values(row))
        found = await verify_offices(db)
        assert any("is carried by 2 slips" in sentence for sentence in found)
        assert any(
            "slip 2 carries 2200 cents that came by the bank, its transaction moved 700" in each for each in found
        )


async def test_an_invoice_paid_online_is_passed_on_too(house: House) -> None:
    async with house.database.write() as db:
        invoice = await issue_invoice(
            db,
            new_id(),
            family_account_id=house.family,
            label="Mars",
            lines=[Line(ServiceCode.CANTEEN, "Repas", 1, 1200)],
            due_on=TODAY,
            now=NOW,
        )
        cart = await make_cart(
            db,
            new_id(),
            [Payable(PayableKind.INVOICE, invoice.id, 1200)],
            place_code=house.place.code,
            email="jeanne@aulnay.fr",
            acknowledged=False,
            actor_kind="staff",
            actor_id=None,
            now=NOW,
        )
        attempt = await begin(db, cart.id, new_id(), now=NOW)
        await hear(db, attempt.id, Notice(Said.PAID, attempt.refdet, 1200, "A1"), now=NOW)
    assert (await house.remit()).total_cents == 1200

"""From the safe to the comptable: a sub-office remits, the officer integrates or sends back, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.verify import verify
from cvq_core.offices.ceiling_rules import RemitReason
from cvq_core.offices.ceilings import standings_of
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.integrations import integrate, send_back
from cvq_core.offices.remittance_rules import (
    AlreadyDecided,
    Contents,
    CountDiffers,
    NotCashOfficer,
    NothingToRemit,
    NotToIntegrate,
    ReasonMissing,
    RemittanceCancelled,
    RemittedTo,
    RemittedTooMuch,
    UnknownRemittance,
)
from cvq_core.offices.remittance_store import (
    contents_of,
    number_of,
    reason_to_remit,
    remittance_line,
    remittances_of,
    to_integrate,
)
from cvq_core.offices.remittances import cancel_remittance, remit
from cvq_core.offices.rules import Cheque, MandateTitle, Means, MeansDetails, NotMandatary, Officer, VoucherCount
from cvq_core.offices.service import collect, void
from cvq_core.offices.store import (
    appoint,
    create_sub_office,
    find_receipts,
    treasury_id,
    under_way_id,
)
from cvq_core.offices.tables import CashOffice, Integration, Receipt, Remittance, SubOffice
from cvq_core.offices.verify import verify_offices
from cvq_core.services.rules import ServiceCode
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

RIVALS = 8
MEANS = (Means.CASH, Means.CHEQUE, Means.CARD, Means.ANCV)
DETAILS = {
    Means.CASH: MeansDetails(),
    Means.CHEQUE: MeansDetails(cheque=Cheque("0004217", "Crédit agricole", "Jeanne Moreau")),
    Means.CARD: MeansDetails(card_reference="A-17"),
}


@dataclass(frozen=True)
class House:
    """An office with its own counter, where Benoît is the officer, and a sub-office, where Odile collects."""

    database: Database
    benoit: Officer
    odile: Officer
    main: UUID
    place: UUID
    pool: UUID

    async def take(self, **cents: int) -> list[Receipt]:
        """Open Odile's drawer, take so many cents by each means, and close it on the right count."""
        drawer_id, receipts = new_id(), []
        async with self.database.write() as db:
            await open_drawer(db, drawer_id, sub_office_id=self.place, officer=self.odile, float_cents=2000, now=NOW)
            for word, amount in cents.items():
                means = Means(word)
                vouchers = MeansDetails(vouchers=(VoucherCount(amount, 1),))
                receipts.append(
                    await collect(
                        db,
                        key=new_id(),
                        drawer_id=drawer_id,
                        payables=[top_up(self.pool, amount)],
                        means=means,
                        tendered_cents=amount,
                        details=DETAILS.get(means, vouchers),
                        officer=self.odile,
                        now=NOW,
                    )
                )
            counted = coins(2000 + cents.get("cash", 0))
            await close_drawer(db, drawer_id, counted=counted, officer=self.odile, now=NOW)
        return receipts

    async def remit(self, counted: Mapping[int, int], *, key: UUID | None = None, main: bool = False) -> Remittance:
        async with self.database.write() as db:
            return await remit(
                db,
                key=key or new_id(),
                sub_office_id=self.main if main else self.place,
                counted=counted,
                officer=self.benoit if main else self.odile,
                now=NOW,
            )

    async def cancel(
        self, remittance: Remittance, *, key: UUID | None = None, officer: Officer | None = None
    ) -> Remittance:
        async with self.database.write() as db:
            return await cancel_remittance(
                db,
                key=key or new_id(),
                remittance_id=remittance.id,
                reason="Mauvais sac",
                officer=officer or self.odile,
                now=NOW,
            )

    async def integrate(
        self, remittance: Remittance, cents: int | None = None, *, officer: Officer | None = None
    ) -> Integration:
        async with self.database.write() as db:
            return await integrate(
                db,
                remittance_id=remittance.id,
                counted_cents=remittance.cash_cents if cents is None else cents,
                officer=officer or self.benoit,
                now=NOW,
            )

    async def send_back(
        self, remittance: Remittance, *, reason: str = "Un chèque manque", officer: Officer | None = None
    ) -> Remittance:
        async with self.database.write() as db:
            return await send_back(
                db,
                key=new_id(),
                remittance_id=remittance.id,
                reason=reason,
                officer=officer or self.benoit,
                now=NOW,
            )

    async def contents(self, *, main: bool = False) -> Contents:
        async with self.database.read() as db:
            return await contents_of(db, await db.get_one(SubOffice, self.main if main else self.place), TODAY)

    async def treasury(self) -> int:
        async with self.database.read() as db:
            place = await db.get_one(SubOffice, self.main)
            return await balance_of(db, treasury_id(place.office_id))

    async def under_way(self, means: Means) -> int:
        async with self.database.read() as db:
            place = await db.get_one(SubOffice, self.main)
            return await balance_of(db, under_way_id(place.office_id, means))


def coins(cents: int) -> dict[int, int]:
    return {5000: cents // 5000, 100: cents % 5000 // 100, 1: cents % 100}


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with database.write() as db:
        await create_services(db)
        pool = await create_wallet(db, (await create_family(db)).id)
        odile, benoit = await create_officer(db), await create_officer(db, "benoit", "Benoît Rousseau")
        main = await create_counter(db, benoit, means=MEANS, title=MandateTitle.OFFICER, is_main=True)
        place = await create_sub_office(
            db,
            sub_office_id=new_id(),
            office_id=main.office_id,
            code="POM-ECOLE",
            label="École de Pompaire",
            float_cents=3000,
            services=[ServiceCode.POOL],
            means=MEANS,
            now=NOW,
        )
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=odile.staff_id,
            sub_office_id=place.id,
            title=MandateTitle.MANDATARY,
            valid_from=TODAY,
        )
    yield House(database, benoit, odile, main.id, place.id, pool.id)
    async with database.read() as db:
        assert [*await verify(db), *await verify_offices(db)] == []


async def test_a_place_remits_its_cash_beyond_the_float_and_everything_else_of_closed_drawers(house: House) -> None:
    await house.take(cash=8050, cheque=2000, card=1500, ancv=1000)
    contents = await house.contents()
    assert contents.cash_max_cents == 8050
    assert contents.others == {Means.CHEQUE: 2000, Means.CARD: 1500, Means.ANCV: 1000}
    slip = await house.remit({5000: 1, 1000: 3, 50: 1})
    assert (number_of(slip), slip.to, slip.cash_cents, slip.total_cents) == (
        "POM-V-000001",
        RemittedTo.OFFICE,
        8050,
        12550,
    )
    assert [each["number"] for each in slip.printed["receipts"]] == ["POM-000002", "POM-000003", "POM-000004"]
    assert slip.printed["receipts"][0]["cheque"]["number"] == "0004217"
    [drawer] = slip.printed["drawers"]
    assert (drawer["first"], drawer["last"], sum(drawer["means"].values())) == ("POM-000001", "POM-000004", 12550)
    assert (await house.contents()).is_empty
    assert await house.under_way(Means.CASH) == 8050


async def test_what_is_voided_is_neither_listed_nor_remitted(house: House) -> None:
    async with house.database.write() as db:
        drawer = await open_drawer(db, new_id(), sub_office_id=house.place, officer=house.odile, float_cents=0, now=NOW)
        receipt = await collect(
            db,
            key=new_id(),
            drawer_id=drawer.id,
            payables=[top_up(house.pool, 2000)],
            means=Means.CHEQUE,
            tendered_cents=2000,
            details=DETAILS[Means.CHEQUE],
            officer=house.odile,
            now=NOW,
        )
        await void(db, key=new_id(), receipt_id=receipt.id, reason="Erreur", officer=house.odile, now=NOW)
        await close_drawer(db, drawer.id, counted={}, officer=house.odile, now=NOW)
    with pytest.raises(NothingToRemit):
        await house.remit({})
    await house.take(cash=1000)
    slip = await house.remit({1000: 1})
    assert (slip.printed["receipts"], slip.printed["means"]) == ([], {"cash": 1000})


async def test_the_float_stays_and_an_open_drawer_is_not_touched(house: House) -> None:
    with pytest.raises(NothingToRemit):
        await house.remit({})
    with pytest.raises(RemittedTooMuch):
        await house.remit({100: 1})
    await house.take(cash=1000)
    async with house.database.write() as db:
        await open_drawer(db, new_id(), sub_office_id=house.place, officer=house.odile, float_cents=2000, now=NOW)
    with pytest.raises(RemittedTooMuch, match="10,00"):
        await house.remit({1000: 1, 1: 1})
    assert (await house.remit({500: 1})).printed["left_cents"] == 500
    assert (await house.contents()).cash_max_cents == 500


async def test_the_same_key_is_the_same_slip_and_another_count_is_refused(house: House) -> None:
    await house.take(cash=3000)
    key = new_id()
    assert {(await house.remit({1000: 1}, key=key)).number for _ in range(2)} == {1}
    with pytest.raises(IdempotencyMismatch):
        await house.remit({1000: 2}, key=key)


async def test_of_rivals_who_remit_the_same_cheque_and_cash_at_once_one_does(house: House) -> None:
    await house.take(cash=1000, cheque=2000)
    results = await asyncio.gather(*(house.remit({1000: 1}) for _ in range(RIVALS)), return_exceptions=True)
    assert len([each for each in results if isinstance(each, Remittance)]) == 1
    assert {type(each) for each in results} == {Remittance, RemittedTooMuch}


async def test_a_stranger_remits_nothing(house: House) -> None:
    await house.take(cash=1000)
    with pytest.raises(NotMandatary):
        async with house.database.write() as db:
            await remit(db, key=new_id(), sub_office_id=house.place, counted={}, officer=house.benoit, now=NOW)
    with pytest.raises(UnknownRemittance):
        await house.cancel(Remittance(id=new_id()))


async def test_a_remittance_is_taken_back_by_a_slip_of_its_own_and_made_again(house: House) -> None:
    await house.take(cash=1000, cheque=2000)
    slip, key = await house.remit({1000: 1}), new_id()
    back = await house.cancel(slip, key=key)
    assert (await house.cancel(slip, key=key)).number == back.number == 2
    assert (back.total_cents, back.cash_cents, back.cancels_id) == (-3000, -1000, slip.id)
    assert back.printed["cancels"] == "POM-V-000001"
    for each in (slip, back):
        with pytest.raises(RemittanceCancelled):
            await house.cancel(each)
    with pytest.raises(RemittanceCancelled):
        await house.integrate(slip)
    assert (await house.contents()).total_max_cents == 3000
    again = await house.remit({1000: 1})
    assert (again.number, again.total_cents) == (3, 3000)


async def test_the_officer_integrates_once_what_was_counted_and_passes_it_on_to_the_comptable(house: House) -> None:
    await house.take(cash=4000, cheque=2000, card=1500)
    slip = await house.remit({2000: 2})
    async with house.database.read() as db:
        office_id = (await db.get_one(SubOffice, house.main)).office_id
        assert [each.remittance.id for each in await to_integrate(db, office_id)] == [slip.id]
    with pytest.raises(CountDiffers, match="40,00"):
        await house.integrate(slip, 3999)
    for _ in range(2):
        assert (await house.integrate(slip)).accepted
    with pytest.raises(AlreadyDecided):
        await house.cancel(slip)
    with pytest.raises(AlreadyDecided):
        await house.send_back(slip)
    assert await house.under_way(Means.CHEQUE) == 0
    contents = await house.contents(main=True)
    # The cheque goes to the bank, and the card payment comes from it.
    assert (contents.cash_max_cents, contents.others, contents.source_ids) == (4000, {}, (slip.id,))

    paid = await house.remit({2000: 2}, main=True)
    assert (paid.to, paid.total_cents) == (RemittedTo.TREASURY, 4000)
    assert [(each["number"], each["place"]) for each in paid.printed["sources"]] == [
        ("POM-V-000001", "École de Pompaire")
    ]
    assert await house.treasury() == 4000
    assert (await house.contents(main=True)).is_empty
    with pytest.raises(NotToIntegrate):
        await house.integrate(paid)
    await house.cancel(paid, officer=house.benoit)
    assert (await house.contents(main=True)).total_max_cents == 4000
    assert await house.treasury() == 0


async def test_the_officer_sends_back_with_a_reason_and_the_place_remits_anew(house: House) -> None:
    await house.take(cash=1000, cheque=2000)
    slip = await house.remit({1000: 1})
    with pytest.raises(ReasonMissing):
        await house.send_back(slip, reason="  ")
    back = await house.send_back(slip)
    assert (back.total_cents, back.printed["reason"]) == (-3000, "Un chèque manque")
    with pytest.raises(AlreadyDecided):
        await house.integrate(slip)
    async with house.database.read() as db:
        line = await remittance_line(db, slip.id)
        assert line.integration is not None
        assert (line.integration.accepted, line.cancelled_by_id) == (False, back.id)
        assert [each.remittance.number for each in await remittances_of(db, house.place)] == [2, 1]
    assert (await house.remit({1000: 1})).total_cents == 3000


async def test_nobody_but_the_officer_decides(house: House) -> None:
    await house.take(cash=1000)
    slip = await house.remit({1000: 1})
    with pytest.raises(NotCashOfficer):
        await house.integrate(slip, officer=house.odile)
    with pytest.raises(NotCashOfficer):
        await house.send_back(slip, officer=house.odile)


async def test_of_rivals_who_integrate_and_take_back_at_once_one_wins(house: House) -> None:
    await house.take(cash=1000)
    slip = await house.remit({1000: 1})
    results = await asyncio.gather(
        *(house.integrate(slip) for _ in range(4)),
        *(house.cancel(slip) for _ in range(4)),
        *(house.send_back(slip) for _ in range(4)),
        return_exceptions=True,
    )
    kinds = {type(each) for each in results}
    assert kinds <= {Integration, Remittance, AlreadyDecided, RemittanceCancelled}
    assert len(kinds & {Integration, Remittance}) == 1
    assert len([each for each in results if isinstance(each, Remittance)]) <= 1


async def test_what_is_on_its_way_counts_for_the_office_and_not_for_the_place(house: House) -> None:
    async with house.database.write() as db:
        await db.execute(text("UPDATE cash_office SET ceiling_cents = 10000"))
        await db.execute(text("UPDATE sub_office SET ceiling_cents = 5000"))
    await house.take(cash=4000)

    async def held(place_id: UUID) -> tuple[int, int]:
        async with house.database.read() as db:
            place = await db.get_one(SubOffice, place_id)
            found = await standings_of(db, place, await db.get_one(CashOffice, place.office_id))
        assert found.place is not None
        assert found.office is not None
        return found.place.held_cents, found.office.held_cents

    assert await held(house.place) == (4000, 4000)
    slip = await house.remit({2000: 2})
    assert (await held(house.place), await held(house.main)) == ((0, 4000), (0, 4000))
    await house.integrate(slip)
    assert await held(house.main) == (4000, 4000)
    await house.remit({2000: 2}, main=True)
    assert await held(house.main) == (0, 0)


async def test_a_place_is_reminded_when_its_last_remittance_is_a_month_old(house: House) -> None:
    await house.take(cash=1000)

    async def reason(days: int) -> RemitReason | None:
        async with house.database.read() as db:
            place = await db.get_one(SubOffice, house.place)
            office = await db.get_one(CashOffice, place.office_id)
            today = local_day(NOW + timedelta(days=days))
            contents = await contents_of(db, place, today)
            return await reason_to_remit(db, place, office, contents=contents, standing=None, today=today)

    assert [await reason(days) for days in (29, 30)] == [None, RemitReason.PERIOD]
    await house.remit({500: 1})
    assert await reason(29) is None
    assert await reason(30) is RemitReason.PERIOD


async def test_receipts_are_found_by_number_day_and_family(house: House) -> None:
    first, second = await house.take(cash=1000, cheque=2000)

    async def found(**by: Any) -> list[int]:
        async with house.database.read() as db:
            return [each.receipt.number for each in await find_receipts(db, [house.place], **by)]

    assert await found() == []
    assert await found(number=1) == [first.number]
    assert await found(day=TODAY) == [second.number, first.number]
    assert await found(day=TODAY + timedelta(days=1)) == []
    assert await found(family="moreau") == await found(family="f00001") == [2, 1]
    assert await found(family="mor%eau") == await found(family="Moreau", number=3) == []
    async with house.database.read() as db:
        assert await find_receipts(db, [house.main], number=1) == []


@pytest.mark.parametrize("table", ["remittance", "remittance_drawer", "integration"])
async def test_slips_and_decisions_are_never_changed(house: House, table: str) -> None:
    await house.take(cash=1000)
    await house.integrate(await house.remit({1000: 1}))
    for statement in (f"UPDATE {table} SET remittance_id = remittance_id", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError, match=f"{table} only grows|remittance_id"):
            async with house.database.write() as db:
                await db.execute(text(statement))

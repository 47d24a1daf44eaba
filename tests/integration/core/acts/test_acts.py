"""An administrator copies signed orders in: what is collected, within which limits, by whom, and from when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from cvq_core.acts.changes import (
    appoint_by_order,
    end_appointment,
    set_collects,
    set_office_limits,
    set_place_limits,
)
from cvq_core.acts.rules import (
    AppointmentOverlaps,
    Collects,
    NotOneself,
    OfficeLimits,
    OfficerOverlaps,
    Order,
    Period,
    PlaceLimits,
    UnknownStaff,
)
from cvq_core.acts.store import (
    appointments_of,
    collects_on,
    planned_days,
)
from cvq_core.acts.tables import ActChange
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.verify import verify
from cvq_core.offices.drawers import open_drawer
from cvq_core.offices.rules import FloatNotInSafe, MandateTitle, Means, MeansNotInAct, NotInAct, NotMandatary, Officer
from cvq_core.offices.service import collect
from cvq_core.offices.store import appointment_of
from cvq_core.offices.tables import SubOffice
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

ORDER = Order("Arrêté n° 2026-41", TODAY)
TOMORROW = TODAY + timedelta(days=1)
POOL_BY_CASH = Collects(frozenset({ServiceCode.POOL}), frozenset({Means.CASH}), {})


@dataclass(frozen=True)
class Town:
    database: Database
    place: SubOffice
    clerk: Officer
    administrator: Officer
    canteen: UUID
    pool: UUID


@pytest_asyncio.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        clerk = await create_officer(db)
        administrator = await create_officer(db, "alain", "Alain Texier")
        place = await create_counter(db, clerk, is_main=True)
        canteen = (await create_wallet(db, family.id, ServiceCode.CANTEEN)).id
        pool = (await create_wallet(db, family.id, ServiceCode.POOL)).id
    yield Town(database, place, clerk, administrator, canteen, pool)


async def pay(town: Town, drawer: UUID, wallet: UUID, means: Means = Means.CASH, now: datetime = NOW) -> None:
    async with town.database.write() as db:
        await collect(
            db,
            key=new_id(),
            drawer_id=drawer,
            payables=[top_up(wallet, 1000)],
            means=means,
            tendered_cents=1000,
            officer=town.clerk,
            now=now,
        )


async def test_what_is_no_longer_in_the_act_is_collected_until_its_last_day_and_then_refused(town: Town) -> None:
    async with town.database.write() as db:
        await set_collects(
            db,
            new_id(),
            place_id=town.place.id,
            wanted=POOL_BY_CASH,
            holds_from=TOMORROW,
            order=ORDER,
            by=town.administrator,
            now=NOW,
        )
    drawer = new_id()
    async with town.database.write() as db:
        await open_drawer(db, drawer, sub_office_id=town.place.id, officer=town.clerk, float_cents=0, now=NOW)
    await pay(town, drawer, town.canteen)
    later = NOW + timedelta(days=1)
    for wallet, means, refusal in (
        (town.canteen, Means.CASH, NotInAct),
        (town.pool, Means.CHEQUE, MeansNotInAct),
    ):
        with pytest.raises(refusal):
            await pay(town, drawer, wallet, means, later)
    async with town.database.read() as db:
        assert await planned_days(db, town.place.id, TODAY) == [TOMORROW]
        assert (await collects_on(db, town.place, TODAY)).services == {ServiceCode.POOL, ServiceCode.CANTEEN}
        assert (await collects_on(db, town.place, TOMORROW)).means == {Means.CASH}


async def test_a_change_keeps_what_was_and_the_same_key_makes_one(town: Town) -> None:
    key = new_id()

    async def ask(order: Order = ORDER) -> ActChange:
        async with town.database.write() as db:
            return await set_collects(
                db,
                key,
                place_id=town.place.id,
                wanted=POOL_BY_CASH,
                holds_from=TOMORROW,
                order=order,
                by=town.administrator,
                now=NOW,
            )

    changes = await asyncio.gather(*(ask() for _ in range(4)))
    assert {change.id for change in changes} == {key}
    assert changes[0].before["means"] == ["cash", "cheque"]
    assert changes[0].after["services"] == ["pool"]
    with pytest.raises(IdempotencyMismatch):
        await ask(Order("Arrêté n° 2026-42", TODAY))
    async with town.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(ActChange)) == 1


async def test_rivals_leave_one_of_their_acts_whole(town: Town) -> None:
    canteen_by_cheque = Collects(frozenset({ServiceCode.CANTEEN}), frozenset({Means.CHEQUE}), {})

    async def ask(wanted: Collects) -> None:
        async with town.database.write() as db:
            await set_collects(
                db,
                new_id(),
                place_id=town.place.id,
                wanted=wanted,
                holds_from=TOMORROW,
                order=ORDER,
                by=town.administrator,
                now=NOW,
            )

    await asyncio.gather(*(ask(wanted) for wanted in (POOL_BY_CASH, canteen_by_cheque) * 4))
    async with town.database.read() as db:
        now = await collects_on(db, town.place, TOMORROW)
    assert (now.services, now.means) in {(each.services, each.means) for each in (POOL_BY_CASH, canteen_by_cheque)}, (
        "services and means are those of one act, not of both"
    )


async def test_a_float_grows_and_shrinks_by_the_ledger_and_not_below_what_the_safe_holds(town: Town) -> None:
    async def set_float(cents: int) -> None:
        async with town.database.write() as db:
            await set_place_limits(
                db,
                new_id(),
                place_id=town.place.id,
                limits=PlaceLimits(cents, 1_000_00, ceiling_refuses=True),
                order=ORDER,
                by=town.administrator,
                now=NOW,
            )

    await set_float(80_00)
    async with town.database.write() as db:
        assert await balance_of(db, town.place.safe_account_id) == 80_00
        await open_drawer(db, new_id(), sub_office_id=town.place.id, officer=town.clerk, float_cents=60_00, now=NOW)
    with pytest.raises(FloatNotInSafe):
        await set_float(10_00)
    await set_float(70_00)
    async with town.database.read() as db:
        assert await balance_of(db, town.place.safe_account_id) == 10_00
        place = await db.get_one(SubOffice, town.place.id)
        assert (place.float_cents, place.ceiling_cents, place.ceiling_refuses) == (70_00, 1_000_00, True)
        assert await verify(db) == []
        assert await verify_offices(db) == []


async def test_an_offices_limits_are_set_and_written_down(town: Town) -> None:
    limits = OfficeLimits(
        150_00, 500_00, 2_000_00, ceiling_refuses=True, ceiling_counts=("cheques",), remit_every_days=7
    )
    async with town.database.write() as db:
        change = await set_office_limits(
            db, new_id(), office_id=town.place.office_id, limits=limits, order=ORDER, by=town.administrator, now=NOW
        )
    assert change.before["cash_payment_max_cents"] == 300_00
    assert change.after["ceiling_counts"] == ["cheques"]


async def test_somebody_is_appointed_by_order_and_collects_until_the_last_day(town: Town) -> None:
    key = new_id()

    async def appoint(person: str = "marie", mandate: UUID | None = None) -> ActChange:
        async with town.database.write() as db:
            return await appoint_by_order(
                db,
                mandate or key,
                place_id=town.place.id,
                login=person,
                title=MandateTitle.SUBSTITUTE,
                period=Period(TODAY, None),
                order=ORDER,
                by=town.administrator,
                now=NOW,
            )

    with pytest.raises(UnknownStaff):
        await appoint()
    async with town.database.write() as db:
        marie = await create_officer(db, "marie", "Marie Guérin")
    await asyncio.gather(*(appoint() for _ in range(3)))
    with pytest.raises(AppointmentOverlaps):
        await appoint(mandate=new_id())
    with pytest.raises(NotOneself):
        await appoint("alain", new_id())
    async with town.database.write() as db:
        await end_appointment(
            db, new_id(), mandate_id=key, last_day=TOMORROW, order=ORDER, by=town.administrator, now=NOW
        )
    async with town.database.read() as db:
        assert (await appointment_of(db, marie.staff_id, town.place.id, TOMORROW)).title is MandateTitle.SUBSTITUTE
        with pytest.raises(NotMandatary):
            await appointment_of(db, marie.staff_id, town.place.id, TOMORROW + timedelta(days=1))
        assert [each.name for each in await appointments_of(db, town.place.office_id)] == [
            "Marie Guérin",
            "Odile Brémaud",
        ]


async def test_an_office_has_one_officer_at_a_time_also_when_two_are_appointed_at_once(town: Town) -> None:
    async with town.database.write() as db:
        for login in ("marie", "paul"):
            await create_officer(db, login, login.title())

    async def appoint(login: str) -> ActChange | Refusal:
        try:
            async with town.database.write() as db:
                return await appoint_by_order(
                    db,
                    new_id(),
                    place_id=town.place.id,
                    login=login,
                    title=MandateTitle.OFFICER,
                    period=Period(TODAY, None),
                    order=ORDER,
                    by=town.administrator,
                    now=NOW,
                )
        except OfficerOverlaps as refusal:
            return refusal

    outcomes = await asyncio.gather(appoint("marie"), appoint("paul"))
    assert sorted(isinstance(each, Refusal) for each in outcomes) == [False, True]


async def test_an_appointment_that_has_not_begun_is_taken_away_and_stays_written_down(town: Town) -> None:
    mandate, end = new_id(), new_id()
    async with town.database.write() as db:
        await create_officer(db, "marie", "Marie Guérin")
        await appoint_by_order(
            db,
            mandate,
            place_id=town.place.id,
            login="marie",
            title=MandateTitle.MANDATARY,
            period=Period(TOMORROW, None),
            order=ORDER,
            by=town.administrator,
            now=NOW,
        )
    for _ in range(2):
        async with town.database.write() as db:
            await end_appointment(
                db, end, mandate_id=mandate, last_day=TODAY, order=ORDER, by=town.administrator, now=NOW
            )
    async with town.database.read() as db:
        assert [each.name for each in await appointments_of(db, town.place.office_id)] == ["Odile Brémaud"]
        assert await db.scalar(select(func.count()).select_from(ActChange)) == 2

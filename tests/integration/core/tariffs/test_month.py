"""Last month's attendance: what was noted, or what enrolments make likely, the same each time and stored nowhere."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from uuid import UUID

from sqlalchemy import func, select

from cvq_core.access.facts import Assurance, AttendanceStatus, Manner, PointKind, RightKind
from cvq_core.access.tables import AccessPoint, Attendance, Entitlement
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.people.rules import FamilyRole
from cvq_core.seed.rights import midnight
from cvq_core.seed.service import seed_territory
from cvq_core.seed.tariffs import PRICED, tariff_text
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.month import month_before, month_of
from cvq_core.tariffs.reading import read_tariff
from cvq_core.tariffs.rules import UserKind
from cvq_core.tariffs.simulation import simulate
from cvq_core.tariffs.store import tariff_in_force
from tests.core_examples import LONG_AGO, NOW, create_family, create_member, create_services

FEBRUARY = (date(2026, 2, 1), date(2026, 2, 28))
CANTEEN = read_tariff(tariff_text(ServiceCode.CANTEEN))


async def _enrolled_child(database: Database) -> tuple[UUID, UUID, UUID]:
    """A child of one account whose meals another account pays, on Mondays alone."""
    async with database.write() as db:
        await create_services(db)
        home, payer = await create_family(db), await create_family(db, "F00002")
        child = await create_member(db, home.id, "Léa", FamilyRole.CHILD, born=date(2017, 3, 4))
        point = AccessPoint(
            id=new_id(),
            code="cantine",
            label="Tablette",
            site="École",
            kind=PointKind.TABLET,
            service_code=ServiceCode.CANTEEN,
            price_code="meal",
            assurance=Assurance.UID,
        )
        db.add(point)
        await db.flush()
        db.add(
            Entitlement(
                id=new_id(),
                kind=RightKind.ENROLMENT,
                service_code=ServiceCode.CANTEEN,
                point_id=point.id,
                person_id=child.id,
                payer_account_id=payer.id,
                valid_from=midnight(LONG_AGO),
                weekdays=0b1,
            )
        )
        return child.id, payer.id, point.id


async def test_the_likely_month_is_the_same_each_time_and_leaves_no_trace(database: Database) -> None:
    _, payer, _ = await _enrolled_child(database)
    async with database.read() as db:
        first, again = await month_of(db, CANTEEN, *FEBRUARY), await month_of(db, CANTEEN, *FEBRUARY)
        assert await db.scalar(select(func.count()).select_from(Attendance)) == 0
    assert first == again
    assert not first.is_real
    assert {use.account_id for use in first.uses} == {payer}
    assert 1 <= sum(use.times for use in first.uses) <= 4, "there are four Mondays"


async def test_one_real_presence_puts_the_likely_ones_aside(database: Database) -> None:
    child, payer, point = await _enrolled_child(database)
    async with database.write() as db:
        for day, status in ((9, AttendanceStatus.PRESENT), (10, AttendanceStatus.ABSENT)):
            db.add(
                Attendance(
                    person_id=child,
                    service_code=ServiceCode.CANTEEN,
                    day=date(2026, 2, day),
                    point_id=point,
                    status=status,
                    manner=Manner.TICK,
                    noted_at=NOW,
                )
            )
    async with database.read() as db:
        month = await month_of(db, CANTEEN, *FEBRUARY)
    assert month.is_real
    assert [(use.account_id, use.times, use.facts.item) for use in month.uses] == [(payer, 1, "meal")]


async def test_every_seeded_tariff_prices_every_use_of_the_seeded_month(database: Database) -> None:
    await seed_territory(database, "demo", seed=1, school_year=2026)
    today = date(2026, 11, 24)
    async with database.read() as db:
        for service in PRICED:
            tariff = (await tariff_in_force(db, service, today)).tariff
            month = await month_of(db, tariff, *month_before(today))
            tried = simulate(tariff, tariff, month.uses)
            assert tried.uses > 0 or service is ServiceCode.HALL, "halls are rented, nobody is enrolled there"
            assert (tried.left_out_after, tried.before_cents) == (0, tried.after_cents), service
            if service is ServiceCode.WASTE_CENTRE:
                assert {use.facts.user for use in month.uses} == {UserKind.PROFESSIONAL}
            if service is ServiceCode.AFTER_SCHOOL:
                assert any(use.facts.quantity == Fraction(3, 2) for use in month.uses)

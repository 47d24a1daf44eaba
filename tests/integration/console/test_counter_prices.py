"""At a counter the tariff says what an entry or a meal costs the family, and why: nobody types it from a list."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.tables import Entitlement
from cvq_core.ids import new_id
from cvq_core.offices.rules import Officer
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.tables import Person
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from cvq_core.tariffs.quotients import record_quotient
from cvq_core.tariffs.store import Official, adopt, propose
from tests.core_examples import NOW, TODAY, create_counter, create_family, create_member, create_services, create_wallet
from tests.factories import make_commune, make_staff
from tests.integration.console.test_account_prices import LONG_AGO, midnight, tariff_text
from tests.integration.desk_visits.ground import Ground, ground_on


async def _tariffs(db: AsyncSession) -> None:
    for service in (ServiceCode.CANTEEN, ServiceCode.POOL):
        version = await propose(
            db, new_id(), service=service, text=tariff_text(service), by=Official(None, "x"), now=NOW
        )
        before = NOW - timedelta(days=60)
        await adopt(db, version.id, valid_from=TODAY - timedelta(days=30), by=Official(None, "x"), now=before)


async def _child(db: AsyncSession, ground: Ground, name: str, payer: UUID, service: ServiceCode) -> Person:
    child = await create_member(db, ground.family.id, name, FamilyRole.CHILD, born=date(2016, 5, 12))
    child.commune_insee = (await make_commune(db)).insee
    db.add(
        Entitlement(
            id=new_id(),
            kind=RightKind.ENROLMENT,
            service_code=service,
            person_id=child.id,
            payer_account_id=payer,
            valid_from=midnight(LONG_AGO),
        )
    )
    return child


async def _page(ground: Ground) -> str:
    """What Odile reads once she has opened her drawer and chosen the family."""
    odile = await ground.as_staff("odile")
    form = {"drawer_id": str(new_id()), "float": "0"}
    async with ground.session.post(ground.url + "/caisse/ouvrir", data=form, headers=odile.headers) as answer:
        assert answer.status == 200
    answer_page = await odile.get(f"/caisse/comptes/{ground.family.id}")
    assert answer_page.status == 200
    return str(answer_page.body.decode().replace("\u00a0", " "))


async def test_each_unit_has_a_button_with_its_price_and_why(database_url: str, tmp_path: Path) -> None:
    async with ground_on(database_url, tmp_path) as ground:
        async with ground.database.write() as db:
            await create_services(db)
            await _tariffs(db)
            other = await create_family(db, "F00777", "Texier")
            await _child(db, ground, "Léa", ground.family.id, ServiceCode.CANTEEN)
            await _child(db, ground, "Emma", other.id, ServiceCode.CANTEEN)
            await _child(db, ground, "Rose", other.id, ServiceCode.POOL)
            await record_quotient(
                db,
                new_id(),
                account_id=ground.family.id,
                value_euros=742,
                source=QuotientSource.CAF,
                valid_from=date(2026, 1, 1),
                now=NOW,
            )
            for service in (ServiceCode.CANTEEN, ServiceCode.POOL):
                await create_wallet(db, ground.family.id, service)
            odile = await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            await create_counter(db, Officer(odile.id, "Odile Brémaud"))
        ground.staff["odile"] = odile.id
        page = await _page(ground)
    offered = {
        (int(cents), re.sub(r"<[^>]*>", "", names).strip())
        for cents, names in re.findall(r'<li><button[^>]*data-till-add="(\d+)"[^>]*>.*?</button>(.*?)<span', page, re.S)
    }
    assert (235, "Léa") in offered
    assert (210, "Emma, Léa") in offered, "an entry is anybody's but Rose's, whom another account pays for"
    assert not any("Rose" in names for _, names in offered)
    assert not any(cents == 0 for cents, _ in offered)
    assert "habitant du territoire, tranche 3" in page
    assert not re.search(r"\b742\b", page)


async def test_a_service_without_a_tariff_or_outside_the_act_offers_none(database_url: str, tmp_path: Path) -> None:
    async with ground_on(database_url, tmp_path) as ground:
        async with ground.database.write() as db:
            await create_services(db)
            await _tariffs(db)
            await create_wallet(db, ground.family.id, ServiceCode.POOL)
            odile = await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            await create_counter(db, Officer(odile.id, "Odile Brémaud"), services=(ServiceCode.CANTEEN,))
        ground.staff["odile"] = odile.id
        assert "price-row" not in await _page(ground)

"""The village where cards are made and opened doors with."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_booth.virtual.cards import virtual_cards
from cvq_core.access.facts import Assurance, PointKind, RightKind
from cvq_core.access.store import give_right
from cvq_core.access.tables import AccessPoint
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.staff.rules import Role
from cvq_core.staff.store import digest
from tests.card_ground import open_workshop
from tests.core_examples import LONG_AGO, NOW
from tests.e2e.cards.ground import DOOR, Village
from tests.factories import make_person, make_staff
from tests.hsm import hsm_settings
from tests.served import served


@pytest.fixture
async def village(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Village]:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    async with served(f"sqlite:///{file}", tmp_path, **hsm_settings()) as site, virtual_cards() as cards:
        for name, value in cards.environment.items():
            monkeypatch.setitem(os.environ, name, value)
        workshop = await open_workshop(site.database)
        async with site.database.write() as db:
            people = [(await make_person(db, "Moreau", name)).id for name in ("Jeanne", "Paul")]
            await make_staff(db, Role.SECRETARY, new_id(), "sylvie")
            await _door(db, people)
        orders = await workshop.orders(await workshop.plan(people))
        yield Village(site, workshop, tuple(orders), cards, tmp_path)


async def _door(db: AsyncSession, people: list[UUID]) -> None:
    """A door that asks for a proof, the right to it, and who manages it."""
    service_id = new_id()
    await add_service(
        db, ServiceCode.BUILDING, service_id=service_id, policy=FundingPolicy.SUBSCRIPTION, valid_from=LONG_AGO
    )
    await make_staff(db, Role.SERVICE_MANAGER, service_id, "paul")
    point = AccessPoint(
        id=new_id(),
        code=DOOR,
        label="Porte des services",
        site="Siège",
        kind=PointKind.DOOR,
        service_code=ServiceCode.BUILDING,
        assurance=Assurance.AUTHENTICATED,
    )
    db.add(point)
    await db.flush()
    for person_id in people:
        await give_right(
            db,
            new_id(),
            kind=RightKind.AGENT_SCHEDULE,
            service=ServiceCode.BUILDING,
            valid_from=NOW - timedelta(days=1),
            person_id=person_id,
            now=NOW,
        )
    device = Device(id=new_id(), kind="reader", subject_id=point.id, name=DOOR, public_key=bytes(32), enrolled_at=NOW)
    db.add(device)
    await db.flush()
    db.add(DeviceToken(token_digest=digest(DOOR), device_id=device.id, expires_at=NOW + timedelta(hours=1)))

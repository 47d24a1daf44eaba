"""A squash court, a waste centre's gate and a canteen behind one controller, with the people who come there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import ClientSession
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Assurance, PointKind, RightKind
from cvq_core.access.store import give_right
from cvq_core.access.tables import AccessPoint
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Person
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from cvq_core.staff.store import digest
from cvq_core.tariffs.store import Official, adopt, propose
from tests.core_examples import LONG_AGO, NOW, create_family, create_member, create_wallet
from tests.factories import make_card, make_staff, make_town_hall
from tests.integration.core.facilities.conftest import Ground, add_person, make_ground
from tests.integration.core.waste.ground import UID as LUC_UID
from tests.integration.core.waste.ground import fill
from tests.integration.reader.ground import Line, Machine, controller, line_to
from tests.served import Client, Site, served

JEANNE_UID = "04A2241AC35E81"
LONG_AGO_AT = datetime(2020, 1, 1, 8, tzinfo=UTC)
COURT, GATE, CANTEEN = "squash", "barriere", "cantine"
TABLET = "the-waste-centre-s-tablet"
MEAL_CENTS = 420
MEALS = """
service: cantine
titre: Cantine
décision: Délibération n° 3
prestations:
  - code: meal
    nom: Repas
    unité: repas
    prix:
      - montant: 4,20 €
"""


@dataclass(slots=True)
class Town:
    """The server, the controller behind a line that can be cut, and who is who."""

    site: Site
    line: Line
    machine: Machine
    court: Ground
    waste: dict[str, Any]
    children: tuple[UUID, UUID]
    canteen_account: UUID

    async def card(self, point: str, uid: str) -> tuple[bool, str, str, bool]:
        """Present a card: whether it is let in, why, what the reader shows, and whether the core decided."""
        return _shown(await self.machine.tap(uid, key=_key(point)))

    async def tick(self, person_id: UUID) -> tuple[bool, str, str, bool]:
        """Tick a child in the canteen's list."""
        return _shown(await self.machine.tap(person_id=person_id, key=_key(CANTEEN)))

    async def deposit(self, body: dict[str, Any], *, late: bool = False) -> dict[str, Any]:
        """Have the attendant's tablet send a deposit; a late one it took without a network."""
        headers = {"Authorization": f"Bearer {TABLET}"}
        url = f"{self.site.url}/api/v1/waste/deposits{'/late' if late else ''}"
        async with ClientSession() as http, http.post(url, json=body, headers=headers) as answer:
            said: dict[str, Any] = await answer.json()
            assert answer.status == (200 if late else 201), said
            return said


def _shown(answer: dict[str, Any]) -> tuple[bool, str, str, bool]:
    return answer["allowed"], answer["reason"], answer["display_short"], answer["online"]


def _key(point: str) -> str:
    return f"a-key-for-the-reader-at-{point}"


@asynccontextmanager
async def town_on(file: Path, folder: Path) -> AsyncIterator[Town]:
    """The town, its controller started and asking the core."""
    async with served(f"sqlite:///{file}", folder / "server") as site:
        court = Ground(site.database, site.services.settings)
        await make_ground(court)
        court.ids["jeanne"], court.ids["family"] = await add_person(court, "Jeanne", "F00002")
        async with site.database.write() as db:
            waste = await fill(db)
            await db.execute(update(AccessPoint).where(AccessPoint.code == COURT).values(reserved_only=True))
            await make_card(db, await db.get_one(Person, court.ids["jeanne"]), "482130578", JEANNE_UID)
            _add_point(db, GATE, "Barrière", PointKind.GATE, ServiceCode.WASTE_CENTRE)
            account_id, children = await _canteen(db)
            await _tablet(db, waste["sites"][0])
            await _staff(db)
        points = (COURT, GATE, CANTEEN)
        # On a loaded machine too it is the core that answers while the line is up.
        async with (
            line_to(site.url) as line,
            controller(site, folder / "site", line, *points, online_ms=5000) as machine,
        ):
            machine.readers = []
            for point in points:
                file = machine.folder / f"{point}.key"
                file.write_text(_key(point))
                machine.readers.append({"kind": "http", "point": point, "key_file": str(file)})
            await machine.start()
            yield Town(site, line, machine, court, waste, children, account_id)


async def _canteen(db: AsyncSession) -> tuple[UUID, tuple[UUID, UUID]]:
    """A canteen that serves and lets owe, and two enrolled children whose family's wallet is empty."""
    policy = FundingPolicy.SERVE_AND_OWE
    await add_service(db, ServiceCode.CANTEEN, service_id=new_id(), policy=policy, valid_from=LONG_AGO)
    by = Official(None, "Conseil municipal")
    version = await propose(db, new_id(), service=ServiceCode.CANTEEN, text=MEALS, by=by, now=LONG_AGO_AT)
    await adopt(db, version.id, valid_from=date(2020, 1, 2), by=by, now=LONG_AGO_AT)
    point = _add_point(db, CANTEEN, "Cantine", PointKind.TABLET, ServiceCode.CANTEEN, price_code="meal")
    await db.flush()
    family = await create_family(db, "F00003", "Petit")
    await create_wallet(db, family.id, ServiceCode.CANTEEN)
    children = []
    for name in ("Lina", "Tom"):
        child = await create_member(db, family.id, name, FamilyRole.CHILD, born=date(2018, 6, 1))
        children.append(child.id)
        await give_right(
            db,
            new_id(),
            kind=RightKind.ENROLMENT,
            service=ServiceCode.CANTEEN,
            point_id=point,
            valid_from=LONG_AGO_AT,
            person_id=child.id,
            payer_account_id=family.id,
            now=NOW,
        )
    return family.id, (children[0], children[1])


def _add_point(
    db: AsyncSession, code: str, label: str, kind: PointKind, service: ServiceCode, *, price_code: str | None = None
) -> UUID:
    point_id = new_id()
    db.add(
        AccessPoint(
            id=point_id,
            code=code,
            label=label,
            site="Ville",
            kind=kind,
            service_code=service,
            assurance=Assurance.UID,
            price_code=price_code,
        )
    )
    return point_id


async def _tablet(db: AsyncSession, point_id: UUID) -> None:
    device = Device(id=new_id(), kind="reader", subject_id=point_id, name=TABLET, public_key=bytes(32), enrolled_at=NOW)
    db.add(device)
    await db.flush()
    db.add(DeviceToken(token_digest=digest(TABLET), device_id=device.id, expires_at=NOW + timedelta(hours=1)))


async def _staff(db: AsyncSession) -> None:
    services = {row.code: row.id for row in await db.scalars(select(Service))}
    await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
    await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.SQUASH], "paul")
    await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.WASTE_CENTRE], "denis")
    await make_staff(db, Role.ADMINISTRATOR, None, "aline")


async def said(client: Client, path: str) -> str:
    """Return a page as people read it."""
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200, path
    return (await answer.text()).replace("\u00a0", " ").replace("\u202f", " ")


__all__ = ["CANTEEN", "COURT", "GATE", "JEANNE_UID", "LUC_UID", "MEAL_CENTS", "Town", "said", "town_on"]

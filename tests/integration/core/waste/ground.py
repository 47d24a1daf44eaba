"""A waste centre with its tariff, a household that comes for nothing, and a mason who pays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from cvq_core.access.facts import Assurance, PointKind, RightKind
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.legal_entities.rules import EntityKind
from cvq_core.legal_entities.service import add_holder, open_entity
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.tariffs.store import Official, adopt, propose
from cvq_core.waste.rules import Load
from cvq_core.waste.service import NewDeposit, take_deposit
from cvq_core.waste.store import Deposit, set_category, set_quota
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family, create_member
from tests.factories import make_card

BY = Official(None, "Conseil communautaire")
TARIFF = """
service: déchèterie
titre: Dépôts
décision: Délibération n° 2026-46 du 12 juin 2026
prestations:
  - code: depot
    nom: Dépôt
    unité: m³
    prix:
      - pour: {usager: particulier}
        montant: 0 €
      - pour: {usager: professionnel, catégorie: gravats}
        montant: 22,50 €
      - pour: {usager: professionnel}
        montant: 15 €
"""
UID = "04A2241AC35E80"
RUBBLE, GREEN, BOXES = "gravats", "vegetaux", "cartons"


@dataclass(slots=True)
class Ground:
    """Jeanne's household, Luc's company (whose card is `card_uid`), and two sites."""

    database: Database
    sites: tuple[UUID, UUID]
    household: UUID
    jeanne: UUID
    company: UUID
    luc: UUID

    def new(self, *loads: tuple[str, int], who: UUID | None = None, **more: Any) -> NewDeposit:
        values: dict[str, Any] = {
            "id": new_id(),
            "point_id": self.sites[0],
            "loads": tuple(Load(*load) for load in loads or ((RUBBLE, 500),)),
            "occurred_at": NOW,
            "person_id": who or self.jeanne,
        }
        return NewDeposit(**(values | more))

    async def take(self, asked: NewDeposit) -> Deposit:
        async with self.database.write() as db:
            return await take_deposit(db, asked, now=NOW)

    async def quota(self, visits: int | None) -> None:
        async with self.database.write() as db:
            await set_quota(db, new_id(), valid_from=LONG_AGO, visits_a_year=visits, by=None, now=NOW)


async def fill(db: Any, policy: FundingPolicy = FundingPolicy.BILLED) -> dict[str, Any]:
    """Write everything, and return what `Ground` needs beside the database."""
    await add_service(db, ServiceCode.WASTE_CENTRE, service_id=new_id(), policy=policy, valid_from=LONG_AGO)
    sites = (new_id(), new_id())
    for site in sites:
        db.add(
            AccessPoint(
                id=site,
                code=f"dechetterie-{site.hex[-6:]}",
                label="Déchèterie",
                site="Déchèterie de Parthenay",
                kind=PointKind.TABLET,
                service_code=ServiceCode.WASTE_CENTRE,
                assurance=Assurance.UID,
            )
        )
    version = await propose(
        db, new_id(), service=ServiceCode.WASTE_CENTRE, text=TARIFF, by=BY, now=NOW - timedelta(days=30)
    )
    await adopt(db, version.id, valid_from=TODAY - timedelta(days=20), by=BY, now=NOW - timedelta(days=30))
    for position, (code, label, price) in enumerate(
        ((RUBBLE, "Gravats", "depot"), (GREEN, "Végétaux", "depot"), (BOXES, "Cartons", None))
    ):
        await set_category(db, code, label=label, price_code=price, position=position)
    household = await create_family(db)
    jeanne = await create_member(db, household.id, "Jeanne", FamilyRole.GUARDIAN)
    luc = await create_member(db, household.id, "Luc", FamilyRole.COLLECTOR, born=date(1980, 1, 1))
    company = new_id()
    await open_entity(
        db, company, kind=EntityKind.COMPANY, name="Maçonnerie Roy", siret="73282932000074", by=None, now=NOW
    )
    await add_holder(db, new_id(), account_id=company, person_id=luc.id, role=FamilyRole.HOLDER, now=NOW)
    for kind, account in ((RightKind.HOUSEHOLD, household.id), (RightKind.PROFESSIONAL, company)):
        db.add(
            Entitlement(
                id=new_id(),
                kind=kind,
                service_code=ServiceCode.WASTE_CENTRE,
                account_id=account,
                valid_from=datetime(2020, 1, 1, tzinfo=UTC),
            )
        )
    await make_card(db, luc, uid=UID)
    await db.flush()
    return {"sites": sites, "household": household.id, "jeanne": jeanne.id, "company": company, "luc": luc.id}


@asynccontextmanager
async def ground_on(database: Database, policy: FundingPolicy = FundingPolicy.BILLED) -> AsyncIterator[Ground]:
    async with database.write() as db:
        made = await fill(db, policy)
    yield Ground(database, **made)

"""What is there once for all lives of public money, and the house in which each of them is lived."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from uuid import UUID, uuid5

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Assurance, PointKind
from cvq_core.access.tables import AccessPoint
from cvq_core.cards.rules import check_digit
from cvq_core.cards.store import add_card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.revenue import revenue_accounts
from cvq_core.ledger.rules import AccountKind
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint, create_sub_office, treasury_id, under_way_id
from cvq_core.offices.tables import SubOffice
from cvq_core.payments.adapter import PayFip
from cvq_core.payments.service import OnlinePayments
from cvq_core.payments.store import online_accounts
from cvq_core.payments.virtual import VirtualPayFip
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings
from cvq_core.tariffs.store import Official, adopt, propose
from tests.core_examples import (
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_member,
    create_officer,
    create_services,
    create_wallet,
)

FLOAT, CEILING = 5000, 600_00
ENTRY, MEAL = 300, 235
SERVICES = (ServiceCode.POOL, ServiceCode.CANTEEN)
MEANS = (Means.CASH, Means.CHEQUE, Means.ANCV)
ANSWER_WITHIN_S = 2.0
TARIFFS = {
    ServiceCode.POOL: ("piscine", "entry", "entrée", "3 €"),
    ServiceCode.CANTEEN: ("cantine", "meal", "repas", "2,35 €"),
}
TARIFF = """service: {0}
titre: Un prix pour tous
décision: Délibération de ce jour
prestations:
  - code: {1}
    nom: Un passage
    unité: {2}
    prix:
      - montant: {3}
"""


class Hour:
    """A clock that stands until somebody moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True)
class Place:
    """A place that collects, with the accounts into which each means goes."""

    id: UUID
    code: str
    safe: UUID
    float: UUID
    difference: UUID
    by_means: dict[Means, UUID]

    @classmethod
    def of(cls, place: SubOffice) -> Place:
        return cls(
            place.id,
            place.code,
            place.safe_account_id,
            uuid5(place.id, AccountKind.FLOAT),
            place.difference_account_id,
            {
                Means.CASH: place.safe_account_id,
                Means.CHEQUE: place.cheques_account_id,
                Means.ANCV: uuid5(place.id, f"{AccountKind.VOUCHERS}:{Means.ANCV}"),
            },
        )


@dataclass(frozen=True, slots=True)
class House:
    """A family with a pool wallet that refuses and a canteen wallet that owes, its neighbour, and a cash office.

    `card` is a guardian's, `child` eats at the canteen. The school may hold `CEILING` without its float.
    """

    family: UUID
    pool: UUID
    canteen: UUID
    neighbours: UUID
    card: str
    child: UUID
    office: UUID
    school: Place
    main: Place
    on_the_way: dict[Means, UUID]
    treasury: UUID
    online: UUID
    to_classify: UUID


@dataclass(frozen=True, slots=True)
class Town:
    """The database, the officers, the readers' points, what services earn, and PayFiP."""

    database: Database
    runner: asyncio.Runner
    hour: Hour
    virtual: VirtualPayFip
    payments: OnlinePayments
    odile: Officer
    benoit: Officer
    turnstile: UUID
    tablet: UUID
    revenue: dict[ServiceCode, UUID]
    numbers: count[int]


async def build_town(database: Database, runner: asyncio.Runner) -> Town:
    """Set up what all lives share."""
    if database.is_sqlite:
        # No power is cut here: what is tested is not whether the disk keeps what it was given.
        event.listen(database.engine.sync_engine, "connect", _without_waiting_for_the_disk)
    hour = Hour()
    virtual = VirtualPayFip(clock=hour)
    await virtual.start()
    settings = Settings(payfip_client="012345", payfip_office="-", payfip_url=virtual.url)
    payfip = PayFip("012345", "T", virtual.url, call_s=ANSWER_WITHIN_S)
    async with database.write() as db:
        await create_services(db)
        for service in SERVICES:
            await _one_price(db, service)
        return Town(
            database=database,
            runner=runner,
            hour=hour,
            virtual=virtual,
            payments=OnlinePayments(database, hour, settings, payfip),
            odile=await create_officer(db),
            benoit=await create_officer(db, "benoit", "Benoît Rousseau"),
            turnstile=await _point(db, PointKind.TURNSTILE, ServiceCode.POOL),
            tablet=await _point(db, PointKind.TABLET, ServiceCode.CANTEEN),
            revenue=await revenue_accounts(db, SERVICES, NOW),
            numbers=count(1),
        )


async def build_house(db: AsyncSession, town: Town) -> House:
    """Set up what one life is about; nothing of it is any other life's."""
    number = next(town.numbers)
    family, neighbours = [await create_family(db, f"{letter}{number:07}") for letter in "FG"]
    guardian = await create_member(db, family.id, "Jeanne", FamilyRole.GUARDIAN)
    child = await create_member(db, family.id, "Léa", FamilyRole.CHILD, born=date(2017, 3, 4))
    digits = f"{number:09}"
    card = await add_card(
        db,
        card_id=new_id(),
        person_id=guardian.id,
        number=digits + check_digit(digits),
        uid=f"04{number:012X}",
        valid_from=date(2020, 1, 1),
        valid_until=date(2030, 1, 1),
        now=NOW,
    )
    code = f"L{number}"
    main = await create_counter(
        db, town.benoit, code=code, means=(*MEANS, Means.PAYFIP), title=MandateTitle.OFFICER, is_main=True
    )
    school = await create_sub_office(
        db,
        sub_office_id=new_id(),
        office_id=main.office_id,
        code=f"{code}-ECOLE",
        label="École de Pompaire",
        float_cents=FLOAT,
        services=SERVICES,
        means=MEANS,
        now=NOW,
    )
    school.ceiling_cents, school.ceiling_refuses = CEILING, True
    await appoint(
        db,
        mandate_id=new_id(),
        staff_id=town.odile.staff_id,
        sub_office_id=school.id,
        title=MandateTitle.MANDATARY,
        valid_from=TODAY,
    )
    online = await online_accounts(db, main, NOW)
    return House(
        family=family.id,
        pool=(await create_wallet(db, family.id)).id,
        canteen=(await create_wallet(db, family.id, ServiceCode.CANTEEN)).id,
        neighbours=(await create_wallet(db, neighbours.id)).id,
        card=card.uid,
        child=child.id,
        office=main.office_id,
        school=Place.of(school),
        main=Place.of(main),
        on_the_way={means: under_way_id(main.office_id, means) for means in MEANS},
        treasury=treasury_id(main.office_id),
        online=online[AccountKind.ONLINE_PAYMENTS],
        to_classify=online[AccountKind.TO_CLASSIFY],
    )


async def close_town(town: Town) -> None:
    """Stop PayFiP and give the database back."""
    town.payments.close()
    await town.virtual.stop()
    await town.database.close()


async def _one_price(db: AsyncSession, service: ServiceCode) -> None:
    version, official = new_id(), Official(None, "Conseil")
    before = NOW - timedelta(days=2)
    await propose(db, version, service=service, text=TARIFF.format(*TARIFFS[service]), by=official, now=before)
    await adopt(db, version, valid_from=TODAY - timedelta(days=1), by=official, now=before)


async def _point(db: AsyncSession, kind: PointKind, service: ServiceCode) -> UUID:
    point = AccessPoint(
        id=new_id(),
        code=kind.value,
        label=kind.value,
        site="Pompaire",
        kind=kind,
        service_code=service,
        price_code=TARIFFS[service][1],
        assurance=Assurance.UID,
    )
    db.add(point)
    await db.flush()
    return point.id


def _without_waiting_for_the_disk(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined] # the driver's own, which has no type
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()

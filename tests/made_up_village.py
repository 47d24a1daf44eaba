"""A made-up village in a database of each kind, and the people whom the stories call by name."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import AccessPoint
from cvq_core.cards.tables import Card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.tables import Wallet
from cvq_core.people.tables import Membership, Person
from cvq_core.seed.build import build
from cvq_core.seed.draw import Draw
from cvq_core.seed.load import load
from cvq_core.seed.presets import PRESETS
from cvq_core.services.rules import ServiceCode
from tests.apart import run_apart
from tests.postgresql_cluster import Cluster, LentDatabase, run_on

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
"""A Tuesday of the made-up school year, twelve o'clock in Paris."""


async def _load(url: str) -> None:
    database = Database(url)
    async with database.write() as db:
        await load(db, build(PRESETS["demo"], Draw.of(1, 2026)))
    await database.close()


@pytest.fixture(scope="session")
def sqlite_village(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("village") / "village.sqlite"
    shutil.copyfile(sqlite_template, file)
    run_apart(_load(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def postgresql_village(postgresql: Cluster) -> LentDatabase:
    run_apart(run_on(postgresql.url("postgres"), "CREATE DATABASE village TEMPLATE template"))
    run_apart(_load(postgresql.url("village")))
    lent = LentDatabase(postgresql, "lent_village", "village")
    run_apart(lent.make())
    return lent


@pytest.fixture(params=["sqlite", "postgresql"])
def village_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database with the village in it; each test has its own, of each kind."""
    if request.param == "sqlite":
        file = request.getfixturevalue("tmp_path") / "cvq.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_village"), file)
        yield f"sqlite:///{file}"
        return
    lent: LentDatabase = request.getfixturevalue("postgresql_village")
    yield lent.url
    run_apart(lent.give_back())


@dataclass(slots=True)
class Village:
    """The database, and short ways to what a story needs."""

    database: Database
    points: dict[str, UUID]

    async def card_of(self, given: str, family: str) -> str:
        """Return the UID of somebody's newest card."""
        async with self.database.read() as db:
            uid = await db.scalar(
                select(Card.uid)
                .join(Person, Person.id == Card.person_id)
                .where(Person.given_names == given, Person.family_name == family)
                .order_by(Card.valid_from.desc())
                .limit(1)
            )
        assert uid is not None
        return uid

    async def person(self, given: str, family: str) -> UUID:
        """Return the id of the first person of that name."""
        async with self.database.read() as db:
            found = await db.scalar(
                select(Person.id)
                .where(Person.given_names == given, Person.family_name == family)
                .order_by(Person.id)
                .limit(1)
            )
        assert found is not None
        return found

    async def wallet(self, person_id: UUID, service: ServiceCode) -> Wallet:
        """Return the wallet of somebody's family for a service."""
        async with self.database.read() as db:
            wallet = await db.scalar(
                select(Wallet)
                .join(Membership, Membership.account_id == Wallet.family_account_id)
                .where(Membership.person_id == person_id, Wallet.service_code == service)
            )
        assert wallet is not None
        return wallet

    def card_tap(self, point: str, uid: str) -> TapRequest:
        """Return a fresh tap of a card."""
        return TapRequest(new_id(), self.points[point], NOON, card_uid=uid)


@pytest.fixture
async def village(village_url: str) -> AsyncIterator[Village]:
    """The village, on SQLite and on PostgreSQL."""
    database = Database(village_url)
    async with database.read() as db:
        points = {point.code: point.id for point in await db.scalars(select(AccessPoint))}
    yield Village(database, points)
    await database.close()

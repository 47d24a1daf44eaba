"""Versions are proposed, adopted from a day to come, and never edited; a day's price is that day's version's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.services.rules import ServiceCode
from cvq_core.services.store import UnknownService
from cvq_core.tariffs.reading import UnreadableTariff
from cvq_core.tariffs.store import (
    AlreadyAdopted,
    Official,
    OtherService,
    PastTariff,
    TooFarAhead,
    UnknownTariff,
    adopt,
    propose,
    tariff_in_force,
    version_by_id,
    versions_of,
)
from tests.core_examples import NOW, TODAY, create_services

CANTEEN = ServiceCode.CANTEEN
MANAGER = Official(UUID(int=7), "Claire Dubois")
TOMORROW = TODAY + timedelta(days=1)
SEPTEMBER = date(2026, 9, 1)


def canteen(euros: str, title: str = "Cantine") -> str:
    return (
        f"# Voté.\nservice: cantine\ntitre: {title}\ndécision: Délibération\nprestations:\n"
        f"  - code: meal\n    nom: Repas\n    unité: repas\n    prix:\n      - montant: {euros}\n"
    )


@pytest_asyncio.fixture
async def ground(database: Database) -> AsyncIterator[Database]:
    async with database.write() as db:
        await create_services(db)
    yield database


async def proposed(ground: Database, euros: str = "2,35 €", version_id: UUID | None = None) -> UUID:
    async with ground.write() as db:
        version = await propose(db, version_id or new_id(), service=CANTEEN, text=canteen(euros), by=MANAGER, now=NOW)
        return version.id


async def adopted(ground: Database, version_id: UUID, valid_from: date, minutes: int = 0) -> None:
    async with ground.write() as db:
        await adopt(db, version_id, valid_from=valid_from, by=MANAGER, now=NOW + timedelta(minutes=minutes))


async def in_force(ground: Database, on: date) -> UUID | None:
    async with ground.read() as db:
        try:
            return (await tariff_in_force(db, CANTEEN, on)).row.id
        except UnknownTariff:
            return None


async def test_a_version_keeps_its_file_and_who_proposed_it(ground: Database) -> None:
    first, second = await proposed(ground), await proposed(ground, "2,50 €")
    async with ground.read() as db:
        version = await version_by_id(db, first)
        listed = await versions_of(db, [CANTEEN, ServiceCode.POOL])
    assert version.row.text.startswith("# Voté.")
    assert (version.row.number, version.row.proposed_by_name, version.adoption) == (1, "Claire Dubois", None)
    assert [each.row.id for each in listed[CANTEEN]] == [second, first]
    assert listed[ServiceCode.POOL] == []


async def test_the_same_proposal_again_is_the_same_version_and_another_under_its_id_is_refused(
    ground: Database,
) -> None:
    version_id = new_id()
    assert await proposed(ground, version_id=version_id) == await proposed(ground, version_id=version_id)
    with pytest.raises(IdempotencyMismatch):
        await proposed(ground, "9 €", version_id=version_id)
    async with ground.read() as db:
        assert len((await versions_of(db, [CANTEEN]))[CANTEEN]) == 1


async def test_versions_proposed_at_once_have_numbers_without_a_gap(ground: Database) -> None:
    await asyncio.gather(*(proposed(ground, f"{euros} €") for euros in range(8)))
    async with ground.read() as db:
        listed = (await versions_of(db, [CANTEEN]))[CANTEEN]
    assert [each.row.number for each in listed] == list(range(8, 0, -1))


async def test_a_file_with_faults_or_of_another_service_is_not_kept(ground: Database) -> None:
    async with ground.write() as db:
        with pytest.raises(UnreadableTariff):
            await propose(db, new_id(), service=CANTEEN, text="service: cantine", by=MANAGER, now=NOW)
        with pytest.raises(OtherService):
            await propose(db, new_id(), service=ServiceCode.POOL, text=canteen("1 €"), by=MANAGER, now=NOW)
        squash = canteen("1 €").replace("cantine", "squash")
        with pytest.raises(UnknownService):
            await propose(db, new_id(), service=ServiceCode.SQUASH, text=squash, by=MANAGER, now=NOW)


async def test_each_day_has_the_version_that_was_in_force_on_it(ground: Database) -> None:
    old, new = await proposed(ground), await proposed(ground, "2,50 €")
    assert await in_force(ground, TOMORROW) is None
    await adopted(ground, old, TOMORROW)
    await adopted(ground, new, SEPTEMBER)
    assert await in_force(ground, TODAY) is None
    assert await in_force(ground, TOMORROW) == old
    assert await in_force(ground, SEPTEMBER - timedelta(days=1)) == old
    assert await in_force(ground, SEPTEMBER) == new


async def test_of_two_versions_from_the_same_day_the_one_adopted_last_holds(ground: Database) -> None:
    first, mended = await proposed(ground, "23,50 €"), await proposed(ground)
    await adopted(ground, first, SEPTEMBER)
    await adopted(ground, mended, SEPTEMBER, minutes=5)
    assert await in_force(ground, SEPTEMBER) == mended


@pytest.mark.parametrize(
    ("valid_from", "refusal"),
    [(TODAY, PastTariff), (TODAY - timedelta(days=30), PastTariff), (date(2031, 1, 1), TooFarAhead)],
)
async def test_a_past_tariff_is_refused_and_changes_nothing(
    ground: Database, valid_from: date, refusal: type[Exception]
) -> None:
    version_id = await proposed(ground)
    with pytest.raises(refusal):
        await adopted(ground, version_id, valid_from)
    assert await in_force(ground, date(2035, 1, 1)) is None


async def test_midnight_is_the_territorys_and_not_the_suns(ground: Database) -> None:
    """At half past eleven in the evening in London it is already tomorrow in Paris."""
    version_id = await proposed(ground)
    late = NOW.replace(hour=23, minute=30)
    async with ground.write() as db:
        with pytest.raises(PastTariff):
            await adopt(db, version_id, valid_from=TOMORROW, by=MANAGER, now=late)


async def test_an_adoption_asked_again_is_the_first_and_its_day_does_not_change(ground: Database) -> None:
    version_id = await proposed(ground)
    await asyncio.gather(*(adopted(ground, version_id, SEPTEMBER) for _ in range(5)))
    with pytest.raises(AlreadyAdopted):
        await adopted(ground, version_id, TOMORROW)
    assert await in_force(ground, TOMORROW) is None


@pytest.mark.parametrize("table", ["tariff_version", "tariff_adoption"])
async def test_the_database_itself_lets_nobody_edit_or_delete_one(ground: Database, table: str) -> None:
    await adopted(ground, await proposed(ground), SEPTEMBER)
    column = "title" if table == "tariff_version" else "adopted_by_name"
    for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError):
            async with ground.write() as db:
                await db.execute(text(statement))

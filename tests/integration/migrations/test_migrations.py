"""The database that the migrations make is the one that the code describes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Date, Uuid, bindparam, inspect, text

from cvq_core.append_only import APPEND_ONLY
from cvq_core.database import Base, Database
from cvq_core.ids import new_id
from cvq_core.ledger.verify import verify as verify_ledger
from cvq_core.seed.service import seed_territory
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.rules import Facts, Residence, price
from cvq_core.tariffs.store import tariff_in_force
from cvq_migrations.runner import check, current, downgrade, head, revisions, upgrade
from tests.postgresql_cluster import Cluster, run_on


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without a single table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/empty.sqlite")
        yield database
        await database.close()
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    name = f"migrated_{abs(hash(tmp_path)) % 10**9}"
    await run_on(cluster.url("postgres"), f"CREATE DATABASE {name} TEMPLATE template0")
    database = Database(cluster.url(name))
    yield database
    await database.close()
    await run_on(cluster.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


async def test_the_migrations_make_the_tables_of_the_code(empty: Database) -> None:
    assert await current(empty) is None
    await upgrade(empty)
    assert await current(empty) == head()
    await check(empty)
    async with empty.engine.connect() as connection:
        names = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    assert names == {*Base.metadata.tables, "alembic_version"}


async def test_migrating_again_changes_nothing(empty: Database) -> None:
    await upgrade(empty)
    await upgrade(empty)
    assert await current(empty) == head()
    await check(empty)


async def test_tables_that_only_grow_have_their_triggers_after_a_migration(empty: Database) -> None:
    await upgrade(empty)
    asked = "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"
    if not empty.is_sqlite:
        asked = "SELECT DISTINCT event_object_table FROM information_schema.triggers"
    async with empty.engine.connect() as connection:
        guarded = set((await connection.execute(text(asked))).scalars())
    assert APPEND_ONLY
    assert guarded == APPEND_ONLY


async def test_two_machines_that_start_at_once_migrate_one_after_the_other(postgresql: Cluster, tmp_path: Path) -> None:
    await run_on(postgresql.url("postgres"), "CREATE DATABASE migrated_twice TEMPLATE template0")
    url = postgresql.url("migrated_twice")
    environment = {**os.environ, "CVQ_DATABASE_URL": url, "CVQ_DATA_DIR": str(tmp_path)}
    command = [str(Path(sys.executable).with_name("cvq")), "migrate"]
    database = Database(url)
    try:
        # Machines are processes: what alembic calls its context is one for the whole of a process.
        machines = [await asyncio.create_subprocess_exec(*command, env=environment) for _ in range(2)]
        assert [await machine.wait() for machine in machines] == [0, 0]
        await check(database)
    finally:
        await database.close()
        await run_on(postgresql.url("postgres"), "DROP DATABASE migrated_twice WITH (FORCE)")


async def test_a_full_database_loses_nothing_at_any_step_on_its_way_to_head(empty: Database) -> None:
    """Each revision is applied to full tables, those that it brought itself excepted; then all of them in a row."""
    await upgrade(empty)
    await seed_territory(empty, "demo", seed=1, school_year=2026)
    for earlier, later in reversed(list(pairwise(revisions()))):
        await downgrade(empty, earlier)
        before = await _rows(empty)
        assert before["posting"] > 0
        await upgrade(empty, later)
        _assert_kept(before, await _rows(empty), later)
        await downgrade(empty, earlier)
    first = await _rows(empty)
    await upgrade(empty)
    await check(empty)
    _assert_kept(first, await _rows(empty), "head")
    async with empty.read() as db:
        assert await verify_ledger(db) == []


def _assert_kept(before: dict[str, int], after: dict[str, int], revision: str) -> None:
    listed = before.pop("price", None) if "price" not in after else None
    if listed is not None and "tariff_version" not in before:
        assert 0 < after["tariff_version"] == after["tariff_adoption"] <= listed, "the list of prices became tariffs"
    assert {name: after.get(name) for name in before} == before, revision


async def test_readers_charge_after_the_migration_what_their_list_of_prices_said(empty: Database) -> None:
    """Each state of a list becomes a tariff, until an adopted one holds."""
    await upgrade(empty)
    await seed_territory(empty, "demo", seed=1, school_year=2026)
    await downgrade(empty, "0015")
    listed = [
        ("old", "entry", 300, date(2024, 1, 1), date(2025, 12, 31)),
        ("new", "entry", 320, date(2026, 1, 1), None),
        ("spa", "spa", 1205, date(2024, 1, 1), date(2024, 6, 30)),
    ]
    insert = text(
        "INSERT INTO price (id, service_code, code, unit, label, amount_cents, valid_from, valid_until)"
        " VALUES (:id, 'pool', :code, 'entry', :label, :cents, :begins, :ends)"
    ).bindparams(bindparam("id", type_=Uuid()), bindparam("begins", type_=Date()), bindparam("ends", type_=Date()))
    async with empty.engine.begin() as connection:
        for word, code, cents, begins, ends in listed:
            label = f'Entrée « {word} » : "ici"'
            row = {"id": new_id(), "code": code, "label": label, "cents": cents, "begins": begins, "ends": ends}
            await connection.execute(insert, row)
    await upgrade(empty)
    async with empty.read() as db:
        prices = {
            day: {
                item.code: price(found.tariff, Facts(item.code, residence=Residence.INSIDE)).amount_cents
                for item in found.tariff.items
            }
            for day in (date(2024, 3, 1), date(2025, 3, 1), date(2026, 3, 1), date(2026, 10, 1))
            if (found := await tariff_in_force(db, ServiceCode.POOL, day))
        }
    assert prices == {
        date(2024, 3, 1): {"entry": 300, "spa": 1205},
        date(2025, 3, 1): {"entry": 300},
        date(2026, 3, 1): {"entry": 320},
        date(2026, 10, 1): {"entry": 310, "year": 15500},
    }


async def test_a_point_that_was_closed_is_locked_and_comes_back_closed(empty: Database) -> None:
    await upgrade(empty)
    await seed_territory(empty, "demo", seed=1, school_year=2026)
    await downgrade(empty, "0033")

    async def modes(**changes: str) -> dict[str, int]:
        async with empty.engine.begin() as connection:
            for was, becomes in changes.items():
                await connection.execute(
                    text("UPDATE access_point SET mode = :becomes WHERE mode = :was"), {"was": was, "becomes": becomes}
                )
            rows = await connection.execute(text("SELECT mode, count(*) FROM access_point GROUP BY mode"))
            return dict(iter(rows.all()))

    [points] = (await modes(normal="closed")).values()
    await upgrade(empty, "0034")
    assert await modes() == {"locked": points}
    await downgrade(empty, "0033")
    assert await modes() == {"closed": points}
    await upgrade(empty, "0034")
    await modes(locked="emergency")
    await downgrade(empty, "0033")
    assert await modes() == {"normal": points}, "what the older code does not know is no mode of its"


async def _rows(database: Database) -> dict[str, int]:
    """Return how many rows each table holds, whatever tables there are."""
    async with database.engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        return {
            name: (await connection.execute(text(f'SELECT count(*) FROM "{name}"'))).scalar_one()
            for name in names
            if name != "alembic_version"
        }

"""Filling a database: whole or not at all, and the same territory on both kinds of database."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.ledger.verify import verify
from cvq_core.people.store import find_people
from cvq_core.people.tables import Person
from cvq_core.seed.draw import Draw
from cvq_core.seed.load import NotEmpty
from cvq_core.seed.presets import Preset
from cvq_core.seed.service import AlreadySeeded, NoTables, Seeded, school_year_of, seed_territory


async def seed(database: Database, *, number: int = 1, force: bool = False) -> Seeded:
    return await seed_territory(database, "demo", seed=number, school_year=2026, force=force, with_digest=True)


async def people(database: Database) -> int:
    async with database.read() as db:
        return int(await db.scalar(select(func.count()).select_from(Person)) or 0)


@pytest.fixture(scope="module")
def made_by_the_command(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> str:
    """What the command prints in a process of its own, over a copy of an empty SQLite database."""
    file = tmp_path_factory.mktemp("command") / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    return run_command("--school-year", "2026", "--seed", "1", "--digest", "--database-url", f"sqlite:///{file}").stdout


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cvq_core.cli import main; main()", "seed", "--preset", "demo"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=120)


async def test_the_same_seed_makes_the_same_territory_in_any_process_and_on_both_databases(
    database: Database, made_by_the_command: str
) -> None:
    seeded = await seed(database)
    assert seeded.digest is not None
    assert seeded.digest in made_by_the_command.replace("\n", "")


async def test_the_ledger_of_a_made_up_territory_holds_and_its_people_are_found(database: Database) -> None:
    await seed(database)
    async with database.read() as db:
        assert await verify(db) == []
        found = await find_people(db, "moreau 12 05 1941", today=date(2026, 11, 24))
    assert [each.person.given_names for each in found.people] == ["Jeanne"]


async def test_a_database_that_holds_something_is_refused_and_left_as_it_was(database: Database) -> None:
    await seed(database)
    before = await people(database)
    with pytest.raises(NotEmpty) as refused:
        await seed(database, number=2)
    assert "person" in refused.value.facts["tables"]
    assert await people(database) == before


async def test_force_says_so_when_this_very_territory_is_there_already_and_changes_nothing(
    database: Database,
) -> None:
    await seed(database)
    before = await people(database)
    with pytest.raises(AlreadySeeded):
        await seed(database, force=True)
    assert await people(database) == before


async def test_two_who_seed_at_once_leave_one_territory(database: Database) -> None:
    results = await asyncio.gather(seed(database), seed(database), return_exceptions=True)
    assert sum(isinstance(each, Seeded) for each in results) == 1
    assert all(isinstance(each, Seeded | NotEmpty | AlreadySeeded) for each in results)
    assert await people(database) == 418


async def test_nothing_stays_when_what_another_component_adds_fails(database: Database) -> None:
    class Trouble(Exception):
        pass

    async def more(db: AsyncSession, draw: Draw, preset: Preset) -> None:
        assert await db.scalar(select(func.count()).select_from(Person)) == 418
        raise Trouble

    with pytest.raises(Trouble):
        await seed_territory(database, "demo", seed=1, school_year=2026, more=more)
    assert await people(database) == 0


async def test_a_database_without_tables_is_told_to_migrate_first(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/empty.sqlite")
    with pytest.raises(NoTables):
        await seed(database)
    await database.close()


@pytest.mark.parametrize(
    ("day", "year"), [(date(2026, 8, 31), 2025), (date(2026, 9, 1), 2026), (date(2027, 1, 2), 2026)]
)
def test_a_school_year_begins_in_september(day: date, year: int) -> None:
    assert school_year_of(day) == year


def test_the_command_says_what_it_made(made_by_the_command: str) -> None:
    assert "Territoire « demo », année scolaire 2026-2027 :" in made_by_the_command


def test_the_command_refuses_a_database_that_is_not_empty_in_words(tmp_path: Path, sqlite_template: Path) -> None:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    assert run_command("--database-url", f"sqlite:///{file}").returncode == 0
    again = run_command("--database-url", f"sqlite:///{file}")
    assert again.returncode == 1
    assert "Cette base contient déjà des données" in again.stderr
    assert "Traceback" not in again.stderr

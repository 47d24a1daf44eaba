"""What every test may use: an empty database of each kind, with all tables."""

from __future__ import annotations

import shutil
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import cvq_desk.tables  # noqa: F401 - the metadata must know every table
from cvq_core.database import Base, Database
from tests.apart import run_apart
from tests.made_up_village import (  # noqa: F401 - fixtures of a village, made once a process
    postgresql_village,
    sqlite_village,
    village,
    village_url,
)
from tests.postgresql_cluster import Cluster, LentDatabase, run_on
from tests.shared_statements import share_statements

# How long an example takes says how busy the machine is, and nothing about us.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


TEARDOWN_S_MAX = 120


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """Let no teardown wait for ever: pytest-timeout no longer watches a test that has failed."""

    def too_long(*_: object) -> None:
        pytest.fail(f"the teardown took more than {TEARDOWN_S_MAX} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, TEARDOWN_S_MAX)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def _create_all(url: str) -> None:
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    share_statements(database.engine)
    await database.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A running PostgreSQL, with the database `template` that holds all tables."""
    cluster = Cluster()
    try:
        cluster.start()
        run_apart(run_on(cluster.url("postgres"), "CREATE DATABASE template"))
        run_apart(_create_all(cluster.url("template")))
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def postgresql_database(postgresql: Cluster) -> LentDatabase:
    """The empty database that one test after the other is lent."""
    lent = LentDatabase(postgresql, "lent", "template")
    run_apart(lent.make())
    return lent


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that holds all tables, to be copied."""
    file = tmp_path_factory.mktemp("template") / "template.sqlite"
    run_apart(_create_all(f"sqlite:///{file}"))
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database with all tables; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        file = request.getfixturevalue("tmp_path") / "cvq.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    lent: LentDatabase = request.getfixturevalue("postgresql_database")
    yield lent.url
    run_apart(lent.give_back())


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database with all tables, on SQLite and on PostgreSQL."""
    database = Database(database_url)
    yield database
    await database.close()

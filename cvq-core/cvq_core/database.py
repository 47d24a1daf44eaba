"""One database behind everything: SQLite (WAL) where one machine is enough, PostgreSQL otherwise.

Transactions are opened by `Database.read()` and `Database.write()` alone. On SQLite a write takes its lock at once
(`BEGIN IMMEDIATE`): a transaction that reads first and upgrades later fails when another one was faster. There is one
server process on SQLite, so an in-process lock queues the writers instead of letting them poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer, MetaData, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases: SQLite gives back naive values, and naive ones are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was about to be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
Serial = BigInteger().with_variant(Integer(), "sqlite")
"""A primary key that counts: SQLite counts only for INTEGER."""
Word = Enum(
    StrEnum,
    native_enum=False,
    create_constraint=False,
    length=32,
    values_callable=lambda kind: [member.value for member in kind],
)
"""A `StrEnum` as its word: a new member is then no migration."""


class Base(DeclarativeBase):
    """Base of all tables. Constraints are named, since SQLite's migrations can only drop what has a name."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own interface
        datetime: UtcDateTime(),
        StrEnum: Word,
        dict[str, Any]: Json,
        list[str]: Json,
        list[Any]: Json,
    }


DRIVER = "cvq_driver"
"""Where a session that runs on a `Line` holds the driver's own connection and the database's name."""
Hook = Callable[[AsyncSession], Awaitable[None]]


class Line:
    """A connection that is kept for transactions on the driver itself, one after the other."""

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        self._connection = connection
        self._driver = driver
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._is_lost = False

    @classmethod
    async def open(cls, engine: AsyncEngine) -> Line:
        """Take a connection out of the engine's pool."""
        connection = await engine.connect()
        driver = (await connection.get_raw_connection()).driver_connection
        if connection.dialect.name == "postgresql":
            assert driver is not None
            # The statements are few and the same all day: planned once, and never worth compiling.
            await driver.execute("SET plan_cache_mode = force_generic_plan; SET jit = off")
        return cls(connection, driver)

    @property
    def is_whole(self) -> bool:
        """Whether it can be used: the server has not hung up, and whatever went wrong was rolled back."""
        return not self._is_lost and (self._is_sqlite or not self._driver.is_closed())

    async def hang_up(self) -> None:
        """Close the connection for good."""
        self._is_lost = True
        await self._connection.invalidate()
        await self._connection.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction: committed when the block ends, rolled back when it raises.

        The session costs nothing as long as nobody uses it.
        """
        session = AsyncSession(self._connection, expire_on_commit=False)
        session.info[DRIVER] = self._driver, self._connection.dialect.name
        self._is_lost = True
        commit, roll_back = await self._begin()
        try:
            yield session
            is_used = session.in_transaction()
            if is_used:
                await session.commit()
            await commit()
        except BaseException:
            # Where the server has hung up there is nothing to roll back, and the line stays lost.
            with suppress(Exception):
                await session.close()
                await roll_back()
                self._is_lost = False
            raise
        if is_used:
            await session.close()
        self._is_lost = False

    async def _begin(self) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]]:
        if self._is_sqlite:
            await self._driver.execute("BEGIN IMMEDIATE")
            return self._driver.commit, self._driver.rollback
        transaction = self._driver.transaction()
        await transaction.start()
        return transaction.commit, transaction.rollback


class Database:
    """The engine and its transactions.

    `before_commit` hooks run inside each writing transaction, `after_commit` hooks once it is durable.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url: URL = async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.before_commit: list[Hook] = []
        self.after_commit: list[Hook] = []
        if self.is_sqlite:
            if self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_async_engine(self.url, connect_args={"timeout": 30})
            _take_over_sqlite(self.engine)
        else:
            self.engine = create_async_engine(self.url, pool_size=pool_size, max_overflow=5, pool_pre_ping=True)
        self._writers = self.engine.execution_options(cvq_immediate=True)
        self._one_writer = asyncio.Lock()
        self._lines: list[Line] = []
        # Lines stay with their taps: half of the pool is left to everything else.
        self._lines_free = asyncio.Semaphore(max(1, pool_size // 2))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction for reading; it is rolled back at the end."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write_at_once(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction as `write` does, on the driver itself: for the path on which somebody waits at a door.

        What runs through `cvq_core.prepared` costs one journey a statement, and beginning and committing one each; no
        layer lies between. Everything else may use the session as always: on PostgreSQL within a savepoint.
        """
        queue = self._one_writer if self.is_sqlite else self._lines_free
        async with queue:
            line = await self._line()
            try:
                async with line.transaction() as session:
                    yield session
                    if session.in_transaction() or session.new:
                        await session.flush()
                    for hook in self.before_commit:
                        await hook(session)
            finally:
                self._lines.append(line)
        for hook in self.after_commit:
            await hook(session)

    async def _line(self) -> Line:
        """Return a line that is free and whole, or a new one."""
        while self._lines:
            line = self._lines.pop()
            if line.is_whole:
                return line
            await line.hang_up()
        return await Line.open(self.engine)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction for writing: committed when the block ends, rolled back when it raises."""
        queue = self._one_writer if self.is_sqlite else nullcontext()
        async with queue, AsyncSession(self._writers, expire_on_commit=False) as session:
            yield session
            await session.flush()
            for hook in self.before_commit:
                await hook(session)
            await session.commit()
        for hook in self.after_commit:
            await hook(session)

    async def close(self) -> None:
        """Give back all connections."""
        while self._lines:
            await self._lines.pop().hang_up()
        await self.engine.dispose()


def lost_a_race(error: DBAPIError) -> bool:
    """Whether a transaction failed only because another one was at the same rows at the same time: it may run again."""
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in ("40001", "40P01")


def async_url(url: str) -> URL:
    """Return `url` with the asynchronous driver of its database.

    Raises:
        ValueError: the database is neither SQLite nor PostgreSQL.
    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+asyncpg")
        case other:
            raise ValueError(f"{other} is not supported: use sqlite:///… or postgresql://…")


def _take_over_sqlite(engine: AsyncEngine) -> None:
    """Open SQLite's transactions ourselves: its Python driver would begin them late and never at once for writing."""

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        # Money moves here: FULL, because NORMAL can lose the last commits at a power cut.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Any) -> None:
        if connection.connection.driver_connection.in_transaction:
            return  # a `Line` has begun it
        immediate = connection.get_execution_options().get("cvq_immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

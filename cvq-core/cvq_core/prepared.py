"""Statements that are built once and run often: through SQLAlchemy on SQLite, on the driver itself on PostgreSQL.

SQLAlchemy's asynchronous layer takes several times what asyncpg takes for the same statement, and a tap runs a dozen
while somebody waits at a turnstile. Both ways run the very same statements in the session's own transaction. This is
for the path of a tap alone: everywhere else, plain SQLAlchemy is fast enough and says more.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Column, ColumnElement, Dialect, String, Table, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.expression import any_
from sqlalchemy.types import TypeDecorator

_RAW = "cvq_raw_connection"
_ASYNCPG: Dialect = asyncpg_dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves this one untyped


class _JsonList(TypeDecorator[Collection[Any]]):
    """A list of keys as the JSON text that SQLite's `json_each` takes apart, each key as the table stores it."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> str:
        return json.dumps([_stored(each) for each in value or ()])


def one_of(column: ColumnElement[Any], name: str, dialect: str) -> ColumnElement[bool]:
    """Return "`column` is one of the list `name`", the list being one parameter, however many keys it holds.

    It travels as an array on PostgreSQL and as a JSON text on SQLite, so that the database prepares a statement once.
    """
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    keys = func.json_each(bindparam(name, type_=_JsonList())).table_valued("value")
    return column.in_(select(keys.c.value))


@dataclass(slots=True)
class Prepared:
    """One statement; `columns` are the parameters of an INSERT, which names none by itself."""

    statement: Any
    columns: tuple[str, ...] = ()
    _text: str = field(default="", init=False)
    _names: tuple[str, ...] = field(default=(), init=False)
    _constants: Mapping[str, Any] = field(default_factory=dict, init=False)

    async def fetch(self, db: AsyncSession, **parameters: Any) -> Sequence[Any]:
        """Run it in the session's transaction and return its rows, words as plain strings or as their enumeration."""
        if _is_sqlite(db):
            return (await (await db.connection()).execute(self.statement, parameters)).all()
        connection = await _driver(db)
        try:
            rows: Sequence[Any] = await connection.fetch(self.text, *self._arguments(parameters))
        except asyncpg.PostgresError as error:
            raise _translated(self.text, error) from error
        return rows

    async def write(self, db: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> int | None:
        """Run it once for each row in the session's transaction; return how many a single row changed."""
        if _is_sqlite(db):
            done = await (await db.connection()).execute(self.statement, rows[0] if len(rows) == 1 else list(rows))
            return done.rowcount if len(rows) == 1 else None
        connection = await _driver(db)
        try:
            if len(rows) == 1:
                status: str = await connection.execute(self.text, *self._arguments(rows[0]))
                return int(status.rpartition(" ")[2])
            await connection.executemany(self.text, [self._arguments(row) for row in rows])
        except asyncpg.PostgresError as error:
            raise _translated(self.text, error) from error
        return None

    @property
    def text(self) -> str:
        """The statement as PostgreSQL gets it."""
        if not self._text:
            compiled = self.statement.compile(dialect=_ASYNCPG, column_keys=list(self.columns) or None)
            self._constants = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
            self._names = tuple(compiled.positiontup or ())
            self._text = str(compiled)
        return self._text

    def _arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        constants = self._constants
        return [parameters[name] if name in parameters else constants[name] for name in self._names]


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """One statement that writes many rows at once. On PostgreSQL each column travels as one array.

    A row of `executemany` costs the server as much as a statement of its own; taken apart from arrays, ten cost hardly
    more than one. The rows are written in their order.
    """

    statement: Any
    text: str
    columns: tuple[str, ...]

    @classmethod
    def insert(cls, table: Table, columns: Sequence[str]) -> PreparedRows:
        """Return the INSERT of rows with these columns."""
        arrays = ", ".join(_array(table.c[name], place) for place, name in enumerate(columns, 1))
        text = f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"  # noqa: S608 - names
        return cls(insert(table), text, tuple(columns))

    @classmethod
    def update(cls, table: Table, columns: Sequence[str]) -> PreparedRows:
        """Return the UPDATE of these columns by their `id`; rows have the columns' names too, and the row's id."""
        names = ("id", *columns)
        arrays = ", ".join(_array(table.c[name], place) for place, name in enumerate(names, 1))
        values = ", ".join(f"{name} = new.{name}" for name in columns)
        source = f"unnest({arrays}) AS new ({', '.join(names)})"
        text = f"UPDATE {table.name} SET {values} FROM {source} WHERE {table.name}.id = new.id"  # noqa: S608 - names
        # SQLAlchemy keeps the columns' own names for values, so the row that is meant has another one.
        statement = (
            update(table).where(table.c.id == bindparam("row_id")).values({name: bindparam(name) for name in columns})
        )
        return cls(statement, text, names)

    async def write(self, db: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows in the session's transaction."""
        if _is_sqlite(db):
            named = [{**row, "row_id": row["id"]} for row in rows] if self.columns[0] == "id" else list(rows)
            await (await db.connection()).execute(self.statement, named)
            return
        connection = await _driver(db)
        try:
            await connection.execute(self.text, *([row[name] for row in rows] for name in self.columns))
        except asyncpg.PostgresError as error:
            raise _translated(self.text, error) from error


def _array(column: Column[Any], place: int) -> str:
    return f"${place}::{column.type.compile(_ASYNCPG)}[]"


def _is_sqlite(db: AsyncSession) -> bool:
    return db.get_bind().dialect.name == "sqlite"


async def _driver(db: AsyncSession) -> Any:
    """Return asyncpg's own connection of the session's transaction, which has begun."""
    held = db.info.get(_RAW)
    transaction = db.get_transaction()
    if held is not None and transaction is not None and held[0] is transaction:
        return held[1]
    connection = await db.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, asyncpg.Connection)
    if not raw.is_in_transaction():
        # SQLAlchemy begins with its own first statement, not before.
        await connection.exec_driver_sql("SELECT 1")
    db.info[_RAW] = (db.get_transaction(), raw)
    return raw


def _translated(text: str, error: asyncpg.PostgresError) -> DBAPIError:
    """Return the error as SQLAlchemy raises it, so that whoever catches races catches these."""
    kind = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
    return kind(text, None, error)


def _stored(key: object) -> str:
    if isinstance(key, UUID):
        return key.hex
    return key.value if isinstance(key, StrEnum) else str(key)

"""Statements that are built once and run often, on the database's driver itself.

SQLAlchemy's asynchronous layer takes several times what the driver takes for the same statement, and somebody waits at
a turnstile meanwhile. The statements are written with SQLAlchemy, run in the session's own transaction, and are the
same on both databases. This is for the path of a tap alone: everywhere else, plain SQLAlchemy is fast enough and says
more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Column, ColumnElement, Dialect, Select, String, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as aiosqlite_dialect
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.expression import any_
from sqlalchemy.types import TypeDecorator, TypeEngine

from cvq_core.database import DRIVER

_RAW = "cvq_raw_connection"
_DIALECTS: Mapping[str, Dialect] = {
    "postgresql": asyncpg_dialect(),  # type: ignore[no-untyped-call] # SQLAlchemy leaves these untyped
    "sqlite": aiosqlite_dialect(),
}
_Change = Callable[[Any], Any]


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


def found_in(column: ColumnElement[Any], rows: Select[Any], dialect: str) -> ColumnElement[bool]:
    """Return "`column` is one of what `rows` selects"; on PostgreSQL by an array, which an index is searched with."""
    if dialect == "postgresql":
        return column == any_(func.array(rows.scalar_subquery(), type_=ARRAY(column.type)))
    return column.in_(rows)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as its driver gets it; `changes` make of a value what the driver takes, where it is not the same."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    changes: tuple[_Change | None, ...]

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the parameters in their order."""
        values = [parameters[name] if name in parameters else self.constants[name] for name in self.names]
        return values if not self.changes else _changed(values, self.changes)


def _compiled(statement: Any, dialect: str, columns: Sequence[str] = ()) -> _Compiled:
    found = statement.compile(dialect=_DIALECTS[dialect], column_keys=list(columns) or None)
    names = tuple(found.positiontup or ())
    constants = {name: bind.effective_value for name, bind in found.binds.items() if not bind.required}
    changes = tuple(_to_driver(found.binds[name].type) for name in names) if dialect == "sqlite" else ()
    return _Compiled(str(found), names, constants, changes)


def _to_driver(kind: TypeEngine[Any]) -> _Change | None:
    return kind.dialect_impl(_DIALECTS["sqlite"]).bind_processor(_DIALECTS["sqlite"])


def _from_driver(kind: TypeEngine[Any]) -> _Change | None:
    return kind.dialect_impl(_DIALECTS["sqlite"]).result_processor(_DIALECTS["sqlite"], None)


def _changed(row: Sequence[Any], changes: Sequence[_Change | None]) -> list[Any]:
    return [value if change is None else change(value) for value, change in zip(row, changes, strict=True)]


@dataclass(slots=True)
class Prepared:
    """One statement; `columns` are the parameters of an INSERT, which names none by itself."""

    statement: Any
    columns: tuple[str, ...] = ()
    _compiled: dict[str, _Compiled] = field(default_factory=dict, init=False)
    _changes: tuple[_Change | None, ...] = field(default=(), init=False)

    async def fetch(self, db: AsyncSession, **parameters: Any) -> Sequence[Any]:
        """Run it in the session's transaction and return its rows, words as plain strings or as their enumeration."""
        driver, dialect = await driver_of(db)
        compiled = self._for(dialect)
        if dialect == "sqlite":
            found = await driver.execute_fetchall(compiled.text, compiled.arguments(parameters))
            return [_changed(row, self._changes) for row in found]
        try:
            rows: Sequence[Any] = await driver.fetch(compiled.text, *compiled.arguments(parameters))
        except asyncpg.PostgresError as error:
            raise _translated(compiled.text, error) from error
        return rows

    async def write(self, db: AsyncSession, row: Mapping[str, Any]) -> int:
        """Run it in the session's transaction; return how many rows it changed."""
        driver, dialect = await driver_of(db)
        compiled = self._for(dialect)
        try:
            if dialect == "sqlite":
                changed: int = (await driver.execute(compiled.text, compiled.arguments(row))).rowcount
                return changed
            status: str = await driver.execute(compiled.text, *compiled.arguments(row))
        except (asyncpg.PostgresError, sqlite3.Error) as error:
            raise _translated(compiled.text, error) from error
        return int(status.rpartition(" ")[2])

    def _for(self, dialect: str) -> _Compiled:
        known = self._compiled.get(dialect)
        if known is None:
            known = self._compiled[dialect] = _compiled(self.statement, dialect, self.columns)
            if dialect == "sqlite" and isinstance(self.statement, Select):
                self._changes = tuple(_from_driver(column.type) for column in self.statement.selected_columns)
        return known


class Together:
    """Several selects as one statement, each with a list of rows of its own: one journey to the database.

    They are run in their order; on PostgreSQL, rows that a select locks are locked in that order too. All see what was
    committed when the statement began, but for locked rows, which are as the last to write them left them.
    """

    def __init__(self, dialect: str, parts: Mapping[str, Select[Any]]) -> None:
        self._dialect = dialect
        self._names = tuple(parts)
        if dialect == "sqlite":
            self._changes = [
                tuple(_from_driver(column.type) for column in part.selected_columns) for part in parts.values()
            ]
        gather = _as_json if dialect == "sqlite" else _as_array
        statement = select(*(gather(part).label(name) for name, part in parts.items()))
        self._compiled = _compiled(statement, dialect)

    async def fetch(self, db: AsyncSession, **parameters: Any) -> dict[str, Sequence[Any]]:
        """Run them in the session's transaction; return the rows of each by its name."""
        driver, _ = await driver_of(db)
        text, arguments = self._compiled.text, self._compiled.arguments(parameters)
        if self._dialect == "sqlite":
            [row] = await driver.execute_fetchall(text, arguments)
            return {
                name: [_changed(each, changes) for each in json.loads(rows)]
                for name, rows, changes in zip(self._names, row, self._changes, strict=True)
            }
        try:
            row = await driver.fetchrow(text, *arguments)
        except asyncpg.PostgresError as error:
            raise _translated(text, error) from error
        return dict(row)


def _as_array(part: Select[Any]) -> ColumnElement[Any]:
    row = func.row(*part.selected_columns)
    return func.array(part.with_only_columns(row, maintain_column_froms=True).scalar_subquery())


def _as_json(part: Select[Any]) -> ColumnElement[Any]:
    rows = part.subquery()
    return select(func.json_group_array(func.json_array(*rows.c))).scalar_subquery()


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRows:
    """One statement that writes many rows at once. On PostgreSQL each column travels as one array.

    A row of `executemany` costs the server as much as a statement of its own; taken apart from arrays, ten cost hardly
    more than one. The rows are written in their order.
    """

    table: Table
    columns: tuple[str, ...]
    is_update: bool
    sqlite_text: str
    changes: tuple[_Change | None, ...]

    @classmethod
    def insert(cls, table: Table, columns: Sequence[str]) -> PreparedRows:
        """Return the INSERT of rows with these columns."""
        places = ", ".join("?" for _ in columns)
        text = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own names
        return cls(table, tuple(columns), is_update=False, sqlite_text=text, changes=_changes_of(table, columns))

    @classmethod
    def update(cls, table: Table, columns: Sequence[str]) -> PreparedRows:
        """Return the UPDATE of these columns by their `id`; rows have the columns' names too, and the row's id.

        No two rows have the same id.
        """
        values = ", ".join(f"{name} = ?" for name in columns)
        text = f"UPDATE {table.name} SET {values} WHERE id = ?"  # noqa: S608 - our own names
        names = (*columns, "id")
        return cls(table, names, is_update=True, sqlite_text=text, changes=_changes_of(table, names))

    async def write(self, db: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows in the session's transaction."""
        await write_together(db, [(self, rows)])

    def text(self, first: int) -> str:
        """Return the statement as PostgreSQL gets it, its parameters counted from `first`."""
        arrays = ", ".join(_array(self.table.c[name], place) for place, name in enumerate(self.columns, first))
        names, table = ", ".join(self.columns), self.table.name
        if not self.is_update:
            return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names
        values = ", ".join(f"{name} = new.{name}" for name in self.columns[:-1])
        return f"UPDATE {table} SET {values} FROM unnest({arrays}) AS new ({names}) WHERE {table}.id = new.id"  # noqa: S608 - our own names


Writes = Sequence[tuple[PreparedRows, Sequence[Mapping[str, Any]]]]


async def write_together(db: AsyncSession, writes: Writes) -> None:
    """Write rows of several tables in the session's transaction: on PostgreSQL in one statement.

    Foreign keys are looked at when all of it is written.
    """
    writes = [(into, rows) for into, rows in writes if rows]
    if not writes:
        return
    driver, dialect = await driver_of(db)
    if dialect == "sqlite":
        for into, rows in writes:
            values = [_changed([row[name] for name in into.columns], into.changes) for row in rows]
            try:
                await driver.executemany(into.sqlite_text, values)
            except sqlite3.Error as error:
                raise _translated(into.sqlite_text, error) from error
        return
    text = _text_together(tuple(into for into, _ in writes))
    arrays = [[row[name] for row in rows] for into, rows in writes for name in into.columns]
    try:
        await driver.execute(text, *arrays)
    except asyncpg.PostgresError as error:
        raise _translated(text, error) from error


@cache
def _text_together(parts: tuple[PreparedRows, ...]) -> str:
    texts, first = [], 1
    for part in parts:
        texts.append(part.text(first))
        first += len(part.columns)
    *others, last = texts
    named = ", ".join(f"part_{number} AS ({text})" for number, text in enumerate(others))
    return f"WITH {named} {last}" if named else last


def _array(column: Column[Any], place: int) -> str:
    return f"${place}::{column.type.compile(_DIALECTS['postgresql'])}[]"


def _changes_of(table: Table, columns: Sequence[str]) -> tuple[_Change | None, ...]:
    return tuple(_to_driver(table.c[name].type) for name in columns)


async def driver_of(db: AsyncSession) -> tuple[Any, str]:
    """Return the driver's own connection of the session's transaction, which has begun, and the database's name."""
    line: tuple[Any, str] | None = db.info.get(DRIVER)
    if line is not None:
        return line
    dialect = db.get_bind().dialect.name
    held = db.info.get(_RAW)
    transaction = db.get_transaction()
    if held is not None and transaction is not None and held[0] is transaction:
        return held[1], dialect
    connection = await db.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    if isinstance(raw, asyncpg.Connection) and not raw.is_in_transaction():
        # SQLAlchemy begins with its own first statement, not before.
        await connection.exec_driver_sql("SELECT 1")
    db.info[_RAW] = (db.get_transaction(), raw)
    return raw, dialect


def _translated(text: str, error: asyncpg.PostgresError | sqlite3.Error) -> DBAPIError:
    """Return the error as SQLAlchemy raises it, so that whoever catches races catches these."""
    broken = isinstance(error, asyncpg.IntegrityConstraintViolationError | sqlite3.IntegrityError)
    return (IntegrityError if broken else DBAPIError)(text, None, error)


def _stored(key: object) -> str:
    if isinstance(key, UUID):
        return key.hex
    return key.value if isinstance(key, StrEnum) else str(key)

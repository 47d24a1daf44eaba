"""Putting a made-up territory into a database, whole or not at all, and the digest that tells two of them apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import N_, Refusal
from cvq_core.seed.build import TableRows
from cvq_core.seed.territory import Row

CHUNK_ROWS = 2000
Progress = Callable[[str, int, int], None]
"""Told the table, the rows written so far in all, and the rows that there will be in all."""


class NotEmpty(Refusal):
    """The database holds people, cards or money already."""

    slug = "database-not-empty"
    message = N_("Cette base contient déjà des données ({tables}).")
    what_to_do = N_("Utilisez une base vide, ou `--force` pour ajouter le territoire inventé à ce qui s’y trouve.")


async def check_empty(db: AsyncSession, tables: Iterable[Table]) -> None:
    """Refuse a database that holds something already in a table that would be filled.

    Raises:
        NotEmpty: naming the tables.
    """
    filled = [table.name for table in tables if await db.scalar(select(1).select_from(table).limit(1))]
    if filled:
        raise NotEmpty(tables=", ".join(filled))


async def load(db: AsyncSession, territory: list[TableRows], progress: Progress | None = None) -> int:
    """Write all rows in the caller's transaction, and return how many they are."""
    expected = sum(each.count for each in territory)
    written = 0
    for each in territory:
        statement = insert(each.table)
        for chunk in _chunks(each.rows):
            await db.execute(statement, chunk)
            written += len(chunk)
            if progress is not None:
                progress(each.table.name, written, max(expected, written))
    return written


async def digest(db: AsyncSession, tables: Iterable[Table]) -> str:
    """Return the SHA-256 of everything in `tables`, the same on both databases.

    Keys that the database counts itself are left out: they depend on what was there before.
    """
    hashed = hashlib.sha256()
    for table in sorted(tables, key=lambda each: each.name):
        columns = [column for column in table.columns if column.autoincrement is not True]
        hashed.update(table.name.encode())
        lines = [_line(row) async for row in await db.stream(select(*columns))]
        for line in sorted(lines):
            hashed.update(line)
    return hashed.hexdigest()


async def count(db: AsyncSession, table: Table) -> int:
    """Return how many rows a table holds."""
    return int(await db.scalar(select(func.count()).select_from(table)) or 0)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        yield chunk


def _line(row: Any) -> bytes:
    return "\x1f".join(_word(value) for value in row).encode() + b"\x1e"


def _word(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)

"""Filling a database with a made-up territory: all of it in one transaction, or nothing."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.errors import N_, Refusal, Unavailable
from cvq_core.seed.build import build
from cvq_core.seed.draw import Draw
from cvq_core.seed.load import Progress, check_empty, digest, load
from cvq_core.seed.presets import PRESETS, Preset

SCHOOL_YEAR_BEGINS = (9, 1)

More = Callable[[AsyncSession, Draw, Preset], Awaitable[None]]
"""Adds what another component makes up, in the same transaction and from the same stream of chance."""


class NoTables(Unavailable):
    """The database has no tables yet."""

    slug = "database-without-tables"
    message = N_("Cette base est vide de tables.")
    what_to_do = N_("Lancez d’abord `cvq migrate`.")


class AlreadySeeded(Refusal):
    """This very territory is there already."""

    slug = "already-seeded"
    message = N_("Ce territoire inventé se trouve déjà dans la base.")
    what_to_do = N_("Choisissez un autre nombre avec `--seed`, ou une base vide.")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was written. `digest` is of the territory's own tables, None when nobody asked for it."""

    rows: int
    seconds: float
    school_year: int
    digest: str | None


def school_year_of(day: date) -> int:
    """Return the calendar year in which the school year of `day` began."""
    return day.year if (day.month, day.day) >= SCHOOL_YEAR_BEGINS else day.year - 1


async def seed_territory(
    database: Database,
    preset_name: str,
    *,
    seed: int,
    school_year: int,
    force: bool = False,
    with_digest: bool = False,
    more: More | None = None,
    progress: Progress | None = None,
) -> Seeded:
    """Write a made-up territory into a database that has its tables and nothing else.

    `force` adds it beside what is there.

    Raises:
        NoTables: the schema is not there yet.
        NotEmpty: there are people, cards or money already, and `force` was not given.
        AlreadySeeded: the same territory is there already.
    """
    began = time.monotonic()
    preset = PRESETS[preset_name]
    draw = Draw.of(seed, school_year)
    territory = build(preset, draw)
    tables = [each.table for each in territory]
    async with database.engine.connect() as connection:
        if not await connection.run_sync(_has_tables):
            raise NoTables
    try:
        async with database.write() as db:
            if not force:
                await check_empty(db, tables)
            rows = await load(db, territory, progress)
            if more is not None:
                await more(db, draw, preset)
    except IntegrityError as error:
        raise AlreadySeeded from error
    seconds = time.monotonic() - began
    found = None
    if with_digest:
        async with database.read() as db:
            found = await digest(db, tables)
    return Seeded(rows, seconds, school_year, found)


def _has_tables(connection: Connection) -> bool:
    return inspect(connection).has_table("person")

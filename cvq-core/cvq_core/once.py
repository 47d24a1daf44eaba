"""Inserting a row once, whoever else tries at the same moment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CursorResult, FromClause, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession


async def insert_once(db: AsyncSession, table: FromClause, values: dict[str, Any]) -> bool:
    """Insert a row and return True; return False, and change nothing, when a unique key of it is taken.

    A rival that has not committed yet is waited for. Checking first and then inserting would raise under races.
    """
    assert isinstance(table, Table)
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    done = await db.execute(dialect.insert(table).values(values).on_conflict_do_nothing())
    assert isinstance(done, CursorResult)
    return done.rowcount == 1

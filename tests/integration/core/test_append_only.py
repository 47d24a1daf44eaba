"""What was written of public money stays as it was written, whoever holds the database's password."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cvq_core.append_only import APPEND_ONLY, append_only_ddl
from cvq_core.database import Base, Database


@pytest.mark.parametrize("table", ["ledger_transaction", "posting", "receipt", "receipt_print"])
async def test_the_database_knows_the_table_as_one_that_only_grows(table: str) -> None:
    assert table in APPEND_ONLY
    assert table in Base.metadata.tables


async def test_every_table_that_only_grows_has_its_triggers(database: Database) -> None:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if database.is_sqlite
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    async with database.read() as db:
        triggers = set((await db.scalars(text(query))).all())
    dialect = "sqlite" if database.is_sqlite else "postgresql"
    wanted = {
        statement.split()[2]
        for table in APPEND_ONLY
        for statement in append_only_ddl(table, dialect)
        if statement.startswith("CREATE TRIGGER")
    }
    assert wanted <= triggers


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_table_cannot_be_emptied_in_one_go_where_the_database_knows_how(database: Database) -> None:
    with pytest.raises(DBAPIError, match="posting only grows"):
        async with database.write() as db:
            await db.execute(text("TRUNCATE posting"))

"""Whoever changes the books behind the ledger's back is found out."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from cvq_core.append_only import append_only_ddl
from cvq_core.database import Database
from cvq_core.ledger.verify import trigger_names, verify
from tests.core_examples import create_family, create_ledger_account, create_services, create_wallet, move


@pytest.fixture
async def books(database: Database) -> Database:
    """A wallet with 7 euros and two transactions behind it."""
    async with database.write() as db:
        await create_services(db)
        wallet = await create_wallet(db, (await create_family(db)).id, cents=1000)
        await move(db, wallet.id, -300, await create_ledger_account(db))
    return database


async def tamper(database: Database, statement: str, table: str) -> None:
    """Do what only somebody with the database's password can: take the triggers off, change a row, put them back."""
    dialect = "sqlite" if database.is_sqlite else "postgresql"
    async with database.write() as db:
        for name in trigger_names(table, dialect):
            await db.execute(text(f"DROP TRIGGER {name}" + ("" if database.is_sqlite else f" ON {table}")))
        await db.execute(text(statement))
        for ddl in append_only_ddl(table, dialect):
            await (await db.connection()).exec_driver_sql(ddl)


async def troubles(database: Database) -> str:
    async with database.read() as db:
        return "\n".join(await verify(db))


async def test_sound_books_have_no_troubles(books: Database) -> None:
    assert await troubles(books) == ""


async def test_a_changed_amount_is_found_in_the_transaction_the_wallet_and_the_running_balance(books: Database) -> None:
    await tamper(books, "UPDATE posting SET amount_cents = -200 WHERE amount_cents = -300", "posting")
    found = await troubles(books)
    assert "2 postings that add up to 100 cents" in found
    assert "holds 700 cents, its postings add up to 800" in found
    assert "notes a balance of 700 cents, the postings up to it add up to 800" in found


async def test_a_deleted_posting_is_found(books: Database) -> None:
    await tamper(books, "DELETE FROM posting WHERE amount_cents = 300", "posting")
    assert "1 postings that add up to -300 cents" in await troubles(books)


async def test_a_transaction_without_its_postings_is_found(books: Database) -> None:
    await tamper(books, "DELETE FROM posting WHERE amount_cents IN (300, -300)", "posting")
    assert "0 postings" in await troubles(books)


async def test_a_balance_that_was_written_by_hand_is_found(books: Database) -> None:
    async with books.write() as db:
        await db.execute(text("UPDATE wallet SET balance_cents = 99900"))
    assert "holds 99900 cents, its postings add up to 700" in await troubles(books)


async def test_a_trigger_that_was_taken_away_is_missed(books: Database) -> None:
    name = trigger_names("posting", "sqlite" if books.is_sqlite else "postgresql")[0]
    async with books.write() as db:
        await db.execute(text(f"DROP TRIGGER {name}" + ("" if books.is_sqlite else " ON posting")))
    assert f"its trigger {name} is missing" in await troubles(books)

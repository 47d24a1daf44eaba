"""Gaps, false totals and drawers that do not add up are found, whoever made them."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from cvq_core.append_only import append_only_ddl
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.verify import trigger_names
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import Means
from cvq_core.offices.service import collect, void
from cvq_core.offices.verify import verify_offices
from tests.core_examples import (
    NOW,
    create_counter,
    create_family,
    create_officer,
    create_services,
    create_wallet,
    top_up,
)


@pytest.fixture
async def office(database: Database) -> Database:
    """A closed drawer with three receipts, the third of which voids the second."""
    async with database.write() as db:
        await create_services(db)
        wallet = await create_wallet(db, (await create_family(db)).id)
        odile = await create_officer(db)
        place = await create_counter(db, odile)
        drawer = await open_drawer(db, new_id(), sub_office_id=place.id, officer=odile, float_cents=0, now=NOW)
        receipts = [
            await collect(
                db,
                key=new_id(),
                drawer_id=drawer.id,
                payables=[top_up(wallet.id, cents)],
                means=Means.CASH,
                tendered_cents=cents,
                officer=odile,
                now=NOW,
            )
            for cents in (1000, 2000)
        ]
        await void(db, key=new_id(), receipt_id=receipts[1].id, reason="Erreur", officer=odile, now=NOW)
        await close_drawer(db, drawer.id, counted={1000: 1}, officer=odile, now=NOW)
    return database


async def tamper(database: Database, table: str, statement: str) -> str:
    """Change what only grows, as somebody with the database's password could, and return what is found."""
    dialect = "sqlite" if database.is_sqlite else "postgresql"
    async with database.write() as db:
        for name in trigger_names(table, dialect):
            await db.execute(text(f"DROP TRIGGER {name}" + ("" if database.is_sqlite else f" ON {table}")))
        await db.execute(text(statement))
        for ddl in append_only_ddl(table, dialect):
            await (await db.connection()).exec_driver_sql(ddl)
    async with database.read() as db:
        return "\n".join(await verify_offices(db))


async def test_a_sound_office_has_no_troubles(office: Database) -> None:
    async with office.read() as db:
        assert await verify_offices(db) == []


async def test_a_receipt_that_was_taken_away_is_missed(office: Database) -> None:
    found = await tamper(office, "receipt", "DELETE FROM receipt WHERE number = 1")
    assert "series POM counts to 3, and has 2 receipts up to number 3" in found


async def test_the_last_receipt_is_missed_too(office: Database) -> None:
    found = await tamper(office, "receipt", "DELETE FROM receipt WHERE number = 3")
    assert "series POM counts to 3, and has 2 receipts up to number 2" in found


async def test_a_total_that_was_written_by_hand_is_found(office: Database) -> None:
    found = await tamper(
        office, "receipt", "UPDATE receipt SET total_cents = 900, tendered_cents = 900 WHERE number = 1"
    )
    assert "receipt 1 says 900 cents, its transaction gave the wallets 1000" in found


async def test_a_void_of_another_amount_is_found(office: Database) -> None:
    found = await tamper(
        office, "receipt", "UPDATE receipt SET total_cents = -1900, change_cents = 1900 WHERE number = 3"
    )
    assert "receipt 3 voids 1900 cents of receipt 2, which was of 2000" in found


async def test_cash_that_vanished_from_a_closed_drawer_is_found(office: Database) -> None:
    found = await tamper(
        office,
        "posting",
        "DELETE FROM posting WHERE amount_cents = 1000 AND account_id IN (SELECT id FROM drawer)",
    )
    assert "is closed, and 1000 cents are still booked in it" in found

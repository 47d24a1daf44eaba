"""Transactions on the driver itself: whatever goes wrong, the next one finds a whole line and nothing half written."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy import func, select

from cvq_core.clock import utc_now
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch
from cvq_core.ledger.store import add_ledger_account
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.live.hub import LiveHub
from cvq_core.live.store import publish
from cvq_core.live.tables import LiveEvent
from cvq_core.prepared import Prepared, driver_of

COUNT = Prepared(select(func.count(LedgerAccount.__table__.c.id)))


async def opened(database: Database, code: str) -> int:
    """Open an account through the session and count them on the driver, in one transaction."""
    async with database.write_at_once() as db:
        await add_ledger_account(db, account_id=new_id(), code=code, kind=AccountKind.FLOAT, label=code, now=utc_now())
        [[count]] = await COUNT.fetch(db)
    return int(count)


async def refused(database: Database) -> None:
    """Open an account, and then another one of the same code."""
    async with database.write_at_once() as db:
        for _ in range(2):
            await add_ledger_account(
                db, account_id=new_id(), code="lost", kind=AccountKind.FLOAT, label="", now=utc_now()
            )


async def cut_off(database: Database) -> None:
    """Open an account on a line that breaks before the commit."""
    async with database.write_at_once() as db:
        await add_ledger_account(db, account_id=new_id(), code="cut", kind=AccountKind.FLOAT, label="", now=utc_now())
        driver, _ = await driver_of(db)
        driver.terminate()
        await COUNT.fetch(db)


async def test_what_the_session_writes_and_what_the_driver_reads_are_one_transaction(database: Database) -> None:
    before = await opened(database, "first")
    with pytest.raises(IdempotencyMismatch):
        await refused(database)
    assert await opened(database, "second") == before + 1


async def test_those_who_write_at_once_wait_for_each_other_and_none_is_lost(database: Database) -> None:
    before = await opened(database, "before")
    await asyncio.gather(*(opened(database, f"number-{number}") for number in range(20)))
    assert await opened(database, "after") == before + 21


async def test_a_line_that_the_server_hung_up_is_replaced_before_anybody_notices(database: Database) -> None:
    before = await opened(database, "before")
    async with database.write_at_once() as db:
        driver, dialect = await driver_of(db)
    if dialect == "postgresql":
        driver.terminate()
    assert await opened(database, "after") == before + 1


async def test_a_line_that_breaks_in_the_middle_of_a_transaction_leaves_nothing(database: Database) -> None:
    before = await opened(database, "before")
    if database.is_sqlite:
        return
    with pytest.raises(asyncpg.InterfaceError, match="closed"):
        await cut_off(database)
    assert await opened(database, "after") == before + 1


async def test_pages_are_told_of_what_was_written_at_once(database: Database) -> None:
    hub = LiveHub(database)
    page = hub.subscribe({"a-door"})
    async with database.write_at_once() as db:
        publish(db, "a-door", "changed")
    assert await asyncio.wait_for(page.changed(), 10) == {"a-door"}
    async with database.read() as db:
        assert await db.scalar(select(func.count()).select_from(LiveEvent)) == 1

"""Checkpoints: a busy account's balance is read from its last one, and is never another than the fold."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select, update

from cvq_core.database import Database
from cvq_core.ledger.checkpoints import write_checkpoints
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerCheckpoint, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.services.rules import ServiceCode
from tests.core_examples import create_family, create_ledger_account, create_services, create_wallet, move

Books = tuple[UUID, UUID]


@pytest.fixture
async def books(database: Database) -> Books:
    """A canteen wallet, and the revenue that it pays."""
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        return (await create_wallet(db, family.id, ServiceCode.CANTEEN)).id, await create_ledger_account(db)


async def pay(database: Database, books: Books, times: int) -> None:
    async with database.write() as db:
        for _ in range(times):
            await move(db, books[0], -7, books[1])


async def earned(database: Database, books: Books) -> int:
    async with database.read() as db:
        return await balance_of(db, books[1])


async def checkpoints(database: Database) -> list[tuple[UUID, int]]:
    async with database.read() as db:
        assert await verify(db) == []
        return [(each.account_id, each.sum_cents) for each in await db.scalars(select(LedgerCheckpoint))]


async def test_only_an_account_with_enough_new_postings_gets_one(database: Database, books: Books) -> None:
    await pay(database, books, 3)
    assert await write_checkpoints(database, after=4) == 0
    await pay(database, books, 1)
    assert await write_checkpoints(database, after=4) == 1
    assert await checkpoints(database) == [(books[1], 28)]
    assert await write_checkpoints(database, after=4) == 0


async def test_a_balance_is_the_checkpoint_and_what_came_since(database: Database, books: Books) -> None:
    for round_number in range(1, 4):
        await pay(database, books, 5)
        assert await earned(database, books) == 7 * (10 * round_number - 5)
        assert await write_checkpoints(database, after=1) == 1
        assert await earned(database, books) == 7 * (10 * round_number - 5)
        await pay(database, books, 5)
    assert await earned(database, books) == 7 * 30
    assert await checkpoints(database) == [(books[1], 7 * 25)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
async def test_a_transaction_under_way_is_never_left_out_of_a_checkpoint(database: Database, books: Books) -> None:
    """Its postings have lower ids than those of another one that is over before it."""
    async with database.write() as db:
        other = (await create_wallet(db, (await create_family(db, "F00002")).id, ServiceCode.CANTEEN)).id
    async with database.write() as slow:
        await move(slow, other, -1000, books[1])
        await pay(database, books, 5)
        writing = asyncio.create_task(write_checkpoints(database, after=1))
        await asyncio.sleep(0.3)
        assert not writing.done()
    assert await writing == 1
    assert await earned(database, books) == 1035
    assert await checkpoints(database) in ([(books[1], 35)], [(books[1], 1035)])


async def test_several_processes_that_write_them_at_once_count_nothing_twice(database: Database, books: Books) -> None:
    for _ in range(3):
        await pay(database, books, 4)
        await asyncio.gather(*(write_checkpoints(database, after=1) for _ in range(5)))
    assert await earned(database, books) == 84
    assert await checkpoints(database) == [(books[1], 84)]


async def test_a_wallet_has_its_running_balance_and_no_checkpoint(database: Database, books: Books) -> None:
    await pay(database, books, 5)
    await write_checkpoints(database, after=1)
    assert [account for account, _ in await checkpoints(database)] == [books[1]]
    async with database.read() as db:
        assert await balance_of(db, books[0]) == -35
        assert (await db.get_one(Wallet, books[0])).balance_cents == -35


async def test_a_checkpoint_that_was_written_by_hand_is_found(database: Database, books: Books) -> None:
    await pay(database, books, 5)
    await write_checkpoints(database, after=1)
    async with database.write() as db:
        await db.execute(update(LedgerCheckpoint).values(sum_cents=36))
    async with database.read() as db:
        [trouble] = await verify(db)
    assert trouble.endswith("says 36 cents, the postings up to it add up to 35")

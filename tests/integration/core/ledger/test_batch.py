"""Many transactions at once: each decided as if it had come alone, all written together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cvq_core.clock import utc_now
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.ledger.batch import LedgerGatherer, post_all
from cvq_core.ledger.rules import (
    AmountOutOfBounds,
    IdempotencyMismatch,
    InsufficientFunds,
    UnbalancedTransaction,
    UnknownLedgerAccount,
)
from cvq_core.ledger.store import Posted, post
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    NOW,
    create_family,
    create_ledger_account,
    create_services,
    create_wallet,
    transaction,
)


@dataclass(frozen=True)
class Books:
    """A pool wallet with 10 euros that refuses, a canteen wallet that owes, and the town's revenue."""

    pool: UUID
    canteen: UUID
    revenue: UUID


@pytest.fixture
async def books(database: Database) -> Books:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        return Books(
            pool=(await create_wallet(db, family.id, cents=1000)).id,
            canteen=(await create_wallet(db, family.id, ServiceCode.CANTEEN)).id,
            revenue=await create_ledger_account(db),
        )


async def balances(database: Database, books: Books) -> tuple[int, int]:
    async with database.read() as db:
        assert await verify(db) == []
        found = await wallets_by_id(db, [books.pool, books.canteen])
    return found[books.pool].balance_cents, found[books.canteen].balance_cents


async def test_each_is_decided_after_the_one_before_it(database: Database, books: Books) -> None:
    legs = [(books.pool, -700), (books.pool, -700), (books.canteen, -400), (books.pool, 500), (books.pool, -700)]
    asked = [transaction((wallet, cents), (books.revenue, -cents)) for wallet, cents in legs]
    async with database.write() as db:
        answers = await post_all(db, asked, now=NOW)
    assert [type(each) for each in answers] == [Posted, InsufficientFunds, Posted, Posted, Posted]
    told = [each.balances for each in answers if isinstance(each, Posted)]
    assert told == [{books.pool: 300}, {books.canteen: -400}, {books.pool: 800}, {books.pool: 100}]
    assert await balances(database, books) == (100, -400)


async def test_what_cannot_be_written_is_refused_alone(database: Database, books: Books) -> None:
    asked = [
        transaction((books.pool, 0), (books.revenue, 0)),
        transaction((books.pool, -100), (books.revenue, 100)),
        transaction((books.pool, -100), (books.revenue, 99)),
    ]
    async with database.write() as db:
        answers = await post_all(db, asked, now=NOW)
    assert [type(each) for each in answers] == [AmountOutOfBounds, Posted, UnbalancedTransaction]
    assert await balances(database, books) == (900, 0)


async def test_an_account_that_does_not_exist_stops_all_and_nothing_is_written(
    database: Database, books: Books
) -> None:
    asked = [transaction((books.pool, -100), (books.revenue, 100)), transaction((books.pool, -100), (new_id(), 100))]
    with pytest.raises(UnknownLedgerAccount):
        async with database.write() as db:
            await post_all(db, asked, now=NOW)
    assert await balances(database, books) == (1000, 0)


async def test_what_came_before_gets_its_first_answer_in_a_batch_too(database: Database, books: Books) -> None:
    first = transaction((books.pool, -1000), (books.revenue, 1000))
    async with database.write() as db:
        await post(db, first, now=NOW)
    twice = transaction((books.canteen, -300), (books.revenue, 300))
    changed = transaction((books.canteen, -301), (books.revenue, 301), transaction_id=twice.id)
    async with database.write() as db:
        answers = await post_all(db, [first, twice, twice, changed], now=NOW + timedelta(hours=1))
    assert [type(each) for each in answers] == [Posted, Posted, Posted, IdempotencyMismatch]
    told = [(each.balances, each.replayed) for each in answers if isinstance(each, Posted)]
    assert told == [({books.pool: 0}, True), ({books.canteen: -300}, False), ({books.canteen: -300}, True)]
    assert await balances(database, books) == (0, -300)


async def test_nothing_to_post_is_no_trouble(database: Database) -> None:
    async with database.write() as db:
        assert await post_all(db, [], now=NOW) == []


async def test_two_hundred_rivals_are_gathered_and_none_is_lost_or_doubled(database: Database, books: Books) -> None:
    writer = LedgerGatherer(database, utc_now)
    asked = [transaction((books.pool, -10), (books.revenue, 10)) for _ in range(150)]
    asked += [transaction((books.canteen, -10), (books.revenue, 10)) for _ in range(50)]
    answers = await asyncio.gather(*(writer.post(each) for each in [*asked, *asked[150:]]), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Refusal)]
    assert len(refused) == 50
    assert all(isinstance(each, InsufficientFunds) for each in refused)
    assert not [each for each in answers if isinstance(each, BaseException) and not isinstance(each, Refusal)]
    assert await balances(database, books) == (0, -500)
    async with database.read() as db:
        assert await db.scalar(select(func.count()).select_from(LedgerTransaction)) == 1 + 100 + 50


async def test_two_that_post_the_same_at_once_both_get_the_answer(database: Database, books: Books) -> None:
    writers = [LedgerGatherer(database, utc_now) for _ in range(2)]
    asked = [transaction((books.canteen, -10), (books.revenue, 10)) for _ in range(40)]
    answers = await asyncio.gather(*(writer.post(each) for each in asked for writer in writers))
    assert len(answers) == 80
    assert await balances(database, books) == (1000, -400)


async def test_one_that_names_no_account_fails_alone_among_those_gathered_with_it(
    database: Database, books: Books
) -> None:
    writer = LedgerGatherer(database, utc_now)
    asked = [transaction((books.canteen, -10), (books.revenue, 10)) for _ in range(10)]
    wrong = transaction((books.canteen, -10), (new_id(), 10))
    answers = await asyncio.gather(*(writer.post(each) for each in [*asked, wrong]), return_exceptions=True)
    assert [type(each) for each in answers] == [Posted] * 10 + [UnknownLedgerAccount]
    assert await balances(database, books) == (1000, -100)

"""Writing to the ledger: once, balanced, never below a floor, and for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.rules import (
    AccountKind,
    AlreadyReversed,
    IdempotencyMismatch,
    InsufficientFunds,
    TransactionKind,
    UnbalancedTransaction,
    UnknownLedgerAccount,
    UnknownTransaction,
)
from cvq_core.ledger.store import Posted, balance_of, post, postings_of, reverse
from cvq_core.ledger.tables import LedgerTransaction, Posting, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    NOW,
    create_family,
    create_ledger_account,
    create_services,
    create_wallet,
    move,
    transaction,
)

RIVALS = 40


@dataclass(frozen=True)
class Books:
    """A family with 10 euros for the pool and nothing for the canteen, the town's revenue, and a drawer."""

    pool: UUID
    canteen: UUID
    revenue: UUID
    drawer: UUID


@pytest.fixture
async def books(database: Database) -> AsyncIterator[Books]:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        books = Books(
            pool=(await create_wallet(db, family.id, cents=1000)).id,
            canteen=(await create_wallet(db, family.id, ServiceCode.CANTEEN)).id,
            revenue=await create_ledger_account(db),
            drawer=await create_ledger_account(db, AccountKind.DRAWER),
        )
    yield books
    async with database.read() as db:
        assert await verify(db) == []


async def wallet(database: Database, wallet_id: UUID) -> Wallet:
    async with database.read() as db:
        return (await wallets_by_id(db, [wallet_id]))[wallet_id]


async def count(database: Database) -> tuple[int, int]:
    async with database.read() as db:
        transactions = await db.scalar(select(func.count()).select_from(LedgerTransaction))
        postings = await db.scalar(select(func.count()).select_from(Posting))
    return int(transactions or 0), int(postings or 0)


async def test_a_pool_entry_takes_from_the_wallet_what_it_gives_to_the_revenue(
    database: Database, books: Books
) -> None:
    async with database.write() as db:
        answer = await move(db, books.pool, -300, books.revenue)
    assert answer.balances == {books.pool: 700}
    async with database.read() as db:
        assert await balance_of(db, books.revenue) == 300
        assert await balance_of(db, books.pool) == 700
    assert (await wallet(database, books.pool)).balance_cents == 700


async def test_one_payment_settles_several_wallets_at_once(database: Database, books: Books) -> None:
    cart = transaction((books.pool, 500), (books.canteen, 1500), (books.drawer, -2000), kind=TransactionKind.TOP_UP)
    async with database.write() as db:
        answer = await post(db, cart, now=NOW)
    assert answer.balances == {books.pool: 1500, books.canteen: 1500}
    async with database.read() as db:
        assert await balance_of(db, books.drawer) == 2000


async def test_a_wallet_that_was_loaded_before_shows_its_new_balance(database: Database, books: Books) -> None:
    async with database.write() as db:
        loaded = await db.get_one(Wallet, books.pool)
        await move(db, books.pool, -300, books.revenue)
        assert loaded.balance_cents == 700


async def test_the_same_request_gets_its_first_answer_and_is_written_once(database: Database, books: Books) -> None:
    asked = transaction((books.pool, -300), (books.revenue, 300))
    answers: list[Posted] = []
    for hours in range(3):
        async with database.write() as db:
            answers.append(await post(db, asked, now=NOW + timedelta(hours=hours)))
        async with database.write() as db:
            await move(db, books.pool, -1, books.revenue)
    assert [(each.balances, each.recorded_at, each.replayed) for each in answers] == [
        ({books.pool: 700}, NOW, False),
        ({books.pool: 700}, NOW, True),
        ({books.pool: 700}, NOW, True),
    ]
    assert (await wallet(database, books.pool)).balance_cents == 697


async def test_a_request_that_emptied_the_wallet_may_be_asked_again(database: Database, books: Books) -> None:
    asked = transaction((books.pool, -1000), (books.revenue, 1000))
    for _ in range(2):
        async with database.write() as db:
            assert (await post(db, asked, now=NOW)).balances == {books.pool: 0}


@pytest.mark.parametrize("cents", [301, 5000])
async def test_the_same_id_with_another_content_is_refused(database: Database, books: Books, cents: int) -> None:
    same_id = new_id()
    async with database.write() as db:
        await post(db, transaction((books.pool, -300), (books.revenue, 300), transaction_id=same_id), now=NOW)
    before = await count(database)
    with pytest.raises(IdempotencyMismatch):
        async with database.write() as db:
            await post(db, transaction((books.pool, -cents), (books.revenue, cents), transaction_id=same_id), now=NOW)
    assert await count(database) == before
    assert (await wallet(database, books.pool)).balance_cents == 700


async def test_a_wallet_that_may_not_owe_is_not_overdrawn_and_nothing_is_written(
    database: Database, books: Books
) -> None:
    before = await count(database)
    async with database.write() as db:
        with pytest.raises(InsufficientFunds):
            await move(db, books.pool, -1001, books.revenue)
    assert await count(database) == before  # although the caller went on and committed
    assert (await wallet(database, books.pool)).balance_cents == 1000


async def test_a_cart_of_which_one_part_is_refused_is_refused_whole(database: Database, books: Books) -> None:
    async with database.write() as db:
        with pytest.raises(InsufficientFunds):
            await post(db, transaction((books.canteen, -400), (books.pool, -1001), (books.revenue, 1401)), now=NOW)
    assert (await wallet(database, books.canteen)).balance_cents == 0


async def test_the_canteen_serves_a_child_whose_wallet_is_empty_and_notes_the_debt(
    database: Database, books: Books
) -> None:
    async with database.write() as db:
        assert (await move(db, books.canteen, -470, books.revenue)).balances == {books.canteen: -470}


async def test_the_database_itself_keeps_a_wallet_above_its_floor(database: Database, books: Books) -> None:
    with pytest.raises(IntegrityError, match="floor"):
        async with database.write() as db:
            await db.execute(text("UPDATE wallet SET balance_cents = -1 WHERE floor_cents = 0"))


async def test_an_account_that_does_not_exist_is_refused(database: Database, books: Books) -> None:
    with pytest.raises(UnknownLedgerAccount):
        async with database.write() as db:
            await move(db, books.pool, -100, new_id())


async def test_what_does_not_balance_never_reaches_the_database(database: Database, books: Books) -> None:
    before = await count(database)
    async with database.write() as db:
        with pytest.raises(UnbalancedTransaction):
            await post(db, transaction((books.pool, -300), (books.revenue, 299)), now=NOW)
    assert await count(database) == before


async def test_a_passage_leaves_its_day_in_the_ledger_and_no_hour(database: Database, books: Books) -> None:
    # Half past midnight in Paris is the day before in UTC: the day is the territory's.
    passed = datetime(2026, 7, 13, 22, 30, tzinfo=UTC)
    asked = transaction(
        (books.pool, -300), (books.revenue, 300), transaction_id=uuid4(), occurred_at=passed, day_only=True
    )
    async with database.write() as db:
        answer = await post(db, asked, now=passed)
    async with database.read() as db:
        written = await db.get_one(LedgerTransaction, asked.id)
    midnight = datetime(2026, 7, 13, 22, 0, tzinfo=UTC)
    assert (written.occurred_at, written.recorded_at, answer.recorded_at) == (midnight, midnight, midnight)


async def test_a_reversal_names_what_it_undoes_and_both_stay(database: Database, books: Books) -> None:
    async with database.write() as db:
        wrong = await move(db, books.pool, -300, books.revenue)
    undone = await undo(database, wrong.transaction_id)
    assert undone.balances == {books.pool: 1000}
    async with database.read() as db:
        written = await db.get_one(LedgerTransaction, undone.transaction_id)
        assert (written.kind, written.reverses_id) == (TransactionKind.REVERSAL, wrong.transaction_id)
        assert len(await postings_of(db, wrong.transaction_id)) == 2
        assert await balance_of(db, books.revenue) == 0


async def undo(database: Database, transaction_id: UUID, reversal_id: UUID | None = None) -> Posted:
    async with database.write() as db:
        return await reverse(
            db,
            transaction_id,
            reversal_id=reversal_id or new_id(),
            label="Annulation",
            actor_kind="staff",
            actor_id=None,
            now=NOW,
        )


async def test_a_transaction_is_reversed_once_however_often_it_is_asked(database: Database, books: Books) -> None:
    async with database.write() as db:
        wrong = await move(db, books.pool, -300, books.revenue)
    same = new_id()
    first = await undo(database, wrong.transaction_id, same)
    again = await undo(database, wrong.transaction_id, same)
    assert (first.balances, again.balances, again.replayed) == ({books.pool: 1000}, {books.pool: 1000}, True)
    with pytest.raises(AlreadyReversed):
        await undo(database, wrong.transaction_id)
    with pytest.raises(AlreadyReversed):
        await undo(database, same)
    with pytest.raises(UnknownTransaction):
        await undo(database, new_id())


async def test_a_top_up_that_is_already_spent_is_not_undone(database: Database, books: Books) -> None:
    async with database.write() as db:
        top_up = await move(db, books.pool, 500, books.drawer)
        await move(db, books.pool, -1200, books.revenue)
    with pytest.raises(InsufficientFunds):
        await undo(database, top_up.transaction_id)


@pytest.mark.parametrize("table", ["ledger_transaction", "posting"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
async def test_nothing_that_was_written_is_changed_or_deleted(
    database: Database, books: Books, table: str, statement: str
) -> None:
    with pytest.raises(DBAPIError, match=f"{table} only grows"):
        async with database.write() as db:
            await db.execute(text(statement.format(table)))


async def together(*requests: asyncio.Future[Posted] | object) -> tuple[list[Posted], list[BaseException]]:
    results = await asyncio.gather(*requests, return_exceptions=True)  # type: ignore[arg-type]  # coroutines
    return (
        [each for each in results if isinstance(each, Posted)],
        [each for each in results if isinstance(each, BaseException)],
    )


async def test_forty_rivals_never_overdraw_a_wallet(database: Database, books: Books) -> None:
    async def enter() -> Posted:
        async with database.write() as db:
            return await move(db, books.pool, -300, books.revenue)

    served, refused = await together(*(enter() for _ in range(RIVALS)))
    assert len(served) == 3
    assert {type(each) for each in refused} == {InsufficientFunds}
    assert (await wallet(database, books.pool)).balance_cents == 100


async def test_forty_copies_of_one_request_are_written_once(database: Database, books: Books) -> None:
    asked = transaction((books.pool, -300), (books.revenue, 300))

    async def enter() -> Posted:
        async with database.write() as db:
            return await post(db, asked, now=NOW)

    served, refused = await together(*(enter() for _ in range(RIVALS)))
    assert refused == []
    assert [each.replayed for each in served].count(False) == 1
    assert {each.balances[books.pool] for each in served} == {700}


async def test_a_transaction_that_many_undo_at_once_is_undone_once(database: Database, books: Books) -> None:
    async with database.write() as db:
        wrong = await move(db, books.pool, -300, books.revenue)
    served, refused = await together(*(undo(database, wrong.transaction_id) for _ in range(RIVALS)))
    assert len(served) == 1
    assert {type(each) for each in refused} == {AlreadyReversed}
    assert (await wallet(database, books.pool)).balance_cents == 1000


async def test_rivals_that_name_the_same_wallets_in_opposite_orders_do_not_block_each_other(
    database: Database, books: Books
) -> None:
    async def swap(one: UUID, other: UUID) -> Posted:
        async with database.write() as db:
            return await post(db, transaction((one, 1), (other, -1)), now=NOW)

    _, refused = await together(
        *(swap(books.pool, books.canteen) for _ in range(RIVALS // 2)),
        *(swap(books.canteen, books.pool) for _ in range(RIVALS // 2)),
    )
    assert refused == []
    assert (await wallet(database, books.pool)).balance_cents == 1000


@pytest.mark.timeout(120)  # it would wait for ever
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_revenue_that_every_payment_touches_is_no_row_that_anybody_waits_for(
    database: Database, books: Books
) -> None:
    async with database.write() as slow:
        await move(slow, books.pool, -300, books.revenue)
        # `slow` has not committed; the other one is through before it does.
        async with database.write() as quick:
            await move(quick, books.canteen, -400, books.revenue)
        async with database.read() as db:
            assert await balance_of(db, books.revenue) == 400
    async with database.read() as db:
        assert await balance_of(db, books.revenue) == 700

"""Wallets opened once, floors that follow the policies, and what a family reads of its movements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch, InsufficientFunds
from cvq_core.ledger.statements import STATEMENT_LINES_MAX, latest_movements, statement
from cvq_core.ledger.store import post
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import UnknownWallet, apply_policies, open_wallet, wallets_by_id, wallets_of
from cvq_core.people.store import UnknownFamilyAccount
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import UnknownService
from cvq_core.services.tables import ServicePolicy
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_family,
    create_ledger_account,
    create_services,
    create_wallet,
    move,
    transaction,
)


@pytest.fixture
async def db(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.write() as db:
        await create_services(db)
        yield db
        assert await verify(db) == []


async def test_a_wallet_gets_the_floor_of_its_service(db: AsyncSession) -> None:
    family = await create_family(db)
    pool = await create_wallet(db, family.id, ServiceCode.POOL)
    canteen = await create_wallet(db, family.id, ServiceCode.CANTEEN)
    assert (pool.floor_cents, canteen.floor_cents) == (0, None)
    assert {each.id for each in await wallets_of(db, family.id)} == {pool.id, canteen.id}


async def test_a_wallet_needs_an_account_and_a_service_that_exist(db: AsyncSession) -> None:
    family = await create_family(db)
    with pytest.raises(UnknownFamilyAccount):
        await create_wallet(db, new_id())
    with pytest.raises(UnknownService):
        await create_wallet(db, family.id, ServiceCode.SQUASH)
    with pytest.raises(UnknownWallet):
        await wallets_by_id(db, [new_id()])


async def test_an_id_that_is_another_wallets_opens_nothing(db: AsyncSession) -> None:
    family, other = await create_family(db), await create_family(db, "F00002", "Petit")
    wallet = await create_wallet(db, family.id)
    with pytest.raises(IdempotencyMismatch):
        await open_wallet(db, wallet.id, family_account_id=other.id, service=ServiceCode.POOL, now=NOW)


async def test_ten_who_open_the_same_wallet_at_once_share_one(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)

    async def first_use() -> UUID:
        async with database.write() as db:
            return (await create_wallet(db, family.id)).id

    assert len(set(await asyncio.gather(*(first_use() for _ in range(10))))) == 1


async def test_when_the_canteen_begins_to_refuse_an_old_debt_stays_and_only_shrinks(db: AsyncSession) -> None:
    revenue = await create_ledger_account(db)
    family, other = await create_family(db), await create_family(db, "F00002", "Petit")
    owing = await create_wallet(db, family.id, ServiceCode.CANTEEN, cents=-470)
    paid_up = await create_wallet(db, other.id, ServiceCode.CANTEEN, cents=1000)
    change = TODAY + timedelta(days=1)
    db.add(ServicePolicy(service_code=ServiceCode.CANTEEN, valid_from=change, policy=FundingPolicy.REFUSE))
    await db.flush()

    assert await apply_policies(db, TODAY) == 0
    assert await apply_policies(db, change) == 2
    assert await apply_policies(db, change) == 0

    with pytest.raises(InsufficientFunds):
        await move(db, owing.id, -1, revenue)
    with pytest.raises(InsufficientFunds):
        await move(db, paid_up.id, -1001, revenue)
    assert (await move(db, owing.id, 400, revenue)).balances == {owing.id: -70}
    with pytest.raises(InsufficientFunds):
        await move(db, owing.id, -1, revenue)


async def test_when_a_service_begins_to_let_owe_wallets_may_go_below_zero(db: AsyncSession) -> None:
    revenue = await create_ledger_account(db)
    wallet = await create_wallet(db, (await create_family(db)).id, ServiceCode.POOL)
    db.add(ServicePolicy(service_code=ServiceCode.POOL, valid_from=TODAY, policy=FundingPolicy.SERVE_AND_OWE))
    await db.flush()
    assert await apply_policies(db, TODAY) == 1
    assert (await move(db, wallet.id, -300, revenue)).balances == {wallet.id: -300}


async def test_a_statement_opens_where_the_one_before_closed(db: AsyncSession) -> None:
    revenue = await create_ledger_account(db)
    wallet = await create_wallet(db, (await create_family(db)).id, cents=1000)
    for day, cents in ((5, -300), (5, -200), (6, 1500), (31, -100)):
        at = datetime(2026, 3, day, 22, 30, tzinfo=UTC)  # 23.30 in Paris, and half past midnight from the 29th on
        await post(db, transaction((wallet.id, cents), (revenue, -cents), occurred_at=at), now=at)
    march = await statement(db, wallet.id, date(2026, 3, 4), date(2026, 3, 31))
    assert (march.opening_cents, march.closing_cents, march.more) == (1000, 2000, False)
    assert [(each.amount_cents, each.balance_after_cents) for each in march.movements] == [
        (-300, 700),
        (-200, 500),
        (1500, 2000),
    ]
    april = await statement(db, wallet.id, date(2026, 4, 1), date(2026, 4, 30))
    assert (april.opening_cents, april.closing_cents) == (2000, 1900)


async def test_a_statement_of_a_period_without_movements_still_says_what_there_is(db: AsyncSession) -> None:
    wallet = await create_wallet(db, (await create_family(db)).id, cents=1000)
    empty = await statement(db, wallet.id, date(2027, 1, 1), date(2027, 1, 31))
    assert (empty.opening_cents, empty.movements, empty.closing_cents) == (1000, (), 1000)


async def test_an_endless_statement_is_cut_and_says_so(db: AsyncSession) -> None:
    revenue = await create_ledger_account(db)
    wallet = await create_wallet(db, (await create_family(db)).id, ServiceCode.CANTEEN)
    for _ in range(2):
        legs = [(wallet.id, -1), (revenue, 1)] * 300
        await post(db, transaction(*legs), now=NOW)
    whole = await statement(db, wallet.id, LONG_AGO, TODAY)
    assert (len(whole.movements), whole.closing_cents, whole.more) == (600, -600, False)
    for _ in range(2):
        await post(db, transaction(*[(wallet.id, -1), (revenue, 1)] * 300), now=NOW)
    cut = await statement(db, wallet.id, LONG_AGO, TODAY)
    assert (len(cut.movements), cut.more) == (STATEMENT_LINES_MAX, True)


async def test_the_latest_movements_of_each_wallet_come_newest_first(db: AsyncSession) -> None:
    revenue = await create_ledger_account(db)
    family = await create_family(db)
    pool = await create_wallet(db, family.id, cents=1000)
    canteen = await create_wallet(db, family.id, ServiceCode.CANTEEN)
    for cents in (-100, -200, -300):
        await move(db, pool.id, cents, revenue)
    await move(db, canteen.id, -470, revenue)
    latest = await latest_movements(db, [pool.id, canteen.id], each=2)
    assert [each.amount_cents for each in latest[pool.id]] == [-300, -200]
    assert [(each.label, each.balance_after_cents) for each in latest[canteen.id]] == [("Entrée à la piscine", -470)]
    assert await latest_movements(db, []) == {}

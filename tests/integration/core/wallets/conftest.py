"""A family with money for the pool and the canteen, another family beside it, and the town's revenue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from cvq_core.database import Database
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.services.rules import ServiceCode
from tests.core_examples import create_family, create_ledger_account, create_services, create_wallet, move


@dataclass(frozen=True)
class Purse:
    """The family has 30 euros for the pool and 10 for the canteen, the strangers 50 for the pool."""

    database: Database
    family: UUID
    pool: UUID
    canteen: UUID
    strangers: UUID
    strangers_pool: UUID
    revenue: UUID

    async def balances(self) -> tuple[int, int]:
        """What the family's pool and canteen hold, in cents."""
        async with self.database.read() as db:
            found = await wallets_by_id(db, [self.pool, self.canteen])
        return found[self.pool].balance_cents, found[self.canteen].balance_cents

    async def spend(self, wallet: UUID, cents: int) -> None:
        """Let a wallet pay for something; below zero, it is filled."""
        async with self.database.write() as db:
            await move(db, wallet, -cents, self.revenue)


@pytest.fixture
async def purse(database: Database) -> AsyncIterator[Purse]:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        family.email = "moreau@example.org"
        strangers = await create_family(db, "F00002", "Roy")
        purse = Purse(
            database=database,
            family=family.id,
            pool=(await create_wallet(db, family.id, cents=3000)).id,
            canteen=(await create_wallet(db, family.id, ServiceCode.CANTEEN, cents=1000)).id,
            strangers=strangers.id,
            strangers_pool=(await create_wallet(db, strangers.id, cents=5000)).id,
            revenue=await create_ledger_account(db),
        )
    yield purse
    async with database.read() as db:
        assert await verify(db) == []

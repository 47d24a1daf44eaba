"""What the ledger bench stands on: a territory's wallets with money, one account that all payments touch, and many."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Table, insert, select

import cvq_core.tables  # noqa: F401 - the metadata must know every table
from cvq_core.bench.tap_ground import fund_pools
from cvq_core.clock import local_day, utc_now
from cvq_core.database import Base, Database
from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.tables import LedgerAccount, Wallet
from cvq_core.seed.service import school_year_of, seed_territory
from cvq_core.services.rules import ServiceCode

AMOUNT_CENTS = 310
SPREAD_ACCOUNTS = 1000
STRIDE = 7919  # a prime: each client goes through all wallets, and no two through the same ones at once


@dataclass(frozen=True, slots=True)
class LedgerGround:
    """Accounts of the database: wallets that pay, `hot` that all may pay into, `spread` that they do by turns."""

    wallets: list[UUID]
    hot: UUID
    spread: list[UUID]

    def payment(self, client: int, number: int, *, hot: bool) -> NewTransaction:
        """Return the payment `number` of a client: two postings, a wallet's and the other account's."""
        turn = client * STRIDE + number
        other = self.hot if hot else self.spread[turn % len(self.spread)]
        return NewTransaction(
            id=new_id(),
            kind=TransactionKind.USE,
            label="Piscine, une entrée",
            occurred_at=utc_now(),
            postings=(
                NewPosting(self.wallets[turn % len(self.wallets)], -AMOUNT_CENTS),
                NewPosting(other, AMOUNT_CENTS),
            ),
            actor_kind="system",
            actor_id=None,
        )


async def prepare_ledger(url: str, preset: str) -> LedgerGround:
    """Make the tables, seed the territory, give every household money; return the accounts."""
    now = utc_now()
    database = Database(url)
    spread = [new_id() for _ in range(SPREAD_ACCOUNTS)]
    hot = new_id()
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await seed_territory(database, preset, seed=1, school_year=school_year_of(local_day(now)))
        table = LedgerAccount.__table__
        assert isinstance(table, Table)
        rows = [
            {"id": each, "code": f"bench:{each}", "kind": AccountKind.REVENUE, "label": "Mesure", "opened_at": now}
            for each in (hot, *spread)
        ]
        async with database.write() as db:
            await fund_pools(db, now)
            await db.execute(insert(table), rows)
        async with database.read() as db:
            wallets = await db.scalars(select(Wallet.id).where(Wallet.service_code == ServiceCode.POOL))
            ground = LedgerGround(list(wallets), hot, spread)
        async with database.engine.connect() as raw:
            autocommit = await raw.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.exec_driver_sql("ANALYZE")
    finally:
        await database.close()
    return ground

"""What the tap bench stands on: a whole territory, every household with money for the pool, readers with tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

import cvq_core.tables  # noqa: F401 - the metadata must know every table
from cvq_core.access.facts import RightKind
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.bench.multiply import multiply
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day, utc_now
from cvq_core.database import Base, Database
from cvq_core.devices.store import TOKEN_LIFE
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import ledger_rows
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting, Wallet
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.seed.books import OPENING_CODE
from cvq_core.seed.service import school_year_of, seed_territory
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.store import digest

FUNDS_CENTS = 100_000_000
TURNSTILES = ("piscine-gatineo-1", "piscine-gatineo-2", "piscine-saint-aubin")
READERS_EACH = 4
CARDS_PRESENTED_MAX = 200_000


@dataclass(frozen=True, slots=True)
class TapGround:
    """What a run needs to know of the database: the readers' tokens and the cards of people who can pay."""

    tokens: list[str]
    cards: list[str]
    cards_there: int

    def write_plan(self, file: Path, now: datetime) -> None:
        """Write what the load generator reads."""
        file.write_text(json.dumps({"tokens": self.tokens, "cards": self.cards, "tapped_at": [now.isoformat()]}))


async def prepare(url: str, preset: str, times: int = 1) -> TapGround:
    """Make the tables, seed the territory and give everybody funds; return what a run needs to know.

    `times` is how often the territory is there (PostgreSQL alone).
    """
    now = utc_now()
    database = Database(url)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await seed_territory(database, preset, seed=1, school_year=school_year_of(local_day(now)))
        async with database.write() as db:
            await fund_pools(db, now)
            tokens = await _enrol_readers(db, now)
        if times > 1:
            await multiply(database.engine, times)
        else:
            async with database.engine.connect() as connection:
                autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
                await autocommit.exec_driver_sql("ANALYZE")
        async with database.read() as db:
            cards = await _paying_cards(db)
            count = int(await db.scalar(select(func.count()).select_from(Card)) or 0)
    finally:
        await database.close()
    return TapGround(tokens, cards, count)


async def fund_pools(db: AsyncSession, now: datetime) -> None:
    """Give every household a pool wallet with enough for the longest run, booked as any other money."""
    opening = await db.scalar(select(LedgerAccount.id).where(LedgerAccount.code == OPENING_CODE))
    assert opening is not None
    have = {
        wallet.family_account_id: wallet
        for wallet in await db.scalars(select(Wallet).where(Wallet.service_code == ServiceCode.POOL))
    }
    accounts, wallets, transactions, postings = [], [], [], []
    for account in await db.scalars(select(FamilyAccount)):
        wallet = have.get(account.id)
        wallet_id = wallet.id if wallet else new_id()
        if wallet is None:
            code = f"wallet:{account.number}:{ServiceCode.POOL}"
            accounts.append(
                {"id": wallet_id, "code": code, "kind": AccountKind.WALLET, "label": code, "opened_at": now}
            )
            wallets.append(
                {
                    "id": wallet_id,
                    "family_account_id": account.id,
                    "service_code": ServiceCode.POOL,
                    "balance_cents": FUNDS_CENTS,
                    "floor_cents": 0,
                    "opened_at": now,
                }
            )
        before = wallet.balance_cents if wallet else 0
        if wallet is not None:
            wallet.balance_cents += FUNDS_CENTS
        transaction = NewTransaction(
            new_id(),
            TransactionKind.OPENING,
            "Mesure",
            now,
            (NewPosting(wallet_id, FUNDS_CENTS), NewPosting(opening, -FUNDS_CENTS)),
            "system",
            None,
        )
        row, legs = ledger_rows(transaction, {wallet_id: before}, now)
        transactions.append(row)
        postings += legs
    await db.flush()
    for kind, rows in (
        (LedgerAccount, accounts),
        (Wallet, wallets),
        (LedgerTransaction, transactions),
        (Posting, postings),
    ):
        table = kind.__table__
        assert isinstance(table, Table)
        if rows:
            await db.execute(insert(table), rows)


async def _enrol_readers(db: AsyncSession, now: datetime) -> list[str]:
    """Write down readers at the turnstiles whose tokens outlast any run."""
    tokens: list[str] = []
    points = (await db.scalars(select(AccessPoint).where(AccessPoint.code.in_(TURNSTILES)))).all()
    for point in points:
        for number in range(READERS_EACH):
            device = Device(
                id=new_id(),
                kind="reader",
                subject_id=point.id,
                name=f"{point.code} {number}",
                public_key=bytes(32),
                enrolled_at=now,
            )
            db.add(device)
            await db.flush()
            token = f"bench-{point.code}-{number}"
            expires_at = now + TOKEN_LIFE + timedelta(days=1)
            db.add(DeviceToken(token_digest=digest(token), device_id=device.id, expires_at=expires_at))
            tokens.append(token)
    return tokens


async def _paying_cards(db: AsyncSession) -> list[str]:
    """Return cards of guardians whom no subscription lets in, from everywhere: each of their taps moves money."""
    subscribed = select(Entitlement.person_id).where(
        Entitlement.kind == RightKind.SUBSCRIPTION, Entitlement.service_code == ServiceCode.POOL
    )
    rows = await db.scalars(
        select(Card.uid)
        .join(Person, Person.id == Card.person_id)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Card.status == CardStatus.ACTIVE,
            Person.deceased_on.is_(None),
            Membership.role == FamilyRole.GUARDIAN,
            Card.person_id.not_in(subscribed),
        )
        .group_by(Card.uid)
        .order_by(func.substr(Card.uid, 9), Card.uid)
        .limit(CARDS_PRESENTED_MAX)
    )
    return list(rows)

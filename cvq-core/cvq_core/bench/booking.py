"""`cvq bench booking`: two thousand rivals for one slot of a squash court, on PostgreSQL and on SQLite.

Each rival is a whole reservation in a transaction of its own, as the server makes them. Of each round one wins and
pays; everybody else is told that it is taken. Nothing may be lost, doubled or deadlocked. `booking_s` is the slower
database's median; `…_cpu_s`, the CPU of it all, tells what it would take on a machine that nobody else uses.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

import cvq_core.tables  # noqa: F401 - the metadata must know every table
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.bench.cluster import Cluster, ExistingServer
from cvq_core.bench.harness import BenchOptions, BenchResult, CpuClock, Samples, conditions_of
from cvq_core.clock import local_day, utc_now
from cvq_core.database import Base, Database
from cvq_core.facilities.manage import NewFacility, add_facility
from cvq_core.facilities.refusals import SlotTaken
from cvq_core.facilities.rules import Span, slots
from cvq_core.facilities.service import Doing, Wish, reserve
from cvq_core.facilities.tables import Reservation
from cvq_core.facilities.terms import BookerKind, BookerRule, Opening, Terms
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.rules import AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import add_ledger_account, post
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import open_wallet
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import FamilyAccount, Membership
from cvq_core.seed.service import school_year_of, seed_territory
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings

BOOKING = "cvq_bench_booking"
RIVALS = 2000
FUNDS_CENTS = 100_000
HOURS = Opening(0b1111111, datetime.min.time(), datetime.min.time())
TERMS = Terms(
    openings=(HOURS,),
    rules=(BookerRule(BookerKind.OUTSIDER, days_ahead=700, standing_max=100, price_item="slot"),),
    slot_minutes=40,
    closed_on_holidays=False,
)


@dataclass(frozen=True, slots=True)
class Ground:
    """A court, and who may want it: people with the accounts that pay for them."""

    court: UUID
    rivals: list[tuple[UUID, UUID]]


async def prepare(database: Database, now: datetime) -> Ground:
    """Make the tables, a small territory with a court in it, and money in everybody's wallet."""
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await seed_territory(database, "demo", seed=1, school_year=school_year_of(local_day(now)))
    async with database.write() as db:
        door = (await db.scalars(select(AccessPoint.id).where(AccessPoint.service_code == ServiceCode.SQUASH))).first()
        assert door is not None
        asked = NewFacility(new_id(), "bench-court", "Court", ServiceCode.SQUASH, "Squash", "", (door,))
        await add_facility(Doing(db, Settings(), SYSTEM, now), asked, new_id(), TERMS)
        opening = new_id()
        await add_ledger_account(
            db, account_id=opening, code="bench:opening", kind=AccountKind.OPENING, label="Mesure", now=now
        )
        rows = await db.execute(
            select(Membership.person_id, Membership.account_id)
            .join(FamilyAccount, FamilyAccount.id == Membership.account_id)
            .where(Membership.role == FamilyRole.GUARDIAN, FamilyAccount.closed_on.is_(None))
            .order_by(Membership.account_id, Membership.person_id)
        )
        rivals = [(person_id, account_id) for person_id, account_id in rows]
        for account_id in {account_id for _, account_id in rivals}:
            wallet = await open_wallet(db, new_id(), family_account_id=account_id, service=ServiceCode.SQUASH, now=now)
            legs = (NewPosting(wallet.id, FUNDS_CENTS), NewPosting(opening, -FUNDS_CENTS))
            await post(
                db, NewTransaction(new_id(), TransactionKind.OPENING, "Mesure", now, legs, "system", None), now=now
            )
    return Ground(asked.id, rivals)


async def rush(database: Database, ground: Ground, span: Span, rivals: int, now: datetime) -> Counter[str]:
    """Let so many want one slot at once; return what each was told, by the name of it."""
    settings = Settings()

    async def want(number: int) -> str:
        person_id, account_id = ground.rivals[number % len(ground.rivals)]
        wish = Wish(new_id(), ground.court, span, person_id, account_id)
        try:
            async with database.write() as db:
                await reserve(Doing(db, settings, SYSTEM, now), wish)
        except SlotTaken:
            return "refused"
        except Exception as error:
            return type(error).__name__
        return "won"

    return Counter(await asyncio.gather(*(want(number) for number in range(rivals))))


async def run(options: BenchOptions) -> BenchResult:
    """Measure both databases, and print nothing.

    Raises:
        NoPostgresql: its programs are not on this machine.
    """
    samples, told = Samples(), Counter[str]()
    clock = CpuClock([os.getpid()])
    figures: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        server = ExistingServer(options.database_url) if options.database_url else Cluster()
        cluster = await stack.enter_async_context(server)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cvq-bench-"))
        urls = {"postgresql": await cluster.create(BOOKING), "sqlite": f"sqlite:///{folder}/booking.sqlite"}
        settings = await cluster.conditions()
        for name, url in urls.items():
            database = Database(url)
            try:
                told += await _rounds(name, database, samples, options.rounds)
                for figure, value in (await _proof(database, options.rounds)).items():
                    figures[figure] = figures.get(figure, 0) + value
            finally:
                await database.close()
    medians = samples.medians()
    figures |= medians | {
        "booking_s": max(medians[f"booking_{name}_s"] for name in urls),
        "booking_winners": told["won"],
        "booking_winners_expected": 2 * options.rounds,
        "booking_failed": sum(count for what, count in told.items() if what not in ("won", "refused")),
    }
    conditions = conditions_of(
        *("asyncpg", "SQLAlchemy"),
        rounds=options.rounds,
        rivals=RIVALS,
        others_cpu_share=round(clock.others_share(), 3),
        **settings,
    )
    return BenchResult("booking", {}, figures, conditions)


async def _rounds(name: str, database: Database, samples: Samples, rounds: int) -> Counter[str]:
    now = utc_now()
    ground = await prepare(database, now)
    told: Counter[str] = Counter()
    for number in range(rounds):
        day = local_day(now) + timedelta(days=2 + number)
        span = slots(TERMS, day, ())[0]
        clock, began = CpuClock([os.getpid()]), time.perf_counter()
        told += await rush(database, ground, span, RIVALS, now)
        samples.add(f"booking_{name}_s", time.perf_counter() - began)
        samples.add(f"booking_{name}_cpu_s", clock.ours_s())
    return told


async def _proof(database: Database, rounds: int) -> dict[str, float]:
    """Count what the database holds: one reservation and one right a round, and books that add up."""
    async with database.read() as db:
        made = await db.scalar(select(func.count()).select_from(Reservation))
        rights = await db.scalar(select(func.count()).select_from(Entitlement).where(Entitlement.kind == "reservation"))
        troubles = await verify(db)
    return {
        "booking_doubled": max(0, (made or 0) - rounds),
        "booking_lost": max(0, rounds - min(made or 0, rights or 0)),
        "booking_troubles": len(troubles),
    }

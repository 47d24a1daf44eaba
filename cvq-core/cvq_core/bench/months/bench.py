"""`cvq bench months`: a whole territory lives three months, and every account of it is then right to the cent.

After each month an audit file of it is sealed and checked as `cvq verify` does, and the books are compared with plain
arithmetic; at the end all that `cvq check` proves of money is proved.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import cvq_core.tables  # noqa: F401 - the metadata must know every table
from cvq_core.audit_file.check import check
from cvq_core.audit_file.contents import unpack
from cvq_core.audit_file.store import seal_period
from cvq_core.bench.cluster import Cluster, ExistingServer
from cvq_core.bench.harness import BenchOptions, BenchResult, conditions_of
from cvq_core.bench.months.arithmetic import Arithmetic
from cvq_core.bench.months.ground import Ground, at, prepare_ground
from cvq_core.bench.months.play import Play
from cvq_core.database import Base, Database
from cvq_core.families.verify import verify_families
from cvq_core.ledger.checkpoints import write_checkpoints
from cvq_core.ledger.verify import verify
from cvq_core.offices.tables import CashOffice
from cvq_core.offices.verify import verify_offices
from cvq_core.payments.adapter import PayFip
from cvq_core.payments.service import OnlinePayments
from cvq_core.payments.verify import verify_payments
from cvq_core.payments.virtual import VirtualPayFip
from cvq_core.seed.service import seed_territory
from cvq_core.settings import Settings
from cvq_core.treasury.verify import verify_treasury

NAME = "cvq_bench_months"
SCHOOL_YEAR = 2025
MONTHS = 3
SEED = 1


@dataclass(slots=True)
class Closed:
    """What the months' ends found: cents that differ, audit files that are wrong, troubles in the whole base."""

    off_cents: int = 0
    files_wrong: int = 0
    files_bytes: int = 0
    troubles: int = 0


async def run(options: BenchOptions) -> BenchResult:
    """Live the months on a PostgreSQL of the bench's own, or on the one of the options.

    Raises:
        NoPostgresql: its programs are not on this machine.
    """
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(
            ExistingServer(options.database_url) if options.database_url else Cluster()
        )
        settings = await cluster.conditions()
        return await live(await cluster.create(NAME), options.preset, conditions=settings)


async def live(
    url: str, preset: str, *, months: int = MONTHS, conditions: Mapping[str, object] = MappingProxyType({})
) -> BenchResult:
    """Live so many months in an empty database, SQLite or PostgreSQL."""
    began, cpu = time.perf_counter(), time.process_time()
    database = Database(url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await seed_territory(database, preset, seed=SEED, school_year=SCHOOL_YEAR)
        seeded = time.perf_counter()
        ground = await prepare_ground(database, date(SCHOOL_YEAR, 9, 1), SEED)
        play, sums = await _play(ground, stack)
        closed, first = Closed(), date(SCHOOL_YEAR, 9, 1)
        for _ in range(months):
            last = await play.month(first)
            await write_checkpoints(database)
            await _close_month(ground, sums, first, last, closed)
            first = last + timedelta(days=1)
        async with database.read() as db:
            proofs = (verify, verify_offices, verify_treasury, verify_payments, verify_families)
            closed.troubles = sum([len(await proof(db)) for proof in proofs])
    figures = {
        "months_off_cents": closed.off_cents,
        "months_files_wrong": closed.files_wrong,
        "months_troubles": closed.troubles,
        "months_s": time.perf_counter() - seeded,
        "months_seed_s": seeded - began,
        "months_cpu_s": time.process_time() - cpu,
        "months_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "months_files_mb": closed.files_bytes / 1e6,
        **{f"months_{name}": getattr(play.made, name) for name in play.made.__slots__},
    }
    return BenchResult(
        "months",
        {},
        figures,
        conditions_of(
            "asyncpg",
            "SQLAlchemy",
            preset=preset,
            months=months,
            database=database.url.get_backend_name(),
            **conditions,
        ),
    )


async def _play(ground: Ground, stack: AsyncExitStack) -> tuple[Play, Arithmetic]:
    virtual = VirtualPayFip(clock=ground.calendar)
    await virtual.start()
    stack.push_async_callback(virtual.stop)
    payfip = PayFip("012345", "T", virtual.url)
    stack.callback(payfip.close)
    settings = Settings(payfip_client="012345", payfip_office=ground.main.place.code, payfip_url=virtual.url)
    payments = OnlinePayments(ground.database, ground.calendar, settings, payfip)
    async with ground.database.read() as db:
        sums = await Arithmetic.of(db)
    return Play(ground, virtual, payments, sums), sums


async def _close_month(ground: Ground, sums: Arithmetic, first: date, last: date, closed: Closed) -> None:
    """Compare the books with arithmetic, and seal the month into a file that proves itself."""
    key = Ed25519PrivateKey.generate()
    async with ground.database.write() as db:
        closed.off_cents += await sums.differences(db)
        office = await db.get_one(CashOffice, ground.main.place.office_id)
        sealed = await seal_period(db, office.code, first, last, key=key, now=at(last + timedelta(days=1), 8))
    wrong = [found for found in check(unpack(sealed.content), key=sealed.fingerprint) if found.troubles]
    closed.files_wrong += bool(wrong)
    closed.files_bytes += len(sealed.content)

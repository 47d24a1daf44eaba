"""`cvq bench ledger`: what a payment of two postings costs, durable, beside pgbench, django-hordak and SQLite's driver.

Every round measures each side once, in this process, with as many clients as pgbench has, each waiting for its answer:
payments gathered (`ledger.batch`) into many accounts and into a single hot one, payments each in a transaction of its
own, and while the hot one is paid into once more, its balance and a quiet one's are read. The load's CPU counts on
both sides.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from cvq_core.bench import hordak
from cvq_core.bench.cluster import Cluster, ExistingServer, Postgresql
from cvq_core.bench.harness import (
    BenchOptions,
    BenchResult,
    CpuClock,
    Samples,
    cap_per_s,
    conditions_of,
    percentile_ms,
)
from cvq_core.bench.ledger_ground import LedgerGround, prepare_ledger
from cvq_core.bench.sqlite_ledger import raw_payments_per_s
from cvq_core.clock import utc_now
from cvq_core.database import Database
from cvq_core.ledger.batch import LedgerGatherer
from cvq_core.ledger.checkpoints import EVERY_S, write_checkpoints
from cvq_core.ledger.rules import NewTransaction
from cvq_core.ledger.store import Posted, balance_of, post
from cvq_core.ledger.tables import LedgerTransaction, Wallet
from cvq_core.ledger.verify import verify

LEDGER, LIMIT, HORDAK = "cvq_bench_ledger", "cvq_bench_limit", "cvq_bench_hordak"
READ_EVERY_S = 0.005
WARM_UP_S = 1.0
Pay = Callable[[NewTransaction], Awaitable[Posted]]


@dataclass(slots=True)
class Slice:
    """One slice of payments: what each took, what everybody's CPU did, and the reads made meanwhile."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    others_share: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    hot_reads_s: list[float] = field(default_factory=list)
    quiet_reads_s: list[float] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        """How many a second there were."""
        return len(self.latencies_s) / self.seconds

    @property
    def cap(self) -> float:
        """How many a second all cores could do."""
        return cap_per_s(self.cpu_s, len(self.latencies_s))


class LedgerBench:
    """One database with its ground: clients' payments go on where the slice before ended."""

    def __init__(self, database: Database, ground: LedgerGround, options: BenchOptions, pids: list[int]) -> None:
        self.database = database
        self.ground = ground
        self.gatherer = LedgerGatherer(database, utc_now)
        self._clients = options.clients
        self._pids = pids
        self._made = 0
        self.acknowledged = 0

    async def load(self, pay: Pay, *, hot: bool, seconds: float, reads: bool = False) -> Slice:
        """Have every client pay for some seconds."""
        found, clock, began = Slice(), CpuClock(self._pids), time.perf_counter()
        ends_at = began + seconds
        clients = [self._client(pay, client, found, ends_at, hot=hot) for client in range(self._clients)]
        readers = [self._read(found, ends_at)] if reads else []
        await asyncio.gather(*clients, *readers)
        found.seconds = time.perf_counter() - began
        found.cpu_s, found.others_share = clock.ours_s(), clock.others_share()
        self._made += 1_000_003
        self.acknowledged += len(found.latencies_s)
        return found

    async def post_alone(self, transaction: NewTransaction) -> Posted:
        """Post in a transaction of the database for this one alone."""
        async with self.database.write() as db:
            return await post(db, transaction, now=utc_now())

    async def _client(self, pay: Pay, client: int, found: Slice, ends_at: float, *, hot: bool) -> None:
        number = self._made
        while (began := time.perf_counter()) < ends_at:
            await pay(self.ground.payment(client, number, hot=hot))
            found.latencies_s.append(time.perf_counter() - began)
            number += 1

    async def _read(self, found: Slice, ends_at: float) -> None:
        """Read the hot account and a quiet one by turns, at a steady rate."""
        sides = ((self.ground.hot, found.hot_reads_s), (self.ground.spread[0], found.quiet_reads_s))
        reads: list[asyncio.Task[None]] = []
        while time.perf_counter() < ends_at:
            reads.append(asyncio.create_task(self._read_one(*sides[len(reads) % 2])))
            await asyncio.sleep(READ_EVERY_S)
        await asyncio.gather(*reads)

    async def _read_one(self, account: UUID, took: list[float]) -> None:
        began = time.perf_counter()
        async with self.database.read() as db:
            await balance_of(db, account)
        took.append(time.perf_counter() - began)


async def run(options: BenchOptions) -> BenchResult:
    """Measure the ledger, and print nothing.

    Raises:
        NoPostgresql: its programs are not on this machine.
    """
    samples = Samples()
    others: list[float] = []
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(
            ExistingServer(options.database_url) if options.database_url else Cluster()
        )
        url = await cluster.create(LEDGER)
        ground = await prepare_ledger(url, options.preset)
        await cluster.create(LIMIT)
        await cluster.initialise_pgbench(LIMIT, options.pgbench_scale)
        hordak_url = await _prepare_hordak(cluster)
        database = Database(url)
        stack.push_async_callback(database.close)
        bench = LedgerBench(database, ground, options, [os.getpid(), await cluster.server_pid()])
        await stack.enter_async_context(_checkpoints(database))
        for pay in (bench.gatherer.post, bench.post_alone):
            await bench.load(pay, hot=False, seconds=WARM_UP_S)
        for _ in range(options.rounds):
            others += await _round(bench, cluster, samples, options, hordak_url)
        figures = await _proof(bench)
        settings = await cluster.conditions()
    await _sqlite_rounds(options, samples)
    ratios = {
        "ledger_tpcb": samples.ratio("ledger_spread_cap_per_s", "tpcb_cap_per_s"),
        "ledger_hot": samples.ratio("ledger_hot_per_s", "ledger_spread_per_s"),
        "ledger_hot_read": samples.ratio("read_hot_p99_ms", "read_quiet_p99_ms"),
        "ledger_sqlite": samples.ratio("sqlite_ledger_per_s", "sqlite_raw_per_s"),
        "ledger_tpcb_wall": samples.ratio("ledger_spread_per_s", "tpcb_per_s"),
        "ledger_simple_update": samples.ratio("ledger_spread_cap_per_s", "simple_update_cap_per_s"),
        "ledger_alone": samples.ratio("ledger_alone_cap_per_s", "tpcb_cap_per_s"),
        "ledger_hot_cap": samples.ratio("ledger_hot_cap_per_s", "ledger_spread_cap_per_s"),
    }
    if hordak_url is not None:
        ratios["ledger_hordak"] = samples.ratio("ledger_spread_cap_per_s", "hordak_cap_per_s")
        ratios["ledger_hordak_wall"] = samples.ratio("ledger_spread_per_s", "hordak_per_s")
    conditions = conditions_of(
        "asyncpg",
        "SQLAlchemy",
        "django-hordak",
        rounds=options.rounds,
        seconds=options.seconds,
        clients=options.clients,
        preset=options.preset,
        wallets=len(ground.wallets),
        spread_accounts=len(ground.spread),
        pgbench_scale=options.pgbench_scale,
        others_cpu_share=round(sum(others) / len(others), 3),
        hordak="in a process of its own" if hordak_url else "not installed (the extra `bench`): not measured",
        **settings,
    )
    return BenchResult("ledger", ratios, samples.medians() | figures, conditions)


async def _round(
    bench: LedgerBench, cluster: Postgresql, samples: Samples, options: BenchOptions, hordak_url: str | None
) -> list[float]:
    """Measure each side once; return the share of the machine that others took in each slice of ours."""
    seconds, clients = options.seconds, options.clients
    tpcb = await cluster.pgbench(LIMIT, clients=clients, seconds=seconds)
    samples.add("tpcb_per_s", tpcb.tps)
    samples.add("tpcb_cap_per_s", cap_per_s(tpcb.cpu_s, tpcb.transactions))
    spread = await bench.load(bench.gatherer.post, hot=False, seconds=seconds)
    hot = await bench.load(bench.gatherer.post, hot=True, seconds=seconds)
    for name, one in (("spread", spread), ("hot", hot)):
        samples.add(f"ledger_{name}_per_s", one.per_s)
        samples.add(f"ledger_{name}_cap_per_s", one.cap)
        samples.add(f"ledger_{name}_p50_ms", percentile_ms(one.latencies_s, 0.5))
        samples.add(f"ledger_{name}_p99_ms", percentile_ms(one.latencies_s, 0.99))
    read = await bench.load(bench.gatherer.post, hot=True, seconds=seconds, reads=True)
    samples.add("read_hot_p99_ms", percentile_ms(read.hot_reads_s, 0.99))
    samples.add("read_quiet_p99_ms", percentile_ms(read.quiet_reads_s, 0.99))
    samples.add("read_hot_p50_ms", percentile_ms(read.hot_reads_s, 0.5))
    simple = await cluster.pgbench(LIMIT, "-N", clients=clients, seconds=seconds)
    samples.add("simple_update_cap_per_s", cap_per_s(simple.cpu_s, simple.transactions))
    alone = await bench.load(bench.post_alone, hot=False, seconds=seconds)
    samples.add("ledger_alone_per_s", alone.per_s)
    samples.add("ledger_alone_cap_per_s", alone.cap)
    samples.add("ledger_alone_p99_ms", percentile_ms(alone.latencies_s, 0.99))
    if hordak_url is not None:
        theirs = await _hordak(hordak_url, "--seconds", str(seconds))
        samples.add("hordak_per_s", theirs["transfers"] / theirs["seconds"])
        samples.add("hordak_cap_per_s", cap_per_s(theirs["cpu_s"], int(theirs["transfers"])))
    return [spread.others_share, hot.others_share, alone.others_share]


async def _proof(bench: LedgerBench) -> dict[str, float]:
    """Count what the database holds: nothing acknowledged is lost, nothing is there twice, nobody is overdrawn."""
    async with bench.database.read() as db:
        written = await db.scalar(
            select(func.count())
            .select_from(LedgerTransaction)
            .where(LedgerTransaction.label == "Piscine, une entrée")
            .where(LedgerTransaction.actor_kind == "system", LedgerTransaction.kind == "use")
            .where(LedgerTransaction.day_only.is_(False))
        )
        overdrawn = await db.scalar(
            select(func.count()).select_from(Wallet).where(Wallet.balance_cents < Wallet.floor_cents)
        )
        troubles = await verify(db)
    return {
        "ledger_acknowledged": bench.acknowledged,
        "ledger_lost": max(0, bench.acknowledged - int(written or 0)),
        "ledger_doubled": max(0, int(written or 0) - bench.acknowledged),
        "wallets_overdrawn": int(overdrawn or 0),
        "ledger_troubles": len(troubles),
    }


async def _sqlite_rounds(options: BenchOptions, samples: Samples) -> None:
    """Measure SQLite beside its raw driver, in this process: both gather, both are as durable as SQLite gets."""
    with tempfile.TemporaryDirectory(prefix="cvq-bench-") as folder:
        url = f"sqlite:///{folder}/ledger.sqlite"
        ground = await prepare_ledger(url, options.preset)
        database = Database(url)
        try:
            bench = LedgerBench(database, ground, options, [os.getpid()])
            await bench.load(bench.gatherer.post, hot=False, seconds=min(WARM_UP_S, options.seconds))
            for _ in range(options.rounds):
                raw = await asyncio.to_thread(raw_payments_per_s, Path(folder), options.seconds, options.clients)
                samples.add("sqlite_raw_per_s", raw)
                ours = await bench.load(bench.gatherer.post, hot=False, seconds=options.seconds)
                samples.add("sqlite_ledger_per_s", ours.per_s)
                samples.add("sqlite_ledger_p50_ms", percentile_ms(ours.latencies_s, 0.5))
                samples.add("sqlite_ledger_p99_ms", percentile_ms(ours.latencies_s, 0.99))
                hot = await bench.load(bench.gatherer.post, hot=True, seconds=options.seconds)
                samples.add("sqlite_hot_per_s", hot.per_s)
        finally:
            await database.close()


@asynccontextmanager
async def _checkpoints(database: Database) -> AsyncIterator[None]:
    """Write checkpoints as a server does."""

    async def repeat() -> None:
        while True:
            await write_checkpoints(database)
            await asyncio.sleep(EVERY_S)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _prepare_hordak(cluster: Postgresql) -> str | None:
    """Make django-hordak's tables, and return its database's address; None where it is not installed."""
    if not hordak.is_installed():
        return None
    url = await cluster.create(HORDAK)
    await _hordak(url, "--prepare")
    return url


async def _hordak(url: str, *arguments: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "cvq_core.bench.hordak", "--url", url, *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("django-hordak failed")
    found: dict[str, float] = json.loads(told)
    return found

"""`cvq bench taps`: what a tap costs, from the reader's request to the durable answer, beside what the machine can do.

Every round measures each side once: pgbench's simple update (the limit), taps gathered and taps one by one over HTTP,
a bare aiohttp answer, one client alone, an open loop at a rate, and SQLite with what its raw driver can do.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, text

from cvq_core.access.tables import Tap
from cvq_core.bench.cluster import Cluster, ExistingServer, PgbenchRun, Postgresql
from cvq_core.bench.harness import (
    BenchOptions,
    BenchResult,
    CpuClock,
    Samples,
    cap_per_s,
    conditions_of,
    memory_mb,
    percentile_ms,
)
from cvq_core.bench.load import Found
from cvq_core.bench.sqlite_taps import gathered_per_s, raw_per_s
from cvq_core.bench.tap_ground import TapGround, prepare
from cvq_core.clock import utc_now
from cvq_core.database import Database
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.verify import verify

TAPS, LIMIT = "cvq_bench_taps", "cvq_bench_limit"
OPEN_LOOP_PER_S = 500
WARM_UP_S = 1.0
CARDS_A_SLICE = 997  # a prime: every slice begins at another card


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of load: the answers, the CPU of everybody, and of the server's own process."""

    found: Found
    cpu_s: float
    app_cpu_s: float
    others_share: float

    @property
    def cap(self) -> float:
        """How many a second all cores could do."""
        return cap_per_s(self.cpu_s, self.found.answered)

    @property
    def wall_per_s(self) -> float:
        """How many a second there were."""
        return self.found.answered / self.found.seconds

    @property
    def app_us(self) -> float:
        """The server's own CPU of one operation, in microseconds."""
        return 1e6 * self.app_cpu_s / max(self.found.answered, 1)


class TapBench:
    """The parts of one run: the cluster, the servers, the plan for the load generator."""

    def __init__(self, options: BenchOptions, cluster: Postgresql, plan: Path, pids: list[int]) -> None:
        self._options = options
        self._cluster = cluster
        self._plan = plan
        self._pids = pids
        self._slices = 0
        self.answered = 0
        self.failed = 0

    async def load(
        self, server: Server, *, clients: int | None = None, rate: float | None = None, seconds: float | None = None
    ) -> Slice:
        """Load a server for one slice."""
        self._slices += 1
        command = [sys.executable, "-m", "cvq_core.bench.load", "--port", str(server.port), "--plan", str(self._plan)]
        command += ["--clients", str(clients or self._options.clients)]
        command += ["--seconds", str(seconds or self._options.seconds)]
        command += ["--first-card", str(self._slices * CARDS_A_SLICE)]
        if rate is not None:
            command += ["--rate", str(rate)]
        everybody, app = CpuClock(self._pids), CpuClock([server.pid])
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        told, _ = await process.communicate()
        cpu_s, app_cpu_s, others = everybody.ours_s(), app.ours_s(), everybody.others_share()
        if process.returncode != 0:
            raise RuntimeError("the load generator failed")
        found = Found(**json.loads(told))
        if server.takes_taps:
            self.answered += found.answered
            self.failed += found.failed
        return Slice(found, cpu_s, app_cpu_s, others)

    async def pgbench(self, *options: str, clients: int | None = None) -> PgbenchRun:
        """Run the limit for one slice."""
        return await self._cluster.pgbench(
            LIMIT, "-N", *options, clients=clients or self._options.clients, seconds=self._options.seconds
        )


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a process of its own."""

    port: int
    pid: int
    takes_taps: bool


async def run(options: BenchOptions) -> BenchResult:
    """Measure taps, and print nothing.

    Raises:
        NoPostgresql: its programs are not on this machine.
    """
    samples = Samples()
    others: list[float] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cvq-bench-")))
        cluster = await stack.enter_async_context(
            ExistingServer(options.database_url) if options.database_url else Cluster()
        )
        url = await cluster.create(TAPS)
        began = time.monotonic()
        ground = await prepare(url, options.preset, options.times)
        prepared_s = time.monotonic() - began
        await cluster.create(LIMIT)
        await cluster.initialise_pgbench(LIMIT, options.pgbench_scale)
        plan = folder / "plan.json"
        ground.write_plan(plan, utc_now())
        bench = TapBench(options, cluster, plan, [os.getpid(), await cluster.server_pid()])
        gathered = await stack.enter_async_context(_server("--database-url", url, "--taps-gathered-max", "128"))
        single = await stack.enter_async_context(_server("--database-url", url, "--taps-gathered-max", "1"))
        bare = await stack.enter_async_context(_server())
        for server in (gathered, single, bare):
            await bench.load(server, seconds=WARM_UP_S)
        for _ in range(options.rounds):
            others += await _round(bench, samples, gathered, single, bare)
        figures = await _proof(url, bench) | {
            "server_memory_mb": memory_mb(gathered.pid),
            "prepared_s": prepared_s,
            "database_mb": await cluster.size_mb(TAPS),
        }
        server_settings = await cluster.conditions()
    await _sqlite_rounds(options, samples)
    ratios = {
        "tap_batched": samples.ratio("tap_batched_cap_per_s", "pgbench_cap_per_s"),
        "tap_single": samples.ratio("tap_single_cap_per_s", "pgbench_cap_per_s"),
        "tap_cpu": samples.ratio("tap_app_us", "bare_app_us"),
        "tap_latency": samples.ratio("tap_one_client_p50_ms", "pgbench_one_client_p50_ms"),
        "tap_p99": samples.ratio("tap_open_loop_p99_ms", "pgbench_open_loop_p99_ms"),
        "tap_sqlite": samples.ratio("sqlite_taps_per_s", "sqlite_raw_per_s"),
        "tap_batched_wall": samples.ratio("tap_batched_per_s", "pgbench_per_s"),
        "tap_single_wall": samples.ratio("tap_single_per_s", "pgbench_per_s"),
    }
    conditions = conditions_of(
        "aiohttp",
        "asyncpg",
        "SQLAlchemy",
        rounds=options.rounds,
        seconds=options.seconds,
        clients=options.clients,
        preset=options.preset,
        cards=ground.cards_there,
        cards_presented=len(ground.cards),
        readers=len(ground.tokens),
        pgbench_scale=options.pgbench_scale,
        open_loop_per_s=OPEN_LOOP_PER_S,
        others_cpu_share=round(sum(others) / len(others), 3),
        **server_settings,
    )
    return BenchResult("taps", ratios, samples.medians() | figures, conditions)


async def _round(bench: TapBench, samples: Samples, gathered: Server, single: Server, bare: Server) -> list[float]:
    """Measure each side once; return the share of the machine that others took in each slice."""
    limit = await bench.pgbench()
    samples.add("pgbench_per_s", limit.tps)
    samples.add("pgbench_cap_per_s", cap_per_s(limit.cpu_s, limit.transactions))
    batched = await bench.load(gathered)
    samples.add("tap_batched_per_s", batched.wall_per_s)
    samples.add("tap_batched_cap_per_s", batched.cap)
    samples.add("tap_app_us", batched.app_us)
    samples.add("tap_batched_p50_ms", percentile_ms(batched.found.latencies_s, 0.5))
    samples.add("tap_batched_p99_ms", percentile_ms(batched.found.latencies_s, 0.99))
    alone = await bench.load(single)
    samples.add("tap_single_per_s", alone.wall_per_s)
    samples.add("tap_single_cap_per_s", alone.cap)
    samples.add("tap_single_app_us", alone.app_us)
    nothing = await bench.load(bare)
    samples.add("bare_per_s", nothing.wall_per_s)
    samples.add("bare_app_us", nothing.app_us)
    one = await bench.pgbench(clients=1)
    samples.add("pgbench_one_client_p50_ms", percentile_ms(one.latencies_s, 0.5))
    one_tap = await bench.load(gathered, clients=1)
    samples.add("tap_one_client_p50_ms", percentile_ms(one_tap.found.latencies_s, 0.5))
    paced = await bench.pgbench("-R", str(OPEN_LOOP_PER_S))
    samples.add("pgbench_open_loop_p99_ms", percentile_ms(paced.latencies_s, 0.99))
    open_loop = await bench.load(gathered, rate=OPEN_LOOP_PER_S)
    samples.add("tap_open_loop_p99_ms", percentile_ms(open_loop.found.latencies_s, 0.99))
    samples.add("tap_open_loop_p50_ms", percentile_ms(open_loop.found.latencies_s, 0.5))
    return [each.others_share for each in (batched, alone, nothing, one_tap, open_loop)]


async def _proof(url: str, bench: TapBench) -> dict[str, float]:
    """Count what the database holds: nothing acknowledged is lost, nothing is there twice, nobody is overdrawn."""
    database = Database(url)
    async with database.read() as db:
        taps = int(await db.scalar(select(func.count()).select_from(Tap)) or 0)
        charged = int(
            await db.scalar(select(func.count()).select_from(Tap).where(Tap.transaction_id.is_not(None))) or 0
        )
        uses = int(await db.scalar(text("SELECT count(*) FROM ledger_transaction WHERE actor_kind = 'reader'")) or 0)
        overdrawn = await db.scalar(
            select(func.count()).select_from(Wallet).where(Wallet.balance_cents < Wallet.floor_cents)
        )
        troubles = await verify(db)
    await database.close()
    return {
        "taps_acknowledged": bench.answered,
        "taps_failed": bench.failed,
        "taps_lost": max(0, bench.answered - taps),
        "taps_doubled": abs(uses - charged),
        "wallets_overdrawn": int(overdrawn or 0),
        "ledger_troubles": len(troubles),
    }


async def _sqlite_rounds(options: BenchOptions, samples: Samples) -> None:
    """Measure SQLite beside its raw driver, in this process: both gather, both are as durable as SQLite gets."""
    with tempfile.TemporaryDirectory(prefix="cvq-bench-") as folder:
        url = f"sqlite:///{folder}/taps.sqlite"
        ground: TapGround = await prepare(url, options.preset)
        for _ in range(options.rounds):
            samples.add("sqlite_raw_per_s", await asyncio.to_thread(raw_per_s, Path(folder), options.seconds))
            samples.add("sqlite_taps_per_s", await gathered_per_s(url, ground, options))


@asynccontextmanager
async def _server(*arguments: str) -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cvq_core.bench.servers", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield Server(port, process.pid, takes_taps=bool(arguments))
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(20):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

"""A PostgreSQL of the measurement's own, as durable as a real one, and `pgbench` as its limit."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from cvq_core.bench.harness import CpuClock, parent_of

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "120",
    "log_min_messages": "fatal",
}
START_S_MAX = 60.0
TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class NoPostgresql(Exception):
    """PostgreSQL's programs are not on this machine."""


class ServerElsewhere(Exception):
    """The server that was named runs on another machine."""


@dataclass(frozen=True, slots=True)
class PgbenchRun:
    """What one run of pgbench did. `cpu_s` is that of pgbench and of all that this process started."""

    transactions: int
    tps: float
    cpu_s: float
    latencies_s: list[float]


class Postgresql:
    """A PostgreSQL server, with its programs beside it; names of databases are our own."""

    def __init__(self, base_url: str) -> None:
        self._binaries = _binaries()
        self._base_url = base_url
        self._made: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in self._made:
            await self._run_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        """Return the address of the database `name`."""
        return urlunsplit(urlsplit(self._base_url)._replace(path=f"/{name}"))

    async def create(self, name: str) -> str:
        """Create an empty database and return its address."""
        await self._run_sql(f"CREATE DATABASE {name}")
        self._made.append(name)
        return self.url(name)

    async def initialise_pgbench(self, name: str, scale: int) -> None:
        """Fill a database with pgbench's own tables."""
        await self._run([str(self._binaries / "pgbench"), "-q", "-i", "-s", str(scale), self.url(name)])

    async def conditions(self) -> dict[str, str]:
        """Return the server's version and what it does to keep what was committed."""
        connection = await asyncpg.connect(self._base_url)
        try:
            return {
                "postgresql": str(await connection.fetchval("SHOW server_version")),
                "fsync": str(await connection.fetchval("SHOW fsync")),
                "synchronous_commit": str(await connection.fetchval("SHOW synchronous_commit")),
            }
        finally:
            await connection.close()

    async def size_mb(self, name: str) -> float:
        """Return how large the database `name` is, in megabytes."""
        connection = await asyncpg.connect(self._base_url)
        try:
            return float(await connection.fetchval("SELECT pg_database_size($1)", name)) / 1e6
        finally:
            await connection.close()

    async def server_pid(self) -> int:
        """Return the process that all of the server descends from.

        Raises:
            ServerElsewhere: it does not run on this machine.
        """
        connection = await asyncpg.connect(self._base_url)
        try:
            backend = int(await connection.fetchval("SELECT pg_backend_pid()"))
            return parent_of(backend)
        except OSError:
            raise ServerElsewhere("the CPU of a PostgreSQL on another machine cannot be counted") from None
        finally:
            await connection.close()

    async def pgbench(self, name: str, *options: str, clients: int, seconds: float) -> PgbenchRun:
        """Run pgbench for some whole seconds (two at least), with a latency for each transaction."""
        duration = str(max(2, round(seconds)))
        pids = [os.getpid(), await self.server_pid()]
        with tempfile.TemporaryDirectory(prefix="cvq-pgbench-") as folder:
            command = [str(self._binaries / "pgbench"), "-c", str(clients), "-j", str(min(2, clients)), "-n"]
            command += ["-T", duration, "--log", f"--log-prefix={folder}/tx", *options, self.url(name)]
            clock = CpuClock(pids)
            told = await self._run(command)
            cpu_s = clock.ours_s()
            found = TPS.search(told)
            assert found is not None, told
            latencies = _logged_latencies(Path(folder))
        return PgbenchRun(len(latencies), float(found[1]), cpu_s, latencies)

    async def _run_sql(self, statement: str) -> None:
        connection = await asyncpg.connect(self._base_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _run(self, command: list[str], folder: Path | None = None) -> str:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        told, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {told.decode(errors='replace')[-2000:]}")
        return told.decode()


class ExistingServer(Postgresql):
    """A server that runs already, on this machine; its databases of ours are dropped at the end."""


class Cluster(Postgresql):
    """A server of our own in a temporary folder, on a free loopback port, stopped and removed at the end."""

    def __init__(self) -> None:
        self._port = _free_port()
        super().__init__(f"postgresql://cvq@127.0.0.1:{self._port}/postgres")
        self._folder = Path(tempfile.mkdtemp(prefix="cvq-bench-"))
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _start(self) -> None:
        data = self._folder / "data"
        self._give_away(self._folder)
        initdb = ["initdb", "-D", str(data), "-U", "cvq", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        await self._run([*self._drop(), str(self._binaries / initdb[0]), *initdb[1:]], self._folder)
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._process = await asyncio.create_subprocess_exec(
            *self._drop("--pdeathsig=INT"),
            str(self._binaries / "postgres"),
            *("-D", str(data), "-p", str(self._port), "-k", str(self._folder), *settings),
            cwd=self._folder,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(START_S_MAX):
            while not await self._answers():
                assert self._process.returncode is None, "PostgreSQL did not start"
                await asyncio.sleep(0.05)

    async def _stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(2)
            try:
                async with asyncio.timeout(30):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _answers(self) -> bool:
        ready = await asyncio.create_subprocess_exec(
            str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)
        )
        return await ready.wait() == 0

    def _drop(self, *options: str) -> list[str]:
        """PostgreSQL refuses to run as root; its Debian package made a user for it."""
        if os.geteuid() != 0:
            return ["setpriv", *options, "--"]
        user = pwd.getpwnam("postgres")
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *options, "--"]

    def _give_away(self, folder: Path) -> None:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)


def _logged_latencies(folder: Path) -> list[float]:
    """Read pgbench's log: the third field of a line is the transaction's time in microseconds."""
    return [int(line.split()[2]) / 1e6 for file in folder.iterdir() for line in file.read_text().splitlines()]


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise NoPostgresql("PostgreSQL is not installed here: tools/debian-packages.txt names its package")
    return found[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

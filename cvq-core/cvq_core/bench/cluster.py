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

from cvq_core.bench.harness import CpuClock

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


@dataclass(frozen=True, slots=True)
class PgbenchRun:
    """What one run of pgbench did. `cpu_s` is that of pgbench and of all that this process started."""

    transactions: int
    tps: float
    cpu_s: float
    latencies_s: list[float]


class Cluster:
    """One PostgreSQL in a temporary folder, on a free loopback port, stopped and removed at the end."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="cvq-bench-"))
        self._port = _free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Cluster:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    @property
    def pid(self) -> int:
        """The process that all others of the cluster descend from."""
        assert self._process is not None
        return self._process.pid

    def url(self, name: str) -> str:
        """Return the address of the database `name`."""
        return f"postgresql://cvq@127.0.0.1:{self._port}/{name}"

    async def create(self, name: str) -> str:
        """Create an empty database and return its address."""
        await self._tool("createdb", name)
        return self.url(name)

    async def initialise_pgbench(self, name: str, scale: int) -> None:
        """Fill a database with pgbench's own tables."""
        await self._tool("pgbench", "-q", "-i", "-s", str(scale), name)

    async def version(self) -> str:
        """Return PostgreSQL's version."""
        return (await self._run([str(self._binaries / "postgres"), "--version"])).split()[-1].strip()

    async def pgbench(self, name: str, *options: str, clients: int, seconds: float) -> PgbenchRun:
        """Run pgbench for some whole seconds (two at least), with a latency for each transaction."""
        duration = str(max(2, round(seconds)))
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="log-") as folder:
            command = ["pgbench", "-c", str(clients), "-j", str(min(2, clients)), "-T", duration, "-n"]
            clock = CpuClock([os.getpid()])
            told = await self._tool(*command, "--log", f"--log-prefix={folder}/tx", *options, name)
            cpu_s = clock.ours_s()
            found = TPS.search(told)
            assert found is not None, told
            latencies = _logged_latencies(Path(folder))
        return PgbenchRun(len(latencies), float(found[1]), cpu_s, latencies)

    async def _start(self) -> None:
        data = self._folder / "data"
        self._give_away(self._folder)
        initdb = ["initdb", "-D", str(data), "-U", "cvq", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        await self._run([*self._drop(), str(self._binaries / initdb[0]), *initdb[1:]])
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

    async def _tool(self, name: str, *arguments: str) -> str:
        where = ("-h", "127.0.0.1", "-p", str(self._port), "-U", "cvq")
        return await self._run([str(self._binaries / name), *where, *arguments])

    async def _run(self, command: list[str]) -> str:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self._folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        told, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {told.decode(errors='replace')[-2000:]}")
        return told.decode()

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

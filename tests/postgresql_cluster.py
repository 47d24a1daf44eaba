"""A PostgreSQL of the tests' own: started from Debian's binaries, empty, on a free port, and gone with the tests.

Durability is off: no test here is about a power cut of the database's machine. A database that was made from a template
costs ten times what it costs to empty one again (140 tables are 1,000 files), so tests take one after the other.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "150",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}
START_S_MAX = 60.0
OURS = "relnamespace = 'public'::regnamespace"
# A table that a rolled back write has touched counts too: to empty it once more does no harm.
FILLED = f"SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_relation_size(oid) > 0 AND {OURS}"
NUMBERS = "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = 'public'"
SHAPE = f"""
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
  SELECT concat_ws('-', oid, relname, relnatts) FROM pg_class WHERE {OURS}
  UNION ALL SELECT concat_ws('-', t.oid, t.tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE {OURS}
  UNION ALL SELECT concat_ws('-', oid, conname) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('-', oid, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS parts (part)
"""


class Cluster:
    """One running PostgreSQL, whose superuser `cvq` is let in from this machine without a password."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cvq-pg-"))
        self._log = self.folder / "log"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        """Return the address of the database `name`."""
        return f"postgresql://cvq@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Make the cluster and wait until it answers."""
        binaries = _binaries()
        data = self.folder / "data"
        # PostgreSQL refuses to run as root; the package made a user for it.
        drop: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            drop = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "cvq", "-A", "trust", "-E", "UTF8", "--no-sync"]
        done = subprocess.run(
            ["setpriv", *drop, "--", *initdb, "--locale=C.UTF-8"], cwd=self.folder, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        # SIGINT is PostgreSQL's fast shutdown, also when the tests themselves are killed.
        postgres = [str(binaries / "postgres"), "-D", str(data), "-p", str(self.port), "-k", str(self.folder)]
        # A file and not a pipe: it says a line for each refusal that a test provokes, and a full pipe would stop it.
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", *drop, "--pdeathsig=INT", "--", *postgres, *settings],
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._wait(binaries)

    def stop(self) -> None:
        """Stop the process and remove its files."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self, binaries: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_S_MAX
        ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None:
                raise AssertionError(self._log.read_text())
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.05)


class LentDatabase:
    """A database that one test has after the other, each time as its template is: tables, rows and numbers."""

    def __init__(self, cluster: Cluster, name: str, template: str) -> None:
        self._admin = cluster.url("postgres")
        self._name, self._template = name, template
        self.url = cluster.url(name)

    async def make(self) -> None:
        """Make it from its template, and put aside the rows that it begins with."""
        await run_on(
            self._admin,
            f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)",
            f"CREATE DATABASE {self._name} TEMPLATE {self._template}",
        )
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute("CREATE SCHEMA kept")
            self._kept = [name for (name,) in await connection.fetch(FILLED)]
            for name in self._kept:
                await connection.execute(f'CREATE TABLE kept."{name}" AS TABLE "{name}"')
            self._numbers = dict(await connection.fetch(NUMBERS))
            self._shape = await connection.fetchval(SHAPE)
        finally:
            await connection.close()

    async def give_back(self) -> None:
        """Make it again what it was; where a test has changed its tables themselves, from the beginning."""
        connection = await asyncpg.connect(self.url)
        try:
            # What a test has left running would go on writing.
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            unchanged = await connection.fetchval(SHAPE) == self._shape
            if unchanged:
                await self._put_back(connection)
        finally:
            await connection.close()
        if not unchanged:
            await self.make()

    async def _put_back(self, connection: asyncpg.Connection) -> None:
        # No trigger holds then, neither those of foreign keys nor those that forbid to delete.
        await connection.execute("SET session_replication_role = replica")
        filled = [name for (name,) in await connection.fetch(FILLED)]
        statements = [f'DELETE FROM "{name}";' for name in filled]
        statements += [f'INSERT INTO "{name}" TABLE kept."{name}";' for name in self._kept]
        for name, value in await connection.fetch(NUMBERS):
            if value != self._numbers[name]:
                begin = self._numbers[name]
                statements.append(f"SELECT setval('{name}', {begin or 1}, {begin is not None});")
        if statements:
            await connection.execute("".join(statements))
        if filled:
            await connection.execute("VACUUM " + ", ".join(f'"{name}"' for name in filled))


async def run_on(url: str, *statements: str) -> None:
    """Run statements outside a transaction, as CREATE DATABASE wants it."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, "PostgreSQL is missing: tools/debian-packages.txt names it, `make setup` installs it"
    return found[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

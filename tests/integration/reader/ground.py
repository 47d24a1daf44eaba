"""A server, a line that can be cut, and `cvq reader run` as a process of its own behind it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import ClientError, ClientSession, ClientTimeout
from sqlalchemy import select

from cvq_core.access.tables import AccessPoint
from cvq_core.controllers.store import give_points, make_controller
from cvq_core.devices.store import make_code
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from tests.integration.core.access.conftest import NOON
from tests.served import Site

CVQ = Path(sys.executable).with_name("cvq")
PATIENCE_S = 60.0
SITE_ADDRESS = "127.0.0.2"
"""Where the readers ask: another address than the one at which the machine asks itself how it is."""
READER_KEY = "a-key-of-some-length-for-one-reader"


async def until(happens: Callable[[], Awaitable[Any]], what: str = "") -> Any:
    """Wait until something is so, and return it."""
    limit = time.monotonic() + PATIENCE_S
    while not (found := await happens()):
        assert time.monotonic() < limit, f"it never happened: {what}"
        await asyncio.sleep(0.05)
    return found


@dataclass(slots=True)
class Line:
    """A TCP line to a server, that can be cut and mended, or go silent; `url` stays the same."""

    target: tuple[str, int]
    url: str = ""
    silent: bool = False
    _server: asyncio.Server | None = None
    _port: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def mend(self) -> None:
        """Let it carry again, on the port that it had."""
        self.silent = False
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def cut(self) -> None:
        """Cut it, in the middle of whatever it carries."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self.target)
        self._open |= {writer, there_writer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, there_writer))
                both.create_task(self._pump(there_reader, writer))
        except* (OSError, ConnectionError):
            pass
        finally:
            self._open -= {writer, there_writer}
            for each in (writer, there_writer):
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            while self.silent:
                await asyncio.sleep(0.02)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to a server."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    line = Line((parts.hostname, parts.port))
    await line.mend()
    try:
        yield line
    finally:
        line.silent = False
        await line.cut()


@dataclass(slots=True)
class Machine:
    """A controller's machine: its settings, its disk, and the process while it runs."""

    folder: Path
    server_url: str
    readers: list[dict[str, Any]]
    settings: dict[str, Any] = field(default_factory=dict)
    data_dir: Path | None = None
    dies_at: str = ""
    more: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What the command is given."""
        own = {
            "server_url": self.server_url,
            "data_dir": str(self.data_dir or self.folder / "data"),
            "listen_host": SITE_ADDRESS,
            "listen_port": str(self.port),
            "readers": json.dumps(self.readers),
            **{name: str(value) for name, value in self.settings.items()},
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CVQ_")}
        return clean | self.more | {f"CVQ_READER_{name.upper()}": value for name, value in own.items()}

    async def command(self, *words: str) -> tuple[int, str]:
        """Run `cvq reader …` to its end; return its status and all that it said."""
        process = await asyncio.create_subprocess_exec(
            *(str(CVQ), "reader", *words),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()

    async def start(self, *, listed: bool = True) -> None:
        """Start the controller and wait until it decides; `listed`: by a list."""
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        log = (self.folder / "log").open("ab")
        program = [str(CVQ), "reader"]
        if self.dies_at:
            program = [sys.executable, "-m", "tests.integration.reader.dying_controller", self.dies_at]
        words = [*program, "run", "--port-file", str(port_file)]
        self.process = await asyncio.create_subprocess_exec(*words, env=self.environment, stdout=log, stderr=log)
        log.close()

        async def told() -> bool:
            assert self.process is not None
            assert self.process.returncode is None, (self.process.returncode, self.log())
            return port_file.exists()

        await until(told, "the controller starts")
        self.port = int(port_file.read_text())
        if listed:
            await until(self._has_list, "the controller has a list")

    async def _has_list(self) -> bool:
        return bool((await self.status())["list_until"])

    async def line_is_up(self) -> bool:
        """Whether it has reached the core lately."""
        return bool((await self.status())["line"])

    async def kill(self) -> None:
        """Cut its power."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def died(self) -> None:
        """Wait until its power went at the point that was named."""
        assert self.process is not None
        async with asyncio.timeout(PATIENCE_S):
            assert await self.process.wait() == -signal.SIGKILL, self.log()

    async def stop(self) -> None:
        """Stop it as systemd does."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    def log(self) -> str:
        """What it logged."""
        return (self.folder / "log").read_text()

    async def status(self) -> dict[str, Any]:
        """How it is."""
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}/status") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def tap(
        self,
        uid: str | None = None,
        *,
        person_id: UUID | None = None,
        tap_id: UUID | None = None,
        key: str = READER_KEY,
    ) -> dict[str, Any]:
        """Present a card at its HTTP reader, or tick somebody there."""
        presented = {"card_uid": uid} if uid is not None else {"person_id": str(person_id)}
        return await self.tell("/taps", {"id": str(tap_id or new_id())} | presented, key=key)

    async def expected(self) -> dict[str, Any]:
        """Ask whom the tablet's list expects today."""
        headers = {"Authorization": f"Bearer {READER_KEY}"}
        url = f"http://{SITE_ADDRESS}:{self.port}/attendances/expected"
        async with ClientSession() as session, session.get(url, headers=headers) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def tell(self, path: str, body: dict[str, Any], *, key: str = READER_KEY) -> dict[str, Any]:
        """Speak to it as an HTTP reader does."""
        headers = {"Authorization": f"Bearer {key}"}
        url = f"http://{SITE_ADDRESS}:{self.port}{path}"
        patience = ClientTimeout(total=30)
        async with ClientSession(timeout=patience) as session, session.post(url, json=body, headers=headers) as answer:
            found: dict[str, Any] = await answer.json(content_type=None)
            return {**found, "http": answer.status}


async def settled(machine: Machine) -> bool:
    """Whether the core has all that the controller decided."""
    with suppress(ClientError):
        found = await machine.status()
        return found["queued"] == 0 and found["line"]
    return False


def _prepare(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "reader.key").write_text(READER_KEY)


@asynccontextmanager
async def controller(
    site: Site, folder: Path, line: Line, point: str = "piscine-gatineo-1", *more: str, **settings: Any
) -> AsyncIterator[Machine]:
    """A machine that is enrolled for some points, the first with an HTTP reader; not started."""
    _prepare(folder)
    codes = (point, *more)
    async with site.database.write() as db:
        ids = list(await db.scalars(select(AccessPoint.id).where(AccessPoint.code.in_(codes))))
        assert len(ids) == len(codes), "the points exist"
        made = await make_controller(db, new_id(), name=f"Site {folder.name}", site="Site", now=NOON)
        await give_points(db, made.id, ids, actor=SYSTEM, now=NOON)
        code = await make_code(db, kind="controller", subject_id=made.id, name=made.name, now=NOON)
    machine = Machine(
        folder, line.url, [{"kind": "http", "point": point, "key_file": str(folder / "reader.key")}], settings
    )
    status, said = await machine.command("enrol", code)
    assert status == 0, said
    try:
        yield machine
    finally:
        await machine.stop()

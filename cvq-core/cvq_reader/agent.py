"""The process beside the readers: everything it is made of, started and stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from aiohttp import ClientSession, web

from cvq_core.controllers.wire import ReaderState, Welcome
from cvq_core.devices.identity import Identity, IdentityError
from cvq_core.devices.line import DeviceLine
from cvq_reader.core import Core
from cvq_reader.doors import Doors
from cvq_reader.events import PointEvents
from cvq_reader.local_api import LocalApi, key_digest, read_key
from cvq_reader.pages import PageFile
from cvq_reader.queue import TapQueue
from cvq_reader.settings import HttpReader, OsdpReader, PcscReader, ReaderSettings
from cvq_reader.steady import SteadyClock
from cvq_reader.syncing import LAST_HOUR, Syncing

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
ENROL = "cvq reader enrol CODE"
SEEN_LATELY = timedelta(minutes=10)


def read_welcome(settings: ReaderSettings) -> Welcome:
    """Return what the core said at the enrolment.

    Raises:
        IdentityError: this machine is not enrolled.
    """
    try:
        return Welcome.model_validate_json(settings.welcome_file.read_bytes())
    except (OSError, ValueError):
        raise IdentityError(f"{settings.welcome_file}: this machine is not enrolled; use `{ENROL}`") from None


class Machine(Protocol):
    """Drives readers that are connected to this machine."""

    async def run(self) -> None:
        """Drive them until cancelled."""
        ...

    def states(self) -> list[ReaderState]:
        """Tell how they are."""
        ...


LOOPBACK = "127.0.0.1"
REACHES_LOOPBACK = frozenset({LOOPBACK, "localhost", "0.0.0.0"})  # noqa: S104 - compared, not bound


class Agent:
    """The controller; `run` until cancelled."""

    def __init__(self, settings: ReaderSettings, *, on_ready: Callable[[int], None] = lambda _: None) -> None:
        self._settings = settings
        self._on_ready = on_ready
        self._identity = Identity.load(settings.key_file, enrol=ENROL)
        self._welcome = read_welcome(settings)
        self._queue = TapQueue(settings.data_dir / "queue.sqlite", memory_max=settings.memory_taps_max)

    async def run(self) -> None:
        """Open what lies on disk, then work; the HTTP port is there once decisions can be taken."""
        async with AsyncExitStack() as stack:
            left = await self._queue.start()
            stack.push_async_callback(self._queue.close)
            pages = PageFile(self._settings.data_dir / "list.sqlite")
            stack.callback(pages.close)
            session = await stack.enter_async_context(ClientSession())
            line = DeviceLine(session, self._settings.server, self._identity)
            core = Core(line, online_ms=self._settings.online_ms)
            last = await self._queue.recall(LAST_HOUR)
            clock = SteadyClock(datetime.fromisoformat(last) if last else None)
            doors = Doors(core, self._queue, clock, self._welcome)
            for tap in left:
                doors.since.add(tap.id, tap.taken)
            events = PointEvents(self._queue, doors.now, silent_after_s=self._settings.silent_seconds)
            await events.start()
            syncing = Syncing(
                core,
                doors,
                self._queue,
                pages,
                events,
                clock=clock,
                welcome=self._welcome,
                refresh_every=timedelta(hours=self._settings.list_refresh_hours),
            )
            syncing.load()
            if clock.was_behind:
                syncing.trouble("clock-behind", "the clock showed an hour that is over: its battery may be empty")
            api = LocalApi(doors, self._keys(), events, status=lambda: self._status(core, doors, syncing))
            port = await stack.enter_async_context(_served(api.app(), self._settings))
            machines = self._machines(doors, core, events)
            syncing.readers = lambda: self._reader_states(doors, api, machines)
            log.info("ready", port=port, people=doors.held.size if doors.held else 0, queued=len(left))
            self._on_ready(port)
            async with asyncio.TaskGroup() as group:
                group.create_task(syncing.run(), name="syncing")
                group.create_task(_watch(syncing, events), name="watch")
                for machine in machines:
                    group.create_task(machine.run(), name="reader")

    def _keys(self) -> dict[bytes, str]:
        return {
            key_digest(read_key(each.key_file)): each.point
            for each in self._settings.readers
            if isinstance(each, HttpReader)
        }

    def _machines(self, doors: Doors, core: Core, events: PointEvents) -> list[Machine]:
        """Return what drives readers at this machine; their libraries are loaded only where there are some."""
        machines: list[Machine] = []
        osdp = [each for each in self._settings.readers if isinstance(each, OsdpReader)]
        if osdp:
            from cvq_reader.osdp_line import osdp_lines  # noqa: PLC0415 - a site without OSDP needs no libosdp

            machines += osdp_lines(osdp, doors, events)
        pcsc = [each for each in self._settings.readers if isinstance(each, PcscReader)]
        if pcsc:
            from cvq_reader.pcsc_reader import PcscMachine  # noqa: PLC0415 - nor pyscard, without PC/SC

            machines += [PcscMachine(each, doors, core) for each in pcsc]
        return machines

    def _reader_states(self, doors: Doors, api: LocalApi, machines: list[Machine]) -> list[ReaderState]:
        found = [state for each in machines for state in each.states()]
        for reader in self._settings.readers:
            point_id = doors.point_named(reader.point) if isinstance(reader, HttpReader) else None
            if point_id is not None:
                seen = api.seen.get(reader.point)
                online = seen is not None and datetime.now(seen.tzinfo) - seen < SEEN_LATELY
                found.append(ReaderState(point_id=point_id, name="HTTP", kind="http", online=online, last_seen_at=seen))
        return found

    async def _status(self, core: Core, doors: Doors, syncing: Syncing) -> dict[str, Any]:
        queued, refused, oldest = await syncing.queued()
        held = doors.held
        return {
            "name": self._welcome.name,
            "line": core.up,
            "queued": queued,
            "oldest_tap_at": oldest.isoformat() if oldest else None,
            "refused": refused,
            "lost": self._queue.lost,
            "people": held.size if held else 0,
            "list_made_at": held.made_at.isoformat() if held else None,
            "list_until": held.expires_at.isoformat() if held else None,
            "sequence": held.sequence if held else None,
            "now": doors.now().isoformat(),
            "troubles": syncing.told(),
            "readers": [state.model_dump(mode="json") for state in syncing.readers()],
        }


async def _watch(syncing: Syncing, events: PointEvents) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        events.look_at(syncing.readers())


@asynccontextmanager
async def _served(app: web.Application, settings: ReaderSettings) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.listen_host, settings.listen_port).start()
        port: int = runner.addresses[0][1]
        if settings.listen_host not in REACHES_LOOPBACK:
            # `cvq reader status` asks on this machine, wherever the readers ask.
            await web.TCPSite(runner, LOOPBACK, port).start()
        yield port
    finally:
        await runner.cleanup()

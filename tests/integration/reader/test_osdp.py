"""Door readers on an RS-485 line: OSDP's secure channel or nothing, with libosdp on both sides of a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlalchemy import select

from cvq_core.access.facts import PointEventKind
from cvq_core.access.tables import PointEvent
from cvq_core.controllers.wire import Welcome
from cvq_core.devices.identity import Identity
from cvq_core.devices.line import DeviceLine
from cvq_core.ids import new_id
from cvq_core.seed.heroes import JEANNE_UID, STRANGER_UID
from cvq_reader.core import Core
from cvq_reader.doors import Doors
from cvq_reader.events import PointEvents
from cvq_reader.osdp_line import osdp_lines
from cvq_reader.queue import TapQueue
from cvq_reader.settings import OsdpReader as ReaderSettings
from cvq_reader.steady import SteadyClock
from tests.integration.reader.ground import Line, Machine, controller, settled, until
from tests.integration.reader.osdp_reader import ADDRESS, OsdpReader
from tests.integration.reader.test_line_cut import give_jeanne, taps_of
from tests.served import Site

KEY = bytes(range(16))


@pytest.fixture
def reader() -> Iterator[OsdpReader]:
    reader = OsdpReader(KEY)
    yield reader
    reader.close()


def connect(machine: Machine, reader: OsdpReader, key: bytes = KEY, **more: Any) -> None:
    """Have the controller drive the reader at its first point, instead of one over HTTP."""
    file = machine.folder / "osdp.key"
    file.write_text(key.hex())
    point = machine.readers[0]["point"]
    machine.readers = [
        {"kind": "osdp", "point": point, "device": str(reader.path), "speed": 115200, "address": ADDRESS}
        | {"key_file": str(file), "relay": {"output": 0, "seconds": 2}, **more}
    ]


async def test_a_card_opens_over_the_secure_channel_with_and_without_the_core_and_its_number_is_not_on_the_wire(
    site: Site, line: Line, tmp_path: Path, reader: OsdpReader
) -> None:
    await give_jeanne(site, 1000)
    async with controller(site, tmp_path / "pool", line) as machine:
        connect(machine, reader)
        await machine.start()
        await until(lambda: _so(reader.is_secure), "the secure channel stands")
        reader.lay(JEANNE_UID)
        await until(lambda: _so(len(reader.shown()) == 1), "it shows something")
        [opened] = reader.outputs()
        assert (opened["output_no"], opened["control_code"], opened["timer_count"]) == (0, 5, 20)
        assert reader.shown()[0].startswith("Entrez")
        await line.cut()
        reader.lay(JEANNE_UID)
        await until(lambda: _so(len(reader.shown()) == 2), "it shows something without the core")
        assert len(reader.outputs()) == 2
        reader.lay(STRANGER_UID)
        await until(lambda: _so(len(reader.shown()) == 3), "it refuses")
        assert (len(reader.outputs()), reader.shown()[2]) == (2, "Carte inconnue")
        for uid in (JEANNE_UID, STRANGER_UID):
            assert bytes.fromhex(uid) not in reader.wire
        await line.mend()
        await until(lambda: settled(machine), "the taps arrive")
        assert sorted(tap.allowed for tap in (await taps_of(site)).values()) == [False, True, True]
        [state] = (await machine.status())["readers"]
        assert (state["kind"], state["secure"]) == ("osdp", True)


async def test_a_reader_with_another_key_is_not_heard(
    site: Site, line: Line, tmp_path: Path, reader: OsdpReader
) -> None:
    async with controller(site, tmp_path / "pool", line, silent_seconds=1) as machine:
        connect(machine, reader, os.urandom(16))
        await machine.start()
        await until(lambda: told(site, PointEventKind.WRONG_KEY), "its manager is told")
        reader.lay(JEANNE_UID)
        [state] = (await machine.status())["readers"]
        assert (state["online"], state["secure"], reader.is_secure) == (False, False, False)
        assert await taps_of(site) == {}
        assert reader.outputs() == []


async def test_a_door_tells_of_itself_also_without_the_core_and_after_a_power_cut(
    site: Site, line: Line, tmp_path: Path, reader: OsdpReader
) -> None:
    """Forced, held open, tampered with; whoever was let in, or goes out by the button, forces nothing."""
    await give_jeanne(site, 1000)
    async with controller(site, tmp_path / "pool", line) as machine:
        connect(machine, reader, contact={"input": 0, "exit_input": 1, "held_seconds": 1})
        await machine.start()
        await until(lambda: _so(reader.is_secure), "the secure channel stands")
        await line.cut()
        reader.inputs(0)
        await until(lambda: logged(machine, "forced"), "nobody was let in")
        reader.inputs()
        reader.lay(JEANNE_UID)
        await until(lambda: _so(len(reader.outputs()) == 1), "she is let in")
        reader.inputs(0)
        reader.tells(tampered=True)
        await until(lambda: logged(machine, "held_too_long"), "the door stays open")
        reader.inputs()
        reader.inputs(1)
        reader.inputs(0)
        reader.inputs()
        reader.lay(STRANGER_UID)
        await until(lambda: _so("Carte inconnue" in reader.shown()), "all that has been heard")
        await machine.kill()
        await machine.start()
        await line.mend()
        await until(lambda: told(site, PointEventKind.HELD_TOO_LONG), "it is told of")
        doors = (PointEventKind.FORCED, PointEventKind.HELD_TOO_LONG, PointEventKind.TAMPER)
        assert [await told(site, kind) for kind in doors] == [1, 1, 1], "by a card or by the button inside, it is not"


async def test_a_line_that_went_with_its_adapter_is_opened_anew(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY.hex())
    device, first = tmp_path / "ttyUSB0", OsdpReader(KEY)
    device.symlink_to(first.path)
    settings = ReaderSettings(
        kind="osdp", point="p", device=device, speed=115200, address=ADDRESS, key_file=tmp_path / "key"
    )
    async with ClientSession() as session:
        core = Core(DeviceLine(session, "http://127.0.0.1:1", Identity.new()), online_ms=1)
    welcome = Welcome(controller_id=new_id(), name="", site="", public_key="", salt="", list_hours=72)
    clock, queue = SteadyClock(None), TapQueue(tmp_path / "queue", memory_max=1)
    events = PointEvents(queue, clock.now, silent_after_s=60)
    [line] = osdp_lines([settings], Doors(core, queue, clock, welcome), events)
    serving = asyncio.create_task(line.run())
    await until(lambda: _so(first.is_secure), "the secure channel stands")
    second = OsdpReader(KEY)
    device.unlink()
    device.symlink_to(second.path)
    first.close()
    await until(lambda: _so(second.is_secure), "the adapter is there again")
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    second.close()


async def told(site: Site, kind: PointEventKind) -> int:
    """How often the core was told of something."""
    async with site.database.read() as db:
        return len(list(await db.scalars(select(PointEvent).where(PointEvent.kind == kind))))


async def logged(machine: Machine, words: str) -> bool:
    return words in machine.log()


async def _so(what: bool) -> bool:
    return what

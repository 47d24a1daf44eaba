"""Door readers on an RS-485 line: OSDP's secure channel or nothing, with libosdp on both sides of a pseudo-terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cvq_core.access.facts import PointEventKind
from cvq_core.access.tables import PointEvent
from cvq_core.seed.heroes import JEANNE_UID, STRANGER_UID
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


async def told(site: Site, kind: PointEventKind) -> int:
    """How often the core was told of something."""
    async with site.database.read() as db:
        return len(list(await db.scalars(select(PointEvent).where(PointEvent.kind == kind))))


async def logged(machine: Machine, words: str) -> bool:
    return words in machine.log()


async def _so(what: bool) -> bool:
    return what

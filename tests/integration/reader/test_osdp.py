"""Door readers on an RS-485 line: OSDP's secure channel or nothing, with libosdp on both sides of a pseudo-terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def connect(machine: Machine, reader: OsdpReader, key: bytes = KEY) -> None:
    """Have the controller drive the reader at its first point, instead of one over HTTP."""
    file = machine.folder / "osdp.key"
    file.write_text(key.hex())
    point = machine.readers[0]["point"]
    machine.readers = [
        {"kind": "osdp", "point": point, "device": str(reader.path), "speed": 115200, "address": ADDRESS}
        | {"key_file": str(file), "relay": {"output": 0, "seconds": 2}}
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
    async with controller(site, tmp_path / "pool", line) as machine:
        connect(machine, reader, os.urandom(16))
        await machine.start()

        async def seen() -> bool:
            return len(reader.wire) > 60

        await until(seen, "they have tried")
        reader.lay(JEANNE_UID)
        [state] = (await machine.status())["readers"]
        assert (state["online"], state["secure"], reader.is_secure) == (False, False, False)
        assert await taps_of(site) == {}
        assert reader.outputs() == []


async def _so(what: bool) -> bool:
    return what

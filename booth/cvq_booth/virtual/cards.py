"""Virtual card reader: a real pcscd of our own with vsmartcard's virtual reader, and the cards that one lays on it.

pcscd, its client library and the reader's driver are Debian's; only the card is ours. It speaks vpcd's protocol: each
message is two bytes of length and a body; a body of one byte switches power (0 off, 1 on, 2 reset) or asks for the
answer to reset (4), anything else is an APDU to answer.

Everything runs as an ordinary user and beside the machine's own pcscd, any number of times (see pcscd_private.c). The
client library reads PCSCLITE_CSOCK_NAME once in a process's life: a process can use one reader directory only, though
its pcscd may end and start again.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import json
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from cvq_booth.virtual import control
from cvq_booth.virtual.desfire import PulledAway, VirtualDesfire
from cvq_booth.virtual.preload import preload
from cvq_booth.virtual.process import Program, exclusive, stop_asked

READER = "Virtual PCD 00 00"
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
SLOT = 35963
"""Number by which the configuration names the reader; the real port is told in a file."""

ATR = bytes.fromhex("3B8180018080")
"""Answer to reset of a contactless ISO 14443-4 card (PC/SC 2.01 part 3, 3.1.3.2.3.1)."""

GET_UID = bytes.fromhex("FFCA000000")
START_TIMEOUT_S = 15.0
SOCKET_PATH_MAX = 100
"""A Unix socket's path holds 107 bytes; what we append must fit."""


class Fault(StrEnum):
    """What can be wrong with a card that is laid on the reader."""

    NOISE = "noise"  # answers bytes that mean nothing
    REFUSES = "refuses"  # knows no such command
    SHORT = "short"  # answers half a status
    SILENT = "silent"  # never answers


_ANSWERS = {Fault.NOISE: b"\xde\xad\xbe\xef" * 9, Fault.REFUSES: b"\x6a\x81", Fault.SHORT: b"\x90"}


class _Card(asyncio.Protocol):
    """A card on the reader: vpcd's side of one connection."""

    def __init__(self, uid: bytes, fault: Fault | None, chip: VirtualDesfire | None) -> None:
        self._uid = uid
        self._fault = fault
        self._chip = chip
        self.was_read = asyncio.Event()
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._acknowledge()

    def data_received(self, data: bytes) -> None:
        self._acknowledge()
        self._received += data
        while len(self._received) >= 2:
            length = int.from_bytes(self._received[:2], "big")
            if len(self._received) < 2 + length:
                return
            message, self._received = self._received[2 : 2 + length], self._received[2 + length :]
            assert self._transport is not None
            try:
                answer = self._answer(message)
            except PulledAway:
                self._transport.abort()
                return
            if answer:
                self._transport.write(len(answer).to_bytes(2, "big") + answer)

    def _acknowledge(self) -> None:
        """Acknowledge at once: vpcd sends length and body apart, and waits 40 ms for a delayed acknowledgement."""
        assert self._transport is not None
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _answer(self, message: bytes) -> bytes:
        if len(message) == 1:
            if self._chip and message != b"\x04":
                self._chip.reset()
            return ATR if message == b"\x04" else b""
        if message == GET_UID:
            self.was_read.set()
        if self._fault is Fault.SILENT:
            return b""
        if self._fault is not None:
            return _ANSWERS[self._fault]
        if message == GET_UID:
            return self._uid + b"\x90\x00"
        return self._chip.answer(message) if self._chip else b"\x6d\x00"


class VirtualCards:
    """A card reader in `directory`, which is its own; made by `virtual_cards`."""

    def __init__(self, directory: Path) -> None:
        if len(str(directory)) > SOCKET_PATH_MAX - len("/pcscd.comm"):
            raise ValueError(f"{directory}: too long a path for a Unix socket")
        self.directory = directory
        self._daemon: Program | None = None
        self._lies: tuple[bytes, Fault | None, VirtualDesfire | None] | None = None
        self._transport: asyncio.Transport | None = None
        self._card: _Card | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find this reader and no other."""
        return {"PCSCLITE_CSOCK_NAME": str(self.directory / "pcscd.comm")}

    async def start(self) -> None:
        """Start pcscd; a card that lay on the reader lies there still."""
        if self._daemon and self._daemon.running:
            return
        for left in ("pcscd.comm", "pcscd.pid", f"card-{SLOT}"):
            (self.directory / left).unlink(missing_ok=True)
        readers = self.directory / "readers"
        readers.mkdir(exist_ok=True)
        (readers / "virtual").write_text(
            f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:{SLOT}\nLIBPATH {DRIVER}\nCHANNELID {SLOT}\n'
        )
        library = await asyncio.to_thread(preload, "pcscd_private")
        self._daemon = await Program.start(
            ["/usr/sbin/pcscd", "--foreground", "--critical", "--config", readers],
            {"LD_PRELOAD": str(library), "CVQ_PCSCD_DIR": str(self.directory)},
            self.directory / "pcscd.log",
        )
        await self._until_answering(self._daemon)
        if self._lies:
            await self._connect(*self._lies)

    async def _until_answering(self, daemon: Program) -> None:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await self._answers():
                if not daemon.running:
                    raise RuntimeError(f"pcscd ended at its start: {daemon.last_words()}")
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        if not (self.directory / f"card-{SLOT}").exists():
            return False
        with suppress(OSError):
            _, writer = await asyncio.open_unix_connection(self.directory / "pcscd.comm")
            writer.close()
            return True
        return False

    async def kill(self) -> None:
        """End pcscd as a crash would; `start` brings it back."""
        if self._daemon:
            await self._daemon.kill()
        self._disconnect()

    async def stop(self) -> None:
        """Take the card away and end pcscd."""
        await self.remove()
        if self._daemon:
            await self._daemon.stop()

    async def lay(self, uid: str, fault: Fault | None = None, chip: VirtualDesfire | None = None) -> None:
        """Lay a card on the reader, in place of the one that lies there; with a chip, or with its number alone.

        Raises:
            ValueError: `uid` is no identifier of 4 to 10 bytes in hexadecimal.
        """
        number = bytes.fromhex(uid)
        if not 4 <= len(number) <= 10:
            raise ValueError(f"{uid}: a card's identifier has 4 to 10 bytes")
        self._disconnect()
        self._lies = (number, fault, chip)
        if self._daemon and self._daemon.running:
            await self._connect(number, fault, chip)

    async def until_read(self) -> None:
        """Wait until the booth has asked the card for its identifier.

        Raises:
            ValueError: no card lies on the reader.
        """
        if self._card is None:
            raise ValueError("no card lies on the reader")
        await self._card.was_read.wait()

    async def remove(self) -> None:
        """Take the card away, if one lies there."""
        self._lies = None
        self._disconnect()

    async def _connect(self, uid: bytes, fault: Fault | None, chip: VirtualDesfire | None) -> None:
        port = int((self.directory / f"card-{SLOT}").read_text())
        async with asyncio.timeout(START_TIMEOUT_S):
            self._transport, self._card = await asyncio.get_running_loop().create_connection(
                lambda: _Card(uid, fault, chip), "127.0.0.1", port
            )

    def _disconnect(self) -> None:
        if self._transport:
            self._transport.abort()
            self._transport = self._card = None

    def state(self) -> dict[str, Any]:
        """Return what lies on the reader and whether the reader is there."""
        uid, fault, _ = self._lies or (None, None, None)
        return {
            "uid": uid.hex().upper() if uid else None,
            "fault": fault,
            "reader": bool(self._daemon and self._daemon.running),
        }

    async def carry_out(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what a command of `control` says: `lay`, `remove`, `unplug`, `plug` or `state`."""
        match command.get("do"):
            case "lay":
                fault = command.get("fault")
                await self.lay(str(command.get("uid", "")), Fault(fault) if fault else None)
            case "remove":
                await self.remove()
            case "unplug":
                await self.kill()
            case "plug":
                await self.start()
            case "state":
                pass
            case other:
                raise ValueError(f"{other}: no such command")
        return self.state()


@asynccontextmanager
async def virtual_cards(directory: Path | None = None) -> AsyncIterator[VirtualCards]:
    """Run a card reader until the block ends.

    Args:
        directory: its own, for a reader that another process uses. Without it this process has one that stays the same
            from one reader to the next, for the client library's sake; set `environment` before its first use.

    Raises:
        NotCompiled: gcc is missing.
        RuntimeError: pcscd did not start, the message says what it said; or this process has a reader running.
    """
    with exclusive(directory or _process_directory()) as own:
        cards = VirtualCards(own)
        try:
            await cards.start()
            async with control.served(own / "control", cards.carry_out):
                yield cards
        finally:
            await cards.stop()


@cache
def _process_directory() -> Path:
    directory = tempfile.mkdtemp(prefix="cvq-cards-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


async def _run(directory: Path | None) -> None:
    asked = stop_asked()
    async with virtual_cards(directory) as cards:
        ready = {"environment": cards.environment, "control": str(cards.directory / "control")}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await asked.wait()


def main(arguments: list[str] | None = None) -> None:
    """Run a virtual card reader until Ctrl-C; the first line printed is JSON: `environment` and `control`."""
    parser = argparse.ArgumentParser(prog="python -m cvq_booth.virtual.cards", description=main.__doc__)
    parser.add_argument("--dir", type=Path, help="its directory, kept afterwards; a temporary one by default")
    asyncio.run(_run(parser.parse_args(arguments).dir))


if __name__ == "__main__":
    main()

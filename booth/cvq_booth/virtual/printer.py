"""Virtual printer: CUPS' own ippeveprinter on a free loopback port, with a paper path that can be put in trouble.

What it receives and would have printed lies in `printed`, byte for byte. It needs neither avahi nor root.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from pyipp import IPP, IPPError
from pyipp.enums import IppOperation

from cvq_booth.virtual import control, paper_path
from cvq_booth.virtual.preload import preload
from cvq_booth.virtual.process import Program, exclusive, stop_asked

START_TIMEOUT_S = 15.0
STATE_TIMEOUT_S = 15.0
START_ATTEMPTS = 5
SERVER_BUSY = 0x0507
RASTER_ONLY = ("image/pwg-raster",)
FORMATS = ("application/pdf", "image/pwg-raster", "image/jpeg")


class Fault(StrEnum):
    """What can be wrong with the printer, by its IPP keyword."""

    PAPER_OUT = "media-empty"
    PAPER_JAM = "media-jam"
    COVER_OPEN = "cover-open"
    TONER_EMPTY = "toner-empty"


class VirtualPrinter:
    """A printer in `directory`, which is its own; made by `virtual_printer`."""

    def __init__(self, directory: Path, formats: Sequence[str] = FORMATS) -> None:
        self.directory = directory
        self.formats = formats
        self._program: Program | None = None
        self._port = 0
        self._faults: frozenset[Fault] = frozenset()
        self._seconds_per_page = 0.0

    @property
    def uri(self) -> str:
        """The printer's address; it stays the same when the printer is switched off and on."""
        return f"ipp://localhost:{self._port}/ipp/print"

    @property
    def on(self) -> bool:
        """Whether it is switched on."""
        return bool(self._program and self._program.running)

    def printed(self) -> list[Path]:
        """Return the documents that came out, oldest first."""
        tray = self.directory / "printed"
        sheets = [path for path in tray.glob("*") if not path.name.startswith(".")] if tray.exists() else []
        return sorted(sheets, key=lambda path: path.stat().st_mtime_ns)

    async def switch_on(self) -> None:
        """Switch it on; it knows nothing of earlier jobs, as most printers do not."""
        if self.on:
            return
        self._give_orders()
        command = self._write_command()
        library = await asyncio.to_thread(preload, "printer_alone")
        for attempt in range(START_ATTEMPTS):
            port = self._port or _free_port()
            self._program = await self._start(command, library, port)
            if await self._until_answering(self._program, port):
                self._port = port
                break
            if attempt == START_ATTEMPTS - 1:
                raise RuntimeError(f"ippeveprinter ended at its start: {self._program.last_words()}")
        if self._faults:
            await self._until_told()

    async def _start(self, command: Path, library: Path, port: int) -> Program:
        spool = self.directory / "spool"
        spool.mkdir(exist_ok=True)
        options: list[str | Path] = ["-p", str(port), "-n", "localhost", "-r", "off", "-d", spool, "-c", command]
        options += ["-f", ",".join(self.formats), "-M", "Imprimante", "-m", "virtuelle", "-s", "20,20", "-v"]
        return await Program.start(
            ["/usr/sbin/ippeveprinter", *options, "Imprimante du guichet"],
            {"LD_PRELOAD": str(library), "CVQ_PRINTER_DIR": str(self.directory)},
            self.directory / "printer.log",
        )

    def _write_command(self) -> Path:
        """Write the executable that ippeveprinter wants; `-I -S` starts Python without its environment, in 15 ms."""
        command = self.directory / "paper-path"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{paper_path.__file__}" "$1"\n')
        command.chmod(0o700)
        return command

    async def _until_answering(self, program: Program, port: int) -> bool:
        """Wait for the printer's first answer; False when the program ended, as it does when its port was taken."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while program.running:
                try:
                    await _ask(f"ipp://localhost:{port}/ipp/print", IppOperation.GET_PRINTER_ATTRIBUTES)
                except IPPError:
                    await asyncio.sleep(0.02)
                else:
                    return True
        return False

    async def switch_off(self) -> None:
        """Cut its power: a running job ends where it is."""
        if self._program:
            await self._program.kill()

    async def set_faults(self, *faults: Fault) -> None:
        """Put it in trouble, or in order without arguments; returns once the printer itself says so."""
        self._faults = frozenset(faults)
        self._give_orders()
        if self.on:
            await self._until_told()

    def set_speed(self, seconds_per_page: float) -> None:
        """Make it slow, from the next page on."""
        self._seconds_per_page = seconds_per_page
        self._give_orders()

    def _give_orders(self) -> None:
        orders = {"faults": sorted(self._faults), "seconds_per_page": self._seconds_per_page}
        partial = self.directory / ".orders.json"
        partial.write_text(json.dumps(orders))
        partial.replace(self.directory / "orders.json")

    async def _until_told(self) -> None:
        """Wait until the printer reports its faults: a running job does it, an idle printer gets a job for it."""
        async with asyncio.timeout(STATE_TIMEOUT_S):
            while True:
                state, reasons = await self._state()
                told = reasons == {self._keyword(fault, state) for fault in self._faults}
                if told and (state == "idle" or await self._serves_somebody()):
                    return
                if state == "idle":
                    await self._print_state()
                await asyncio.sleep(0.02)

    async def _serves_somebody(self) -> bool:
        """Whether a job other than ours is on the printer."""
        answer = await _ask(self.uri, IppOperation.GET_JOBS, {"requested-attributes": ["job-id", "job-name"]})
        return any(job.get("job-name") != paper_path.STATE_JOB for job in answer["jobs"])

    @staticmethod
    def _keyword(fault: Fault, state: str) -> str:
        return paper_path.idle_state([fault]) if state == "idle" else fault.value

    async def _state(self) -> tuple[str, set[str]]:
        answer = await _ask(self.uri, IppOperation.GET_PRINTER_ATTRIBUTES)
        attributes = answer["printers"][0]
        reasons = attributes["printer-state-reasons"]
        keywords = {str(reason).rsplit("-", 1)[0] for reason in (reasons if isinstance(reasons, list) else [reasons])}
        return attributes["printer-state"].name.lower(), keywords - {"none"}

    async def _print_state(self) -> None:
        job = {"job-name": paper_path.STATE_JOB, "document-format": self.formats[0]}
        try:
            await _ask(self.uri, IppOperation.PRINT_JOB, job, b"\n")
        except IPPError as error:
            if _status(error) != SERVER_BUSY:  # else a job came in between, and tells the state itself
                raise

    def state(self) -> dict[str, Any]:
        """Return what is set, for a panel."""
        return {
            "on": self.on,
            "faults": sorted(self._faults),
            "seconds_per_page": self._seconds_per_page,
            "printed": [str(path) for path in self.printed()],
        }

    async def carry_out(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what a command of `control` says: `faults`, `speed`, `on`, `off` or `state`."""
        match command.get("do"):
            case "faults":
                await self.set_faults(*(Fault(fault) for fault in command.get("faults", [])))
            case "speed":
                self.set_speed(min(60.0, max(0.0, float(command["seconds_per_page"]))))
            case "on":
                await self.switch_on()
            case "off":
                await self.switch_off()
            case "state":
                pass
            case other:
                raise ValueError(f"{other}: no such command")
        return self.state()


async def _ask(
    uri: str, operation: IppOperation, attributes: dict[str, Any] | None = None, data: bytes = b""
) -> dict[str, Any]:
    async with IPP(uri, request_timeout=5) as printer:
        message: dict[str, Any] = {"operation-attributes-tag": attributes or {}, "data": data}
        return dict(await printer.execute(operation, message))


def _status(error: IPPError) -> int | None:
    """Return the IPP status in one of pyipp's errors."""
    return next((part.get("status-code") for part in error.args if isinstance(part, dict)), None)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def virtual_printer(
    directory: Path | None = None, *, formats: Sequence[str] = FORMATS
) -> AsyncIterator[VirtualPrinter]:
    """Run a printer until the block ends, in a directory of its own unless one is given.

    Args:
        formats: what it accepts; `RASTER_ONLY` makes it one of those that take no PDF.

    Raises:
        NotCompiled: gcc is missing.
        RuntimeError: ippeveprinter did not start; the message says what it said.
    """
    with (
        tempfile.TemporaryDirectory(prefix="cvq-printer-") as temporary,
        exclusive(directory or Path(temporary)) as own,
    ):
        printer = VirtualPrinter(own, formats)
        try:
            await printer.switch_on()
            async with control.served(own / "control", printer.carry_out):
                yield printer
        finally:
            await printer.switch_off()


async def _run(directory: Path | None, formats: Sequence[str]) -> None:
    asked = stop_asked()
    async with virtual_printer(directory, formats=formats) as printer:
        ready = {"uri": printer.uri, "control": str(printer.directory / "control")}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await asked.wait()


def main(arguments: list[str] | None = None) -> None:
    """Run a virtual printer until Ctrl-C; the first line printed is JSON: `uri` and `control`."""
    parser = argparse.ArgumentParser(prog="python -m cvq_booth.virtual.printer", description=main.__doc__)
    parser.add_argument("--dir", type=Path, help="its directory, kept afterwards; a temporary one by default")
    parser.add_argument("--raster-only", action="store_true", help="take no PDF, only image/pwg-raster")
    options = parser.parse_args(arguments)
    asyncio.run(_run(options.dir, RASTER_ONLY if options.raster_only else FORMATS))


if __name__ == "__main__":
    main()

"""The paper path of the virtual printer: what ippeveprinter runs for each job, with the received file as argument.

It says the printer's and the job's state on its standard error, as ippeveprinter(1) asks its commands to, waits while
something is wrong, and puts what came out of the printer into `printed`. It runs alone and must start fast, hence the
standard library only.

`orders.json`, beside it in the printer's directory, says what is wrong (`faults`: IPP keywords) and how slow it is
(`seconds_per_page`). A job of the name `STATE_JOB` prints nothing: it makes an idle printer tell its state.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

STATE_JOB = "virtual-printer-state"
LOOK_S = 0.05
CANCEL_LOOK_S = 0.2
PAGES_MAX = 500
GOES_ON = "toner-empty"
"""What a printer tells without stopping."""

_PWG_SYNC = b"RaS2"
_PWG_HEADER_BYTES = 1796


def say(line: str) -> None:
    """Tell ippeveprinter something."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def read_orders(directory: Path) -> dict[str, Any]:
    """Return what is wrong with the printer, nothing where nothing was ordered."""
    with contextlib.suppress(OSError, ValueError):
        orders: dict[str, Any] = json.loads((directory / "orders.json").read_text())
        return orders
    return {}


def idle_state(faults: list[str]) -> str:
    """Return the keywords of an idle printer.

    An idle ippeveprinter that says `media-empty` never starts a job again, since it waits for a tray that only its own
    web page can fill: while idle, the same is said by `media-needed`.
    """
    return ",".join("media-needed" if fault == "media-empty" else fault for fault in faults) or "none"


def count_pages(document: bytes) -> int:
    """Return about how many sheets a document takes: exact for PWG raster, a guess for PDF, 1 for anything else."""
    if document.startswith(_PWG_SYNC):
        return max(1, document.count(b"PwgRaster\0"))
    return min(PAGES_MAX, max(1, len(re.findall(rb"/Type\s*/Page\b", document))))


class Job:
    """One job of the printer, as its environment describes it."""

    def __init__(self, document: Path) -> None:
        self.document = document
        self.directory = Path(os.environ["CVQ_PRINTER_DIR"])
        self.number = int(os.environ["IPP_JOB_ID"])
        self.address = os.environ["IPP_JOB_PRINTER_URI"]
        self.copies = int(os.environ.get("IPP_COPIES", "1"))
        self._state = ""
        self._parent = os.getppid()
        self._look_at = 0.0
        self._cancelled = False

    def run(self) -> None:
        """Print, page after page; a cancelled job leaves no sheet."""
        pages = count_pages(self.document.read_bytes()) * self.copies
        say(f"ATTR: job-impressions={pages}")
        for page in range(1, pages + 1):
            if not self._feed_page():
                break
            say(f"ATTR: job-impressions-completed={page}")
        else:
            self._put_out()
        say(f"STATE: {idle_state(self._faults())}")

    def _faults(self) -> list[str]:
        return list(read_orders(self.directory).get("faults", []))

    def _feed_page(self) -> bool:
        """Wait for the time that a page takes and for everything to be in order; False when cancelled."""
        done_at = time.monotonic() + float(read_orders(self.directory).get("seconds_per_page", 0))
        while True:
            faults = self._faults()
            if (state := ",".join(faults) or "none") != self._state:
                say(f"STATE: {state}")
                self._state = state
            if self._is_cancelled():
                return False
            if set(faults) <= {GOES_ON} and time.monotonic() >= done_at:
                return True
            if os.getppid() != self._parent:
                sys.exit(1)  # the printer was switched off
            time.sleep(LOOK_S)

    def _is_cancelled(self) -> bool:
        """Ask the printer, which tells its command nothing of a cancellation."""
        if not self._cancelled and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + CANCEL_LOOK_S
            self._cancelled = b"processing-to-stop-point" in self._attributes()
        return self._cancelled

    def _attributes(self) -> bytes:
        def attribute(tag: int, name: str, value: bytes) -> bytes:
            return struct.pack(">bh", tag, len(name)) + name.encode() + struct.pack(">h", len(value)) + value

        body = (
            struct.pack(">bbhib", 2, 0, 0x0009, 1, 1)
            + attribute(0x47, "attributes-charset", b"utf-8")
            + attribute(0x48, "attributes-natural-language", b"en")
            + attribute(0x45, "printer-uri", self.address.encode())
            + attribute(0x21, "job-id", struct.pack(">i", self.number))
            + attribute(0x44, "requested-attributes", b"job-state-reasons")
            + b"\x03"
        )
        address = self.address.replace("ipp://", "http://", 1)
        request = Request(address, body, {"Content-Type": "application/ipp"})  # noqa: S310 - the printer that started us
        try:
            with urlopen(request, timeout=5) as answer:  # noqa: S310 - likewise
                return bytes(answer.read(4096))
        except (URLError, TimeoutError, ConnectionError):
            return b""

    def _put_out(self) -> None:
        """Lay the printed document into the output tray, whole or not at all."""
        tray = self.directory / "printed"
        tray.mkdir(exist_ok=True)
        partial = tray / f".{self.document.name}"
        partial.write_bytes(self.document.read_bytes())
        partial.rename(tray / self.document.name)


def main() -> None:
    """Carry out one job."""
    if os.environ.get("IPP_JOB_NAME") == STATE_JOB:
        say(f"STATE: {idle_state(list(read_orders(Path(os.environ['CVQ_PRINTER_DIR'])).get('faults', [])))}")
    else:
        Job(Path(sys.argv[1])).run()


if __name__ == "__main__":
    main()

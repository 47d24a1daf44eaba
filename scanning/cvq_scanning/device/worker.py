"""One scan job in a process of its own: `python -m cvq_scanning.device.worker`.

The job comes as one frame on standard input, at once or when the time has come; it then stays open: its end means that
nobody waits any more, and cancels the scan. `band`, `page` and `end` leave as frames on standard output.

The scanner is held by a further process, see `driver`, so that a driver that hangs or crashes costs no page that was
already read. Here, the main thread shows rows as they come, and a niced thread makes the files of finished pages while
the next page is being read.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from cvq_scanning.device.libsane import FrameFormat, Parameters
from cvq_scanning.device.order import WorkOrder
from cvq_scanning.frames import FrameWriter, pack, read_frame
from cvq_scanning.troubles import ScanTrouble

if TYPE_CHECKING:
    from cvq_scanning.device.pages import PageFinisher, RawPage

DRIVER: Final = "cvq_scanning.device.driver"

CANCEL_GRACE_S: Final = 2.5


class Scan:
    """The job being done: frames of the driver in, bands and pages out."""

    def __init__(self, order: WorkOrder, driver: subprocess.Popen[bytes], out: FrameWriter) -> None:
        self._order = order
        self._out = out
        self._driver = driver
        self._driver_ended = False
        assert driver.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            driver.stdin.write(pack(asdict(order)))
            driver.stdin.flush()

    def run(self) -> None:
        """Scan all pages; `ScanTrouble` says why it ended early, after the whole pages were kept."""
        # Imaging loads while the driver opens the scanner, see `load_imaging`.
        from cvq_scanning.device.pages import PageFinisher

        finisher = PageFinisher(self._order, self._out)
        try:
            self._read_pages(finisher)
        finally:
            finisher.close()

    def cancel(self) -> None:
        """Have the driver ask the scanner to stop; called from another thread."""
        assert self._driver.stdin is not None
        with contextlib.suppress(OSError):
            self._driver.stdin.close()

    def wait(self) -> None:
        """Wait until the driver has given the scanner back; who started this process bounds the wait."""
        if not self._driver_ended:
            self.cancel()
            assert self._driver.stdout is not None
            self._driver.stdout.close()
        self._driver.wait()

    def _read_pages(self, finisher: PageFinisher) -> None:
        while (head := self._next_frame()[0])["type"] == "start":
            finisher.put(self._read_page(head))
        if head["trouble"] is not None:
            raise ScanTrouble(head["trouble"], head["detail"])

    def _read_page(self, start: dict[str, Any]) -> RawPage:
        from cvq_scanning.device.pages import BandSender, RawPage
        from cvq_scanning.device.pixels import FormatRefused, row_format

        page, resolution_dpi = start["page"], start["resolution_dpi"]
        parameters = Parameters(
            format=FrameFormat(start["format"]),
            last_frame=start["last_frame"],
            bytes_per_line=start["bytes_per_line"],
            pixels_per_line=start["pixels_per_line"],
            lines=start["lines"],
            depth=start["depth"],
        )
        try:
            layout = row_format(parameters, self._order.mode)
        except FormatRefused as error:
            raise ScanTrouble("failed", str(error)) from error
        bands = BandSender(self._out, page, layout, parameters.lines, resolution_dpi)
        rows = bytearray()
        while (frame := self._next_frame())[0]["type"] == "rows":
            rows += frame[1]
            bands.offer(rows)
        if frame[0]["type"] == "end":
            raise ScanTrouble(frame[0]["trouble"], frame[0]["detail"])
        height = parameters.lines if parameters.lines > 0 else len(rows) // layout.bytes_per_line
        del rows[height * layout.bytes_per_line :]
        bands.offer(rows, last=True)
        return RawPage(page=page, rows=rows, format=layout, resolution_dpi=resolution_dpi)

    def _next_frame(self) -> tuple[dict[str, Any], bytes]:
        assert isinstance(self._driver.stdout, io.BufferedReader)
        frame = read_frame(self._driver.stdout)
        if frame is None:
            raise ScanTrouble("failed", f"the scanner's driver ended with {self._driver.wait()}")
        self._driver_ended = frame[0]["type"] == "end"
        return frame


def start_driver() -> subprocess.Popen[bytes]:
    """The process that will hold the scanner, waiting for its order."""
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def load_imaging() -> None:
    """Load in the background what handles pictures: it takes longer than to start a scanner."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    from cvq_scanning import clean
    from cvq_scanning.device import pages

    assert pages
    assert clean


def end_with_parent(scan: Scan) -> None:
    """Cancel when standard input ends, and end this process group if the scanner does not let go in time."""
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    scan.cancel()
    time.sleep(CANCEL_GRACE_S)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Do the one job that standard input brings."""
    try:
        _work()
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _work() -> None:
    # A core dump would leave somebody's papers on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    out = FrameWriter(sys.stdout.buffer)
    driver = start_driver()
    threading.Thread(target=load_imaging, daemon=True).start()
    frame = read_frame(sys.stdin.buffer)
    if frame is None:
        return
    scan = Scan(WorkOrder(**frame[0]), driver, out)
    threading.Thread(target=end_with_parent, args=(scan,), daemon=True).start()
    end: dict[str, Any] = {"type": "end", "trouble": None, "detail": ""}
    try:
        scan.run()
    except ScanTrouble as trouble:
        end |= {"trouble": trouble.slug, "detail": trouble.detail}
    with contextlib.suppress(BrokenPipeError):
        out.send(end)
    scan.wait()


if __name__ == "__main__":
    main()

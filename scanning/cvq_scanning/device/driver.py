"""The process that holds the scanner: `python -m cvq_scanning.device.driver`.

It sets the scanner up, reads rows and passes them on as they come; the process that started it does all the rest.
Drivers start threads and kill them at any point, the loader's or the allocator's lock in their hand (SANE's own
`test` backend does): whatever else ran here would hang now and then. So nothing is imported after the scanner is open.

The job comes as a frame on standard input, whose end cancels the scan. Frames go out: `start` (a page's geometry),
`rows`, `whole` (the page has all its rows), and `end` with the trouble, if any.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO, Final

from cvq_scanning.device.configure import configure, trouble_of
from cvq_scanning.device.libsane import Device, Parameters, SaneError, Status
from cvq_scanning.device.order import BAND_ROWS_MAX, PAGE_BYTES_MAX, WorkOrder
from cvq_scanning.frames import FrameWriter, read_frame
from cvq_scanning.troubles import ScanTrouble

CANCEL_GRACE_S: Final = 2.0
"""A feeder puts the sheet out before it stops."""

_ABSENT_AT_OPEN: Final = (Status.INVAL, Status.IO_ERROR, Status.UNSUPPORTED)


class Driver:
    """One job on one scanner."""

    def __init__(self, order: WorkOrder, out: FrameWriter) -> None:
        self._order = order
        self._out = out
        self._device: Device | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        """Scan all pages; `ScanTrouble` says why it ended early."""
        device = self._open()
        resolution_dpi = configure(device, self._order)
        one_page = self._order.source == "flatbed"
        for page in range(1, (1 if one_page else self._order.pages_max) + 1):
            if not self._scan_page(device, page, resolution_dpi):
                return
        if not one_page:
            self._refuse_another_page(device)

    def cancel(self) -> None:
        """Ask the scanner to stop; called from another thread."""
        with self._lock:
            if self._device is not None:
                self._device.cancel()

    def close(self) -> None:
        """Give the scanner back."""
        with self._lock:
            device, self._device = self._device, None
            if device is not None:
                device.cancel()
                device.close()

    def _open(self) -> Device:
        try:
            device = Device(self._order.device)
        except SaneError as error:
            if error.status in _ABSENT_AT_OPEN:
                raise ScanTrouble("device_missing", str(error)) from error
            raise trouble_of(error) from error
        with self._lock:
            self._device = device
        return device

    def _scan_page(self, device: Device, page: int, resolution_dpi: int) -> bool:
        """Read one page; False where the feeder is empty after at least one page."""
        try:
            parameters = device.start()
            self._announce(page, parameters, resolution_dpi)
            rows = self._pass_on_rows(device, parameters)
        except SaneError as error:
            if error.status is Status.NO_DOCS and page > 1:
                return False
            raise trouble_of(error) from error
        # A driver that was cancelled, or lost its scanner, may report the page's end as if all were well.
        if rows < max(parameters.lines, 1):
            announced = parameters.lines if parameters.lines > 0 else "some"
            raise ScanTrouble("truncated", f"{rows} rows of {announced}")
        self._out.send({"type": "whole"})
        return True

    def _announce(self, page: int, parameters: Parameters, resolution_dpi: int) -> None:
        self._out.send(
            {
                "type": "start",
                "page": page,
                "resolution_dpi": resolution_dpi,
                "format": parameters.format,
                "last_frame": parameters.last_frame,
                "bytes_per_line": parameters.bytes_per_line,
                "pixels_per_line": parameters.pixels_per_line,
                "lines": parameters.lines,
                "depth": parameters.depth,
            }
        )

    def _pass_on_rows(self, device: Device, parameters: Parameters) -> int:
        """Send what the scanner delivers as it comes; gives the number of whole rows."""
        stride = parameters.bytes_per_line
        if stride < 1 or stride * BAND_ROWS_MAX > PAGE_BYTES_MAX:
            raise ScanTrouble("failed", "the scanner announced impossible rows")
        buffer = ctypes.create_string_buffer(stride * BAND_ROWS_MAX)
        total = 0
        while (length := device.read(buffer, len(buffer))) is not None:
            total += length
            if total > PAGE_BYTES_MAX:
                raise ScanTrouble("failed", "the page has no end")
            self._out.send({"type": "rows"}, ctypes.string_at(buffer, length))
        return total // stride

    def _refuse_another_page(self, device: Device) -> None:
        """SANE has no portable way to ask whether paper waits, other than to take the next sheet."""
        try:
            device.start()
        except SaneError as error:
            if error.status is Status.NO_DOCS:
                return
            raise trouble_of(error) from error
        raise ScanTrouble("too_many_pages", f"more than {self._order.pages_max}")


def lock_device(device: str) -> socket.socket | None:
    """Hold the device against a second job on this machine; None where another process has it.

    An abstract socket's name vanishes with its process, however that ends. The name carries SANE's configuration, so
    that two sets of virtual scanners do not meet.
    """
    key = f"{os.getuid()}\0{os.environ.get('SANE_CONFIG_DIR', '')}\0{device}"
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind("\0cvq-scanner-" + hashlib.sha256(key.encode()).hexdigest()[:32])
    except OSError:
        held.close()
        return None
    return held


def redirect_output() -> BinaryIO:
    """The real standard output, for frames alone; whatever prints from now on prints to standard error."""
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return frames


def end_with_parent(driver: Driver) -> None:
    """Cancel when standard input ends, and die if the scanner does not let go in time."""
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    # A driver may hang in `sane_cancel` itself.
    threading.Thread(target=driver.cancel, daemon=True).start()
    time.sleep(CANCEL_GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Do the one job that standard input brings, and leave at once: drivers may hang in their exit handlers."""
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
    out = FrameWriter(redirect_output())
    frame = read_frame(sys.stdin.buffer)
    if frame is None:
        return
    order = WorkOrder(**frame[0])
    driver = Driver(order, out)
    threading.Thread(target=end_with_parent, args=(driver,), daemon=True).start()
    held = lock_device(order.device)
    end: dict[str, Any] = {"type": "end", "trouble": None, "detail": ""}
    try:
        if held is None:
            raise ScanTrouble("device_busy", "another scan is under way")
        driver.run()
    except ScanTrouble as trouble:
        end |= {"trouble": trouble.slug, "detail": trouble.detail}
    except BrokenPipeError:
        return
    # The result is out before `sane_close`, in which some drivers hang or crash.
    with contextlib.suppress(BrokenPipeError):
        out.send(end)
    driver.close()


if __name__ == "__main__":
    main()

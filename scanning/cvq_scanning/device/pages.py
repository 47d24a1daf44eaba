"""Pages in the making: strips while the rows come, then the page's file."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
import time
from dataclasses import dataclass
from typing import Final

from PIL import Image

from cvq_scanning.device.order import A4_MM, BAND_ROWS_MAX, WorkOrder
from cvq_scanning.device.pixels import RowFormat, preview_jpeg, preview_scale
from cvq_scanning.frames import FrameWriter
from cvq_scanning.troubles import ScanTrouble

BAND_INTERVAL_S: Final = 0.1
"""A slow scanner's rows are shown this often, before a whole band has come."""
PAGE_QUALITY: Final = 85
PAGES_WAITING_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as it was read, whole rows only."""

    page: int
    rows: bytearray
    format: RowFormat
    resolution_dpi: int


class PageFinisher:
    """Turns raw pages into files in a niced thread; the first failure is kept for `close` to raise."""

    def __init__(self, order: WorkOrder, out: FrameWriter) -> None:
        self._order = order
        self._out = out
        self._waiting: queue.Queue[RawPage | None] = queue.Queue(PAGES_WAITING_MAX)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="finisher", daemon=True)
        self._thread.start()

    def put(self, raw: RawPage) -> None:
        """Hand over a page; waits while two others are still in hand, which bounds the memory."""
        self._waiting.put(raw)

    def close(self) -> None:
        """Wait for the last page; `ScanTrouble` where one could not be kept."""
        self._waiting.put(None)
        self._thread.join()
        if self._failure is not None:
            raise ScanTrouble("failed", f"a page could not be kept: {self._failure}") from self._failure

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        while (raw := self._waiting.get()) is not None:
            if self._failure is not None:
                continue
            try:
                self._finish(raw)
            except Exception as failure:  # whatever it is, the scan must end and say it
                self._failure = failure

    def _finish(self, raw: RawPage) -> None:
        # Loading numpy takes longer than starting the scanner: it waits until there is a page to look at.
        from cvq_scanning.clean import advise

        image = raw.format.image(raw.rows)
        path = self._order.page_path(raw.page)
        unfinished = self._order.unfinished_path(raw.page)
        dpi = (raw.resolution_dpi, raw.resolution_dpi)
        image.save(unfinished, "JPEG", quality=PAGE_QUALITY, dpi=dpi)
        digest = hashlib.sha256(unfinished.read_bytes()).hexdigest()
        unfinished.replace(path)
        advice = advise(image)
        self._out.send(
            {
                "type": "page",
                "page": raw.page,
                "width": image.width,
                "height": image.height,
                "resolution_dpi": raw.resolution_dpi,
                "sha256": digest,
                "blank": advice.blank,
                "skew_degrees": advice.skew_degrees,
                "crop": advice.crop,
            }
        )


class BandSender:
    """Sends the rows of a growing page as strips of at most `BAND_ROWS_MAX` rows, reduced for the eye."""

    def __init__(self, out: FrameWriter, page: int, layout: RowFormat, lines: int, resolution_dpi: int) -> None:
        self._out = out
        self._page = page
        self._layout = layout
        self._scale = preview_scale(resolution_dpi)
        self._rows_max = BAND_ROWS_MAX // self._scale * self._scale
        self._lines = lines if lines > 0 else round(A4_MM[1] / 25.4 * resolution_dpi)
        self._rows_sent = 0
        self._sent_at = 0.0

    def offer(self, rows: bytearray, *, last: bool = False) -> None:
        """Send what of `rows`, the page so far, is ripe: whole bands, or any rows after a while or at the end."""
        stride = self._layout.bytes_per_line
        while True:
            waiting = len(rows) // stride - self._rows_sent
            count = min(waiting, self._rows_max)
            if not last and waiting < self._rows_max:
                if time.monotonic() - self._sent_at < BAND_INTERVAL_S:
                    return
                # All bands but the last one end on a whole row of the preview.
                count -= count % self._scale
            if count <= 0:
                return
            with memoryview(rows) as view:
                strip = self._layout.image(view[self._rows_sent * stride : (self._rows_sent + count) * stride])
            self._send(strip)
            self._rows_sent += count
            self._sent_at = time.monotonic()

    def _send(self, strip: Image.Image) -> None:
        scale = self._scale
        top, height = self._rows_sent // scale, -(-strip.height // scale)
        self._out.send(
            {
                "type": "band",
                "page": self._page,
                "top": top,
                "height": height,
                "page_width": -(-self._layout.width // scale),
                "page_height": max(-(-self._lines // scale), top + height),
                "scale": scale,
            },
            preview_jpeg(strip, scale),
        )

"""What a worker is told to do: the one frame that it gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cvq_scanning.device.choices import Mode, Source

A4_MM: Final = (210.0, 297.0)
BAND_ROWS_MAX: Final = 128
PAGE_BYTES_MAX: Final = 320 * 1024 * 1024
"""One raw page: an A3 sheet in colour at 600 dpi is 210 MB."""


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A scan job on its way to the worker; `token` keeps the files of two scans into one spool apart."""

    device: str
    source: Source
    mode: Mode
    resolution_dpi: int
    pages_max: int
    spool: str
    token: str
    extra_options: dict[str, str | int | float] = field(default_factory=dict)

    def page_path(self, page: int) -> Path:
        """Where page number `page`, counted from 1, is kept."""
        return Path(self.spool) / f"scan-{self.token}-{page:04}.jpg"

    def unfinished_path(self, page: int) -> Path:
        """Where it is written before it has its name."""
        return Path(self.spool) / f".scan-{self.token}-{page:04}.jpg.part"

"""What a scan is made of, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from cvq_scanning.troubles import TroubleSlug

RESOLUTION_DPI: Final = (50, 1200)
PAGES_MAX: Final = 200
DEVICE_CHARS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class ScanJob:
    """What to scan, and where to keep it.

    `spool` is an existing folder, on a tmpfs at a booth. `extra_options` are SANE options set after all others: the
    corrections that one device needs, see `load_overrides`.
    """

    device: str
    source: Literal["flatbed", "feeder"]
    mode: Literal["color", "gray"]
    resolution_dpi: int
    pages_max: int
    spool: Path
    extra_options: Mapping[str, str | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # SANE takes an empty name for any scanner that it finds first.
        if not 1 <= len(self.device) <= DEVICE_CHARS_MAX or "\0" in self.device:
            raise ValueError("device must be the name of a scanner")
        if self.source not in ("flatbed", "feeder") or self.mode not in ("color", "gray"):
            raise ValueError("unknown source or mode")
        if not RESOLUTION_DPI[0] <= self.resolution_dpi <= RESOLUTION_DPI[1]:
            raise ValueError(f"resolution_dpi must be within {RESOLUTION_DPI[0]} and {RESOLUTION_DPI[1]}")
        if not 1 <= self.pages_max <= PAGES_MAX:
            raise ValueError(f"pages_max must be within 1 and {PAGES_MAX}")


@dataclass(frozen=True, slots=True)
class Band:
    """A strip of a page that is being scanned, in the geometry of the preview.

    The preview is the page reduced by the whole number `scale`, to 100 dpi or less: `top`, `height`, `page_width` and
    `page_height` are pixels of the preview, and `jpeg` is a JPEG of exactly `page_width` × `height` of them. A band
    covers at most 128 rows of the scan. `page` counts from 1. Where the scanner cannot know a page's length before
    its end, `page_height` is that of an A4 sheet, and grows if the page is longer.
    """

    page: int
    top: int
    height: int
    page_width: int
    page_height: int
    jpeg: bytes
    scale: int


@dataclass(frozen=True, slots=True)
class Page:
    """A finished page: a JPEG (quality 85) of the scanner's own pixels, neither turned nor cropped.

    `width` and `height` are its pixels, `sha256` the file's digest in hexadecimal. `blank`, `skew_degrees`
    (counter-clockwise) and `crop` (left, top, right, bottom as shares of width and height) are advice.
    """

    page: int
    path: Path
    width: int
    height: int
    resolution_dpi: int
    sha256: str
    blank: bool
    skew_degrees: float = 0.0
    crop: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class ScannerInfo:
    """A scanner that SANE sees; a list is empty where the device could not be asked."""

    name: str
    vendor: str
    model: str
    sources: tuple[Literal["flatbed", "feeder"], ...]
    modes: tuple[Literal["color", "gray"], ...]
    resolutions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScannerState:
    """How a scanner answered: `trouble` is set where `state` is `trouble`."""

    state: Literal["ready", "busy", "missing", "trouble"]
    trouble: TroubleSlug | None = None
    detail: str = ""

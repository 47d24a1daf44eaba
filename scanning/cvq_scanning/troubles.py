"""What may go wrong at a scanner, as slugs that the desk and the console have words for."""

from __future__ import annotations

from typing import Final, Literal

TroubleSlug = Literal[
    "paper_jam",
    "feeder_empty",
    "cover_open",
    "device_missing",
    "device_busy",
    "too_many_pages",
    "truncated",
    "failed",
]

TROUBLE_SLUGS: Final[tuple[TroubleSlug, ...]] = (
    "paper_jam",
    "feeder_empty",
    "cover_open",
    "device_missing",
    "device_busy",
    "too_many_pages",
    "truncated",
    "failed",
)


class ScanTrouble(Exception):
    """A scan that could not go on: `slug` for people's words, `detail` for the log, in English."""

    def __init__(self, slug: TroubleSlug, detail: str = "") -> None:
        super().__init__(f"{slug}: {detail}" if detail else slug)
        self.slug: Final = slug
        self.detail: Final = detail

"""The machines that commands use, as they are configured."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from cvq_booth.devices.printer import Printer
from cvq_booth.settings import BoothSettings


@dataclass(frozen=True, slots=True)
class Machines:
    """What a booth has; each may be missing. `scanner_turn` keeps a look at the scanner out of a scan's way."""

    scanner: str | None = None
    scanner_overrides: Path | None = None
    printer: Printer | None = None
    camera: str | None = None
    scanner_turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def from_settings(cls, settings: BoothSettings) -> Machines:
        """Return the machines that the settings name."""
        return cls(
            scanner=settings.scanner,
            scanner_overrides=settings.scanner_overrides,
            printer=Printer(settings.printer_uri) if settings.printer_uri else None,
            camera=settings.document_camera,
        )

"""Scanners without hardware, real SANE and real processes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest
from PIL import Image

from cvq_scanning.acquire import Band, Page, ScanJob, ScanTrouble, scan
from cvq_scanning.virtual import PAPER_DEVICE, TEST_DEVICE, VirtualScanner, prepare, sheets


@dataclass
class Scanned:
    """All that a scan gave, in the order in which it came."""

    items: list[Band | Page] = field(default_factory=list)
    trouble: ScanTrouble | None = None

    @property
    def bands(self) -> list[Band]:
        return [item for item in self.items if isinstance(item, Band)]

    @property
    def pages(self) -> list[Page]:
        return [item for item in self.items if isinstance(item, Page)]

    @property
    def slug(self) -> str | None:
        return self.trouble.slug if self.trouble else None


class StartScan(Protocol):
    """Starts a scan with some of a job's fields; the others are those of a grey flatbed scan."""

    def __call__(self, *, stall_timeout_s: float = ..., **job: Any) -> AsyncGenerator[Band | Page]: ...


@pytest.fixture
def started() -> Callable[[], list[psutil.Process]]:
    """Tells the processes that run now and were started by this test; those of other tests' servers do not count."""
    before = set(psutil.Process().children())
    return lambda: [child for child in psutil.Process().children() if child not in before]


@pytest.fixture(scope="session")
def _virtual_scanners(tmp_path_factory: pytest.TempPathFactory) -> VirtualScanner:
    return prepare(tmp_path_factory.mktemp("sane"))


@pytest.fixture
def scanner(_virtual_scanners: VirtualScanner) -> Iterator[VirtualScanner]:
    """Virtual scanners, well and with their first papers."""
    yield _virtual_scanners
    _virtual_scanners.set_control()


@pytest.fixture(scope="session")
def small_sheets() -> list[Image.Image]:
    """Four small papers, each of another text, that are scanned in no time."""
    papers = []
    for number in range(1, 5):
        paper = sheets.Pen(sheets.residence_proof(300).crop((0, 0, 1200, 900)), 300)
        paper.text(10, 70, f"Feuille {number}", 20)
        papers.append(paper.image)
    return papers


@pytest.fixture
def full_feeder(scanner: VirtualScanner, small_sheets: list[Image.Image]) -> VirtualScanner:
    """The virtual scanner with four small sheets in its feeder."""
    scanner.load_feeder(small_sheets)
    return scanner


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Where pages are kept."""
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def start_scan(scanner: VirtualScanner, spool: Path) -> StartScan:
    """Starts scans on the virtual scanners into the spool."""

    def start(*, stall_timeout_s: float = 60, **job: Any) -> AsyncGenerator[Band | Page]:
        plain = {
            "device": PAPER_DEVICE,
            "source": "flatbed",
            "mode": "gray",
            "resolution_dpi": 150,
            "pages_max": 30,
            "spool": spool,
        }
        return scan(ScanJob(**(plain | job)), env=scanner.env, stall_timeout_s=stall_timeout_s)

    return start


@pytest.fixture
def scan_all(start_scan: StartScan) -> Any:
    """Scans to the end and gives all that came, the trouble included."""

    async def run(**job: Any) -> Scanned:
        scanned = Scanned()
        try:
            async with aclosing(start_scan(**job)) as items:
                async for item in items:
                    scanned.items.append(item)
        except ScanTrouble as trouble:
            scanned.trouble = trouble
        return scanned

    return run


@pytest.fixture
def test_job() -> dict[str, Any]:
    """A small scan on SANE's own `test` backend."""
    return {"device": TEST_DEVICE, "resolution_dpi": 75}

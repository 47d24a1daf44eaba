"""Scanners without hardware in a private SANE configuration, no root and nothing in /etc.

Three of SANE's kinds: `test` (its own test pictures, every status), `pnm` (an image file as the page) and `paper`, a
backend of ours with a glass, a feeder and a pace, which can be jammed while it runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PIL import Image

from cvq_scanning.virtual import sheets

TEST_DEVICE: Final = "test:0"
PNM_DEVICE: Final = "pnm:0"
PAPER_DEVICE: Final = "paper:desk"

PaperTrouble = Literal["jammed", "no_docs", "cover_open", "io_error", "busy", "eof", "pause", "hang", "crash"]

_PAPER_SOURCE: Final = Path(__file__).with_name("paper.c")
_COMPILE: Final = ("cc", "-std=c11", "-D_DEFAULT_SOURCE", "-O2", "-shared", "-fPIC")
_COMPILE_TIMEOUT_S: Final = 60


class ScannerNotBuilt(Exception):
    """The virtual scanner's backend could not be compiled; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class VirtualScanner:
    """Virtual scanners in the folder `directory`; `env` is what a SANE program needs to see them, and nothing else."""

    directory: Path
    env: Mapping[str, str]

    @property
    def overrides(self) -> Path:
        """The file of per-device overrides beside these scanners, see `cvq_scanning.acquire.load_overrides`."""
        return self.directory / "overrides.json"

    @property
    def pnm_file(self) -> Path:
        """A page for `PNM_DEVICE`, to be named by its option `filename`."""
        return self.directory / "page.ppm"

    def lay_on_glass(self, image: Image.Image) -> None:
        """Put a paper, drawn at 300 dpi, on the glass of `PAPER_DEVICE`."""
        _write_pnm(image, self._paper / "glass.pnm")

    def load_feeder(self, images: Sequence[Image.Image]) -> None:
        """Put sheets, drawn at 300 dpi, into the feeder of `PAPER_DEVICE`, in place of those that lie there."""
        feeder = self._paper / "feeder"
        shutil.rmtree(feeder, ignore_errors=True)
        feeder.mkdir()
        for number, image in enumerate(images, start=1):
            _write_pnm(image, feeder / f"{number:03}.pnm")

    def set_control(
        self, trouble: PaperTrouble | None = None, *, page: int = 0, row: int = 0, row_delay_us: int = 0
    ) -> None:
        """Make `PAPER_DEVICE` slow, or put it in trouble, at once and also while it scans.

        `pause` lasts until the next call, `hang` until the driver is killed. The trouble comes at sheet `page` (0: at
        every one) and at row `row` of its 300 dpi; `row_delay_us` is how long one row of the scan takes, in
        microseconds.
        """
        control = f"trouble {trouble or 'none'}\npage {page}\nrow {row}\ndelay {row_delay_us}\n"
        unfinished = self._paper / ".control"
        unfinished.write_text(control)
        unfinished.replace(self._paper / "control")

    @property
    def _paper(self) -> Path:
        return self.directory / "paper"


def prepare(directory: Path) -> VirtualScanner:
    """Set virtual scanners up in `directory`, made where missing; what already lies there stays.

    At first the glass holds an identity card and the feeder four sheets, the last one blank.

    Raises:
        ScannerNotBuilt: where there is no C compiler or no header of SANE (`gcc`, `libsane-dev`).
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "dll.conf").write_text("test\npnm\npaper\n")
    # The backend's own limit of 200 mm cannot hold an A4 sheet.
    (directory / "test.conf").write_text("geometry_max 300.0\n")
    (directory / "paper").mkdir(exist_ok=True)
    _build(directory / "lib")
    scanner = VirtualScanner(directory, _environment(directory))
    paper = directory / "paper"
    if not (paper / "control").exists():
        scanner.set_control()
    if not (paper / "glass.pnm").exists():
        scanner.lay_on_glass(sheets.identity_card())
    if not (paper / "feeder").exists():
        scanner.load_feeder(
            [sheets.residence_proof(), sheets.school_certificate(), sheets.income_notice(), sheets.blank_sheet()]
        )
    if not scanner.pnm_file.exists():
        _write_pnm(sheets.residence_proof(), scanner.pnm_file)
    return scanner


def _environment(directory: Path) -> dict[str, str]:
    # libsane looks for its backends where LD_LIBRARY_PATH points to, before its own folder.
    searched = [str(directory / "lib"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "SANE_CONFIG_DIR": str(directory),
        "LD_LIBRARY_PATH": ":".join(searched),
    }


def _build(folder: Path) -> None:
    library = folder / "libsane-paper.so.1"
    if library.exists() and library.stat().st_mtime >= _PAPER_SOURCE.stat().st_mtime:
        return
    folder.mkdir(exist_ok=True)
    unfinished = folder / f".paper-{os.getpid()}.so"
    try:
        subprocess.run(  # noqa: S603 - a fixed command over our own source
            [*_COMPILE, "-o", str(unfinished), str(_PAPER_SOURCE)],
            check=True,
            capture_output=True,
            text=True,
            timeout=_COMPILE_TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise ScannerNotBuilt("no C compiler: install gcc and libsane-dev") from error
    except subprocess.CalledProcessError as error:
        raise ScannerNotBuilt(f"the virtual scanner does not compile: {error.stderr}") from error
    unfinished.replace(library)


def _write_pnm(image: Image.Image, path: Path) -> None:
    unfinished = path.with_name(f".{path.name}")
    plain = image if image.mode in ("L", "RGB") else image.convert("RGB")
    plain.save(unfinished, "PPM")
    unfinished.replace(path)

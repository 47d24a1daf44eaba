"""PDF into PWG raster (PWG 5102.4), for printers that take no PDF: Ghostscript, in a process with limits."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CONVERT_TIMEOUT_S = 90.0
MEMORY_BYTES_MAX = 2 << 30
CPU_S_MAX = 60
RASTER_BYTES_MAX = 256 << 20

_COLOUR_SPACES = {"sgray_8": 18, "srgb_8": 19}
"""cupsColorSpace of the two page types that every such printer knows at least one of (PWG 5102.4, table 7)."""


class NotConverted(Exception):
    """Ghostscript could not make raster of a document, or not within its limits."""


@dataclass(frozen=True, slots=True)
class RasterForm:
    """What a printer wants its raster to be."""

    kind: Literal["sgray_8", "srgb_8"] = "srgb_8"
    resolution_dpi: int = 300


def choose_form(kinds: Sequence[str], resolutions_dpi: Sequence[int]) -> RasterForm:
    """Return colour where the printer takes it, and the resolution nearest to 300 dpi."""
    resolution = min(resolutions_dpi, key=lambda dpi: (abs(dpi - 300), dpi), default=300)
    return RasterForm("sgray_8" if kinds and "srgb_8" not in kinds else "srgb_8", resolution)


async def to_raster(document: bytes, form: RasterForm, directory: Path) -> bytes:
    """Return a PDF as PWG raster on A4, through files in `directory`, which are removed.

    Raises:
        NotConverted: the document is none, or too much for the limits.
    """
    if not document.startswith(b"%PDF-"):
        raise NotConverted("not a PDF")  # Ghostscript would run PostScript as readily
    with tempfile.TemporaryDirectory(dir=directory, prefix="raster-") as scratch:
        source, raster = Path(scratch) / "document.pdf", Path(scratch) / "document.pwg"
        await asyncio.to_thread(source.write_bytes, document)
        await _run(_command(source, raster, form), Path(scratch))
        if not raster.exists() or raster.stat().st_size <= len(b"RaS2"):
            raise NotConverted("no page came out")
        return await asyncio.to_thread(raster.read_bytes)


def _command(source: Path, raster: Path, form: RasterForm) -> list[str]:
    limits = [f"--as={MEMORY_BYTES_MAX}", f"--cpu={CPU_S_MAX}", f"--fsize={RASTER_BYTES_MAX}", "--core=0"]
    return [
        *("nice", "-n", "10", "prlimit", *limits),
        *("gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-dPDFSTOPONERROR"),
        *("-sDEVICE=pwgraster", "-sPAPERSIZE=a4", "-dFIXEDMEDIA", "-dPDFFitPage"),
        *(f"-r{form.resolution_dpi}", f"-dcupsColorSpace={_COLOUR_SPACES[form.kind]}", "-dcupsBitsPerColor=8"),
        *("-dcupsColorOrder=0", "-scupsPageSizeName=iso_a4_210x297mm", f"-sOutputFile={raster}", str(source)),
    ]


async def _run(command: list[str], scratch: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(scratch), "LC_ALL": "C"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(CONVERT_TIMEOUT_S):
            said, _ = await process.communicate()
    except TimeoutError as error:
        raise NotConverted("it took too long") from error
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        lines = said.decode(errors="replace").splitlines()
        fault = next((line for line in lines if "Error" in line or "error" in line), "no reason given")
        raise NotConverted(f"gs ended with {process.returncode}: {fault.strip()[:200]}")

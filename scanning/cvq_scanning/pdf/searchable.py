"""A searchable PDF/A in French from page images."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from cvq_scanning.children import kill_group
from cvq_scanning.frames import BadFrame, pack, receive_frame
from cvq_scanning.pdf.pages import BadPage, PageInput, check_total
from cvq_scanning.pdf.recognise import PDF_NAME, TEXT_NAME, PageOrder, RecogniseOrder

TITLE_CHARS_MAX: Final = 200
PAGE_TIMEOUT_S: Final = 120.0
START_TIMEOUT_S: Final = 60.0

_WORKER: Final = "cvq_scanning.pdf.recognise"
_FOLDER_PREFIX: Final = "recognise-"
_LEFTOVER_AGE_S: Final = 6 * 3600
_LANGUAGE: Final = re.compile(r"[a-z]{3}(_[a-z]+)?(\+[a-z]{3}(_[a-z]+)?){0,3}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")

FailureSlug = Literal["timeout", "out_of_memory", "not_installed", "failed"]


class RecognitionFailed(Exception):
    """The document could not be made, through no fault of the pages: `slug`, and `detail` for the log."""

    def __init__(self, slug: FailureSlug, detail: str = "") -> None:
        super().__init__(f"{slug}: {detail}" if detail else slug)
        self.slug: Final = slug
        self.detail: Final = detail


@dataclass(frozen=True, slots=True)
class SearchablePdf:
    """A PDF/A-2b with an invisible layer of text, and that text, a form feed between pages."""

    pdf: bytes
    text: str
    page_count: int


async def make_searchable_pdf(
    pages: Sequence[PageInput],
    *,
    title: str,
    language: str = "fra",
    work_dir: Path,
    page_timeout_s: float = PAGE_TIMEOUT_S,
) -> SearchablePdf:
    """Turn, crop, read and bind pages into one PDF/A-2b.

    The work is done in a niced process group of bounded memory and time, killed when this coroutine is cancelled. The
    pages lie in clear in `work_dir` meanwhile: give it a tmpfs, or a folder that nobody else reads, and call
    `remove_leftovers` at start. Doing it again after a crash is harmless: nothing is written elsewhere.

    Raises:
        BadPage: a page that is refused, with its number.
        RecognitionFailed: `timeout`, `out_of_memory`, `not_installed` (the language, or tesseract itself), `failed`.
    """
    check_total(len(pages), sum(len(page.image) for page in pages))
    if not _LANGUAGE.fullmatch(language):
        raise ValueError(f"not a language of tesseract: {language!r}")
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_FOLDER_PREFIX, dir=work_dir))
    try:
        orders = await asyncio.to_thread(_write_pages, folder, pages)
        order = RecogniseOrder(
            folder=str(folder),
            pages=orders,
            title=_CONTROL.sub(" ", title)[:TITLE_CHARS_MAX],
            language=language,
            page_timeout_s=page_timeout_s,
        )
        _raise_failure(await _run(order, START_TIMEOUT_S + len(pages) * page_timeout_s))
        pdf = await asyncio.to_thread((folder / PDF_NAME).read_bytes)
        text = await asyncio.to_thread((folder / TEXT_NAME).read_text, encoding="utf-8")
        return SearchablePdf(pdf=pdf, text=text.removesuffix("\f"), page_count=len(pages))
    finally:
        # Not in a thread: this also runs while the coroutine is being cancelled.
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(work_dir: Path, *, older_than_s: float = _LEFTOVER_AGE_S) -> int:
    """Remove what a power cut left behind in `work_dir`, by age in seconds; gives how many folders went."""
    removed = 0
    for folder in work_dir.glob(f"{_FOLDER_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime >= older_than_s:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _write_pages(folder: Path, pages: Sequence[PageInput]) -> list[PageOrder]:
    orders = []
    for number, page in enumerate(pages, start=1):
        file = f"page-{number:04}"
        (folder / file).write_bytes(page.image)
        orders.append(PageOrder(file, page.edit.turn_degrees, page.edit.crop, page.resolution_dpi))
    return orders


async def _run(order: RecogniseOrder, timeout_s: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        _WORKER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env=_environment(order.folder),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(pack(asdict(order)))
            await process.stdin.drain()
        async with asyncio.timeout(timeout_s):
            frame = await receive_frame(process.stdout)
    except TimeoutError:
        raise RecognitionFailed("timeout", f"after {timeout_s:g} s") from None
    except BadFrame as error:
        raise RecognitionFailed("failed", str(error)) from error
    finally:
        await kill_group(process)
    if frame is None:
        raise RecognitionFailed("failed", f"the process ended with {process.returncode}")
    return frame[0]


def _environment(folder: str) -> dict[str, str]:
    passed_on = ("PATH", "HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "TESSDATA_PREFIX")
    return {
        **{name: os.environ[name] for name in passed_on if name in os.environ},
        "LANG": "C.UTF-8",
        "TMPDIR": folder,
        # Tesseract's threads fight each other: with two cores and no limit, a page takes five times as long.
        "OMP_THREAD_LIMIT": "1",
    }


def _raise_failure(answer: dict[str, Any]) -> None:
    if "bad_page" in answer:
        raise BadPage(answer["bad_page"], answer["page"])
    if "failed" in answer:
        raise RecognitionFailed(answer["failed"], answer["detail"])

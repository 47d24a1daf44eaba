"""Chromium processes whose camera is a film with a mark in every frame: whoever looks knows which frame they see."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
FILM_S = 4

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    # A page without a screen has no print preview: asked to print, it would crash.
    "--disable-print-preview",
)


class BrowserMissing(Exception):
    """Browsers with a film for a camera cannot run here; the message says what is missing."""


async def film(folder: Path, end: str) -> Path:
    """Let the booth's virtual camera write a film of `end` (advisor or resident) into `folder`.

    It is another component, so it runs as the program that it is.

    Raises:
        BrowserMissing: the booth's package is not installed.
    """
    if importlib.util.find_spec("cvq_booth") is None:
        raise BrowserMissing("the booth's package is missing: install the extra `booth`")
    path = folder / f"{end}.y4m"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cvq_booth.virtual.camera", str(path), "--end", end),
        *("--size", "640x480", "--fps", "25", "--seconds", str(FILM_S)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    if await process.wait() != 0:
        raise BrowserMissing("the virtual camera could not be made")
    return path


def marks_script() -> Path:
    """Return the script that adds `cvqMarks` to a page, which reads the marks of a film.

    Raises:
        BrowserMissing: the booth's package is not installed.
    """
    spec = importlib.util.find_spec("cvq_booth.virtual")
    if spec is None or spec.origin is None:
        raise BrowserMissing("the booth's virtual camera is missing: install the extra `booth`")
    return Path(spec.origin).parent / "static" / "marks.js"


@asynccontextmanager
async def open_browser(camera: Path) -> AsyncIterator[Browser]:
    """Start a Chromium process of its own that films `camera`.

    Raises:
        BrowserMissing: Playwright or Chromium is not there.
    """
    try:
        from playwright.async_api import Error as PlaywrightError  # noqa: PLC0415 - only whoever measures needs it
        from playwright.async_api import async_playwright  # noqa: PLC0415 - only whoever measures needs it
    except ImportError as error:
        raise BrowserMissing("Playwright is missing: install the extra `dev`") from error
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}"],
                ignore_default_args=["--mute-audio"],
                chromium_sandbox=False,
            )
        except PlaywrightError as error:
            raise BrowserMissing(f"{CHROMIUM} does not start: {error.message.splitlines()[0]}") from error
        try:
            yield browser
        finally:
            await browser.close()

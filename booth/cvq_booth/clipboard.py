"""Clearing what was copied: the three selections of X11, and Wayland's clipboard."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping

import structlog

log = structlog.get_logger(__name__)

SELECTIONS = ("primary", "secondary", "clipboard")
TIMEOUT_S = 3.0


async def clear_clipboards(env: Mapping[str, str] = os.environ) -> list[str]:
    """Clear every clipboard of the display that `env` names, and return those that are now surely empty.

    Without a display there is none, and the list is empty.
    """
    cleared = []
    if env.get("DISPLAY"):
        for selection in SELECTIONS:
            # The X server forgets the owner; nothing is left running to hold an empty selection.
            if await _run("xsel", f"--{selection}", "--clear", env=env):
                cleared.append(selection)
    if env.get("WAYLAND_DISPLAY"):
        for name, arguments in (("wayland", ()), ("wayland_primary", ("--primary",))):
            if await _run("wl-copy", *arguments, "--clear", env=env):
                cleared.append(name)
    return cleared


async def _run(program: str, *arguments: str, env: Mapping[str, str]) -> bool:
    if shutil.which(program) is None:
        log.error("a clipboard cannot be cleared, its program is not installed", program=program)
        return False
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await process.wait() == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False

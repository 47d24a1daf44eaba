"""Ending child processes that were started in a process group of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Final

REAP_TIMEOUT_S: Final = 5.0
"""After SIGKILL; only somebody else who holds the child's pipes can make it last."""


async def wait_for_exit(process: asyncio.subprocess.Process, timeout_s: float) -> bool:
    """Wait until a child has ended by itself, throwing away what it still says; False after `timeout_s` seconds.

    On Python 3.11, `Process.wait` returns only when the child's pipes have been read to their end, and a child that
    nobody listens to may be waiting for a place in one.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if process.stdout is not None:
                while await process.stdout.read(65536):
                    pass
            await process.wait()
    except TimeoutError:
        return False
    return True


async def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a child and all that it started, and reap it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await wait_for_exit(process, REAP_TIMEOUT_S)

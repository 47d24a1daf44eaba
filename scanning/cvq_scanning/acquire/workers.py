"""Starting the processes that touch the scanner, and ending them whatever state they are in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cvq_scanning.children import kill_group, wait_for_exit

STREAM_BYTES: Final = 4 * 1024 * 1024
"""Read ahead, so that a slow reader of bands does not hold up the scanner."""
EXIT_GRACE_S: Final = 3.0
"""Longer than the worker and its driver give themselves to stop the scanner."""
STDERR_KEPT_BYTES: Final = 4096

_PASSED_ON: Final = ("PATH", "LANG", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "PYTHONPATH", "TZ")
_PASSED_ON_PREFIXES: Final = ("LC_", "SANE_")


def worker_environment(env: Mapping[str, str] | None) -> dict[str, str]:
    """The part of an environment that a scanner's driver may see; None takes this process's own."""
    whole = os.environ if env is None else env
    return {name: value for name, value in whole.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)}


class ErrorTail:
    """Drains a worker's standard error and keeps its end, for the log."""

    def __init__(self, stream: asyncio.StreamReader | None) -> None:
        self._kept = b""
        self._stream = stream
        self._task = asyncio.create_task(self._drain())

    async def text(self) -> str:
        """The last lines, once the worker has closed its standard error."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.shield(self._task)
        return self._kept.decode(errors="replace").strip()

    def stop(self) -> None:
        """Stop listening."""
        self._task.cancel()

    async def _drain(self) -> None:
        while self._stream is not None and (chunk := await self._stream.read(65536)):
            self._kept = (self._kept + chunk)[-STDERR_KEPT_BYTES:]


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process, and what it said last on standard error."""

    process: asyncio.subprocess.Process
    errors: ErrorTail


async def start_worker(module: str, *arguments: str, env: Mapping[str, str] | None) -> Worker:
    """Start `python -m module` in a process group of its own, with pipes to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env=worker_environment(env),
        limit=STREAM_BYTES,
    )
    return Worker(process, ErrorTail(process.stderr))


async def end_worker(worker: Worker, *, grace_s: float = EXIT_GRACE_S) -> None:
    """Let go of a worker: close its input, wait for it a little, then kill its whole process group."""
    process = worker.process
    try:
        if process.stdin is not None:
            process.stdin.close()
        await wait_for_exit(process, grace_s)
    finally:
        # Also after a worker that went by itself: what its driver had started goes with it.
        try:
            await kill_group(process)
            # Its pipes are then at their end, and nothing of it outlives the event loop.
            await worker.errors.text()
        finally:
            worker.errors.stop()

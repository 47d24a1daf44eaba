"""Bounds that a worker process sets on itself and on what it starts."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading


def bound_this_process(*, memory_bytes: int, nice: int, file_bytes: int | None = None) -> None:
    """Bound each process's address space and the files it writes, give way to others, and leave no core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    os.nice(nice)


def end_with_parent() -> None:
    """Kill this process group when standard input ends: nobody waits for the answer any more."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 1024):
                pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()

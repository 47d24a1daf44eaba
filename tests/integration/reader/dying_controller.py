"""`cvq reader …` that loses its power at a named point.

`python -m tests.integration.reader.dying_controller POINT run …`: nothing of the product knows of it, the points are
around what the queue writes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn
from uuid import UUID

from cvq_reader.cli import reader
from cvq_reader.queue import QueuedTap, State, TapQueue

POINTS = {
    "before-asked": (State.ASKED, "before"),
    "after-asked": (State.ASKED, "after"),
    "before-answered": (State.ANSWERED, "before"),
    "after-answered": (State.ANSWERED, "after"),
    "before-decided": (State.DECIDED, "before"),
    "after-decided": (State.DECIDED, "after"),
    "before-sent": (State.SENT, "before"),
    "after-sent": (State.SENT, "after"),
    "before-forgotten": (None, "before"),
    "after-forgotten": (None, "after"),
}


def die() -> NoReturn:
    """Stop here, without a farewell to anybody."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def arm(point: str) -> None:
    """Have this process die at a point."""
    state, moment = POINTS[point]
    write, delete = TapQueue._write, TapQueue._delete

    def dying_write(queue: TapQueue, taps: Sequence[QueuedTap]) -> None:
        doomed = any(tap.state is state for tap in taps)
        if doomed and moment == "before":
            die()
        write(queue, taps)
        if doomed:
            die()

    def dying_delete(queue: TapQueue, ids: Iterable[UUID]) -> None:
        gone = set(ids)
        if gone and state is None and moment == "before":
            die()
        delete(queue, gone)
        if gone and state is None:
            die()

    TapQueue._write, TapQueue._delete = dying_write, dying_delete  # type: ignore[method-assign] # the product has no such points


if __name__ == "__main__":
    arm(sys.argv.pop(1))
    reader()

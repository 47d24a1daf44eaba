"""Under which conditions a bench ran: without them its figures mean nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """The bench cannot run here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class _Ticks:
    busy: int
    total: int
    own: int


class Watch:
    """Watches the machine from its making on; `conditions` says how much of it others took meanwhile.

    What a process of ours used before it ended counts for its parent, so browsers should still run when one asks.
    """

    def __init__(self) -> None:
        self._begun = _read()

    def conditions(self) -> dict[str, object]:
        """Return cores, versions, and the share of all cores that other processes took, from 0 to 1."""
        now = _read()
        total = max(1, now.total - self._begun.total)
        others = (now.busy - self._begun.busy) - (now.own - self._begun.own)
        return {
            "cores": os.cpu_count(),
            "others_cpu_share": round(min(1.0, max(0.0, others / total)), 3),
            "load_1_min": round(os.getloadavg()[0], 2),
            "python": platform.python_version(),
            "kernel": platform.release(),
        }


def _read() -> _Ticks:
    values = [int(value) for value in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    user, nice, system, idle, waiting, interrupts, soft_interrupts, stolen = values
    busy = user + nice + system + interrupts + soft_interrupts + stolen
    return _Ticks(busy, busy + idle + waiting, _own_ticks())


def _own_ticks() -> int:
    """CPU time of this process and all that came from it, in ticks."""
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in parentheses may hold anything; what follows the last one is numbers.
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(folder.name)
        parents[pid] = int(fields[1])
        used[pid] = sum(int(field) for field in fields[11:15])
    return sum(ticks for pid, ticks in used.items() if _descends(pid, parents))


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = parents.get(pid, 0)
    return False

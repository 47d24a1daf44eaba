"""What all measurements share: options, interleaved rounds and their medians, the CPU that things take, the JSON line.

A busy or noisy machine changes every absolute figure, so a target is a ratio to the limit measured in the same rounds.
The fairest figure is the cap: the machine's cores divided by the CPU time of one operation, everybody's included.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ROUNDS_MIN = 5


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What was asked for: `seconds` is how long one slice of one round lasts.

    `times` is how often the territory is there. `database_url` is a PostgreSQL of this machine on which databases may
    be made and dropped; without it, the bench starts one of its own.
    """

    rounds: int = ROUNDS_MIN
    seconds: float = 3.0
    database_url: str | None = None
    preset: str = "parthenay"
    clients: int = 32
    pgbench_scale: int = 50
    times: int = 1


@dataclass(frozen=True, slots=True)
class BenchResult:
    """What one bench found. Figures have their unit in the name; conditions say what a reader must know of the run."""

    bench: str
    ratios: Mapping[str, float]
    figures: Mapping[str, float]
    conditions: Mapping[str, object]

    def line(self) -> str:
        """Return the whole as one line of JSON."""
        found = {
            "bench": self.bench,
            "ratios": {name: _shortened(value) for name, value in self.ratios.items()},
            "figures": {name: _shortened(value) for name, value in self.figures.items()},
            "conditions": dict(self.conditions),
        }
        return json.dumps(found, ensure_ascii=False)


@dataclass(slots=True)
class Samples:
    """Values by name, one for each round; what is reported is their median."""

    _values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, value: float) -> None:
        """Add the value of one round."""
        self._values[name].append(value)

    def median(self, name: str) -> float:
        """Return the median of all rounds."""
        return statistics.median(self._values[name])

    def ratio(self, over: str, under: str) -> float:
        """Return the median of the rounds' own ratios: what disturbed one round disturbed both sides of it."""
        pairs = zip(self._values[over], self._values[under], strict=True)
        return statistics.median(above / below for above, below in pairs)

    def medians(self) -> dict[str, float]:
        """Return every median."""
        return {name: statistics.median(values) for name, values in self._values.items()}

    def spread(self, name: str) -> float:
        """Return how far the rounds lie apart: the range between them over their median."""
        values = self._values[name]
        middle = statistics.median(values)
        return (max(values) - min(values)) / middle if middle else 0.0


class CpuClock:
    """CPU seconds of some processes with all that they started, ended children included, since it was made."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = list(pids)
        self._ours_at_start = _cpu_of_trees(self._pids)
        self._machine_at_start = _machine_busy_s()
        self._began = time.monotonic()

    def ours_s(self) -> float:
        """Return the CPU seconds that these processes took."""
        return _cpu_of_trees(self._pids) - self._ours_at_start

    def others_share(self) -> float:
        """Return the share of the machine that everybody else took meanwhile, from 0 to 1."""
        wall = max(time.monotonic() - self._began, 1e-6)
        others = (_machine_busy_s() - self._machine_at_start) - self.ours_s()
        return max(0.0, others / (wall * cores()))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def cap_per_s(cpu_s: float, operations: int) -> float:
    """Return how many operations a second all cores could do if they did nothing else."""
    return cores() * operations / cpu_s if cpu_s > 0 else 0.0


def percentile_ms(latencies_s: list[float], share: float) -> float:
    """Return the latency, in milliseconds, that `share` (0 to 1) of the operations stay within."""
    ordered = sorted(latencies_s)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def memory_mb(pid: int) -> float:
    """Return how much memory a process holds, in megabytes."""
    [resident] = [line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line]
    return int(resident) / 1000


def parent_of(pid: int) -> int:
    """Return the parent of a process on this machine."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def conditions_of(*packages: str, **more: object) -> dict[str, object]:
    """Return what a reader of the figures must know: cores, versions, and what the bench adds."""
    found: dict[str, object] = {
        "cores": cores(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
    }
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found | more


def _cpu_of_trees(pids: Iterable[int]) -> float:
    """Add up user and system time of processes and their living and ended descendants, in seconds."""
    parents: dict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name of a process may hold anything; the fields that count come after its closing parenthesis.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(entry.name)
        parents[int(fields[1])].append(pid)
        ticks[pid] = sum(int(value) for value in fields[11:15])
    total, waiting, seen = 0, list(pids), set[int]()
    while waiting:
        pid = waiting.pop()
        if pid not in seen:
            seen.add(pid)
            total += ticks.get(pid, 0)
            waiting += parents.get(pid, [])
    return total / TICKS_PER_S


def _machine_busy_s() -> float:
    fields = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


def _shortened(value: float) -> float:
    return float(f"{value:.4g}")

"""How fast papers may leave the booth beside a call, so that the voice is never starved.

On a line of 1 Mbit/s up, a page that was sent unpaced made the face 0.8 s late (2.3 s at worst); paced at 200 kbit/s
it went unnoticed. Such a floor is always allowed. On the faster lines that most town halls have, it would be a needless
wait, so the pace rises above the floor, and falls back to it at the first sign of a queue that builds up: the time
between sending a chunk and hearing that it has arrived, compared with the shortest that was ever seen. The idea is
LEDBAT's (RFC 6817); falling all the way back, and keeping well below that pace for a minute, is ours: the call's own
congestion control also listens to delays, and would give way to us each time.

Nothing here knows a clock: times come in as seconds of one monotonic clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

CHUNK_BYTES_MIN = 1024
CHUNK_BYTES_MAX = 4 * 1200
"""aiortc sends at most four packets of 1200 bytes at a time; of more, the rest waits for a round trip each, which looks
like a queue on the line."""

CHUNK_S = 0.04
"""A chunk is what the pace lets go in this time: it lies in one lump before the voice on a slow line."""

QUEUE_S_MAX = 0.025
"""Delay above the shortest one that counts as a queue of our making."""

CEILING_KBIT_S = 20_000
STEP_S_MIN = 0.05
RISE = 1.25
HOLD_S = 1.5
"""How long the floor is kept after a queue was seen, so that it runs empty."""

RETREAT = 0.5
RETREAT_S = 60.0
"""How long, after a queue, the pace keeps below that share of what had made it: the line is not tried all the time."""

SAMPLES = 5
UNHEARD_MAX = 4096
BITS_A_KBIT = 1000


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """What papers may always use, and what they never exceed, in kbit/s; equal limits make a constant pace."""

    floor_kbit_s: int = 400
    ceiling_kbit_s: int | None = None

    def __post_init__(self) -> None:
        if not 8 <= self.floor_kbit_s <= self.most_kbit_s:
            raise ValueError(f"a pace from {self.floor_kbit_s} to {self.most_kbit_s} kbit/s is none")

    @property
    def most_kbit_s(self) -> int:
        """The ceiling, or what serves for one: a fast line, unless the floor is faster still."""
        return self.ceiling_kbit_s if self.ceiling_kbit_s is not None else max(self.floor_kbit_s, CEILING_KBIT_S)


class Pace:
    """A token bucket of one chunk whose rate follows the line.

    Without any word from the other end about what has arrived, it keeps to the floor.
    """

    def __init__(self, limits: PaceLimits) -> None:
        self._limits = limits
        self.rate_kbit_s = float(limits.floor_kbit_s)
        self._free_at_s = float("-inf")
        self._sent_bytes = 0
        self._unheard: deque[tuple[int, float]] = deque(maxlen=UNHEARD_MAX)
        self._shortest_s = float("inf")
        self._delays_s: deque[float] = deque(maxlen=SAMPLES)
        self._changed_at_s = float("-inf")
        self._held_until_s = float("-inf")
        self._cap_kbit_s = float(limits.most_kbit_s)
        self._cap_until_s = float("-inf")

    @property
    def chunk_bytes(self) -> int:
        """Size of the next chunk: small on a slow line, so that a voice packet waits for a few milliseconds at most."""
        at_this_rate = int(self._bytes_per_s * CHUNK_S)
        return max(CHUNK_BYTES_MIN, min(CHUNK_BYTES_MAX, at_this_rate))

    def wait_s(self, now_s: float) -> float:
        """How long until the next chunk may go, in seconds."""
        return max(0.0, self._free_at_s - now_s)

    def spend(self, size_bytes: int, now_s: float) -> None:
        """Note that `size_bytes` were handed to the channel."""
        self._free_at_s = now_s + size_bytes / self._bytes_per_s
        self._sent_bytes += size_bytes
        self._unheard.append((self._sent_bytes, now_s))

    def heard(self, received_bytes: int, now_s: float) -> None:
        """Learn how many bytes have arrived in all since the channel opened."""
        sent_at_s = None
        while self._unheard and self._unheard[0][0] <= received_bytes:
            sent_at_s = self._unheard.popleft()[1]
        if sent_at_s is not None:
            self._learn(now_s - sent_at_s, now_s)

    def _learn(self, delay_s: float, now_s: float) -> None:
        self._shortest_s = min(self._shortest_s, delay_s)
        self._delays_s.append(delay_s)
        # The middle one of five: one or two late answers are the machine's breath, not the line's.
        queue_s = median(self._delays_s) - self._shortest_s
        if queue_s > QUEUE_S_MAX:
            self._retreat(now_s)
        elif now_s >= self._held_until_s and now_s - self._changed_at_s >= max(STEP_S_MIN, delay_s):
            self._rise(now_s)

    def _retreat(self, now_s: float) -> None:
        floor_kbit_s = float(self._limits.floor_kbit_s)
        if self.rate_kbit_s > floor_kbit_s:
            self._cap_kbit_s = max(floor_kbit_s, self.rate_kbit_s * RETREAT)
            self._cap_until_s = now_s + RETREAT_S
        self.rate_kbit_s = floor_kbit_s
        self._held_until_s = now_s + HOLD_S

    def _rise(self, now_s: float) -> None:
        if now_s >= self._cap_until_s:
            self._cap_kbit_s = float(self._limits.most_kbit_s)
        self.rate_kbit_s = min(self.rate_kbit_s * RISE, self._cap_kbit_s)
        self._changed_at_s = now_s

    @property
    def _bytes_per_s(self) -> float:
        return self.rate_kbit_s * BITS_A_KBIT / 8

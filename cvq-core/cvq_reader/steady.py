"""What hour it is, as well as this machine can know: the core's, carried on by a clock that never jumps."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from cvq_core.clock import utc_now

JUMP = timedelta(seconds=2)


def seconds_since_boot() -> float:
    """Return a clock that nobody can set, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """The hour of the core. `floor` is the last hour that this machine knew before it was started.

    The machine's own clock is looked at once, at the start; a battery that is empty shows 1970, so an hour before
    `floor` is not believed. From the core's first answer on its hour counts. `sure` says whether it has been heard.
    """

    def __init__(
        self,
        floor: datetime | None = None,
        *,
        wall: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self._wall = wall
        self._steady = steady
        begun = wall()
        self.was_behind = floor is not None and begun < floor
        self._anchor = max(begun, floor) if floor is not None else begun
        self._since = steady()
        self._wall_ahead = begun - self._anchor
        self.sure = False

    def now(self) -> datetime:
        """Return the hour."""
        return self._anchor + timedelta(seconds=self._steady() - self._since)

    def not_before(self, hour: datetime) -> None:
        """Believe no hour before one that is certainly over."""
        if self.now() < hour and not self.sure:
            self._anchor, self._since = hour, self._steady()
            self._wall_ahead = self._wall() - hour
            self.was_behind = True

    def heard(self, core_now: datetime, took_s: float) -> None:
        """Take over the hour of an answer that was `took_s` on its way, there and back."""
        self._anchor = core_now + timedelta(seconds=took_s / 2)
        self._since = self._steady()
        self._wall_ahead = self._wall() - self._anchor
        self.sure = True

    @property
    def is_doubtful(self) -> bool:
        """Whether this hour is a guess: the machine's clock was behind, and the core has not been heard since."""
        return self.was_behind and not self.sure

    @property
    def ahead_ms(self) -> int:
        """How far the machine's own clock is ahead of the core's."""
        return round((self._wall() - self.now()) / timedelta(milliseconds=1))

    @property
    def jumped(self) -> bool:
        """Whether somebody has set the machine's clock since the core was last heard; the hour here did not move."""
        return abs(self._wall() - self.now() - self._wall_ahead) > JUMP

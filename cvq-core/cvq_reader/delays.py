"""How long changes take to reach this site: a blocked card, a cancelled reservation. Measured at each one."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

LOOKED_BACK = timedelta(hours=24)
_STEP = timedelta(minutes=15)


class ChangeDelays:
    """The last delay, and the longest of a day; whole milliseconds, None where nothing has changed."""

    def __init__(self) -> None:
        self.last_ms: int | None = None
        self._steps: deque[tuple[datetime, int]] = deque()
        """When a quarter of an hour began, and its longest delay: a day is some hundred of them."""

    def note(self, changed_at: datetime, now: datetime) -> None:
        """Note that what changed at an instant counts here now."""
        delay_ms = max(0, round((now - changed_at) / timedelta(milliseconds=1)))
        self.last_ms = delay_ms
        if self._steps and now - self._steps[-1][0] < _STEP:
            began, longest = self._steps[-1]
            self._steps[-1] = (began, max(longest, delay_ms))
        else:
            self._steps.append((now, delay_ms))
        self._forget(now)

    def longest_ms(self, now: datetime) -> int | None:
        """Return the longest of the last day."""
        self._forget(now)
        return max((longest for _, longest in self._steps), default=None)

    def _forget(self, now: datetime) -> None:
        while self._steps and now - self._steps[0][0] > LOOKED_BACK:
            self._steps.popleft()

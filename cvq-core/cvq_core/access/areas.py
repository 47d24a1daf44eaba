"""How many people are in an area: counted by those who come in and go out, and nobody any more once it has closed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from cvq_core.access.facts import Direction
from cvq_core.clock import PARIS, local


@dataclass(frozen=True, slots=True)
class AreaCount:
    """`inside` is what the passage of `counted_at` left; `closes_at` is a local hour, None midnight."""

    inside: int = 0
    counted_at: datetime | None = None
    closes_at: time | None = None

    def now(self, at: datetime) -> int:
        """Return how many are inside at an instant."""
        if self.counted_at is None or self.counted_at < last_closing(self.closes_at, at):
            return 0
        return self.inside

    def passed(self, direction: Direction, at: datetime, now: datetime) -> AreaCount:
        """Return the count at `now`, after somebody passed at `at`; who passed before the last closing is gone.

        More may go out than were seen to come in: the count stays at zero.
        """
        inside = self.now(now)
        if at >= last_closing(self.closes_at, now):
            inside = max(0, inside + (1 if direction is Direction.IN else -1))
        return replace(self, inside=inside, counted_at=now)


def last_closing(closes_at: time | None, at: datetime) -> datetime:
    """Return when an area last closed before an instant."""
    there = local(at)
    closing = datetime.combine(there.date(), closes_at or time.min, PARIS)
    if closing <= there:
        return closing
    return datetime.combine(there.date() - timedelta(days=1), closes_at or time.min, PARIS)

"""Counting passages as pure functions: what is kept of an hour, and how days add up to a period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from cvq_core.access.facts import PointKind, Reason
from cvq_core.clock import local

NO_PASSAGE = frozenset({Reason.LEFT, Reason.ALREADY_COUNTED})
"""Who goes out was counted on the way in; who presents a card again is there already."""

WHOLE_DAY = -1
"""Stands for the hour where none is kept."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What of one tap is counted."""

    point_id: UUID
    kind: PointKind
    tapped_at: datetime
    reason: Reason
    allowed: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """So many taps at one point on one day (and in one local hour, where it is kept) that ended alike.

    `allowed` is what the door did, `reason` what the rule says: a door whose line was cut may have let in somebody
    whose account was empty meanwhile.
    """

    day: date
    hour: int
    point_id: UUID
    reason: Reason
    allowed: bool
    number: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One column of a chart: `first` is its day, or the first day of its month; `hour` where hours are shown."""

    first: date | None
    hour: int | None
    allowed: int
    refused: int


@dataclass(slots=True)
class Summary:
    """What a period comes to; refusals by what there is most of, None those of a door that the rule would open."""

    allowed: int = 0
    refused: int = 0
    bars: list[Bar] = field(default_factory=list)
    hours: list[Bar] = field(default_factory=list)
    refusals: list[tuple[Reason | None, int]] = field(default_factory=list)
    points: list[tuple[UUID, int, int]] = field(default_factory=list)
    """By point, the busiest first: its id, how many were let in or served, how many refused."""
    by_months: bool = False
    """Whether a bar is a month, and not a day."""


def hour_kept(kind: PointKind) -> bool:
    """Whether the hour is kept: not at an office's door, where three people pass and an hour names one of them."""
    return kind is not PointKind.DOOR


def count(passages: Iterable[Passage]) -> list[Cell]:
    """Return the taps counted by local day, hour, point and reason, in that order."""
    found: Counter[tuple[date, int, UUID, Reason, bool]] = Counter()
    for passage in passages:
        if passage.reason in NO_PASSAGE:
            continue
        there = local(passage.tapped_at)
        hour = there.hour if hour_kept(passage.kind) else WHOLE_DAY
        found[there.date(), hour, passage.point_id, passage.reason, passage.allowed] += 1
    return [Cell(*key, number) for key, number in sorted(found.items())]


def summary(cells: Iterable[Cell], first: date, last: date, *, by_months: bool = False) -> Summary:
    """Return what the cells of a period come to; days on which nobody came are there, empty."""
    cells = [cell for cell in cells if first <= cell.day <= last]
    found = Summary(by_months=by_months)
    starts = _starts(first, last, by_months=by_months)
    sides = {start: [0, 0] for start in starts}
    hours = {hour: [0, 0] for hour in range(24)}
    refusals: Counter[Reason | None] = Counter()
    points: dict[UUID, list[int]] = {}
    for cell in cells:
        side = 0 if cell.allowed else 1
        sides[max(cell.day.replace(day=1), first) if by_months else cell.day][side] += cell.number
        points.setdefault(cell.point_id, [0, 0])[side] += cell.number
        if cell.hour != WHOLE_DAY:
            hours[cell.hour][side] += cell.number
        if side:
            refusals[None if cell.reason.allows else cell.reason] += cell.number
    found.allowed = sum(allowed for allowed, _ in sides.values())
    found.refused = sum(refused for _, refused in sides.values())
    found.bars = [Bar(start, None, *sides[start]) for start in starts]
    busy = [hour for hour, both in hours.items() if any(both)]
    if busy:
        found.hours = [Bar(None, hour, *hours[hour]) for hour in range(busy[0], busy[-1] + 1)]
    found.refusals = refusals.most_common()
    busiest = sorted(points.items(), key=lambda each: (-sum(each[1]), each[0]))
    found.points = [(point, allowed, refused) for point, (allowed, refused) in busiest]
    return found


def _starts(first: date, last: date, *, by_months: bool) -> list[date]:
    starts, day = [], first
    while day <= last:
        starts.append(day)
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1) if by_months else day + timedelta(days=1)
    return starts

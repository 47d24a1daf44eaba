"""Who passed shortly before, for the points whose settings ask for it: the same card, the same person, a guardian."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cvq_core.access.facts import Direction, FirstAnswer, Passage, Point


@dataclass(frozen=True, slots=True)
class Seen:
    """One tap of shortly before that repeats no other; `at` is the core's hour, or the tap's own where it came late."""

    person_id: UUID
    card_id: UUID | None
    point_id: UUID
    area_id: UUID | None
    direction: Direction
    at: datetime
    allowed: bool
    answer: FirstAnswer


@dataclass(slots=True)
class Lookback:
    """The taps of shortly before of some people and their guardians, in no order."""

    seen: dict[UUID, list[Seen]] = field(default_factory=dict)
    guardians: dict[UUID, frozenset[UUID]] = field(default_factory=dict)
    """The guardians of each child."""

    def add(self, seen: Seen) -> None:
        """Take in one more tap."""
        self.seen.setdefault(seen.person_id, []).append(seen)

    def first_answer(self, point: Point, person_id: UUID, card_id: UUID | None, at: datetime) -> FirstAnswer | None:
        """Return what the same card (or the same tick) got here within the seconds of a double tap."""
        since = at - timedelta(seconds=point.double_tap_s)
        found = [
            each
            for each in self.seen.get(person_id, ())
            if each.point_id == point.id and each.card_id == card_id and since < each.at <= at
        ]
        return max(found, key=_hour).answer if found and point.double_tap_s else None

    def last_passage(self, point: Point, person_id: UUID, at: datetime) -> Passage | None:
        """Return the person's last passage in the point's area, or at this point where it is in none."""
        since = at - timedelta(minutes=point.passback_minutes)
        found = [
            each
            for each in self.seen.get(person_id, ())
            if each.allowed and since < each.at <= at and _is_same_place(point, each)
        ]
        last = max(found, key=_hour, default=None)
        return Passage(last.at, last.direction) if last is not None and point.passback_minutes else None

    def guardian_at(self, point: Point, person_id: UUID, at: datetime) -> datetime | None:
        """Return when a guardian of a child last passed at this very point."""
        found = (each for guardian in self.guardians.get(person_id, ()) for each in self.seen.get(guardian, ()))
        return max(
            (each.at for each in found if each.allowed and each.point_id == point.id and each.at <= at), default=None
        )


def window(points: Iterable[Point]) -> timedelta:
    """Return how far one has to look back for some points."""
    seconds = [max(point.double_tap_s, 60 * point.passback_minutes, 60 * point.guardian_minutes) for point in points]
    return timedelta(seconds=max(seconds, default=0))


def _is_same_place(point: Point, seen: Seen) -> bool:
    return seen.point_id == point.id if point.area_id is None else seen.area_id == point.area_id


def _hour(seen: Seen) -> datetime:
    return seen.at

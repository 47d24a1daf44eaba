"""What does not agree between what a door did by itself and what the core's rule says of it: pure, like `rules`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cvq_core.access.facts import Decision, Direction, Effect, Facts, PointMode, Reason, RightKind
from cvq_core.access.rules import decide, decide_alone, obstacle


class ConflictKind(StrEnum):
    """What a late tap shows; slugs never change."""

    CARD_BLOCKED = "card-blocked-meanwhile"
    CARD_REPLACED = "card-replaced"
    WALLET_EMPTIED = "wallet-emptied"
    RIGHT_ENDED = "right-ended"
    ENTRIES_OVERDRAWN = "entries-overdrawn"
    QUOTA_OVERRUN = "quota-overrun"
    CAPACITY_OVERRUN = "capacity-overrun"
    PASSED_BACK = "passed-back"
    CLOCK_WRONG = "clock-wrong"
    LET_IN_THOUGH_REFUSED = "let-in-though-refused"
    REFUSED_THOUGH_ALLOWED = "refused-though-allowed"


class ConflictOutcome(StrEnum):
    """What a manager decides of a conflict."""

    BILLED = "billed"
    GIVEN_UP = "given_up"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a door decided by itself: `reason` in its own words, `clock_sure` false when it did not know the hour."""

    allowed: bool
    reason: str
    display_short: str
    display_long: str = ""
    clock_sure: bool = True


@dataclass(frozen=True, slots=True)
class LateHour:
    """When a late tap counts as taken; `is_too_old` is one whose day is over for good: nothing moves any more."""

    at: datetime
    clock_wrong: bool = False
    is_too_old: bool = False


_BY_REASON = {
    Reason.CARD_BLOCKED: ConflictKind.CARD_BLOCKED,
    Reason.CARD_REPLACED: ConflictKind.CARD_REPLACED,
    Reason.WALLET_EMPTY: ConflictKind.WALLET_EMPTIED,
}
_BY_OBSTACLE = {Reason.PASSED_BACK: ConflictKind.PASSED_BACK, Reason.AREA_FULL: ConflictKind.CAPACITY_OVERRUN}
_OPEN_MODES = {Reason.HELD_OPEN.value: PointMode.HELD_OPEN, Reason.EMERGENCY.value: PointMode.EMERGENCY}
BY_RIGHT = frozenset({Reason.ENTITLED, Reason.RESERVED, Reason.SUBSCRIBED, Reason.ENTRY_COUNTED})
"""What a door says that let somebody in by a right."""


def hour_of(tapped_at: datetime, now: datetime, *, tolerance: timedelta, kept: timedelta) -> LateHour:
    """Return when a tap counts as taken that came at `now`: at its own hour, or at ours where that cannot be."""
    if tapped_at > now + tolerance:
        return LateHour(now, clock_wrong=True)
    if tapped_at < now - kept:
        return LateHour(tapped_at, clock_wrong=True, is_too_old=True)
    return LateHour(min(tapped_at, now))


def mode_at(decided: Decided, mode: PointMode, since: datetime | None, at: datetime) -> PointMode:
    """Return a point's mode at an hour: the present one if it held already, else what the door says of an open one.

    `since` None is a mode that never changed.
    """
    if since is None or since <= at:
        return mode
    return said_mode(decided) or PointMode.NORMAL


def said_mode(decided: Decided) -> PointMode | None:
    """Return the open mode in which a door says that it was, None for any other."""
    return _OPEN_MODES.get(decided.reason) if decided.allowed else None


def was_told_free(decided: Decided, facts: Facts) -> bool:
    """Whether a door told people that nothing is counted, at a point that was not open to all."""
    return said_mode(decided) is not None and facts.point.mode not in _OPEN_MODES.values()


def core_decision(facts: Facts) -> tuple[Decision, Reason | None]:
    """Return what the core's rule says of a late tap, apart from what stood against it of who passed before.

    Somebody who is inside is charged, though the place was full; that it was is another matter.
    """
    is_open = facts.point.mode in _OPEN_MODES.values()
    if is_open or facts.point.direction is Direction.OUT or facts.first_answer is not None:
        return decide(facts), None
    decision = decide_alone(facts)
    return decision, obstacle(facts) if decision.allowed else None


def conflict_of(decided: Decided, decision: Decision, obstacle: Reason | None, facts: Facts) -> ConflictKind | None:
    """Return what does not agree, besides the clock; None when the door did what the core would have done.

    `decision` is the core's, `obstacle` what stands against somebody whom it lets in.
    """
    core_allows = decision.allowed and obstacle is None
    if core_allows and decision.effect is not Effect.NONE and was_told_free(decided, facts):
        return ConflictKind.LET_IN_THOUGH_REFUSED
    if decided.allowed is core_allows:
        return None
    if core_allows:
        return ConflictKind.REFUSED_THOUGH_ALLOWED
    if decision.allowed:
        assert obstacle is not None, "the core does not let them in"
        return _BY_OBSTACLE.get(obstacle, ConflictKind.LET_IN_THOUGH_REFUSED)
    if decision.reason is Reason.RIGHT_ENDED:
        return _of_an_ended_right(facts)
    if decision.reason in _BY_REASON:
        return _BY_REASON[decision.reason]
    # A booking that was cancelled before it began leaves no right behind.
    is_gone = (
        decision.reason in (Reason.NOT_ENTITLED, Reason.NOT_RESERVED, Reason.WRONG_SERVICE)
        and decided.reason in BY_RIGHT
    )
    return ConflictKind.RIGHT_ENDED if is_gone else ConflictKind.LET_IN_THOUGH_REFUSED


def _of_an_ended_right(facts: Facts) -> ConflictKind:
    """Tell a right that is used up from one that is over: a household's yearly visits are a quota."""
    used_up = [right for right in facts.rights if right.entries_left == 0]
    if not used_up:
        return ConflictKind.RIGHT_ENDED
    is_quota = any(right.kind is RightKind.HOUSEHOLD for right in used_up)
    return ConflictKind.QUOTA_OVERRUN if is_quota else ConflictKind.ENTRIES_OVERDRAWN

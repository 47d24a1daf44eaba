"""A door's own contact: opened with nobody let in it was forced, and too long open it is told of."""

from __future__ import annotations

from cvq_core.access.facts import PointEventKind

GRACE_S = 5.0
"""How long after the lock has closed again a door may still be opened by whoever was let in."""


class DoorContact:
    """One door. Instants are seconds of any clock that never jumps; `free` is a door that is open to all now."""

    def __init__(self, *, held_s: float) -> None:
        self._held_s = held_s
        self._open_since: float | None = None
        self._passage_until = float("-inf")
        self._is_told = False

    def let_in(self, now: float, lock_s: float) -> None:
        """Note that the lock opens for so many seconds, by a card or by the button inside."""
        self._passage_until = now + lock_s + GRACE_S

    def seen(self, *, is_open: bool, now: float, free: bool) -> PointEventKind | None:
        """Take what the contact says; return what is to be told of it."""
        if not is_open:
            self._open_since, self._is_told = None, False
            return None
        if self._open_since is not None:
            return None
        self._open_since = now
        if free or now <= self._passage_until:
            return None
        # One alarm for one door: a forced one that stays open is not told of again.
        self._is_told = True
        return PointEventKind.FORCED

    def look(self, *, now: float, free: bool) -> PointEventKind | None:
        """Return what is to be told of a door that has stayed open."""
        if free and self._open_since is not None:
            # Its time begins when it is no longer open to all.
            self._open_since = now
        if self._open_since is None or self._is_told or now - self._open_since < self._held_s:
            return None
        self._is_told = True
        return PointEventKind.HELD_TOO_LONG

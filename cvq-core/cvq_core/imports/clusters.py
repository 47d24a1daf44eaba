"""Who is one person, from what was decided about pairs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID


class Clusters:
    """Records that are one person: "A is B" and "B is C" make all three one."""

    def __init__(self, same: Iterable[tuple[UUID, UUID]]) -> None:
        self._leader: dict[UUID, UUID] = {}
        self._members: dict[UUID, list[UUID]] = {}
        for one, other in same:
            self._join(one, other)

    def of(self, record: UUID) -> list[UUID]:
        """Return every record that is the same person as this one, itself included."""
        leader = self._leader.get(record)
        return [record] if leader is None else self._members[leader]

    def contradicted(self, record: UUID, different: Iterable[tuple[UUID, UUID]]) -> bool:
        """Whether two records of this person were also said to be different ones."""
        mine = set(self.of(record))
        return any(one in mine and other in mine for one, other in different)

    def _join(self, one: UUID, other: UUID) -> None:
        first, second = self._leader.setdefault(one, one), self._leader.setdefault(other, other)
        mine, theirs = self._members.setdefault(first, [one]), self._members.setdefault(second, [other])
        if first == second:
            return
        # The smaller one moves, so that a long chain costs no more than its length.
        if len(mine) < len(theirs):
            first, second, mine, theirs = second, first, theirs, mine
        mine += theirs
        for record in theirs:
            self._leader[record] = first
        del self._members[second]

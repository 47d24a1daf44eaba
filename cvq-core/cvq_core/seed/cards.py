"""Cards of the made-up people: active ones by the preset, and the lost, replaced and expired ones that lie about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from cvq_core.cards.rules import BlockedReason, CardStatus, check_digit
from cvq_core.seed.draw import Draw
from cvq_core.seed.population import Someone
from cvq_core.seed.territory import Row

LIFE_YEARS = 12
REPLACED_SHARE = 0.03
BLOCKED_SHARE = 0.008
EXPIRED_SHARE = 0.008
CHILD_WITHOUT_CARD_AGE = 3


@dataclass(slots=True)
class Cards:
    """Makes cards, each with a number and a UID of its own."""

    draw: Draw
    rows: list[Row] = field(default_factory=list)
    _numbers: set[str] = field(default_factory=set)
    _uids: set[str] = field(default_factory=set)

    def make(
        self,
        person: Someone,
        *,
        status: CardStatus = CardStatus.ACTIVE,
        number: str | None = None,
        uid: str | None = None,
        valid_from: date | None = None,
        valid_until: date | None = None,
        since: date | None = None,
        blocked_reason: BlockedReason | None = None,
        replaced_by_id: UUID | None = None,
    ) -> UUID:
        """Make one card and return its id."""
        card_id = self.draw.id()
        first = valid_from or max(self.draw.day_before(6 * 365), person.birth_date)
        first = min(self.draw.begins, first)
        self.rows.append(
            {
                "id": card_id,
                "number": number or self._number(),
                "uid": uid or self._uid(),
                "person_id": person.id,
                "status": status,
                "status_since": self.draw.instant_on(since or first),
                "blocked_reason": blocked_reason,
                "valid_from": first,
                "valid_until": valid_until or first.replace(year=first.year + LIFE_YEARS, day=min(first.day, 28)),
                "replaced_by_id": replaced_by_id,
            }
        )
        return card_id

    def hand_out(self, wanted: Iterable[Someone], everybody: list[Someone], count: int) -> None:
        """Give out `count` active cards: to those who need one first, then to whoever comes."""
        rng, day = self.draw.rng, self.draw.begins
        holders = {person.id: person for person in wanted if person.deceased_on is None}
        assert len(holders) <= count, f"{len(holders)} people need a card and there are {count}"
        able = [
            person
            for person in everybody
            if person.id not in holders and person.deceased_on is None and person.age_on(day) >= CHILD_WITHOUT_CARD_AGE
        ]
        spare = rng.sample(able, len(able))
        left = count - len(holders)
        for person in [*holders.values(), *spare[:left]]:
            card_id = self.make(person)
            if rng.random() < REPLACED_SHARE:
                self._former(person, card_id)
        for person in spare[left : left + round(count * (BLOCKED_SHARE + EXPIRED_SHARE))]:
            if rng.random() < BLOCKED_SHARE / (BLOCKED_SHARE + EXPIRED_SHARE):
                reason = rng.choices((BlockedReason.LOST, BlockedReason.STOLEN), weights=(85, 15))[0]
                self.make(person, status=CardStatus.BLOCKED, since=self.draw.day_before(300), blocked_reason=reason)
            else:
                self._expired(person)

    def _former(self, person: Someone, replaced_by_id: UUID) -> None:
        issued = self.rows[-1]["valid_from"]
        self.make(
            person,
            status=CardStatus.REPLACED,
            valid_from=issued.replace(year=issued.year - 3, day=min(issued.day, 28)),
            since=issued,
            replaced_by_id=replaced_by_id,
        )

    def _expired(self, person: Someone) -> None:
        ended = self.draw.day_before(700)
        self.make(
            person,
            status=CardStatus.EXPIRED,
            valid_from=ended.replace(year=ended.year - LIFE_YEARS, day=min(ended.day, 28)),
            valid_until=ended,
            since=ended,
        )

    def _number(self) -> str:
        while True:
            digits = f"{self.draw.rng.randrange(10**8, 10**9)}"
            if digits not in self._numbers:
                self._numbers.add(digits)
                return digits + check_digit(digits)

    def _uid(self) -> str:
        while True:
            uid = self.draw.card_uid()
            if uid not in self._uids:
                self._uids.add(uid)
                return uid

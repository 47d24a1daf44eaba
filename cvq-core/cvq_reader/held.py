"""The list that this controller holds: verified pages on disk, and an index of them in memory.

A page is believed because of its signature, whenever it is read: from the core, and from this machine's disk. The list
is taken over whole, once its last page is there and none is missing; what changes afterwards is put on top of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from cvq_core.access.facts import Right, RightKind, WalletFacts
from cvq_core.controllers.wire import KnownCard, KnownPerson, KnownPoint, NotSigned, Page, SignedPage, Welcome, verified
from cvq_core.devices.identity import from_base64url

PEOPLE_MAX = 300_000
"""More people than this are refused: the machine's memory is small, and no site is so large."""


class BadList(Exception):
    """A page does not belong where it came: another controller's, another list's, an older one, or too long a list."""


@dataclass(slots=True)
class HeldList:
    """Whom the points let in, as one list says with the changes on top. People are kept as they came, as text."""

    run: UUID
    sequence: int
    made_at: datetime
    expires_at: datetime
    points: dict[UUID, KnownPoint] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    signing_keys: Mapping[int, bytes] = field(default_factory=dict)
    whole: bool = False
    _people: dict[UUID, bytes] = field(default_factory=dict)
    _wallets: dict[UUID, WalletFacts] = field(default_factory=dict)
    _entries: dict[UUID, int] = field(default_factory=dict)
    _cards: dict[str, tuple[UUID, int]] = field(default_factory=dict)
    _enrolled: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    _end: UUID | None = None
    _begun: bool = False

    @classmethod
    def begin(cls, page: Page) -> HeldList:
        """Return a list that is to be filled from its first page on."""
        return cls(page.run, page.sequence, page.made_at, page.expires_at)

    @property
    def size(self) -> int:
        """How many people are in it."""
        return len(self._people)

    @property
    def people(self) -> Iterable[UUID]:
        """Everybody in it."""
        return self._people.keys()

    def person(self, person_id: UUID) -> KnownPerson | None:
        """Return somebody, None who is not in it."""
        text = self._people.get(person_id)
        return KnownPerson.model_validate_json(text) if text is not None else None

    def bearer(self, digest: str) -> tuple[KnownPerson, KnownCard] | None:
        """Return whose card it is, and what is known of the card; None an unknown one."""
        found = self._cards.get(digest)
        if found is None:
            return None
        person = self.person(found[0])
        assert person is not None, "a card is known with its person"
        return person, person.cards[found[1]]

    def enrolled(self, point_id: UUID) -> Collection[UUID]:
        """Return who is enrolled at a point, on whatever days: a roll call is asked for while somebody is at a door."""
        return self._enrolled.get(point_id, ())

    def wallet(self, wallet: WalletFacts) -> WalletFacts:
        """Return a wallet as it was last told, with whomever of the household it came."""
        return self._wallets.get(wallet.id, wallet)

    def right(self, right: Right) -> Right:
        """Return a right with the entries that were last told, with whomever of the household it came."""
        if right.entries_left is None or right.id not in self._entries:
            return right
        return replace(right, entries_left=self._entries[right.id])

    def fits(self, page: Page) -> bool:
        """Whether a page's people are told in the groups of points that this list has: their numbers may change."""
        return not page.points or _groups(page.points) == _groups(self.points.values())

    def add(self, page: Page) -> None:
        """Take in the next page of the list.

        Raises:
            BadList: it is not the next one.
        """
        if page.kind != "list" or page.run != self.run or self.whole:
            raise BadList("a page of another list")
        if page.after != (self._end if self._begun else None):
            raise BadList("a page is missing")
        if self._begun and not self.fits(page):
            raise BadList("the points changed while the list was fetched")
        self._begun, self._end = True, page.before
        # What changed after the first page was read comes with the changes; each page is at least as new as it.
        self.made_at, self.expires_at = min(self.made_at, page.made_at), min(self.expires_at, page.expires_at)
        self.sequence = min(self.sequence, page.sequence)
        self._take(page)
        self.whole = page.before is None

    def take(self, page: Page) -> None:
        """Take in a page of any kind, in the order in which it came; raises as `add`, `change` and `refresh`."""
        {"list": self.add, "changes": self.change, "people": self.refresh}[page.kind](page)

    def change(self, page: Page) -> None:
        """Put a page of changes on top; the list lasts no longer for it: its prices were worked out for its own days.

        Raises:
            BadList: it is older than what is known.
        """
        if page.kind != "changes" or page.sequence < self.sequence:
            raise BadList("changes that are older than the list")
        for person_id in page.gone:
            self._forget(person_id)
        self._take(page)
        self.sequence = page.sequence

    def refresh(self, page: Page) -> None:
        """Take in some people's records as they are now; events up to the page are still to be asked for.

        Raises:
            BadList: it is no page of people, or older than the list.
        """
        if page.kind != "people" or page.made_at < self.made_at:
            raise BadList("records that are older than the list")
        for person_id in page.gone:
            self._forget(person_id)
        self._take(page)

    def _take(self, page: Page) -> None:
        for here in (each for person in page.people for each in person.at):
            self._wallets.update({wallet.id: wallet for wallet in here.wallets})
            self._entries.update(
                {right.id: right.entries_left for right in here.rights if right.entries_left is not None}
            )
        if page.kind != "people":
            self.points = {point.id: point for point in page.points}
            self.holidays |= frozenset(page.holidays)
            self.signing_keys = {version: bytes.fromhex(key) for version, key in page.signing_keys.items()}
        for person in page.people:
            self._forget(person.id)
            if len(self._people) >= PEOPLE_MAX:
                raise BadList("more people than a site's list may hold")
            self._people[person.id] = person.model_dump_json(exclude_defaults=True).encode()
            for point_id in _enrolled_at(person):
                self._enrolled[point_id].add(person.id)
            for place, card in enumerate(person.cards):
                self._cards[card.digest] = (person.id, place)

    def _forget(self, person_id: UUID) -> None:
        known = self.person(person_id)
        if known is None:
            return
        del self._people[person_id]
        for point_id in _enrolled_at(known):
            self._enrolled[point_id].discard(person_id)
        for card in known.cards:
            if self._cards.get(card.digest, (None, 0))[0] == person_id:
                del self._cards[card.digest]


def _enrolled_at(person: KnownPerson) -> set[UUID]:
    rights = (right for here in person.at for right in here.rights if right.kind is RightKind.ENROLMENT)
    return {right.point_id for right in rights if right.point_id is not None}


def _groups(points: Iterable[KnownPoint]) -> dict[UUID, tuple[int, bool]]:
    return {point.id: (point.group, point.charges) for point in points}


def believed(signed: SignedPage, welcome: Welcome) -> Page:
    """Return a page that the core signed for this controller.

    Raises:
        NotSigned: it did not.
        BadList: it did, for another controller.
        ValidationError: it is no page.
    """
    page = verified(signed, from_base64url(welcome.public_key))
    if page.controller_id != welcome.controller_id:
        raise BadList("another controller's page")
    return page


__all__ = ["PEOPLE_MAX", "BadList", "HeldList", "NotSigned", "believed"]

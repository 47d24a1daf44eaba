"""Made-up things that must look right: identifiers, card numbers, telephone numbers, birth dates."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from cvq_core.clock import PARIS

# Ranges that the French regulator keeps for fiction: nobody can be called by mistake.
FICTION_LANDLINE = "05 36 49"
FICTION_MOBILE = "06 39 98"


@dataclass(slots=True)
class Draw:
    """One stream of chance for a whole territory: the same seed and school year give the same rows, in any run."""

    rng: random.Random
    begins: date
    """First of September of the school year that is going on."""
    _made: int = field(default=0)

    @classmethod
    def of(cls, seed: int, school_year: int) -> Draw:
        """Return the stream of `seed` for the school year that begins in `school_year`."""
        return cls(random.Random(f"cvq-{seed}-{school_year}"), date(school_year, 9, 1))  # noqa: S311 - made-up data

    @property
    def opens_at(self) -> datetime:
        """The instant at which the made-up territory opens its books: the first midnight of the school year."""
        return datetime.combine(self.begins, time(), PARIS).astimezone(UTC)

    def id(self) -> UUID:
        """Return an identifier shaped like a UUIDv7, of the territory's first instant and in order of making."""
        self._made += 1
        milliseconds = int(self.opens_at.timestamp() * 1000) + self._made // 4096
        ordered = self._made % 4096
        return UUID(int=milliseconds << 80 | 7 << 76 | ordered << 64 | 2 << 62 | self.rng.getrandbits(62))

    def timeless_id(self) -> UUID:
        """Return an identifier shaped like a UUIDv4, which says nothing of when it was made."""
        return UUID(int=self.rng.getrandbits(128), version=4)

    def born(self, youngest: int, oldest: int) -> date:
        """Return a birth date of somebody who is between two ages (both included) when the school year begins."""
        last = self.begins.replace(year=self.begins.year - youngest)
        first = self.begins.replace(year=self.begins.year - oldest - 1)
        return first + timedelta(days=1 + self.rng.randrange((last - first).days))

    def day_before(self, days_max: int) -> date:
        """Return a day within the last `days_max` before the school year."""
        return self.begins - timedelta(days=1 + self.rng.randrange(days_max))

    def instant_on(self, day: date) -> datetime:
        """Return an instant within the office hours of `day`."""
        return datetime(day.year, day.month, day.day, 7, tzinfo=UTC) + timedelta(minutes=self.rng.randrange(9 * 60))

    def phone(self) -> str:
        """Return a telephone number of a range kept for fiction."""
        start = FICTION_MOBILE if self.rng.random() < 0.7 else FICTION_LANDLINE
        return f"{start} {self.rng.randrange(100):02d} {self.rng.randrange(100):02d}"

    def card_uid(self) -> str:
        """Return seven bytes as a contactless card of a common maker has them, in upper-case hexadecimal digits."""
        return f"04{self.rng.getrandbits(48):012X}"

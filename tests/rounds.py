"""How many rounds the long proofs of public money take: a few in `make test`, many in `make nightly`.

`docs/coverage.md` and `docs/nightly.md` speak of these figures; they stand nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rounds:
    """So many on each database, in `make test` and by night."""

    test: int
    night: int


POWER_CUTS = Rounds(test=1, night=200)
"""Deaths of the server: once at each named point in `make test`, at random points by night."""

MONEY_LIVES = {"sqlite": Rounds(test=140, night=10_000), "postgresql": Rounds(test=60, night=10_000)}
"""Histories of the stateful test over the whole of public money; a step takes PostgreSQL longer than SQLite."""

MONEY_STEPS = Rounds(test=15, night=50)
"""How long each of these histories is."""

PAYFIP_HISTORIES = Rounds(test=60, night=5000)
"""Seeded histories of one cart over a PayFiP that fails."""

SITE_TAPS = Rounds(test=300, night=10_000)
"""Taps at a site of twelve points in three days without the core, on each database."""

YEAR_TAPS = Rounds(test=480, night=600_000)
"""Passages and meals of a territory's school year, as many of the one as of the other."""

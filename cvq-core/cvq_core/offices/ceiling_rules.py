"""The ceiling of what an office may hold (plafond d'encaisse), as pure functions.

The float is not counted against it. A payment far below the ceiling takes no lock but its own drawer's: it leaves room
for one payment of the largest size from each drawer that is open, and no drawer has two payments under way. Of all
that were let through, the one that looked last has seen or left room for each of the others. Nearer to the ceiling
than that, a payment holds every drawer of the office for as long as it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from cvq_core.errors import N_, Refusal
from cvq_core.offices.rules import VOUCHERS, Means
from cvq_core.text import money

WARNED_PERCENT = 80


class CeilingPart(StrEnum):
    """What an act may count besides cash."""

    CHEQUES = "cheques"
    VOUCHERS = "vouchers"
    TREASURY = "treasury"


class CeilingReached(Refusal):
    """The payment would take a place or its office above what it may hold."""

    slug = "ceiling-reached"
    message = N_("{place} aurait {held} en caisse, plus que son plafond de {ceiling}.")
    what_to_do = N_("Rien n’a été encaissé. Fermez la caisse et versez, ou proposez un autre moyen de paiement.")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a place or an office holds without its float, in cents, against its ceiling."""

    place: str
    held_cents: int
    ceiling_cents: int
    refuses: bool

    @property
    def percent(self) -> int:
        """How much of the ceiling is used, rounded down."""
        return max(0, self.held_cents * 100 // self.ceiling_cents)

    @property
    def warned(self) -> bool:
        """Whether it is time to remit."""
        return self.held_cents * 100 >= WARNED_PERCENT * self.ceiling_cents

    @property
    def reached(self) -> bool:
        """Whether it holds all that it may, or more."""
        return self.held_cents >= self.ceiling_cents


def is_counted(means: Means, parts: frozenset[CeilingPart]) -> bool:
    """Whether a payment by some means fills what the ceiling limits."""
    if means in VOUCHERS:
        return CeilingPart.VOUCHERS in parts
    return means is Means.CASH or (means is Means.CHEQUE and CeilingPart.CHEQUES in parts)


def is_far(standing: Standing, amount_cents: int, *, open_drawers: int, payment_max_cents: int) -> bool:
    """Whether a payment stays below the ceiling whatever the other open drawers are taking at this moment."""
    if amount_cents > payment_max_cents:
        return False
    return standing.held_cents + open_drawers * payment_max_cents <= standing.ceiling_cents


def check_ceiling(standing: Standing, amount_cents: int) -> None:
    """Refuse what would pass a ceiling that refuses.

    Raises:
        CeilingReached
    """
    held = standing.held_cents + amount_cents
    if standing.refuses and held > standing.ceiling_cents:
        raise CeilingReached(place=standing.place, held=money(held), ceiling=money(standing.ceiling_cents))


class RemitReason(StrEnum):
    """Why a place is to remit now."""

    CEILING = "ceiling"
    NEARLY = "nearly"
    PERIOD = "period"


REMIT_REASON_WORDS: dict[RemitReason, str] = {
    RemitReason.CEILING: N_("Le plafond est atteint : versez aujourd’hui."),
    RemitReason.NEARLY: N_("Le plafond est bientôt atteint : préparez un versement."),
    RemitReason.PERIOD: N_("Le dernier versement est trop ancien : versez aujourd’hui."),
}


def remit_reason(
    standing: Standing | None, *, holds_something: bool, since: date, today: date, every_days: int
) -> RemitReason | None:
    """Return why a place is to remit, None while there is no reason.

    `since` is the day of its last remittance, or of its first collection; `every_days` is at most a month by the rules
    of public accounting (at least once a month, and whenever the ceiling is reached).
    """
    if standing is not None and standing.reached:
        return RemitReason.CEILING
    if holds_something and today >= since + timedelta(days=every_days):
        return RemitReason.PERIOD
    if standing is not None and standing.warned:
        return RemitReason.NEARLY
    return None

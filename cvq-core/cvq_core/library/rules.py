"""What the library is told of somebody who holds out a card: pure, and no more than lending needs.

Neither address nor telephone, birth date, family or other services. Of somebody who is no reader there, not even the
name: the library has no use for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from cvq_core.access.facts import Right
from cvq_core.access.rules import holds
from cvq_core.cards.rules import BlockedReason, CardFacts, CardStatus, standing, standing_date
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.text import money, short_date, translator

FLAGS = 14
_AN_INSTANT = timedelta(microseconds=1)  # the end of a right is not its last day any more

UNKNOWN = N_("Cette carte n’est pas connue ici. Vérifiez que c’est bien une carte de vie quotidienne.")
DECEASED = N_("Cette carte n’est plus valable.")
NO_READER = N_("Cette carte n’est pas inscrite. L’inscription se fait à l’accueil ou en mairie.")
SUBSCRIPTION_ENDED = N_("L’abonnement est terminé depuis le {date}.")
SUBSCRIPTION_TO_COME = N_("L’abonnement commence le {date}.")
BLOCKED = N_("Prêt suspendu par l’établissement. {note}")
OWES = N_("{amount} restent à régler.")
OWES_TOO_MUCH = N_("{amount} restent à régler : le prêt reprend après le règlement.")


class Flag(Enum):
    """Places of the fourteen characters of a patron status that are used here."""

    CHARGE_DENIED = 0
    RENEWAL_DENIED = 1
    RECALL_DENIED = 2
    HOLD_DENIED = 3
    CARD_LOST = 4
    EXCESSIVE_FEES = 11


DENIED = frozenset({Flag.CHARGE_DENIED, Flag.RENEWAL_DENIED, Flag.RECALL_DENIED, Flag.HOLD_DENIED})


@dataclass(frozen=True, slots=True)
class PatronFacts:
    """What is known of the bearer of a card: their rights for the library, and what their account owes it."""

    card: CardFacts
    name: str
    deceased: bool = False
    rights: tuple[Right, ...] = ()
    due_cents: int = 0
    blocked_note: str | None = None
    """None: not blocked by the library; "" is a block without a word."""


@dataclass(frozen=True, slots=True)
class PatronAnswer:
    """What is said: `valid` whether they are a reader today, `flags` why something is denied all the same."""

    valid: bool
    flags: frozenset[Flag]
    message: str
    name: str = ""
    due_cents: int = 0
    until: date | None = None

    @property
    def status(self) -> str:
        """The fourteen characters of a patron status."""
        places = {flag.value for flag in self.flags}
        return "".join("Y" if place in places else " " for place in range(FLAGS))


def judge(
    facts: PatronFacts | None, *, at: datetime, fee_limit_cents: int | None = None, language: str = "fr"
) -> PatronAnswer:
    """Decide what the library is told; `facts` None is a number that no card has.

    The card comes first, then the person, the subscription, the library's own block, and debts last.
    """
    words = translator(language).gettext
    today = local_day(at)
    if facts is None:
        return PatronAnswer(valid=False, flags=DENIED, message=words(UNKNOWN))
    if facts.deceased:
        return PatronAnswer(valid=False, flags=DENIED, message=words(DECEASED))
    found = standing(facts.card, today)
    if not found.usable:
        flags = DENIED | {Flag.CARD_LOST} if _is_lost(facts.card) else DENIED
        said = words(found.message).format(date=short_date(standing_date(facts.card, today), language), contact="")
        return PatronAnswer(valid=False, flags=flags, message=said)
    held = [right for right in facts.rights if holds(right, at, at_any_hour=True)]
    if not held:
        return _no_subscription(facts, at, language)
    until = _until(held)
    if facts.blocked_note is not None:
        said = words(BLOCKED).format(note=facts.blocked_note).strip()
        return PatronAnswer(True, DENIED, said, facts.name, facts.due_cents, until)
    owed = money(facts.due_cents, language)
    if fee_limit_cents is not None and facts.due_cents > fee_limit_cents:
        said = words(OWES_TOO_MUCH).format(amount=owed)
        return PatronAnswer(True, DENIED | {Flag.EXCESSIVE_FEES}, said, facts.name, facts.due_cents, until)
    said = words(OWES).format(amount=owed) if facts.due_cents else ""
    return PatronAnswer(True, frozenset(), said, facts.name, facts.due_cents, until)


def _no_subscription(facts: PatronFacts, at: datetime, language: str) -> PatronAnswer:
    """Say what is nearest to a subscription; only who has, or had, one is named."""
    words = translator(language).gettext
    ended = [right.valid_until for right in facts.rights if right.valid_until is not None and right.valid_until <= at]
    coming = [right.valid_from for right in facts.rights if right.valid_from > at]
    if coming:
        said = words(SUBSCRIPTION_TO_COME).format(date=short_date(local_day(min(coming)), language))
    elif ended:
        said = words(SUBSCRIPTION_ENDED).format(date=short_date(local_day(max(ended)), language))
    else:
        return PatronAnswer(valid=False, flags=DENIED, message=words(NO_READER))
    return PatronAnswer(False, DENIED, said, facts.name, facts.due_cents)


def _is_lost(card: CardFacts) -> bool:
    return card.status is CardStatus.BLOCKED and card.blocked_reason in {BlockedReason.LOST, BlockedReason.STOLEN}


def _until(held: Sequence[Right]) -> date | None:
    """Return until which day somebody is a reader; None without end."""
    if any(right.valid_until is None for right in held):
        return None
    return max(local_day(right.valid_until - _AN_INSTANT) for right in held if right.valid_until is not None)

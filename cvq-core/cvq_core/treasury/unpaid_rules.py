"""What families owe past its day, from when it may be claimed, and what remains of what was handed over: pure.

A local authority claims only debts that reach a threshold (CGCT L1611-5; D1611-1: 15 € since April 2017): smaller ones
are gathered, family by family, until they do. Above it the comptable gets a list, and each debt stands on one list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, NotFound, Refusal

THRESHOLD_CENTS_MAX = 1_000_00
GRACE_DAYS_MAX = 365
SOURCE_LENGTH_MAX = 160
AGES: tuple[int, ...] = (30, 60, 90, 365)
"""The last day of each span in which debts are counted by their age; what is older is a span of its own."""


class DebtKind(StrEnum):
    """Of what a debt comes."""

    INVOICE = "invoice"
    WALLET = "wallet"


class Gathered(StrEnum):
    """Whether a family's debts may be claimed, and why not."""

    CLAIMABLE = "claimable"
    BELOW = "below"
    GRACE = "grace"
    HANDED = "handed"


GATHERED_WORDS: dict[Gathered, str] = {
    Gathered.CLAIMABLE: N_("à transmettre"),
    Gathered.BELOW: N_("cumulé : {sum} sur {threshold}"),
    Gathered.GRACE: N_("relance en cours jusqu’au {day}"),
    Gathered.HANDED: N_("transmis au comptable"),
}


class NoClaimRule(Refusal):
    """Nobody has said from which sum on debts are claimed."""

    slug = "no-claim-rule"
    message = N_("Le seuil de mise en recouvrement n’est pas réglé pour ce jour.")
    what_to_do = N_("Réglez-le d’abord sur la page des restes à recouvrer.")


class BadClaimRule(BadInput):
    """A threshold or a number of days that is none, no source, or a day that is past."""

    slug = "bad-claim-rule"
    message = N_("Ce réglage n’est pas possible : il lui faut un montant, un nombre de jours et le texte qui le fonde.")
    what_to_do = N_("Il vaut au plus tôt à partir d’aujourd’hui.")


class NothingToHandOver(BadInput):
    """No family was chosen, or none of them owes what may be claimed."""

    slug = "nothing-to-hand-over"
    message = N_("Rien n’est à transmettre au comptable.")
    what_to_do = N_("Choisissez des familles dont les dettes atteignent le seuil.")


class UnpaidChanged(Refusal):
    """Somebody has paid, or owes more, since the list was shown."""

    slug = "unpaid-changed"
    message = N_("La liste a changé : elle fait maintenant {total}.")
    what_to_do = N_("Rouvrez la page et relisez-la. Rien n’a été transmis.")


class UnknownState(NotFound):
    """No list has this id."""

    slug = "unknown-unpaid-state"
    message = N_("Cet état des restes à recouvrer n’existe pas.")


class StateWithdrawn(Refusal):
    """It was withdrawn, or is a withdrawal itself."""

    slug = "unpaid-state-withdrawn"
    message = N_("Cet état est déjà retiré, ou est lui-même un retrait.")


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """From which sum debts are claimed, how many days after they are due, and by which text."""

    threshold_cents: int
    grace_days: int
    source: str


@dataclass(frozen=True, slots=True)
class Debt:
    """What a family owes on one invoice or wallet; its id is its ledger account's.

    `since` is the day on which the invoice was due, or from which the wallet stood below zero without interruption.
    Of what is owed, `handed_cents` stand on lists that the comptable has.
    """

    id: UUID
    family_id: UUID
    kind: DebtKind
    label: str
    since: date
    owed_cents: int
    handed_cents: int = 0

    @property
    def open_cents(self) -> int:
        """What the comptable has not got yet."""
        return self.owed_cents - self.handed_cents

    def age_days(self, on: date) -> int:
        """For how many days it has been owed."""
        return (on - self.since).days

    def is_ripe(self, rule: ClaimRule, on: date) -> bool:
        """Whether the family has had its days to pay."""
        return on > self.since + timedelta(days=rule.grace_days)


@dataclass(frozen=True, slots=True)
class Family:
    """Who owes, as the comptable must know them."""

    id: UUID
    number: str
    label: str


@dataclass(frozen=True, slots=True)
class FamilyDebts:
    """A family's debts, the oldest first, and what may be done about them.

    `ripe_cents` are those whose days to pay are over; `claimable_cents` would be handed over, all of them or none.
    """

    family: Family
    debts: tuple[Debt, ...]
    state: Gathered
    ripe_cents: int
    claimable_cents: int
    ripe_on: date

    @property
    def open_cents(self) -> int:
        """What the comptable has not got yet."""
        return sum(debt.open_cents for debt in self.debts)

    @property
    def handed_cents(self) -> int:
        """What the comptable has got and is still owed."""
        return sum(debt.handed_cents for debt in self.debts)

    @property
    def since(self) -> date:
        """Since when the oldest of them is owed."""
        return min(debt.since for debt in self.debts)


def gathered(
    families: Mapping[UUID, Family], debts: Iterable[Debt], rule: ClaimRule | None, on: date
) -> list[FamilyDebts]:
    """Return the families that owe something, those that have owed longest first; without a rule nothing is claimed."""
    by_family: dict[UUID, list[Debt]] = defaultdict(list)
    for debt in debts:
        by_family[debt.family_id].append(debt)
    found = []
    for family_id, theirs in by_family.items():
        mine = tuple(sorted(theirs, key=lambda debt: (debt.since, debt.label, debt.id)))
        still = [debt for debt in mine if debt.open_cents > 0]
        ripe = sum(debt.open_cents for debt in still if rule is not None and debt.is_ripe(rule, on))
        grace = timedelta(days=rule.grace_days + 1 if rule else 1)
        found.append(
            FamilyDebts(
                family=families[family_id],
                debts=mine,
                state=_state(still, ripe, rule),
                ripe_cents=ripe,
                claimable_cents=ripe if rule is not None and ripe >= rule.threshold_cents else 0,
                ripe_on=min((debt.since for debt in still), default=mine[0].since) + grace,
            )
        )
    return sorted(found, key=lambda each: (each.since, each.family.number))


def _state(still: Sequence[Debt], ripe_cents: int, rule: ClaimRule | None) -> Gathered:
    if not still:
        return Gathered.HANDED
    if rule is not None and ripe_cents >= max(1, rule.threshold_cents):
        return Gathered.CLAIMABLE
    return Gathered.BELOW if ripe_cents or rule is None else Gathered.GRACE


def by_age(debts: Iterable[Debt], on: date) -> list[int]:
    """Return what is owed in each span of `AGES`, and in the one beyond them, in cents."""
    sums = [0] * (len(AGES) + 1)
    for debt in debts:
        span = next((index for index, last in enumerate(AGES) if debt.age_days(on) <= last), len(AGES))
        sums[span] += debt.owed_cents
    return sums


def still_handed(steps: Sequence[tuple[int, int]]) -> list[int]:
    """Return what is still owed of each amount that was handed over on one debt, the first first.

    A step is an amount, and the least that was owed in all from then until the next one. What a family pays counts
    against the newest part first: what the office still has to collect, then what it handed over last.
    """
    left: list[int] = []
    for amount, lowest in steps:
        left.append(amount)
        over = sum(left) - max(0, lowest)
        for index in reversed(range(len(left))):
            taken = min(left[index], max(0, over))
            left[index] -= taken
            over -= taken
    return left


def check_rule(rule: ClaimRule, valid_from: date, today: date) -> None:
    """Refuse a setting that is none.

    Raises:
        BadClaimRule
    """
    sound = (
        type(rule.threshold_cents) is int
        and 0 < rule.threshold_cents <= THRESHOLD_CENTS_MAX
        and 0 <= rule.grace_days <= GRACE_DAYS_MAX
        and 0 < len(rule.source.strip()) <= SOURCE_LENGTH_MAX
        and valid_from >= today
    )
    if not sound:
        raise BadClaimRule


def state_number(series: str, number: int) -> str:
    """Return a list's number as it is printed: "CVQ-R-000007"."""
    return f"{series}-R-{number:06d}"

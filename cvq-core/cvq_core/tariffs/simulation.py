"""What a new tariff would change, had it been in force last month: pure, from what was used to totals and families."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

from cvq_core.tariffs.rules import Case, Facts, Item, NoCaseFits, NoSuchItem, Priced, Tariff, price

LARGEST = 20


@dataclass(frozen=True, slots=True)
class Use:
    """So many uses of the same facts that one family pays."""

    account_id: UUID
    facts: Facts
    times: int = 1


@dataclass(slots=True)
class Group:
    """Those whom one price of the new tariff is for; `bracket` counts from 1, 0 where there are none."""

    item: Item
    case: Case
    bracket: int
    uses: int = 0
    families: set[UUID] = field(default_factory=set)
    before_cents: int = 0
    after_cents: int = 0


@dataclass(slots=True)
class FamilyChange:
    """What one family would have paid for the month, before and after."""

    account_id: UUID
    uses: int = 0
    before_cents: int = 0
    after_cents: int = 0

    @property
    def difference_cents(self) -> int:
        """Plus is dearer."""
        return self.after_cents - self.before_cents


@dataclass(frozen=True, slots=True)
class Simulation:
    """A month under two tariffs, counted over what both have a price for; without an old one, over the new one's."""

    has_before: bool
    uses: int
    left_out_before: int
    """Uses that the old tariff has no price for."""
    left_out_after: int
    """Uses that the new tariff has no price for: somebody was forgotten."""
    groups: tuple[Group, ...]
    families: tuple[FamilyChange, ...]
    """Every family, the one that would pay most more first."""

    @property
    def before_cents(self) -> int:
        """The month under the old tariff."""
        return sum(family.before_cents for family in self.families)

    @property
    def after_cents(self) -> int:
        """The month under the new tariff."""
        return sum(family.after_cents for family in self.families)

    @property
    def dearer(self) -> tuple[FamilyChange, ...]:
        """Families that would pay more, the largest difference first."""
        return tuple(family for family in self.families if family.difference_cents > 0)

    @property
    def cheaper(self) -> tuple[FamilyChange, ...]:
        """Families that would pay less, the largest difference first."""
        return tuple(family for family in reversed(self.families) if family.difference_cents < 0)

    @property
    def unchanged(self) -> int:
        """How many families would pay the same."""
        return sum(family.difference_cents == 0 for family in self.families)


def simulate(before: Tariff | None, after: Tariff, uses: Iterable[Use]) -> Simulation:
    """Return what a month's uses cost under the tariff in force and under a proposed one."""
    old = _pricer(before) if before is not None else None
    new = _pricer(after)
    groups: dict[tuple[str, int, int], Group] = {}
    families: dict[UUID, FamilyChange] = {}
    counted = left_out_before = left_out_after = 0
    for use in uses:
        priced, priced_before = new(use.facts), old(use.facts) if old else None
        if priced is None or (old is not None and priced_before is None):
            left_out_after += use.times if priced is None else 0
            left_out_before += use.times if old is not None and priced_before is None else 0
            continue
        paid_before = priced_before.amount_cents * use.times if priced_before else 0
        paid_after = priced.amount_cents * use.times
        key = (priced.item.code, priced.case, priced.bracket)
        if key not in groups:
            groups[key] = Group(priced.item, priced.item.cases[priced.case - 1], priced.bracket)
        family = families.setdefault(use.account_id, FamilyChange(use.account_id))
        for sums in (groups[key], family):
            sums.uses += use.times
            sums.before_cents += paid_before
            sums.after_cents += paid_after
        groups[key].families.add(use.account_id)
        counted += use.times
    order = {item.code: position for position, item in enumerate(after.items)}
    return Simulation(
        before is not None,
        counted,
        left_out_before,
        left_out_after,
        tuple(groups[key] for key in sorted(groups, key=lambda key: (order[key[0]], *key[1:]))),
        tuple(sorted(families.values(), key=lambda each: (-each.difference_cents, str(each.account_id)))),
    )


def _pricer(tariff: Tariff) -> Callable[[Facts], Priced | None]:
    @cache
    def priced(facts: Facts) -> Priced | None:
        try:
            return price(tariff, facts)
        except (NoCaseFits, NoSuchItem):
            return None

    return priced

"""Who people are to a tariff on a day, as values: where they live, their ages and ranks, their families' quotients.

Pure: `people.py` fills a census from the base for whole families and territories, a tap from the rows that it reads
anyway, and a reader whose line is cut may carry one along.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from uuid import UUID

from cvq_core.tariffs.rules import (
    Facts,
    NoCaseFits,
    NoSuchItem,
    Priced,
    Quotient,
    QuotientStanding,
    Residence,
    Tariff,
    UserKind,
    age_on,
    price,
    sibling_rank,
)


@dataclass(slots=True)
class Census:
    """People and families as they were on a day."""

    on: date
    born: dict[UUID, date | None] = field(default_factory=dict)
    lives: dict[UUID, Residence | None] = field(default_factory=dict)
    children: dict[UUID, dict[UUID, date | None]] = field(default_factory=dict)
    """The children of each account with their birth dates."""
    quotients: dict[UUID, Quotient] = field(default_factory=dict)

    def note_person(self, person_id: UUID, born: date | None, in_territory: bool | None) -> None:
        """Take somebody in; `in_territory` None is a commune that is not known."""
        self.born[person_id] = born
        if in_territory is not None:
            self.lives[person_id] = Residence.INSIDE if in_territory else Residence.OUTSIDE

    def facts(
        self,
        person_id: UUID,
        account_id: UUID | None,
        *,
        item: str,
        quantity: Fraction = Fraction(1),
        user: UserKind = UserKind.HOUSEHOLD,
        category: str | None = None,
    ) -> Facts:
        """Return what an item's price hangs on, for a person whose family account pays."""
        born = self.born.get(person_id)
        quotient = self.quotients.get(account_id) if account_id else None
        standing = quotient.standing(self.on) if quotient else QuotientStanding.MISSING
        return Facts(
            item=item,
            quantity=quantity,
            residence=self.lives.get(person_id),
            age=age_on(born, self.on) if born else None,
            user=user,
            category=category,
            sibling_rank=sibling_rank(self.children.get(account_id, {}), person_id) if account_id else 0,
            standing=standing,
            quotient_euros=quotient.value_euros if quotient and standing is QuotientStanding.CURRENT else None,
        )


@dataclass(frozen=True, slots=True)
class Pricing:
    """What one unit of an item costs a person on a day, whichever account pays: values alone, for any reader."""

    tariff: Tariff
    item: str
    census: Census
    person_id: UUID

    def price(self, account_id: UUID | None, user: UserKind = UserKind.HOUSEHOLD) -> Priced | None:
        """Return the price where `account_id` pays; None where the tariff does not know the item or the case."""
        try:
            return price(self.tariff, self.census.facts(self.person_id, account_id, item=self.item, user=user))
        except (NoSuchItem, NoCaseFits):
            return None


def best_quotients(rows: Iterable[tuple[UUID, int, date, date | None]], on: date) -> dict[UUID, Quotient]:
    """Return the quotient of each account on a day: the one in force, else the last that was.

    `rows` are (account, euros, first day, last day), in the order in which they began and were recorded.
    """
    best: dict[UUID, Quotient] = {}
    # Later rows win, unless they no longer hold and an earlier one does.
    for account, value, begins, ends in rows:
        quotient, known = Quotient(value, begins, ends), best.get(account)
        if known is None or quotient.holds(on) or not known.holds(on):
            best[account] = quotient
    return best

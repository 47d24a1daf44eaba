"""What a tariff is, and what somebody pays under it: one pure function from facts to a price and its explanation.

Of a service's tariff the item that was used is looked up (a meal, an hour, an entry); of its cases, the first that fits
the person decides; then the child's rank among its brothers and sisters. Everything is counted exactly and rounded
once, at the end, to the nearest cent, half a cent up.

A family whose quotient is not known, or no longer holds, pays the highest bracket or the ceiling, and is told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from cvq_core.errors import N_, NotFound
from cvq_core.services.rules import PriceUnit, ServiceCode

QUANTITY_MAX = 10_000


class NoSuchItem(NotFound):
    """The tariff has no item of this code."""

    slug = "no-such-tariff-item"
    message = N_("Ce tarif ne connaît pas cette prestation.")
    what_to_do = N_("Demandez au responsable du service de vérifier ses tarifs.")


class NoCaseFits(NotFound):
    """None of an item's cases is for this person."""

    slug = "no-tariff-case"
    message = N_("Ce tarif ne prévoit pas le cas de cette personne.")
    what_to_do = N_("Demandez au responsable du service de vérifier ses tarifs.")


class Residence(StrEnum):
    """Whether somebody lives in the territory."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class UserKind(StrEnum):
    """For what somebody comes."""

    HOUSEHOLD = "household"
    PROFESSIONAL = "professional"


class QuotientStanding(StrEnum):
    """What is known of a family's quotient on a day."""

    CURRENT = "current"
    OUT_OF_DATE = "out_of_date"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from `low` to `high`, both included; no `high` is without end."""

    low: int
    high: int | None = None

    def holds(self, value: int) -> bool:
        """Whether `value` is one of them."""
        return self.low <= value and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Whom a case is for; what is None is no condition."""

    residence: Residence | None = None
    ages: Range | None = None
    user: UserKind | None = None
    category: str | None = None

    @property
    def is_for_all(self) -> bool:
        """Whether it fits everybody."""
        return self == Conditions()


@dataclass(frozen=True, slots=True)
class Bracket:
    """What a unit costs for family quotients in a range."""

    quotients: Range
    cents: Fraction


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of the family quotient, not below the floor and not above the ceiling, in cents.

    The floor is also what remains after a reduction: nobody pays less.
    """

    share: Fraction
    floor_cents: Fraction
    ceiling_cents: Fraction


@dataclass(frozen=True, slots=True)
class Case:
    """One price of an item: the same for everybody (`cents`), by brackets, or by a rate; exactly one of the three."""

    conditions: Conditions = Conditions()
    cents: Fraction | None = None
    brackets: tuple[Bracket, ...] = ()
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class SiblingRule:
    """What the children of some ranks pay less: a share of the price, or cents of each unit."""

    ranks: Range
    share_off: Fraction = Fraction(0)
    cents_off: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Item:
    """What is sold by the unit: `code` is what readers and attendances call it."""

    code: str
    label: str
    unit: PriceUnit
    cases: tuple[Case, ...]
    siblings: tuple[SiblingRule, ...] = ()

    @property
    def hangs_on_family(self) -> bool:
        """Whether a price needs to know the paying family: its quotient, or the child's rank in it."""
        return bool(self.siblings) or any(case.cents is None for case in self.cases)


@dataclass(frozen=True, slots=True)
class Tariff:
    """The tariff of one service. `decision` is the act by which it was voted."""

    service: ServiceCode
    title: str
    decision: str
    items: tuple[Item, ...]

    def item(self, code: str) -> Item:
        """Return an item.

        Raises:
            NoSuchItem: there is none of this code.
        """
        found = next((item for item in self.items if item.code == code), None)
        if found is None:
            raise NoSuchItem
        return found


@dataclass(frozen=True, slots=True)
class Quotient:
    """A family quotient in whole euros and how long it holds (that day included); no end is until further notice."""

    value_euros: int
    valid_from: date
    valid_until: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it holds on a day."""
        return self.standing(on) is QuotientStanding.CURRENT

    def standing(self, on: date) -> QuotientStanding:
        """Return what is known on a day by this value."""
        if on < self.valid_from:
            return QuotientStanding.MISSING
        expired = self.valid_until is not None and self.valid_until < on
        return QuotientStanding.OUT_OF_DATE if expired else QuotientStanding.CURRENT


@dataclass(frozen=True, slots=True)
class Facts:
    """What a price may hang on. `residence` and `age` are None where they are not known.

    `sibling_rank` is 1 for the eldest child of the account, 0 for whoever is no child of it. `quotient_euros` counts
    only while `standing` is current.
    """

    item: str
    quantity: Fraction = Fraction(1)
    residence: Residence | None = None
    age: int | None = None
    user: UserKind = UserKind.HOUSEHOLD
    category: str | None = None
    sibling_rank: int = 0
    standing: QuotientStanding = QuotientStanding.MISSING
    quotient_euros: int | None = None


class PartKind(StrEnum):
    """One reason of a price."""

    QUOTIENT = "quotient"
    QUOTIENT_MISSING = "quotient-missing"
    QUOTIENT_OUT_OF_DATE = "quotient-out-of-date"
    BRACKET = "bracket"
    HIGHEST_BRACKET = "highest-bracket"
    RATE = "rate"
    FLOOR = "floor"
    CEILING = "ceiling"
    INSIDE = "inside"
    OUTSIDE = "outside"
    RESIDENCE_UNKNOWN = "residence-unknown"
    AGE = "age"
    HOUSEHOLD = "household"
    PROFESSIONAL = "professional"
    CATEGORY = "category"
    SIBLING = "sibling"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True)
class Part:
    """One reason, with the number or word that belongs to it; `words.py` says it in a language."""

    kind: PartKind
    value: Any = None


@dataclass(frozen=True, slots=True)
class Priced:
    """A price with its reasons. `case` and `bracket` count from 1; `bracket` is 0 where there are none."""

    amount_cents: int
    item: Item
    parts: tuple[Part, ...]
    case: int
    bracket: int = 0


def price(tariff: Tariff, facts: Facts) -> Priced:
    """Return what `facts` cost under a tariff, and why.

    Raises:
        NoSuchItem, NoCaseFits: the tariff does not say.
    """
    assert 0 < facts.quantity <= QUANTITY_MAX, "a quantity is above zero"
    item = tariff.item(facts.item)
    number, case = _first_case(item, facts)
    parts = [*_why_this_case(case.conditions, facts)]
    cents, bracket, why = _unit_price(case, facts)
    parts += why
    rule = next((rule for rule in item.siblings if rule.ranks.holds(facts.sibling_rank)), None)
    if rule is not None:
        cents = max(Fraction(0), cents * (1 - rule.share_off) - rule.cents_off)
        parts.append(Part(PartKind.SIBLING, facts.sibling_rank))
    if case.rate is not None and cents < case.rate.floor_cents:
        cents = case.rate.floor_cents
        parts.append(Part(PartKind.FLOOR))
    if facts.quantity != 1:
        cents *= facts.quantity
        parts.append(Part(PartKind.QUANTITY, (facts.quantity, item.unit)))
    return Priced(to_cents(cents), item, tuple(parts), number, bracket)


def to_cents(exact: Fraction) -> int:
    """Return an amount that is not negative rounded to the nearest cent, half a cent up."""
    # In whole numbers: somebody may be waiting at a turnstile, and fractions take ten times as long to add.
    numerator, denominator = exact.as_integer_ratio()
    assert numerator >= 0, "prices are not negative"
    return (2 * numerator + denominator) // (2 * denominator)


def sibling_rank(born: dict[Any, date | None], child: Any) -> int:
    """Return the rank of `child` among the children of an account by their birth dates: 1 for the eldest, 0 for none.

    A child without a birth date counts as the eldest: no reduction is given for what is not known. Of twins, the order
    of their ids decides, so that one of them is always the second.
    """
    if child not in born:
        return 0
    known = {each: day for each, day in born.items() if day is not None}
    if child not in known:
        return 1
    return sorted(known, key=lambda each: (known[each], str(each))).index(child) + 1


def age_on(born: date, on: date) -> int:
    """Return the age in whole years on a day."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _first_case(item: Item, facts: Facts) -> tuple[int, Case]:
    for number, case in enumerate(item.cases, start=1):
        if _fits(case.conditions, facts):
            return number, case
    raise NoCaseFits


def _fits(conditions: Conditions, facts: Facts) -> bool:
    lives = facts.residence or Residence.OUTSIDE
    return (
        conditions.residence in (None, lives)
        and conditions.user in (None, facts.user)
        and conditions.category in (None, facts.category)
        and (conditions.ages is None or (facts.age is not None and conditions.ages.holds(facts.age)))
    )


def _why_this_case(conditions: Conditions, facts: Facts) -> list[Part]:
    parts = []
    if conditions.user is not None:
        is_professional = conditions.user is UserKind.PROFESSIONAL
        parts.append(Part(PartKind.PROFESSIONAL if is_professional else PartKind.HOUSEHOLD))
    if conditions.category is not None:
        parts.append(Part(PartKind.CATEGORY, conditions.category))
    if conditions.residence is Residence.INSIDE:
        parts.append(Part(PartKind.INSIDE))
    elif conditions.residence is Residence.OUTSIDE:
        parts.append(Part(PartKind.OUTSIDE if facts.residence else PartKind.RESIDENCE_UNKNOWN))
    if conditions.ages is not None:
        parts.append(Part(PartKind.AGE, conditions.ages))
    return parts


def _unit_price(case: Case, facts: Facts) -> tuple[Fraction, int, list[Part]]:
    """Return cents a unit before reductions, the bracket's number (0: none), and why."""
    if case.cents is not None:
        return case.cents, 0, []
    known, told = _quotient(facts)
    if case.rate is not None:
        return _by_rate(case.rate, known, told)
    if known is None:
        last = len(case.brackets)
        return case.brackets[-1].cents, last, [told, Part(PartKind.HIGHEST_BRACKET, last)]
    for number, bracket in enumerate(case.brackets, start=1):
        if bracket.quotients.holds(known):
            return bracket.cents, number, [told, Part(PartKind.BRACKET, number)]
    raise AssertionError("brackets cover every quotient")


def _quotient(facts: Facts) -> tuple[int | None, Part]:
    if facts.standing is QuotientStanding.OUT_OF_DATE:
        return None, Part(PartKind.QUOTIENT_OUT_OF_DATE)
    if facts.standing is QuotientStanding.MISSING or facts.quotient_euros is None:
        return None, Part(PartKind.QUOTIENT_MISSING)
    return facts.quotient_euros, Part(PartKind.QUOTIENT, facts.quotient_euros)


def _by_rate(rate: Rate, quotient_euros: int | None, told: Part) -> tuple[Fraction, int, list[Part]]:
    """The ceiling counts before reductions, so that they are worth something there; the floor after them."""
    if quotient_euros is None:
        return rate.ceiling_cents, 0, [told, Part(PartKind.CEILING)]
    asked = rate.share * quotient_euros * 100
    why = [told, Part(PartKind.RATE, rate.share)]
    if asked > rate.ceiling_cents:
        return rate.ceiling_cents, 0, [*why, Part(PartKind.CEILING)]
    return asked, 0, why

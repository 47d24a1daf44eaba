"""Tariffs in words: why a price is what it is, and the words that officials write in a tariff's file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from cvq_core.errors import N_
from cvq_core.services.rules import PriceUnit, ServiceCode
from cvq_core.tariffs.kept import parts_of
from cvq_core.tariffs.rules import Conditions, Part, PartKind, Priced, Range, Residence, Tariff, UserKind
from cvq_core.text import NO_BREAK_SPACE, THIN_SPACE, money

Say = Callable[..., str]
"""Gives a French sentence in somebody's language, its `{places}` filled: `cvq_core.web.Context._` is one."""

SERVICE_WORDS: dict[ServiceCode, str] = {
    ServiceCode.CANTEEN: "cantine",
    ServiceCode.AFTER_SCHOOL: "accueil périscolaire",
    ServiceCode.CRECHE: "crèche",
    ServiceCode.LEISURE_CENTRE: "centre de loisirs",
    ServiceCode.POOL: "piscine",
    ServiceCode.SQUASH: "squash",
    ServiceCode.LIBRARY: "médiathèque",
    ServiceCode.TOY_LIBRARY: "ludothèque",
    ServiceCode.HALL: "salles",
    ServiceCode.WASTE_CENTRE: "déchèterie",
}
"""A service as a tariff's file names it; a building has no tariff."""

UNIT_WORDS: dict[PriceUnit, str] = {
    PriceUnit.MEAL: N_("repas"),
    PriceUnit.HOUR: N_("heure"),
    PriceUnit.ENTRY: N_("entrée"),
    PriceUnit.PERIOD: N_("période"),
    PriceUnit.CUBIC_METRE: N_("m³"),
    PriceUnit.CARD: N_("carte"),
}
"""A unit as a tariff's file and its pages name it."""

_PARTS: dict[PartKind, str] = {
    PartKind.QUOTIENT: N_("QF {value}"),
    PartKind.QUOTIENT_MISSING: N_("quotient familial non connu"),
    PartKind.QUOTIENT_OUT_OF_DATE: N_("quotient familial périmé"),
    PartKind.BRACKET: N_("tranche {value}"),
    PartKind.HIGHEST_BRACKET: N_("tranche la plus haute ({value})"),
    PartKind.RATE: N_("taux de {value}"),
    PartKind.FLOOR: N_("plancher"),
    PartKind.CEILING: N_("plafond"),
    PartKind.INSIDE: N_("habitant du territoire"),
    PartKind.OUTSIDE: N_("hors territoire"),
    PartKind.RESIDENCE_UNKNOWN: N_("commune non connue, comptée hors territoire"),
    PartKind.HOUSEHOLD: N_("particulier"),
    PartKind.PROFESSIONAL: N_("professionnel"),
    PartKind.CATEGORY: "{value}",
    PartKind.AGE: "{value}",
    PartKind.SIBLING: "{value}",
    PartKind.QUANTITY: "{value}",
}
_RANKS = {
    1: N_("premier enfant"),
    2: N_("deuxième enfant"),
    3: N_("troisième enfant"),
    4: N_("quatrième enfant"),
    5: N_("cinquième enfant"),
}


def explanation(priced: Priced, say: Say, language: str = "fr") -> str:
    """Return why a price is what it is, and the price: "QF 742, tranche 3, deuxième enfant : 2,35 €"."""
    amount = money(priced.amount_cents, language)
    why = reasons(priced, say, language) or say(N_("prix unique"))
    return say(N_("{why} : {amount}"), why=why, amount=amount)


def reasons(priced: Priced, say: Say, language: str = "fr") -> str:
    """Return the reasons of a price alone, "" where there is one price for everybody."""
    return ", ".join(part_words(part, say, language) for part in priced.parts)


def kept_reasons(text: str | None, say: Say, language: str = "fr", *, with_quotient: bool = True) -> str:
    """Return the reasons that were kept beside an entry in words, "" where there are none."""
    parts = parts_of(text or "")
    told = [part for part in parts if with_quotient or part.kind not in _TELLS_QUOTIENT]
    return ", ".join(part_words(part, say, language) for part in told)


def without_quotient(priced: Priced) -> Priced:
    """Return a price whose reasons leave out the family's quotient, for whoever may not know it."""
    return replace(priced, parts=tuple(part for part in priced.parts if part.kind not in _TELLS_QUOTIENT))


def part_words(part: Part, say: Say, language: str = "fr") -> str:
    """Return one reason in words."""
    value = part.value
    if part.kind is PartKind.RATE:
        value = share_words(value, language)
    elif part.kind is PartKind.AGE:
        value = age_words(value, say)
    elif part.kind is PartKind.SIBLING:
        value = say(_RANKS[value]) if value in _RANKS else say(N_("{rank}ᵉ enfant"), rank=value)
    elif part.kind is PartKind.QUANTITY:
        quantity, unit = value
        value = f"{number_words(quantity, language)} × {say(UNIT_WORDS[unit])}"
    return say(_PARTS[part.kind], value=value) if part.kind in _SAID else str(value)


# A price divided by its rate is the quotient.
_TELLS_QUOTIENT = frozenset({PartKind.QUOTIENT, PartKind.RATE})
_SAID = frozenset(_PARTS) - {PartKind.CATEGORY, PartKind.AGE, PartKind.SIBLING, PartKind.QUANTITY}


def conditions_words(conditions: Conditions, say: Say) -> str:
    """Return whom a case is for: "habitant du territoire, de 3 à 11 ans"."""
    said = []
    if conditions.user is not None:
        is_professional = conditions.user is UserKind.PROFESSIONAL
        said.append(say(_PARTS[PartKind.PROFESSIONAL if is_professional else PartKind.HOUSEHOLD]))
    if conditions.category is not None:
        said.append(conditions.category)
    if conditions.residence is not None:
        is_inside = conditions.residence is Residence.INSIDE
        said.append(say(_PARTS[PartKind.INSIDE if is_inside else PartKind.OUTSIDE]))
    if conditions.ages is not None:
        said.append(age_words(conditions.ages, say))
    return ", ".join(said) or say(N_("pour tous"))


def age_words(ages: Range, say: Say) -> str:
    """Return a range of ages: "de 3 à 11 ans", "moins de 6 ans", "18 ans et plus"."""
    if ages.high is None:
        return say(N_("{low} ans et plus"), low=ages.low)
    if ages.low == 0:
        return say(N_("moins de {high} ans"), high=ages.high + 1)
    return say(N_("de {low} à {high} ans"), low=ages.low, high=ages.high)


def range_words(numbers: Range, say: Say) -> str:
    """Return a range of numbers as a tariff's file writes it: "401 à 700", "1101 et plus"."""
    if numbers.high is None:
        return say(N_("{low} et plus"), low=numbers.low)
    if numbers.low == numbers.high:
        return str(numbers.low)
    return say(N_("{low} à {high}"), low=numbers.low, high=numbers.high)


def share_words(share: Fraction, language: str = "fr") -> str:
    """Return a share as a percentage, "0,85 %"."""
    return f"{number_words(share * 100, language)}{THIN_SPACE if language == 'fr' else ''}%"


def number_words(number: Fraction, language: str = "fr") -> str:
    """Return a number without superfluous noughts, with the comma of the language."""
    text = f"{float(number):.4f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "fr" else text


def exact_money(cents: Fraction, language: str = "fr") -> str:
    """Return an amount as money, with its fractions of a cent where it has some: a rate's bound may be 0,125 €."""
    if cents.denominator == 1:
        return money(int(cents), language)
    text = number_words(cents / 100, language)
    return f"€{text}" if language == "en" else f"{text}{NO_BREAK_SPACE}€"


def title_of(tariff: Tariff) -> str:
    """Return a tariff's title with its decision."""
    return f"{tariff.title} ({tariff.decision})"

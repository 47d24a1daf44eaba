"""How much two records look like one person: a score, how sure one may be, and why, in words. Pure.

Evidence is weighed in bits, as Fellegi and Sunter do: what agrees counts the more the rarer it is, what contradicts
counts against, and that two people taken by chance are not the same is where it begins. What twins, and a father and
his son of the same name, have in common would outweigh what sets them apart: so a contradiction is no small weight,
and nothing that is not equal in given name, family name and birth date is ever certain.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from rapidfuzz import fuzz

from cvq_core.errors import N_
from cvq_core.imports.sounds import Alike, compare_family, compare_given, first_given, name_key, nearly
from cvq_core.people.names import folded, words_of

CERTAIN_BITS = 11.0
"""One in two thousand: what is left of doubt where a pair may be called certain."""
DOUBTFUL_FROM = 20
"""The score, in percent, from which people are asked."""
GENERATION_YEARS = 12
_PRIOR_RECORDS_MIN = 1000


class Level(StrEnum):
    """How sure one may be. Nothing is merged by its level alone: an operator's rule or somebody decides."""

    CERTAIN = "certain"
    DOUBTFUL = "doubtful"
    UNLIKE = "unlike"


class Reason(StrEnum):
    """What speaks for or against."""

    FAMILY_EQUAL = "family-equal"
    FAMILY_CROSSED = "family-crossed"
    FAMILY_SOUND = "family-sound"
    FAMILY_NEAR = "family-near"
    FAMILY_DIFFERENT = "family-different"
    GIVEN_EQUAL = "given-equal"
    GIVEN_PART = "given-part"
    GIVEN_SOUND = "given-sound"
    GIVEN_NEAR = "given-near"
    GIVEN_OTHER = "given-other"
    GIVEN_INITIAL = "given-initial"
    GIVEN_DIFFERENT = "given-different"
    FURTHER_EQUAL = "further-equal"
    FURTHER_DIFFERENT = "further-different"
    BORN_EQUAL = "born-equal"
    BORN_SWAPPED = "born-swapped"
    BORN_NEAR = "born-near"
    BORN_MISSING = "born-missing"
    BORN_DIFFERENT = "born-different"
    BORN_GENERATION = "born-generation"
    ADDRESS_EQUAL = "address-equal"
    ADDRESS_NEAR = "address-near"
    PHONE_EQUAL = "phone-equal"
    EMAIL_EQUAL = "email-equal"
    CARD_EQUAL = "card-equal"
    PLACE_EQUAL = "place-equal"
    PLACE_DIFFERENT = "place-different"
    TWINS = "twins"


REASON_WORDS: dict[Reason, str] = {
    Reason.FAMILY_EQUAL: N_("même nom"),
    Reason.FAMILY_CROSSED: N_("le nom de l’un est le nom de naissance ou d’usage de l’autre"),
    Reason.FAMILY_SOUND: N_("noms qui se prononcent de même"),
    Reason.FAMILY_NEAR: N_("noms à une ou deux lettres près"),
    Reason.FAMILY_DIFFERENT: N_("noms différents"),
    Reason.GIVEN_EQUAL: N_("même prénom"),
    Reason.GIVEN_PART: N_("un prénom est une partie de l’autre"),
    Reason.GIVEN_SOUND: N_("prénoms qui se prononcent de même"),
    Reason.GIVEN_NEAR: N_("prénoms à une ou deux lettres près"),
    Reason.GIVEN_OTHER: N_("le prénom de l’un est parmi les prénoms de l’autre"),
    Reason.GIVEN_INITIAL: N_("une initiale seulement"),
    Reason.GIVEN_DIFFERENT: N_("prénoms différents"),
    Reason.FURTHER_EQUAL: N_("mêmes autres prénoms"),
    Reason.FURTHER_DIFFERENT: N_("autres prénoms différents"),
    Reason.BORN_EQUAL: N_("même date de naissance"),
    Reason.BORN_SWAPPED: N_("jour et mois de naissance inversés"),
    Reason.BORN_NEAR: N_("dates de naissance à un chiffre ou une partie près"),
    Reason.BORN_MISSING: N_("une date de naissance manque"),
    Reason.BORN_DIFFERENT: N_("dates de naissance différentes"),
    Reason.BORN_GENERATION: N_("une génération d’écart : parent et enfant ?"),
    Reason.ADDRESS_EQUAL: N_("même adresse"),
    Reason.ADDRESS_NEAR: N_("adresses presque identiques"),
    Reason.PHONE_EQUAL: N_("même téléphone"),
    Reason.EMAIL_EQUAL: N_("même courriel"),
    Reason.CARD_EQUAL: N_("même carte"),
    Reason.PLACE_EQUAL: N_("même lieu de naissance"),
    Reason.PLACE_DIFFERENT: N_("lieux de naissance différents"),
    Reason.TWINS: N_("nés le même jour sous le même nom : des jumeaux ?"),
}
"""A reason as people are told it; it names nobody."""

AGAINST = frozenset(
    {
        Reason.FAMILY_DIFFERENT,
        Reason.GIVEN_DIFFERENT,
        Reason.FURTHER_DIFFERENT,
        Reason.BORN_DIFFERENT,
        Reason.BORN_GENERATION,
        Reason.PLACE_DIFFERENT,
        Reason.TWINS,
    }
)
_GIVEN = {
    Alike.PART: (Reason.GIVEN_PART, 3.0),
    Alike.SOUND: (Reason.GIVEN_SOUND, 4.0),
    Alike.NEAR: (Reason.GIVEN_NEAR, 2.0),
    Alike.OTHER: (Reason.GIVEN_OTHER, 1.0),
    Alike.INITIAL: (Reason.GIVEN_INITIAL, 1.0),
    Alike.DIFFERENT: (Reason.GIVEN_DIFFERENT, -22.0),
}
_BITS = {
    Reason.FURTHER_EQUAL: 4.0,
    Reason.FURTHER_DIFFERENT: -6.0,
    Reason.BORN_EQUAL: 14.0,
    Reason.BORN_SWAPPED: 11.0,
    Reason.BORN_NEAR: 6.0,
    Reason.BORN_MISSING: 0.0,
    Reason.BORN_DIFFERENT: -9.0,
    Reason.BORN_GENERATION: -24.0,
    Reason.ADDRESS_EQUAL: 6.0,
    Reason.ADDRESS_NEAR: 3.0,
    Reason.PHONE_EQUAL: 8.0,
    Reason.EMAIL_EQUAL: 9.0,
    Reason.CARD_EQUAL: 14.0,
    Reason.PLACE_EQUAL: 4.0,
    Reason.PLACE_DIFFERENT: -2.0,
}
_SHORT = {
    "av": "avenue",
    "ave": "avenue",
    "bd": "boulevard",
    "bld": "boulevard",
    "ch": "chemin",
    "che": "chemin",
    "imp": "impasse",
    "pl": "place",
    "r": "rue",
    "rte": "route",
    "st": "saint",
    "ste": "sainte",
    "all": "allee",
    "res": "residence",
    "lot": "lotissement",
}
_LINKS = frozenset({"de", "du", "des", "la", "le", "les", "l", "d"})


@dataclass(frozen=True, slots=True)
class Record:
    """A person as they are compared, made once: `make_record`. `family` are the names at birth and in use, folded."""

    id: UUID
    family: tuple[str, ...]
    given: str
    born: date | None
    address: str
    where: str
    phone: str
    email: str
    card: str
    birth_place: str


@dataclass(frozen=True, slots=True)
class Rarity:
    """How often names occur among those who are compared: sharing a rare one says more."""

    records: int
    family: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, int] = field(default_factory=dict)

    def family_bits(self, name: str) -> float:
        """Return what sharing this family name is worth."""
        return min(12.0, math.log2((self.records + 3000) / (self.family.get(name, 0) + 10)))

    def given_bits(self, name: str) -> float:
        """Return what sharing this given name is worth."""
        return min(9.0, math.log2((self.records + 3000) / (self.given.get(name, 0) + 30)))

    @property
    def prior_bits(self) -> float:
        """How unlikely it is that two taken by chance are one, as bits below zero."""
        return -math.log2(max(self.records, _PRIOR_RECORDS_MIN))


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much two records look like one person: a score from 0 to 100, and why."""

    score: int
    level: Level
    reasons: tuple[Reason, ...]


def make_record(
    record_id: UUID,
    *,
    family_name: str,
    usual_name: str | None,
    given_names: str,
    birth_date: date | None,
    address: str | None = None,
    postcode: str | None = None,
    city: str | None = None,
    phone: str | None = None,
    email: str | None = None,
    card_number: str | None = None,
    birth_place: str | None = None,
) -> Record:
    """Return a person as they are compared."""
    names = dict.fromkeys(key for name in (family_name, usual_name or "") if (key := name_key(name)))
    return Record(
        id=record_id,
        family=tuple(names),
        given=given_names,
        born=birth_date,
        address=address_key(address or ""),
        where=postcode or name_key(city or ""),
        phone=re.sub(r"\D", "", phone or "")[-9:],
        email=(email or "").lower(),
        card=card_number or "",
        birth_place=name_key(birth_place or ""),
    )


def rarity_of(records: Iterable[Record]) -> Rarity:
    """Return how often each name occurs."""
    family: dict[str, int] = {}
    given: dict[str, int] = {}
    count = 0
    for record in records:
        count += 1
        for name in record.family:
            family[name] = family.get(name, 0) + 1
        first = "".join(first_given(record.given))
        given[first] = given.get(first, 0) + 1
    return Rarity(count, family, given)


def likeness(left: Record, right: Record, rarity: Rarity) -> Likeness:
    """Return how much two records look like one person; the same whichever comes first."""
    name, name_bits = _family(left, right, rarity)
    given, given_bits = _given(left, right, rarity)
    born = compare_births(left.born, right.born)
    found = [name, *given, born, *_around(left, right)]
    bits = rarity.prior_bits + name_bits + given_bits + sum(_BITS[each] for each in found if each in _BITS)
    if born is Reason.BORN_EQUAL and Reason.GIVEN_EQUAL not in given and name in _SAME_NAME:
        # Born on one day under one name, at one address with one telephone: it is what twins share.
        found.append(Reason.TWINS)
        bits -= 6
    score = round(100 / (1 + 2 ** -max(-60.0, min(60.0, bits))))
    level = _level(bits, score, frozenset(found))
    return Likeness(score, level, tuple(found))


_SAME_NAME = frozenset({Reason.FAMILY_EQUAL, Reason.FAMILY_CROSSED})


def _level(bits: float, score: int, found: frozenset[Reason]) -> Level:
    sure = Reason.BORN_EQUAL in found or (Reason.CARD_EQUAL in found and Reason.BORN_MISSING in found)
    if bits >= CERTAIN_BITS and sure and Reason.GIVEN_EQUAL in found and found & _SAME_NAME and not found & AGAINST:
        return Level.CERTAIN
    return Level.DOUBTFUL if score >= DOUBTFUL_FROM else Level.UNLIKE


def compare_births(left: date | None, right: date | None) -> Reason:
    """Return how two birth dates stand to each other."""
    if left is None or right is None:
        return Reason.BORN_MISSING
    if left == right:
        return Reason.BORN_EQUAL
    if (left.year, left.month, left.day) == (right.year, right.day, right.month):
        return Reason.BORN_SWAPPED
    if abs(left.year - right.year) >= GENERATION_YEARS and (left.year % 100 != right.year % 100):
        one_digit = sum(a != b for a, b in zip(str(left.year), str(right.year), strict=True)) == 1
        if not (one_digit and (left.month, left.day) == (right.month, right.day)):
            return Reason.BORN_GENERATION
    same = (left.year == right.year) + (left.month == right.month) + (left.day == right.day)
    return Reason.BORN_NEAR if same == 2 else Reason.BORN_DIFFERENT


def address_key(address: str) -> str:
    """Return an address as it is compared: usual short forms written out, articles and signs left out."""
    words = [_SHORT.get(word, word) for word in words_of(folded(address).replace("'", " ").replace("’", " "))]
    return " ".join(word for word in words if word not in _LINKS)


def _family(left: Record, right: Record, rarity: Rarity) -> tuple[Reason, float]:
    common = set(left.family) & set(right.family)
    if common:
        rarest = max(rarity.family_bits(name) for name in common)
        if left.family == right.family or left.family[:1] == right.family[:1]:
            return Reason.FAMILY_EQUAL, rarest
        return Reason.FAMILY_CROSSED, rarest - 4
    kinds = {compare_family(mine, theirs) for mine in left.family for theirs in right.family}
    if Alike.SOUND in kinds:
        return Reason.FAMILY_SOUND, 5.0
    if Alike.NEAR in kinds:
        return Reason.FAMILY_NEAR, 4.0
    return Reason.FAMILY_DIFFERENT, -12.0


def _given(left: Record, right: Record, rarity: Rarity) -> tuple[list[Reason], float]:
    alike = compare_given(left.given, right.given)
    if alike is Alike.UNKNOWN:
        return [], 0.0
    if alike is Alike.EQUAL:
        equal = [Reason.GIVEN_EQUAL, *_further(left.given, right.given)]
        return equal, min(rarity.given_bits("".join(first_given(each.given))) for each in (left, right))
    reason, bits = _GIVEN[alike]
    return [reason], bits


def _further(left: str, right: str) -> list[Reason]:
    """Return whether the given names after the one in use agree, where both have some."""
    # A compound without its hyphen is one given name all the same.
    used = max(len(first_given(left)), len(first_given(right)))
    mine, theirs = words_of(left)[used:], words_of(right)[used:]
    if not mine or not theirs or "".join(words_of(left)) == "".join(words_of(right)):
        return [Reason.FURTHER_EQUAL] if mine and mine == theirs else []
    close = any(one == other or nearly(one, other) for one in mine for other in theirs)
    return [Reason.FURTHER_EQUAL if close else Reason.FURTHER_DIFFERENT]


def _around(left: Record, right: Record) -> list[Reason]:
    """Return what else agrees or does not: where they live, how they are reached, the card, where they were born."""
    found = []
    if left.address and right.address and left.where == right.where:
        if left.address == right.address:
            found.append(Reason.ADDRESS_EQUAL)
        elif _numbers(left.address) == _numbers(right.address) and fuzz.ratio(left.address, right.address) >= 85:
            found.append(Reason.ADDRESS_NEAR)
    if left.phone and left.phone == right.phone:
        found.append(Reason.PHONE_EQUAL)
    if left.email and left.email == right.email:
        found.append(Reason.EMAIL_EQUAL)
    if left.card and left.card == right.card:
        found.append(Reason.CARD_EQUAL)
    if left.birth_place and right.birth_place:
        near = compare_family(left.birth_place, right.birth_place) is not Alike.DIFFERENT
        found.append(Reason.PLACE_EQUAL if near else Reason.PLACE_DIFFERENT)
    return found


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)

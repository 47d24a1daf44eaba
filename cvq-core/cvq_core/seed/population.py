"""Made-up households: who lives where, with whom, and how old they are."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from uuid import UUID

from cvq_core.people.names import folded
from cvq_core.people.rules import FamilyRole
from cvq_core.seed.draw import Draw
from cvq_core.seed.names import DEFINITIONS, family_name, given_names, street_address
from cvq_core.seed.presets import Preset

TOWN_INHABITANTS = 1500
CHILD_AGE_MAX = 12
SEPARATED_SHARE = 0.14
SINGLE_PARENT_SHARE = 0.16
DECEASED_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Home:
    """Where a household lives."""

    insee: str
    commune: str
    postcode: str
    address: str


@dataclass(slots=True)
class Someone:
    """A made-up person."""

    id: UUID
    family_name: str
    given_names: str
    usual_name: str | None
    birth_date: date
    home: Home
    phone: str | None = None
    email: str | None = None
    deceased_on: date | None = None

    @property
    def name_in_use(self) -> str:
        """The name that letters bear."""
        return self.usual_name or self.family_name

    def age_on(self, day: date) -> int:
        """Return the age in years."""
        born = self.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@dataclass(slots=True)
class Member:
    """A person's place in a household."""

    person: Someone
    role: FamilyRole
    since: date
    share_percent: int | None = None


@dataclass(slots=True)
class Household:
    """A family account in the making."""

    id: UUID
    number: str
    home: Home
    opened_on: date
    label: str = ""
    email: str | None = None
    members: list[Member] = field(default_factory=list)

    @property
    def adults(self) -> list[Someone]:
        """Everybody who is no child here, each once."""
        return list({m.person.id: m.person for m in self.members if m.role is not FamilyRole.CHILD}.values())

    @property
    def children(self) -> list[Someone]:
        """The children, those included who live here every second week."""
        return [member.person for member in self.members if member.role is FamilyRole.CHILD]


@dataclass(frozen=True, slots=True)
class CommuneFacts:
    """A commune; `inhabitants` weighs how much of the made-up population lives there."""

    insee: str
    name: str
    postcode: str
    inhabitants: int


@cache
def communes() -> tuple[CommuneFacts, ...]:
    """Return the 38 communes of Parthenay-Gâtine, the largest first."""
    with (DEFINITIONS / "communes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            CommuneFacts(row["insee"], row["name"], row["postcode"], int(row["inhabitants"]))
            for row in csv.DictReader(file)
        )


class Population:
    """Makes households until there are as many people as the preset wants."""

    def __init__(self, draw: Draw, preset: Preset, *, numbers_from: int = 1) -> None:
        self._draw = draw
        self._rng = draw.rng
        self._preset = preset
        self._number = numbers_from
        self._communes = [place for place in communes() if not preset.homes or place.insee in preset.homes]
        self._weights = [place.inhabitants for place in self._communes]

    def households(self, people: int) -> Iterator[Household]:
        """Yield households with `people` people in all: families first, then couples and people alone."""
        seen: set[UUID] = set()
        families = 0
        while families < self._preset.families:
            for family in self._family(may_be_separated=families < self._preset.families - 1):
                families += 1
                seen.update(member.person.id for member in family.members)
                yield family
        assert len(seen) < people, "the preset has more people in families than people"
        while len(seen) < people:
            household = self._couple_or_alone(people - len(seen))
            seen.update(member.person.id for member in household.members)
            yield household

    def household(self, home: Home, opened_on: date) -> Household:
        """Return an empty household with its own number."""
        household = Household(self._draw.id(), f"{self._number:07d}", home, opened_on)
        self._number += 1
        return household

    def home(self) -> Home:
        """Return a home in one of the communes, by their inhabitants."""
        place = self._rng.choices(self._communes, weights=self._weights)[0]
        in_town = place.inhabitants >= TOWN_INHABITANTS
        return Home(place.insee, place.name, place.postcode, street_address(self._rng, in_town=in_town))

    def _opened_on(self) -> date:
        return self._draw.day_before(17 * 365)

    def _someone(
        self, home: Home, *, woman: bool, born: date, family: str | None = None, usual: str | None = None
    ) -> Someone:
        return Someone(
            id=self._draw.id(),
            family_name=family or family_name(self._rng),
            given_names=given_names(self._rng, woman=woman, born=born.year),
            usual_name=usual,
            birth_date=born,
            home=home,
        )

    def _adult(self, home: Home, *, woman: bool, born: date, usual: str | None = None) -> Someone:
        person = self._someone(home, woman=woman, born=born, usual=usual)
        if self._rng.random() < 0.85:
            person.phone = self._draw.phone()
        if self._rng.random() < (0.3 if born.year < 1955 else 0.75):
            person.email = _email(person)
        return person

    def _family(self, *, may_be_separated: bool) -> list[Household]:
        """Return one household with children, or the two of parents who live apart."""
        rng = self._rng
        home = self.home()
        mother_born = self._draw.born(24, 48)
        father_born = mother_born - timedelta(days=rng.randrange(-700, 2200))
        chance = rng.random()
        separated = may_be_separated and chance < SEPARATED_SHARE
        alone = not separated and chance < SEPARATED_SHARE + SINGLE_PARENT_SHARE
        father = self._adult(home, woman=False, born=father_born)
        married = not separated and not alone and rng.random() < 0.45
        mother = self._adult(home, woman=True, born=mother_born, usual=father.family_name if married else None)
        first = self.household(home, self._opened_on())
        first.members = [Member(mother, FamilyRole.GUARDIAN, first.opened_on)]
        both = [first]
        if separated:
            father.home = self.home()
            second = self.household(father.home, self._opened_on())
            second.members = [Member(father, FamilyRole.GUARDIAN, second.opened_on)]
            both.append(second)
        elif not alone:
            first.members.append(Member(father, FamilyRole.GUARDIAN, first.opened_on))
        for child in self._children(home, mother, mother.family_name if alone else father.family_name):
            for household in both:
                since = max(household.opened_on, child.birth_date)
                household.members.append(Member(child, FamilyRole.CHILD, since, 50 if separated else None))
        for household in both:
            _label(household)
        return both

    def _children(self, home: Home, mother: Someone, name: str) -> Iterator[Someone]:
        """Yield one to four children, the youngest first, each with a name of their own."""
        rng, day = self._rng, self._draw.begins
        born = self._draw.born(0, min(CHILD_AGE_MAX, mother.age_on(day) - 20))
        called: set[str] = set()
        for _ in range(rng.choices((1, 2, 3, 4), weights=(34, 44, 17, 5))[0]):
            if (born - mother.birth_date).days < 18 * 365:
                return
            child = self._someone(home, woman=rng.random() < 0.49, born=born, family=name)
            while child.given_names.split()[0] in called:
                child.given_names = given_names(rng, woman=rng.random() < 0.49, born=born.year)
            called.add(child.given_names.split()[0])
            yield child
            born -= timedelta(days=rng.randrange(500, 1700))

    def _couple_or_alone(self, people_left: int) -> Household:
        rng = self._rng
        home = self.home()
        elderly = rng.random() < 0.45
        age = round(rng.triangular(60, 97, 66) if elderly else rng.triangular(19, 59, 54))
        born = self._draw.born(age, age)
        household = self.household(home, self._opened_on())
        if people_left >= 2 and rng.random() < 0.62:
            man = self._adult(home, woman=False, born=born)
            wife_born = born + timedelta(days=rng.randrange(-700, 2200))
            married = rng.random() < (0.85 if elderly else 0.35)
            woman = self._adult(home, woman=True, born=wife_born, usual=man.family_name if married else None)
            people = [man, woman]
        else:
            woman_alone = rng.random() < (0.7 if elderly else 0.48)
            widow = woman_alone and elderly and rng.random() < 0.7
            usual = family_name(rng) if widow else None
            people = [self._adult(home, woman=woman_alone, born=born, usual=usual)]
            if elderly and rng.random() < DECEASED_SHARE:
                people[0].deceased_on = self._draw.day_before(700)
        household.members = [Member(person, FamilyRole.GUARDIAN, household.opened_on) for person in people]
        _label(household)
        return household


def _label(household: Household) -> None:
    adults = household.adults
    names = list(dict.fromkeys(person.name_in_use for person in adults))
    household.label = ("Famille " if household.children else "Foyer ") + " et ".join(names)
    household.email = next((person.email for person in adults if person.email), None)


def _email(person: Someone) -> str:
    """Return an address in a domain that belongs to nobody."""
    given = folded(person.given_names.split()[0])
    return f"{given}.{folded(person.name_in_use)}{person.birth_date.year % 100:02d}@example.org".replace(" ", "-")

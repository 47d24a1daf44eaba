"""The people whom the demonstration and its tests call by name: `docs/demo.md` says what each is there to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cvq_core.access.facts import RightKind
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.ledger.rules import TransactionKind
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.seed.books import Books, Movement
from cvq_core.seed.cards import Cards
from cvq_core.seed.draw import Draw
from cvq_core.seed.population import Home, Household, Member, Population, Someone
from cvq_core.seed.rights import SCHOOL_DAYS, WORKING_DAYS, Period, Rights, midnight
from cvq_core.seed.territory import Territory
from cvq_core.services.rules import ServiceCode

JEANNE_CARD, JEANNE_UID = "4821305773", "04A25B6C7D8E90"
LEA_CARD, LEA_UID = "4821306135", "04A25B6C7D8E91"
BLOCKED_CARD, BLOCKED_UID = "4821307047", "04A25B6C7D8E92"
STRANGER_UID = "04FFEEDDCCBBAA"
"""A card of somewhere else: no card of the territory has this UID."""

TALLUD = Home("79322", "Le Tallud", "79200", "4 rue de l’Église")
MEALS_BEFORE = 12
MEAL_CENTS, ENTRY_CENTS = 235, 310
"""What was paid before the tariffs of this school year."""
QUOTIENT_EUROS = 742


@dataclass(slots=True)
class Heroes:
    """Makes the named people; `households`, then `rights`, then `cards` and `books`, in this order."""

    draw: Draw
    population: Population
    made: dict[str, Someone]
    homes: dict[str, Household]

    @classmethod
    def of(cls, draw: Draw, population: Population) -> Heroes:
        """Return the heroes with their households."""
        heroes = cls(draw, population, {}, {})
        heroes._make()
        return heroes

    def households(self) -> list[Household]:
        """Return their households."""
        return list(self.homes.values())

    def rights(self, rights: Rights, territory: Territory) -> None:
        """Give each what they are there to show."""
        moreau, bonnin, texier = self.homes["moreau"], self.homes["bonnin"], self.homes["texier"]
        school = territory.schools[TALLUD.insee][0]
        canteen, evening = school[ServiceCode.CANTEEN], school[ServiceCode.AFTER_SCHOOL]
        year = rights.school_year()
        for child in ("lea", "tom"):
            rights.enrol(self.made[child], ServiceCode.CANTEEN, moreau, canteen)
        rights.note_quotient(moreau, QUOTIENT_EUROS, QuotientSource.CAF)
        rights.enrol(self.made["lea"], ServiceCode.AFTER_SCHOOL, moreau, evening)
        rights.enrol(self.made["emma"], ServiceCode.CANTEEN, bonnin, canteen)
        rights.enrol(self.made["emma"], ServiceCode.AFTER_SCHOOL, texier, evening)
        pool = ServiceCode.POOL
        rights.give(RightKind.SUBSCRIPTION, pool, person=self.made["paul"], period=year)
        rights.give(RightKind.SUBSCRIPTION, pool, person=self.made["nicole"], entries_left=3, period=year)
        since = Period(midnight(date(2020, 1, 6)))
        for door in territory.doors["Mairie du Tallud"]:
            rights.give(
                RightKind.AGENT_SCHEDULE,
                ServiceCode.BUILDING,
                person=self.made["sylvie"],
                point_id=door,
                period=since,
                weekdays=WORKING_DAYS,
            )
        rights.give(RightKind.PROFESSIONAL, ServiceCode.WASTE_CENTRE, person=self.made["chollet"], period=year)
        rights.give(RightKind.HOUSEHOLD, ServiceCode.WASTE_CENTRE, account=moreau, period=since)

    def cards(self, cards: Cards) -> None:
        """Hand out their cards, the ones that do not work included."""
        made, begins = self.made, self.draw.begins
        cards.make(made["jeanne"], number=JEANNE_CARD, uid=JEANNE_UID)
        cards.make(made["lea"], number=LEA_CARD, uid=LEA_UID)
        lost_on = date(begins.year, 3, 3)
        cards.make(
            made["robert"],
            number=BLOCKED_CARD,
            uid=BLOCKED_UID,
            status=CardStatus.BLOCKED,
            since=lost_on,
            valid_from=date(begins.year - 4, 5, 2),
            blocked_reason=BlockedReason.LOST,
        )
        replacement = cards.make(made["monique"], valid_from=date(begins.year, 6, 15))
        cards.make(
            made["monique"],
            status=CardStatus.REPLACED,
            valid_from=date(begins.year - 5, 2, 1),
            since=date(begins.year, 6, 15),
            replaced_by_id=replacement,
        )
        ended = date(begins.year - 1, 12, 31)
        cards.make(
            made["yves"],
            status=CardStatus.EXPIRED,
            valid_from=ended.replace(year=ended.year - 12),
            valid_until=ended,
            since=ended,
        )
        cards.make(made["andre"])
        for name in ("jeanne_1988", "jeanne_1952", "claire", "emma", "paul", "nicole", "sylvie", "chollet"):
            cards.make(made[name])

    def books(self, books: Books) -> None:
        """Write the history of the wallets that the demonstration looks into."""
        moreau = self.homes["moreau"]
        meal, entry = MEAL_CENTS, ENTRY_CENTS
        june = date(self.draw.begins.year, 6, 1)
        meals = [
            Movement(noon(day), TransactionKind.USE, "Repas enfant", -meal)
            for day, _ in zip(_school_days(june), range(MEALS_BEFORE), strict=False)
        ]
        carried = Movement(noon(june - timedelta(days=3)), TransactionKind.OPENING, "Reprise du solde", 10 * meal)
        books.open_wallet(moreau, ServiceCode.CANTEEN, [carried, *meals])
        july = date(self.draw.begins.year, 7, 2)
        entries = [
            Movement(noon(july + timedelta(days=7 * week)), TransactionKind.USE, "Entrée à la piscine", -entry)
            for week in range(4)
        ]
        carried = Movement(noon(july - timedelta(days=1)), TransactionKind.OPENING, "Reprise du solde", 4 * entry)
        books.open_wallet(moreau, ServiceCode.POOL, [carried, *entries])

    def _make(self) -> None:
        moreau = self._household("moreau", TALLUD, "Famille Moreau")
        self._add(moreau, "claire", ("Claire", "Moreau"), date(1986, 2, 17), FamilyRole.GUARDIAN)
        self._add(moreau, "jeanne", ("Jeanne", "Moreau"), date(1941, 5, 12), FamilyRole.PAYER)
        self._add(moreau, "lea", ("Léa", "Moreau"), self._aged(8, 3, 9), FamilyRole.CHILD)
        self._add(moreau, "tom", ("Tom", "Moreau"), self._aged(5, 11, 22), FamilyRole.CHILD)
        for name, born, insee, commune in (
            ("jeanne_1988", date(1988, 5, 12), "79322", "Le Tallud"),
            ("jeanne_1952", date(1952, 11, 3), "79213", "Pompaire"),
        ):
            home = Home(insee, commune, "79200", "11 rue des Tilleuls")
            self._alone(name, ("Jeanne", "Moreau"), born, home)
        bonnin = self._household("bonnin", Home("79322", "Le Tallud", "79200", "La Ménardière"), "Famille Bonnin")
        texier = self._household("texier", Home("79213", "Pompaire", "79200", "3 rue du Stade"), "Famille Texier")
        self._add(bonnin, "elodie", ("Élodie", "Bonnin"), date(1989, 8, 30), FamilyRole.GUARDIAN)
        self._add(texier, "julien", ("Julien", "Texier"), date(1987, 1, 5), FamilyRole.GUARDIAN)
        emma = self._add(bonnin, "emma", ("Emma", "Texier"), self._aged(9, 6, 14), FamilyRole.CHILD, share=50)
        texier.members.append(Member(emma, FamilyRole.CHILD, texier.opened_on, 50))
        for name, given, family, born in (
            ("robert", "Robert", "Girard", date(1952, 10, 8)),
            ("monique", "Monique", "Baudouin", date(1947, 4, 25)),
            ("yves", "Yves", "Proust", date(1959, 12, 1)),
            ("andre", "André", "Sauvage", date(1936, 7, 19)),
            ("simone", "Simone", "Largeau", date(1933, 1, 30)),
            ("paul", "Paul", "Roy", date(1979, 9, 9)),
            ("nicole", "Nicole", "Petit", date(1961, 3, 21)),
            ("sylvie", "Sylvie", "Guérin", date(1974, 6, 2)),
            ("chollet", "Bernard", "Chollet", date(1968, 2, 11)),
        ):
            self._alone(name, (given, family), born, TALLUD)
        self.made["andre"].deceased_on = date(self.draw.begins.year, 1, 20)

    def _household(self, name: str, home: Home, label: str) -> Household:
        household = self.population.household(home, date(2019, 9, 2))
        household.label = label
        self.homes[name] = household
        return household

    def _alone(self, name: str, full_name: tuple[str, str], born: date, home: Home) -> None:
        household = self._household(name, home, f"Foyer {full_name[1]}")
        self._add(household, name, full_name, born, FamilyRole.GUARDIAN)

    def _add(
        self,
        household: Household,
        name: str,
        full_name: tuple[str, str],
        born: date,
        role: FamilyRole,
        *,
        share: int | None = None,
    ) -> Someone:
        given, family = full_name
        person = Someone(self.draw.id(), family, given, None, born, household.home)
        if role is not FamilyRole.CHILD:
            person.phone = self.draw.phone()
        self.made[name] = person
        household.members.append(Member(person, role, max(household.opened_on, born), share))
        return person

    def _aged(self, years: int, month: int, day: int) -> date:
        """Return a birthday in spring or autumn of somebody who is `years` old at the end of the calendar year."""
        return date(self.draw.begins.year - years, month, day)


def noon(day: date) -> datetime:
    """Return twelve o'clock in Paris on `day`."""
    return midnight(day) + timedelta(hours=12)


def _school_days(first: date) -> Iterator[date]:
    day = first
    while True:
        if SCHOOL_DAYS >> day.weekday() & 1:
            yield day
        day += timedelta(days=1)

"""Who of the made-up people may use what, holds which card, and has how much in which wallet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from uuid import UUID

from cvq_core.access.facts import EVERY_DAY, RightKind
from cvq_core.clock import PARIS
from cvq_core.people.rules import QuotientSource
from cvq_core.seed.draw import Draw
from cvq_core.seed.population import Household, Someone
from cvq_core.seed.presets import Preset
from cvq_core.seed.territory import Row, Territory
from cvq_core.services.rules import ServiceCode, may_owe

SCHOOL_DAYS = 0b0011011  # Monday, Tuesday, Thursday, Friday
WORKING_DAYS = 0b0011111
AGENT_HOURS = (time(6, 30), time(20, 0))
ON_CALL_SHARE = 0.05
ADULT_AGES = range(22, 65)
ENTRY_BOOK = 10


@dataclass(frozen=True, slots=True)
class Period:
    """When a right holds; no end is for good."""

    valid_from: datetime
    valid_until: datetime | None = None


@dataclass(slots=True)
class Holdings:
    """What people have come to hold: rights, family quotients, wallets, and who must therefore have a card."""

    entitlements: list[Row] = field(default_factory=list)
    quotients: list[Row] = field(default_factory=list)
    wallets: dict[tuple[UUID, ServiceCode], int] = field(default_factory=dict)
    """Balance in cents by family account and service."""
    card_wanted: dict[UUID, Someone] = field(default_factory=dict)


class Rights:
    """Hands out rights to the people of a territory."""

    def __init__(self, draw: Draw, territory: Territory) -> None:
        self._draw = draw
        self._rng = draw.rng
        self._territory = territory
        self.held = Holdings()

    def hand_out(self, households: list[Household], preset: Preset) -> Holdings:
        """Give everybody what the preset wants."""
        families = [household for household in households if household.children]
        for family in families[: preset.active_families]:
            self._childhood(family)
        day = self._draw.begins
        adults = _living_adults(households, day)
        free = self._rng.sample(adults, len(adults))
        self._agents(free[: preset.agents])
        self._waste_centre(households, preset)
        for kind, service, count in (
            (RightKind.SUBSCRIPTION, ServiceCode.LIBRARY, preset.library_subscribers),
            (RightKind.SUBSCRIPTION, ServiceCode.TOY_LIBRARY, preset.toy_library_subscribers),
            (RightKind.SUBSCRIPTION, ServiceCode.SQUASH, preset.squash_subscribers),
        ):
            for person in self._rng.sample(adults, count):
                self.give(kind, service, person=person, period=self._one_year())
        self._pool(households, preset.pool_subscribers)
        return self.held

    def give(
        self,
        kind: RightKind,
        service: ServiceCode,
        *,
        period: Period,
        person: Someone | None = None,
        account: Household | None = None,
        point_id: UUID | None = None,
        payer: Household | None = None,
        entries_left: int | None = None,
        weekdays: int = EVERY_DAY,
        hours: tuple[time | None, time | None] = (None, None),
    ) -> None:
        """Write one right down; a person who has one gets a card."""
        if person is not None:
            self.held.card_wanted[person.id] = person
        self.held.entitlements.append(
            {
                "id": self._draw.id(),
                "kind": kind,
                "service_code": service,
                "point_id": point_id,
                "person_id": person.id if person else None,
                "account_id": account.id if account else None,
                "payer_account_id": payer.id if payer else None,
                "valid_from": period.valid_from,
                "valid_until": period.valid_until,
                "entries_left": entries_left,
                "weekdays": weekdays,
                "opens_at": hours[0],
                "closes_at": hours[1],
            }
        )

    def open_wallet(self, account: Household, service: ServiceCode, balance_cents: int) -> None:
        """Give a household a wallet, once; the first balance stays."""
        self.held.wallets.setdefault((account.id, service), balance_cents)

    def school_year(self) -> Period:
        """Return the school year as a right has it."""
        return Period(self._draw.opens_at, midnight(_next_year(self._draw.begins)))

    def enrol(self, child: Someone, service: ServiceCode, payer: Household, point_id: UUID | None) -> None:
        """Enrol a child at a service of childhood for the school year; `payer` is charged."""
        days = SCHOOL_DAYS if service in (ServiceCode.CANTEEN, ServiceCode.AFTER_SCHOOL) else EVERY_DAY
        self.give(
            RightKind.ENROLMENT,
            service,
            person=child,
            payer=payer,
            point_id=point_id,
            weekdays=days,
            period=self.school_year(),
        )
        if may_owe(self._territory.policy(service)):
            self.open_wallet(payer, service, self._childhood_balance())

    def _childhood(self, family: Household) -> None:
        """Enrol the children of a family at what fits their ages, at least one of them somewhere."""
        rng, day = self._rng, self._draw.begins
        school = rng.choice(self._territory.schools[family.home.insee])
        enrolled = False
        for child in family.children:
            age = child.age_on(day)
            shared = any(m.person is child and m.share_percent for m in family.members)
            if shared and rng.random() < 0.4:
                continue  # the other parent enrols it
            wanted: list[tuple[ServiceCode, UUID | None]] = []
            if 3 <= age <= 11:
                wanted.append((ServiceCode.CANTEEN, school[ServiceCode.CANTEEN]))
                if rng.random() < 0.45:
                    wanted.append((ServiceCode.AFTER_SCHOOL, school[ServiceCode.AFTER_SCHOOL]))
            if age < 3 and rng.random() < 0.5:
                wanted.append((ServiceCode.CRECHE, None))
            if age >= 3 and rng.random() < 0.2:
                wanted.append((ServiceCode.LEISURE_CENTRE, None))
            for service, point_id in wanted:
                self.enrol(child, service, family, point_id)
                enrolled = True
        if not enrolled:
            child = family.children[0]
            service = ServiceCode.CRECHE if child.age_on(day) < 3 else ServiceCode.LEISURE_CENTRE
            self.enrol(child, service, family, None)
        euros = min(3000, max(0, round(rng.lognormvariate(6.75, 0.5))))
        self.note_quotient(family, euros, rng.choices(list(QuotientSource), weights=(70, 20, 10))[0])

    def note_quotient(self, family: Household, euros: int, source: QuotientSource) -> None:
        """Write down a family's quotient, as its certificate of January says it."""
        year = self._draw.begins.year
        self.held.quotients.append(
            {
                "id": self._draw.id(),
                "account_id": family.id,
                "value_euros": euros,
                "source": source,
                "valid_from": date(year, 1, 1),
                "valid_until": None,
                "recorded_at": self._draw.instant_on(date(year, 1, 12)),
            }
        )

    def _childhood_balance(self) -> int:
        chance = self._rng.random()
        if chance < 0.6:
            return self._rng.randrange(200, 8000, 5)
        return 0 if chance < 0.85 else -self._rng.randrange(235, 4500, 5)

    def _agents(self, agents: Iterable[Someone]) -> None:
        """Open to agents the doors of one building, or of several; a few are on call at any hour."""
        sites = list(self._territory.doors)
        for agent in agents:
            on_call = self._rng.random() < ON_CALL_SHARE
            for site in self._rng.sample(sites, self._rng.choices((1, 2, 3), weights=(70, 22, 8))[0]):
                for door in self._territory.doors[site]:
                    self.give(
                        RightKind.AGENT_SCHEDULE,
                        ServiceCode.BUILDING,
                        person=agent,
                        point_id=door,
                        period=Period(midnight(self._draw.day_before(1500))),
                        weekdays=EVERY_DAY if on_call else WORKING_DAYS,
                        hours=(None, None) if on_call else AGENT_HOURS,
                    )

    def _waste_centre(self, households: list[Household], preset: Preset) -> None:
        """Let households into the waste centre for nothing, and craftsmen of other households for a bill."""
        day = self._draw.begins
        living = [each for each in households if any(adult.deceased_on is None for adult in each.adults)]
        order = self._rng.sample(living, len(living))
        for household in order[: preset.waste_households]:
            holder = next(adult for adult in household.adults if adult.deceased_on is None)
            self.held.card_wanted[holder.id] = holder
            self.give(
                RightKind.HOUSEHOLD,
                ServiceCode.WASTE_CENTRE,
                account=household,
                period=Period(midnight(household.opened_on)),
            )
        # Somebody who also has a household's right would pass for nothing: craftsmen come from the other households.
        craftsmen = (next(iter(_living_adults([each], day)), None) for each in order[preset.waste_households :])
        for person in islice(filter(None, craftsmen), preset.professionals):
            self.give(RightKind.PROFESSIONAL, ServiceCode.WASTE_CENTRE, person=person, period=self._one_year())

    def _pool(self, households: list[Household], subscribers: int) -> None:
        """Give out pool subscriptions by the year and books of entries, and wallets to their households."""
        rng = self._rng
        home: dict[UUID, Household] = {}
        people: dict[UUID, Someone] = {}
        for household in households:
            for member in household.members:
                home.setdefault(member.person.id, household)
                people.setdefault(member.person.id, member.person)
        day = self._draw.begins
        swimmers = [each for each in people.values() if 6 <= each.age_on(day) <= 75 and each.deceased_on is None]
        for person in rng.sample(swimmers, subscribers):
            if rng.random() < 0.65:
                self.give(RightKind.SUBSCRIPTION, ServiceCode.POOL, person=person, period=self._one_year())
            else:
                left = rng.randint(1, ENTRY_BOOK)
                self.give(
                    RightKind.SUBSCRIPTION, ServiceCode.POOL, person=person, entries_left=left, period=self._one_year()
                )
            if rng.random() < 0.6:
                self.open_wallet(home[person.id], ServiceCode.POOL, rng.randrange(0, 6000, 10))

    def _one_year(self) -> Period:
        first = self._draw.day_before(250)
        return Period(midnight(first), midnight(_next_year(first)))


def midnight(day: date) -> datetime:
    """Return the instant at which `day` begins in Paris."""
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)


def _next_year(day: date) -> date:
    return day + timedelta(days=366 if day.month > 2 and _is_leap(day.year + 1) else 365)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _living_adults(households: Iterable[Household], day: date) -> list[Someone]:
    found = {
        person.id: person
        for household in households
        for person in household.adults
        if person.deceased_on is None and person.age_on(day) in ADULT_AGES
    }
    return list(found.values())


def everybody(households: Iterable[Household]) -> Iterator[Someone]:
    """Yield each person once, in order of making."""
    seen: set[UUID] = set()
    for household in households:
        for member in household.members:
            if member.person.id not in seen:
                seen.add(member.person.id)
                yield member.person

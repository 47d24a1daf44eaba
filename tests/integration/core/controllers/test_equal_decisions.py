"""Given equal facts, a door decides alike with the core and without it: at all kinds of doors, whoever comes, whatever
they have and at any hour of a list's life. Hypothesis makes the doors, the people and the hours.

What a controller cannot know is not among the facts here: nobody has passed before. `docs/access.md` lists it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Assurance, Direction, Fallback, Manner, PointKind, PointMode, RightKind
from cvq_core.access.reading import read_scene
from cvq_core.access.rules import decide
from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import AccessArea, AccessPoint, Entitlement
from cvq_core.access.words import say
from cvq_core.cards.rules import BlockedReason, CardStatus, check_digit
from cvq_core.cards.store import add_card
from cvq_core.controllers.wire import card_digest
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.services.tables import ServicePolicy
from cvq_core.tariffs.store import Official, adopt, propose
from cvq_core.tariffs.words import SERVICE_WORDS
from cvq_reader.deciding import Presented, Since, decide_here
from tests.apart import run_apart
from tests.core_examples import LONG_AGO, create_family, create_member, create_wallet
from tests.integration.core.controllers.conftest import controller_for, held_of, whole_list

NOON = datetime(2026, 11, 10, 11, 0, tzinfo=UTC)
"""A Tuesday, twelve o'clock in Paris; the day after is Armistice Day."""
LONG_AGO_AT = datetime(2020, 1, 1, 8, tzinfo=UTC)
BY = Official(None, "Conseil")
DOORS = (
    (ServiceCode.BUILDING, PointKind.DOOR),
    (ServiceCode.POOL, PointKind.TURNSTILE),
    (ServiceCode.SQUASH, PointKind.DOOR),
    (ServiceCode.HALL, PointKind.DOOR),
    (ServiceCode.WASTE_CENTRE, PointKind.GATE),
    (ServiceCode.CANTEEN, PointKind.TABLET),
    (ServiceCode.AFTER_SCHOOL, PointKind.TABLET),
    (ServiceCode.LIBRARY, PointKind.DOOR),
)
SITES = ("Centre", "Ailleurs")
TARIFF = """
service: {service}
titre: T
décision: D
prestations:
  - code: entry
    nom: E
    unité: entrée
    prix:
      - montant: {price}
"""
hours = st.none() | st.sampled_from((time(6), time(12), time(13), time(22)))
instants = st.integers(-80, 80).map(lambda number: NOON + timedelta(hours=number))


@dataclass(frozen=True, slots=True)
class Door:
    """A point, what its service asks of whoever comes, and the policy that follows on the next day, if any."""

    service: ServiceCode
    kind: PointKind
    policy: FundingPolicy
    tomorrow: FundingPolicy | None
    cents: int | None
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Someone:
    """A person alone in a family: their card, their wallet's cents and their rights (by the number of a door)."""

    born: date
    deceased: bool
    card: tuple[CardStatus, int, int] | None
    """Its status, and from and until which day around today it is valid."""
    cents: int | None
    rights: tuple[tuple[int, bool, dict[str, Any]], ...]
    """Of which door's service, whether for that door alone, and what else."""


@st.composite
def doors(draw: st.DrawFn) -> Door:
    service, kind = draw(st.sampled_from(DOORS))
    tablet = kind is PointKind.TABLET
    modes = (PointMode.NORMAL, PointMode.LOCKED) if tablet else tuple(PointMode)
    direction = draw(st.sampled_from((*[Direction.BOTH, Direction.IN] * 4, Direction.OUT)))
    one_way = direction is not Direction.BOTH
    guardian_age = draw(st.none() | st.none() | st.integers(1, 18))
    return Door(
        service,
        kind,
        draw(st.sampled_from(FundingPolicy)),
        draw(st.none() | st.sampled_from(FundingPolicy)),
        draw(st.sampled_from((310, 700, 310, 0, None))) if service in SERVICE_WORDS else None,
        {
            "site": draw(st.sampled_from(SITES)),
            "assurance": draw(st.sampled_from(Assurance)),
            "mode": draw(st.sampled_from((*[PointMode.NORMAL] * 12, *modes))),
            "shows_balance": draw(st.booleans()),
            "direction": direction,
            "passback_minutes": draw(st.integers(0, 60)) if one_way else 0,
            "double_tap_s": draw(st.sampled_from((0, 5))),
            "guardian_age": guardian_age,
            "guardian_minutes": 5 if guardian_age else 0,
            "offline_fallback": draw(st.sampled_from(Fallback)),
            "reserved_only": draw(st.sampled_from((False, False, False, True))),
        },
    )


@st.composite
def rights(draw: st.DrawFn, doors_made: int) -> tuple[int, bool, dict[str, Any]]:
    begins = draw(st.just(LONG_AGO_AT) | instants)
    ends = draw(st.none() | instants)
    return (
        draw(st.integers(0, doors_made - 1)),
        draw(st.booleans()),
        {
            "kind": draw(st.sampled_from((*RightKind, RightKind.PROFESSIONAL, RightKind.ENROLMENT))),
            "valid_from": begins,
            "valid_until": ends if ends is None or ends > begins else begins + timedelta(hours=1),
            "entries_left": draw(st.none() | st.integers(0, 2)),
            "weekdays": draw(st.just(0b1111111) | st.integers(1, 127)),
            "opens_at": draw(hours),
            "closes_at": draw(hours),
            "site": draw(st.none() | st.sampled_from(SITES)),
            "on_holidays": draw(st.booleans()),
        },
    )


@st.composite
def people(draw: st.DrawFn, doors_made: int) -> Someone:
    card = st.tuples(
        st.just(CardStatus.ACTIVE) | st.sampled_from((CardStatus.MADE, CardStatus.BLOCKED, CardStatus.EXPIRED)),
        st.sampled_from((-400, -400, -400, 1)),
        st.sampled_from((900, 900, 1)),
    )
    return Someone(
        draw(st.dates(date(1940, 1, 1), date(2024, 1, 1))),
        draw(st.sampled_from((*[False] * 9, True))),
        draw(st.none() | card | card | card),
        draw(st.sampled_from((None, -500, 0, 309, 310, 5000, 5000))),
        tuple(draw(st.lists(rights(doors_made), min_size=2, max_size=5))),
    )


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Door], list[Someone], timedelta, Assurance]:
    made = draw(st.lists(doors(), min_size=3, max_size=5, unique_by=lambda door: door.service))
    somebody = draw(st.lists(people(len(made)), min_size=3, max_size=5))
    after = timedelta(minutes=draw(st.integers(0, 72 * 60 - 1)))
    return made, somebody, after, draw(st.just(Assurance.AUTHENTICATED) | st.sampled_from(Assurance))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("equal")


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories())
def test_a_door_decides_alike_with_the_core_and_without_it_given_equal_facts(
    story: tuple[list[Door], list[Someone], timedelta, Assurance], sqlite_template: Path, folder: Path
) -> None:
    file = folder / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    for said in run_apart(_compare(f"sqlite:///{file}", *story)):
        event(said)


async def _compare(
    url: str, made: list[Door], somebody: list[Someone], after: timedelta, assurance: Assurance
) -> set[str]:
    """Compare at each door whoever comes; return what was said there."""
    database = Database(url)
    try:
        async with database.write() as db:
            points = [await _make_door(db, door) for door in made]
            asked = [await _make_person(db, number, each, made, points) for number, each in enumerate(somebody)]
            controller = await controller_for(db, points, now=NOON)
        at, said = NOON + after, set()
        async with database.read() as db:
            held = held_of(await whole_list(db, controller, now=NOON))
            requests = []
            for point, door in zip(points, made, strict=True):
                for person_id, uid in asked:
                    if uid is not None:
                        requests.append(TapRequest(new_id(), point, at, card_uid=uid, assurance=assurance))
                    if door.kind is PointKind.TABLET:
                        requests.append(TapRequest(new_id(), point, at, Manner.TICK, person_id=person_id))
            scene = await read_scene(db, requests, at, lock=False)
        for request in requests:
            facts = scene.facts(request)
            there = decide(facts)
            uid, person_id = request.card_uid, request.person_id
            shown = Presented(request.id, request.point_id, at, uid, person_id, request.assurance)
            here = decide_here(held, controller.salt, Since(), shown)
            assert here is not None
            said.add(str(there.reason))
            assert here.decision.allowed == there.allowed, (facts, there, here)
            known = held.bearer(card_digest(controller.salt, uid)) if uid else held.person(person_id or request.id)
            if known is not None:
                told = (here.decision.reason, here.decision.amount_cents, here.decision.owed_cents, here.display)
                assert told == (there.reason, there.amount_cents, there.owed_cents, say(there, facts)), (facts, there)
        return said
    finally:
        await database.close()


async def _make_door(db: AsyncSession, door: Door) -> UUID:
    await add_service(db, door.service, service_id=new_id(), policy=door.policy, valid_from=LONG_AGO)
    if door.tomorrow is not None:
        tomorrow = NOON.date() + timedelta(days=1)
        db.add(ServicePolicy(service_code=door.service, valid_from=tomorrow, policy=door.tomorrow))
    if door.cents is not None:
        price = f"{door.cents // 100},{door.cents % 100:02d} €"
        text = TARIFF.format(service=SERVICE_WORDS[door.service], price=price)
        version = await propose(db, new_id(), service=door.service, text=text, by=BY, now=LONG_AGO_AT)
        await adopt(db, version.id, valid_from=date(2020, 1, 2), by=BY, now=LONG_AGO_AT)
    more = dict(door.settings)
    if more["direction"] is not Direction.BOTH:
        area = AccessArea(id=new_id(), code=f"{door.service}", label="A", capacity=10, inside=0)
        db.add(area)
        await db.flush()
        more["area_id"] = area.id
    point = AccessPoint(
        id=new_id(),
        code=f"{door.service}",
        label="P",
        kind=door.kind,
        service_code=door.service,
        price_code="entry" if door.cents is not None else None,
        **more,
    )
    db.add(point)
    await db.flush()
    return point.id


async def _make_person(
    db: AsyncSession, number: int, someone: Someone, made: list[Door], points: list[UUID]
) -> tuple[UUID, str | None]:
    family = await create_family(db, f"F{number:05d}")
    person = await create_member(db, family.id, f"N{number}", FamilyRole.HOLDER, born=someone.born)
    person.deceased_on = date(2025, 1, 1) if someone.deceased else None
    if someone.cents is not None:
        for door in made:
            wallet = await create_wallet(db, family.id, door.service)
            wallet.balance_cents = someone.cents if wallet.floor_cents is None else max(someone.cents, 0)
    for of, here_alone, right in someone.rights:
        point_id = points[of] if here_alone else None
        service = made[of].service
        db.add(Entitlement(id=new_id(), service_code=service, point_id=point_id, person_id=person.id, **right))
    uid = None
    if someone.card is not None:
        status, first, last = someone.card
        uid, digits = f"04A2241AC35E8{number}", f"48213057{number}"
        card = await add_card(
            db,
            card_id=new_id(),
            person_id=person.id,
            number=digits + check_digit(digits),
            uid=uid,
            valid_from=NOON.date() + timedelta(days=first),
            valid_until=NOON.date() + timedelta(days=last),
            now=NOON,
        )
        card.status, card.status_since = status, LONG_AGO_AT
        card.blocked_reason = BlockedReason.LOST if status is CardStatus.BLOCKED else None
    await db.flush()
    return person.id, uid

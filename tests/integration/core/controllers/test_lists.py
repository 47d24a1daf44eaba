"""The list that a site's controller is given: what its points need and nothing more, and the same decision by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import TOPIC
from cvq_core.access.facts import Manner, PointKind, RightKind
from cvq_core.access.manage import change_point
from cvq_core.access.reading import read_scene
from cvq_core.access.rules import decide
from cvq_core.access.scene import TapRequest
from cvq_core.access.store import give_right
from cvq_core.access.tables import AccessPoint
from cvq_core.access.words import say
from cvq_core.cards.store import find_card
from cvq_core.cards.tables import Card
from cvq_core.controllers.changes import changes_since, people_page
from cvq_core.controllers.store import give_points
from cvq_core.controllers.wire import TooLong, card_digest, verified
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.live.store import flush_events, last_sequences
from cvq_core.people.tables import Person
from cvq_core.seed.heroes import JEANNE_UID
from cvq_core.services.rules import ServiceCode
from cvq_reader.deciding import Presented, Since, decide_here
from tests.integration.core.access.conftest import NOON, Village
from tests.integration.core.controllers.conftest import KEY, PUBLIC_KEY, controller_for, held_of, whole_list

LATER = (timedelta(0), timedelta(hours=8), timedelta(hours=70))
DOORS = 4
STRIDE = 7


async def some_points(db: AsyncSession) -> list[UUID]:
    """Every turnstile, gate and tablet of the village, and some doors: doors are alike."""
    rows = list(await db.execute(select(AccessPoint.id, AccessPoint.kind).order_by(AccessPoint.code)))
    doors = [row.id for row in rows if row.kind is PointKind.DOOR]
    return [row.id for row in rows if row.kind is not PointKind.DOOR] + doors[:DOORS]


@pytest.mark.parametrize("after", LATER, ids=lambda after: f"{after.total_seconds() // 3600:.0f}h")
async def test_the_list_decides_as_the_core_would_for_everybody_at_every_point(
    village: Village, after: timedelta
) -> None:
    """On each day of the list's life; whoever the list leaves out is refused by both."""
    at = NOON + after
    async with village.database.write() as db:
        points = await some_points(db)
        controller = await controller_for(db, points, now=NOON)
    async with village.database.read() as db:
        held = held_of(await whole_list(db, controller, now=NOON))
        cards = list(await db.execute(select(Card.uid, Card.person_id).order_by(Card.id)))
        people = list(await db.scalars(select(Person.id).order_by(Person.id)))
        requests = [TapRequest(new_id(), point, at, card_uid=uid) for uid, _ in cards for point in points]
        requests += [
            TapRequest(new_id(), point, at, Manner.TICK, person_id=person) for person in people for point in points
        ]
        # One in some is enough: each village, day and database begins elsewhere.
        requests = requests[after.seconds // 3600 :: STRIDE]
        scene = await read_scene(db, requests, at, lock=False)
    differing = []
    let_in = 0
    for request in requests:
        facts = scene.facts(request)
        there, words = decide(facts), say(decide(facts), facts)
        shown = Presented(request.id, request.point_id, at, request.card_uid, request.person_id)
        here = decide_here(held, controller.salt, Since(), shown)
        assert here is not None
        told = (here.decision.reason, here.decision.amount_cents, here.decision.owed_cents, here.display)
        assert here.decision.allowed == there.allowed, (request, there, here)
        let_in += there.allowed
        known = (
            held.person(request.person_id)
            if request.person_id
            else held.bearer(card_digest(controller.salt, request.card_uid or ""))
        )
        if known is not None and told != (there.reason, there.amount_cents, there.owed_cents, words):
            differing.append((there, here.decision))
    assert let_in > 100
    assert differing == []


async def test_a_list_holds_neither_card_numbers_nor_names_nor_birth_dates_nor_people_of_other_services(
    village: Village,
) -> None:
    pool = [village.points["piscine-gatineo-1"], village.points["piscine-gatineo-2"]]
    async with village.database.write() as db:
        controller = await controller_for(db, pool, now=NOON)
    async with village.database.read() as db:
        pages = await whole_list(db, controller, now=NOON)
        people = list(await db.scalars(select(Person)))
        uids = list(await db.scalars(select(Card.uid)))
    opened = [verified(signed, PUBLIC_KEY) for signed in pages]
    told = "".join(person.model_dump_json() for page in opened for person in page.people)
    assert not any(uid in told or uid.lower() in told for uid in uids)
    assert not any(person.family_name in told for person in people)
    born = {str(person.birth_date) for person in people if person.birth_date and person.birth_date.year < 2015}
    assert not any(day in told for day in born)
    assert 0 < held_of(pages).size < len(people)


async def test_what_moves_people_to_other_groups_of_points_has_every_list_fetched_anew(village: Village) -> None:
    """The groups are numbered as the points stand: whoever kept the former numbers would open another's door."""
    pool = [village.points["piscine-gatineo-1"], village.points["piscine-gatineo-2"]]

    async def after(change: Callable[[AsyncSession], Awaitable[Any]]) -> bool:
        async with village.database.write() as db:
            before = (await last_sequences(db, [TOPIC]))[TOPIC]
            await change(db)
            await flush_events(db)
        async with village.database.read() as db:
            found = await changes_since(db, first, KEY, before, now=NOON)
        assert found is not None
        return found.afresh

    async with village.database.write() as db:
        first = await controller_for(db, pool, now=NOON)
        other = await controller_for(db, [], now=NOON, name="Gymnase")
    assert not await after(lambda db: change_point(db, pool[0], {"label": "Autre"}, now=NOON))
    assert await after(lambda db: change_point(db, pool[0], {"price_code": "autre"}, now=NOON))
    assert await after(lambda db: give_points(db, other.id, pool[:1], actor=SYSTEM, now=NOON))


async def test_a_page_that_grows_too_long_is_halved_and_of_what_has_ended_the_last_is_told(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = [village.points["piscine-gatineo-1"]]
    async with village.database.write() as db:
        controller = await controller_for(db, pool, now=NOON)
        jeanne = (await find_card(db, uid=JEANNE_UID)).person_id
        for days in range(1, 30):
            await give_right(
                db,
                new_id(),
                kind=RightKind.RESERVATION,
                service=ServiceCode.POOL,
                person_id=jeanne,
                valid_from=NOON - timedelta(days=days),
                valid_until=NOON - timedelta(days=days - 1),
                now=NOON - timedelta(days=40),
            )
    async with village.database.read() as db:
        pages = await whole_list(db, controller, now=NOON)
        people = set(held_of(pages).people)
        told = held_of(pages).person(jeanne)
        longest = max(len(page.page) for page in pages)
        monkeypatch.setattr("cvq_core.controllers.wire.PAGE_BYTES_MAX", longest // 3)
        shorter = await whole_list(db, controller, now=NOON)
        with pytest.raises(TooLong):
            await people_page(db, controller, KEY, people, sequence=0, now=NOON)
    assert len(shorter) > len(pages)
    assert set(held_of(shorter).people) == people
    assert told is not None
    ended = [right for here in told.at for right in here.rights if right.valid_until and right.valid_until <= NOON]
    assert [right.valid_until for right in ended] == [NOON]

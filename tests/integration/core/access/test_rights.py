"""Rights given and ended, and how those who decide elsewhere are told of what changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from cvq_core.access.changes import NAMED_MAX, TOPIC, note_change
from cvq_core.access.facts import RightKind
from cvq_core.access.policies import PolicyWatch
from cvq_core.access.store import end_right, give_right
from cvq_core.access.tables import Entitlement
from cvq_core.access.taps import take_tap
from cvq_core.cards.life import By, block, unblock
from cvq_core.cards.making_rules import IdentityCheck
from cvq_core.cards.rules import BlockedReason
from cvq_core.cards.store import find_card
from cvq_core.database import Database
from cvq_core.facilities.service import Doing
from cvq_core.families.departures import note_death
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.live import LiveHub, events_since
from cvq_core.people.store import rename_person
from cvq_core.people.tables import Person
from cvq_core.seed.heroes import JEANNE_UID
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.tables import ServicePolicy
from cvq_core.settings import Settings
from tests.core_examples import NOW, create_family, create_member, create_services, create_wallet
from tests.factories import replace_card
from tests.integration.core.access.conftest import NOON, Village

HOUR = timedelta(hours=1)


@pytest.fixture
async def person(database: Database) -> Person:
    """Somebody without any right, in a database whose commits tell what changed."""
    LiveHub(database)
    async with database.write() as db:
        await create_services(db)
        return await create_member(db, (await create_family(db)).id, "Jeanne")


async def told(database: Database) -> list[dict[str, Any]]:
    """What was told since the beginning, without its hour."""
    async with database.read() as db:
        events, _ = await events_since(db, TOPIC, 0)
    return [{name: value for name, value in event.payload.items() if value and name != "at"} for event in events]


async def give(database: Database, right_id: UUID, **changes: Any) -> Entitlement:
    asked: dict[str, Any] = {"kind": RightKind.SUBSCRIPTION, "service": ServiceCode.POOL, "valid_from": NOW, "now": NOW}
    async with database.write() as db:
        return await give_right(db, right_id, **asked | changes)


async def test_a_policy_that_moves_no_floor_and_a_changed_name_are_told(database: Database, person: Person) -> None:
    watch = PolicyWatch(database, lambda: NOW)
    await watch.look()
    assert await told(database) == []
    later = NOW.date() + timedelta(days=30)
    async with database.write() as db:
        db.add(ServicePolicy(service_code=ServiceCode.POOL, valid_from=later, policy=FundingPolicy.FREE))
    for _ in range(2):
        await watch.look()
    async with database.write() as db:
        await rename_person(db, person.id, family_name="Roy", usual_name=None, given_names="Jeanne", now=NOW)
    assert await told(database) == [{"services": ["pool"]}, {"persons": [str(person.id)]}]


class TestRights:
    async def test_a_right_that_is_asked_for_twice_is_given_and_told_once(
        self, database: Database, person: Person
    ) -> None:
        right_id = new_id()
        for _ in range(2):
            given = await give(database, right_id, person_id=person.id, valid_until=NOW + HOUR)
        assert (given.person_id, given.valid_until) == (person.id, NOW + HOUR)
        assert await told(database) == [{"persons": [str(person.id)]}]

    async def test_rivals_who_give_the_same_right_give_it_once(self, database: Database, person: Person) -> None:
        right_id = new_id()
        given = await asyncio.gather(*(give(database, right_id, person_id=person.id) for _ in range(5)))
        assert {right.id for right in given} == {right_id}
        assert len(await told(database)) == 1

    @pytest.mark.parametrize("other", [{"service": ServiceCode.CANTEEN}, {"valid_from": NOW + HOUR}, {"weekdays": 1}])
    async def test_another_right_under_the_same_id_is_refused(
        self, database: Database, person: Person, other: dict[str, Any]
    ) -> None:
        right_id = new_id()
        await give(database, right_id, person_id=person.id)
        with pytest.raises(IdempotencyMismatch):
            await give(database, right_id, person_id=person.id, **other)

    async def test_a_right_ends_now_stays_readable_and_is_not_given_again_by_a_retry(
        self, database: Database, person: Person
    ) -> None:
        right_id = new_id()
        await give(database, right_id, person_id=person.id)
        ended = []
        for minutes in (30, 40):
            async with database.write() as db:
                ended.append(await end_right(db, right_id, now=NOW + timedelta(minutes=minutes)))
        again = await give(database, right_id, person_id=person.id)
        assert ended == [True, False]
        assert again.valid_until == NOW + timedelta(minutes=30)
        assert len(await told(database)) == 2

    async def test_a_right_that_never_began_leaves_no_trace(self, database: Database, person: Person) -> None:
        right_id = new_id()
        await give(database, right_id, person_id=person.id, valid_from=NOW + HOUR, valid_until=NOW + 2 * HOUR)
        async with database.write() as db:
            assert await end_right(db, right_id, now=NOW)
        async with database.read() as db:
            assert await db.get(Entitlement, right_id) is None
        assert len(await told(database)) == 2

    async def test_what_was_never_given_cannot_be_ended(self, database: Database, person: Person) -> None:
        async with database.write() as db:
            assert not await end_right(db, new_id(), now=NOW)

    async def test_the_door_opens_with_the_right_and_closes_with_its_end(self, village: Village) -> None:
        jeanne, right_id = await village.person("Jeanne", "Moreau"), new_id()
        decided = []
        for minute in range(3):
            async with village.database.write() as db:
                if minute == 1:
                    await give_right(
                        db,
                        right_id,
                        kind=RightKind.SUBSCRIPTION,
                        service=ServiceCode.POOL,
                        person_id=jeanne,
                        valid_from=NOON - HOUR,
                        now=NOON,
                    )
                if minute == 2:
                    await end_right(db, right_id, now=NOON)
                request = replace(village.card_tap("piscine-gatineo-1", JEANNE_UID), tapped_at=NOON)
                decided.append((await take_tap(db, request, now=NOON)).reason)
        assert decided == ["wallet-empty", "subscribed", "wallet-empty"]


class TestWhoIsTold:
    async def test_one_transaction_tells_once_whatever_it_changes(self, database: Database, person: Person) -> None:
        points = sorted(str(new_id()) for _ in range(2))
        async with database.write() as db:
            note_change(db, now=NOW, persons=[person.id], points=[UUID(points[0])])
            note_change(db, now=NOW + HOUR, persons=[person.id], points=[UUID(points[1])], services=[ServiceCode.POOL])
        assert await told(database) == [{"persons": [str(person.id)], "points": points, "services": ["pool"]}]

    async def test_what_concerns_too_many_names_nobody(self, database: Database, person: Person) -> None:
        async with database.write() as db:
            note_change(db, now=NOW, persons=[new_id() for _ in range(NAMED_MAX + 1)])
            note_change(db, now=NOW, persons=[person.id])
        assert await told(database) == [{"everybody": True}]

    async def test_a_change_that_is_rolled_back_is_told_to_nobody(self, database: Database, person: Person) -> None:
        async def fail() -> None:
            async with database.write() as db:
                note_change(db, now=NOW, persons=[person.id])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert await told(database) == []

    async def test_cards_a_death_and_money_are_told_and_taps_are_not(self, village: Village) -> None:
        LiveHub(village.database)
        nicole = await village.person("Nicole", "Petit")
        async with village.database.read() as db:
            card = await find_card(db, uid=await village.card_of("Nicole", "Petit"))
        for step in range(4):
            async with village.database.write() as db:
                if step == 0:
                    await block(db, card.id, BlockedReason.LOST, By(SYSTEM, NOON))
                elif step == 1:
                    await unblock(db, card.id, By(SYSTEM, NOON, identity=IdentityCheck.VOUCHED))
                elif step == 2:
                    await replace_card(
                        db,
                        card.id,
                        card_id=new_id(),
                        number="9999999990",
                        uid="04AABBCCDDEE99",
                        valid_until=date(2030, 1, 1),
                        now=NOON,
                    )
                else:
                    await note_death(Doing(db, Settings(), SYSTEM, NOON), nicole, on=NOON.date())
        cards = await told(village.database)
        async with village.database.write() as db:
            await take_tap(db, village.card_tap("piscine-gatineo-1", await village.card_of("Paul", "Roy")), now=NOON)

        assert [each["persons"] for each in cards] == [[str(nicole)]] * 4
        assert len(await told(village.database)) == 4

    async def test_money_that_comes_in_names_the_wallet(self, database: Database, person: Person) -> None:
        async with database.write() as db:
            wallet = await create_wallet(db, (await create_family(db, "F00002")).id, cents=500)
        assert {"wallets": [str(wallet.id)]} in await told(database)

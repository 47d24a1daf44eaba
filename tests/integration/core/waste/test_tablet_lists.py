"""What a tablet keeps to go on without a network, and what becomes of what it brings home."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cvq_core.cards.tablet_digests import card_digest
from cvq_core.ids import new_id
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Person
from cvq_core.waste.late import LateAnswer, Said, listed_late, take_late
from cvq_core.waste.listing import Listed, list_of
from cvq_core.waste.plates import forget_plate, register_plate, vehicles
from cvq_core.waste.rules import BadPlate, LateKind, NotAdmitted, Standing, plate_key
from cvq_core.waste.service import NewDeposit
from cvq_core.waste.store import set_category
from cvq_core.waste.tables import WasteDeposit
from tests.core_examples import NOW, TODAY, create_member
from tests.integration.core.waste.ground import BOXES, GREEN, RUBBLE, UID, Ground

DEVICE = new_id()


async def listed(ground: Ground, limit: int = 1000) -> list[Listed]:
    found: list[Listed] = []
    after = None
    async with ground.database.read() as db:
        while True:
            part, after = await list_of(db, DEVICE, now=NOW, after=after, limit=limit)
            found += part
            if after is None:
                return found


async def late(ground: Ground, asked: NewDeposit, cents: int | None = 0) -> LateAnswer:
    async with ground.database.write() as db:
        return await take_late(db, asked, Said("quelqu’un", cents), now=NOW)


async def test_a_tablet_s_list_holds_who_may_come_and_nothing_more(ground: Ground) -> None:
    await ground.take(ground.new())
    async with ground.database.write() as db:
        await register_plate(db, "ab-123-cd", person_id=ground.luc, standing=Standing.PROFESSIONAL, by=None, now=NOW)
        await create_member(db, ground.household, "Chloé", FamilyRole.CHILD)
        twin = await create_member(db, ground.household, "Jeanne", FamilyRole.GUARDIAN)
        stranger = await create_member(db, ground.household, "Paul", FamilyRole.COLLECTOR)
        twin.given_names = (await db.get_one(Person, ground.jeanne)).given_names
        twin.search_key = (await db.get_one(Person, ground.jeanne)).search_key
        twin_id, stranger_id = twin.id, stranger.id
    whole = await listed(ground)
    assert whole == await listed(ground, limit=1)
    by_person = {each.person_id: each for each in whole}
    assert set(by_person) == {ground.jeanne, twin_id, ground.luc}
    assert stranger_id not in by_person
    jeanne, luc = by_person[ground.jeanne], by_person[ground.luc]
    assert jeanne.told_apart
    assert (jeanne.coming[0].standing, jeanne.coming[0].visits) == (Standing.HOUSEHOLD, 1)
    assert luc.told_apart == ""
    assert luc.plates == (("AB123CD", Standing.PROFESSIONAL),)
    assert luc.cards == (card_digest(DEVICE, UID),)
    [company] = luc.coming
    assert (company.company, company.cents) == ("Maçonnerie Roy", {RUBBLE: 2250, "vegetaux": 1500})


async def test_what_was_taken_at_two_sites_without_a_network_counts_once_each_and_the_overrun_is_a_fact(
    ground: Ground,
) -> None:
    await ground.quota(1)
    here = ground.new(who=ground.jeanne)
    there = replace(ground.new(who=ground.jeanne), point_id=ground.sites[1])
    for asked in (here, there, here, there):
        answer = await late(ground, asked)
        assert answer.deposit is not None
        assert answer.deposit.row.overrun is (asked is there)
        assert answer.deposit.row.offline
    async with ground.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(WasteDeposit)) == 2
        assert await listed_late(db, TODAY) == []


async def test_what_cannot_be_taken_and_a_price_that_was_another_are_listed_once_and_never_dropped(
    ground: Ground,
) -> None:
    async with ground.database.write() as db:
        await set_category(db, GREEN, label="Végétaux", price_code="nowhere", position=1)
    unpriced = ground.new((GREEN, 500), who=ground.luc)
    unknown = ground.new(card_uid="04FFFFFFFFFFFF", person_id=None)
    dearer = ground.new((RUBBLE, 1000), (BOXES, 500), card_uid=UID, person_id=None)
    for _ in range(2):
        assert (await late(ground, unpriced)).refused == "no-such-tariff-item", "no price: somebody settles it by hand"
        assert (await late(ground, unknown, None)).refused == "unknown-card"
        answer = await late(ground, dearer, 2000)
        assert answer.deposit is not None
        assert answer.deposit.row.amount_cents == 2250
    async with ground.database.read() as db:
        found = {(row.kind, row.reason): row for row in await listed_late(db, TODAY)}
    assert len(found) == 3
    differs = found[LateKind.PRICE_DIFFERS, ""]
    assert (differs.said_cents, differs.amount_cents) == (2000, 2250)
    assert found[LateKind.NOT_TAKEN, "unknown-card"].loads == "gravats 0,5 m³"
    assert found[LateKind.NOT_TAKEN, "no-such-tariff-item"].loads == "vegetaux 0,5 m³"


async def test_an_answer_that_was_lost_on_the_way_is_the_same_deposit(ground: Ground) -> None:
    asked = ground.new(card_uid=UID, person_id=None)
    first = await ground.take(asked)
    again = await late(ground, replace(asked, occurred_at=NOW - timedelta(minutes=1)), 7)
    assert again.deposit is not None
    assert again.deposit.row.id == first.row.id
    async with ground.database.read() as db:
        assert await listed_late(db, TODAY) == []


async def test_a_plate_belongs_to_who_comes_in_the_vehicle_now(ground: Ground) -> None:
    with pytest.raises(BadPlate):
        plate_key("A;")
    async with ground.database.write() as db:
        with pytest.raises(NotAdmitted):
            await register_plate(
                db, "AB-123-CD", person_id=ground.jeanne, standing=Standing.PROFESSIONAL, by=None, now=NOW
            )
        for person, standing in ((ground.jeanne, Standing.HOUSEHOLD), (ground.luc, Standing.PROFESSIONAL)):
            await register_plate(db, "ab 123 cd", person_id=person, standing=standing, by=None, now=NOW)
        [vehicle] = await vehicles(db)
        assert (vehicle.plate, vehicle.person_id) == ("AB123CD", ground.luc)
        assert await forget_plate(db, "AB-123-CD")
        assert not await forget_plate(db, "AB-123-CD")

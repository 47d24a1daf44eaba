"""Court orders and calendars in the database: dated, written once, never overwritten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.people.arrangements import (
    NewArrangement,
    NotTheChildsAccount,
    RecordedOtherwise,
    UnknownArrangement,
    UnknownOrder,
    add_exception,
    arrange,
    arrangements_of,
    calendar_of,
    days_of,
    note_authority,
    orders_of,
    record_order,
    without_authority,
)
from cvq_core.people.custody import Part, PastIsSettled
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import CourtOrder, CustodyArrangement, FamilyAccount, Membership, Person
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family, create_member

STAFF = UUID(int=9)
WEEK = timedelta(days=7)


@dataclass(slots=True)
class Child:
    """A child in two accounts; `asked` begins today, even weeks with the mother."""

    person: Person
    anna: Person
    mother: FamilyAccount
    father: FamilyAccount
    asked: NewArrangement


async def shared_child(db: AsyncSession) -> Child:
    mother, father = await create_family(db), await create_family(db, "F00002", "Texier")
    anna = await create_member(db, mother.id, "Anna", FamilyRole.GUARDIAN)
    person = await create_member(db, mother.id, "Emma", FamilyRole.CHILD, born=date(2017, 6, 1))
    db.add(
        Membership(id=new_id(), account_id=father.id, person_id=person.id, role=FamilyRole.CHILD, valid_from=LONG_AGO)
    )
    await db.flush()
    parts = (Part(mother.id, 60), Part(father.id, 40))
    return Child(person, anna, mother, father, NewArrangement(new_id(), person.id, TODAY, parts, "aaaaaaa", "bbbbbbb"))


async def order(db: AsyncSession, child: Child, order_id: UUID, reference: str = "RG 26/00123") -> CourtOrder:
    return await record_order(
        db,
        order_id,
        child_id=child.person.id,
        court="Tribunal judiciaire de Niort",
        reference=reference,
        decided_on=TODAY - WEEK,
        effective_on=TODAY - WEEK,
        recorded_by=STAFF,
        now=NOW,
    )


async def test_a_calendar_begins_and_the_next_one_takes_its_place_from_its_day_on(database: Database) -> None:
    async with database.write() as db:
        child = await shared_child(db)
        await arrange(db, child.asked, recorded_by=STAFF, now=NOW)
        before = await calendar_of(db, child.person.id, TODAY, TODAY + 8 * WEEK)
        later = replace(child.asked, id=new_id(), valid_from=TODAY + 2 * WEEK, first_week="bbbbbbb")
        await arrange(db, later, recorded_by=STAFF, now=NOW)
        after = await calendar_of(db, child.person.id, TODAY, TODAY + 8 * WEEK)
    assert [each.day for each in after] == [TODAY + timedelta(days=number) for number in range(57)]
    assert after[:14] == before[:14]
    assert {each.of.account_id for each in after[14:]} == {child.father.id}
    assert {each.of.account_id for each in before} == {child.mother.id, child.father.id}


async def test_asked_twice_and_at_once_it_is_recorded_once(database: Database) -> None:
    async with database.write() as db:
        child = await shared_child(db)

    async def attempt() -> None:
        async with database.write() as db:
            await arrange(db, child.asked, recorded_by=STAFF, now=NOW)

    await asyncio.gather(*(attempt() for _ in range(5)))
    async with database.write() as db:
        [row] = await db.scalars(select(CustodyArrangement))
        # The same days later is still the same request, and not one that begins in the past.
        await arrange(db, child.asked, recorded_by=STAFF, now=NOW + WEEK)
        [held] = (await arrangements_of(db, [child.person.id]))[child.person.id]
        assert held.parts == child.asked.parts
        other = (Part(child.mother.id, 50), Part(child.father.id, 50))
        with pytest.raises(RecordedOtherwise):
            await arrange(db, replace(child.asked, parts=other), recorded_by=STAFF, now=NOW)
        with pytest.raises(PastIsSettled):
            await arrange(db, replace(child.asked, id=new_id()), recorded_by=STAFF, now=NOW + WEEK)
    assert row.recorded_by == STAFF


async def test_nothing_of_it_can_be_changed_afterwards(database: Database) -> None:
    async with database.write() as db:
        child = await shared_child(db)
        await arrange(db, child.asked, recorded_by=STAFF, now=NOW)
        await order(db, child, new_id())
    for change in (
        update(CustodyArrangement).values(first_week="bbbbbbb"),
        update(CourtOrder).values(reference="autre"),
    ):
        with pytest.raises(DBAPIError, match="only grows"):
            async with database.write() as db:
                await db.execute(change)


async def test_an_exception_is_for_an_account_of_the_arrangement_or_for_nobody(database: Database) -> None:
    async with database.write() as db:
        child = await shared_child(db)
        await arrange(db, child.asked, recorded_by=STAFF, now=NOW)
        stranger = await create_family(db, "F00003")

        async def add(account_id: UUID | None, arrangement_id: UUID, **more: bool) -> None:
            await add_exception(
                db,
                new_id(),
                arrangement_id=arrangement_id,
                first=TODAY,
                last=TODAY,
                account_id=account_id,
                reason="Vacances",
                recorded_by=STAFF,
                now=NOW,
                **more,
            )

        with pytest.raises(NotTheChildsAccount):
            await add(stranger.id, child.asked.id)
        with pytest.raises(UnknownArrangement):
            await add(None, new_id())
        await add(None, child.asked.id)
        assert (await days_of(db, [child.person.id], TODAY))[child.person.id].account_id is None


async def test_days_are_given_for_children_of_several_accounts_alone(database: Database) -> None:
    async with database.write() as db:
        child = await shared_child(db)
        tom = await create_member(db, child.mother.id, "Tom", FamilyRole.CHILD, born=date(2019, 6, 1))
        people = [child.person.id, tom.id, child.anna.id]
        assert set(await days_of(db, people, TODAY)) == {child.person.id}
        child.father.closed_on = TODAY
        await db.flush()
        assert await days_of(db, people, TODAY) == {}, "an account that is closed has no days"


async def test_an_order_takes_authority_away_for_its_child_from_its_day_on_and_gives_it_back(
    database: Database,
) -> None:
    async with database.write() as db:
        child = await shared_child(db)
        first = await order(db, child, new_id())
        pair = (child.person.id, child.anna.id)
        for held, begins in ((False, TODAY), (True, TODAY + WEEK)):
            await note_authority(
                db,
                new_id(),
                child_id=child.person.id,
                guardian_id=child.anna.id,
                held=held,
                valid_from=begins,
                order_id=first.id,
                recorded_by=STAFF,
                now=NOW,
            )
        for day, expected in ((TODAY - WEEK, set()), (TODAY, {pair}), (TODAY + WEEK, set())):
            assert await without_authority(db, [child.person.id], day) == expected
        with pytest.raises(UnknownOrder):
            await note_authority(
                db,
                new_id(),
                child_id=child.anna.id,
                guardian_id=child.anna.id,
                held=False,
                valid_from=TODAY,
                order_id=first.id,
                recorded_by=STAFF,
                now=NOW,
            )


async def test_an_order_is_recorded_once_under_its_id(database: Database) -> None:
    async with database.write() as db:
        child, key = await shared_child(db), new_id()
        await order(db, child, key)
        await order(db, child, key)
        with pytest.raises(RecordedOtherwise):
            await order(db, child, key, "RG 26/00999")
        assert [each.reference for each in await orders_of(db, child.person.id)] == ["RG 26/00123"]

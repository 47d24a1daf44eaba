"""Booking on both databases: who wins, what is refused, what is told and written down."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from cvq_core.errors import BadInput, Refusal
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.live.tables import LiveEvent
from cvq_core.people.store import UnknownPerson
from cvq_core.staff.rules import OutOfScope, Role
from cvq_desk.booking.rules import AppointmentEvent, ClosedNow, OutsideOpening, SlotTaken, free_slots
from cvq_desk.booking.service import AlreadyExpected, BookingMismatch, book, mark, move
from cvq_desk.booking.store import booked_spans, calendar_of
from cvq_desk.booking.tables import Appointment
from tests.core_examples import NOW
from tests.factories import make_appointment, make_booth, make_person, make_town_hall, principal_of
from tests.integration.desk_booking.conftest import Village

RIVALS = 220


async def topics(village: Village) -> set[str]:
    async with village.database.read() as db:
        return set(await db.scalars(select(LiveEvent.topic)))


async def test_a_slot_is_booked_for_somebody_without_an_account(village: Village) -> None:
    booking = village.booking(reason_id=village.pension.id)
    async with village.act() as act:
        await book(act, booking)
    async with village.database.read() as db:
        found = await db.get_one(Appointment, booking.id)
    assert (found.resident_name, found.person_id, found.status, found.walk_in) == (
        "Jeanne Moreau",
        None,
        "expected",
        False,
    )
    assert (found.starts_at, found.minutes) == (NOW + timedelta(minutes=30), 30)


async def test_the_name_and_birth_date_of_somebody_known_come_from_the_base(village: Village) -> None:
    async with village.act() as act:
        person = await make_person(act.db, "Moreau", "Jeanne Marie")
        appointment = await book(act, village.booking(person_id=person.id))
    assert (appointment.resident_name, appointment.resident_birth_date) == ("Jeanne Moreau", person.birth_date)


async def test_who_is_booked_for_now_stands_at_the_counter_and_waits(village: Village) -> None:
    async with village.act() as act:
        appointment = await book(act, village.booking(in_minutes=None))
    assert (appointment.status, appointment.walk_in, appointment.arrived_at) == ("arrived", True, NOW)


async def test_a_booking_wakes_the_secretary_the_queue_and_the_booth_and_is_written_down(village: Village) -> None:
    async with village.act() as act:
        appointment = await book(act, village.booking())
    assert await topics(village) == {
        f"town_hall:{village.town_hall.id}",
        f"queue:{village.msa.id}",
        f"booth:{village.booth.id}",
    }
    async with village.database.read() as db:
        (record,) = (await db.scalars(select(AuditRecord))).all()
    assert (record.action, record.actor_id, record.subject_id) == (
        "appointment-booked",
        village.secretary.id,
        appointment.id,
    )


async def test_of_many_secretaries_who_want_one_slot_exactly_one_gets_it(village: Village) -> None:
    async def rival(number: int) -> str:
        try:
            async with village.act() as act:
                await book(act, village.booking(name=f"Rival {number}"))
        except Refusal as refusal:
            return refusal.slug
        return "booked"

    answers = await asyncio.gather(*(rival(number) for number in range(RIVALS)))
    assert answers.count("booked") == 1
    assert answers.count("slot-taken") == RIVALS - 1
    async with village.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Appointment)) == 1


async def test_rivals_for_slots_that_only_overlap_are_kept_apart_too(village: Village) -> None:
    async def rival(number: int) -> bool:
        try:
            async with village.act() as act:
                await book(act, village.booking(in_minutes=30 + 15 * (number % 3), name=f"Rival {number}"))
        except SlotTaken:
            return False
        return True

    answers = await asyncio.gather(*(rival(number) for number in range(60)))
    async with village.database.read() as db:
        spans = await booked_spans(db, village.booth.id, NOW)
    assert answers.count(True) == len(spans)
    assert not any(one.overlaps(other) for one in spans for other in spans if one != other)


async def test_the_refusal_of_a_slot_names_its_day_and_hour(village: Village) -> None:
    async with village.act() as act:
        await book(act, village.booking())
    with pytest.raises(SlotTaken) as refused:
        async with village.act() as act:
            await book(act, village.booking(name="Alain Caillaud"))
    assert "mardi 3 mars à 11\u00a0h\u00a000" in str(refused.value)


async def test_the_database_itself_refuses_two_holders_of_one_slot(village: Village) -> None:
    async with village.act() as act:
        await make_appointment(act.db, village.booth, village.msa, village.secretary)
    with pytest.raises(IntegrityError):
        async with village.act() as act:
            await make_appointment(act.db, village.booth, village.msa, village.secretary, name="Alain Caillaud")


async def test_a_form_sent_twice_books_once(village: Village) -> None:
    booking = village.booking()
    for _ in range(2):
        async with village.act() as act:
            appointment = await book(act, booking)
        assert appointment.id == booking.id
    async with village.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(AuditRecord)) == 1


async def test_the_same_booking_with_other_content_is_refused(village: Village) -> None:
    booking = village.booking()
    async with village.act() as act:
        await book(act, booking)
    with pytest.raises(BookingMismatch):
        async with village.act() as act:
            await book(act, replace(booking, organisation_id=village.mission.id))


async def test_a_cancelled_slot_is_free_again(village: Village) -> None:
    async with village.act() as act:
        first = await book(act, village.booking())
    async with village.act() as act:
        await mark(act, first.id, AppointmentEvent.CANCEL)
    async with village.act() as act:
        await book(act, village.booking(name="Alain Caillaud"))
    with pytest.raises(SlotTaken):
        async with village.act() as act:
            await book(act, village.booking(name="Odile Guérin"))


async def test_nobody_can_come_now_when_the_town_hall_is_closed(village: Village) -> None:
    with pytest.raises(ClosedNow):
        async with village.act(NOW + timedelta(hours=2)) as act:
            await book(act, village.booking(in_minutes=None))


async def test_a_slot_over_noon_is_refused(village: Village) -> None:
    with pytest.raises(OutsideOpening):
        async with village.act() as act:
            await book(act, village.booking(in_minutes=75))


async def test_what_is_offered_can_be_booked(village: Village) -> None:
    async with village.act() as act:
        calendar = await calendar_of(act.db, village.town_hall.id, NOW)
        for _ in range(8):
            booked = await booked_spans(act.db, village.booth.id, NOW)
            slot = free_slots(calendar, booked, minutes=30, now=NOW, days=2)[0]
            await book(act, replace(village.booking(), starts_at=slot.starts_at))
        assert len(await booked_spans(act.db, village.booth.id, NOW)) == 8


async def test_one_person_is_not_expected_in_two_places_at_once(village: Village) -> None:
    async with village.act() as act:
        person = await make_person(act.db)
        await book(act, village.booking(person_id=person.id))
        elsewhere = await make_town_hall(act.db, "Mairie de Pompaire")
        other_booth = await make_booth(act.db, elsewhere, "Guichet de Pompaire")
    colleague = principal_of(village.secretary, Role.SECRETARY, elsewhere.id)
    with pytest.raises(AlreadyExpected) as refused:
        async with village.act(principal=colleague) as act:
            await book(act, village.booking(person_id=person.id, booth_id=other_booth.id))
    assert "Mairie du Tallud" in str(refused.value)
    async with village.act(principal=colleague) as act:
        await book(act, village.booking(person_id=person.id, booth_id=other_booth.id, in_minutes=60))


async def test_somebody_who_waits_already_is_not_put_into_the_queue_again(village: Village) -> None:
    async with village.act() as act:
        person = await make_person(act.db)
        await book(act, village.booking(person_id=person.id, in_minutes=None))
    with pytest.raises(AlreadyExpected):
        async with village.act(NOW + timedelta(minutes=50)) as act:
            await book(act, village.booking(person_id=person.id, in_minutes=None))


async def test_a_secretary_books_for_her_own_town_hall_alone(village: Village) -> None:
    async with village.act() as act:
        elsewhere = await make_town_hall(act.db, "Mairie de Pompaire")
        booth = await make_booth(act.db, elsewhere, "Guichet de Pompaire")
    with pytest.raises(OutOfScope):
        async with village.act() as act:
            await book(act, village.booking(booth_id=booth.id))


async def test_a_reason_of_another_organisation_is_refused(village: Village) -> None:
    with pytest.raises(BadInput) as refused:
        async with village.act() as act:
            await book(act, village.booking(organisation_id=village.mission.id, reason_id=village.pension.id))
    assert list(refused.value.facts["fields"]) == ["reason"]


async def test_somebody_without_a_name_and_an_unknown_organisation_are_refused(village: Village) -> None:
    for booking, field in (
        (village.booking(name=""), "written_name"),
        (village.booking(organisation_id=new_id()), "organisation"),
    ):
        with pytest.raises(BadInput) as refused:
            async with village.act() as act:
                await book(act, booking)
        assert list(refused.value.facts["fields"]) == [field]


async def test_nobody_is_booked_who_is_unknown_or_has_died(village: Village) -> None:
    async with village.act() as act:
        person = await make_person(act.db)
        person.deceased_on = NOW.date()
    for person_id in (new_id(), person.id):
        with pytest.raises(UnknownPerson):
            async with village.act() as act:
                await book(act, village.booking(person_id=person_id))


async def test_a_refused_booking_leaves_nothing_behind(village: Village) -> None:
    with pytest.raises(BadInput):
        async with village.act() as act:
            await book(act, village.booking(organisation_id=new_id()))
    async with village.database.read() as db:
        for table in (Appointment, AuditRecord, LiveEvent):
            assert await db.scalar(select(func.count()).select_from(table)) == 0


async def test_an_appointment_moves_to_a_free_slot_and_frees_its_own(village: Village) -> None:
    async with village.act() as act:
        first = await book(act, village.booking())
        await book(act, village.booking(in_minutes=60, name="Alain Caillaud"))
    with pytest.raises(SlotTaken):
        async with village.act() as act:
            await move(act, first.id, NOW + timedelta(minutes=60))
    async with village.act() as act:
        # A quarter of an hour later: it overlaps its own former time, and that is no obstacle.
        await move(act, first.id, NOW + timedelta(hours=4))
    async with village.act() as act:
        await book(act, village.booking(name="Odile Guérin"))

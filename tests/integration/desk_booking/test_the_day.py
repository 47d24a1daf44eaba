"""The day at the town hall: keys, the seat before the booth, and what the booth's idle page may say."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.staff.rules import OutOfScope, Role
from cvq_desk.booking.rules import AppointmentEvent, AppointmentStatus, SeatTaken, SlotTaken, VisitIsOn
from cvq_desk.booking.service import book, mark, vouch
from cvq_desk.booking.store import (
    appointments_of_day,
    closed_because,
    hours_of_day,
    next_appointment_at,
    next_opening,
)
from cvq_desk.booking.tables import Appointment, Closure
from cvq_desk.visits.tables import Visit
from tests.core_examples import NOW, TODAY
from tests.factories import make_appointment, principal_of
from tests.integration.desk_booking.conftest import Village

E = AppointmentEvent


async def marked(village: Village, appointment: Appointment, *events: AppointmentEvent) -> Appointment:
    for event in events:
        async with village.act() as act:
            appointment = await mark(act, appointment.id, event)
    return appointment


async def expected(village: Village, name: str = "Jeanne Moreau", in_minutes: int = 30) -> Appointment:
    async with village.act() as act:
        return await book(act, village.booking(name=name, in_minutes=in_minutes))


async def begin_visit(village: Village, appointment: Appointment, state: str = "in_call") -> Visit:
    async with village.act() as act:
        visit = Visit(
            id=new_id(),
            appointment_id=appointment.id,
            advisor_id=village.secretary.id,
            booth_id=village.booth.id,
            organisation_id=village.msa.id,
            state=state,
            reference=f"R-{new_id().hex[-8:]}",
            taken_at=NOW,
            media={},
        )
        act.db.add(visit)
    return visit


async def test_each_key_notes_its_hour_and_going_back_erases_it(village: Village) -> None:
    appointment = await marked(village, await expected(village), E.ARRIVE, E.SEAT)
    assert (appointment.arrived_at, appointment.seated_at) == (NOW, NOW)
    appointment = await marked(village, appointment, E.ARRIVE)
    assert (appointment.status, appointment.arrived_at, appointment.seated_at) == ("arrived", NOW, None)
    appointment = await marked(village, appointment, E.EXPECT)
    assert (appointment.status, appointment.arrived_at) == ("expected", None)


async def test_each_key_is_written_in_the_journal_once(village: Village) -> None:
    await marked(village, await expected(village), E.ARRIVE, E.ARRIVE, E.SEAT, E.SEAT)
    async with village.database.read() as db:
        actions = (await db.scalars(select(AuditRecord.action).order_by(AuditRecord.id))).all()
    assert actions == ["appointment-booked", "appointment-arrived", "appointment-seated"]


async def test_one_resident_at_a_time_sits_before_the_booth(village: Village) -> None:
    first, second = await expected(village), await expected(village, "Alain Caillaud", 60)
    await marked(village, first, E.SEAT)
    with pytest.raises(SeatTaken):
        await marked(village, second, E.SEAT)
    await marked(village, first, E.ARRIVE)
    assert (await marked(village, second, E.SEAT)).status == "seated"


async def test_somebody_forgotten_on_the_seat_yesterday_blocks_nobody_today(village: Village) -> None:
    async with village.act() as act:
        await make_appointment(
            act.db,
            village.booth,
            village.msa,
            village.secretary,
            starts_at=NOW - timedelta(hours=20),
            status=AppointmentStatus.SEATED,
        )
    assert (await marked(village, await expected(village), E.SEAT)).status == "seated"


async def test_no_key_ends_a_visit_that_is_on(village: Village) -> None:
    appointment = await marked(village, await expected(village), E.SEAT)
    await begin_visit(village, appointment)
    for event in (E.EXPECT, E.ARRIVE, E.MARK_ABSENT, E.CANCEL):
        with pytest.raises(VisitIsOn):
            await marked(village, appointment, event)
    assert (await marked(village, appointment, E.SERVE)).status == "served"


async def test_an_advisor_who_has_only_taken_somebody_does_not_hinder_the_secretary(village: Village) -> None:
    appointment = await expected(village)
    await begin_visit(village, appointment, "taken")
    assert (await marked(village, appointment, E.ARRIVE, E.MARK_ABSENT)).status == "absent"


async def test_somebody_who_comes_late_finds_the_hour_given_away(village: Village) -> None:
    late = await marked(village, await expected(village), E.MARK_ABSENT)
    await expected(village, "Alain Caillaud")
    with pytest.raises(SlotTaken):
        await marked(village, late, E.ARRIVE)


async def test_somebody_who_comes_late_keeps_an_hour_that_nobody_took(village: Village) -> None:
    late = await marked(village, await expected(village), E.MARK_ABSENT)
    assert (await marked(village, late, E.ARRIVE)).status == "arrived"


async def test_only_the_town_halls_own_secretary_presses_its_keys(village: Village) -> None:
    appointment = await expected(village)
    stranger = principal_of(village.secretary, Role.SECRETARY, new_id())
    with pytest.raises(OutOfScope):
        async with village.act(principal=stranger) as act:
            await mark(act, appointment.id, E.ARRIVE)


async def test_the_secretarys_word_for_somebodys_identity_is_recorded(village: Village) -> None:
    appointment = await marked(village, await expected(village), E.ARRIVE)
    async with village.act() as act:
        await vouch(act, appointment.id)
    async with village.act(NOW + timedelta(minutes=1)) as act:
        vouched = await vouch(act, appointment.id)
    assert (vouched.vouched_by, vouched.vouched_at) == (village.secretary.id, NOW)


async def test_the_list_of_the_day_holds_that_civil_day_alone(village: Village) -> None:
    await expected(village)
    async with village.act() as act:
        for name, starts_at in (("Hier", NOW - timedelta(hours=12)), ("Demain", NOW + timedelta(hours=15))):
            await make_appointment(
                act.db, village.booth, village.msa, village.secretary, name=name, starts_at=starts_at
            )
        entries = await appointments_of_day(act.db, village.town_hall.id, TODAY)
    assert [entry.appointment.resident_name for entry in entries] == ["Jeanne Moreau"]
    assert [entry.organisation.short_name for entry in entries] == ["MSA"]


async def test_the_booth_may_say_the_next_hour_of_today_and_nothing_else(village: Village) -> None:
    first = await expected(village, in_minutes=30)
    await expected(village, "Alain Caillaud", 60)

    async def next_hour(minutes_from_now: int = 0) -> timedelta | None:
        async with village.database.read() as db:
            at = await next_appointment_at(db, village.booth.id, NOW + timedelta(minutes=minutes_from_now))
        return at - NOW if at else None

    assert await next_hour() == timedelta(minutes=30)
    assert await next_hour(40) == timedelta(minutes=30)  # ten minutes late, and still expected
    await marked(village, first, E.SEAT)
    assert await next_hour() == timedelta(minutes=60)
    assert await next_hour(24 * 60) is None


async def test_a_closure_and_a_holiday_close_the_day_and_say_why(village: Village) -> None:
    async with village.act() as act:
        assert [span.closes_at.hour for span in await hours_of_day(act.db, village.town_hall.id, NOW)] == [12, 17]
        closure = Closure(id=new_id(), town_hall_id=village.town_hall.id, day=TODAY, why="Journée de formation")
        act.db.add(closure)
        await act.db.flush()
        assert await hours_of_day(act.db, village.town_hall.id, NOW) == []
        assert await closed_because(act.db, village.town_hall.id, TODAY) == "Journée de formation"
        assert await closed_because(act.db, village.town_hall.id, date(2026, 7, 14)) == "Fête nationale"
        assert await closed_because(act.db, village.town_hall.id, date(2026, 7, 15)) == ""
        reopening = await next_opening(act.db, village.town_hall.id, NOW)
    assert reopening == NOW - timedelta(hours=1, minutes=30) + timedelta(days=1)

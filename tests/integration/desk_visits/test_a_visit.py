"""From the queue to the wiped booth: who has a visit, when it may be called, and that it ends."""

from __future__ import annotations

import asyncio
from uuid import UUID

from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.live.tables import LiveEvent
from cvq_desk.booking.rules import AppointmentStatus
from cvq_desk.booking.tables import Appointment
from cvq_desk.booths.view import booth_view
from cvq_desk.visits.service import signal_booth
from cvq_desk.visits.tables import BoothCommand, Visit
from cvq_desk.visits.watch import VisitWatch
from cvq_desk.wire import CallReport, CallState, CommandReport, PeerName
from tests.integration.desk_visits.ground import API, Caller, Ground


async def call_at_the_booth(ground: Ground) -> CallState:
    async with ground.database.read() as db:
        view = await booth_view(db, ground.booth, now=ground.hour(), settings=ground.services.settings)
    assert view.visit is not None
    return view.visit.call


async def test_of_two_advisors_at_once_one_has_the_person_and_the_other_is_told_who(ground_on_both: Ground) -> None:
    ground = ground_on_both
    callers = {login: await ground.as_staff(login) for login in ("nadia", "hugo")}
    path = f"{API}/appointments/{ground.appointment}/take"
    answers = await asyncio.gather(*(caller.post(path) for caller in callers.values()))
    assert sorted(answer.status for answer in answers) == [200, 409]
    visit = await ground.visit(next(answer.body["id"] for answer in answers if answer.status == 200))
    winner = "Nadia Roche" if visit.advisor_id == ground.staff["nadia"] else "Hugo Blanc"
    loser = next(answer for answer in answers if answer.status == 409)
    assert (loser.slug, loser.body["title"]) == ("already-taken", f"{winner} a déjà pris cette personne.")
    assert await ground.count(Visit) == 1


async def test_taking_twice_is_one_visit(ground: Ground, nadia: Caller) -> None:
    path = f"{API}/appointments/{ground.appointment}/take"
    first, again = await nadia.post(path), await nadia.post(path)
    assert first.body["id"] == again.body["id"]


async def test_somebody_given_back_can_be_taken_by_a_colleague(ground: Ground, nadia: Caller) -> None:
    hugo = await ground.as_staff("hugo")
    path = f"{API}/appointments/{ground.appointment}/take"
    visit = (await nadia.post(path)).body["id"]
    assert (await nadia.post(f"{API}/visits/{visit}/release")).status == 200
    assert (await hugo.post(path)).status == 200


async def test_a_booth_is_called_only_when_somebody_sits_there(ground: Ground, nadia: Caller) -> None:
    waiting = await ground.new_appointment(status=AppointmentStatus.ARRIVED)
    visit = (await nadia.post(f"{API}/appointments/{waiting}/take")).body["id"]
    before = await ground.state_of_business()
    refused = await nadia.post(f"{API}/visits/{visit}/call")
    assert (refused.status, refused.slug) == (409, "not-seated")
    assert "05 49 64 00 00" in refused.body["detail"]
    assert await ground.state_of_business() == before
    assert await ground.refusals("not-seated") == 1


async def test_a_booth_that_serves_another_visit_is_busy(ground: Ground, nadia: Caller) -> None:
    await ground.visit_in_call(nadia)
    hugo = await ground.as_staff("hugo")
    second = (await hugo.post(f"{API}/appointments/{await ground.new_appointment()}/take")).body["id"]
    assert (await hugo.post(f"{API}/visits/{second}/call")).slug == "booth-busy"


async def test_a_booth_has_not_answered_before_its_ring_is_over(ground: Ground, nadia: Caller) -> None:
    visit = (await nadia.post(f"{API}/appointments/{ground.appointment}/take")).body["id"]
    await nadia.post(f"{API}/visits/{visit}/call")
    report = CallReport(visit_id=UUID(visit), state="answered")
    ground.hour.forward(seconds=4.9)
    await ground.tell_desk("call_report", report)
    assert (await ground.visit(visit)).state == "ringing"
    ground.hour.forward(seconds=0.1)
    await ground.tell_desk("call_report", report)
    assert (await ground.visit(visit)).state == "in_call"


async def test_a_visit_ended_while_it_rings_never_opens_the_call(ground: Ground, nadia: Caller) -> None:
    visit = (await nadia.post(f"{API}/appointments/{ground.appointment}/take")).body["id"]
    await nadia.post(f"{API}/visits/{visit}/call")
    await nadia.post(f"{API}/visits/{visit}/end")
    assert await call_at_the_booth(ground) is CallState.HUNG_UP
    assert (await nadia.post(f"{API}/visits/{visit}/go-back")).body["state"] == "hung_up"
    assert (await nadia.post(f"{API}/visits/{visit}/call")).body["state"] == "ringing"


async def test_a_call_that_was_hung_up_stays_so_at_the_goodbye(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await nadia.post(f"{API}/visits/{visit}/hang-up")
    await nadia.post(f"{API}/visits/{visit}/end")
    assert await call_at_the_booth(ground) is CallState.HUNG_UP


async def test_a_goodbye_said_too_early_goes_back_into_the_same_call(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await nadia.post(f"{API}/visits/{visit}/end")
    assert await call_at_the_booth(ground) is CallState.LIVE
    assert (await nadia.post(f"{API}/visits/{visit}/go-back")).body["state"] == "in_call"


async def test_the_end_of_the_wipe_ends_the_visit_and_deletes_its_signals(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    async with ground.database.write() as db:
        signal_booth(db, await db.get_one(Visit, UUID(visit)), PeerName.FACE, {"sdp": "address of a home"})
    await nadia.post(f"{API}/visits/{visit}/end")
    wiping = await nadia.post(f"{API}/visits/{visit}/wipe")
    assert wiping.body["state"] == "wiping"
    async with ground.database.read() as db:
        command = (await db.scalars(select(BoothCommand.id))).one()
    report = CommandReport(command_id=command, state="done", detail={"spool": True, "screens": True})
    await ground.tell_desk("command_report", report)
    ended = await ground.visit(visit)
    assert (ended.state, ended.wiped, ended.card_state) == ("ended", {"spool": True, "screens": True}, "absent")
    assert await ground.count(LiveEvent, LiveEvent.kind == "signal") == 0
    assert await ground.count(Appointment, Appointment.status == "served") == 1
    await ground.tell_desk("command_report", report)
    assert (await ground.visit(visit)).ended_at == ended.ended_at


async def test_the_same_command_twice_is_one(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    body = {"command_id": str(new_id()), "source": "feeder"}
    first = await nadia.post(f"{API}/visits/{visit}/scan", body)
    again = await nadia.post(f"{API}/visits/{visit}/scan", body)
    assert (first.status, first.body) == (again.status, again.body)
    assert await ground.count(BoothCommand) == 1


async def test_a_command_of_another_visit_is_not_found_under_ones_own(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    body = {"command_id": str(new_id())}
    assert (await nadia.post(f"{API}/visits/{visit}/scan", body)).status == 202
    hugo = await ground.as_staff("hugo")
    other = await ground.new_appointment(booth=ground.other_booth)
    theirs = (await hugo.post(f"{API}/appointments/{other}/take")).body["id"]
    async with ground.database.write() as db:
        (await db.get_one(Visit, UUID(theirs))).state = "in_call"
    for act in ("scan", "still", "summary/print"):
        assert (await hugo.post(f"{API}/visits/{theirs}/{act}", body)).status == 404


async def test_nothing_is_scanned_before_the_call_or_after_the_end(ground: Ground, nadia: Caller) -> None:
    visit = (await nadia.post(f"{API}/appointments/{ground.appointment}/take")).body["id"]
    refused = await nadia.post(f"{API}/visits/{visit}/scan", {})
    assert (refused.status, refused.slug) == (409, "visit-state")
    assert await ground.count(BoothCommand) == 0


async def test_a_visit_left_standing_is_wiped_and_one_never_called_is_given_back(ground: Ground, nadia: Caller) -> None:
    standing = await ground.visit_in_call(nadia)
    hugo = await ground.as_staff("hugo")
    taken = (await hugo.post(f"{API}/appointments/{await ground.new_appointment()}/take")).body["id"]
    ground.hour.forward(minutes=ground.services.settings.visit_minutes_max + 1)
    watches = [VisitWatch(ground.database, ground.hour, ground.services.settings) for _ in range(2)]
    await asyncio.gather(*(watch.look() for watch in watches))
    assert (await ground.visit(standing)).state == "wiping"
    assert (await ground.visit(taken)).state == "released"
    assert await ground.count(BoothCommand, BoothCommand.kind == "wipe") == 1

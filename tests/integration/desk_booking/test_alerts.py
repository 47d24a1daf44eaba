"""What reaches the secretary: once while it stands, and closing time before it comes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.live.tables import LiveEvent
from cvq_core.staff.rules import OutOfScope, Role
from cvq_desk.booking.alerts import AlertKind, raise_alert, settle_alert, settle_booth_alerts, watch_closing
from cvq_desk.booking.rules import AppointmentEvent
from cvq_desk.booking.service import book, mark
from cvq_desk.booking.store import open_alerts
from cvq_desk.booking.tables import Alert
from tests.core_examples import NOW
from tests.factories import principal_of
from tests.integration.desk_booking.conftest import Village

TEN_TO_NOON = NOW + timedelta(hours=1, minutes=20)


async def raised(village: Village, kind: str = "paper_out") -> bool:
    async with village.act() as act:
        return await raise_alert(
            act.db, town_hall_id=village.town_hall.id, booth_id=village.booth.id, kind=kind, now=NOW
        )


async def standing(village: Village) -> list[str]:
    async with village.database.read() as db:
        return [alert.kind for alert in await open_alerts(db, village.town_hall.id)]


async def test_every_kind_of_alert_reaches_the_town_hall(village: Village) -> None:
    for kind in AlertKind:
        assert await raised(village, kind.value)
    assert sorted(await standing(village)) == sorted(AlertKind)
    async with village.database.read() as db:
        events = (await db.scalars(select(LiveEvent))).all()
    assert {(event.topic, event.kind) for event in events} == {(f"town_hall:{village.town_hall.id}", "alerts")}


async def test_an_unknown_kind_is_a_fault_of_ours(village: Village) -> None:
    with pytest.raises(ValueError, match="teapot"):
        await raised(village, "teapot")


async def test_the_same_trouble_told_twenty_times_at_once_is_one_alert(village: Village) -> None:
    answers = await asyncio.gather(*(raised(village) for _ in range(20)))
    assert answers.count(True) == 1
    assert await standing(village) == ["paper_out"]


async def test_a_settled_trouble_that_comes_again_is_a_new_alert(village: Village) -> None:
    await raised(village)
    async with village.act() as act:
        (alert,) = await open_alerts(act.db, village.town_hall.id)
        await settle_alert(act.db, act.principal, alert.id, NOW)
    assert await standing(village) == []
    assert await raised(village)
    assert await standing(village) == ["paper_out"]


async def test_an_alert_is_settled_by_its_own_secretary_and_once(village: Village) -> None:
    await raised(village)
    async with village.database.read() as db:
        (alert,) = await open_alerts(db, village.town_hall.id)
    stranger = principal_of(village.secretary, Role.SECRETARY, new_id())
    with pytest.raises(OutOfScope):
        async with village.act() as act:
            await settle_alert(act.db, stranger, alert.id, NOW)
    for now in (NOW, NOW + timedelta(minutes=5)):
        async with village.act() as act:
            settled = await settle_alert(act.db, act.principal, alert.id, now)
    assert (settled.settled_at, settled.settled_by) == (NOW, village.secretary.id)


async def test_paper_that_was_put_in_settles_its_alert_by_itself(village: Village) -> None:
    await raised(village)
    await raised(village, "help")
    async with village.act() as act:
        assert await settle_booth_alerts(act.db, village.booth.id, ["paper_out", "paper_jam"], NOW) == 1
    assert await standing(village) == ["help"]


async def test_ten_minutes_before_closing_somebody_who_waits_raises_an_alert_once(village: Village) -> None:
    async with village.act() as act:
        await book(act, village.booking(in_minutes=None))
    assert await watch_closing(village.database, TEN_TO_NOON - timedelta(minutes=1)) == 0
    assert await watch_closing(village.database, TEN_TO_NOON) == 1
    assert await watch_closing(village.database, TEN_TO_NOON + timedelta(minutes=2)) == 0
    assert await standing(village) == ["closing_soon"]
    async with village.act() as act:
        (alert,) = await open_alerts(act.db, village.town_hall.id)
        await settle_alert(act.db, act.principal, alert.id, TEN_TO_NOON + timedelta(minutes=3))
    assert await watch_closing(village.database, TEN_TO_NOON + timedelta(minutes=4)) == 0


async def test_nobody_there_means_no_alert_at_closing(village: Village) -> None:
    async with village.act() as act:
        await book(act, village.booking())
    assert await watch_closing(village.database, TEN_TO_NOON) == 0


async def test_two_server_processes_raise_one_alert(village: Village) -> None:
    async with village.act() as act:
        await book(act, village.booking(in_minutes=None))
    raised_by = await asyncio.gather(*(watch_closing(village.database, TEN_TO_NOON) for _ in range(6)))
    assert sum(raised_by) == 1


async def test_the_closing_alert_goes_when_the_last_one_has_gone(village: Village) -> None:
    async with village.act() as act:
        appointment = await book(act, village.booking(in_minutes=None))
    await watch_closing(village.database, TEN_TO_NOON)
    async with village.act() as act:
        await mark(act, appointment.id, AppointmentEvent.MARK_ABSENT)
    await watch_closing(village.database, TEN_TO_NOON + timedelta(minutes=1))
    assert await standing(village) == []
    async with village.database.read() as db:
        assert (await db.scalars(select(Alert.settled_at))).all() == [TEN_TO_NOON + timedelta(minutes=1)]

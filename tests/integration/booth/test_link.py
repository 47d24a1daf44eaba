"""The booth's line: it proves who it is, comes back by itself, and no report is lost with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from cvq_booth.desk import Desk, DeskRefused, DeskUnreachable, enrol
from cvq_booth.link import Link
from cvq_core.devices.identity import Identity
from cvq_desk.wire import (
    BoothView,
    CardGone,
    CardSeen,
    CommandReport,
    ConsentAnswer,
    ConsentManner,
    DeviceName,
    Devices,
    DeviceStatus,
    Hello,
    PeerName,
    Signal,
)
from tests.integration.booth.desk_stand_in import CODE, DeskStandIn, eventually
from tests.unit.booth.booth_states import view

DEADLINE_S = 20.0


class Seen:
    """What the link told, as states that a test can wait for."""

    def __init__(self) -> None:
        self.views: list[BoothView] = []
        self.signals: list[Signal] = []
        self.lines: list[bool] = []
        self._changed = asyncio.Event()

    async def view(self, message: BoothView) -> None:
        self.views.append(message)
        self._changed.set()

    async def signal(self, message: Signal) -> None:
        self.signals.append(message)
        self._changed.set()

    async def line(self, up: bool) -> None:
        self.lines.append(up)
        self._changed.set()

    async def until(self, condition) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
async def desk() -> AsyncIterator[DeskStandIn]:
    async with DeskStandIn() as stand_in:
        stand_in.view = view()
        yield stand_in


@asynccontextmanager
async def linked(desk: DeskStandIn) -> AsyncIterator[tuple[Link, Seen]]:
    seen = Seen()
    async with ClientSession() as session:
        identity = await enrol(session, desk.url, CODE, Identity.new())
        link = Link(
            Desk(session, desk.url, identity),
            software="test",
            started_at=datetime.now(UTC),
            on_view=seen.view,
            on_signal=seen.signal,
            on_line=seen.line,
        )
        task = asyncio.create_task(link.run())
        try:
            yield link, seen
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def card() -> CardSeen:
    return CardSeen(uid="04A1B2C3D4E5F6", at=datetime.now(UTC))


async def test_a_booth_with_a_one_time_code_gets_a_line_and_the_newest_view(desk):
    async with linked(desk) as (link, seen):
        await seen.until(lambda: seen.views and link.up)
        assert seen.views[-1].town_hall == "Mairie du Tallud"
        assert (await desk.heard(Hello)).software == "test"


async def test_a_used_code_is_refused_with_the_desks_own_words(desk):
    async with ClientSession() as session:
        with pytest.raises(DeskRefused, match=r"plus valable\. Demandez-en un nouveau"):
            await enrol(session, desk.url, "WRONG", Identity.new())


async def test_a_desk_that_is_away_is_said_to_be_away():
    async with ClientSession() as session:
        with pytest.raises(DeskUnreachable):
            await enrol(session, "http://127.0.0.1:9", CODE, Identity.new())


async def test_a_cut_line_comes_back_and_shows_the_newest_view(desk):
    async with linked(desk) as (_, seen):
        await seen.until(lambda: seen.views)
        desk.view = view(next_hour="11:00")
        await desk.cut()
        await seen.until(lambda: seen.views[-1].next_hour == "11:00")
        assert seen.lines == [True, False, True]


async def test_a_line_that_falls_silent_is_taken_for_dead_and_dialled_again(desk):
    async with linked(desk) as (_, seen):
        await seen.until(lambda: seen.views)
        desk.silent = True
        await seen.until(lambda: seen.lines == [True, False])
        desk.silent = False
        await seen.until(lambda: seen.lines == [True, False, True])


async def test_a_desk_that_is_restarted_is_found_again_for_ever(desk):
    async with linked(desk) as (_, seen):
        await seen.until(lambda: seen.views)
        await desk.close()
        await seen.until(lambda: seen.lines == [True, False])
        await desk.open()
        await seen.until(lambda: seen.lines == [True, False, True])


async def test_a_report_made_without_a_line_arrives_when_it_is_back(desk):
    async with linked(desk) as (link, seen):
        await seen.until(lambda: link.up)
        desk.refuse_lines = True
        await desk.cut()
        await seen.until(lambda: not link.up)
        command = uuid4()
        link.report(CommandReport(command_id=command, state="running"))
        link.report(CommandReport(command_id=command, state="done", detail={"pages": 2}))
        desk.refuse_lines = False
        report = await desk.heard(CommandReport)
        assert (report.state, report.detail) == ("done", {"pages": 2}), "only the newest of one command is sent"


async def test_a_report_that_went_down_with_the_line_is_sent_again(desk):
    async with linked(desk) as (link, seen):
        await seen.until(lambda: link.up)
        # The desk gets the frame and dies before it could have answered any ping behind it.
        desk.answer_pings = False
        consent = uuid4()
        link.report(ConsentAnswer(consent_id=consent, agreed=True, manner=ConsentManner.TOUCH))
        await desk.heard(ConsentAnswer)
        heard = len(desk.messages)
        await desk.cut()
        desk.answer_pings = True
        again = await desk.heard(ConsentAnswer, after=heard)
        assert again.consent_id == consent


async def test_a_report_that_the_desk_has_surely_seen_is_not_sent_again(desk):
    async with linked(desk) as (link, seen):
        await seen.until(lambda: link.up)
        link.report(card())
        await desk.heard(CardSeen)
        # An answered ping behind the report vouches for it; the newest report then waits for nothing.
        await eventually(lambda: not link.waiting)
        await desk.cut()
        await seen.until(lambda: seen.lines == [True, False, True])
        link.report(CardGone(at=datetime.now(UTC)))
        await desk.heard(CardGone)
        assert len(desk.all(CardSeen)) == 1


async def test_the_newest_state_of_the_machines_opens_every_line(desk):
    async with linked(desk) as (link, _):
        ready = DeviceStatus(device=DeviceName.PRINTER, state="ready")
        link.devices(Devices(devices=[ready]))
        await desk.heard(Devices)
        heard = len(desk.messages)
        await desk.cut()
        assert (await desk.heard(Devices, after=heard)).devices == [ready]


async def test_signals_go_both_ways_and_are_dropped_without_a_line(desk):
    async with linked(desk) as (link, seen):
        await seen.until(lambda: link.up)
        visit = uuid4()
        await desk.send(Signal(visit_id=visit, peer=PeerName.FACE, data={"kind": "hello"}))
        await seen.until(lambda: seen.signals)
        link.send(Signal(visit_id=visit, peer=PeerName.FACE, data={"n": 1}))
        await desk.heard(Signal, lambda signal: signal.data == {"n": 1})
        desk.refuse_lines = True
        await desk.cut()
        await seen.until(lambda: not link.up)
        link.send(Signal(visit_id=visit, peer=PeerName.FACE, data={"n": 2}))
        desk.refuse_lines = False
        await seen.until(lambda: link.up)
        link.send(Signal(visit_id=visit, peer=PeerName.FACE, data={"n": 3}))
        await desk.heard(Signal, lambda signal: signal.data == {"n": 3})
        assert [signal.data for signal in desk.all(Signal)] == [{"n": 1}, {"n": 3}]


async def test_what_makes_no_sense_is_dropped_and_the_line_stays(desk):
    async with linked(desk) as (link, seen):
        await seen.until(lambda: link.up)
        for socket in desk._sockets:
            await socket.send_str("not JSON")
            await socket.send_str('{"type": "view", "sequence": "no number"}')
        await desk.show(view(next_hour="11:30"))
        await seen.until(lambda: seen.views[-1].next_hour == "11:30")
        assert seen.lines == [True]


async def test_a_token_that_the_desk_no_longer_takes_is_exchanged_for_a_new_one(desk):
    async with linked(desk) as (_, seen):
        await seen.until(lambda: seen.views)
        desk.tokens.clear()
        await desk.cut()
        await seen.until(lambda: seen.lines == [True, False, True])
        assert desk.tokens_given == 2


async def test_a_revoked_booth_gets_no_line_and_keeps_asking(desk):
    async with linked(desk) as (link, seen):
        await seen.until(lambda: seen.views)
        keys = dict(desk.keys)
        desk.revoke()
        await desk.cut()
        await seen.until(lambda: seen.lines == [True, False])
        desk.keys.update(keys)
        await seen.until(lambda: link.up)


async def test_deadlines_are_read_by_the_desks_clock(desk):
    desk.clock_ahead = timedelta(hours=2)
    async with linked(desk) as (link, seen):
        await seen.until(lambda: link.up)
        await eventually(lambda: link.desk_ahead > timedelta(hours=1))
        assert abs(link.desk_now() - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)


async def test_the_first_view_is_read_by_the_desks_clock_before_any_ping_is_answered(desk):
    desk.clock_ahead, desk.answer_pings = -timedelta(days=60), False
    async with linked(desk) as (link, seen):
        await seen.until(lambda: seen.views)
        assert abs(link.desk_now() - datetime.now(UTC) + timedelta(days=60)) < timedelta(minutes=1)


async def test_a_file_is_fetched_with_the_booths_token_and_from_nowhere_else(desk):
    name = str(uuid4())
    desk.files[name] = b"%PDF-1.7 a form"
    async with ClientSession() as session:
        identity = await enrol(session, desk.url, CODE, Identity.new())
        client = Desk(session, desk.url, identity)
        assert await client.file(f"/api/v1/booth/files/{name}") == b"%PDF-1.7 a form"
        for elsewhere in ("@evil.example/x", f"/api/v1/booth/files/{name}/../..", "//evil.example/" + name):
            with pytest.raises(DeskRefused):
                await client.file(elsewhere)
        with pytest.raises(DeskRefused):
            await client.file(f"/api/v1/booth/files/{uuid4()}")

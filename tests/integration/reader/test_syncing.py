"""Between a controller and its core: proxies with pages of their own, refusals, lists cut short, bad disks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cvq_core.access.facts import Point, PointEventKind, PointKind, Right, RightKind
from cvq_core.clock import local_day
from cvq_core.controllers.wire import AtPoints, KnownPerson, KnownPoint, Name, Page, SignedPage, Welcome, sign, verified
from cvq_core.devices.identity import Identity, to_base64url
from cvq_core.devices.line import DeviceLine, ServerRefused
from cvq_core.ids import new_id
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_reader.core import Core
from cvq_reader.doors import Doors
from cvq_reader.events import PointEvents
from cvq_reader.local_api import LocalApi, key_digest
from cvq_reader.pages import PageFile
from cvq_reader.queue import QueuedTap, State, TapQueue
from cvq_reader.steady import SteadyClock
from cvq_reader.syncing import Syncing
from tests.integration.reader.ground import until

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
OURS, RUN, POOL, SQUASH = (UUID(int=number) for number in (1, 2, 3, 4))
UID = "04A25B6C7D8E90"
DOES_NOT_FIT = {"type": "/problems/bad-input", "title": "…", "status": 422}


def known_point(point_id: UUID, group: int) -> KnownPoint:
    point = Point(point_id, PointKind.TURNSTILE, ServiceCode.POOL, FundingPolicy.FREE)
    return KnownPoint(id=point_id, code="p", label="P", group=group, charges=False, days=((date(2026, 11, 1), point),))


def page(kind: str = "list", groups: tuple[int, ...] = (0, 1), **changed: Any) -> SignedPage:
    points = tuple(map(known_point, (POOL, SQUASH), groups))
    values = {"controller_id": OURS, "run": RUN, "sequence": 5, "made_at": NOON, "points": points}
    return sign(Page.model_validate(values | {"kind": kind, "expires_at": NOON + timedelta(hours=72)} | changed), KEY)


def tap(minutes: int = 0) -> QueuedTap:
    at = NOON + timedelta(minutes=minutes)
    return QueuedTap(new_id(), State.DECIDED, POOL, at, sure=True, uid=UID, allowed=True, reason="paid", display="")


@dataclass
class Between:
    """A core that speaks the real protocol, or the proxy before it: `batch` answers to taps, `pages` are its list."""

    batch: Callable[[list[dict[str, Any]]], web.Response] = lambda _: web.Response(status=500)
    pages: list[SignedPage] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/v1/devices/challenge", self._challenge)
        app.router.add_post("/api/v1/devices/token", self._token)
        app.router.add_post("/api/v1/taps/batch", self._taps)
        app.router.add_get("/api/v1/controller/list", self._list)
        app.router.add_get("/api/v1/controller/changes", self._changes)
        return app

    async def _challenge(self, _: web.Request) -> web.Response:
        return web.json_response({"challenge": to_base64url(bytes(32))})

    async def _token(self, _: web.Request) -> web.Response:
        return web.json_response({"token": "t", "expires_in_s": 900})

    async def _taps(self, request: web.Request) -> web.Response:
        taps = (await request.json())["taps"]
        self.batches.append(len(taps))
        return self.batch(taps)

    async def _list(self, _: web.Request) -> web.Response:
        if not self.pages:
            return web.Response(status=502)
        return web.json_response(self.pages.pop(0).model_dump())

    async def _changes(self, _: web.Request) -> web.Response:
        return web.json_response({"signed": self.pages.pop(0).model_dump()})


@dataclass
class Ground:
    """A controller's insides, before a core that does as it is told."""

    between: Between
    queue: TapQueue
    pages: PageFile
    doors: Doors
    syncing: Syncing

    def fetch(self, *pages: SignedPage) -> Any:
        """Have the list fetched, of these pages."""
        self.between.pages = list(pages)
        return self.syncing._fetch_whole()

    async def states(self) -> list[State]:
        return [each.state for state in State for each in await self.queue.waiting(state, 100)]


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    welcome = Welcome(
        controller_id=OURS,
        name="",
        site="",
        public_key=to_base64url(KEY.public_key().public_bytes_raw()),
        salt=to_base64url(bytes(32)),
        list_hours=72,
    )
    between = Between()
    queue, pages = TapQueue(tmp_path / "queue.sqlite", memory_max=100), PageFile(tmp_path / "list.sqlite")
    await queue.start()
    async with TestServer(between.app()) as server, ClientSession() as session:
        identity = Identity.new().enrolled(OURS, "Site")
        core = Core(DeviceLine(session, str(server.make_url("")).rstrip("/"), identity), online_ms=500)
        clock = SteadyClock(None)
        doors = Doors(core, queue, clock, welcome)
        events = PointEvents(queue, doors.now, silent_after_s=15)
        often = timedelta(days=9999)
        syncing = Syncing(core, doors, queue, pages, events, clock=clock, welcome=welcome, refresh_every=often)
        yield Ground(between, queue, pages, doors, syncing)
    await queue.close()
    pages.close()


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"Location": "/maintenance"}, ""),
        (404, {"Content-Type": "text/html"}, "<h1>Not found</h1>"),
        (422, {"Content-Type": "text/html"}, "<h1>?</h1>"),
        (400, {"Content-Type": "application/problem+json"}, '{"type": "about:blank", "title": "Bad Request"}'),
        (404, {"Content-Type": "application/problem+json"}, '{"type": "/problems/not-found"}'),
    ],
    ids=["redirect", "404-html", "422-html", "a-proxys-problem", "404-of-an-older-core"],
)
async def test_what_a_proxy_says_settles_no_tap(
    ground: Ground, status: int, headers: dict[str, str], body: str
) -> None:
    for minutes in range(3):
        await ground.queue.put(tap(minutes))
    ground.between.batch = lambda _: web.Response(status=status, headers=headers, text=body)
    with pytest.raises(ServerRefused):
        await ground.syncing._send_some()
    assert await ground.states() == [State.DECIDED] * 3
    assert ground.between.batches == [3], "nor is it asked of each"


async def test_what_the_core_refuses_is_kept_with_its_card_told_of_and_sent_again_with_the_next_list(
    ground: Ground,
) -> None:
    bad, moved, good = taps = [tap(minutes) for minutes in range(3)]
    for each in taps:
        await ground.queue.put(each)

    def core(found: list[dict[str, Any]]) -> web.Response:
        if any(each["id"] == str(bad.id) for each in found):
            return web.json_response(DOES_NOT_FIT, status=422, content_type="application/problem+json")
        refused = {str(moved.id): "not-your-point"}
        answers = [
            {"id": each["id"], "recorded": each["id"] not in refused, "refused": refused.get(each["id"])}
            for each in found
        ]
        return web.json_response({"taps": answers})

    ground.between.batch = core
    await ground.syncing._send_some()
    assert [each.id for each in await ground.queue.waiting(State.SENT, 9)] == [good.id]
    kept = await ground.queue.waiting(State.REFUSED, 9)
    assert [(each.id, each.uid) for each in kept] == [(bad.id, UID), (moved.id, UID)]
    assert (await ground.syncing.queued())[:2] == (2, 2)
    assert "tap-refused" in ground.syncing.told()
    # The point is this controller's again, and the core understands by now.
    await ground.fetch(page())
    assert ground.syncing.told() == {}
    ground.between.batch = lambda found: web.json_response(
        {"taps": [{"id": each["id"], "recorded": True} for each in found]}
    )
    await ground.syncing._send_some()
    assert await ground.states() == [State.SENT] * 3


async def test_a_list_that_breaks_off_leaves_nothing_behind_and_one_of_other_groups_is_fetched_anew(
    ground: Ground,
) -> None:
    await ground.fetch(page())
    first = KnownPerson(id=UUID(int=9))
    for number in range(3):
        with suppress(ServerRefused):
            await ground.fetch(page(run=UUID(int=20 + number), before=first.id, people=(first,)))
    [(rows,)] = ground.pages._base.execute("SELECT count(*) FROM page")
    assert rows == 2, "the current list, and the last that broke off"
    # A price or a point moved: who is known by the former numbers would have another point's rights.
    ground.between.pages = [page("changes", groups=(1, 0), sequence=6), page(groups=(1, 0), run=UUID(int=30))]
    await ground.syncing._catch_up()
    held = ground.doors.held
    assert held is not None
    assert (held.run, held.points[POOL].group) == (UUID(int=30), 1)


async def test_a_disk_that_cannot_be_read_is_told_of_and_ends_nothing(ground: Ground, monkeypatch: Any) -> None:
    monkeypatch.setattr("cvq_reader.syncing.BACKOFF_FIRST_S", 0.01)
    base = ground.queue._connection()
    await ground.queue.put(tap())
    base.execute("ALTER TABLE tap RENAME TO elsewhere")
    ground.between.batch = lambda found: web.json_response(
        {"taps": [{"id": each["id"], "recorded": True} for each in found]}
    )
    sending = asyncio.create_task(ground.syncing._send_taps())

    async def so(what: bool) -> bool:
        assert not sending.done()
        return what

    await until(lambda: so("disk-failed" in ground.syncing.told()), "the trouble is told")
    assert await ground.syncing.queued() == (0, 0, None)
    base.execute("ALTER TABLE elsewhere RENAME TO tap")
    await until(lambda: so("disk-failed" not in ground.syncing.told()), "the disk is back")
    assert ground.between.batches == [1]
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending


async def test_a_roll_call_without_the_core_knows_holidays_and_who_is_enrolled_no_more(ground: Ground) -> None:
    now, key = ground.doors.now(), "a-key-of-some-length-for-one-tablet"

    def child(number: int, *, on_holidays: bool) -> KnownPerson:
        right = Right(new_id(), RightKind.ENROLMENT, now - timedelta(days=2), point_id=POOL, on_holidays=on_holidays)
        at = (AtPoints(group=0, rights=(right,)),)
        return KnownPerson(id=UUID(int=number), at=at, name=Name(family=f"Famille {number}", given="Léa"))

    children = (child(31, on_holidays=True), child(32, on_holidays=False), child(33, on_holidays=True))
    today = (local_day(now),)
    await ground.fetch(page(people=children, holidays=today, made_at=now, expires_at=now + timedelta(hours=72)))
    events = PointEvents(ground.queue, ground.doors.now, silent_after_s=60)
    api = LocalApi(ground.doors, {key_digest(key): "p"}, events, status=lambda: asyncio.sleep(0, {}))

    async def expected() -> list[str]:
        async with TestClient(TestServer(api.app())) as tablet:
            answer = await tablet.get("/attendances/expected", headers={"Authorization": f"Bearer {key}"})
            return [each["family_name"] for each in (await answer.json())["expected"]]

    assert await expected() == ["Famille 31", "Famille 33"]
    assert ground.doors.held is not None
    gone = page("changes", gone=(children[0].id,), made_at=now)
    ground.doors.held.change(verified(gone, KEY.public_key().public_bytes_raw()))
    assert await expected() == ["Famille 33"]


async def test_a_clock_that_was_set_is_told_once_for_each_service(
    ground: Ground,
) -> None:
    await ground.fetch(page())
    for _ in range(2):
        ground.syncing.trouble("clock-jumped", "somebody set this machine's clock")
    ground.syncing.trouble("twins", "this is no event of a point's")
    [event] = await ground.syncing._events.waiting(10)
    assert (event.point_id in (POOL, SQUASH), event.kind) == (True, PointEventKind.CLOCK_WRONG)

"""A page's live socket: who may open it, what it may watch, what it is told, and when it ends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.live import store
from cvq_core.live.store import EVENTS_MAX, events_since, flush_events, last_sequences, publish, purge_events
from cvq_core.live.tables import LiveEvent
from cvq_core.staff.tables import StaffGrant
from cvq_core.web import live_socket
from cvq_core.web.live_socket import MESSAGE_BYTES_MAX, MESSAGES_A_SECOND_MAX, NEVER_SEEN, TOPICS_MAX
from tests.integration.desk_visits.ground import API, Caller, Ground, ground_on
from tests.served import served

DEADLINE_S = 20.0


@pytest.fixture
async def ground_on_both(database_url: str, tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground_on(database_url, tmp_path) as ground:
        yield ground


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its line open."""

    socket: ClientWebSocketResponse

    async def hear(self) -> dict[str, Any]:
        """The next thing that the page is told."""
        message = await self.socket.receive(DEADLINE_S)
        assert message.type is WSMsgType.TEXT, message
        told = json.loads(message.data)
        assert isinstance(told, dict)
        return told

    async def ask(self, **message: Any) -> dict[str, Any]:
        await self.socket.send_json(message)
        return await self.hear()

    async def slug(self) -> str:
        told = await self.hear()
        assert told["type"] == "problem", told
        return str(told["problem"]["slug"])

    async def close_code(self) -> int | None:
        """How the server ends the line; what it still tells before is passed over."""
        while (message := await self.socket.receive(DEADLINE_S)).type is WSMsgType.TEXT:
            pass
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING), message
        return self.socket.close_code

    async def is_well(self) -> bool:
        return (await self.ask(type="ping"))["type"] == "pong"


@asynccontextmanager
async def page_of(ground: Ground, caller: Caller, **headers: str) -> AsyncIterator[Page]:
    sent = {**caller.headers, "Origin": ground.url, **{name.replace("_", "-"): text for name, text in headers.items()}}
    async with ground.session.ws_connect(f"{ground.url}{API}/live", headers=sent, max_msg_size=0) as socket:
        yield Page(socket)


async def refused(ground: Ground, headers: dict[str, str]) -> int:
    with pytest.raises(WSServerHandshakeError) as error:
        await ground.session.ws_connect(f"{ground.url}{API}/live", headers=headers)
    return error.value.status


async def happen(ground: Ground, topic: str, *kinds: str) -> None:
    for kind in kinds:
        async with ground.database.write() as db:
            publish(db, topic, kind)


# Who may open it.


async def test_without_a_session_there_is_no_line(ground: Ground) -> None:
    assert await refused(ground, {"Origin": ground.url}) == 401
    nadia = await ground.as_staff("nadia")
    ground.hour.forward(hours=13)
    assert await refused(ground, {**nadia.headers, "Origin": ground.url}) == 401


async def test_a_booth_has_a_line_of_its_own_and_not_this_one(ground: Ground) -> None:
    booth = await ground.as_booth()
    assert await refused(ground, {**booth.headers, "Origin": ground.url}) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "{own}.evil.example"},
        {"Origin": "{own}", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "{own}", "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Authorization": "Basic dXNlcjpwYXNz"},
    ],
    ids=str,
)
async def test_another_site_cannot_open_the_line_of_a_signed_in_browser(
    ground: Ground, headers: dict[str, str]
) -> None:
    nadia = await ground.as_staff("nadia")
    sent = {name: text.format(own=ground.url) for name, text in headers.items()}
    assert await refused(ground, {**nadia.headers, **sent}) == 403


# What it may watch.


async def test_an_advisor_watches_the_queue_of_their_organisation_and_their_own_visit(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    topics = [f"queue:{ground.msa}", f"visit:{visit}", f"signals:{visit}"]
    async with page_of(ground, nadia) as page:
        assert await page.ask(type="watch", topics=dict.fromkeys(topics, NEVER_SEEN)) == {
            "type": "watching",
            "topics": topics,
        }


FOREIGN = {
    "hugo": {"visit:{visit}": "not-your-visit", "signals:{visit}": "not-your-visit", "queue:{mission}": "out-of-scope"},
    "ines": {"visit:{visit}": "out-of-scope", "queue:{msa}": "out-of-scope", "town_hall:{hall}": "forbidden"},
    "sylvie": {"visit:{visit}": "forbidden", "queue:{msa}": "forbidden"},
    "nadia": {
        "visit:{nothing}": "not-found",
        "visit:1": "bad-input",
        "booth:{booth}": "not-found",
        "moon:1": "not-found",
        "": "not-found",
    },
}


@pytest.mark.parametrize(("login", "topic"), [(login, topic) for login, topics in FOREIGN.items() for topic in topics])
async def test_what_one_may_not_watch_is_refused_and_never_told(ground: Ground, login: str, topic: str) -> None:
    visit = await ground.visit_in_call(await ground.as_staff("nadia"))
    foreign = topic.format(
        visit=visit,
        msa=ground.msa,
        mission=ground.mission,
        hall=ground.town_hall,
        booth=ground.booth,
        nothing=new_id(),
    )
    own = {"hugo": f"queue:{ground.msa}", "ines": f"queue:{ground.mission}", "sylvie": f"town_hall:{ground.town_hall}"}
    async with page_of(ground, await ground.as_staff(login)) as page:
        told = await page.ask(type="watch", topics={own.get(login, f"visit:{visit}"): 0, foreign: 0})
        assert (told["type"], told["of"], told["problem"]["slug"]) == ("problem", "watch", FOREIGN[login][topic])
        # One that is refused lets none in.
        assert ground.services.hub.subscribers == {}


@pytest.mark.parametrize("since", ["1", None, 1.5, 2**31, 10**30, -2])
async def test_a_number_that_no_event_has_is_refused(ground_on_both: Ground, since: Any) -> None:
    ground = ground_on_both
    topic = f"queue:{ground.msa}"
    async with page_of(ground, await ground.as_staff("nadia")) as page:
        assert (await page.ask(type="watch", topics={topic: since}))["problem"]["slug"] == "bad-input"
        assert await page.is_well()


async def test_a_page_watches_some_topics_and_no_more(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    topics = {f"visit:{new_id()}": 0 for _ in range(TOPICS_MAX + 1)}
    async with page_of(ground, nadia) as page:
        assert (await page.ask(type="watch", topics=topics))["problem"]["slug"] == "bad-input"


# What it is told.


async def test_a_change_is_told_with_its_number_to_whoever_watches(ground_on_both: Ground) -> None:
    ground = ground_on_both
    topic = f"queue:{ground.msa}"
    async with (
        page_of(ground, await ground.as_staff("nadia")) as nadia,
        page_of(ground, await ground.as_staff("hugo")) as hugo,
    ):
        for page in (nadia, hugo):
            await page.ask(type="watch", topics={topic: 0})
        taken = await (await ground.as_staff("nadia")).post(f"{API}/appointments/{ground.appointment}/take")
        assert taken.status == 200
        for page in (nadia, hugo):
            told = await page.hear()
            assert (told["type"], told["topic"]) == ("events", topic)
            assert [(event["kind"], event["sequence"]) for event in told["events"]] == [("queue", 1)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_change_made_by_another_server_is_told_too(
    ground_on_both: Ground, database_url: str, tmp_path: Path
) -> None:
    ground = ground_on_both
    topic = f"queue:{ground.msa}"
    async with served(database_url, tmp_path) as other, page_of(ground, await ground.as_staff("nadia")) as page:
        await page.ask(type="watch", topics={topic: 0})
        async with other.database.write() as db:
            publish(db, topic, "elsewhere")
        told = await page.hear()
        assert [event["kind"] for event in told.get("events", [])] == ["elsewhere"], told


@pytest.mark.parametrize("happens", ["before it asks for the last number", "after"])
async def test_what_is_committed_while_somebody_looks_is_no_gap(
    database: Database, monkeypatch: pytest.MonkeyPatch, happens: str
) -> None:
    async def happening(db: AsyncSession, topics: Sequence[str]) -> dict[str, int]:
        found = await last_sequences(db, topics) if happens == "after" else {}
        async with database.write() as other:
            publish(other, "queue", "meanwhile")
            await flush_events(other)
        return found or await last_sequences(db, topics)

    monkeypatch.setattr(store, "last_sequences", happening)
    async with database.read() as db:
        events, gap = await events_since(db, "queue", 0)
    # SQLite reads what was there when the transaction began; who commits wakes the page again.
    unseen = happens == "after" and database.is_sqlite
    assert ([event.kind for event in events], gap) == ([] if unseen else ["meanwhile"], False)


async def test_a_page_that_comes_back_is_told_what_it_missed_in_order_and_then_what_is_new(
    ground_on_both: Ground,
) -> None:
    ground = ground_on_both
    topic = f"queue:{ground.msa}"
    await happen(ground, topic, "seen", "missed", "missed-too")
    async with page_of(ground, await ground.as_staff("nadia")) as page:
        await page.ask(type="watch", topics={topic: 1})
        missed = await page.hear()
        assert [(event["kind"], event["sequence"]) for event in missed["events"]] == [("missed", 2), ("missed-too", 3)]
        await happen(ground, topic, "new")
        assert [(event["kind"], event["sequence"]) for event in (await page.hear())["events"]] == [("new", 4)]


async def test_a_page_that_missed_nothing_is_told_nothing(ground_on_both: Ground) -> None:
    ground = ground_on_both
    topic = f"queue:{ground.msa}"
    await happen(ground, topic, "seen")
    async with page_of(ground, await ground.as_staff("nadia")) as page:
        await page.ask(type="watch", topics={topic: 1})
        assert await page.is_well()


@pytest.mark.parametrize("why", ["never seen", "purged", "too many", "ahead of the server"])
async def test_a_page_that_cannot_be_told_what_it_missed_starts_afresh(ground_on_both: Ground, why: str) -> None:
    ground = ground_on_both
    topic = f"queue:{ground.msa}"
    await happen(ground, topic, "old", "old")
    async with ground.database.write() as db:
        if why == "purged":
            (created_at,) = await db.scalars(select(LiveEvent.created_at).where(LiveEvent.sequence == 2))
            await purge_events(db, created_at, older_than=timedelta(0))
        for _ in range(EVENTS_MAX if why == "too many" else 1):
            publish(db, topic, "new")
    last = 2 + (EVENTS_MAX if why == "too many" else 1)
    seen = {"never seen": NEVER_SEEN, "ahead of the server": 99}.get(why, 0)
    async with page_of(ground, await ground.as_staff("nadia")) as page:
        await page.ask(type="watch", topics={topic: seen})
        assert await page.hear() == {"type": "reset", "topic": topic, "sequence": last}
        await happen(ground, topic, "after")
        assert [event["sequence"] for event in (await page.hear())["events"]] == [last + 1]


# When it ends.


@pytest.fixture
def checked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server asks all the time whether a page may still watch."""
    monkeypatch.setattr(live_socket, "STILL_ALLOWED_EVERY", timedelta(milliseconds=20))


@pytest.mark.usefixtures("checked_at_once")
async def test_the_line_ends_with_the_session(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    async with page_of(ground, nadia) as page:
        await page.ask(type="watch", topics={f"queue:{ground.msa}": 0})
        async with ground.session.post(f"{ground.url}/deconnexion", headers=nadia.headers, allow_redirects=False):
            pass
        assert await page.slug() == "not-signed-in"
        assert await page.close_code() == 1000


@pytest.mark.usefixtures("checked_at_once")
async def test_the_line_ends_when_the_role_is_taken_away(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    async with page_of(ground, nadia) as page:
        await page.ask(type="watch", topics={f"visit:{visit}": 10**6})
        await page.hear()
        async with ground.database.write() as db:
            await db.execute(delete(StaffGrant).where(StaffGrant.staff_id == ground.staff["nadia"]))
        assert await page.slug() in ("forbidden", "out-of-scope")
        assert await page.close_code() == 1000


async def test_what_a_page_sends_after_its_session_is_refused_at_once(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    async with page_of(ground, nadia) as page:
        ground.hour.forward(hours=13)
        signal = {"visit_id": visit, "peer": "face", "data": {}}
        assert (await page.ask(type="signal", **signal))["problem"]["slug"] == "not-signed-in"
        assert (await page.ask(type="watch", topics={}))["problem"]["slug"] == "not-signed-in"
    assert await ground.count(LiveEvent, LiveEvent.kind == "signal") == 0


NONSENSE = {
    "no JSON": ("{not json", "bad-input"),
    "empty": ("", "not-found"),
    "a list": ("[1]", "bad-input"),
    "deep": ("[" * 100_000, "bad-input"),
    "half a character": ('{"type": "\\ud800"}', "bad-input"),
    "an unknown type": ('{"type": "moon"}', "not-found"),
    "topics that are none": ('{"type": "watch", "topics": []}', "bad-input"),
    "a signal without its visit": ('{"type": "signal", "peer": "face", "data": {}}', "bad-input"),
    "a signal with NUL": (
        '{"type": "signal", "visit_id": "%s", "peer": "face", "data": {"a": "\\u0000"}}',
        "bad-input",
    ),
    "a signal with half a character": (
        '{"type": "signal", "visit_id": "%s", "peer": "face", "data": {"a": "\\udc00"}}',
        "bad-input",
    ),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_a_message_that_makes_no_sense_is_refused_and_the_line_holds(ground_on_both: Ground, name: str) -> None:
    ground = ground_on_both
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    text, slug = NONSENSE[name]
    before = await ground.state_of_business()
    async with page_of(ground, nadia) as page:
        await page.socket.send_str(text.replace("%s", visit))
        assert await page.slug() == slug
        assert await page.is_well()
    assert await ground.state_of_business() == before


async def test_a_message_beyond_the_bound_ends_the_line(ground: Ground) -> None:
    async with page_of(ground, await ground.as_staff("nadia")) as page:
        await page.socket.send_str('"' + "x" * MESSAGE_BYTES_MAX + '"')
        assert await page.close_code() == 1009


async def test_bytes_end_the_line(ground: Ground) -> None:
    async with page_of(ground, await ground.as_staff("nadia")) as page:
        await page.socket.send_bytes(b'{"type": "ping"}')
        assert await page.close_code() == 1000


async def test_a_flood_of_messages_ends_the_line(ground: Ground) -> None:
    async with page_of(ground, await ground.as_staff("nadia")) as page:
        for _ in range(MESSAGES_A_SECOND_MAX * 5):
            await page.socket.send_str('{"type": "ping"}')
        assert await page.close_code() == 1000
    async with page_of(ground, await ground.as_staff("nadia")) as page:
        assert await page.is_well()

"""Who speaks with whom: the booth's end of a visit's peer, before any connection stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from cvq_booth.peer import DevicePeer
from cvq_booth.peer.connection import choose_ice_servers
from cvq_desk.wire import PageHead

Signal = dict[str, Any]


class NoPages:
    """A spool without pages."""

    def page_ids(self) -> list[UUID]:
        """Return none."""
        return []

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return none."""
        return None


class Desk:
    """The signalling: what the booth said, how it saw the connection, and whether the line is there."""

    def __init__(self) -> None:
        self.said: list[Signal] = []
        self.open = True
        self.refused = 0
        self.states: list[str] = []

    async def carry(self, signal: Signal) -> None:
        """Take a signal of the booth."""
        if not self.open:
            self.refused += 1
            raise ConnectionError("no line")
        self.said.append(signal)

    async def says(self, count: int, **like: object) -> list[Signal]:
        """Wait until the booth has said so many signals that look like this, and return them."""

        def found() -> list[Signal]:
            return [signal for signal in self.said if like.items() <= signal.items()]

        await until(lambda: len(found()) >= count)
        return found()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has happened on the loop."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def visit(desk: Desk) -> AsyncIterator[DevicePeer]:
    """Let a booth's peer begin a visit."""
    peer = DevicePeer(desk.carry, NoPages(), on_state=desk.states.append)
    await peer.set_visit(uuid4(), [])
    try:
        yield peer
    finally:
        await peer.close()


async def meet(peer: DevicePeer, desk: Desk, console: str) -> str:
    """Let a console say hello; returns the booth's generation."""
    await peer.receive({"kind": "hello", "from": console, "to": None})
    return str((await desk.says(1, kind="welcome", to=console))[0]["from"])


async def test_a_visit_begins_with_a_hello_that_says_what_aiortc_cannot_do() -> None:
    desk = Desk()
    async with visit(desk) as peer:
        (hello,) = await desk.says(1, kind="hello")
        assert hello["to"] is None
        assert hello["ice_restart"] is False
        assert peer.state == "waiting"


async def test_a_hello_is_welcomed_and_a_welcome_is_not_answered() -> None:
    desk = Desk()
    async with visit(desk) as peer:
        booth = await meet(peer, desk, "a1")
        assert peer.state == "connecting"
        await peer.receive({"kind": "welcome", "from": "a1", "to": booth})
        await meet(peer, desk, "a1")
        await desk.says(2, kind="welcome")
        assert len(desk.said) == 3


async def test_a_reloaded_console_replaces_the_one_before_which_is_told_and_never_heard_again() -> None:
    desk = Desk()
    async with visit(desk) as peer:
        await meet(peer, desk, "a1")
        await meet(peer, desk, "a2")
        await desk.says(1, kind="bye", to="a1", replaced=True)
        await peer.receive({"kind": "hello", "from": "a1", "to": None})
        await peer.receive({"kind": "hello", "from": "a2", "to": None})
        await desk.says(2, kind="welcome", to="a2")
        assert len(await desk.says(1, kind="welcome", to="a1")) == 1


async def test_an_unknown_end_is_asked_for_its_hello_once_not_for_each_of_its_signals() -> None:
    desk = Desk()
    async with visit(desk) as peer:
        await desk.says(1, kind="hello")
        for _ in range(20):
            await peer.receive({"kind": "candidate", "from": "a1", "to": None, "candidate": {"candidate": "x"}})
        await meet(peer, desk, "a1")
        assert len(await desk.says(2, kind="hello")) == 2


async def test_what_goes_to_another_generation_is_stale() -> None:
    desk = Desk()
    async with visit(desk) as peer:
        await meet(peer, desk, "a1")
        await peer.receive({"kind": "bye", "from": "a1", "to": "somebody else"})
        await peer.receive({"kind": "hello", "from": "a1", "to": None})
        await desk.says(2, kind="welcome", to="a1")
        assert desk.states == ["connecting"]


async def test_a_console_that_hangs_up_leaves_the_booth_waiting_for_the_next() -> None:
    desk = Desk()
    async with visit(desk) as peer:
        booth = await meet(peer, desk, "a1")
        await peer.receive({"kind": "bye", "from": "a1", "to": booth})
        await until(lambda: peer.state == "waiting")
        await meet(peer, desk, "a2")
        assert peer.state == "connecting"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "hello"},
        {"kind": "hello", "from": ""},
        {"kind": "hello", "from": "x" * 65},
        {"kind": "hello", "from": 5, "to": []},
        {"kind": "surprise", "from": "a1", "to": None},
        {"kind": "description", "from": "a1", "to": None, "description": {"type": "offer", "sdp": "x" * 100_000}},
        {"kind": "candidate", "from": "a1", "to": None, "candidate": {"candidate": "y", "sdpMLineIndex": -1}},
    ],
)
async def test_signals_that_make_no_sense_are_dropped(data: Signal) -> None:
    desk = Desk()
    async with visit(desk) as peer:
        await peer.receive(data)
        await meet(peer, desk, "a1")


@pytest.mark.parametrize("sdp", ["", "nonsense", "v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=ice-ufrag:1\r\n"])
async def test_an_offer_that_makes_no_sense_is_refused_and_the_next_console_is_served(sdp: str) -> None:
    desk = Desk()
    async with visit(desk) as peer:
        booth = await meet(peer, desk, "a1")
        description = {"type": "offer", "sdp": sdp}
        await peer.receive({"kind": "description", "from": "a1", "to": booth, "offer": 1, "description": description})
        await peer.receive(
            {"kind": "candidate", "from": "a1", "to": booth, "candidate": {"candidate": "candidate:1 1"}}
        )
        await meet(peer, desk, "a2")


async def test_a_flood_of_signals_is_cut_off_and_the_booth_stays_reachable() -> None:
    desk = Desk()
    async with visit(desk) as peer:
        for number in range(5000):
            await peer.receive({"kind": "hello", "from": f"a{number}", "to": None})
        await until(lambda: peer.state == "connecting")
        assert len([signal for signal in desk.said if signal["kind"] == "welcome"]) < 300
        await meet(peer, desk, "later")


async def test_a_line_that_is_away_loses_signals_and_coming_back_says_hello_again() -> None:
    desk = Desk()
    desk.open = False
    async with visit(desk) as peer:
        await until(lambda: desk.refused > 0)
        desk.open = True
        peer.signalling_back()
        await desk.says(1, kind="hello", heal=True)
        assert len(desk.said) == 1


async def test_the_end_of_a_visit_is_said_and_another_visit_is_another_generation() -> None:
    desk = Desk()
    peer = DevicePeer(desk.carry, NoPages())
    await peer.set_visit(first := uuid4(), [])
    generation = await meet(peer, desk, "a1")
    await peer.set_visit(first, [{"urls": "turn:relay.example:3478"}])
    assert peer.state == "connecting"
    await peer.set_visit(None)
    await desk.says(1, kind="bye", to="a1")
    assert peer.state == "closed"
    await peer.set_visit(uuid4(), [])
    assert await meet(peer, desk, "a3") != generation
    await peer.close()
    await peer.close()


async def test_nothing_is_sent_without_a_visit() -> None:
    desk = Desk()
    peer = DevicePeer(desk.carry, NoPages())
    await peer.receive({"kind": "hello", "from": "a1", "to": None})
    peer.signalling_back()
    await peer.close()
    assert desk.said == []


def test_no_server_is_asked_that_the_desk_did_not_name() -> None:
    assert choose_ice_servers([], 0) == []
    assert choose_ice_servers([{"urls": ["http://x", 5, "turn"]}, {}], 0) == []


def test_each_attempt_begins_with_the_next_relay_because_only_the_first_is_used() -> None:
    servers = [
        {"urls": ["turn:a.example?transport=udp", "turn:a.example?transport=tcp"], "username": "u", "credential": "c"},
        {"urls": "stun:a.example"},
    ]
    urls = [[server.urls for server in choose_ice_servers(servers, attempt)] for attempt in range(3)]
    assert urls[0] == ["stun:a.example", "turn:a.example?transport=udp", "turn:a.example?transport=tcp"]
    assert urls[1] == ["stun:a.example", "turn:a.example?transport=tcp", "turn:a.example?transport=udp"]
    assert urls[2] == urls[0]

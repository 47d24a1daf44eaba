"""The booth's own peer: what the agent uses to send papers straight to the console of the visit that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from cvq_booth.peer.conversation import Conversation, PeerState, SendSignal
from cvq_booth.peer.pace import Pace, PaceLimits
from cvq_booth.peer.papers import PageSource, Papers
from cvq_desk.wire import BandHead, DeviceNote, PageHead, StillHead

__all__ = ["DevicePeer", "PeerState"]


class DevicePeer:
    """Answers the console's peer `devices` for the visit that goes on, and carries papers on its data channel.

    Args:
        send_signal: gives a signal's data to the desk's line; it may raise `ConnectionError` while that is away.
        pages: the finished pages that the spool holds.
        limits: how much of the line papers may take, see `pace`.
        on_state: told of every change of `state`.
    """

    def __init__(
        self,
        send_signal: SendSignal,
        pages: PageSource,
        *,
        limits: PaceLimits | None = None,
        on_state: Callable[[PeerState], None] | None = None,
    ) -> None:
        self._send_signal = send_signal
        self._pages = pages
        self._limits = limits or PaceLimits()
        self._on_state = on_state or (lambda _state: None)
        self._visit_id: UUID | None = None
        self._papers: Papers | None = None
        self._conversation: Conversation | None = None
        self._running: asyncio.Task[None] | None = None
        self._farewells: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    @property
    def state(self) -> PeerState:
        """How the connection stands; `closed` without a visit."""
        return self._conversation.state if self._conversation else "closed"

    async def set_visit(self, visit_id: UUID | None, ice_servers: Sequence[dict[str, Any]] = ()) -> None:
        """Begin with a visit's console, or end with the last one's.

        The same visit again only renews the ICE servers, for the next attempt. None ends it.
        """
        async with self._turn:
            if visit_id == self._visit_id:
                if self._conversation is not None:
                    self._conversation.ice_servers = list(ice_servers)
                return
            await self._end()
            self._visit_id = visit_id
            if visit_id is not None:
                self._papers = Papers(self._pages, lambda: Pace(self._limits))
                self._conversation = Conversation(self._send_signal, self._papers, ice_servers, self._on_state)
                self._running = asyncio.create_task(self._conversation.run())

    async def receive(self, signal_data: dict[str, Any]) -> None:
        """Take the data of a signal for the peer `devices` of this visit; returns at once."""
        if self._conversation is not None:
            self._conversation.receive(signal_data)

    def signalling_back(self) -> None:
        """Say that the line to the desk is open again; signals that were lost meanwhile are made up for."""
        if self._conversation is not None:
            self._conversation.signalling_back()

    async def send_band(self, head: BandHead, jpeg: bytes) -> bool:
        """Send a strip of a page that is being scanned; False when no console listens.

        Raises:
            ValueError: the head and the bytes do not agree, or are too many.
        """
        return self._papers is not None and self._papers.band(head, jpeg)

    async def send_page(self, head: PageHead, path: Path) -> bool:
        """Send a finished page, which the spool must already hold; False when no console listens.

        A console that comes later learns that the page is held and asks for it.
        """
        return self._papers is not None and self._papers.page(head, path)

    async def send_still(self, head: StillHead, image: bytes) -> bool:
        """Send a still of the document camera; False when no console listens.

        Raises:
            ValueError: the head and the bytes do not agree, or are too many.
        """
        return self._papers is not None and self._papers.still(head, image)

    async def send_note(self, note: DeviceNote) -> bool:
        """Send what a machine does or lacks; it waits for a console when none listens, and False says so."""
        return self._papers is not None and self._papers.note(note)

    async def close(self) -> None:
        """End it, and leave nothing running."""
        await self.set_visit(None)
        while self._farewells:
            await asyncio.gather(*self._farewells, return_exceptions=True)

    async def _end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._running = None
        if self._conversation is not None:
            self._conversation.end()
            # Taking leave through a line that is gone takes seconds, which the next visit need not wait for.
            farewell = asyncio.create_task(self._conversation.farewell())
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)
        self._conversation = None
        self._papers = None

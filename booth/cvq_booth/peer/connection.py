"""One aiortc connection: the answering side, which takes the console's data channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.rtcicetransport import parse_stun_turn_uri
from aiortc.sdp import candidate_from_sdp

from cvq_booth.peer.signals import Candidate

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT_S = 5.0
CANDIDATES_MAX = 64
ICE_URLS_MAX = 16


class Connection:
    """Wraps `RTCPeerConnection`; both callbacks stop when it is closed.

    aiortc asks a public STUN server unless it is given a list, so it always is; it uses the first TURN address alone,
    so `turn_attempt` decides which one that is.
    """

    def __init__(
        self,
        ice_servers: Sequence[dict[str, Any]],
        *,
        turn_attempt: int,
        on_state: Callable[[str], None],
        on_channel: Callable[[RTCDataChannel], None],
    ) -> None:
        servers = choose_ice_servers(ice_servers, turn_attempt)
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._candidates = 0
        self._closed = False

        @self._pc.on("connectionstatechange")
        def follow() -> None:
            if not self._closed:
                on_state(self._pc.connectionState)

        @self._pc.on("datachannel")
        def take(channel: RTCDataChannel) -> None:
            if not self._closed:
                on_channel(channel)

    @property
    def state(self) -> str:
        """The W3C's `connectionState`."""
        return str(self._pc.connectionState)

    async def answer(self, offer_sdp: str) -> str:
        """Take an offer and return the answer, which holds all candidates of this side.

        Raises:
            ValueError, aiortc.InvalidStateError: the offer makes no sense.
        """
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp=offer_sdp, type="offer"))
        answer = await self._pc.createAnswer()
        await self._pc.setLocalDescription(answer)
        return str(self._pc.localDescription.sdp)

    async def add_candidate(self, candidate: Candidate) -> None:
        """Take a candidate of the other side; one that makes no sense is dropped."""
        if not candidate.candidate or self._candidates >= CANDIDATES_MAX:
            return
        self._candidates += 1
        try:
            parsed: RTCIceCandidate = candidate_from_sdp(candidate.candidate.partition(":")[2])
            parsed.sdpMid = candidate.sdp_mid
            parsed.sdpMLineIndex = candidate.sdp_mline_index
            await self._pc.addIceCandidate(parsed)
        except (ValueError, AssertionError, IndexError) as error:
            log.info("candidate_unused", error=str(error))

    async def close(self) -> None:
        """End it, within a few seconds even when the line is gone."""
        self._closed = True
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pc.close()


def choose_ice_servers(servers: Sequence[dict[str, Any]], turn_attempt: int) -> list[RTCIceServer]:
    """Return one server an address, the TURN addresses turned so that each attempt begins with the next of them.

    What is no STUN or TURN address is left out.
    """
    stun: list[RTCIceServer] = []
    turn: list[RTCIceServer] = []
    for server in servers:
        urls = server.get("urls", [])
        for url in [urls] if isinstance(urls, str) else list(urls):
            try:
                scheme = parse_stun_turn_uri(url)["scheme"]
            except (TypeError, ValueError, AttributeError):
                log.warning("ice_server_unused", url=str(url)[:200])
                continue
            (turn if scheme.startswith("turn") else stun).append(
                RTCIceServer(urls=url, username=server.get("username"), credential=server.get("credential"))
            )
    turn = turn[:ICE_URLS_MAX]
    first = turn_attempt % len(turn) if turn else 0
    return stun[:1] + turn[first:] + turn[:first]

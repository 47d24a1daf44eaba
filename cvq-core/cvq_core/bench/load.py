"""A load generator for taps, in a process of its own: closed loop, or open loop at a rate.

It speaks HTTP/1.1 on raw sockets, so that what it costs is small beside what it measures. One line of JSON comes out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cvq_core.ids import new_id

ANSWER_BYTES_MAX = 64 * 1024


@dataclass(slots=True)
class Found:
    """What came of a run; latencies in seconds, in open loop from the instant at which a request was due."""

    answered: int = 0
    allowed: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)


class Requests:
    """Makes one request after the other: every card in turn, every reader in turn."""

    def __init__(self, plan: dict[str, list[str]], path: str, first_card: int) -> None:
        self._cards = plan["cards"]
        self._next = first_card
        self._heads = [
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
            for token in plan["tokens"]
        ]
        self._tapped_at = plan["tapped_at"][0]

    def make(self) -> bytes:
        """Return the bytes of a fresh tap."""
        number = self._next
        self._next += 1
        card = self._cards[number % len(self._cards)]
        body = f'{{"id":"{new_id()}","card_uid":"{card}","tapped_at":"{self._tapped_at}"}}'
        return f"{self._heads[number % len(self._heads)]}{len(body)}\r\n\r\n{body}".encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._due_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._load.ready(self)

    def send(self, request: bytes, due_at: float) -> None:
        """Send one request that was due at `due_at` on the monotonic clock."""
        assert self._transport is not None
        self._due_at = due_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        start = lowered.index(b"content-length:") + 15
        length = int(lowered[start:].split(b"\r\n", 1)[0])
        if len(body) < length or length > ANSWER_BYTES_MAX:
            return
        self._buffer = b""
        self._load.answered(self, head.startswith(b"HTTP/1.1 200"), b'"allowed":true' in body, self._due_at)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


class Load:
    """Keeps some connections busy: each as soon as it is free, or at a rate."""

    def __init__(self, requests: Requests, seconds: float, rate: float | None) -> None:
        self._requests = requests
        self._seconds = seconds
        self._rate = rate
        self._free: deque[Connection] = deque()
        self._late: deque[float] = deque()
        self._under_way = 0
        self._ends_at = 0.0
        self.found = Found()
        self._done = asyncio.Event()

    async def run(self, port: int, clients: int) -> Found:
        """Load the server on `port` and return what came of it, every answer waited for."""
        loop = asyncio.get_running_loop()
        connections = [
            (await loop.create_connection(lambda: Connection(self), "127.0.0.1", port))[1] for _ in range(clients)
        ]
        began = time.perf_counter()
        self._ends_at = began + self._seconds
        if self._rate is None:
            while self._free:
                self._send(self._free.popleft(), time.perf_counter())
        else:
            await self._at_rate(self._rate, began)
        if self._under_way or self._late:
            await self._done.wait()
        self.found.seconds = time.perf_counter() - began
        for connection in connections:
            connection.close()
        return self.found

    async def _at_rate(self, rate: float, began: float) -> None:
        for number in range(int(rate * self._seconds)):
            due_at = began + number / rate
            wait = due_at - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if self._free:
                self._send(self._free.popleft(), due_at)
            else:
                self._late.append(due_at)

    def ready(self, connection: Connection) -> None:
        """Take a new connection."""
        self._free.append(connection)

    def answered(self, connection: Connection, ok: bool, allowed: bool, due_at: float) -> None:
        """Count an answer, and use the connection again."""
        now = time.perf_counter()
        self._under_way -= 1
        if ok:
            self.found.answered += 1
            self.found.allowed += allowed
            self.found.latencies_s.append(now - due_at)
        else:
            self.found.failed += 1
        if self._late:
            self._send(connection, self._late.popleft())
        elif self._rate is None and now < self._ends_at:
            self._send(connection, now)
        else:
            self._free.append(connection)
            if self._under_way == 0:
                self._done.set()

    def lost(self, connection: Connection) -> None:
        """Note a connection that the server closed in mid-request."""
        if connection not in self._free and self._under_way:
            self.found.failed += 1
            self._under_way -= 1
            if self._under_way == 0:
                self._done.set()

    def _send(self, connection: Connection, due_at: float) -> None:
        self._under_way += 1
        self._done.clear()
        connection.send(self._requests.make(), due_at)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/api/v1/taps")
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--first-card", type=int, default=0)
    asked = parser.parse_args()
    requests = Requests(json.loads(asked.plan.read_text()), asked.path, asked.first_card)
    found = asyncio.run(Load(requests, asked.seconds, asked.rate).run(asked.port, asked.clients))
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    main()

"""A line of this machine that can be cut: what comes to its port goes on to the server, while it is whole."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK_BYTES = 64 * 1024


class Cable:
    """Carries bytes between a free port of loopback and `port`; a cut one lets nothing more through, nor anybody in."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._whole = asyncio.Event()
        self._whole.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        if self._server:
            self._server.close()

    def cut(self) -> None:
        """Break every connection, and every new one, from now on."""
        self._whole.clear()
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """Let new connections through again."""
        self._whole.set()

    async def _carry(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        if not self._whole.is_set():
            near_out.transport.abort()
            return
        try:
            far_in, far_out = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            near_out.transport.abort()
            return
        ends = {near_out, far_out}
        self._writers |= ends
        try:
            await asyncio.gather(_pour(near_in, far_out), _pour(far_in, near_out))
        finally:
            self._writers -= ends


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(CHUNK_BYTES):
            target.write(data)
            await target.drain()
    target.close()

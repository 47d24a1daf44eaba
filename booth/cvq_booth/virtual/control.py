"""How a test or the demonstration's panel speaks to a virtual machine in another process.

One JSON object a line over a Unix socket of the machine's own directory, one answered before the next is read:
`{"do": "lay", "uid": "04A1B2C3"}` gives `{"ok": true}` or `{"ok": false, "error": "…"}`.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

LINE_BYTES_MAX = 64 * 1024
ANSWER_TIMEOUT_S = 30.0

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | None]]


class ControlError(Exception):
    """The machine is not there, or refused what it was told."""


@asynccontextmanager
async def served(path: Path, handler: Handler) -> AsyncIterator[None]:
    """Answer commands at `path` with what `handler` returns; a ValueError of it is the other side's error."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                writer.write(json.dumps(await _carry_out(handler, line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    with _listener(path) as listener:
        async with await asyncio.start_unix_server(answer, sock=listener, limit=LINE_BYTES_MAX):
            yield


@contextmanager
def _listener(path: Path) -> Iterator[socket.socket]:
    """Listen at `path`, which only we may open, in place of what a crash left there."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


async def _carry_out(handler: Handler, line: bytes) -> dict[str, Any]:
    try:
        command = json.loads(line)
        if not isinstance(command, dict):
            raise ValueError("a command is a JSON object")
        return {"ok": True, **(await handler(command) or {})}
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        return {"ok": False, "error": str(error)}


async def send(path: Path, command: dict[str, Any]) -> dict[str, Any]:
    """Give a machine a command and return its answer.

    Raises:
        ControlError: nobody listens at `path`, or the machine refused.
    """
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(path, limit=LINE_BYTES_MAX)
            try:
                writer.write(json.dumps(command).encode() + b"\n")
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise ControlError(f"{path.parent.name}: {error}") from error
    answer: dict[str, Any] = json.loads(line) if line else {"ok": False, "error": "no answer"}
    if not answer["ok"]:
        raise ControlError(str(answer["error"]))
    return answer

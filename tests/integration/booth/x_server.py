"""An X server of a test's own, on a display that nobody else has."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def x_server(width: int, height: int) -> AsyncIterator[str]:
    """Run Xvfb with one screen and yield its display; Xvfb itself finds a free one."""
    read_end, write_end = os.pipe()
    server = await asyncio.create_subprocess_exec(
        "Xvfb",
        "-displayfd",
        str(write_end),
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-nolisten",
        "tcp",
        pass_fds=[write_end],
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        async with asyncio.timeout(20):
            number = await asyncio.to_thread(os.read, read_end, 16)
        yield f":{number.decode().strip()}"
    finally:
        os.close(read_end)
        if server.returncode is None:
            server.terminate()
            await server.wait()

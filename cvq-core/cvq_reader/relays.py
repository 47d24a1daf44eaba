"""What opens: an output of a reader (`osdp_line`), or a program of the operator's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

COMMAND_TIMEOUT_S = 10.0


class Relay(Protocol):
    """Something that lets pass once."""

    async def open(self) -> None:
        """Let pass for the seconds that were set; what fails is logged, for nobody can do more at a door."""
        ...


class ProgramRelay:
    """Runs a program, without a shell, with the seconds as its last word."""

    def __init__(self, command: Sequence[str], seconds: int) -> None:
        self._command = [*command, str(seconds)]

    async def open(self) -> None:
        """Run it to its end, or for `COMMAND_TIMEOUT_S`."""
        try:
            process = await asyncio.create_subprocess_exec(*self._command, stdin=asyncio.subprocess.DEVNULL)
            try:
                async with asyncio.timeout(COMMAND_TIMEOUT_S):
                    status = await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
                log.error("relay_hangs", command=self._command[0])
                return
        except OSError as error:
            log.error("relay_failed", command=self._command[0], reason=str(error))
            return
        if status != 0:
            log.error("relay_failed", command=self._command[0], status=status)

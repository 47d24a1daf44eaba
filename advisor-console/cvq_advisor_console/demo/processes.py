"""Programs started by an installation on one machine, each in a group of its own, none left behind."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_TIMEOUT_S = 8.0
PR_SET_PDEATHSIG = 1


class Died(Exception):
    """A program ended that should be running; the message has the last lines of what it said."""


class Running:
    """A program that runs, what it says kept in a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(cls, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Running:
        """Start `command` with `environment` above our own; it ends with us even when we are killed."""
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """Its process id, which is its group's too."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    def check(self) -> None:
        """Raise `Died` if it has ended."""
        if not self.alive:
            raise Died(f"{self.name} ended with {self._process.returncode}:\n{self.last_words()}")

    def last_words(self, lines: int = 30) -> str:
        """Return the end of what it said."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    async def finish(self) -> None:
        """Wait until it has done its work.

        Raises:
            Died: it failed.
        """
        if await self._process.wait() != 0:
            self.check()

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not; what it started goes with it."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def python() -> str:
    """Return the interpreter of this installation."""
    return sys.executable


def cvq() -> str:
    """Return the `cvq` command of this installation."""
    return str(Path(sys.executable).with_name("cvq"))

"""Programs that a virtual machine runs: started in their own process group, ended by it, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

STOP_TIMEOUT_S = 3.0


class Program:
    """One running program; what it says goes to `log`, because a pipe that nobody reads would stop it."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    async def start(cls, command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> Program:
        """Start `command` with `environment` above our own.

        Raises:
            FileNotFoundError: the program is not installed.
        """
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=os.environ | environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(process, log)

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """Process id, which is its group's too."""
        return self._process.pid

    async def kill(self) -> None:
        """End it at once, its children with it, as a power cut would."""
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)
            await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        if self.running:
            os.killpg(self.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self._process.wait()
        await self.kill()

    def last_words(self) -> str:
        """Return the end of what it said, for an error message."""
        return self.log.read_text(errors="replace")[-500:].strip()


def stop_asked() -> asyncio.Event:
    """Return what Ctrl-C and SIGTERM set from now on; to be called before anything starts that must be ended."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[Path]:
    """Hold a directory for one virtual machine.

    Raises:
        RuntimeError: another one holds it.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"{directory} belongs to a virtual machine that is running") from None
        yield directory

"""The demonstration's mailbox: an SMTP server on loopback that keeps each message as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class _Keep:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's own name
        self._count += 1
        (self._folder / f"{self._count:03d}.eml").write_bytes(envelope.content)
        return "250 kept"


class Mailbox:
    """Keeps what is sent to it in `folder`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"smtp://127.0.0.1:{port}"
        self._controller = Controller(_Keep(folder), hostname="127.0.0.1", port=port)

    def start(self) -> None:
        """Listen."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._controller.start()

    def stop(self) -> None:
        """Listen no longer."""
        self._controller.stop()

    def messages(self) -> list[bytes]:
        """Return what has come, oldest first."""
        return [file.read_bytes() for file in sorted(self.folder.glob("*.eml"))]

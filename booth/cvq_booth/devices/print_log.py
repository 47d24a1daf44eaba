"""What was sent to the printer, kept on the spool so that a crash between sending and knowing prints nothing twice."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID

LOG_BYTES_MAX = 1 << 20


class Step(StrEnum):
    """How far a document got."""

    BEGUN = "begun"  # the printer may have been asked for a number; it has no document
    CREATED = "created"  # the printer has given the job a number, and no document yet
    ASKED = "asked"  # the document is on its way in one step; the printer's answer is not known
    SENT = "sent"  # the printer has the document


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The last thing known of one key; `job` is the printer's number, once it gave one."""

    key: UUID
    step: Step
    job: int | None = None


class PrintLog:
    """One file of a visit's spool, a JSON object a line, each on the disk before the next step is taken."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def directory(self) -> Path:
        """The spool's folder, where a document may lie while it is converted."""
        return self.path.parent

    def last(self, key: UUID) -> LogEntry | None:
        """Return the last entry of a key; a line that a power cut tore is as if it had not been written."""
        found = None
        for line in self._lines():
            try:
                entry = json.loads(line)
                if entry["key"] == str(key):
                    found = LogEntry(key, Step(entry["step"]), entry["job"])
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def _lines(self) -> list[str]:
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_BYTES_MAX))
                return file.read(LOG_BYTES_MAX).decode(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def write(self, entry: LogEntry) -> None:
        """Add an entry and wait until it is on the disk, the folder that names the file too."""
        line = json.dumps({"key": str(entry.key), "step": entry.step, "job": entry.job})
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # The line begins with its own line break, in case the one before it was torn.
            os.write(descriptor, f"\n{line}".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        folder = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

"""The list's pages on this machine's disk, as they were signed: a controller that starts without the core has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from cvq_core.controllers.wire import SignedPage

_TABLES = """
CREATE TABLE IF NOT EXISTS page (
  number INTEGER PRIMARY KEY, run TEXT NOT NULL, page TEXT NOT NULL, signature TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS current (one INTEGER PRIMARY KEY CHECK (one = 1), run TEXT NOT NULL) STRICT;
"""


class PageFile:
    """The pages of the current list and of the one that is being fetched. It may be thrown away: the core has all."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._base = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        file.chmod(0o600)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
            self._base.execute(f"PRAGMA {pragma}")
        self._base.executescript(_TABLES)

    def close(self) -> None:
        """Close it."""
        self._base.close()

    def begin(self) -> None:
        """Make room for another list: what was fetched of one that never became whole goes."""
        self._base.execute("DELETE FROM page WHERE run IS NOT (SELECT run FROM current)")

    def add(self, run: UUID, signed: SignedPage) -> None:
        """Keep one more page of a list, or one of changes to the current list under that list's run."""
        self._base.execute(
            "INSERT INTO page (run, page, signature) VALUES (?, ?, ?)", (str(run), signed.page, signed.signature)
        )

    def make_current(self, run: UUID) -> None:
        """Have a whole list take the place of the one before."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            self._base.execute("INSERT OR REPLACE INTO current VALUES (1, ?)", (str(run),))
            self._base.execute("DELETE FROM page WHERE run <> ?", (str(run),))
            self._base.execute("COMMIT")
        except sqlite3.Error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise

    def current(self) -> Iterator[SignedPage]:
        """Yield the pages of the current list in their order."""
        rows = self._base.execute(
            "SELECT page, signature FROM page WHERE run = (SELECT run FROM current) ORDER BY number"
        )
        for page, signature in rows:
            yield SignedPage(page=page, signature=signature)

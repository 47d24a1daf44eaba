"""Asking for an edition, making it as a job, and reading its files.

An edition of a closed period has a number and is the same whenever it is made. The job writes into a folder of its own
and then into the vault; a job that ran twice leaves the files of the run that was first.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.books.balance import balance_of_period
from cvq_core.books.closings import closing_of, first_month, lock_series
from cvq_core.books.files import BookFiles
from cvq_core.books.journal import journal_lines, payments_in
from cvq_core.books.periods import Period
from cvq_core.books.rules import BookFormat, BookMissing, EditionState, Heading, disagreement
from cvq_core.books.scope import Scope, scope_of
from cvq_core.books.tables import BookEdition, BookFile
from cvq_core.clock import Clock, local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.jobs.store import enqueue
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.live import publish
from cvq_core.vault import Stored, Vault

MAKE_BOOK = "make-book"
TOPIC = "books"
LISTED_MAX = 30
TELL_EVERY_S = 1.0
KEPT_PROVISIONAL = timedelta(days=30)
PURGE_EVERY_S = 3600.0

log = structlog.get_logger(__name__)


async def ask_edition(
    db: AsyncSession, *, key: UUID, scope: Scope, period: Period, staff_id: UUID, now: datetime
) -> BookEdition:
    """Ask for the books of a period; `key` asked again gives the same edition.

    Raises:
        IdempotencyMismatch: this key is another edition's.
    """
    place_id = scope.place.id if scope.place else None
    series = await lock_series(db, scope.office.id)
    known = await db.get(BookEdition, key)
    if known is not None:
        if (known.office_id, known.sub_office_id, known.first_day, known.last_day) != (
            scope.office.id,
            place_id,
            period.first,
            period.last,
        ):
            raise IdempotencyMismatch
        return known
    closing = await closing_of(db, scope.office.id, period, await first_month(db, scope, local_day(now)))
    copies = 0
    if closing is not None:
        series.last_number += 1
        copies = int(await db.scalar(select(func.count()).select_from(BookEdition).where(*_same(scope, period))) or 0)
    edition = BookEdition(
        id=key,
        office_id=scope.office.id,
        sub_office_id=place_id,
        first_day=period.first,
        last_day=period.last,
        number=series.last_number if closing else None,
        copy=copies,
        as_of=closing.closed_at if closing else now,
        asked_at=now,
        staff_id=staff_id,
        state=EditionState.MAKING,
        payments=await payments_in(db, scope, period),
        done=0,
    )
    db.add(edition)
    await db.flush()
    await enqueue(db, MAKE_BOOK, {"edition_id": str(key)}, now=now, unique_key=f"{MAKE_BOOK}:{key}")
    return edition


async def editions_of(db: AsyncSession, scope: Scope, period: Period | None = None) -> list[BookEdition]:
    """Return the latest editions of a scope's books, of a period where one is named, the newest first."""
    wanted = select(BookEdition).where(
        BookEdition.office_id == scope.office.id,
        BookEdition.sub_office_id == (scope.place.id if scope.place else None),
    )
    if period is not None:
        wanted = wanted.where(BookEdition.first_day == period.first, BookEdition.last_day == period.last)
    return list(await db.scalars(wanted.order_by(BookEdition.asked_at.desc(), BookEdition.id.desc()).limit(LISTED_MAX)))


async def edition_by_id(db: AsyncSession, edition_id: UUID) -> BookEdition:
    """Return an edition.

    Raises:
        BookMissing: there is none.
    """
    edition = await db.get(BookEdition, edition_id)
    if edition is None:
        raise BookMissing
    return edition


async def edition_file(db: AsyncSession, vault: Vault, edition: BookEdition, kind: BookFormat) -> tuple[str, bytes]:
    """Return a file of an edition: what it is called, and its content.

    Raises:
        BookMissing: it is not made yet, or was removed.
    """
    file = await db.scalar(select(BookFile).where(BookFile.edition_id == edition.id, BookFile.format == kind))
    if file is None:
        raise BookMissing
    content = await asyncio.to_thread(vault.get, file.id, Stored(file.key_id, file.wrapped_key))
    return (await heading_of(db, edition)).file_name(kind), content


async def heading_of(db: AsyncSession, edition: BookEdition) -> Heading:
    """Return what stands over an edition."""
    scope = await scope_of(db, edition.office_id, edition.sub_office_id)
    return Heading(
        office=scope.office.label,
        office_code=scope.office.code,
        founding_act=scope.office.founding_act,
        label=scope.label,
        code=scope.code,
        is_office=scope.place is None,
        period=Period(edition.first_day, edition.last_day),
        number=edition.number,
        copy=edition.copy,
        as_of=edition.as_of,
    )


class BookMaker:
    """The job that makes editions."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database, self._vault, self._clock = database, vault, clock

    async def make(self, payload: dict[str, Any]) -> None:
        """Make an edition's files; done again from the start when it was cut short."""
        edition_id = UUID(payload["edition_id"])
        with tempfile.TemporaryDirectory(prefix="cvq-book-") as folder:
            trouble, paths = await self._write(edition_id, Path(folder))
            if trouble:
                log.error("book_disagrees", edition=str(edition_id), trouble=trouble)
                await self._settle(edition_id, EditionState.FAILED, [])
            elif paths:
                kept = [await asyncio.to_thread(self._keep, edition_id, kind, path) for kind, path in paths.items()]
                await self._settle(edition_id, EditionState.READY, kept)

    async def give_up(self, payload: dict[str, Any]) -> None:
        """Say of an edition that it will not come."""
        await self._settle(UUID(payload["edition_id"]), EditionState.FAILED, [])

    async def purge(self) -> None:
        """Remove the files of provisional editions after a while: they are asked for anew."""
        async with self._database.write() as db:
            old = await db.scalars(
                select(BookEdition.id).where(
                    BookEdition.number.is_(None),
                    BookEdition.state == EditionState.READY,
                    BookEdition.asked_at < self._clock() - KEPT_PROVISIONAL,
                )
            )
            ids = old.all()
            gone = list(await db.scalars(select(BookFile.id).where(BookFile.edition_id.in_(ids))))
            await db.execute(delete(BookFile).where(BookFile.id.in_(gone)))
            await db.execute(update(BookEdition).where(BookEdition.id.in_(ids)).values(state=EditionState.GONE))
        for file_id in gone:
            self._vault.remove(file_id)

    async def _write(self, edition_id: UUID, folder: Path) -> tuple[str, dict[BookFormat, Path]]:
        """Write the files; return where journal and ledger disagree, and the files. Both are read in one snapshot."""
        async with self._database.read() as db:
            if not self._database.is_sqlite:
                await db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            edition = await db.get_one(BookEdition, edition_id)
            if edition.state is not EditionState.MAKING:
                return "", {}
            scope = await scope_of(db, edition.office_id, edition.sub_office_id)
            heading = await heading_of(db, edition)
            files = await asyncio.to_thread(BookFiles, folder, heading)
            told = time.monotonic()
            async for lines in journal_lines(db, scope, heading.period, edition.as_of):
                await asyncio.to_thread(files.add, lines)
                if time.monotonic() - told >= TELL_EVERY_S:
                    told = time.monotonic()
                    await self._tell(edition, files.totals.all.last_row)
            balance = await balance_of_period(db, scope, heading.period)
            await asyncio.to_thread(files.finish, balance)
        return disagreement(files.totals, balance), files.paths

    async def _tell(self, edition: BookEdition, done: int) -> None:
        async with self._database.write() as db:
            await db.execute(update(BookEdition).where(BookEdition.id == edition.id).values(done=done))
            publish(db, f"{TOPIC}:{edition.office_id}", "edition")

    def _keep(self, edition_id: UUID, kind: BookFormat, path: Path) -> BookFile:
        content, file_id = path.read_bytes(), new_id()
        stored = self._vault.put(file_id, content)
        return BookFile(
            id=file_id,
            edition_id=edition_id,
            format=kind,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            key_id=stored.key_id,
            wrapped_key=stored.wrapped_key,
        )

    async def _settle(self, edition_id: UUID, state: EditionState, files: list[BookFile]) -> None:
        async with self._database.write() as db:
            edition = await db.get_one(BookEdition, edition_id, with_for_update=True)
            is_first = edition.state is EditionState.MAKING
            if is_first:
                edition.state, edition.done = state, edition.payments
                db.add_all(files)
                publish(db, f"{TOPIC}:{edition.office_id}", "edition")
        if not is_first:
            for file in files:
                self._vault.remove(file.id)


def _same(scope: Scope, period: Period) -> tuple[Any, ...]:
    """Return the condition that an edition is a numbered one of the same books."""
    return (
        BookEdition.office_id == scope.office.id,
        BookEdition.sub_office_id == (scope.place.id if scope.place else None),
        BookEdition.first_day == period.first,
        BookEdition.last_day == period.last,
        BookEdition.number.is_not(None),
    )

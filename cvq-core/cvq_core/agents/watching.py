"""Reading employers' lists: dropped in `<folder>/<code of the list>/<anything>.csv`, or asked of their directory."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.agents.directory_rules import DirectoryTrouble, StaffDirectory
from cvq_core.agents.rules import BYTES_MAX, SETTLED, UnknownStaffList
from cvq_core.agents.service import Applied, apply_list
from cvq_core.agents.store import list_of, lists, note_trouble, refused_since
from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.journal.store import SYSTEM

log = structlog.get_logger(__name__)

Read = Callable[[StaffDirectory], bytes]
EVERY_S = 300.0
STILL_FOR = timedelta(seconds=60)
"""A file that was written to more recently may not be whole yet."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The newest list in a folder."""

    name: str
    content: bytes
    written_at: datetime


async def watch_lists(database: Database, folder: Path, clock: Clock) -> int:
    """Apply the newest list of each employer that has one; return how many changed something or were refused."""
    async with database.read() as db:
        codes = [each.code for each in await lists(db)]
    done = 0
    for code in codes:
        now = clock()
        found = await asyncio.to_thread(newest_list, folder / code, now)
        if found is None:
            continue
        async with database.write() as db:
            applied = await apply_list(db, code, file_name=found.name, content=found.content, actor=SYSTEM, now=now)
            row = await list_of(db, code)
            if row.dropped_at != found.written_at:
                row.dropped_at = found.written_at
            await _note_settled(db, code, applied, now)
        done += _told(code, applied)
    return done


async def watch_directories(
    database: Database, directories: Mapping[str, StaffDirectory], clock: Clock, read: Read
) -> int:
    """Ask each employer's directory, one after the other; return how many changed something or were refused.

    `read` blocks and runs in a thread. One that gives no list changes nothing and is noted, and told once in the log.
    """
    done = 0
    for code, directory in sorted(directories.items()):
        try:
            content = await asyncio.to_thread(read, directory)
        except DirectoryTrouble as trouble:
            async with database.write() as db:
                if await note_trouble(db, code, trouble.slug, now=clock()):
                    log.error("staff_directory_trouble", list=code, why=trouble.slug, cause=repr(trouble.__cause__))
            continue
        now = clock()
        try:
            async with database.write() as db:
                applied = await apply_list(db, code, file_name=directory.host, content=content, actor=SYSTEM, now=now)
                (await list_of(db, code)).dropped_at = now
                await _note_settled(db, code, applied, now)
        except UnknownStaffList:
            log.error("staff_directory_without_list", list=code)
            continue
        done += _told(code, applied)
    return done


def newest_list(folder: Path, now: datetime) -> Dropped | None:
    """Return the newest CSV of a folder that lies still; links and what is too large to be a list are passed over.

    A list that is larger than the bound is returned cut, one byte beyond it, so that it is refused and told.
    """
    try:
        files = [(file.lstat(), file) for file in folder.glob("*.csv")]
    except OSError:
        return None
    regular = [(status, file) for status, file in files if stat.S_ISREG(status.st_mode)]
    if not regular:
        return None
    status, file = max(regular, key=lambda each: (each[0].st_mtime, each[1].name))
    written_at = datetime.fromtimestamp(status.st_mtime, UTC)
    if now - written_at < STILL_FOR:
        return None
    try:
        with file.open("rb") as opened:
            return Dropped(file.name, opened.read(BYTES_MAX + 1), written_at)
    except OSError:
        log.warning("staff_list_unreadable", folder=str(folder), exc_info=True)
        return None


async def _note_settled(db: AsyncSession, code: str, applied: Applied, now: datetime) -> None:
    """Note that what lies there is not applied: it may be right by now, and somebody who left keeps their doors.

    What was just refused is told as that.
    """
    if applied.settled is None:
        return
    refused = await refused_since(db, await list_of(db, code))
    if refused is not None and refused.id == applied.settled.id:
        return
    if await note_trouble(db, code, SETTLED, now=now):
        log.warning("staff_list_settled", list=code, run=str(applied.settled.id))


def _told(code: str, applied: Applied) -> bool:
    if applied.run is None:
        return False
    if applied.refusal is not None:
        log.error("staff_list_refused", list=code, why=str(applied.refusal))
    else:
        log.info("staff_list_applied", list=code, **{name: len(applied.report.numbers(name)) for name in _KINDS})
    return True


_KINDS = ("joined", "moved", "left")

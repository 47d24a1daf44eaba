"""Several people decide at once, or while families are taken over; what was erased is not asked about."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from cvq_core.database import Database
from cvq_core.imports.cli import app
from cvq_core.imports.deciding import decide, next_pair, pair_by_reference, progress_of, reference_of
from cvq_core.imports.keeping import wipe_staged
from cvq_core.imports.rules import AlreadyApplied, DecidedMeanwhile, UnknownPair
from cvq_core.imports.tables import ImportPair, Verdict
from cvq_core.imports.verify import verify_imports
from cvq_core.journal.store import Actor
from cvq_core.journal.tables import AuditRecord
from cvq_core.people.tables import Person
from tests.core_examples import NOW, create_officer
from tests.integration.core.imports.old_base import ROWS, bring, count, decide_all, pairs, prepare, take_over

TWICE = (*ROWS, "3;9;R;Moreau;;Claire;07/06/1985;;;;;;;;")


async def people(database: Database, *logins: str) -> list[Actor]:
    """Members of the staff who decide."""
    async with database.write() as db:
        made = [await create_officer(db, login, login.title()) for login in logins]
    return [Actor("staff", each.staff_id, each.name) for each in made]


async def says(
    database: Database, batch: UUID, who: Actor, verdict: Verdict, seen: Verdict | None = None
) -> Verdict | type[Exception] | None:
    """Somebody decides the only pair: what stands then, or why it was refused."""
    [pair] = await pairs(database)
    try:
        async with database.write() as db:
            made = await decide(db, pair.low, pair.high, verdict, batches=[batch], by=who, now=NOW, seen=seen)
            return made.verdict
    except (DecidedMeanwhile, AlreadyApplied) as refusal:
        return type(refusal)


async def test_of_two_who_decide_at_once_one_stands_and_the_other_is_told(database: Database) -> None:
    await prepare(database)
    batch = await bring(database, TWICE)
    anne, paul = await people(database, "anne", "paul")
    told = await asyncio.gather(
        says(database, batch.id, anne, Verdict.SAME), says(database, batch.id, paul, Verdict.DIFFERENT)
    )
    [stands] = [each for each in told if isinstance(each, Verdict)]
    assert DecidedMeanwhile in told
    [pair] = await pairs(database)
    assert (pair.verdict, pair.decided_by) == (stands, anne.id if stands is Verdict.SAME else paul.id)
    async with database.read() as db:
        written = await db.scalars(select(AuditRecord.action).where(AuditRecord.action.like("import-pair-%")))
        assert list(written) == [f"import-pair-{stands}"]


async def test_a_decision_that_changes_while_families_are_taken_over_is_done_or_refused(database: Database) -> None:
    await prepare(database)
    batch = await bring(database, TWICE)
    [anne] = await people(database, "anne")
    await says(database, batch.id, anne, Verdict.SAME)
    changed, _ = await asyncio.gather(
        says(database, batch.id, anne, Verdict.DIFFERENT, Verdict.SAME), take_over(database)
    )
    [pair] = await pairs(database)
    made = await count(database, Person)
    assert (changed, pair.verdict, made) in (
        (Verdict.DIFFERENT, Verdict.DIFFERENT, 5),
        (AlreadyApplied, Verdict.SAME, 4),
    )
    async with database.read() as db:
        assert await verify_imports(db) == []


async def test_the_same_answer_twice_is_one_decision_also_after_it_was_done(database: Database) -> None:
    await prepare(database)
    batch = await bring(database, TWICE)
    [anne] = await people(database, "anne")
    for _ in range(2):
        assert await says(database, batch.id, anne, Verdict.SAME) is Verdict.SAME
    await take_over(database)
    assert await says(database, batch.id, anne, Verdict.SAME) is Verdict.SAME
    assert await count(database, AuditRecord) == len(
        {"import-staged", "import-pair-same", "import-applied", "account 1", "account 2", "account 3"}
    )


async def test_a_record_that_was_erased_holds_nobody_back(database: Database) -> None:
    await prepare(database)
    await bring(database)
    other = await bring(
        database, [ROWS[0].replace("1;1;", "7;70;")], base="pompaire-garderie", now=NOW + timedelta(days=60)
    )
    assert len(await pairs(database)) == 1
    async with database.write() as db:
        assert await wipe_staged(db, NOW + timedelta(days=91), days_kept=90) == 1
    async with database.read() as db:
        assert await next_pair(db, [other.id]) is None
        assert (await progress_of(db, [other.id])).open == 0
    assert (await take_over(database, "pompaire-garderie", NOW + timedelta(days=91))).families == 1


async def test_a_pair_whose_record_became_somebody_we_knew_is_shown_all_the_same(database: Database) -> None:
    await prepare(database)
    batch = await bring(database)
    other = await bring(database, [ROWS[0].replace("1;1;", "7;70;")], base="pompaire-garderie")
    await decide_all(database, Verdict.SAME, "pompaire-garderie")
    await take_over(database, "pompaire-garderie")
    async with database.write() as db:
        pair = await db.scalar(select(ImportPair))
        assert pair is not None
        pair.verdict = Verdict.LATER
    async with database.read() as db:
        assert await next_pair(db, [other.id]) is None
        asked = await next_pair(db, [batch.id])
    assert asked is not None
    assert [side.base for side in asked.sides] == ["tallud-cantine", ""]


def command(file: Path, *words: str, monkeypatch: pytest.MonkeyPatch, ends: int = 0) -> str:
    monkeypatch.setenv("CVQ_DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("COLUMNS", "200")
    told = CliRunner().invoke(app, list(words))
    assert told.exit_code == ends, told.output
    return told.output


def on(file: Path, work: Callable[[Database], Awaitable[None]]) -> None:
    """Do some work on a database, outside of the command."""

    async def go() -> None:
        database = Database(f"sqlite:///{file}")
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(go())


def test_the_command_shows_doubtful_pairs_and_decides_them(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    references: list[str] = []

    async def stage(database: Database) -> None:
        await prepare(database)
        await bring(database, TWICE)
        references.extend(reference_of(pair.low, pair.high) for pair in await pairs(database))

    on(file, stage)
    shown = command(file, "doubtful", "tallud-cantine", monkeypatch=monkeypatch, ends=1)
    assert references[0] in shown
    assert "7 juin 1985" in shown
    command(file, "decide", "tallud-cantine", "0-0", "same", monkeypatch=monkeypatch, ends=1)
    command(file, "decide", "tallud-cantine", references[0], "same", monkeypatch=monkeypatch)
    assert "0 ressemblances" in command(file, "doubtful", "tallud-cantine", monkeypatch=monkeypatch)

    async def look(database: Database) -> None:
        [pair] = await pairs(database)
        assert pair.verdict is Verdict.SAME
        async with database.read() as db:
            row = await db.scalar(select(AuditRecord).where(AuditRecord.action == "import-pair-same"))
            assert row is not None
            assert row.actor_name.startswith("cvq import (")
            with pytest.raises(UnknownPair):
                await pair_by_reference(db, "0-0", [])

    on(file, look)


def test_a_report_in_a_file_is_its_owner_s_alone_and_in_the_journal(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, report = tmp_path / "cvq.sqlite", tmp_path / "etat.csv"
    shutil.copyfile(sqlite_template, file)
    report.write_text("lisible par tous")
    report.chmod(0o644)

    async def stage(database: Database) -> None:
        await prepare(database)
        await bring(database)

    on(file, stage)
    command(file, "report", "tallud-cantine", "--to", str(report), monkeypatch=monkeypatch)
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "Famille Moreau" in report.read_text(encoding="utf-8-sig")

    async def look(database: Database) -> None:
        async with database.read() as db:
            row = await db.scalar(select(AuditRecord).where(AuditRecord.action == "import-report-exported"))
            assert row is not None
            assert row.personal == {"base": "tallud-cantine", "file": "etat.csv"}

    on(file, look)

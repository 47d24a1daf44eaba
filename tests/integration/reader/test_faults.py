"""What may happen to a machine in a cupboard: power, disk, clock, copies, and somebody who would like another list."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError
from sqlalchemy import func, select, update

from cvq_core.access.facts import Fallback, PointEventKind
from cvq_core.access.late_rules import ConflictKind
from cvq_core.access.tables import AccessPoint, ConflictedTap, Tap, TapConflict
from cvq_core.controllers.tables import Controller
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.verify import verify
from cvq_core.seed.heroes import JEANNE_UID
from tests.integration.reader.dying_controller import POINTS
from tests.integration.reader.ground import Line, Machine, controller, settled, until
from tests.integration.reader.test_line_cut import give_jeanne, jeannes_wallet, taps_of
from tests.integration.reader.test_osdp import told
from tests.served import Site


async def test_power_cuts_at_every_commit_lose_nothing_double_nothing_and_charge_once(
    site: Site, line: Line, tmp_path: Path
) -> None:
    await give_jeanne(site, 100_000)
    before = (await jeannes_wallet(site)).balance_cents
    let_in: list[str] = []
    presented: list[str] = []
    async with controller(site, tmp_path / "pool", line) as machine:
        await machine.start()
        for point in POINTS:
            await machine.stop()
            on_line = point in ("before-answered", "after-answered")
            if not on_line:
                await line.cut()
            machine.dies_at = point
            await machine.start()
            if on_line:
                await until(machine.line_is_up, "the core is asked")
            tap_id = new_id()
            presented.append(str(tap_id))
            with suppress(ClientError):
                answer = await machine.tap(JEANNE_UID, tap_id=tap_id)
                assert answer["allowed"]
                let_in.append(answer["id"])
            if not on_line:
                await line.mend()
            await machine.died()
            machine.dies_at = ""
            await machine.start()
            await until(lambda: settled(machine), f"all taps arrive after {point}")
    known = await taps_of(site)
    # What died before it was written down opened nothing, and nobody knows of it.
    died = dict(zip(POINTS, presented, strict=True))
    assert set(presented) - known.keys() == {died["before-asked"]}
    assert set(let_in) <= {tap_id for tap_id, tap in known.items() if tap.allowed}
    charged = sum(tap.amount_cents for tap in known.values() if tap.transaction_id is not None)
    assert (await jeannes_wallet(site)).balance_cents == before - charged
    async with site.database.read() as db:
        assert await verify(db) == []
        kinds = (ConflictKind.REFUSED_THOUGH_ALLOWED, ConflictKind.LET_IN_THOUGH_REFUSED)
        listed = select(TapConflict.id).where(TapConflict.kind.in_(kinds))
        rows = await db.execute(select(ConflictedTap.tap_id).where(ConflictedTap.conflict_id.in_(listed)))
        conflicts = {str(each) for each in rows.scalars()}
    # Charged on line by a core whose answer died with the machine: the door did not open, and the manager is told.
    assert died["before-answered"] in conflicts
    assert known[died["before-answered"]].transaction_id is not None
    # Decided and written down, and the power went before the lock: it counts as a passage, and is paid once.
    assert known[died["after-decided"]].allowed
    assert known[died["after-decided"]].transaction_id is not None
    # Nobody was charged for what was asked and not decided.
    assert not any(known[died[point]].allowed for point in ("after-asked", "before-decided"))


async def test_with_a_full_disk_it_says_so_goes_on_deciding_and_writes_down_later(
    site: Site, line: Line, tmp_path: Path
) -> None:
    await give_jeanne(site, 1000)
    async with controller(site, tmp_path / "pool", line) as machine:
        await machine.start()
        await line.cut()
        fill_the_disk(machine, full=True)
        answers = [await machine.tap(JEANNE_UID) for _ in range(4)]
        assert [answer["allowed"] for answer in answers][:2] == [True, True]
        assert not answers[-1]["allowed"], "what passed while the disk was full counts"
        status = await until(lambda: trouble(machine, "disk-full"), "it says so")
        assert (status["queued"], status["lost"]) == (4, 0)
        fill_the_disk(machine, full=False)

        async def written() -> bool:
            return len(rows_on_disk(machine)) == 4

        await until(written, "the taps are written down")
        await machine.kill()
        await machine.start()
        await line.mend()
        await until(lambda: settled(machine), "the taps arrive")
        assert {answer["id"] for answer in answers} <= (await taps_of(site)).keys()
        await until(lambda: told(site, PointEventKind.DISK_FULL), "its manager is told")


async def test_a_list_that_was_changed_on_the_disk_is_not_believed_and_nobody_passes_by_it(
    site: Site, line: Line, tmp_path: Path
) -> None:
    await give_jeanne(site, 1000)
    async with controller(site, tmp_path / "pool", line) as machine:
        await machine.start()
        await line.cut()
        await machine.stop()
        with sqlite3.connect(machine.folder / "data" / "list.sqlite") as base:
            base.execute("UPDATE page SET page = replace(page, '\"balance_cents\":', '\"balance_cents\":9')")
        await machine.start(listed=False)
        status = await machine.status()
        assert (list(status["troubles"]), status["list_until"]) == (["list-refused"], None)
        assert (await machine.tap(JEANNE_UID))["http"] == 503
        await line.mend()
        await until(lambda: listed(machine), "a list that is signed comes")
        assert (await machine.tap(JEANNE_UID))["allowed"]


@pytest.mark.parametrize(
    ("fallback", "answered"),
    [(Fallback.FAIL_OPEN, (True, "let-in-unchecked")), (Fallback.FAIL_CLOSED, (False, "list-expired"))],
)
async def test_an_expired_list_leaves_each_point_its_own_fallback(
    site: Site, line: Line, tmp_path: Path, fallback: Fallback, answered: tuple[bool, str]
) -> None:
    async with site.database.write() as db:
        await db.execute(update(AccessPoint).values(offline_fallback=fallback))
    async with controller(site, tmp_path / "pool", line) as machine:
        await machine.start()
        await line.cut()
        await machine.stop()
        # Three days go by: the machine remembers a later hour than its list holds.
        with sqlite3.connect(machine.folder / "data" / "queue.sqlite") as base:
            until_hour = site.services.clock() + timedelta(hours=73)
            base.execute("INSERT OR REPLACE INTO known VALUES ('last_hour', ?)", (until_hour.isoformat(),))
        await machine.start()
        answer = await machine.tap(JEANNE_UID)
        assert (answer["allowed"], answer["reason"]) == answered
        assert "clock-behind" in (await machine.status())["troubles"]
        await line.mend()
        await until(lambda: told(site, PointEventKind.CLOCK_WRONG), "its manager is told")


async def test_two_machines_with_one_key_are_noticed_and_both_are_told(site: Site, line: Line, tmp_path: Path) -> None:
    async with controller(site, tmp_path / "pool", line) as machine:
        copy = Machine(tmp_path / "copy", machine.server_url, machine.readers)
        shutil.copytree(machine.folder, copy.folder)
        await machine.start()
        await copy.start()
        try:
            await give_jeanne(site, 10_000)
            answers = [await each.tap(JEANNE_UID) for each in (machine, copy, machine, copy)]
            assert all(answer["allowed"] for answer in answers)
            # The copy reported after the machine; with the line back, the machine goes on reporting.
            for each in (machine, copy):
                await line.cut()
                await until(partial(no_line, each), "the cut is noticed")
                await line.mend()
                await until(partial(trouble, each, "twins"), "it hears of the other")
        finally:
            await copy.stop()
    async with site.database.read() as db:
        assert await db.scalar(select(Controller.twins_seen_at)) is not None
        assert await db.scalar(select(func.count()).where(AuditRecord.action == "controller-twins")) == 1
        assert await db.scalar(select(func.count()).select_from(Tap)) == 4
        assert await verify(db) == []


async def no_line(machine: Machine) -> bool:
    return not await machine.line_is_up()


async def trouble(machine: Machine, slug: str) -> dict[str, Any] | None:
    status = await machine.status()
    return status if slug in status["troubles"] else None


async def listed(machine: Machine) -> bool:
    return bool((await machine.status())["list_until"])


def fill_the_disk(machine: Machine, *, full: bool) -> None:
    """Let no file of the controller be written any more, or again."""
    assert machine.process is not None
    _, hard = resource.prlimit(machine.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(machine.process.pid, resource.RLIMIT_FSIZE, (1 if full else hard, hard))


def rows_on_disk(machine: Machine) -> list[Any]:
    with sqlite3.connect(machine.folder / "data" / "queue.sqlite") as base:
        return base.execute("SELECT id FROM tap WHERE state = 'decided'").fetchall()

"""Staff lists at real doors: who is on one gets in, who is no longer on it does not, and every change can be told."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cvq_core.access.facts import RightKind
from cvq_core.access.store import end_right, give_right
from cvq_core.access.tables import Entitlement
from cvq_core.agents.rules import BYTES_MAX, BadStaffGroup, BadStaffList, StaffListTooShort, UnknownStaffRun
from cvq_core.agents.service import apply_list, undo_run
from cvq_core.agents.store import add_list, runs_of, set_group
from cvq_core.agents.tables import StaffList, StaffRun
from cvq_core.agents.verify import verify_agents
from cvq_core.agents.watching import watch_lists
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.journal.tables import AuditRecord
from cvq_core.live.tables import LiveEvent
from cvq_core.people.tables import Person
from cvq_core.services.rules import ServiceCode
from tests.core_examples import NOW
from tests.integration.core.agents.ground import HEAD, ODILE, PAUL, RENEE, Ground

LATER = NOW + timedelta(minutes=5)


async def runs(ground: Ground) -> list[StaffRun]:
    async with ground.database.read() as db:
        found = await db.scalar(select(StaffList.id))
        assert found is not None
        return await runs_of(db, found)


async def test_who_is_on_the_list_gets_the_doors_of_their_group(ground: Ground) -> None:
    assert await ground.doors("Odile") == ""
    applied = await ground.drop(ODILE, PAUL, RENEE)
    assert (applied.report.numbers("joined"), applied.report.doors) == (["1", "2", "3"], (4, 0))
    assert [await ground.doors(who) for who in ("Odile", "Paul", "Renée")] == ["S", "S", "SD"]
    evening = datetime(2026, 3, 3, 20, 0, tzinfo=UTC)
    assert [await ground.doors(who, evening) for who in ("Odile", "Renée")] == ["", "SD"]


async def test_who_has_left_opens_no_door_from_the_next_reading_on(ground: Ground) -> None:
    await ground.drop(ODILE, PAUL, RENEE)
    async with ground.database.write() as db:
        by_hand = await give_right(
            db,
            new_id(),
            kind=RightKind.AGENT_SCHEDULE,
            service=ServiceCode.BUILDING,
            person_id=ground.people["Renée"],
            valid_from=NOW - timedelta(days=9),
            now=NOW,
        )
        own = await give_right(
            db,
            new_id(),
            kind=RightKind.SUBSCRIPTION,
            service=ServiceCode.BUILDING,
            person_id=ground.people["Odile"],
            point_id=ground.depot,
            valid_from=NOW - timedelta(days=9),
            now=NOW,
        )
    applied = await ground.drop(PAUL, now=LATER)
    assert applied.report.numbers("left") == ["1", "3"]
    assert [await ground.doors(who, LATER) for who in ("Odile", "Paul", "Renée")] == ["D", "S", ""]
    async with ground.database.read() as db:
        assert (await db.get_one(Entitlement, by_hand.id)).valid_until == LATER, "schedules given by hand end too"
        assert (await db.get_one(Entitlement, own.id)).valid_until is None, "what they have as residents stays theirs"
        left = await db.scalars(select(AuditRecord.subject_id).where(AuditRecord.action == "agent-left"))
        assert set(left) == {ground.people["Odile"], ground.people["Renée"]}
        told = await db.scalar(
            select(LiveEvent).where(LiveEvent.topic == "access").order_by(LiveEvent.sequence.desc()).limit(1)
        )
    assert told is not None
    assert str(ground.people["Renée"]) in told.payload["persons"]


async def test_the_same_list_again_writes_nothing(ground: Ground) -> None:
    first = await ground.drop(ODILE, PAUL)
    again = await ground.drop(ODILE, PAUL, now=LATER)
    assert first.run is not None
    assert (again.run, again.report.steps) == (None, [])
    assert len(await runs(ground)) == 1


async def test_a_dry_run_tells_the_same_and_changes_nothing(ground: Ground) -> None:
    tried = await ground.drop(ODILE, RENEE, dry=True)
    assert tried.run is None
    assert tried.report.doors == (3, 0)
    assert await ground.doors("Renée") == ""
    assert await ground.agents() == []
    done = await ground.drop(ODILE, RENEE)
    assert done.report.kept() | {"steps": 0} == tried.report.kept() | {"steps": 0}


async def test_a_cut_list_closes_no_door_until_somebody_says_that_it_is_whole(ground: Ground) -> None:
    await ground.drop(ODILE, PAUL, RENEE)
    refused = await ground.drop("9;Autre;Une;01/01/1990;Écoles", now=LATER)
    assert isinstance(refused.refusal, StaffListTooShort)
    assert refused.run is not None
    assert [await ground.doors(who, LATER) for who in ("Odile", "Renée")] == ["S", "SD"]
    again = await ground.drop("9;Autre;Une;01/01/1990;Écoles", now=LATER)
    assert (again.run, again.refusal) == (None, None), "it is told once, not every five minutes"
    async with ground.database.read() as db:
        assert "refusée" in (await verify_agents(db, LATER))[0]
    believed = await ground.drop("9;Autre;Une;01/01/1990;Écoles", now=LATER, even_so=True)
    assert believed.report.numbers("left") == ["1", "2", "3"]
    assert await ground.doors("Renée", LATER) == ""
    async with ground.database.read() as db:
        assert await verify_agents(db, LATER) == []


async def test_a_list_with_a_line_that_cannot_be_read_changes_nothing(ground: Ground) -> None:
    await ground.drop(ODILE, PAUL)
    refused = await ground.drop(ODILE, "2;Morin;Paul;never;Écoles", now=LATER)
    assert isinstance(refused.refusal, BadStaffList)
    assert await ground.doors("Paul", LATER) == "S"
    assert [(run.outcome, run.slug) for run in await runs(ground)] == [("refused", "bad-staff-list"), ("applied", "")]


async def test_a_change_of_group_changes_only_the_doors_that_differ(ground: Ground) -> None:
    await ground.drop(ODILE, RENEE)
    moved = await ground.drop(ODILE.replace("Écoles", "VOIRIE"), RENEE, now=LATER)
    assert (moved.report.numbers("moved"), moved.report.doors) == (["1"], (2, 1))
    assert await ground.doors("Odile", LATER) == "SD"
    async with ground.database.write() as db:
        await set_group(db, "pompaire", "Voirie", point_codes=["depot"], actor=SYSTEM, now=LATER)
    changed = await ground.drop(ODILE.replace("Écoles", "VOIRIE"), RENEE, now=LATER + timedelta(minutes=5))
    assert changed.report.doors == (0, 2)
    assert await ground.doors("Renée", LATER + timedelta(minutes=5)) == "D"


async def test_a_group_that_nobody_has_given_doors_to_opens_none_and_closes_none(ground: Ground) -> None:
    await ground.drop(ODILE)
    lines = [line.replace("Écoles", "Vie scolaire") for line in (ODILE, PAUL)]
    renamed = await ground.drop(*lines, now=LATER)
    assert renamed.report.without_doors == ["Vie scolaire"]
    assert [await ground.doors(who, LATER) for who in ("Odile", "Paul")] == ["S", ""]
    async with ground.database.write() as db:
        await set_group(db, "pompaire", "vie scolaire", point_codes=["depot"], actor=SYSTEM, now=LATER)
    again = LATER + timedelta(minutes=5)
    await ground.drop(*lines, now=again)
    assert [await ground.doors(who, again) for who in ("Odile", "Paul")] == ["D", "D"]


async def test_who_is_not_in_our_base_or_there_twice_waits_and_is_told(ground: Ground) -> None:
    async with ground.database.write() as db:
        twin = await db.get_one(Person, ground.people["Paul"])
        db.add(
            Person(
                id=new_id(),
                family_name=twin.family_name,
                given_names=twin.given_names,
                birth_date=twin.birth_date,
                search_key="morin paul",
            )
        )
    applied = await ground.drop(ODILE, PAUL, "4;Roy;Renée;;Voirie", "5;Nul;Part;01/01/1990;Voirie")
    assert (applied.report.numbers("joined"), applied.report.unknown) == (["1"], ["2", "4", "5"])


async def test_a_right_that_somebody_ended_by_hand_is_not_given_again(ground: Ground) -> None:
    await ground.drop(ODILE)
    async with ground.database.write() as db:
        right = await db.scalar(select(Entitlement.id).where(Entitlement.person_id == ground.people["Odile"]))
        assert right is not None
        await end_right(db, right, now=LATER)
    again = await ground.drop(ODILE, now=LATER + timedelta(minutes=5))
    assert again.run is None
    assert await ground.doors("Odile", LATER + timedelta(minutes=5)) == ""


async def test_somebody_with_two_employers_keeps_the_other_ones_doors(ground: Ground) -> None:
    async with ground.database.write() as db:
        await add_list(db, "mazieres", label="Mazières", actor=SYSTEM, now=NOW)
        await set_group(db, "mazieres", "Tous", point_codes=["depot"], actor=SYSTEM, now=NOW)
        content = (HEAD + ODILE.replace("1;", "77;", 1).replace("Écoles", "Tous")).encode()
        await apply_list(db, "mazieres", file_name="m.csv", content=content, actor=SYSTEM, now=NOW)
    await ground.drop(ODILE, PAUL)
    assert await ground.doors("Odile") == "SD"
    await ground.drop(PAUL, now=LATER)
    assert await ground.doors("Odile", LATER) == "D"


async def test_somebody_with_two_numbers_leaves_with_both_and_comes_back_with_all(ground: Ground) -> None:
    await ground.drop(ODILE, ODILE.replace("1;", "9;", 1), PAUL)
    async with ground.database.write() as db:
        await give_right(
            db,
            new_id(),
            kind=RightKind.AGENT_SCHEDULE,
            service=ServiceCode.BUILDING,
            person_id=ground.people["Odile"],
            point_id=ground.depot,
            valid_from=NOW - timedelta(days=9),
            now=NOW,
        )
    done = await ground.drop(PAUL, now=LATER)
    assert await ground.doors("Odile", LATER) == ""
    assert done.run is not None
    async with ground.database.write() as db:
        await undo_run(db, "pompaire", done.run.id, actor=SYSTEM, now=LATER)
    assert await ground.doors("Odile", LATER) == "SD"


async def test_the_last_list_is_undone_with_doors_and_days_as_they_were(ground: Ground) -> None:
    await ground.drop(ODILE, RENEE)
    ends = NOW + timedelta(days=30)
    async with ground.database.write() as db:
        await give_right(
            db,
            new_id(),
            kind=RightKind.AGENT_SCHEDULE,
            service=ServiceCode.BUILDING,
            person_id=ground.people["Odile"],
            point_id=ground.depot,
            valid_from=NOW - timedelta(days=9),
            valid_until=ends,
            now=NOW,
        )
        await give_right(
            db,
            new_id(),
            kind=RightKind.AGENT_SCHEDULE,
            service=ServiceCode.BUILDING,
            person_id=ground.people["Odile"],
            site="ecole",
            on_holidays=False,
            valid_from=NOW - timedelta(days=9),
            now=NOW,
        )
    done = await ground.drop(PAUL, RENEE.replace("Voirie", "Écoles"), now=LATER)
    assert done.run is not None
    then = LATER + timedelta(minutes=5)
    assert [await ground.doors(who, then) for who in ("Odile", "Paul", "Renée")] == ["", "S", "S"]
    async with ground.database.write() as db:
        await undo_run(db, "pompaire", done.run.id, actor=SYSTEM, now=then)
    assert [await ground.doors(who, then) for who in ("Odile", "Paul", "Renée")] == ["SD", "", "SD"]
    assert await ground.doors("Odile", ends + timedelta(hours=1)) == "S", "a schedule that was to end still ends"
    async with ground.database.read() as db:
        of_school = select(Entitlement).where(Entitlement.site == "ecole", Entitlement.valid_until.is_(None))
        assert [right.on_holidays for right in await db.scalars(of_school)] == [False]
    same = await ground.drop(PAUL, RENEE.replace("Voirie", "Écoles"), now=then)
    assert same.run is None, "what was undone is not done again by itself"
    async with ground.database.write() as db:
        with pytest.raises(UnknownStaffRun):
            await undo_run(db, "pompaire", done.run.id, actor=SYSTEM, now=then)
    later = then + timedelta(minutes=5)
    await ground.drop(ODILE, RENEE, PAUL, now=later)
    assert [await ground.doors(who, later) for who in ("Odile", "Paul", "Renée")] == ["SD", "S", "SD"]
    still = await ground.drop(PAUL, RENEE.replace("Voirie", "Écoles"), now=later)
    assert still.settled is not None, "nor after another one"
    assert await ground.doors("Odile", later) == "SD"
    await ground.drop(PAUL, now=later + timedelta(minutes=5))
    assert [await ground.doors(who, later + timedelta(minutes=5)) for who in ("Odile", "Renée")] == ["", ""]


async def test_two_servers_that_read_the_same_list_apply_it_once(ground: Ground) -> None:
    await asyncio.gather(*(ground.drop(ODILE, PAUL, RENEE) for _ in range(4)))
    assert len(await runs(ground)) == 1
    async with ground.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Entitlement)) == 4


async def test_a_number_that_went_to_somebody_else_opens_only_their_doors(ground: Ground) -> None:
    await ground.drop(ODILE, PAUL)
    done = await ground.drop(ODILE, RENEE.replace("3;", "2;", 1), now=LATER)
    assert [await ground.doors(who, LATER) for who in ("Paul", "Renée")] == ["", "SD"]
    assert done.run is not None
    async with ground.database.write() as db:
        await undo_run(db, "pompaire", done.run.id, actor=SYSTEM, now=LATER)
    assert [await ground.doors(who, LATER) for who in ("Paul", "Renée")] == ["S", ""]


async def test_the_newest_list_of_a_folder_is_read_once_it_lies_still(ground: Ground, tmp_path: Path) -> None:
    folder = tmp_path / "pompaire"
    folder.mkdir()
    clock = [NOW]

    async def watch() -> int:
        return await watch_lists(ground.database, tmp_path, lambda: clock[0])

    def drop(name: str, *lines: str, age: timedelta) -> None:
        file = folder / name
        file.write_text(HEAD + "\n".join(lines), encoding="cp1252")
        written = (clock[0] - age).timestamp()
        os.utime(file, (written, written))

    assert await watch() == 0
    # An employer drops one a day: the newest is found among them, whatever it is called.
    for each in range(1010):
        (folder / f"{each:04}.csv").touch()
        os.utime(folder / f"{each:04}.csv", (each, each))
    drop("a.csv", ODILE, PAUL, age=timedelta(hours=2))
    assert (await watch(), await ground.doors("Paul")) == (1, "S")
    drop("b.csv", ODILE, age=timedelta(seconds=5))
    assert (await watch(), await ground.doors("Paul")) == (0, "S")
    clock[0] += timedelta(minutes=2)
    assert (await watch(), await ground.doors("Paul", clock[0])) == (1, "")
    async with ground.database.read() as db:
        assert await verify_agents(db, clock[0]) == []
        assert "rien de nouveau" in (await verify_agents(db, clock[0] + timedelta(days=9)))[0]
    async with ground.database.write() as db:
        await undo_run(db, "pompaire", (await runs(ground))[0].id, actor=SYSTEM, now=clock[0])
    clock[0] += timedelta(minutes=2)
    assert (await watch(), await ground.doors("Paul", clock[0])) == (0, "S")
    async with ground.database.read() as db:
        assert "non appliquée" in (await verify_agents(db, clock[0]))[0], "it may be right by now: somebody has to say"


async def test_what_is_no_file_or_too_large_is_no_list(ground: Ground, tmp_path: Path) -> None:
    folder = tmp_path / "pompaire"
    folder.mkdir()
    (folder / "dir.csv").mkdir()
    secret = tmp_path / "secret"
    secret.write_text(HEAD + ODILE)
    (folder / "link.csv").symlink_to(secret)
    late = NOW + timedelta(days=36500)
    assert await watch_lists(ground.database, tmp_path, lambda: late) == 0
    (folder / "huge.csv").write_bytes(HEAD.encode() + b"x" * BYTES_MAX)
    assert await watch_lists(ground.database, tmp_path, lambda: late) == 1
    assert (await runs(ground))[0].slug == "bad-staff-list"


@pytest.mark.parametrize("wrong", [{"point_codes": ["nowhere"]}, {"weekdays": 0}, {"weekdays": 128}, {"label": "  "}])
async def test_a_group_that_cannot_be_right_is_refused(ground: Ground, wrong: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"label": "Voirie", "point_codes": ["ecole"], "weekdays": 31} | wrong
    async with ground.database.write() as db:
        with pytest.raises(BadStaffGroup):
            await set_group(db, "pompaire", asked.pop("label"), actor=SYSTEM, now=NOW, **asked)

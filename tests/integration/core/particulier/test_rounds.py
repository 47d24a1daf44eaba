"""A round for all families: one at a time, stopped by hand, and nobody who got no answer is forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cvq_core.errors import NotFound
from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job
from cvq_core.particulier.rounds import lapsed_families, latest_refresh, start_refresh, stop_refresh
from cvq_core.particulier.rules import Outcome, RoundRunning
from cvq_core.particulier.service import FundsSilent
from cvq_core.particulier.store import note_accord
from cvq_core.particulier.tables import QuotientRefresh
from cvq_core.particulier.virtual import Fault
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.tables import Person
from cvq_core.tariffs.quotients import record_quotient
from tests.core_examples import NOW, TODAY, create_family, create_member
from tests.integration.core.particulier.ground import MONTH, Ground


async def start(ground: Ground, refresh_id: UUID) -> None:
    async with ground.database.write() as db:
        await start_refresh(db, refresh_id, month=MONTH, started_by=None, now=NOW)


async def add_families(ground: Ground, number: int) -> list[UUID]:
    """More families that agreed, whom neither fund knows."""
    people = []
    async with ground.database.write() as db:
        for count in range(number):
            family = await create_family(db, f"F0010{count}", f"Sans réponse {count}")
            father = await create_member(db, family.id, f"Inconnu {count}", FamilyRole.GUARDIAN)
            await note_accord(db, replace(ground.accord(father.id), account_id=family.id), now=NOW)
            people.append(father.id)
    return people


async def test_of_rivals_that_begin_a_round_one_does(ground: Ground) -> None:
    await ground.agree()
    outcomes = await asyncio.gather(*(start(ground, new_id()) for _ in range(5)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["NoneType", *["RoundRunning"] * 4]
    async with ground.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(QuotientRefresh)) == 1
        assert await db.scalar(select(func.count()).select_from(Job)) == 1


async def test_the_next_round_begins_once_the_first_is_over(ground: Ground) -> None:
    await ground.agree()
    first, second = new_id(), new_id()
    await start(ground, first)
    with pytest.raises(RoundRunning):
        await start(ground, second)
    await ground.inquiries.refresh({"refresh_id": str(first)})
    await start(ground, second)
    await start(ground, first)  # came before: nothing new
    async with ground.database.read() as db:
        report = await latest_refresh(db)
    assert report is not None
    assert (report.refresh.id, report.refresh.running) == (second, True)


async def test_a_round_that_is_stopped_asks_nobody_more_and_keeps_what_came(ground: Ground) -> None:
    await ground.agree()
    await add_families(ground, 4)
    refresh_id, by = new_id(), new_id()
    await start(ground, refresh_id)
    ground.api.faults.append(Fault.SILENT)  # its first try takes half a second

    async def stop() -> None:
        while not ground.api.calls:
            await asyncio.sleep(0.01)
        async with ground.database.write() as db:
            assert await stop_refresh(db, refresh_id, by=by, now=NOW)
            assert not await stop_refresh(db, refresh_id, by=new_id(), now=NOW + timedelta(hours=1))

    await asyncio.gather(ground.inquiries.refresh({"refresh_id": str(refresh_id)}), stop())
    await ground.inquiries.refresh({"refresh_id": str(refresh_id)})
    assert len(ground.api.calls) == 2, "the family that was being asked about when it was stopped, tried twice"
    async with ground.database.read() as db:
        report = await latest_refresh(db)
    assert report is not None
    assert (report.refresh.stopped_by, report.refresh.running, report.refresh.finished_at) == (by, None, NOW)
    assert report.done == 1
    await start(ground, new_id())


async def test_a_round_that_nobody_began_is_not_stopped(ground: Ground) -> None:
    async with ground.database.write() as db:
        with pytest.raises(NotFound):
            await stop_refresh(db, new_id(), by=None, now=NOW)


async def test_a_family_whose_civil_status_is_incomplete_by_now_is_to_be_seen(ground: Ground) -> None:
    await ground.agree()
    async with ground.database.write() as db:
        (await db.get_one(Person, ground.mother_id)).birth_date = None
    refresh_id = new_id()
    await start(ground, refresh_id)
    await ground.inquiries.refresh({"refresh_id": str(refresh_id)})
    async with ground.database.read() as db:
        report = await latest_refresh(db)
    assert report is not None
    assert [(account.id, outcome) for account, outcome in report.unanswered] == [
        (ground.account_id, Outcome.BAD_IDENTITY)
    ]
    assert ground.api.calls == []


async def test_families_that_the_funds_never_answered_for_are_to_be_seen_once_the_round_is_over(
    ground: Ground,
) -> None:
    await ground.agree()
    refresh_id = new_id()
    await start(ground, refresh_id)
    ground.api.faults.extend([Fault.PROVIDER] * 2)
    with pytest.raises(FundsSilent):
        await ground.inquiries.refresh({"refresh_id": str(refresh_id)})
    async with ground.database.read() as db:
        running = await latest_refresh(db)
    await ground.inquiries.give_up({"refresh_id": str(refresh_id)})
    async with ground.database.read() as db:
        over = await latest_refresh(db)
    assert running is not None
    assert over is not None
    assert (running.unanswered, running.unanswered_count) == ([], 0)
    assert ([outcome for _, outcome in over.unanswered], over.unanswered_count) == ([Outcome.SILENT], 1)


async def test_families_without_an_accord_whose_quotient_ran_out_are_to_be_seen(ground: Ground) -> None:
    async with ground.database.write() as db:
        expectations = {"F00201": 10, "F00202": 400}
        for number, days in {**expectations, "F00203": None}.items():
            family = await create_family(db, number, "Sans accord")
            if days is not None:
                await record_quotient(
                    db,
                    new_id(),
                    account_id=family.id,
                    value_euros=500,
                    source=QuotientSource.DECLARED,
                    valid_from=TODAY - timedelta(days=days),
                    now=NOW,
                )
        await record_quotient(
            db,
            new_id(),
            account_id=ground.account_id,
            value_euros=500,
            source=QuotientSource.CAF,
            valid_from=date(2024, 1, 1),
            now=NOW,
        )
    async with ground.database.read() as db:
        rows, count = await lapsed_families(db, TODAY)
        _, limited = await lapsed_families(db, TODAY, limit=1)
    assert [account.number for account, _ in rows] == ["F00001", "F00202"]
    assert rows[1][1] == TODAY - timedelta(days=400 - 365)
    assert (count, limited) == (2, 2)
    await ground.agree()
    async with ground.database.read() as db:
        assert [account.number for account, _ in (await lapsed_families(db, TODAY))[0]] == ["F00202"]

"""For whom the funds may be asked: an accord holds while whoever gave it speaks for the account, and no longer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.families.departures import end_member
from cvq_core.families.merges import merge_accounts, plan_merge
from cvq_core.families.tables import AccountMerge
from cvq_core.families.undoing import undo_merge
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.particulier.rules import AccordManner, AccordMissing, BadIdentity, NotTheirAccount, Outcome
from cvq_core.particulier.service import Asked
from cvq_core.particulier.store import (
    agreeing_accounts,
    commune_code,
    end_accord,
    note_accord,
    standing_accord,
    words_of,
)
from cvq_core.particulier.tables import CivilIdentity
from cvq_core.particulier.virtual import Fault
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import AccountClosed
from cvq_core.people.tables import FamilyAccount
from cvq_core.tariffs.quotients import quotients_of
from tests.core_examples import NOW, TODAY, create_family, create_member
from tests.factories import make_commune
from tests.integration.core.particulier.ground import Ground

LATER = NOW + timedelta(minutes=1)


async def test_a_parent_who_left_the_account_is_asked_about_no_more(ground: Ground) -> None:
    await ground.agree()
    async with ground.database.write() as db:
        await create_member(db, ground.account_id, "Julien", FamilyRole.GUARDIAN)
        yesterday = TODAY - timedelta(days=1)
        await end_member(
            db,
            account_id=ground.account_id,
            person_id=ground.mother_id,
            role=FamilyRole.GUARDIAN,
            last_day=yesterday,
            now=NOW,
        )
        assert await standing_accord(db, ground.account_id, TODAY) is None
        assert await agreeing_accounts(db, TODAY) == []
    with pytest.raises(AccordMissing):
        await ground.ask()
    assert ground.api.calls == [], "her quotient must not come into the account of him who stayed"


async def test_an_accord_given_once_serves_one_question_and_nothing_of_the_civil_status_is_kept(
    ground: Ground,
) -> None:
    once = replace(ground.accord(), manner=AccordManner.VISIT)
    asked = Asked(new_id(), ground.account_id, SYSTEM, visit_id=new_id())
    for _ in range(2):
        assert (await ground.inquiries.inquire(asked, once=once)).outcome is Outcome.FOUND
    assert len(ground.api.calls) == 1
    async with ground.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(CivilIdentity)) == 0
        assert await standing_accord(db, ground.account_id, TODAY) is None
        assert await agreeing_accounts(db, TODAY) == []
        [word] = await words_of(db, ground.account_id)
        assert (word.once, word.manner, word.agreed) == (True, AccordManner.VISIT, True)
    with pytest.raises(AccordMissing):
        await ground.ask()


async def test_an_accord_given_once_changes_nothing_of_the_lasting_one(ground: Ground) -> None:
    await ground.agree()
    await ground.inquiries.inquire(Asked(new_id(), ground.account_id, SYSTEM), once=ground.accord())
    async with ground.database.write() as db:
        assert await standing_accord(db, ground.account_id, TODAY) is not None
        assert await db.get(CivilIdentity, ground.mother_id) is not None
        await end_accord(db, new_id(), ground.account_id, recorded_by=None, now=LATER)
        assert await db.get(CivilIdentity, ground.mother_id) is None


async def test_a_grandmother_who_pays_beside_the_mother_has_a_quotient_of_her_own(ground: Ground) -> None:
    async with ground.database.write() as db:
        nana = await create_member(db, ground.account_id, "Nicole", FamilyRole.PAYER)
        with pytest.raises(NotTheirAccount):
            await note_accord(db, ground.accord(nana.id), now=NOW)
        alone = await create_family(db, "F00002", "Petit")
        payer = await create_member(db, alone.id, "Paul", FamilyRole.PAYER)
        await note_accord(db, replace(ground.accord(payer.id), account_id=alone.id), now=NOW)
        assert await agreeing_accounts(db, TODAY) == [alone.id]
        await create_member(db, alone.id, "Julien", FamilyRole.GUARDIAN)
        assert await agreeing_accounts(db, TODAY) == []
        assert await standing_accord(db, alone.id, TODAY) is None


async def test_a_child_cannot_agree_even_once(ground: Ground) -> None:
    with pytest.raises(NotTheirAccount):
        await ground.inquiries.inquire(Asked(new_id(), ground.account_id, SYSTEM), once=ground.accord(ground.child_id))
    assert ground.api.calls == []


async def test_what_is_answered_after_the_accord_was_taken_back_is_not_kept(ground: Ground) -> None:
    await ground.agree()
    ground.api.faults.append(Fault.SILENT)  # its first try takes half a second

    async def take_back() -> None:
        while not ground.api.calls:
            await asyncio.sleep(0.01)
        async with ground.database.write() as db:
            await end_accord(db, new_id(), ground.account_id, recorded_by=None, now=LATER)

    asked, _ = await asyncio.gather(ground.ask(), take_back(), return_exceptions=True)
    assert isinstance(asked, AccordMissing)
    assert await ground.known() == []


async def test_the_same_end_twice_is_one_and_its_id_serves_no_other_account(ground: Ground) -> None:
    await ground.agree()
    end_id = new_id()
    async with ground.database.write() as db:
        other = await create_family(db, "F00002", "Autre")
        for _ in range(2):
            assert not (await end_accord(db, end_id, ground.account_id, recorded_by=None, now=LATER)).agreed
        with pytest.raises(IdempotencyMismatch):
            await end_accord(db, end_id, other.id, recorded_by=None, now=LATER)
        assert len(await words_of(db, ground.account_id)) == 2


async def test_the_latest_word_holds_whatever_the_servers_clocks_show(ground: Ground) -> None:
    await ground.agree()
    async with ground.database.write() as db:
        await end_accord(db, new_id(), ground.account_id, recorded_by=None, now=NOW - timedelta(hours=1))
        assert await standing_accord(db, ground.account_id, TODAY) is None


async def test_a_closed_account_agrees_to_nothing(ground: Ground) -> None:
    async with ground.database.write() as db:
        (await db.get_one(FamilyAccount, ground.account_id)).closed_on = TODAY
        await db.flush()
        with pytest.raises(AccountClosed):
            await note_accord(db, ground.accord(), now=NOW)


async def test_a_birth_place_is_typed_as_a_code_or_as_the_name_of_a_known_commune(ground: Ground) -> None:
    async with ground.database.write() as db:
        commune = await make_commune(db)
        assert await commune_code(db, commune.name.upper()) == commune.insee
        assert await commune_code(db, "2a004") == "2A004"
        with pytest.raises(BadIdentity):
            await commune_code(db, "Trifouillis-les-Oies")


@dataclass(frozen=True, slots=True)
class Twins:
    """Two accounts of one household: the one that goes on, with Claire, and one opened by mistake, with Anne."""

    ground: Ground
    kept_id: UUID
    merged_id: UUID
    anne_id: UUID

    async def agree(self, db: AsyncSession, account_id: UUID, *, minutes: int) -> None:
        person_id = self.anne_id if account_id == self.merged_id else self.ground.mother_id
        accord = replace(self.ground.accord(person_id), account_id=account_id)
        await note_accord(db, accord, now=NOW + timedelta(minutes=minutes))

    async def end(self, db: AsyncSession, account_id: UUID, *, minutes: int) -> None:
        at = NOW + timedelta(minutes=minutes)
        await end_accord(db, new_id(), account_id, recorded_by=None, now=at)

    async def merge(self, db: AsyncSession) -> AccountMerge:
        at, pair = NOW + timedelta(minutes=30), (self.merged_id, self.kept_id)
        return await merge_accounts(db, new_id(), merged_id=pair[0], kept_id=pair[1], reason="x", by=None, now=at)

    async def undo(self, db: AsyncSession, merge: AccountMerge) -> None:
        at = NOW + timedelta(minutes=60)
        await undo_merge(db, new_id(), merge_id=merge.id, reason="x", by=None, now=at)

    async def standing(self, db: AsyncSession) -> list[bool]:
        """Whether an accord holds for the kept account, and for the merged one."""
        return [await standing_accord(db, each, TODAY) is not None for each in (self.kept_id, self.merged_id)]


@pytest.fixture
async def twins(ground: Ground) -> Twins:
    async with ground.database.write() as db:
        wrong = await create_family(db, "F00002", "Moreau bis")
        anne = await create_member(db, wrong.id, "Anne", FamilyRole.GUARDIAN, born=date(1988, 2, 17))
    return Twins(ground, ground.account_id, wrong.id, anne.id)


async def test_an_accord_follows_a_merger_and_comes_back_when_it_is_undone(twins: Twins) -> None:
    async with twins.ground.database.write() as db:
        await twins.agree(db, twins.merged_id, minutes=1)
        assert (await plan_merge(db, merged_id=twins.merged_id, kept_id=twins.kept_id, on=TODAY)).carried.accord
        merge = await twins.merge(db)
        assert await twins.standing(db) == [True, False]
        assert await agreeing_accounts(db, TODAY) == [twins.kept_id]
    twins.ground.api.quotients["MOREAU", "ANNE"] = 655
    assert (await twins.ground.ask()).outcome is Outcome.FOUND
    async with twins.ground.database.write() as db:
        await twins.undo(db, merge)
        assert await twins.standing(db) == [False, True]
        assert await db.get(CivilIdentity, twins.anne_id) is not None
        await twins.end(db, twins.merged_id, minutes=90)
        assert await twins.standing(db) == [False, False]
        assert await db.get(CivilIdentity, twins.anne_id) is None


async def test_an_accord_taken_back_after_the_merger_is_not_revived_by_its_undoing(twins: Twins) -> None:
    async with twins.ground.database.write() as db:
        await twins.agree(db, twins.merged_id, minutes=1)
        merge = await twins.merge(db)
        await twins.end(db, twins.kept_id, minutes=40)
        assert await db.get(CivilIdentity, twins.anne_id) is None
        await twins.undo(db, merge)
        assert await twins.standing(db) == [False, False]


async def test_what_the_kept_account_agreed_to_by_itself_stays_after_the_undoing(twins: Twins) -> None:
    async with twins.ground.database.write() as db:
        await twins.agree(db, twins.kept_id, minutes=1)
        await twins.agree(db, twins.merged_id, minutes=2)
        merge = await twins.merge(db)
        assert await twins.standing(db) == [True, False]
        await twins.undo(db, merge)
        assert await twins.standing(db) == [True, True]


@pytest.mark.parametrize(("agreed", "ended", "stands"), [(1, 2, False), (2, 1, True)])
async def test_of_two_accounts_words_the_later_one_holds(
    twins: Twins, agreed: int, ended: int, *, stands: bool
) -> None:
    async with twins.ground.database.write() as db:
        await twins.agree(db, twins.merged_id, minutes=0)
        await twins.end(db, twins.merged_id, minutes=ended)
        await twins.agree(db, twins.kept_id, minutes=agreed)
        plan = await plan_merge(db, merged_id=twins.merged_id, kept_id=twins.kept_id, on=TODAY)
        assert plan.carried.accord is (None if stands else False)
        merge = await twins.merge(db)
        assert await twins.standing(db) == [stands, False]
        await twins.undo(db, merge)
        assert await twins.standing(db) == [stands, False], "what ended is not revived: the family is asked again"


async def test_an_answer_that_comes_after_a_merger_goes_to_the_account_that_goes_on(twins: Twins) -> None:
    api = twins.ground.api
    api.quotients["MOREAU", "ANNE"] = 655
    async with twins.ground.database.write() as db:
        await twins.agree(db, twins.merged_id, minutes=1)
    api.faults.append(Fault.SILENT)  # its first try takes half a second

    async def merge() -> None:
        while not api.calls:
            await asyncio.sleep(0.01)
        async with twins.ground.database.write() as db:
            await twins.merge(db)

    inquiring = twins.ground.inquiries.inquire(Asked(new_id(), twins.merged_id, SYSTEM))
    found, _ = await asyncio.gather(inquiring, merge())
    assert found.outcome is Outcome.FOUND
    async with twins.ground.database.read() as db:
        assert [row.value_euros for row in await quotients_of(db, twins.kept_id)] == [655]
        assert await quotients_of(db, twins.merged_id) == []

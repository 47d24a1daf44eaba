"""Asking API Particulier, against a stand-in that speaks its interface with its errors."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.particulier.client import Particulier
from cvq_core.particulier.rounds import latest_refresh, start_refresh
from cvq_core.particulier.rules import (
    AccordMissing,
    BadIdentity,
    NoParticulier,
    NotTheirAccount,
    Outcome,
    birth_place,
    due_refresh,
    is_siret,
)
from cvq_core.particulier.service import Asked, FundsSilent, QuotientInquiries
from cvq_core.particulier.store import end_accord, note_accord
from cvq_core.particulier.tables import CivilIdentity, QuotientInquiry
from cvq_core.particulier.virtual import RECIPIENT, TOKEN, Fault
from cvq_core.people.rules import FamilyRole, QuotientSource
from tests.core_examples import NOW, create_family, create_member
from tests.integration.core.particulier.ground import MONTH, Ground


async def test_the_value_the_month_and_the_fund_are_kept_and_nothing_else_of_the_answer(ground: Ground) -> None:
    await ground.agree()
    found = await ground.ask()
    assert found.outcome is Outcome.FOUND
    [quotient] = await ground.known()
    assert (quotient.value_euros, quotient.source, quotient.valid_from) == (742, QuotientSource.CAF, MONTH)
    assert quotient.reference == "API Particulier"
    [asked] = ground.api.calls
    assert (asked["recipient"], asked["nomNaissance"], asked["prenoms[]"]) == (RECIPIENT, "Moreau", ["Claire", "Anne"])
    assert (asked["codeCogInseeCommuneNaissance"], asked["annee"], asked["mois"]) == ("79202", "2026", "3")
    async with ground.database.read() as db:
        rows = [*await db.scalars(select(QuotientInquiry)), *await db.scalars(select(AuditRecord))]
    assert "SECR" not in "".join(str(vars(row)) for row in rows)


async def test_nobody_is_asked_about_without_an_accord_that_holds(ground: Ground) -> None:
    with pytest.raises(AccordMissing):
        await ground.ask()
    await ground.agree()
    async with ground.database.write() as db:
        await end_accord(db, new_id(), ground.account_id, recorded_by=None, now=NOW + timedelta(minutes=1))
        assert await db.get(CivilIdentity, ground.mother_id) is None, "what was kept for it is gone"
    with pytest.raises(AccordMissing):
        await ground.ask()
    assert ground.api.calls == []


async def test_only_a_guardian_or_a_payer_agrees(ground: Ground) -> None:
    async with ground.database.write() as db:
        with pytest.raises(NotTheirAccount):
            await note_accord(db, ground.accord(ground.child_id), now=NOW)
        with pytest.raises(BadIdentity):
            await note_accord(db, replace(ground.accord(), commune=None), now=NOW)


async def test_the_same_question_again_is_answered_without_asking(ground: Ground) -> None:
    await ground.agree()
    inquiry_id = new_id()
    answers = [await ground.ask(inquiry_id), await ground.ask(inquiry_id)]
    assert [each.outcome for each in answers] == [Outcome.FOUND, Outcome.FOUND]
    assert len(ground.api.calls) == 1
    with pytest.raises(IdempotencyMismatch):
        await ground.inquiries.inquire(Asked(inquiry_id, new_id(), SYSTEM))


async def test_rivals_with_one_question_keep_one_quotient(ground: Ground) -> None:
    await ground.agree()
    inquiry_id = new_id()
    answers = await asyncio.gather(*(ground.ask(inquiry_id) for _ in range(6)))
    assert {each.outcome for each in answers} == {Outcome.FOUND}
    assert len(await ground.known()) == 1


async def test_a_value_that_did_not_change_is_not_written_twice(ground: Ground) -> None:
    await ground.agree()
    await ground.ask()
    assert (await ground.ask()).outcome is Outcome.UNCHANGED
    ground.api.quotients["MOREAU", "CLAIRE"] = 810
    assert (await ground.ask()).outcome is Outcome.FOUND
    assert [each.value_euros for each in await ground.known()].count(810) == 1


async def test_somebody_whom_neither_fund_knows_is_said_so(ground: Ground) -> None:
    ground.api.quotients.clear()
    await ground.agree()
    assert (await ground.ask()).outcome is Outcome.NOT_FOUND
    assert await ground.known() == []


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.EXPIRED, Outcome.REFUSED),
        (Fault.FORBIDDEN, Outcome.REFUSED),
        (Fault.CONFLICT, Outcome.BUSY),
        (Fault.TOO_MANY, Outcome.BUSY),
        (Fault.PROVIDER, Outcome.SILENT),
        (Fault.UNAVAILABLE, Outcome.SILENT),
        (Fault.LATE, Outcome.SILENT),
        (Fault.SILENT, Outcome.SILENT),
        (Fault.CUT, Outcome.SILENT),
        (Fault.MALFORMED, Outcome.SILENT),
        (Fault.HUGE, Outcome.SILENT),
        (Fault.FUTURE, Outcome.SILENT),
        (Fault.REDIRECTED, Outcome.SILENT),
    ],
)
async def test_each_trouble_has_its_outcome_and_asking_again_under_the_same_id_gets_the_answer(
    ground: Ground, fault: Fault, outcome: Outcome
) -> None:
    await ground.agree()
    inquiry_id = new_id()
    ground.api.faults.extend([fault] * 4)  # of a line that was cut, aiohttp itself tries once more
    assert (await ground.ask(inquiry_id)).outcome is outcome
    assert await ground.known() == []
    assert all(call["path"] != "/elsewhere" for call in ground.api.calls), "the token goes nowhere else"
    ground.api.faults.clear()
    assert (await ground.ask(inquiry_id)).outcome is Outcome.FOUND


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.TOO_MANY, Fault.PROVIDER, Fault.UNAVAILABLE])
async def test_what_passes_by_itself_is_tried_once_more(ground: Ground, fault: Fault) -> None:
    await ground.agree()
    ground.api.faults.append(fault)
    assert (await ground.ask()).outcome is Outcome.FOUND
    assert len(ground.api.calls) == 2


async def test_without_a_token_the_certificate_is_typed_in(database: Database) -> None:
    with pytest.raises(NoParticulier):
        await QuotientInquiries(database, lambda: NOW, None).inquire(Asked(new_id(), new_id(), SYSTEM))


async def _start(ground: Ground) -> UUID:
    refresh_id = new_id()
    async with ground.database.write() as db:
        for _ in range(2):
            await start_refresh(db, refresh_id, month=MONTH, started_by=None, now=NOW)
    return refresh_id


async def test_a_round_asks_about_every_family_that_agreed_and_reports(ground: Ground) -> None:
    await ground.agree()
    async with ground.database.write() as db:
        other = await create_family(db, "F00002", "Sans réponse")
        father = await create_member(db, other.id, "Inconnu", FamilyRole.GUARDIAN, born=date(1980, 1, 1))
        await create_family(db, "F00003", "Sans accord")
        unknown = replace(ground.accord(father.id), id=new_id(), account_id=other.id)
        await note_accord(db, unknown, now=NOW)
    refresh_id = await _start(ground)
    await ground.inquiries.refresh({"refresh_id": str(refresh_id)})
    await ground.inquiries.refresh({"refresh_id": str(refresh_id)})
    assert len(ground.api.calls) == 2
    async with ground.database.read() as db:
        report = await latest_refresh(db)
    assert report is not None
    assert (report.refresh.families, report.done, report.refresh.stopped) == (2, 2, None)
    assert report.counts == {Outcome.FOUND: 1, Outcome.NOT_FOUND: 1}
    assert [account.number for account, _ in report.unanswered] == ["F00002"]


async def test_a_round_that_was_cut_short_goes_on_where_it_was(ground: Ground) -> None:
    await ground.agree()
    refresh_id = await _start(ground)
    ground.api.faults.extend([Fault.PROVIDER, Fault.PROVIDER])
    with pytest.raises(FundsSilent):
        await ground.inquiries.refresh({"refresh_id": str(refresh_id)})
    await ground.inquiries.refresh({"refresh_id": str(refresh_id)})
    async with ground.database.read() as db:
        report = await latest_refresh(db)
        assert await db.scalar(select(func.count()).select_from(QuotientInquiry)) == 1
    assert report is not None
    assert (report.done, report.refresh.finished_at is not None) == (1, True)


async def test_a_round_stops_at_once_when_our_access_is_refused(ground: Ground) -> None:
    await ground.agree()
    refresh_id = await _start(ground)
    ground.api.faults.append(Fault.FORBIDDEN)
    await ground.inquiries.refresh({"refresh_id": str(refresh_id)})
    async with ground.database.read() as db:
        report = await latest_refresh(db)
    assert report is not None
    assert report.refresh.stopped is Outcome.REFUSED


async def test_a_round_starts_by_itself_in_its_month_and_once(ground: Ground) -> None:
    january = datetime(2027, 1, 4, 9, tzinfo=NOW.tzinfo)
    inquiries = QuotientInquiries(
        ground.database, lambda: january, Particulier(TOKEN, RECIPIENT, ground.api.url), between_s=0
    )
    await asyncio.gather(*(inquiries.start_due("yearly") for _ in range(3)))
    async with ground.database.read() as db:
        report = await latest_refresh(db)
    assert report is not None
    assert report.refresh.month == date(2027, 1, 1)
    assert due_refresh(date(2027, 4, 2), "yearly") is None
    assert due_refresh(date(2027, 4, 2), "quarterly") == date(2027, 4, 1)
    assert due_refresh(date(2027, 1, 2), "never") is None


def test_codes_are_checked_before_anybody_is_asked() -> None:
    assert is_siret(RECIPIENT)
    assert not is_siret("13002526500014")
    assert birth_place("99100", "2a004") == ("99100", "2A004")
    assert birth_place("99350", "79202") == ("99350", None), "no commune for a birth abroad"
    for country, commune in (("99100", None), ("99100", "7920"), ("FR", "79202")):
        with pytest.raises(BadIdentity):
            birth_place(country, commune)

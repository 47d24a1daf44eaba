"""The auditor reads who looked at what, and that reading is in the journal too."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from cvq_core.ids import new_id
from cvq_core.journal import Actor, record
from cvq_core.people.rules import FamilyRole
from cvq_core.staff.rules import Role
from tests.core_examples import NOW, create_family, create_member
from tests.factories import make_staff
from tests.served import Client, Site, served


@pytest_asyncio.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with served(database_url, tmp_path) as site:
        yield site


@pytest_asyncio.fixture
async def auditor(site: Site) -> AsyncIterator[Client]:
    async with site.database.write() as db:
        await make_staff(db, Role.AUDITOR, None, "auditrice")
        looker = await make_staff(db, Role.ADVISOR, new_id(), name="=Malik Haddad")
        family = await create_family(db)
        await create_member(db, family.id, "Jeanne", FamilyRole.GUARDIAN)
        record(
            db,
            now=NOW,
            actor=Actor("staff", looker.id, looker.display_name),
            action="account-looked-at",
            account_id=family.id,
        )
    async with site.signed_in("auditrice") as client:
        yield client


async def test_the_page_tells_who_looked_and_reading_it_is_recorded(auditor: Client) -> None:
    page = await (await auditor.get("/journal?q=Moreau")).text()
    assert "Compte famille consulté" in page
    assert "Malik Haddad" in page
    assert "Journal consulté" not in page
    again = await (await auditor.get("/journal")).text()
    assert "Journal consulté" in again
    assert "Personnes recherchées" in again


async def test_another_familys_name_finds_nothing(auditor: Client) -> None:
    page = await (await auditor.get("/journal?q=Bernard")).text()
    assert "Compte famille consulté" not in page


async def test_the_file_is_the_same_and_no_name_becomes_a_formula(auditor: Client) -> None:
    answer = await auditor.get("/journal/liste.csv?q=Moreau")
    assert answer.content_type == "text/csv"
    header, row = csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig")), delimiter=";")
    assert header[0] == "Quand"
    assert row[1] == "'=Malik Haddad"
    assert row[3] == "Compte famille consulté"


async def test_days_out_of_reach_and_nonsense_show_the_usual_period(auditor: Client) -> None:
    for query in ("until=9999-12-31", "from=0001-01-01", "from=demain", "before=hier", "before=2026-01-01"):
        answer = await auditor.get(f"/journal?{query}")
        assert answer.status == 200, query


async def test_only_an_auditor_reads_it(site: Site) -> None:
    async with site.database.write() as db:
        await make_staff(db, Role.ADVISOR, new_id(), "conseiller")
    async with site.signed_in("conseiller") as client:
        assert (await client.get("/journal")).status == 403
        assert (await client.get("/journal/liste.csv")).status == 403

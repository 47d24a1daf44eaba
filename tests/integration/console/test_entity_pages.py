"""The secretary's companies and associations: opened, found, their people added, their cards given."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from cvq_core.cards.rules import check_digit
from cvq_core.journal.tables import AuditRecord
from cvq_core.legal_entities.tables import EntityCard
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Membership
from cvq_core.staff.rules import Role
from tests.core_examples import create_family, create_member, create_services
from tests.factories import make_staff, make_town_hall
from tests.served import Client, Site, served

SIRET = "732 829 320 00074"
NUMBER = "482130577" + check_digit("482130577")


@pytest.fixture
async def site(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            family = await create_family(db, "F00123", "Famille Moreau")
            await create_member(db, family.id, "Anna", FamilyRole.GUARDIAN)
            await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
        yield site


@pytest.fixture
async def sylvie(site: Site) -> AsyncIterator[Client]:
    async with site.signed_in("sylvie") as client:
        yield client


async def read(client: Client, path: str) -> str:
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200, path
    return (await answer.text()).replace("\u00a0", " ").replace("\u202f", " ")


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: value for name, value in found if name != "csrf_token"}


async def opened(sylvie: Client) -> str:
    """The address of a company's file that was just opened."""
    form = hidden(await read(sylvie, "/familles/organisme"))
    answer = await sylvie.submit("/familles/organisme", **form, kind="company", name="Maçonnerie Roy", siret=SIRET)
    return str(answer.headers["Location"]) if answer.status == 303 else answer.url.path


async def test_a_company_is_opened_once_and_found_by_its_name_and_number(sylvie: Client) -> None:
    address = await opened(sylvie)
    page = await read(sylvie, address)
    for told in ("Maçonnerie Roy", "Entreprise, SIRET 73282932000074", "Cartes de l’organisme"):
        assert told in page, told
    assert "Quotient familial" not in page
    for query in ("maconnerie", "Ma%C3%A7onnerie", "73282932000074"):
        found = await read(sylvie, f"/familles?q={query}")
        assert (address in found) is (query != "maconnerie"), query
    form = hidden(await read(sylvie, "/familles/organisme"))
    again = await sylvie.submit("/familles/organisme", **form, kind="company", name="Autre", siret=SIRET)
    assert again.status == 422
    assert "déjà un compte" in (await again.text()).replace("\u00a0", " ")
    wrong = await sylvie.submit("/familles/organisme", **form, kind="company", name="Autre", siret="123")
    assert wrong.status == 422


async def test_its_people_come_in_its_own_roles_and_carry_its_cards(site: Site, sylvie: Client) -> None:
    address = await opened(sylvie)
    assert "Ajoutez d’abord les personnes" in await read(sylvie, f"{address}/cartes/nouvelle")
    page = await read(sylvie, f"{address}/personnes?q=anna+moreau")
    assert "Porte la carte de l’organisme" in page
    assert "Parent ou tuteur" not in page
    [person] = re.findall(r'name="person_id" value="([^"]+)"', page)
    as_child = await sylvie.submit(f"{address}/personnes", **hidden(page), person_id=person, role="child")
    assert as_child.status == 422
    await sylvie.submit(f"{address}/personnes", **hidden(page), person_id=person, role="holder")
    form = await read(sylvie, f"{address}/cartes/nouvelle")
    fields = {"person_id": person, "number": NUMBER, "uid": "04A1B2C3D4E5F6", "valid_until": "2020-01-01"}
    assert (await sylvie.submit(f"{address}/cartes/nouvelle", **hidden(form), **fields)).status == 422
    await sylvie.submit(f"{address}/cartes/nouvelle", **hidden(form), **(fields | {"valid_until": "2099-01-01"}))
    told = await read(sylvie, address)
    assert NUMBER[:3] in told
    assert "porte la carte de l’organisme" in told
    async with site.database.read() as db:
        assert len((await db.scalars(select(EntityCard))).all()) == 1
        roles = await db.scalars(select(Membership.role))
        assert sorted(roles) == ["guardian", "holder"]
        acts = set(await db.scalars(select(AuditRecord.action)))
    assert {"entity-opened", "member-added", "entity-card-given"} <= acts


async def test_a_family_has_no_holders_and_gives_no_cards(sylvie: Client) -> None:
    page = await read(sylvie, "/familles?q=F00123")
    [address] = set(re.findall(r'href="(/familles/[0-9a-f-]{36})"', page))
    found = await read(sylvie, f"{address}/personnes?q=anna+moreau")
    [person] = re.findall(r'name="person_id" value="([^"]+)"', found)
    refused = await sylvie.submit(f"{address}/personnes", **hidden(found), person_id=person, role="holder")
    assert refused.status == 422
    assert (await sylvie.get(f"{address}/cartes/nouvelle")).status == 404

"""The secretary's families: forms show what they would do, do it once, and tell nothing of the other side."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import ClientResponse
from sqlalchemy import select

from cvq_core.access.tables import UnclaimedCharge
from cvq_core.families.tables import AccountClosure, AccountMerge, AccountMergeUndo
from cvq_core.families.verify import verify_families
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.verify import verify
from cvq_core.people.arrangements import NewArrangement, add_exception, arrange, without_authority
from cvq_core.people.custody import Part
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.tables import CourtOrder, CustodyArrangement, FamilyAccount, Membership, Person
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from cvq_core.tariffs.quotients import record_quotient
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_family,
    create_member,
    create_services,
    create_wallet,
)
from tests.factories import make_staff, make_town_hall
from tests.served import Client, Site, served

# What of the father may stand on no page of the mother's file, nor in an address that leads there.
MASKED = {
    "address": "14 chemin des Cerisiers",
    "phone": "06 55 44 33 22",
    "email": "julien.texier@exemple.fr",
    "account's email": "foyer.texier@exemple.fr",
    "account's label": "Foyer Texier-Ribot",
    "account's number": "F00777",
    "quotient": "1387",
    "wallet": "87,65",
    "new partner": "Ribot",
}


@dataclass(frozen=True, slots=True)
class Village:
    """Anna's account and Julien's, with Emma in both."""

    site: Site
    mother: UUID
    father: UUID
    anna: UUID
    julien: UUID
    emma: UUID


@pytest.fixture
async def village(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Village]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            mother = await create_family(db, "F00123", "Famille Moreau")
            father = await create_family(db, MASKED["account's number"], MASKED["account's label"])
            father.email = MASKED["account's email"]
            anna = await create_member(db, mother.id, "Anna", FamilyRole.GUARDIAN, born=date(1985, 2, 3))
            julien = await create_member(db, father.id, "Julien", FamilyRole.GUARDIAN, born=date(1984, 2, 3))
            julien.address, julien.phone, julien.email = MASKED["address"], MASKED["phone"], MASKED["email"]
            await create_member(db, father.id, MASKED["new partner"], FamilyRole.PAYER)
            emma = await create_member(db, mother.id, "Emma", FamilyRole.CHILD, born=date(2017, 6, 1))
            db.add(
                Membership(
                    id=new_id(), account_id=father.id, person_id=emma.id, role=FamilyRole.CHILD, valid_from=LONG_AGO
                )
            )
            await create_wallet(db, mother.id, ServiceCode.CANTEEN, cents=1240)
            await create_wallet(db, father.id, ServiceCode.CANTEEN, cents=8765)
            await record_quotient(
                db,
                new_id(),
                account_id=father.id,
                value_euros=int(MASKED["quotient"]),
                source=QuotientSource.CAF,
                valid_from=TODAY,
                now=NOW,
            )
            await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
        yield Village(site, mother.id, father.id, anna.id, julien.id, emma.id)


@pytest.fixture
async def sylvie(village: Village) -> AsyncIterator[Client]:
    async with village.site.signed_in("sylvie") as client:
        yield client


async def read(client: Client, path: str) -> str:
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200, path
    return plain(await answer.text())


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("&#39;", "'")


def hidden(page: str) -> dict[str, str]:
    """What the page's form sends along without asking."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: value for name, value in found if name != "csrf_token"}


async def answer_twice(client: Client, path: str, **fields: str) -> tuple[str, ClientResponse]:
    """Fill a form, read the last question, and say yes; return the question and what came of it."""
    form = await read(client, path)
    asked = await client.submit(path, **hidden(form), **fields)
    question = plain(await asked.text())
    assert asked.status == 200, question
    assert 'name="sure"' in question
    return question, await client.submit(path, **hidden(question))


async def test_a_family_is_found_by_a_name_and_by_its_number(village: Village, sylvie: Client) -> None:
    by_name = await read(sylvie, "/familles?q=anna+moreau")
    assert f"/familles/{village.mother}" in by_name
    assert "F00123" in by_name
    assert MASKED["account's number"] not in by_name
    assert f"/familles/{village.mother}" in await read(sylvie, "/familles?q=F00123")
    assert "Aucun compte pour cette recherche" in await read(sylvie, "/familles?q=Zyx")


async def test_the_file_shows_people_money_and_history_and_the_look_is_recorded(
    village: Village, sylvie: Client
) -> None:
    page = await read(sylvie, f"/familles/{village.mother}")
    for told in ("MOREAU Anna", "responsable", "12,40 €", "Le compte est ouvert.", "Emma Moreau entre dans le compte"):
        assert told in page, told
    async with village.site.database.read() as db:
        looks = await db.scalars(select(AuditRecord.action).where(AuditRecord.account_id == village.mother))
        assert "account-looked-at" in looks.all()


async def test_a_statement_is_read_on_the_screen_with_its_paper_and_its_file(village: Village, sylvie: Client) -> None:
    page = await read(sylvie, f"/familles/{village.mother}/releve?first=2026-03-01&last=2026-03-03")
    assert "12,40 €" in page
    assert f'href="/familles/{village.mother}"' in page
    for ending in ("pdf", "csv"):
        address = f"/api/v1/family-accounts/{village.mother}/statement.{ending}?first=2026-03-01&amp;last=2026-03-03"
        assert address in page
        assert (await sylvie.get(address.replace("&amp;", "&"))).status == 200
    assert (await sylvie.get(f"/familles/{village.mother}/releve?first=demain")).status == 422


async def calendar(village: Village) -> None:
    async with village.site.database.write() as db:
        parts = (Part(village.mother, 60), Part(village.father, 40))
        asked = NewArrangement(new_id(), village.emma, TODAY, parts, "aaaaaa-", "bbbbbbb")
        await arrange(db, asked, recorded_by=None, now=NOW)
        await add_exception(
            db,
            new_id(),
            arrangement_id=asked.id,
            first=date(2026, 4, 13),
            last=date(2026, 4, 19),
            account_id=village.father,
            reason="vacances de printemps",
            recorded_by=None,
            now=NOW,
        )
        charge = {"person_id": village.emma, "service_code": ServiceCode.CANTEEN, "day": TODAY, "amount_cents": 235}
        db.add(UnclaimedCharge(id=new_id(), because="Foyer Texier-Ribot", **charge))


PAGES = [
    "/familles/{mother}",
    "/familles/{mother}/enfants/{emma}",
    "/familles/{mother}/enfants/{emma}?mois=2026-04",
    "/familles/{mother}/enfants/{emma}/calendrier",
    "/familles/{mother}/enfants/{emma}/exception",
    "/familles/{mother}/enfants/{emma}/decision",
    "/familles/{mother}/releve",
    "/familles/{mother}/releve?first=2020-01-01&last=2026-03-03",
    "/familles/{mother}/fermer",
    "/familles/{mother}/personnes",
    "/familles/{mother}/personnes/{emma}/deces",
    "/familles/{mother}/reunir",
]


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_that_is_masked_stands_on_it(village: Village, sylvie: Client, path: str) -> None:
    await calendar(village)
    page = await read(sylvie, path.format(mother=village.mother, emma=village.emma))
    assert [what for what, value in MASKED.items() if value in page] == []


async def test_two_households_laid_side_by_side_do_not_show_each_other_s_money(
    village: Village, sylvie: Client
) -> None:
    await calendar(village)
    page = await read(sylvie, f"/familles/{village.father}/reunir?avec=F00123")
    assert "Un calendrier de garde partage un enfant (Emma Moreau)" in page
    assert "87,65" not in page
    assert "12,40" not in page
    assert 'method="post" action="/familles' not in page


async def test_a_month_says_whose_each_day_is(village: Village, sylvie: Client) -> None:
    await calendar(village)
    page = await read(sylvie, f"/familles/{village.mother}/enfants/{village.emma}?mois=2026-04")
    assert "avril 2026" in page
    assert page.count('<span class="mark">exception</span>') == 7
    assert "vacances de printemps, du 13 avril 2026 au 19 avril 2026 : compte de Julien Moreau." in page
    assert "1 jour de personne" in page
    assert "Compte Famille Moreau : 60 %" in page
    assert "Servi un jour de personne" in page
    assert "2,35 €" in page


async def test_a_calendar_is_looked_at_before_it_is_recorded(village: Village, sylvie: Client) -> None:
    path = f"/familles/{village.mother}/enfants/{village.emma}/calendrier"
    form = await read(sylvie, path)
    fields = [
        *hidden(form).items(),
        ("valid_from", TODAY.isoformat()),
        ("rhythm", "mostly"),
        ("share", "60"),
        ("share", "40"),
    ]
    question = plain(await (await submit_pairs(sylvie, path, fields)).text())
    assert "Semaines paires : Ici lundi, mardi, jeudi, vendredi ; Julien mercredi, samedi, dimanche." in question
    assert "mars 2026" in question
    assert "avril 2026" in question
    async with village.site.database.read() as db:
        assert (await db.scalars(select(CustodyArrangement.id))).all() == []
    sent = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', question)
    for _ in range(2):
        answer = await submit_pairs(sylvie, path, [pair for pair in sent if pair[0] != "csrf_token"])
        assert answer.status == 303
    async with village.site.database.read() as db:
        [row] = await db.scalars(select(CustodyArrangement))
        assert (row.first_week, row.second_week) == ("aabaabb", "aabaaaa")


async def submit_pairs(client: Client, path: str, fields: list[tuple[str, str]]) -> ClientResponse:
    headers = {"Accept": "text/html", "X-CSRF-Token": client.csrf_token}
    return await client.session.post(client.url + path, data=fields, headers=headers, allow_redirects=False)


async def test_a_calendar_day_by_day_keeps_what_was_chosen_and_says_what_is_wrong(
    village: Village, sylvie: Client
) -> None:
    path = f"/familles/{village.mother}/enfants/{village.emma}/calendrier"
    form = await read(sylvie, path)
    weeks = [("first", letter) for letter in "aaaaa-b"] + [("second", letter) for letter in "bbbbbba"]
    fields = [*hidden(form).items(), ("valid_from", TODAY.isoformat()), ("rhythm", "days"), *weeks]
    refused = await submit_pairs(sylvie, path, [*fields, ("share", "70"), ("share", "40")])
    page = plain(await refused.text())
    assert (refused.status, "cent pour cent au total" in page) == (422, True)
    assert page.count('<option value="-" selected') == 1
    accepted = plain(await (await submit_pairs(sylvie, path, [*fields, ("share", "60"), ("share", "40")])).text())
    assert "Personne samedi" in accepted


async def test_an_exception_is_recorded_and_one_in_the_past_refused(village: Village, sylvie: Client) -> None:
    await calendar(village)
    path = f"/familles/{village.mother}/enfants/{village.emma}/exception"
    form = hidden(await read(sylvie, path))
    days = {"first": TODAY.isoformat(), "last": TODAY.isoformat(), "whose": "1", "reason": "anniversaire"}
    done = await sylvie.submit(path, **form, **days)
    assert done.status == 303
    page = await read(sylvie, f"/familles/{village.mother}/enfants/{village.emma}")
    assert "anniversaire, du 3 mars 2026 au 3 mars 2026 : compte de Julien Moreau." in page
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    late = await sylvie.submit(path, key=str(new_id()), **{**days, "first": yesterday})
    assert (late.status, "les jours passés ne changent pas" in plain(await late.text())) == (422, True)


async def test_a_court_order_is_dated_changes_authority_and_stays(village: Village, sylvie: Client) -> None:
    path = f"/familles/{village.father}/enfants/{village.emma}/decision"
    question, done = await answer_twice(
        sylvie,
        path,
        court="Tribunal judiciaire de Niort",
        reference="RG 26/00123",
        decided_on="2026-02-20",
        authority=f"-{village.julien}",
    )
    assert "L’autorité parentale est retirée à Julien Moreau" in question
    assert done.status == 303
    page = await read(sylvie, f"/familles/{village.father}/enfants/{village.emma}")
    assert "Tribunal judiciaire de Niort" in page
    assert "Julien Moreau n’a plus l’autorité parentale" in page
    async with village.site.database.read() as db:
        assert await without_authority(db, [village.emma], TODAY) == {(village.emma, village.julien)}
        [order] = await db.scalars(select(CourtOrder))
        assert order.effective_on == date(2026, 2, 20)
    stranger = await sylvie.submit(
        path, key=str(new_id()), court="T", reference="R", decided_on="2026-02-20", authority=f"-{new_id()}"
    )
    assert stranger.status == 404


async def test_a_grandmother_comes_as_payer_and_leaves(village: Village, sylvie: Client) -> None:
    async with village.site.database.write() as db:
        other = await create_family(db, "F00555", "Famille Petit")
        nana = await create_member(db, other.id, "Nicole", FamilyRole.GUARDIAN)
    path = f"/familles/{village.mother}/personnes"
    page = await read(sylvie, f"{path}?q=Nicole+Moreau")
    assert str(nana.id) in page
    joined = await sylvie.submit(path, **hidden(page), person_id=str(nana.id), role="payer")
    assert joined.status == 303
    assert "Nicole Moreau entre dans le compte : paie pour la famille." in await read(
        sylvie, f"/familles/{village.mother}"
    )
    async with village.site.database.read() as db:
        held = await db.scalar(
            select(Membership.id).where(Membership.person_id == nana.id, Membership.account_id == village.mother)
        )
    end = f"/familles/{village.mother}/roles/{held}/fin"
    question, done = await answer_twice(sylvie, end, last_day=TODAY.isoformat())
    assert "MOREAU Nicole n’aura plus le rôle « paie pour la famille » après le 3 mars 2026." in question
    assert done.status == 303
    assert "1 rôle passé" in await read(sylvie, f"/familles/{village.mother}")
    assert (await sylvie.get(f"/familles/{village.father}/roles/{held}/fin")).status == 404


async def test_a_death_is_shown_with_what_it_ends_before_it_is_noted(village: Village, sylvie: Client) -> None:
    path = f"/familles/{village.mother}/personnes/{village.anna}/deces"
    refused = await sylvie.submit(path, key=str(new_id()), on=(TODAY + timedelta(days=1)).isoformat())
    assert (refused.status, "Cette date n’est pas possible" in plain(await refused.text())) == (422, True)
    form = await read(sylvie, path)
    asked = await sylvie.submit(path, **hidden(form), on=TODAY.isoformat())
    question = plain(await asked.text())
    assert "Ce compte n’aura plus de responsable pour ses enfants" in question
    async with village.site.database.read() as db:
        assert (await db.get_one(Person, village.anna)).deceased_on is None, "the question changed nothing"
    assert (await sylvie.submit(path, **hidden(question))).status == 303
    page = await read(sylvie, f"/familles/{village.mother}")
    assert "Décès : Anna Moreau." in page
    assert "personne n’en est responsable" in page


async def test_a_departure_states_the_money_and_what_becomes_of_it(village: Village, sylvie: Client) -> None:
    path = f"/familles/{village.mother}/fermer"
    question, done = await answer_twice(sylvie, path, reason="déménagement")
    assert "Cantine : 12,40 €, à rembourser à la famille par la régie." in question
    assert done.status == 303
    page = await read(sylvie, f"/familles/{village.mother}")
    assert "Ce compte est fermé depuis le 3 mars 2026." in page
    assert "Il restait 12,40 € (cantine), à rembourser à la famille." in page
    assert "12,40" in await read(sylvie, "/familles/restes")
    async with village.site.database.read() as db:
        assert len((await db.scalars(select(AccountClosure))).all()) == 1


async def test_a_family_arrives(village: Village, sylvie: Client) -> None:
    form = hidden(await read(sylvie, "/familles/nouvelle"))
    for _ in range(2):
        answer = await sylvie.submit("/familles/nouvelle", **form, label="Famille Roy")
        assert answer.status == 303
    async with village.site.database.read() as db:
        rows = await db.scalars(select(FamilyAccount).where(FamilyAccount.label == "Famille Roy"))
        assert len(rows.all()) == 1
    assert (await sylvie.submit("/familles/nouvelle", key=str(new_id()), label=" ")).status == 422


async def double(village: Village) -> UUID:
    """Anna's household a second time, with a child and some money."""
    async with village.site.database.write() as db:
        wrong = await create_family(db, "F00124", "Famille Moreau")
        await create_member(db, wrong.id, "Tom", FamilyRole.CHILD, born=date(2019, 1, 1))
        await create_wallet(db, wrong.id, ServiceCode.CANTEEN, cents=500)
        await create_wallet(db, wrong.id, ServiceCode.POOL, cents=300)
        return wrong.id


async def test_two_accounts_are_compared_merged_and_taken_apart(village: Village, sylvie: Client) -> None:
    wrong = await double(village)
    found = await read(sylvie, f"/familles/{wrong}/reunir?q=anna")
    assert f"/familles/{wrong}/reunir?avec=F00123" in found
    page = await read(sylvie, f"/familles/{wrong}/reunir?avec=F00123")
    for told in ("Celui qui se ferme", "Celui qui continue", "17,40 €", "Rejoignent le compte gardé : Tom Moreau."):
        assert told in page, told
    path = f"/familles/{wrong}/reunir"
    assert (await sylvie.submit(path, **hidden(page))).status == 422
    question = plain(await (await sylvie.submit(path, **hidden(page), reason="ouvert deux fois")).text())
    async with village.site.database.read() as db:
        assert (await db.scalars(select(AccountMerge.id))).all() == [], "the question changed nothing"
    for _ in range(2):
        done = await sylvie.submit(path, **hidden(question))
        assert done.status == 303
    record = done.headers["Location"]
    assert "elle peut encore être défaite" in await read(sylvie, record)
    assert "Ce compte a été réuni le 3 mars 2026 au compte F00123" in await read(sylvie, f"/familles/{wrong}")
    assert "Le compte F00124 est réuni à celui-ci : ouvert deux fois." in await read(
        sylvie, f"/familles/{village.mother}"
    )
    _, undone = await answer_twice(sylvie, record, reason="deux familles")
    assert (undone.status, undone.headers["Location"]) == (303, f"/familles/{wrong}")
    assert "Cette réunion a été défaite" in await read(sylvie, record)
    async with village.site.database.read() as db:
        assert len((await db.scalars(select(AccountMergeUndo))).all()) == 1
        assert await verify(db) == []
        assert await verify_families(db) == []


async def test_what_prevents_a_merger_is_said_in_the_language_of_whoever_asks(village: Village, sylvie: Client) -> None:
    await calendar(village)
    url = f"/familles/{village.father}/reunir?avec=F00123"
    answer = await sylvie.get(url, headers={"Accept": "text/html", "Accept-Language": "en"})
    assert "A custody calendar shares a child (Emma Moreau)" in await answer.text()


async def test_one_who_has_no_business_with_families_sees_none(village: Village) -> None:
    async with village.site.database.write() as db:
        await make_staff(db, Role.CASH_OFFICER, None, "odile")
    async with village.site.signed_in("odile") as odile:
        for path in ("/familles", f"/familles/{village.mother}", f"/familles/{village.mother}/reunir"):
            assert (await odile.get(path)).status == 403, path


async def test_a_family_that_comes_back_has_its_account_again_and_leaves_once_more(
    village: Village, sylvie: Client
) -> None:
    family = f"/familles/{village.mother}"
    await answer_twice(sylvie, f"{family}/fermer", reason="déménagement")
    page = await read(sylvie, family)
    assert ("Rouvrir le compte" in page, "Ajouter une personne" in page) == (True, False)
    question, done = await answer_twice(sylvie, f"{family}/rouvrir", reason="fermé par erreur")
    assert ("Rouvrir ce compte ?" in question, done.status) == (True, 303)
    page = await read(sylvie, family)
    assert "Le compte rouvre : fermé par erreur." in page
    assert "Anna" in page[: page.index("Ce qui s’est passé")]
    again = await sylvie.submit(f"{family}/rouvrir", key=str(new_id()), reason="encore une fois")
    assert (again.status, "ne se rouvre pas" in plain(await again.text())) == (422, True)
    _, done = await answer_twice(sylvie, f"{family}/fermer", reason="cette fois pour de bon")
    assert done.status == 303
    async with village.site.database.read() as db:
        actions = list(await db.scalars(select(AuditRecord.action).where(AuditRecord.account_id == village.mother)))
        assert [actions.count(action) for action in ("account-closed", "account-reopened")] == [2, 1]


async def test_a_family_s_contact_is_changed_and_the_other_parent_s_stays(village: Village, sylvie: Client) -> None:
    async with village.site.database.write() as db:
        student = await create_member(db, village.mother, "Lou", FamilyRole.CHILD, born=date(2006, 5, 1))
        student.address = "Cité universitaire"
        (await db.get_one(Person, village.anna)).address = "1, rue des Lilas"
        lou = student.id
    path = f"/familles/{village.mother}/coordonnees"
    form = await read(sylvie, path)
    assert "L’adresse est celle de : MOREAU Anna." in form
    assert MASKED["address"] not in form
    sent = {"label": "Famille Moreau-Petit", "address": "3, place du Marché", "postcode": "79200"}
    refused = await sylvie.submit(path, key=str(new_id()), **sent, email="anna")
    assert (refused.status, "n’est pas complète" in await refused.text()) == (422, True)
    assert (await sylvie.submit(path, key=str(new_id()), **sent, commune="99999")).status == 422
    fields = {"key": str(new_id()), **sent, "email": "anna@exemple.fr"}
    for _ in range(2):
        assert (await sylvie.submit(path, **fields)).status == 303
    async with village.site.database.read() as db:
        account = await db.get_one(FamilyAccount, village.mother)
        assert (account.label, account.email) == ("Famille Moreau-Petit", "anna@exemple.fr")
        assert (await db.get_one(Person, village.anna)).address == "3, place du Marché"
        assert (await db.get_one(Person, lou)).address == "Cité universitaire"
        assert (await db.get_one(Person, village.emma)).address is None, "she has two homes"
        assert (await db.get_one(Person, village.julien)).address == MASKED["address"]
        records = await db.scalars(select(AuditRecord).where(AuditRecord.action == "account-contact-changed"))
        assert [record.personal for record in records] == [{"changed": ["label", "email", "home"]}]


async def test_somebody_whom_nobody_knew_is_written_down_once_with_the_family_s_home(
    village: Village, sylvie: Client
) -> None:
    async with village.site.database.write() as db:
        (await db.get_one(Person, village.anna)).address = "3, place du Marché"
    assert "/personnes/nouvelle" in await read(sylvie, f"/familles/{village.mother}/personnes?q=moreau")
    path = f"/familles/{village.mother}/personnes/nouvelle"
    names = {"family_name": " Moreau ", "given_names": "Emma", "role": "child"}
    assert (await sylvie.submit(path, key=str(new_id()), **names)).status == 422
    tomorrow = (TODAY + timedelta(days=1)).isoformat()
    assert (await sylvie.submit(path, key=str(new_id()), **names, birth_date=tomorrow)).status == 422
    question, done = await answer_twice(sylvie, path, **names, birth_date="2024-05-06")
    assert "Quelqu’un de ce nom existe déjà." in question
    assert "1ᵉʳ juin 2017" in question
    assert done.status == 303
    async with village.site.database.read() as db:
        [born] = await db.scalars(select(Person).where(Person.birth_date == date(2024, 5, 6)))
        assert (born.family_name, born.address, born.search_key) == ("Moreau", "3, place du Marché", "moreau emma")
        actions = list(await db.scalars(select(AuditRecord.action)))
        assert actions.count("person-created") == 1
    assert (await sylvie.submit(f"/familles/{new_id()}/personnes/nouvelle", key=str(new_id()), **names)).status == 404

"""The pages of family quotients: copied by hand, asked of the funds, a round for all, and the other parent's hidden."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.particulier.tables import CivilIdentity
from cvq_core.particulier.virtual import RECIPIENT, TOKEN, Fault, VirtualParticulier
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.tables import FamilyAccount, FamilyQuotient, Membership
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from cvq_core.tariffs.quotients import record_quotient
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family, create_member, create_services
from tests.factories import make_staff, make_town_hall
from tests.served import Client, Site, served
from tests.workbook import read_workbook

FATHERS = "1387"


@dataclass(frozen=True, slots=True)
class Village:
    """Anna's account and Julien's, with Emma in both; the CAF knows Anna."""

    site: Site
    api: VirtualParticulier
    mother: UUID
    father: UUID
    anna: UUID

    def path(self, more: str = "") -> str:
        return f"/familles/{self.mother}/quotient{more}"

    async def quotients(self) -> list[FamilyQuotient]:
        async with self.site.database.read() as db:
            return list(await db.scalars(select(FamilyQuotient).where(FamilyQuotient.account_id == self.mother)))


@pytest.fixture
async def village(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Village]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    api = VirtualParticulier({("MOREAU", "ANNA"): 742})
    await api.start()
    settings = {
        "particulier_token": TOKEN,
        "particulier_recipient": RECIPIENT,
        "particulier_url": api.url,
        "particulier_refresh": "never",
    }
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path, **settings) as site:
        async with site.database.write() as db:
            await create_services(db)
            mother = await create_family(db, "F00123", "Famille Moreau")
            father = await create_family(db, "F00777", "Foyer Texier")
            anna = await create_member(db, mother.id, "Anna", FamilyRole.GUARDIAN, born=date(1985, 2, 3))
            await create_member(db, father.id, "Julien", FamilyRole.GUARDIAN, born=date(1984, 2, 3))
            emma = await create_member(db, mother.id, "Emma", FamilyRole.CHILD, born=date(2017, 6, 1))
            shared = Membership(
                id=new_id(), account_id=father.id, person_id=emma.id, role=FamilyRole.CHILD, valid_from=LONG_AGO
            )
            db.add(shared)
            await record_quotient(
                db,
                new_id(),
                account_id=father.id,
                value_euros=int(FATHERS),
                source=QuotientSource.CAF,
                valid_from=TODAY,
                now=NOW,
            )
            await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
            canteen = await db.scalar(select(Service.id).where(Service.code == ServiceCode.CANTEEN))
            await make_staff(db, Role.SERVICE_MANAGER, canteen, "carole")
        yield Village(site, api, mother.id, father.id, anna.id)
    await api.stop()


@pytest.fixture
async def sylvie(village: Village) -> AsyncIterator[Client]:
    async with village.site.signed_in("sylvie") as client:
        yield client


@pytest.fixture
async def carole(village: Village) -> AsyncIterator[Client]:
    async with village.site.signed_in("carole") as client:
        yield client


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("&#39;", "'")


async def read(client: Client, path: str) -> str:
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200, path
    return plain(await answer.text())


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: value for name, value in found if name != "csrf_token"}


async def certificate(village: Village, client: Client, **fields: str) -> tuple[int, str]:
    """Fill the form of a certificate; return what came of it."""
    typed = {"value": "612", "source": "caf", "valid_from": "2026-03-01", "reference": "attestation CAF du 2 mars"}
    form = hidden(await read(client, village.path("/attestation")))
    answer = await client.submit(village.path("/attestation"), **form, **typed | fields)
    return answer.status, plain(await answer.text())


async def agreed(village: Village, client: Client) -> None:
    form = hidden(await read(client, village.path("/accord")))
    fields = {"person_id": str(village.anna), "sex": "F", "birth_place": "79202", "birth_country": "99100"}
    answer = await client.submit(village.path("/accord"), **form, **fields, manner="counter")
    assert answer.status == 303


async def test_a_certificate_is_asked_about_once_more_and_stands_with_its_paper_and_who_copied_it(
    village: Village, sylvie: Client
) -> None:
    assert "Aucun quotient n’est connu : la famille paie le prix le plus haut." in await read(sylvie, village.path())
    status, question = await certificate(village, sylvie)
    assert status == 200
    for told in ("Quotient de 612 €, CAF, du 1ᵉʳ mars 2026 au 1ᵉʳ mars 2027.", "attestation CAF du 2 mars"):
        assert told in question
    assert await village.quotients() == []
    for _ in range(2):
        done = await sylvie.submit(village.path("/attestation"), **hidden(question))
        assert done.status == 303
    [row] = await village.quotients()
    assert (row.value_euros, row.reference, row.recorded_by is not None) == (612, "attestation CAF du 2 mars", True)
    page = await read(sylvie, village.path())
    for told in ("612 € (CAF), depuis mars 2026, valable jusqu’au 1ᵉʳ mars 2027.", "compte aujourd’hui", "Sylvie"):
        assert told in page, told
    assert "612 € (CAF)" in await read(sylvie, f"/familles/{village.mother}")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"value": "beaucoup"}, "Ce quotient familial n’est pas possible"),
        ({"value": "-3"}, "Ce quotient familial n’est pas possible"),
        ({"value": "20001"}, "Ce quotient familial n’est pas possible"),
        ({"valid_from": "2028-01-01"}, "Ce quotient familial n’est pas possible"),
        ({"valid_until": "2025-01-01"}, "Ce quotient familial n’est pas possible"),
        ({"reference": "1 84 02 79 202 123 45"}, "Cela ressemble à un numéro de sécurité sociale"),
        ({"reference": " "}, "Il manque une réponse"),
    ],
)
async def test_a_certificate_that_cannot_be_right_is_said_on_the_form(
    village: Village, sylvie: Client, fields: dict[str, str], told: str
) -> None:
    status, page = await certificate(village, sylvie, **fields)
    assert (status, told in page) == (422, True), page
    assert await village.quotients() == []


async def test_the_funds_are_asked_under_an_accord_which_can_be_taken_back(village: Village, sylvie: Client) -> None:
    page = await read(sylvie, village.path())
    assert "notez d’abord l’accord de la famille" in page
    refused = await sylvie.submit(village.path("/demande"), key=str(new_id()))
    assert (refused.status, village.api.calls) == (409, [])
    await agreed(village, sylvie)
    page = await read(sylvie, village.path())
    assert "MOREAU Anna est d’accord pour que la CAF ou la MSA soit interrogée." in page
    for _ in range(2):
        assert (await sylvie.submit(village.path("/demande"), **hidden(page))).status == 303
    assert len(village.api.calls) == 1
    page = await read(sylvie, village.path())
    for told in ("Quotient reçu.", "742 € (CAF), depuis mars 2026", "API Particulier"):
        assert told in page, told
    assert "SECR" not in page
    question = await read(sylvie, village.path("/retrait"))
    assert "Ni la CAF ni la MSA ne seront plus interrogées pour MOREAU Anna." in question
    for _ in range(2):
        done = await sylvie.submit(village.path("/retrait"), key=hidden(question)["key"])
        assert done.status == 303
    page = await read(sylvie, village.path())
    assert "La famille n’a pas donné son accord" in page
    assert "L’accord de MOREAU Anna a pris fin." in page
    async with village.site.database.read() as db:
        assert await db.get(CivilIdentity, village.anna) is None
        written = set(await db.scalars(select(AuditRecord.action).where(AuditRecord.account_id == village.mother)))
    assert {"quotient-agreed", "quotient-asked", "quotient-found", "quotient-agreement-ended"} <= written


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.FORBIDDEN, "API Particulier a refusé notre accès. Prévenez le service informatique"),
        (Fault.TOO_MANY, "Recommencez dans quelques minutes."),
        (Fault.PROVIDER, "La CAF et la MSA ne répondent pas. Recommencez plus tard"),
        (None, "Ni la CAF ni la MSA ne connaît cette personne sous cette identité. Vérifiez l’état civil"),
    ],
)
async def test_it_is_said_why_the_funds_gave_nothing_and_what_to_do(
    village: Village, sylvie: Client, fault: Fault | None, told: str
) -> None:
    await agreed(village, sylvie)
    village.api.quotients.clear()
    village.api.faults.extend([fault] * 2 if fault else [])
    page = await read(sylvie, village.path())
    assert (await sylvie.submit(village.path("/demande"), **hidden(page))).status == 303
    assert told in await read(sylvie, village.path())


async def test_an_incomplete_accord_is_said_on_the_form(village: Village, sylvie: Client) -> None:
    form = hidden(await read(sylvie, village.path("/accord")))
    told = {"person_id": str(village.anna), "sex": "F", "manner": "paper", "birth_country": "99100"}
    for fields in ({}, told, told | {"birth_place": "Trifouillis"}, told | {"birth_country": "FR"}):
        answer = await sylvie.submit(village.path("/accord"), **form, **fields)
        assert answer.status == 422, fields
    assert "n’a pas donné son accord" in await read(sylvie, village.path())


PAGES = ["", "/attestation", "/accord"]


@pytest.mark.parametrize("more", PAGES)
async def test_the_other_parent_s_quotient_stands_on_no_page_of_hers(
    village: Village, sylvie: Client, more: str
) -> None:
    page = await read(sylvie, village.path(more))
    assert FATHERS not in page
    assert "Julien" not in page
    assert "Texier" not in page


async def test_a_closed_account_is_read_and_changes_no_more(village: Village, sylvie: Client) -> None:
    async with village.site.database.write() as db:
        (await db.get_one(FamilyAccount, village.mother)).closed_on = TODAY
    page = await read(sylvie, village.path())
    assert "Ce compte est fermé" in page
    for more in ("/attestation", "/accord"):
        assert (await sylvie.get(village.path(more))).status == 409
        answer = await sylvie.submit(village.path(more), key=str(new_id()))
        assert answer.status == 409


async def _over(client: Client) -> str:
    """Wait for the round to end, as the page does."""
    for _ in range(600):
        page = await read(client, "/quotients/fragments/tour")
        if "Arrêter la mise à jour" not in page:
            return page
        await asyncio.sleep(0.05)
    raise AssertionError(page)


async def test_a_round_is_begun_once_followed_and_lists_whom_to_see(
    village: Village, sylvie: Client, carole: Client
) -> None:
    await agreed(village, sylvie)
    village.api.quotients.clear()
    async with village.site.database.write() as db:
        lapsed = await create_family(db, "F00888", "=Famille Petit")
        await record_quotient(
            db,
            new_id(),
            account_id=lapsed.id,
            value_euros=400,
            source=QuotientSource.MSA,
            valid_from=TODAY - timedelta(days=500),
            now=NOW,
        )
    page = await read(carole, "/quotients")
    assert "1 famille est d’accord pour que la CAF ou la MSA soit interrogée." in page
    assert "Plus de quotient valable depuis le" in page
    for _ in range(2):
        assert (await carole.submit("/quotients/tour", **hidden(page))).status == 303
    over = await _over(carole)
    for told in ("1 famille a sa réponse, sur 1.", "F00123", "Ni la CAF ni la MSA ne la connaît sous cet état civil."):
        assert told in over, told
    assert f"/familles/{village.mother}" not in over, "a service's manager opens no file"
    listed = await read(sylvie, "/familles/attestations")
    assert f'href="/familles/{village.mother}/quotient"' in listed
    assert "/quotients/tour" not in listed
    table = await (await carole.get("/quotients/attestations.csv")).read()
    assert table.startswith(b"\xef\xbb\xbf")
    assert "F00888;'=Famille Petit;" in table.decode("utf-8-sig")
    book = read_workbook(await (await sylvie.get("/familles/attestations.xlsx")).read())
    [sheet] = book.values()
    assert [row[0] for row in sheet.rows] == ["Compte", "F00123", "F00888"]
    assert (await carole.get("/quotients/attestations.pdf")).status == 404


async def test_a_second_round_is_refused_and_the_first_can_be_stopped(
    village: Village, sylvie: Client, carole: Client
) -> None:
    await agreed(village, sylvie)
    village.api.faults.extend([Fault.SILENT] * 2)
    assert (await carole.submit("/quotients/tour", id=str(new_id()))).status == 303
    refused = await carole.submit("/quotients/tour", id=str(new_id()))
    assert (refused.status, "déjà en cours" in plain(await refused.text())) == (409, True)
    running = await read(carole, "/quotients")
    [stop] = re.findall(r'action="(/quotients/tour/[^"]*/arret)"', running)
    assert (await sylvie.submit(stop)).status == 403
    assert (await carole.submit(stop)).status == 303
    assert "arrêtée le mardi 3 mars 2026" in await read(carole, "/quotients")
    async with village.site.database.read() as db:
        actions = set(await db.scalars(select(AuditRecord.action)))
    assert {"quotients-refreshed", "quotients-refresh-stopped"} <= actions


async def test_without_access_to_the_funds_the_pages_say_so(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            family = await create_family(db)
            await create_services(db)
            canteen = await db.scalar(select(Service.id).where(Service.code == ServiceCode.CANTEEN))
            await make_staff(db, Role.SERVICE_MANAGER, canteen, "carole")
            await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
        told = "Cette installation ne peut pas interroger la CAF et la MSA."
        async with site.signed_in("carole") as carole:
            assert told in await read(carole, "/quotients")
            assert (await carole.submit("/quotients/tour", id=str(new_id()))).status == 409
        async with site.signed_in("sylvie") as sylvie:
            assert told in await read(sylvie, f"/familles/{family.id}/quotient")

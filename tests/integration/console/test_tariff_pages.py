"""The service manager reads, proposes, tries and adopts tariffs of her own services, and of no other."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest_asyncio
from sqlalchemy import select

from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.seed.tariffs import tariff_text
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from cvq_core.tariffs.store import tariff_in_force
from cvq_core.tariffs.tables import TariffVersion
from tests.core_examples import create_family, create_services
from tests.factories import make_staff
from tests.served import Client, Site, served

CANTEEN = tariff_text(ServiceCode.CANTEEN)


@pytest_asyncio.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with served(database_url, tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            canteen = await db.scalar(select(Service.id).where(Service.code == ServiceCode.CANTEEN))
            await make_staff(db, Role.SERVICE_MANAGER, canteen, "laurence", "Laurence Pineau")
            await make_staff(db, Role.SERVICE_MANAGER, new_id(), "ailleurs")
            await make_staff(db, Role.SECRETARY, new_id(), "martine")
        yield site


@pytest_asyncio.fixture
async def manager(site: Site) -> AsyncIterator[Client]:
    async with site.signed_in("laurence") as client:
        yield client


async def _propose(client: Client, text: str = CANTEEN) -> str:
    """Propose a tariff; give its page's address."""
    answer = await client.submit("/tarifs/canteen/proposer", key=str(new_id()), text=text)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def test_a_proposal_is_shown_as_a_table_and_changes_no_price(site: Site, manager: Client) -> None:
    page = await (await manager.get(await _propose(manager))).text()
    assert "701 à 1000" in page
    assert "Enfant de rang 2" in page
    assert "Laurence Pineau" in page
    listed = await (await manager.get("/tarifs")).text()
    assert "Aucun tarif n’est en vigueur aujourd’hui." in listed
    assert "Piscine" not in listed
    async with site.database.read() as db:
        actions = set(await db.scalars(select(AuditRecord.action)))
    assert "tariff-proposed" in actions


async def test_what_is_wrong_is_said_by_line_and_the_text_is_not_lost(site: Site, manager: Client) -> None:
    text = CANTEEN.replace("montant: 1.75", "montant: cher").replace("\n", "\r\n")
    answer = await manager.submit("/tarifs/canteen/proposer", key=str(new_id()), text=text)
    page = await answer.text()
    assert answer.status == 422
    assert 'data-line="15"' in page
    assert "{quotient: 401 à 700, montant: cher}" in page
    assert "Un montant s’écrit en euros" in page
    assert "# Les repas pris à la cantine" in page
    async with site.database.read() as db:
        assert list(await db.scalars(select(TariffVersion))) == []
    other = await manager.submit("/tarifs/canteen/proposer", key=str(new_id()), text=tariff_text(ServiceCode.POOL))
    assert "autre service" in await other.text()
    assert (await manager.submit("/tarifs/canteen/proposer", key=str(new_id()))).status == 422


async def test_the_same_form_sent_twice_is_one_proposal(site: Site, manager: Client) -> None:
    page = await (await manager.get("/tarifs/canteen/proposer")).text()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    assert "service: cantine" in page
    for _ in range(2):
        await manager.submit("/tarifs/canteen/proposer", key=key[1], text=CANTEEN)
    async with site.database.read() as db:
        assert len(list(await db.scalars(select(TariffVersion)))) == 1


async def test_adoption_asks_once_more_says_from_when_and_holds_from_that_day(site: Site, manager: Client) -> None:
    url = await _propose(manager)
    first = local_day(site.services.clock()) + timedelta(days=1)
    asked = await (await manager.get(f"{url}/adopter?valid_from={first}")).text()
    assert "Il s’appliquera à partir du" in asked
    assert "C’est le premier tarif de ce service" in asked
    async with site.database.read() as db:
        assert list(await db.scalars(select(AuditRecord).where(AuditRecord.action == "tariff-adopted"))) == []
    done = await manager.submit(f"{url}/adopter", valid_from=str(first))
    assert done.headers["Location"] == url
    async with site.database.read() as db:
        version = await tariff_in_force(db, ServiceCode.CANTEEN, first)
    assert url.endswith(str(version.row.id))
    assert version.adoption is not None
    assert version.adoption.adopted_by_name == "Laurence Pineau"
    page = await (await manager.get(url)).text()
    assert "à venir" in page
    assert 'name="valid_from"' not in page


async def test_a_past_day_no_day_and_nonsense_are_told_beside_the_field(site: Site, manager: Client) -> None:
    url = await _propose(manager)
    today = local_day(site.services.clock())
    for written, told in ((str(today), "au plus tôt demain"), ("", "Choisissez le jour"), ("2999-01-01", "deux ans")):
        answer = await manager.get(f"{url}/adopter?valid_from={written}")
        assert answer.status == 422
        assert told in await answer.text()
    assert (await manager.submit(f"{url}/adopter", valid_from=str(today))).status == 409


async def test_a_tariff_is_tried_on_last_month_on_the_page_and_in_both_files(site: Site, manager: Client) -> None:
    url = await _propose(manager)
    page = await (await manager.get(f"{url}/essai")).text()
    assert "Personne n’est venu ce mois-là" in page
    answer = await manager.get(f"{url}/essai.csv")
    assert answer.content_type == "text/csv"
    rows = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig")), delimiter=";"))
    assert ["Utilisations comptées", "0"] in rows
    assert (await (await manager.get(f"{url}/essai.xlsx")).read()).startswith(b"PK")
    assert (await manager.get(f"{url}/essai.pdf")).status == 404


async def test_the_file_comes_back_word_for_word(manager: Client) -> None:
    answer = await manager.get(f"{await _propose(manager)}/tarif.yaml")
    assert (await answer.read()).decode() == CANTEEN


async def test_the_tariffs_of_another_service_are_nobody_elses_to_see_or_change(site: Site, manager: Client) -> None:
    url = await _propose(manager)
    async with site.signed_in("ailleurs") as other:
        for path in (url, f"{url}/essai", f"{url}/essai.csv", f"{url}/tarif.yaml", "/tarifs/canteen/proposer"):
            assert (await other.get(path)).status == 403, path
        assert (await other.submit(f"{url}/adopter", valid_from="2026-03-05")).status == 403
        assert (await other.submit("/tarifs/canteen/proposer", key=str(new_id()), text=CANTEEN)).status == 403
    assert (await manager.get("/tarifs/pool/proposer")).status == 403
    assert (await manager.get("/tarifs/building/proposer")).status == 404
    assert (await manager.get(f"/tarifs/versions/{new_id()}")).status == 404


async def test_the_secretary_notes_a_quotient_beside_the_others(site: Site) -> None:
    async with site.database.write() as db:
        family = await create_family(db)
    body = {"id": str(UUID(int=5)), "value_euros": 742, "source": "caf", "valid_from": "2026-01-01"}
    url = f"/api/v1/family-accounts/{family.id}/quotients"
    async with site.signed_in("martine") as secretary:
        answers = [await secretary.post(url, body) for _ in range(2)]
        assert [answer.status for answer in answers] == [201, 201]
        assert (await answers[0].json())["valid_until"] == "2027-01-01"
        changed = await secretary.post(url, {**body, "value_euros": 743})
        assert (await changed.json())["slug"] == "idempotency-mismatch"
        bad = await secretary.post(url, {**body, "id": str(new_id()), "value_euros": -1})
        assert (await bad.json())["slug"] == "bad-quotient"
    async with site.database.read() as db:
        noted = list(await db.scalars(select(AuditRecord).where(AuditRecord.action == "quotient-recorded")))
    assert {record.account_id for record in noted} == {family.id}

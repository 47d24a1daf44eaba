"""The officer's pages of the Treasury: cheques are banked and bounce, the statement comes in and is matched."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.store import post
from cvq_core.ledger.tables import Wallet
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import Cheque, MandateTitle, Means, MeansDetails, Officer
from cvq_core.offices.service import collect
from cvq_core.offices.tables import Receipt, SubOffice
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import (
    create_counter,
    create_family,
    create_ledger_account,
    create_services,
    create_wallet,
    top_up,
    transaction,
)
from tests.factories import make_staff
from tests.served import Client, Site, served

HEAD = "Date;Libellé;Référence;Débit;Crédit\n"


@dataclass(frozen=True, slots=True)
class Pages:
    """Benoît is the officer, Odile a mandatary; two cheques lie at the office's own counter."""

    site: Site
    place: SubOffice
    benoit: Officer
    receipts: tuple[Receipt, ...]

    async def upload(self, client: Client, text: str) -> tuple[int, str]:
        headers = {"X-CSRF-Token": client.csrf_token, "Content-Type": "text/csv", "X-File-Name": "releve.csv"}
        url = f"{client.url}/tresor/releve/fichier"
        async with client.session.post(url, data=text.encode(), headers=headers) as answer:
            return answer.status, await answer.text()


@pytest_asyncio.fixture
async def pages(database_url: str, tmp_path: Path) -> AsyncIterator[Pages]:
    async with served(database_url, tmp_path) as site:
        now = site.services.clock()
        async with site.database.write() as db:
            await create_services(db)
            boss = await make_staff(db, Role.CASH_OFFICER, new_id(), "benoit", "Benoît Rousseau")
            await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            benoit = Officer(boss.id, "Benoît Rousseau")
            place = await create_counter(db, benoit, title=MandateTitle.OFFICER, is_main=True)
            wallet = await create_wallet(db, (await create_family(db)).id)
            drawer_id, receipts = new_id(), []
            await open_drawer(db, drawer_id, sub_office_id=place.id, officer=benoit, float_cents=0, now=now)
            for number, cents in ((1, 2000), (2, 3550)):
                receipts.append(
                    await collect(
                        db,
                        key=new_id(),
                        drawer_id=drawer_id,
                        payables=[top_up(wallet.id, cents)],
                        means=Means.CHEQUE,
                        tendered_cents=cents,
                        details=MeansDetails(cheque=Cheque(f"421700{number}", "Crédit agricole", "Jeanne Moreau")),
                        officer=benoit,
                        now=now,
                    )
                )
            await close_drawer(db, drawer_id, counted={}, officer=benoit, now=now)
        yield Pages(site, place, benoit, tuple(receipts))


@pytest_asyncio.fixture
async def benoit(pages: Pages) -> AsyncIterator[Client]:
    async with pages.site.signed_in("benoit") as client:
        yield client


async def _bank(client: Client, *receipts: Receipt) -> str:
    page = await (await client.get("/tresor/cheques")).text()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    fields = [("key", key[1]), *(("cheque", str(receipt.id)) for receipt in receipts)]
    answer = await client.session.post(
        f"{client.url}/tresor/cheques/remettre",
        data=fields,
        headers={"X-CSRF-Token": client.csrf_token, "Accept": "text/html"},
        allow_redirects=False,
    )
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def test_cheques_are_banked_with_a_slip_and_a_deposit_is_taken_back(pages: Pages, benoit: Client) -> None:
    page = await (await benoit.get("/tresor/cheques")).text()
    assert "4217001" in page
    assert "55,50" in page
    address = await _bank(benoit, *pages.receipts)
    slip = await (await benoit.get(address)).text()
    assert "POM-C-000001" in slip
    pdf = await benoit.get(f"{address}.pdf")
    assert (await pdf.read()).startswith(b"%PDF")
    assert "Aucun chèque n’attend" in await (await benoit.get("/tresor/cheques")).text()
    back = await benoit.submit(f"{address}/annuler", key=str(new_id()), reason="Un chèque manque")
    assert "POM-C-000002" in await (await benoit.get(back.headers["Location"])).text()
    assert "4217001" in await (await benoit.get("/tresor/cheques")).text()
    async with pages.site.database.read() as db:
        actions = set(await db.scalars(select(AuditRecord.action)))
    assert {"cheques-banked", "deposit-cancelled"} <= actions


async def test_a_cheque_that_comes_back_is_found_and_noted_once(pages: Pages, benoit: Client) -> None:
    await _bank(benoit, *pages.receipts)
    found = await (await benoit.submit("/tresor/cheques/chercher", q="35,50")).text()
    address = f"/tresor/cheques/{pages.receipts[1].id}"
    assert address in found
    form = await (await benoit.get(address)).text()
    day = re.search(r'name="bounced_on"[^>]*value="([^"]+)"', form)
    assert day is not None
    sent = {"key": str(new_id()), "reason": "insufficient", "bounced_on": day[1]}
    wrong = await benoit.submit(f"{address}/rejeter", **sent, fees="1250")
    assert wrong.status == 422
    assert "de zéro à 100,00" in (await wrong.text()).replace("\u00a0", " ")
    for _ in range(2):
        done = await benoit.submit(f"{address}/rejeter", **sent, fees="12,50")
        assert done.headers["Location"] == address
    assert "provision insuffisante" in await (await benoit.get(address)).text()
    async with pages.site.database.read() as db:
        assert await db.scalar(select(Wallet.balance_cents)) == 2000
        records = await db.scalars(select(AuditRecord).where(AuditRecord.action == "cheque-bounced"))
        assert [record.subject_id for record in records] == [pages.receipts[1].id]


async def test_the_statement_comes_in_and_what_is_doubtful_is_decided(pages: Pages, benoit: Client) -> None:
    await _bank(benoit, pages.receipts[0])
    await _bank(benoit, pages.receipts[1])
    day = pages.site.services.clock().strftime("%d/%m/%Y")
    status, _ = await pages.upload(
        benoit, f"{HEAD}{day};REMISE CHEQUES;POMC000001;;20,00\n{day};VIREMENT;;;35,50\n{day};FRAIS;;3,00;\n"
    )
    assert status == 204
    page = await (await benoit.get("/tresor/releve")).text()
    assert "rapproché sans demander" in page
    decide = re.search(
        r'name="key" value="([^"]+)">\s*<input type="hidden" name="line" value="([^"]+)">\s*'
        r'<input type="hidden" name="item" value="([^"]+)"',
        page,
    )
    assert decide is not None
    key, line, item = decide.groups()
    assert (await benoit.submit("/tresor/releve/decider", key=key, line=line, item=item)).status == 303
    page = await (await benoit.get("/tresor/releve")).text()
    assert "Rien n’est attendu." in page
    fees = re.search(r'name="line" value="([^"]+)"', page)
    assert fees is not None
    refused = await benoit.submit("/tresor/releve/decider", key=str(new_id()), line=fees[1])
    assert refused.status == 422
    listed = (await (await benoit.get("/tresor/releve/ecarts.csv")).read()).decode("utf-8-sig")
    assert "FRAIS;;-3,00;0" in listed
    assert (await (await benoit.get("/tresor/releve/ecarts.xlsx")).read()).startswith(b"PK")
    filed = await benoit.submit("/tresor/releve/decider", key=str(new_id()), line=fees[1], note="Frais de tenue")
    assert filed.status == 303
    page = await (await benoit.get("/tresor/releve")).text()
    assert "Tout est rapproché." in page
    undo = re.search(r'action="(/tresor/releve/[^"]+/defaire\?key=[^"]+)"', page)
    assert undo is not None
    assert (await benoit.submit(undo[1].replace("&amp;", "&"), note="Ce n’était pas ça")).status == 303
    assert "Tout est rapproché." not in await (await benoit.get("/tresor/releve")).text()


async def test_a_file_that_cannot_be_read_says_its_line(pages: Pages, benoit: Client) -> None:
    status, problem = await pages.upload(benoit, f"{HEAD}03/03/2026;A;;x;\n")
    assert status == 422
    assert "ligne 2" in problem


async def test_nobody_but_the_officer_opens_it(pages: Pages) -> None:
    async with pages.site.signed_in("odile") as odile:
        for path in ("/tresor", "/tresor/cheques", "/tresor/releve", "/tresor/releve/ecarts.csv"):
            assert (await odile.get(path)).status == 403, path
        assert (await pages.upload(odile, f"{HEAD}03/03/2026;A;;1,00;\n"))[0] == 403


async def test_what_stays_unpaid_is_handed_over_once_and_withdrawn(pages: Pages, benoit: Client) -> None:
    now = pages.site.services.clock()
    async with pages.site.database.write() as db:
        canteen = await create_wallet(db, (await create_family(db, "F00002", "Diallo")).id, ServiceCode.CANTEEN)
        other = await create_ledger_account(db)
        early = now - timedelta(days=50)
        await post(db, transaction((canteen.id, -2350), (other, 2350)), now=early)
    page = await (await benoit.get("/tresor/restes")).text()
    assert "Le seuil n’est pas réglé" in page
    setting = {"threshold": "15", "grace_days": "30", "source": "CGCT D1611-1", "valid_from": f"{now:%Y-%m-%d}"}
    wrong = await benoit.submit("/tresor/restes/seuil", key=str(new_id()), **{**setting, "threshold": "quinze"})
    assert wrong.status == 422
    assert (await benoit.submit("/tresor/restes/seuil", key=str(new_id()), **setting)).status == 303
    page = await (await benoit.get("/tresor/restes")).text()
    assert "Diallo" in page
    sent = {"key": str(new_id()), "total": "2350"}
    refused = await benoit.submit("/tresor/restes/transmettre", **{**sent, "total": "2349"})
    assert refused.status == 409
    made = await benoit.submit("/tresor/restes/transmettre", **sent)
    address = made.headers["Location"]
    assert (await benoit.submit("/tresor/restes/transmettre", **sent)).headers["Location"] == address
    state = await (await benoit.get(address)).text()
    assert "POM-R-000001" in state
    assert (await (await benoit.get(f"{address}/etat.pdf")).read()).startswith(b"%PDF")
    assert (await (await benoit.get(f"{address}/etat.xlsx")).read()).startswith(b"PK")
    written = await (await benoit.get(f"{address}/etat.csv")).read()
    assert written.startswith(b"\xef\xbb\xbf")
    assert "POM-R-000001;F00002;Diallo;;;Cantine;" in written.decode("utf-8-sig")
    assert "transmis au comptable" in await (await benoit.get("/tresor/restes")).text()
    listed = await (await benoit.get("/tresor/restes/liste.csv")).read()
    assert "23,50;23,50;transmis au comptable" in listed.decode("utf-8-sig")
    withdrawal = {"key": str(new_id()), "reason": "Mauvaise liste"}
    await benoit.submit(f"{address}/retirer", **withdrawal)
    back = await benoit.submit(f"{address}/retirer", **withdrawal)
    async with pages.site.database.read() as db:
        written_down = list(await db.scalars(select(AuditRecord.action)))
    assert [written_down.count(action) for action in ("unpaid-handed-over", "unpaid-withdrawn")] == [1, 1]
    assert "POM-R-000002" in await (await benoit.get(back.headers["Location"])).text()
    async with pages.site.signed_in("odile") as odile:
        assert (await odile.get("/tresor/restes")).status == 403
        assert (await odile.get(f"{address}/etat.csv")).status == 403

"""The officer's pages of the advance, as a browser without modules uses them."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.offices.rules import MandateTitle, Officer
from cvq_core.staff.rules import Role
from tests.core_examples import TODAY, create_counter, create_family, create_services, create_wallet
from tests.factories import make_staff
from tests.served import Client, Site, served

IBAN = "FR1420041010050500013M02606"


@dataclass(frozen=True, slots=True)
class Town:
    """A server with an office whose officer is Benoît; Odile collects elsewhere; the Moreau family has a wallet."""

    site: Site
    place: UUID
    pool: UUID


@pytest.fixture
async def town(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    async with served(f"sqlite:///{file}", tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            benoit = await make_staff(db, Role.CASH_OFFICER, new_id(), "benoit", "Benoît Rousseau")
            odile = await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            await make_staff(db, Role.ADMINISTRATOR, None, "admin", "Alix Petit")
            place = await create_counter(
                db, Officer(benoit.id, "Benoît Rousseau"), title=MandateTitle.OFFICER, is_main=True
            )
            await create_counter(db, Officer(odile.id, "Odile Brémaud"), code="TAL")
            pool = await create_wallet(db, (await create_family(db)).id, cents=60_00)
        yield Town(site, place.id, pool.id)


@pytest.fixture
async def benoit(town: Town) -> AsyncIterator[Client]:
    async with town.site.signed_in("benoit") as client:
        yield client


async def grant(town: Town, benoit: Client) -> None:
    """The administrator enters what the act grants, and the comptable gives it."""
    async with town.site.signed_in("admin") as admin:
        body = {
            "id": str(new_id()),
            "valid_from": TODAY.isoformat(),
            "granted_cents": 500_00,
            "payment_max_cents": 100_00,
            "purposes": ["overpaid", "postage"],
            "paid_by": ["cash", "transfer"],
            "act": "Arrêté du 3 mars 2026",
        }
        answer = await admin.post(f"/api/v1/sub-offices/{town.place}/advance-terms", body)
        assert answer.status == 200, await answer.text()
    for kind, amount in (("granted", "500"), ("withdrawn", "200,00")):
        form = {"key": str(new_id()), "kind": kind, "place": "transfer", "amount": amount}
        assert (await benoit.submit("/caisse/avance/mouvements", **form)).status == 303


async def text_of(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return await answer.text()


async def test_the_officer_pays_refunds_states_and_receives(town: Town, benoit: Client) -> None:
    assert "ne prévoit pas d’avance" in await text_of(benoit, "/caisse/avance")
    await grant(town, benoit)
    page = await text_of(benoit, "/caisse/avance?compte=f00001")
    assert "Piscine (60,00\u00a0€)" in page
    form = {
        "key": str(new_id()),
        "purpose": "overpaid",
        "paid_by": "transfer",
        "amount": "12,50",
        "payee": "Jeanne Moreau",
        "document": "Courrier du 2 mars",
        "wallet_id": str(town.pool),
        "iban": IBAN,
    }
    answers = [await benoit.submit("/caisse/avance/payer", **form) for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 303]
    [address] = {answer.headers["Location"] for answer in answers}
    page = await text_of(benoit, address)
    assert "POM-D-000001" in page
    assert IBAN not in page
    paper = await benoit.get(f"{address}.pdf")
    assert (paper.status, paper.content_type) == (200, "application/pdf")
    assert (await benoit.submit("/caisse/avance/etats", key=str(new_id()))).status == 303
    page = await text_of(benoit, "/caisse/avance/reconstituer")
    [kind] = set(re.findall(r'value="(replenished:[0-9a-f-]+)"', page))
    form = {"key": str(new_id()), "kind": kind, "place": "transfer", "amount": "12,50", "reference": "Mandat 118"}
    assert (await benoit.submit("/caisse/avance/mouvements", **form)).status == 303
    shown = await (await benoit.get(f"/api/v1/sub-offices/{town.place}/advance")).json()
    money = [shown[name] for name in ("granted_cents", "cash_cents", "account_cents", "awaiting_cents")]
    assert money == [500_00, 200_00, 300_00, 0]
    async with town.site.database.read() as db:
        actions = set(await db.scalars(select(AuditRecord.action)))
    assert {"advance-terms-set", "advance-granted", "advance-paid", "advance-stated", "advance-replenished"} <= actions


async def test_a_mistake_is_taken_back_with_its_reason(town: Town, benoit: Client) -> None:
    await grant(town, benoit)
    form = {
        "key": str(new_id()),
        "purpose": "postage",
        "paid_by": "cash",
        "amount": "8,00",
        "payee": "La Poste",
        "document": "Reçu 41",
    }
    address = (await benoit.submit("/caisse/avance/payer", **form)).headers["Location"]
    undone = await benoit.submit(f"{address}/annuler", key=str(new_id()), reason="Timbres rendus")
    assert undone.status == 303
    page = await text_of(benoit, undone.headers["Location"])
    assert "Timbres rendus" in page
    assert "POM-D-000002" in page


async def test_what_is_refused_is_said_and_changes_nothing(town: Town, benoit: Client) -> None:
    await grant(town, benoit)
    form = {"purpose": "postage", "paid_by": "cash", "payee": "La Poste", "document": "Reçu 41"}
    for changes, slug in (
        ({"amount": "100,01"}, "expense-too-large"),
        ({"amount": "douze"}, "bad-input"),
        ({"amount": "5", "purpose": "supplies"}, "purpose-not-in-act"),
        ({"amount": "5", "wallet_id": "rien"}, "bad-input"),
        ({"amount": "5", "paid_by": "transfer", "iban": "FR76"}, "bad-iban"),
    ):
        answer = await benoit.submit("/caisse/avance/payer", page=False, key=str(new_id()), **(form | changes))
        assert (await answer.json())["slug"] == slug
    shown = await (await benoit.get(f"/api/v1/sub-offices/{town.place}/advance")).json()
    assert (shown["awaiting_cents"], shown["expenses"]) == (0, [])


async def test_nobody_else_sees_or_touches_it(town: Town, benoit: Client) -> None:
    await grant(town, benoit)
    async with town.site.signed_in("odile") as odile:
        for path in ("/caisse/avance", "/caisse/avance/reconstituer", f"/api/v1/sub-offices/{town.place}/advance"):
            assert (await odile.get(path)).status == 403
        body = {
            "id": str(new_id()),
            "purpose": "postage",
            "paid_by": "cash",
            "amount_cents": 1,
            "payee": "Moi",
            "document": "Rien",
        }
        answer = await odile.post(f"/api/v1/sub-offices/{town.place}/advance-expenses", body)
        assert (answer.status, (await answer.json())["slug"]) == (403, "not-advance-officer")

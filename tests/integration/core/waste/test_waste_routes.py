"""The attendant's tablet over HTTP at its own site, and what the service's manager sets, lists and bills."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession
from sqlalchemy import select

from cvq_core.access.facts import PointKind
from cvq_core.access.tables import AccessPoint
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from cvq_core.staff.store import digest
from tests.core_examples import NOW, TODAY, create_services
from tests.factories import make_staff
from tests.integration.core.waste.ground import BOXES, RUBBLE, UID, fill
from tests.served import Client, Site, served

API = "/api/v1/waste"


@dataclass(slots=True)
class Centre:
    """A running server; each tablet is a token."""

    site: Site
    made: dict[str, Any]

    async def ask(self, token: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        async with (
            ClientSession() as http,
            http.request(
                method, self.site.url + API + path, json=body, headers={"Authorization": f"Bearer {token}"}
            ) as answer,
        ):
            if answer.content_type == "application/pdf":
                return answer.status, await answer.read()
            return answer.status, await answer.json() if answer.content_length else None


def deposit(**more: Any) -> dict[str, Any]:
    loads = [{"category": RUBBLE, "litres": 1000}, {"category": BOXES, "litres": 500}]
    return {"id": str(new_id()), "card_uid": UID, "occurred_at": NOW.isoformat(), "loads": loads} | more


def late(**more: Any) -> dict[str, Any]:
    return deposit(**({"who": "MOREAU Luc", "said_cents": 2250} | more))


@pytest.fixture
async def centre(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Centre]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            made = await fill(db)
            await create_services(db)
            for token, point in (("one", made["sites"][0]), ("two", made["sites"][1]), ("nowhere", new_id())):
                device = new_id()
                db.add(
                    Device(
                        id=device, kind="reader", subject_id=point, name=token, public_key=bytes(32), enrolled_at=NOW
                    )
                )
                await db.flush()
                db.add(DeviceToken(token_digest=digest(token), device_id=device, expires_at=NOW + timedelta(days=9)))
            services = {row.code: row.id for row in await db.scalars(select(Service))}
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.WASTE_CENTRE], "denis")
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.POOL], "paul")
        yield Centre(site, made)


@pytest.fixture
async def denis(centre: Centre) -> AsyncIterator[Client]:
    async with centre.site.signed_in("denis") as client:
        yield client


async def test_a_tablet_quotes_takes_and_prints_at_its_own_site(centre: Centre) -> None:
    _, taken = await centre.ask("one", "GET", "/categories")
    assert [each["code"] for each in taken["categories"]] == ["gravats", "vegetaux", "cartons"]
    asked = deposit()
    status, quoted = await centre.ask("one", "POST", "/quotes", asked)
    assert (status, quoted["amount_cents"]) == (200, 2250)
    status, done = await centre.ask("one", "POST", "/deposits", asked)
    assert (status, done) == (201, quoted)
    assert done["name"] == "MOREAU Luc, Maçonnerie Roy"
    assert await centre.ask("one", "POST", "/deposits", asked) == (201, done)
    slip = f"/deposits/{done['id']}/slip.pdf"
    status, pdf = await centre.ask("one", "GET", slip)
    assert (status, pdf[:4]) == (200, b"%PDF")
    assert (await centre.ask("two", "GET", slip))[0] == 404
    assert (await centre.ask("one", "GET", f"/deposits/{new_id()}/slip.pdf"))[0] == 404


async def test_whoever_stands_at_no_waste_centre_takes_nothing(centre: Centre, denis: Client) -> None:
    assert (await centre.ask("nowhere", "POST", "/deposits", deposit()))[0] == 403
    assert (await centre.ask("unknown", "POST", "/deposits", deposit()))[0] == 401
    assert (await denis.post(f"{API}/deposits", deposit())).status == 403
    # A gate asks about a card, and gets nobody's name.
    assert (await centre.ask("one", "GET", "/people"))[0] == 200
    async with centre.site.database.write() as db:
        (await db.get_one(AccessPoint, centre.made["sites"][0])).kind = PointKind.GATE
    assert (await centre.ask("one", "GET", "/people"))[0] == 403


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"loads": []}, 422),
        ({"loads": [{"category": RUBBLE, "litres": 10**9}]}, 422),
        ({"loads": [{"category": RUBBLE, "litres": 75}]}, 422),
        ({"loads": [{"category": "amiante", "litres": 50}]}, 404),
        ({"card_uid": "zz"}, 422),
        ({"card_uid": None}, 409),
        ({"point_id": str(UUID(int=1))}, 422),
        ({"occurred_at": "2026-03-03T10:00:00"}, 422),
    ],
)
async def test_what_cannot_be_is_refused_with_words(centre: Centre, wrong: dict[str, Any], status: int) -> None:
    found, problem = await centre.ask("one", "POST", "/deposits", deposit(**wrong))
    assert found == status
    assert problem["title"]


async def test_a_tablet_cannot_date_a_deposit_into_the_future(centre: Centre) -> None:
    later = (NOW + timedelta(days=400)).isoformat()
    assert (await centre.ask("one", "POST", "/deposits", deposit(occurred_at=later)))[0] == 201
    status, done = await centre.ask("one", "POST", "/deposits/late", late(occurred_at=later))
    assert (status, done["deposit"]["amount_cents"]) == (200, 2250)


async def test_the_manager_sets_lists_and_bills_and_another_service_s_does_not(centre: Centre, denis: Client) -> None:
    quota = {"id": str(new_id()), "valid_from": "2020-01-01", "visits_a_year": 1}
    for _ in range(2):
        assert (await denis.post(f"{API}/quotas", quota)).status == 204
    jeanne = str(centre.made["jeanne"])
    for token in ("one", "two"):
        body = late(card_uid=None, person_id=jeanne, said_cents=0)
        assert (await centre.ask(token, "POST", "/deposits/late", body))[0] == 200
    refused, problem = await centre.ask("one", "POST", "/deposits", deposit(card_uid=None, person_id=jeanne))
    assert (refused, problem["type"].split("/")[-1]) == (409, "waste-quota-reached")
    [over] = (await (await denis.get(f"{API}/overruns")).json())["items"]
    assert (over["visit"], over["point_id"]) == (2, str(centre.made["sites"][1]))
    await centre.ask("one", "POST", "/deposits", deposit())
    [account] = (await (await denis.get(f"{API}/unbilled")).json())["accounts"]
    day = TODAY.isoformat()
    bill = {"id": str(new_id()), "account_id": account, "until": day, "due_on": (TODAY + timedelta(30)).isoformat()}
    billed = await (await denis.post(f"{API}/invoices", bill)).json()
    assert billed == {"invoice_id": bill["id"], "amount_cents": 2250}
    assert await (await denis.post(f"{API}/invoices", bill)).json() == billed
    changed = await denis.session.put(
        f"{denis.url}{API}/categories/pneus",
        json={"label": "Pneus", "price_code": "depot"},
        headers={"X-CSRF-Token": denis.csrf_token},
    )
    assert changed.status == 204
    async with centre.site.signed_in("paul") as paul:
        for path in ("/overruns", "/unbilled"):
            assert (await paul.get(f"{API}{path}")).status == 403
        assert (await paul.post(f"{API}/quotas", quota)).status == 403
        assert (await paul.post(f"{API}/invoices", bill)).status == 403
    async with centre.site.database.read() as db:
        acts = await db.scalars(select(AuditRecord.action).where(AuditRecord.outcome == "done"))
        told = [each for each in acts if each.startswith("waste-")]
    assert sorted(told) == ["waste-billed", "waste-category-set", "waste-quota-set"]


async def test_the_manager_s_page_shows_what_was_done_without_a_network_and_keeps_the_vehicles(
    centre: Centre, denis: Client
) -> None:
    await denis.post(f"{API}/quotas", {"id": str(new_id()), "valid_from": "2020-01-01", "visits_a_year": 1})
    jeanne = str(centre.made["jeanne"])
    for body in (
        late(card_uid=None, person_id=jeanne, said_cents=0),
        late(card_uid=None, person_id=jeanne, said_cents=0),
        late(card_uid="04FFFFFFFFFFFF", who="<b>Carte …FFFF</b>"),
        late(said_cents=2000),
    ):
        assert (await centre.ask("two", "POST", "/deposits/late", body))[0] == 200
    plate = {"plaque": "ab-123-cd", "carte": UID, "pour": "professional"}
    assert (await denis.submit("/decheterie/vehicules", **plate)).status == 303
    wrong = await denis.submit("/decheterie/vehicules", **(plate | {"pour": "household"}))
    assert (wrong.status, "n’est pas inscrite" in await wrong.text()) == (422, True)
    page = await (await denis.get("/decheterie")).text()
    for words in ("2 sur 1", "Carte que personne ne connaît", "&lt;b&gt;Carte", "Prix annoncé différent", "AB123CD"):
        assert words in page
    assert (await denis.submit("/decheterie/vehicules/oublier", plaque="AB-123-CD")).status == 303
    assert "AB123CD" not in await (await denis.get("/decheterie")).text()
    async with centre.site.signed_in("paul") as paul:
        assert (await paul.get("/decheterie")).status == 403
        assert (await paul.submit("/decheterie/vehicules", **plate)).status == 403

"""A secretary's families over HTTP, and the service manager's list of days that are nobody's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from cvq_core.access.tables import UnclaimedCharge
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.verify import verify
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Membership
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from tests.core_examples import LONG_AGO, create_family, create_member, create_services, create_wallet
from tests.factories import make_staff, make_town_hall
from tests.served import Client, Site, served

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Village:
    """Two accounts with a child in both; Sylvie is the secretary, Marc runs the canteen, Paule the pool."""

    site: Site
    mother: UUID
    father: UUID
    anna: UUID
    child: UUID
    today: date


@pytest.fixture
async def village(database_url: str, tmp_path: Path) -> AsyncIterator[Village]:
    async with served(database_url, tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            services = {row.code: row.id for row in await db.scalars(select(Service))}
            town_hall = await make_town_hall(db)
            await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie")
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.CANTEEN], "marc")
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.POOL], "paule")
            mother, father = await create_family(db), await create_family(db, "F00002", "Texier")
            anna = await create_member(db, mother.id, "Anna", FamilyRole.GUARDIAN)
            child = await create_member(db, mother.id, "Emma", FamilyRole.CHILD, born=date(2017, 6, 1))
            db.add(
                Membership(
                    id=new_id(), account_id=father.id, person_id=child.id, role=FamilyRole.CHILD, valid_from=LONG_AGO
                )
            )
            await create_wallet(db, mother.id, ServiceCode.POOL, cents=1000)
            await create_wallet(db, father.id, ServiceCode.POOL, cents=500)
        today = site.services.clock().date()
        yield Village(site, mother.id, father.id, anna.id, child.id, today)
        async with site.database.read() as db:
            assert await verify(db) == []


@pytest.fixture
async def sylvie(village: Village) -> AsyncIterator[Client]:
    async with village.site.signed_in("sylvie") as client:
        yield client


async def post(client: Client, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    answer = await client.post(API + path, body)
    return answer.status, await answer.json()


async def get(client: Client, path: str) -> tuple[int, Any]:
    answer = await client.get(API + path)
    return answer.status, await answer.json()


def arrangement(village: Village, **more: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "valid_from": village.today.isoformat(),
        "parts": [
            {"account_id": str(village.mother), "share_percent": 60},
            {"account_id": str(village.father), "share_percent": 40},
        ],
        "first_week": "aaaaaaa",
        "second_week": "bbbbbb-",
        **more,
    }


async def test_an_order_and_a_calendar_are_recorded_once_and_read_back(village: Village, sylvie: Client) -> None:
    order = {
        "id": str(new_id()),
        "court": "Tribunal judiciaire de Niort",
        "reference": "RG 26/00123",
        "decided_on": "2026-02-20",
        "effective_on": "2026-02-20",
    }
    base = f"/people/{village.child}"
    assert (await post(sylvie, f"{base}/court-orders", order))[0] == 201
    asked = arrangement(village, order_id=order["id"])
    assert (await post(sylvie, f"{base}/arrangements", asked))[0] == 201
    assert (await post(sylvie, f"{base}/arrangements", asked))[0] == 201
    changed = await post(sylvie, f"{base}/arrangements", {**asked, "first_week": "bbbbbbb"})
    assert (changed[0], changed[1]["slug"]) == (409, "recorded-otherwise")
    holiday = {
        "id": str(new_id()),
        "first": village.today.isoformat(),
        "last": (village.today + timedelta(days=6)).isoformat(),
        "account_id": str(village.father),
        "reason": "Vacances, 1re moitié",
    }
    assert (await post(sylvie, f"/arrangements/{asked['id']}/exceptions", holiday))[0] == 201
    _, found = await get(sylvie, f"{base}/custody")
    assert [each["reference"] for each in found["orders"]] == ["RG 26/00123"]
    [kept] = found["arrangements"]
    assert (kept["second_week"], kept["exceptions"]) == ("bbbbbb-", 1)
    assert [each["account_id"] for each in found["days"][:7]] == [str(village.father)] * 7
    assert "Vacances, 1re moitié" in found["days"][0]["because"]
    assert "Texier" not in str(found), "accounts are told by their guardians' names alone"
    assert len(found["days"]) == 28


@pytest.mark.parametrize(
    ("more", "slug"),
    [
        ({"valid_from": "2020-01-01"}, "custody-in-the-past"),
        ({"first_week": "aaaaaax"}, "bad-custody-rhythm"),
        ({"first_week": "a"}, "bad-input"),
        ({"order_id": str(UUID(int=1))}, "unknown-court-order"),
        ({"reference_monday": "2026-03-03"}, "bad-custody-rhythm"),
    ],
)
async def test_what_is_no_calendar_is_refused(
    village: Village, sylvie: Client, more: dict[str, Any], slug: str
) -> None:
    _, problem = await post(sylvie, f"/people/{village.child}/arrangements", arrangement(village, **more))
    assert problem["slug"] == slug
    assert (await get(sylvie, f"/people/{village.child}/custody"))[1]["arrangements"] == []


async def test_a_calendar_names_the_child_s_own_accounts(village: Village, sylvie: Client) -> None:
    parts = [{"account_id": str(new_id()), "share_percent": 100}]
    body = arrangement(village, parts=parts, second_week="aaaaaaa")
    assert (await post(sylvie, f"/people/{village.child}/arrangements", body))[1]["slug"] == "not-the-childs-account"


async def test_a_family_arrives_a_payer_joins_and_the_family_leaves(village: Village, sylvie: Client) -> None:
    key = new_id()
    _, account = await post(sylvie, "/family-accounts", {"id": str(key), "label": "Famille Roy"})
    member = {"id": str(new_id()), "person_id": str(village.anna), "role": "payer"}
    status, joined = await post(sylvie, f"/family-accounts/{key}/members", member)
    assert (status, joined["role"], joined["valid_until"]) == (201, "payer", None)
    ends = {"person_id": str(village.anna), "role": "payer", "last_day": village.today.isoformat()}
    assert (await post(sylvie, f"/family-accounts/{key}/members/end", ends))[0] == 200
    closing = {"id": str(new_id()), "reason": "Déménagement"}
    _, closed = await post(sylvie, f"/family-accounts/{village.mother}/close", closing)
    assert [(line["service"], line["what"]) for line in closed["left"]] == [("pool", "refund")]
    _, left = await get(sylvie, "/closed-accounts/left")
    assert [(each["number"], each["amount_cents"], each["what"]) for each in left["items"]] == [
        ("F00001", 1000, "refund")
    ]
    assert account["closed_on"] is None


async def test_a_dry_run_a_merger_and_its_undoing(village: Village, sylvie: Client) -> None:
    base = f"/family-accounts/{village.father}"
    _, plan = await get(sylvie, f"{base}/merge-plan?kept_id={village.mother}")
    assert plan["wallets"] == [{"service": "pool", "amount_cents": 500}]
    assert [(each["person_id"], each["already"]) for each in plan["members"]] == [(str(village.child), True)]
    asked = {"id": str(new_id()), "kept_id": str(village.mother), "reason": "Ouvert deux fois"}
    assert (await post(sylvie, f"{base}/merge", asked))[0] == 201
    assert (await post(sylvie, f"{base}/merge", asked))[0] == 201
    _, statement = await get(sylvie, f"{base}/statement")
    [section] = statement["sections"]
    assert [line["amount_cents"] for line in section["lines"]][-1] == -500, "it stays readable"
    undo = {"id": str(new_id()), "reason": "Deux familles"}
    status, undone = await post(sylvie, f"/merges/{asked['id']}/undo", undo)
    assert (status, undone["undone_at"] is not None) == (200, True)
    _, listed = await get(sylvie, f"{base}/merges")
    assert [each["id"] for each in listed["items"]] == [asked["id"]]
    async with village.site.database.read() as db:
        actions = list(await db.scalars(select(AuditRecord.action).where(AuditRecord.account_id == village.mother)))
    assert {"accounts-merged", "merge-undone"} <= set(actions)


async def test_a_death_is_noted(village: Village, sylvie: Client) -> None:
    body = {"on": village.today.isoformat()}
    status, ended = await post(sylvie, f"/people/{village.anna}/death", body)
    assert (status, ended["accounts_without_guardian"]) == (200, [str(village.mother)])
    tomorrow = {"on": (village.today + timedelta(days=1)).isoformat()}
    assert (await post(sylvie, f"/people/{village.child}/death", tomorrow))[1]["slug"] == "bad-family-day"


async def test_the_list_of_a_service_is_its_own_manager_s(village: Village) -> None:
    charge = new_id()
    async with village.site.database.write() as db:
        await db.execute(
            insert(UnclaimedCharge).values(
                id=charge,
                person_id=village.child,
                service_code=ServiceCode.CANTEEN,
                day=village.today,
                amount_cents=235,
                because="Ce jour n’est à personne.",
            )
        )
    async with village.site.signed_in("paule") as paule:
        assert (await get(paule, "/services/canteen/unclaimed"))[1]["slug"] == "out-of-scope"
        body = {"account_id": str(village.mother)}
        assert (await post(paule, f"/unclaimed/{charge}/settle", body))[1]["slug"] == "out-of-scope"
    async with village.site.signed_in("marc") as marc:
        _, waiting = await get(marc, "/services/canteen/unclaimed")
        assert [each["child"] for each in waiting["items"]] == ["MOREAU Emma"]
        assert (await post(marc, f"/unclaimed/{charge}/settle", {"account_id": str(village.mother)}))[0] == 200
        assert (await get(marc, "/services/canteen/unclaimed"))[1]["items"] == []
        assert (await get(marc, "/services/nothing/unclaimed"))[0] == 404


async def test_the_manager_settles_on_the_page_and_the_other_service_s_manager_sees_nothing(village: Village) -> None:
    charge = new_id()
    async with village.site.database.write() as db:
        await db.execute(
            insert(UnclaimedCharge).values(
                id=charge,
                person_id=village.child,
                service_code=ServiceCode.CANTEEN,
                day=village.today,
                amount_cents=235,
                because="Ce jour n’est à personne.",
            )
        )
    async with village.site.signed_in("paule") as paule:
        assert "MOREAU Emma" not in await (await paule.get("/jours-sans-compte")).text()
    async with village.site.signed_in("marc") as marc:
        page = await (await marc.get("/jours-sans-compte")).text()
        assert "MOREAU Emma" in page
        assert "Partager" not in page, "no calendar says how"
        for _ in range(2):
            answer = await marc.submit(f"/jours-sans-compte/{charge}", bearer=str(village.father))
            assert (answer.status, answer.headers["Location"]) == (303, "/jours-sans-compte")
        assert "MOREAU Emma" not in await (await marc.get("/jours-sans-compte")).text()
        other = await marc.submit(f"/jours-sans-compte/{charge}", bearer=str(village.mother))
        assert other.status == 409


async def test_the_paper_and_the_file_of_a_statement(village: Village, sylvie: Client) -> None:
    base = f"{API}/family-accounts/{village.mother}"
    paper = await sylvie.get(f"{base}/statement.pdf")
    assert (paper.content_type, (await paper.read())[:4]) == ("application/pdf", b"%PDF")
    sheet = await sylvie.get(f"{base}/statement.csv")
    assert (await sheet.read()).startswith(b"\xef\xbb\xbfCompte;")
    assert "F00001" in sheet.headers["Content-Disposition"]

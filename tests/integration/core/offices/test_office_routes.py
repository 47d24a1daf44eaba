"""The counter over HTTP: a mandatary's day, and who is kept away from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import Officer
from cvq_core.offices.verify import verify_offices
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import create_counter, create_family, create_services, create_wallet
from tests.factories import make_staff, make_town_hall
from tests.served import Client, Site, served

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Town:
    """A server with a town hall where Odile is a mandatary and Sylvie is not."""

    site: Site
    place: UUID
    pool: UUID
    canteen: UUID


@pytest.fixture
async def town(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with served(database_url, tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            town_hall = await make_town_hall(db)
            odile = await make_staff(db, Role.SECRETARY, town_hall.id, "odile", "Odile Brémaud")
            await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie")
            await make_staff(db, Role.ADVISOR, new_id(), "nadia")
            place = await create_counter(db, Officer(odile.id, odile.display_name))
            family = await create_family(db)
            pool = await create_wallet(db, family.id)
            canteen = await create_wallet(db, family.id, ServiceCode.CANTEEN)
        yield Town(site, place.id, pool.id, canteen.id)
        async with site.database.read() as db:
            assert [*await verify(db), *await verify_offices(db)] == []


@pytest.fixture
async def odile(town: Town) -> AsyncIterator[Client]:
    async with town.site.signed_in("odile") as client:
        yield client


async def open_drawer(town: Town, client: Client, drawer_id: UUID | None = None, cents: int = 2000) -> Any:
    body = {"id": str(drawer_id or new_id()), "float_cents": cents}
    return await (await client.post(f"{API}/sub-offices/{town.place}/drawers", body)).json()


async def pay(client: Client, drawer: Any, wallet: UUID, cents: object, **more: object) -> tuple[int, Any]:
    body = {
        "id": str(new_id()),
        "top_ups": [{"wallet_id": str(wallet), "amount_cents": cents}],
        "means": "cash",
        "tendered_cents": 5000,
        **more,
    }
    answer = await client.post(f"{API}/drawers/{drawer['id']}/receipts", body)
    return answer.status, await answer.json()


async def test_a_mandatarys_day_from_the_opening_to_the_count(town: Town, odile: Client) -> None:
    [place] = (await (await odile.get(f"{API}/sub-offices")).json())["sub_offices"]
    assert (place["services"], place["means"]) == (["canteen", "pool"], ["cash", "cheque"])

    drawer = await open_drawer(town, odile)
    status, receipt = await pay(odile, drawer, town.pool, 2000)
    assert (status, receipt["number"], receipt["change_cents"]) == (201, "POM-000001", 3000)
    assert receipt["lines"][0]["balance_cents"] == 2000
    _, wrong = await pay(odile, drawer, town.canteen, 1000)
    voiding = await (
        await odile.post(f"{API}/receipts/{wrong['id']}/void", {"id": str(new_id()), "reason": "Erreur de compte"})
    ).json()
    assert (voiding["total_cents"], voiding["voids_id"]) == (-1000, wrong["id"])

    shown = await (await odile.get(f"{API}/drawers/{drawer['id']}")).json()
    assert (shown["expected_cents"], shown["collected_cents"]) == (4000, 2000)
    assert [each["number"] for each in shown["receipts"]] == ["POM-000003", "POM-000002", "POM-000001"]
    assert shown["receipts"][1]["voided_by_id"] == voiding["id"]

    closed = await (await odile.post(f"{API}/drawers/{drawer['id']}/close", {"counted": {"2000": 1, "1000": 1}})).json()
    assert (closed["expected_cents"], closed["counted_cents"], closed["difference_cents"]) == (4000, 3000, -1000)


async def test_a_receipt_prints_as_original_first_and_as_duplicate_after(town: Town, odile: Client) -> None:
    drawer = await open_drawer(town, odile)
    _, receipt = await pay(odile, drawer, town.pool, 2000)
    files = []
    for number in range(2):
        noted = await odile.post(f"{API}/receipts/{receipt['id']}/prints", {"id": str(new_id()), "paper": "strip"})
        printing = await noted.json()
        assert printing["copy_number"] == number
        answer = await odile.get(printing["pdf_url"])
        assert answer.content_type == "application/pdf"
        files.append(await answer.read())
    assert all(file.startswith(b"%PDF") for file in files)
    assert files[0] != files[1]
    unknown = await odile.get(f"{API}/receipts/{receipt['id']}/prints/{new_id()}.pdf")
    assert unknown.status == 404


async def test_the_same_request_again_is_the_same_receipt(town: Town, odile: Client) -> None:
    drawer, key = await open_drawer(town, odile), str(new_id())
    first = await pay(odile, drawer, town.pool, 2000, id=key)
    assert await pay(odile, drawer, town.pool, 2000, id=key) == first
    status, problem = await pay(odile, drawer, town.pool, 2001, id=key)
    assert (status, problem["slug"]) == (409, "idempotency-mismatch")


@pytest.mark.parametrize(
    ("change", "status", "slug"),
    [
        ({"amount": 0}, 422, "amount-out-of-bounds"),
        ({"amount": -500}, 422, "amount-out-of-bounds"),
        ({"amount": 12.5}, 422, "bad-input"),
        ({"amount": "1000"}, 422, "bad-input"),
        ({"amount": True}, 422, "bad-input"),
        ({"amount": 10**30}, 422, "amount-above-limit"),
        ({"tendered_cents": 1}, 422, "tendered-too-little"),
        ({"means": "card", "tendered_cents": 2000}, 409, "means-not-in-act"),
        ({"means": "gold"}, 422, "bad-input"),
        ({"top_ups": []}, 422, "nothing-to-pay"),
        ({"price": 1}, 422, "bad-input"),
    ],
    ids=str,
)
async def test_what_cannot_be_collected_is_refused_in_words_and_moves_nothing(
    town: Town, odile: Client, change: dict[str, object], status: int, slug: str
) -> None:
    drawer = await open_drawer(town, odile)
    async with town.site.database.read() as db:
        before = await db.scalar(select(func.count()).select_from(LedgerTransaction))
    more = dict(change)
    answered, problem = await pay(odile, drawer, town.pool, more.pop("amount", 2000), **more)
    assert (answered, problem["slug"]) == (status, slug)
    assert problem["title"]
    assert "{" not in problem["title"] + problem["detail"]
    async with town.site.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(LedgerTransaction)) == before


async def test_a_refusal_is_in_the_journal(town: Town, odile: Client) -> None:
    drawer = await open_drawer(town, odile)
    await pay(odile, drawer, town.pool, 2000, tendered_cents=1)
    async with town.site.database.read() as db:
        record = (await db.scalars(select(AuditRecord).where(AuditRecord.outcome == "refused"))).one()
    assert record.action == "POST /api/v1/drawers/{id}/receipts"
    assert record.personal == {"slug": "tendered-too-little"}


async def test_a_secretary_who_is_no_mandatary_collects_nothing(town: Town, odile: Client) -> None:
    drawer = await open_drawer(town, odile)
    _, receipt = await pay(odile, drawer, town.pool, 2000)
    async with town.site.signed_in("sylvie") as sylvie:
        assert (await (await sylvie.get(f"{API}/sub-offices")).json())["sub_offices"] == []
        assert (await open_drawer(town, sylvie))["slug"] == "not-mandatary"
        assert (await pay(sylvie, drawer, town.pool, 2000))[1]["slug"] == "not-your-drawer"
        for path in (f"{API}/drawers/{drawer['id']}", f"{API}/receipts/{receipt['id']}"):
            assert (await sylvie.get(path)).status == 403
        for path, body in (
            (f"{API}/receipts/{receipt['id']}/void", {"id": str(new_id()), "reason": "parce que"}),
            (f"{API}/receipts/{receipt['id']}/prints", {"id": str(new_id())}),
            (f"{API}/drawers/{drawer['id']}/close", {"counted": {}}),
        ):
            assert (await sylvie.post(path, body)).status == 403


async def test_an_advisor_has_no_business_at_the_counter(town: Town) -> None:
    async with town.site.signed_in("nadia") as nadia:
        assert (await nadia.get(f"{API}/sub-offices")).status == 403


async def test_what_was_done_is_in_the_journal(town: Town, odile: Client) -> None:
    drawer = await open_drawer(town, odile)
    await pay(odile, drawer, town.pool, 2000)
    await odile.post(f"{API}/drawers/{drawer['id']}/close", {"counted": {"2000": 2}})
    async with town.site.database.read() as db:
        rows = await db.scalars(
            select(AuditRecord.action).where(AuditRecord.action != "sign-in").order_by(AuditRecord.at, AuditRecord.id)
        )
        assert list(rows) == ["drawer-opened", "collected", "drawer-closed"]

"""A family's wallets at the counter over HTTP: who may move its money, and what it has chosen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import Officer
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import create_counter, create_family, create_officer, create_services, create_wallet
from tests.factories import make_staff, make_town_hall
from tests.served import Client, Site, served

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Town:
    """A server with a town hall where Odile is a mandatary, a pool whose act says nothing of the canteen, a family."""

    site: Site
    place: UUID
    pool_only: UUID
    family: UUID
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
            at_the_pool = await create_counter(
                db, Officer(odile.id, odile.display_name), code="PIS", services=(ServiceCode.POOL,)
            )
            await create_officer(db, "somebody")
            family = await create_family(db)
            family.email = "moreau@example.org"
            pool = await create_wallet(db, family.id, cents=3000)
            canteen = await create_wallet(db, family.id, ServiceCode.CANTEEN)
        yield Town(site, place.id, at_the_pool.id, family.id, pool.id, canteen.id)
        async with site.database.read() as db:
            assert await verify(db) == []


@pytest.fixture
async def odile(town: Town) -> AsyncIterator[Client]:
    async with town.site.signed_in("odile") as client:
        yield client


async def move(town: Town, client: Client, cents: object, **more: object) -> tuple[int, Any]:
    body = {
        "id": str(new_id()),
        "sub_office_id": str(town.place),
        "from_wallet_id": str(town.pool),
        "to_wallet_id": str(town.canteen),
        "amount_cents": cents,
        **more,
    }
    answer = await client.post(f"{API}/accounts/{town.family}/wallet-moves", body)
    return answer.status, await answer.json()


async def test_a_mandatary_moves_a_familys_money_and_the_journal_knows(town: Town, odile: Client) -> None:
    key = str(new_id())
    for _ in range(2):
        status, moved = await move(town, odile, 1200, id=key)
        assert (status, moved["from_balance_cents"], moved["to_balance_cents"]) == (201, 1800, 1200)
    async with town.site.database.read() as db:
        records = await db.scalars(select(AuditRecord).where(AuditRecord.action == "money-moved"))
        assert {(row.outcome, row.account_id, str(row.subject_id)) for row in records} == {("done", town.family, key)}


async def test_what_may_not_be_moved_at_a_counter_is_refused(town: Town, odile: Client) -> None:
    cases: list[tuple[object, dict[str, object], int, str]] = [
        (3001, {}, 409, "not-enough-to-move"),
        (12.5, {}, 422, "bad-input"),
        (-1, {}, 422, "amount-out-of-bounds"),
        (100, {"sub_office_id": str(town.pool_only)}, 409, "service-not-in-act"),
        (100, {"sub_office_id": str(new_id())}, 404, "unknown-sub-office"),
        (100, {"to_wallet_id": str(town.pool)}, 422, "same-wallet"),
        (100, {"to_wallet_id": str(new_id())}, 404, "unknown-wallet"),
    ]
    for cents, more, status, slug in cases:
        answered, told = await move(town, odile, cents, **more)
        assert (answered, told["type"].rpartition("/")[2]) == (status, slug)
    async with town.site.signed_in("sylvie") as sylvie:
        assert (await move(town, sylvie, 100))[0] == 403
    async with town.site.signed_in("nadia") as nadia:
        assert (await move(town, nadia, 100))[0] == 403
    status, moved = await move(town, odile, 3000)
    assert (status, moved["from_balance_cents"]) == (201, 0)


async def test_what_a_family_chose_is_written_shown_and_ended(town: Town, odile: Client) -> None:
    base = f"{API}/accounts/{town.family}"
    setting = {"threshold_cents": 500, "amount_cents": 1000, "month_max_cents": 3000}
    wanted = {"id": str(new_id()), "wallet_id": str(town.canteen), "source_wallet_id": str(town.pool)}
    answer = await odile.post(f"{base}/top-ups", {**wanted, "setting": setting})
    assert answer.status == 201, await answer.text()
    notice = {"id": str(new_id()), "wallet_id": str(town.pool), "threshold_cents": 300}
    assert (await odile.post(f"{base}/notices", notice)).status == 201
    shown = await (await odile.get(f"{base}/wallet-choices")).json()
    [top_up] = shown["top_ups"]
    assert {name: top_up[name] for name in setting} == setting
    assert (top_up["means"], top_up["source_wallet_id"]) == ("wallet", str(town.pool))
    assert [each["threshold_cents"] for each in shown["notices"]] == [300]
    ended = await odile.post(f"{base}/top-ups", {"id": str(new_id()), "wallet_id": str(town.canteen)})
    assert (await ended.json())["top_ups"] == []
    async with town.site.database.read() as db:
        rows = await db.scalars(select(AuditRecord.action).where(AuditRecord.account_id == town.family))
        assert sorted(rows) == ["notice-chosen", "top-up-chosen", "top-up-chosen"]


async def test_a_choice_that_cannot_be_is_refused(town: Town, odile: Client) -> None:
    answer = await odile.post(
        f"{API}/accounts/{town.family}/top-ups",
        {
            "id": str(new_id()),
            "wallet_id": str(town.canteen),
            "source_wallet_id": str(town.pool),
            "setting": {"threshold_cents": 0, "amount_cents": 200_000, "month_max_cents": 100},
        },
    )
    assert (answer.status, (await answer.json())["type"].rpartition("/")[2]) == (422, "bad-top-up-setting")
    assert (await odile.get(f"{API}/accounts/{new_id()}/wallet-choices")).status == 404

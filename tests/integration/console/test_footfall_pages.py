"""The page of a service's figures: who came, when and why not, to whoever manages that service and nobody else."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.access.facts import Assurance, Manner, PointKind, Reason
from cvq_core.access.tables import AccessPoint, Tap
from cvq_core.ids import new_id
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from tests.core_examples import NOW, create_services
from tests.factories import make_staff
from tests.served import Client, Site, served
from tests.workbook import read_workbook


@dataclass(frozen=True, slots=True)
class Pool:
    site: Site
    point: UUID

    async def tap(self, reason: Reason, number: int, hours_ago: int = 0, *, refused: bool = False) -> None:
        at = NOW - timedelta(hours=hours_ago)
        async with self.site.database.write() as db:
            for _ in range(number):
                db.add(
                    Tap(
                        id=new_id(),
                        point_id=self.point,
                        manner=Manner.CARD,
                        assurance=Assurance.UID,
                        tapped_at=at,
                        received_at=at,
                        offline=False,
                        allowed=reason.allows and not refused,
                        reason=reason,
                        display_short="",
                        display_long="",
                        amount_cents=0,
                        fingerprint=bytes(16),
                    )
                )


@pytest.fixture
async def pool(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Pool]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            services = {each.code: each.id for each in await db.scalars(select(Service))}
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.POOL], "paul")
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.CANTEEN], "carole")
            for code, service in (("piscine", ServiceCode.POOL), ("cantine", ServiceCode.CANTEEN)):
                point = AccessPoint(
                    id=new_id(),
                    code=code,
                    label=f"Tourniquet {code}",
                    site=code,
                    kind=PointKind.TURNSTILE,
                    service_code=service,
                    assurance=Assurance.UID,
                )
                db.add(point)
                if service is ServiceCode.POOL:
                    pool_point = point.id
        yield Pool(site, pool_point)


async def read(client: Client, path: str) -> str:
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200, path
    return (await answer.text()).replace("\u00a0", " ").replace("\u202f", " ")


async def test_today_s_passages_and_refusals_stand_on_the_page_and_in_both_files(pool: Pool) -> None:
    await pool.tap(Reason.PAID, 12)
    await pool.tap(Reason.WALLET_EMPTY, 3, hours_ago=1)
    await pool.tap(Reason.CARD_BLOCKED, 1, hours_ago=1)
    for reason in (Reason.PAID, Reason.ENTITLED):
        await pool.tap(reason, 1, refused=True)
    async with pool.site.signed_in("paul") as paul:
        page = await read(paul, "/frequentation")
        assert '<b class="num">12</b> passages' in page
        assert '<b class="num">6</b> refus' in page
        order = [page.index(words) for words in ("Compte vide", "Refusé par la porte, sans liaison", "Carte bloquée")]
        assert order == sorted(order), "what there is most of stands first"
        assert "Cantine" not in page, "another manager's service"
        table = await (await paul.get("/frequentation/frequentation.csv?service=pool&periode=2026-03")).read()
        assert "3 mars 2026;12;6" in table.decode("utf-8-sig")
        book = read_workbook(await (await paul.get("/frequentation/frequentation.xlsx?periode=2026")).read())
        assert list(book) == ["Mois", "Heures", "Refus", "Lieux"]
        assert "Refusé par la porte, sans liaison" in str(book["Refus"])


async def test_a_month_in_which_nobody_came_says_so(pool: Pool) -> None:
    async with pool.site.signed_in("paul") as paul:
        assert "Personne n’est passé pendant cette période." in await read(paul, "/frequentation?periode=2026-02")


@pytest.mark.parametrize("query", ["service=canteen", "service=%00", "periode=2026-13", "periode=2027-01"])
async def test_what_is_not_theirs_or_not_yet_is_refused(pool: Pool, query: str) -> None:
    async with pool.site.signed_in("paul") as paul:
        for path in ("/frequentation", "/frequentation/frequentation.csv", "/frequentation/frequentation.xlsx"):
            assert 400 <= (await paul.get(f"{path}?{query}")).status < 500

"""The pages of doors: what a card would be answered and why, who passes, modes, and what is left to settle."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, func, select

from cvq_core.access.events import NewPointEvent, note_events
from cvq_core.access.facts import Assurance, PointEventKind, PointKind, PointMode, Reason
from cvq_core.access.late_rules import ConflictKind
from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import AccessPoint, Tap, TapConflict, TapConflictSettling
from cvq_core.access.taps import take_tap
from cvq_core.cards.rules import check_digit
from cvq_core.cards.store import add_card
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from tests.core_examples import NOW, create_family, create_member, create_services, create_wallet
from tests.factories import make_staff
from tests.served import Client, Site, served

NUMBER = "482130577" + check_digit("482130577")
UID = "04A1B2C3D4E5F6"


@dataclass(frozen=True, slots=True)
class Pool:
    site: Site
    point: UUID
    canteen: UUID
    account: UUID
    jeanne: UUID

    async def count(self, *conditions: ColumnElement[bool]) -> int:
        async with self.site.database.read() as db:
            return await db.scalar(select(func.count()).select_from(AuditRecord).where(*conditions)) or 0


@pytest.fixture
async def pool(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Pool]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            family = await create_family(db)
            jeanne = await create_member(db, family.id, "Jeanne", FamilyRole.GUARDIAN)
            await create_wallet(db, family.id, ServiceCode.POOL)
            await add_card(
                db,
                card_id=new_id(),
                person_id=jeanne.id,
                number=NUMBER,
                uid=UID,
                valid_from=date(2024, 1, 1),
                valid_until=date(2029, 12, 31),
                now=NOW,
            )
            services = {each.code: each.id for each in await db.scalars(select(Service))}
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.POOL], "paul")
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.CANTEEN], "carole")
            points = {}
            for code, service in (("tourniquet", ServiceCode.POOL), ("refectoire", ServiceCode.CANTEEN)):
                points[code] = AccessPoint(
                    id=new_id(),
                    code=code,
                    label=code.capitalize(),
                    site="Ville",
                    kind=PointKind.TURNSTILE,
                    service_code=service,
                    assurance=Assurance.UID,
                )
                db.add(points[code])
        yield Pool(site, points["tourniquet"].id, points["refectoire"].id, family.id, jeanne.id)


@pytest.fixture
async def paul(pool: Pool) -> AsyncIterator[Client]:
    async with pool.site.signed_in("paul") as client:
        yield client


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


async def read(client: Client, path: str) -> str:
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200, path
    return plain(await answer.text())


@pytest.mark.parametrize("carte", ["482 130 577" + NUMBER[-1], UID, UID.lower()])
async def test_a_card_is_tried_at_a_door_with_the_reasons_and_nothing_passes(
    pool: Pool, paul: Client, carte: str
) -> None:
    answer = await paul.submit("/acces/essai", service="pool", point=str(pool.point), carte=carte)
    page = plain(await answer.text())
    assert answer.status == 200
    assert "Non, la porte reste fermée." in page
    assert "Compte piscine : 0,00 €." in page
    assert await pool.count(AuditRecord.action == "access-explained") == 1
    async with pool.site.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Tap)) == 0


async def test_a_number_that_cannot_be_right_is_told_and_kept(pool: Pool, paul: Client) -> None:
    answer = await paul.submit("/acces/essai", service="pool", point=str(pool.point), carte="4821305771")
    page = plain(await answer.text())
    assert 'aria-invalid="true"' in page
    assert 'value="4821305771"' in page
    for day in ("0001-01-01", "9999-12-31"):
        answer = await paul.submit("/acces/essai", service="pool", point=str(pool.point), carte=UID, jour=day)
        assert answer.status == 422
    assert await pool.count(AuditRecord.action == "access-explained") == 0


async def test_nobody_asks_at_another_service_s_door(pool: Pool, paul: Client) -> None:
    for fields in ({"service": "canteen", "point": str(pool.canteen)}, {"service": "pool", "point": str(pool.canteen)}):
        assert (await paul.submit("/acces/essai", carte=UID, **fields)).status == 404
    assert (await paul.get(f"/acces/points/{pool.canteen}")).status == 403
    assert (await paul.submit(f"/acces/points/{pool.canteen}/mode", mode="held_open", reason="visite")).status == 403


async def test_who_passes_stands_on_the_door_s_page_and_looking_is_written_down(pool: Pool, paul: Client) -> None:
    async with pool.site.database.write() as db:
        await take_tap(db, TapRequest(new_id(), pool.point, NOW, card_uid=UID), now=NOW)
        await take_tap(db, TapRequest(new_id(), pool.point, NOW, card_uid="04000000000000"), now=NOW)
    page = await read(paul, f"/acces/points/{pool.point}")
    assert "Jeanne" in page
    assert "carte inconnue" in page
    assert await pool.count(AuditRecord.action == "access-taps-seen") == 1
    assert "Jeanne" in await read(paul, f"/acces/points/{pool.point}/fragments/passages")
    assert await pool.count(AuditRecord.action == "access-taps-seen") == 1, "the same look goes on"


async def test_a_door_is_held_open_with_a_reason_and_its_page_says_so(pool: Pool, paul: Client) -> None:
    path = f"/acces/points/{pool.point}/mode"
    assert (await paul.submit(path, mode="held_open", reason="")).status == 422
    assert (await paul.submit(path, mode="held_open", reason="journée portes ouvertes")).status == 303
    async with pool.site.database.read() as db:
        assert (await db.get_one(AccessPoint, pool.point)).mode is PointMode.HELD_OPEN
    assert "Ouvert à tous" in await read(paul, "/acces/fragments/maintenant?service=pool")


async def test_a_forced_door_stands_on_the_page_until_the_next_day(pool: Pool, paul: Client) -> None:
    async with pool.site.database.write() as db:
        event = NewPointEvent(new_id(), pool.point, PointEventKind.FORCED, NOW - timedelta(minutes=3))
        old = NewPointEvent(new_id(), pool.point, PointEventKind.TAMPER, NOW - timedelta(days=2))
        more = [
            NewPointEvent(new_id(), pool.point, kind, NOW)
            for kind in (PointEventKind.WRONG_KEY, PointEventKind.DISK_FULL)
        ]
        await note_events(db, [event, old, *more], points=[pool.point], device_id=None, now=NOW)
    page = await read(paul, "/acces")
    assert "Porte forcée" in page
    assert "Lecteur ouvert ou arraché" not in page
    assert "Lecteur sans la bonne clé" in page
    assert "Disque du contrôleur plein" in page


async def test_what_a_door_did_without_its_line_is_billed_or_filed_once(pool: Pool, paul: Client) -> None:
    conflict = TapConflict(
        id=new_id(),
        kind=ConflictKind.WALLET_EMPTIED,
        service_code=ServiceCode.POOL,
        person_id=pool.jeanne,
        account_id=pool.account,
        day=NOW.date(),
        door_allowed=True,
        door_reason="paid",
        core_reason=Reason.WALLET_EMPTY,
        amount_cents=310,
    )
    async with pool.site.database.write() as db:
        db.add(conflict)
    page = await read(paul, "/acces")
    assert "Entré, et le compte s’est vidé entre-temps" in page
    assert "Rembourser" not in page
    path = f"/acces/ecarts/{conflict.id}"
    async with pool.site.signed_in("carole") as carole:
        assert (await carole.submit(path, outcome="given_up", reason="pas à moi")).status == 403
    for _ in range(2):
        assert (await paul.submit(path, outcome="billed", reason="ligne coupée")).status == 303
    assert (await paul.submit(path, outcome="given_up", reason="trop peu")).status == 409
    async with pool.site.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(TapConflictSettling)) == 1
    assert "Rien n’attend." in await read(paul, "/acces")
    assert await pool.count(AuditRecord.action == "tap-conflict-settled") == 1

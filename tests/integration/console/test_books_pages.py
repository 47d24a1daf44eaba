"""The pages of the books: who may read which, a month closed by its officer, editions made and taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.books.editions import MAKE_BOOK
from cvq_core.books.tables import BookClosing
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.offices.drawers import open_drawer
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.service import collect
from cvq_core.offices.store import appoint, create_sub_office
from cvq_core.offices.tables import SubOffice
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import create_counter, create_family, create_services, create_wallet, top_up
from tests.factories import make_staff
from tests.integration.desk_visits.ground import Caller, Ground, ground_on


@dataclass(frozen=True, slots=True)
class Office:
    """An office in April, of which Benoît is the officer, with what Odile collected in March at another place."""

    ground: Ground
    benoit: Caller
    odile: Caller
    auditor: Caller
    stranger: Caller
    main: SubOffice
    school: SubOffice

    @property
    def books(self) -> str:
        return str(self.main.office_id)

    async def page(self, who: Caller, path: str) -> str:
        answer = await who.get(path)
        assert answer.status == 200, answer.body
        return str(answer.body.decode())

    async def send(self, who: Caller, path: str, *, period: str = "2026-03", key: UUID | None = None) -> int:
        form = {"key": str(key or new_id()), "livre": self.books, "periode": period}
        async with self.ground.session.post(
            self.ground.url + path, data=form, headers=who.headers, allow_redirects=False
        ) as answer:
            return answer.status


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with ground_on(database_url, tmp_path) as ground:
        now = ground.hour()
        async with ground.database.write() as db:
            await create_services(db)
            wallet = await create_wallet(db, (await create_family(db, "F00009")).id)
            staff = {
                login: await make_staff(db, role, new_id(), login, name)
                for login, role, name in (
                    ("benoit", Role.CASH_OFFICER, "Benoît Rousseau"),
                    ("odile", Role.CASH_OFFICER, "Odile Brémaud"),
                    ("paul", Role.CASH_OFFICER, "Paul Roy"),
                    ("agathe", Role.AUDITOR, "Agathe Petit"),
                )
            }
            benoit, odile = Officer(staff["benoit"].id, "Benoît Rousseau"), Officer(staff["odile"].id, "Odile Brémaud")
            main = await create_counter(db, benoit, title=MandateTitle.OFFICER, is_main=True)
            school = await _school(db, main, odile, now)
            drawer = await open_drawer(db, new_id(), sub_office_id=school.id, officer=odile, float_cents=0, now=now)
            for cents in (1550, 700):
                await collect(
                    db,
                    key=new_id(),
                    drawer_id=drawer.id,
                    payables=[top_up(wallet.id, cents)],
                    means=Means.CASH,
                    tendered_cents=cents,
                    officer=odile,
                    now=now,
                )
        ground.staff.update({login: each.id for login, each in staff.items()})
        ground.hour.forward(days=32)
        callers = [await ground.as_staff(login) for login in ("benoit", "odile", "agathe", "paul")]
        yield Office(ground, *callers, main, school)


async def _school(db: AsyncSession, main: SubOffice, odile: Officer, now: datetime) -> SubOffice:

    school = await create_sub_office(
        db,
        sub_office_id=new_id(),
        office_id=main.office_id,
        code="POM-ECOLE",
        label="École de Pompaire",
        float_cents=3000,
        services=[ServiceCode.POOL],
        means=[Means.CASH],
        now=now,
    )
    await appoint(
        db,
        mandate_id=new_id(),
        staff_id=odile.staff_id,
        sub_office_id=school.id,
        title=MandateTitle.MANDATARY,
        valid_from=now.date() - timedelta(days=1),
    )
    return school


async def test_officer_and_auditor_read_the_office_a_mandatary_their_place_and_a_stranger_nothing(
    office: Office,
) -> None:
    march = f"/livres?livre={office.books}&periode=2026-03"
    place = f"/livres?livre={office.books}.{office.school.id}&periode=2026-03"
    for who in (office.benoit, office.auditor):
        assert "POM-000001 → POM-000002" in await office.page(who, march)
        assert "22,50" in await office.page(who, place)
    assert "POM-000001 → POM-000002" in await office.page(office.odile, place)
    assert (await office.odile.get(march)).status == 404
    assert "École de Pompaire" in await office.page(office.odile, "/livres")
    assert (await office.stranger.get("/livres")).status == 404
    for wrong in ("2026-3", "2027", "abc"):
        assert (await office.benoit.get(f"/livres?periode={wrong}")).status == 422


async def test_each_total_leads_to_its_lines(office: Office) -> None:
    page = await office.page(office.auditor, f"/livres?livre={office.books}&periode=2026-03")
    link = f"/livres/journal?livre={office.books}&amp;periode=2026-03&amp;service=pool&amp;moyen=cash"
    assert link in page
    lines = await office.page(office.auditor, link.replace("&amp;", "&"))
    assert lines.count("<tr id=") == 2
    assert 'id="ligne-1"' in lines
    assert "F00009" in lines
    assert "Moreau" not in lines
    other = await office.page(
        office.auditor, f"/livres/journal?livre={office.books}&periode=2026-03&moyen=cheque&page=x"
    )
    assert "Aucune ligne." in other


async def test_the_officer_closes_a_month_and_nobody_else(office: Office) -> None:
    march = f"/livres?livre={office.books}&periode=2026-03"
    assert "Arrêter mars 2026" in await office.page(office.benoit, march)
    assert "Arrêter mars 2026" not in await office.page(office.auditor, march)
    assert await office.send(office.odile, "/livres/arreter") == 404
    assert await office.send(office.auditor, "/livres/arreter") == 403
    key = new_id()
    assert [await office.send(office.benoit, "/livres/arreter", key=key) for _ in range(2)] == [303, 303]
    assert "arrêté le" in await office.page(office.auditor, march)
    async with office.ground.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(BookClosing)) == 1
        actions = list(await db.scalars(select(AuditRecord.action).where(AuditRecord.subject_kind == "book_closing")))
    assert set(actions) == {"month-closed"}


async def test_an_edition_is_made_in_the_background_and_its_files_are_for_those_who_may_read_them(
    office: Office,
) -> None:
    march = f"/livres?livre={office.books}&periode=2026-03"
    assert await office.send(office.auditor, "/livres/editions") == 303
    jobs = office.ground.services.jobs
    assert MAKE_BOOK in jobs.handlers
    # The server's own runner may have it in hand already: then the page says so until it is ready.
    async with asyncio.timeout(60):
        while "/xlsx" not in (page := await office.page(office.auditor, march)):
            await jobs.run_one()
            await asyncio.sleep(0.1)
    assert "provisoire" in page
    [path] = {
        part.split('"')[0]
        for part in page.split('href="')[1:]
        if part.startswith("/livres/editions/") and "xlsx" in part
    }
    answer = await office.benoit.get(path)
    assert (answer.status, answer.body[:2]) == (200, b"PK")
    assert (await office.odile.get(path)).status == 404
    assert (await office.benoit.get(path.replace("xlsx", "exe"))).status == 404
    async with office.ground.database.read() as db:
        taken = await db.scalar(select(func.count()).where(AuditRecord.action == "book-taken"))
    assert taken == 1

"""An administrator changes an act over its pages: what would change is shown first, and nothing is written before."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sqlalchemy import func, select

from cvq_core.acts.store import collects_on
from cvq_core.acts.tables import ActChange
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import Mandatary, SubOffice
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import TODAY, create_counter, create_officer, create_services
from tests.factories import make_staff
from tests.served import Client, Site, served


@pytest_asyncio.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with served(database_url, tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            await make_staff(db, Role.ADMINISTRATOR, None, "alain", "Alain Texier")
            await make_staff(db, Role.SECRETARY, new_id(), "martine")
            await create_counter(db, await create_officer(db), is_main=True)
        yield site


@pytest_asyncio.fixture
async def administrator(site: Site) -> AsyncIterator[Client]:
    async with site.signed_in("alain") as client:
        yield client


async def _place(site: Site) -> SubOffice:
    async with site.database.read() as db:
        return (await db.scalars(select(SubOffice))).one()


async def _changes(site: Site) -> int:
    async with site.database.read() as db:
        return await db.scalar(select(func.count()).select_from(ActChange)) or 0


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


async def test_what_would_change_is_shown_and_written_only_when_confirmed(site: Site, administrator: Client) -> None:
    place, today = await _place(site), TODAY
    address = f"/regies/lieux/{place.id}/acte"
    asked = {
        "key": str(new_id()),
        "holds_from": today.isoformat(),
        "s_pool": "oui",
        "m_cash": "oui",
        "m_card": "oui",
        "order": "Arrêté n° 2026-41",
        "signed_on": today.isoformat(),
    }
    answer = await administrator.submit(address, **asked)
    shown = _text(await answer.text())
    assert answer.status == 200
    assert "Cantine, Piscine Piscine" in shown
    assert "espèces, chèque espèces, carte bancaire" in shown
    assert await _changes(site) == 0

    back = await (await administrator.submit(address, **asked, step="edit")).text()
    assert re.search(r'name="m_card" value="oui" checked', back)
    assert not re.search(r'name="m_cheque" value="oui" checked', back)

    for _ in range(2):
        answer = await administrator.submit(address, **asked, step="write")
        assert (answer.status, answer.headers["Location"]) == (303, f"/regies/{place.office_id}")
    assert await _changes(site) == 1
    async with site.database.read() as db:
        now = await collects_on(db, place, today)
        noted = list(await db.scalars(select(AuditRecord.action).where(AuditRecord.action == "act-collects")))
    assert (now.services, now.means) == ({ServiceCode.POOL}, {Means.CASH, Means.CARD})
    assert noted == ["act-collects"]
    page = _text(await (await administrator.get(f"/regies/{place.office_id}")).text())
    assert "Arrêté n° 2026-41" in page
    assert "par Alain Texier" in page


async def test_a_refusal_keeps_what_was_written_and_changes_nothing(site: Site, administrator: Client) -> None:
    place, today = await _place(site), TODAY
    asked = {"key": str(new_id()), "order": "Arrêté n° 2026-41", "signed_on": today.isoformat(), "step": "write"}
    answer = await administrator.submit(f"/regies/lieux/{place.id}/limites", **asked, float="dix", ceiling="1000,00")
    page = await answer.text()
    assert answer.status == 422
    assert "Écrivez le montant comme 12,50." in page
    assert 'value="1000,00"' in page
    answer = await administrator.submit(
        f"/regies/{place.office_id}/limites",
        **{**asked, "order": "x"},
        cash_payment_max="100,00",
        top_up_max="500,00",
        remit_every_days="30",
    )
    assert answer.status == 422
    assert "Il manque l’arrêté" in await answer.text()
    assert await _changes(site) == 0


async def test_somebody_is_appointed_and_the_appointment_ended(site: Site, administrator: Client) -> None:
    place, today = await _place(site), TODAY
    order = {"order": "Arrêté n° 2026-41", "signed_on": today.isoformat(), "step": "write"}
    office = f"/regies/{place.office_id}"
    someone = {"login": "martine", "title": "mandatary", "place": str(place.id), "valid_from": today.isoformat()}
    key = new_id()
    answer = await administrator.submit(f"{office}/nommer", key=str(key), **someone, **order)
    assert answer.status == 303, await answer.text()
    answer = await administrator.submit(f"{office}/nommer", key=str(new_id()), **{**someone, "login": "alain"}, **order)
    assert answer.status == 403
    assert "On ne se nomme pas soi-même" in await answer.text()
    ending = f"/regies/nominations/{key}/fin"
    assert "Mairie de Pompaire" in await (await administrator.get(ending)).text()
    answer = await administrator.submit(ending, key=str(new_id()), last_day=today.isoformat(), **order)
    assert answer.status == 303
    async with site.database.read() as db:
        assert (await db.get_one(Mandatary, key)).valid_until == today


async def test_who_collects_reads_the_act_and_changes_nothing(site: Site) -> None:
    place = await _place(site)
    async with site.signed_in("martine") as secretary:
        page = await (await secretary.get(f"/regies/{place.office_id}")).text()
        assert "Odile Brémaud" in page
        assert "/nommer" not in page
        assert (await secretary.get(f"/regies/lieux/{place.id}/acte")).status == 403
        assert "/regies/" in await (await secretary.get("/regies")).text()

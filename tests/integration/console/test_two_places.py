"""Somebody who may collect at two places goes from one to the other, and no money falls into the wrong drawer."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.offices.rules import MandateTitle
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import Drawer, SubOffice
from cvq_core.staff.rules import Role
from tests.core_examples import TODAY, create_counter, create_officer, create_services
from tests.factories import make_staff
from tests.served import Client, Site, served


@pytest_asyncio.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with served(database_url, tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            martine = await make_staff(db, Role.SECRETARY, new_id(), "martine")
            for code in ("AMA", "POM"):
                place = await create_counter(db, await create_officer(db, code, code), code=code)
                place.label = f"Mairie {code}"
                await appoint(
                    db,
                    mandate_id=new_id(),
                    staff_id=martine.id,
                    sub_office_id=place.id,
                    title=MandateTitle.MANDATARY,
                    valid_from=TODAY,
                )
        yield site


@pytest_asyncio.fixture
async def martine(site: Site) -> AsyncIterator[Client]:
    async with site.signed_in("martine") as client:
        yield client


async def _places(site: Site) -> dict[str, SubOffice]:
    async with site.database.read() as db:
        return {place.label: place for place in await db.scalars(select(SubOffice))}


async def test_the_place_is_changed_and_remembered(site: Site, martine: Client) -> None:
    places = await _places(site)
    assert "Mairie AMA</span></h1>" in await (await martine.get("/caisse")).text()
    answer = await martine.submit("/caisse/lieu", place=str(places["Mairie POM"].id))
    assert (answer.status, answer.headers["Location"]) == (303, "/caisse")
    assert "Mairie POM</span></h1>" in await (await martine.get("/caisse")).text()
    assert (await martine.submit("/caisse/lieu", place=str(new_id()))).status == 403


async def test_a_page_left_open_moves_the_money_of_its_own_place(site: Site, martine: Client) -> None:
    places = await _places(site)
    page = await (await martine.get("/caisse")).text()
    found = re.search(r'action="([^"]*/caisse/ouvrir[^"]*)"', page)
    assert found is not None
    await martine.submit("/caisse/lieu", place=str(places["Mairie POM"].id))
    answer = await martine.submit(html.unescape(found[1]), drawer_id=str(new_id()), float="20,00")
    assert answer.status == 303
    async with site.database.read() as db:
        drawers = list(await db.scalars(select(Drawer.sub_office_id)))
    assert drawers == [places["Mairie AMA"].id]


async def test_an_address_of_somewhere_else_opens_nothing(site: Site, martine: Client) -> None:
    answer = await martine.submit(f"/caisse/ouvrir?lieu={new_id()}", drawer_id=str(new_id()), float="20,00")
    assert answer.status == 403

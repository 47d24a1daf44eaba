"""A canteen's tablet: Chromium before a real server with the village in its database."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from sqlalchemy import select

from cvq_core.access.tables import AccessPoint
from cvq_core.app import make_core
from cvq_core.cards.tables import Card
from cvq_core.database import Database
from cvq_core.devices.store import make_code
from cvq_core.devices.tables import Device
from cvq_core.people.tables import Person
from cvq_core.settings import Settings
from tests.factories import make_card

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
PICTURES = Path(__file__).parents[3] / "artefacts/tablet"


@dataclass(slots=True)
class Canteen:
    """The server, its database, and the browser that plays the tablet."""

    database: Database
    url: str
    window: BrowserContext

    async def code(self, point: str = "cantine-tallud") -> str:
        """Make an installation code for a tablet, the canteen's of Le Tallud."""
        async with self.database.write() as db:
            point_id = await db.scalar(select(AccessPoint.id).where(AccessPoint.code == point))
            assert point_id is not None
            return await make_code(db, kind="reader", subject_id=point_id, name="Cantine du Tallud", now=NOON)

    async def open(self) -> Page:
        """Open the tablet's page."""
        page = await self.window.new_page()
        await page.goto(f"{self.url}/tablette")
        return page

    async def installed(self) -> Page:
        """Open the page and enrol the tablet."""
        page = await self.open()
        await page.get_by_label("Code d’installation").fill(await self.code())
        await page.get_by_role("button", name="Installer cette tablette").click()
        await page.locator(".person").first.wait_for()
        return page

    async def card_of(self, given: str, family: str) -> str:
        """Return what a reader sees of somebody's card, as digits; a card is made where there is none."""
        async with self.database.write() as db:
            person = await db.scalar(select(Person).where(Person.given_names == given, Person.family_name == family))
            assert person is not None
            uid = await db.scalar(select(Card.uid).where(Card.person_id == person.id))
            return (
                uid if uid is not None else (await make_card(db, person, digits="482130588", uid="04A1B2C3D4E5F6")).uid
            )

    async def the_device(self) -> Device:
        """Return the one device that has enrolled."""
        async with self.database.read() as db:
            device = await db.scalar(select(Device))
        assert device is not None
        return device


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--lang=fr-FR",
            ],
        )
        yield chromium
        await chromium.close()


@pytest.fixture
async def canteen(browser: Browser, sqlite_village: Path, tmp_path: Path) -> AsyncIterator[Canteen]:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_village, file)
    url = f"sqlite:///{file}"
    database = Database(url)
    app = make_core(Settings(database_url=url, data_dir=tmp_path / "data"), clock=lambda: NOON)
    window = await browser.new_context(
        locale="fr-FR", viewport={"width": 1024, "height": 768}, has_touch=True, reduced_motion="reduce"
    )
    await window.clock.install(time=NOON)
    async with TestServer(app) as server:
        yield Canteen(database, str(server.make_url("")).rstrip("/"), window)
        await window.close()
    await database.close()

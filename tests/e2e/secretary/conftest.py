"""A village's town hall on a running server, and its secretary's browser."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from cvq_core.staff.rules import Role
from cvq_core.staff.tables import Staff
from cvq_desk.booking.tables import Booth, Organisation, TownHall
from tests.factories import (
    PASSWORD,
    make_booth,
    make_card,
    make_commune,
    make_organisation,
    make_person,
    make_reason,
    make_staff,
    make_town_hall,
)
from tests.served import Site, served

PICTURES = Path(__file__).parents[3] / "artefacts/secretary"
SCREEN: ViewportSize = {"width": 1280, "height": 800}
DEADLINE_MS = 30_000
# What a browser notes when an answer is a refusal, or when there is no line: no fault of the page.
NO_FAULTS = ("the server responded with a status of 4", "net::ERR_")

SignIn = Callable[..., Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class Village:
    """A running server with one town hall, three organisations, and people who bear the same name."""

    site: Site
    town_hall: TownHall
    booth: Booth
    msa: Organisation
    secretary: Staff
    jeanne: UUID

    async def picture(self, page: Page, name: str) -> None:
        """Keep what the page shows."""
        await page.screenshot(path=PICTURES / f"{name}.png")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=DEADLINE_MS)
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


@pytest_asyncio.fixture(loop_scope="module")
async def village(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Village]:
    """It is Tuesday, half past ten, at Le Tallud."""
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    async with served(f"sqlite:///{file}", tmp_path) as site:
        yield await settle(site)


async def settle(site: Site) -> Village:
    """Make the village: its town hall, its organisations, its people."""
    async with site.database.write() as db:
        town_hall = await make_town_hall(db)
        booth = await make_booth(db, town_hall)
        tallud = await make_commune(db, "79322", "Le Tallud")
        pompaire = await make_commune(db, "79213", "Pompaire")
        msa = await make_organisation(db, "msa", "Mutualité sociale agricole")
        await make_reason(db, msa, "Retraite agricole")
        mission = await make_organisation(db, "mission", "Mission locale", "Mission locale")
        await make_reason(db, mission, "Faire mon CV", minutes=60, bring=("Les anciens contrats de travail",))
        jeanne = await make_person(db, commune=tallud)
        await make_card(db, jeanne)
        await make_person(db, born=date(1988, 3, 1), commune=pompaire)
        await make_person(db, "Caillaud", "Alain", date(1960, 7, 14), tallud)
        secretary = await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie", "Sylvie Bernard")
    return Village(site, town_hall, booth, msa, secretary, jeanne.id)


@pytest_asyncio.fixture(loop_scope="module")
async def sign_in(browser: Browser) -> AsyncIterator[SignIn]:
    """Open a village's page as its secretary; at the end, the browser has complained about nothing."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in NO_FAULTS):
            complaints.append(message.text)

    async def open_page(village: Village, **options: object) -> Page:
        settings: dict[str, object] = {
            "viewport": SCREEN,
            "locale": "fr-FR",
            "reduced_motion": "reduce",
            "bypass_csp": False,
            **options,
        }
        context = await browser.new_context(**settings)  # type: ignore[arg-type]  # each option has a type of its own
        contexts.append(context)
        context.set_default_timeout(DEADLINE_MS)
        page = await context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{village.site.url}/connexion")
        await page.fill("[name=username]", "sylvie")
        await page.fill("[name=password]", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/mairie")
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert complaints == []

"""A sub-office with its office's own counter on a running server, and the browsers of those who collect."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint, create_sub_office
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.staff.rules import Role
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_member,
    create_services,
    create_wallet,
)
from tests.factories import PASSWORD, make_staff, make_town_hall
from tests.served import Site, served

PICTURES = Path(__file__).parents[3] / "artefacts/cash"
DEADLINE_MS = 30_000
MEANS = (Means.CASH, Means.CHEQUE, Means.CARD, Means.CESU, Means.ANCV)
SERVICES = (ServiceCode.POOL, ServiceCode.CANTEEN, ServiceCode.CRECHE)
CEILING_CENTS = 100_00

SignIn = Callable[[str], Awaitable[Page]]


@pytest_asyncio.fixture
async def office(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """The Moreau family with three wallets and an invoice; Odile at the school, Benoît at the office's counter."""
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    async with served(f"sqlite:///{file}", tmp_path) as site:
        await _settle(site)
        yield site


async def _settle(site: Site) -> None:
    async with site.database.write() as db:
        await create_services(db)
        await add_service(db, ServiceCode.CRECHE, service_id=new_id(), policy=FundingPolicy.REFUSE, valid_from=LONG_AGO)
        town_hall = await make_town_hall(db)
        odile = await make_staff(db, Role.SECRETARY, town_hall.id, "odile", "Odile Brémaud")
        benoit = await make_staff(db, Role.SECRETARY, town_hall.id, "benoit", "Benoît Rousseau")
        family = await create_family(db)
        await create_member(db, family.id, "Jeanne", FamilyRole.GUARDIAN)
        for service in SERVICES:
            await create_wallet(db, family.id, service)
        main = await create_counter(
            db, Officer(benoit.id, benoit.display_name), means=MEANS, title=MandateTitle.OFFICER, is_main=True
        )
        place = await create_sub_office(
            db,
            sub_office_id=new_id(),
            office_id=main.office_id,
            code="POM-ECOLE",
            label="École de Pompaire",
            float_cents=2000,
            services=SERVICES,
            means=MEANS,
            now=NOW,
        )
        place.ceiling_cents, place.ceiling_refuses = CEILING_CENTS, True
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=odile.id,
            sub_office_id=place.id,
            title=MandateTitle.MANDATARY,
            valid_from=TODAY,
        )
        await issue_invoice(
            db,
            new_id(),
            family_account_id=family.id,
            label="Février",
            lines=[Line(ServiceCode.CANTEEN, "Repas", 3, 500)],
            due_on=TODAY + timedelta(days=30),
            now=NOW,
        )


@pytest_asyncio.fixture
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
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--lang=fr-FR",
                # A page without a screen has no print preview: asked to print, it would crash.
                "--disable-print-preview",
            ],
        )
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture
async def sign_in(browser: Browser, office: Site) -> AsyncIterator[SignIn]:
    """Open the cash page as somebody; at the end, the browser has complained about nothing."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # What a browser notes when an answer is a refusal is no fault of the page.
        if message.type in ("error", "warning") and "responded with a status of 4" not in message.text:
            complaints.append(message.text)

    async def open_page(login: str) -> Page:
        context = await browser.new_context(
            viewport={"width": 1366, "height": 768}, locale="fr-FR", reduced_motion="reduce"
        )
        contexts.append(context)
        context.set_default_timeout(DEADLINE_MS)
        page = await context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{office.url}/connexion?next=/caisse")
        await page.fill("[name=username]", login)
        await page.fill("[name=password]", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: "/connexion" not in url)
        await page.goto(f"{office.url}/caisse")
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert complaints == []

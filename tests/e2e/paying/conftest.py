"""A server that collects online, a booth at work in this process, and a PayFiP on the loopback."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession
from playwright.async_api import BrowserContext, Page, Playwright, async_playwright

from cvq_booth.agent import Agent
from cvq_booth.desk import enrol
from cvq_booth.settings import BoothSettings
from cvq_core.devices.identity import Identity
from cvq_core.devices.store import make_code
from cvq_core.offices.rules import Means
from cvq_core.payments.virtual import VirtualPayFip
from cvq_core.web.context import SESSION_COOKIE
from cvq_desk.wire import ConsentManner
from tests.core_examples import create_counter, create_officer, create_services, create_wallet
from tests.integration.desk_visits.ground import Caller, Ground, ground_on
from tests.integration.desk_visits.test_consent import ask, say_yes

PICTURES = Path(__file__).parents[3] / "artefacts/paying"
CHROMIUM = ("--no-sandbox", "--disable-gpu")


@dataclass(frozen=True, slots=True)
class Till:
    """A visit whose account is open, with a wallet to top up, and the advisor who leads it."""

    ground: Ground
    payfip: VirtualPayFip
    nadia: Caller
    visit: str
    wallet: UUID

    async def console(self, context: BrowserContext) -> Page:
        """The advisor's page of the visit, on the tab of the account."""
        token = self.nadia.headers["Cookie"].partition("=")[2]
        await context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": self.ground.url}])
        page = await context.new_page()
        await page.goto(f"{self.ground.url}/console/{self.visit}")
        await page.get_by_role("tab", name="Compte").click()
        return page


@pytest.fixture
async def till(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Till]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    payfip = VirtualPayFip()
    await payfip.start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "payfip_client": "012345",
        "payfip_office": "POM-MAIRIE",
        "payfip_url": payfip.url,
        "payfip_email": "regie@pompaire.fr",
        "public_url": f"http://127.0.0.1:{port}",
    }
    async with ground_on(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path, port=port, **settings) as ground:
        payfip.clock = ground.hour
        async with ground.database.write() as db:
            await create_services(db)
            await create_counter(db, await create_officer(db), means=(Means.PAYFIP,))
            wallet = await create_wallet(db, ground.family.id)
        nadia = await ground.as_staff("nadia")
        visit = await ground.visit_in_call(nadia)
        await say_yes(ground, await ask(ground, nadia, visit), ConsentManner.SPOKEN)
        yield Till(ground, payfip, nadia, visit, wallet.id)
    await payfip.stop()


@asynccontextmanager
async def booth_of(till: Till, spool_dir: Path, **settings: Any) -> AsyncIterator[Agent]:
    """Run the booth's agent against the very server, until the block ends; its line is up."""
    facts: dict[str, Any] = {
        "desk_url": till.ground.url,
        "spool_dir": spool_dir,
        "screens_port": 0,
        "display": "none",
        "without_card_reader": True,
    }
    async with till.ground.database.write() as db:
        code = await make_code(db, kind="booth", subject_id=till.ground.booth, name="Guichet", now=till.ground.hour())
    async with ClientSession() as session:
        identity = await enrol(session, till.ground.url, code, Identity.new())
        agent = Agent(BoothSettings(**facts | settings), identity, session, software="test")
        work = asyncio.create_task(agent.run())
        try:
            async with asyncio.timeout(30):
                while agent._front.state.view is None:
                    assert not work.done(), work.exception()
                    await asyncio.sleep(0.05)
            yield agent
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


@pytest.fixture
def spool_dir() -> Any:
    """A folder on tmpfs that is gone afterwards."""
    path = Path("/dev/shm") / f"cvq-{uuid4().hex[:12]}"
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def driver() -> AsyncIterator[Playwright]:
    """What drives browsers, those too that somebody else has opened."""
    async with async_playwright() as playwright:
        yield playwright


@pytest.fixture
async def windows(driver: Playwright) -> AsyncIterator[Any]:
    """Browser windows, each somebody's own: `await windows(width, height)`."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    chromium = await driver.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))

    async def window(width: int, height: int, **more: Any) -> BrowserContext:
        return await chromium.new_context(viewport={"width": width, "height": height}, locale="fr-FR", **more)

    yield window
    await chromium.close()

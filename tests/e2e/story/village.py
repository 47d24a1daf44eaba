"""The people of the story and what they do at their pages, in their own words."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID, uuid4

from aiohttp import ClientSession
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, expect
from sqlalchemy import select

from cvq_advisor_console.demo.mailbox import Mailbox
from cvq_advisor_console.demo.site import PASSWORD, Site
from cvq_booth.virtual.camera import PAGE_SCRIPT
from cvq_core.access.tables import AccessPoint
from cvq_core.database import Database
from cvq_core.devices.store import make_code

ARTEFACTS = Path(__file__).parents[3] / "artefacts" / "story"
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
SCREEN: ViewportSize = {"width": 1920, "height": 1080}
DESK: ViewportSize = {"width": 1366, "height": 768}


class Reader:
    """A card reader that enrolled with a code and holds a key of its own."""

    def __init__(self, village: Village, token: str) -> None:
        self._village = village
        self._headers = {"Authorization": f"Bearer {token}"}

    async def tap(self, uid: str) -> dict[str, Any]:
        """Present a card."""
        body = {"id": str(uuid4()), "card_uid": uid, "tapped_at": self._village.site.now().isoformat()}
        return await self._post("/api/v1/taps", body)

    async def tick(self, person_id: UUID) -> dict[str, Any]:
        """Tick somebody on the tablet's list."""
        body = {"id": str(uuid4()), "person_id": str(person_id), "ticked_at": self._village.site.now().isoformat()}
        return await self._post("/api/v1/attendances", body)

    async def expected(self) -> list[dict[str, Any]]:
        """Return the tablet's list of the day."""
        url = f"{self._village.site.url}/api/v1/attendances/expected"
        async with ClientSession() as http, http.get(url, headers=self._headers) as answer:
            found: dict[str, list[dict[str, Any]]] = await answer.json()
            return found["expected"]

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        url = self._village.site.url + path
        async with ClientSession() as http, http.post(url, json=body, headers=self._headers) as answer:
            assert answer.status == 200, await answer.text()
            decided: dict[str, Any] = await answer.json()
            return decided


class Village:
    """One installation and everybody's browser windows. Pictures of each step go to `artefacts/story/`."""

    def __init__(self, site: Site, mailbox: Mailbox, *, booth: Browser, advisor: Browser, office: Browser) -> None:
        self.site = site
        self.mailbox = mailbox
        self._browsers = {"booth": booth, "advisor": advisor, "office": office}
        self._stack = AsyncExitStack()
        self._contexts: dict[str, BrowserContext] = {}
        self.troubles: list[str] = []
        self._pictures = 0
        self.screen_1: Page
        self.screen_2: Page
        self.console: Page
        self.mairie: Page

    async def __aenter__(self) -> Village:
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.screen_1 = await self._page("booth", SCREEN)
        self.screen_2 = await self._page("booth", SCREEN)
        self.console = await self._page("advisor", DESK)
        self.mairie = await self._page("office", DESK)
        await self.screen_1.goto(self.site.screen(1))
        await self.screen_2.goto(self.site.screen(2))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def show_failure(self) -> None:
        """Keep a picture of every window, and say what the programs said last."""
        for name in ("screen_1", "screen_2", "console", "mairie"):
            page: Page = getattr(self, name)
            await page.screenshot(path=ARTEFACTS / f"failed-{name}.png")
        for running in self.site.all_running():
            sys.stderr.write(f"--- {running.name}\n{running.last_words()}\n")
        sys.stderr.write("\n".join(self.troubles[-20:]))

    async def context(self, who: str, viewport: ViewportSize) -> BrowserContext:
        """Return somebody's browser; a second name gets a second one beside it."""
        if who not in self._contexts:
            browser = self._browsers.get(who, self._browsers["office"])
            context = await browser.new_context(viewport=viewport, locale="fr-FR")
            context.set_default_timeout(PATIENCE_MS)
            await context.add_init_script(path=PAGE_SCRIPT)
            self._contexts[who] = context
            self._stack.push_async_callback(context.close)
        return self._contexts[who]

    async def _page(self, who: str, viewport: ViewportSize) -> Page:
        page = await (await self.context(who, viewport)).new_page()
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._note(page, message))
        return page

    async def page_of(self, who: str) -> Page:
        """Open a further window for somebody who is not in the story from the start."""
        return await self._page(who, DESK)

    def _note(self, page: Page, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"{page.url}: {message.text}")

    async def picture(self, page: Page, name: str) -> None:
        """Keep a picture of a step."""
        self._pictures += 1
        await page.screenshot(path=ARTEFACTS / f"{self._pictures:02d}-{name}.png")

    # What people do

    async def sign_in(self, page: Page, login: str) -> None:
        """Sign in on the login page."""
        await page.goto(f"{self.site.url}/connexion")
        await page.get_by_label("Identifiant").fill(login)
        await page.get_by_label("Mot de passe").fill(PASSWORD)
        await page.get_by_label("Mot de passe").press("Enter")
        await page.wait_for_url(lambda url: "/connexion" not in url)

    async def book_now(self, *, who: str, organisation: str, reason: str) -> None:
        """Book somebody for now at the secretary's page: three fields and a when."""
        page = self.mairie
        await page.get_by_role("searchbox").fill(who)
        await page.locator("#found label.person", has_text="1941").click()
        await page.get_by_label("Organisme").select_option(label=organisation)
        await page.get_by_label("Pour quoi faire").select_option(label=reason)
        await page.locator("#when label.now").click()
        await page.get_by_role("button", name="Valider et imprimer").click()
        await expect(page.locator("#booked")).to_contain_text("Moreau")

    async def press_on_row(self, name: str, key: str) -> None:
        """Press one key on somebody's row of today's list."""
        row = self.mairie.locator("#today [data-row]", has_text=name).first
        await row.get_by_role("button").first.focus()
        await self.mairie.keyboard.press(key)

    def lay_card(self, uid: str) -> None:
        """Lay a card on the booth's reader."""
        self._tell(self.site.cards_control, {"do": "lay", "uid": uid})

    def take_card(self) -> None:
        """Take the card away."""
        self._tell(self.site.cards_control, {"do": "remove"})

    def printer(self, **command: object) -> dict[str, Any]:
        """Tell the virtual printer something."""
        return self._tell(self.site.printer_control, dict(command))

    @staticmethod
    def _tell(control: Path | None, command: dict[str, object]) -> dict[str, Any]:
        assert control is not None
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(30)
            line.connect(str(control))
            line.sendall(json.dumps(command).encode() + b"\n")
            with line.makefile() as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        assert answer.get("ok"), answer
        return answer

    async def reader(self, point_code: str) -> Reader:
        """Install a reader at an access point, as its technician would: a code, a key, a token."""
        database = Database(self.site.database_url)
        try:
            async with database.write() as db:
                point = (await db.scalars(select(AccessPoint).where(AccessPoint.code == point_code))).one()
                code = await make_code(db, kind="reader", subject_id=point.id, name=point.label, now=self.site.now())
        finally:
            await database.close()
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        device = await self._post(
            "/api/v1/devices/enrol", {"code": code, "kind": "reader", "public_key": _text(public)}
        )
        asked = await self._post("/api/v1/devices/challenge", {"device_id": device["device_id"]})
        challenge = base64.urlsafe_b64decode(asked["challenge"] + "==")
        signature = key.sign(b"cvq-device-token:" + challenge)
        proof = {
            "device_id": device["device_id"],
            "challenge": asked["challenge"],
            "signature": _text(signature),
        }
        return Reader(self, (await self._post("/api/v1/devices/token", proof))["token"])

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with ClientSession() as http, http.post(self.site.url + path, json=body) as answer:
            assert answer.status in (200, 201), await answer.text()
            said: dict[str, Any] = await answer.json()
            return said

    # What one sees

    async def sees_other_end(self, page: Page, video: str, end: str, frames: int = 15) -> None:
        """Wait until a picture has shown `frames` different frames of the camera at `end`."""
        seen: set[int] = set()
        script = """selector => {
            const video = document.querySelector(selector);
            return video?.videoWidth ? cvqMarks.readMark(video) : null;
        }"""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while len(seen) < frames:
                mark = await page.evaluate(script, video)
                if mark is not None:
                    assert mark["end"] == end, f"{video} shows {mark['end']}"
                    seen.add(mark["frame"])
                await asyncio.sleep(0.02)

    async def hears(self, page: Page, media: str) -> None:
        """Wait until sound with energy has come in for a while."""
        script = """async selector => {
            const stream = document.querySelector(selector)?.srcObject;
            if (!stream?.getAudioTracks().length) return 0;
            const context = new AudioContext();
            const analyser = context.createAnalyser();
            context.createMediaStreamSource(stream).connect(analyser);
            await new Promise(resolve => setTimeout(resolve, 400));
            const samples = new Float32Array(analyser.fftSize);
            analyser.getFloatTimeDomainData(samples);
            await context.close();
            return samples.reduce((sum, value) => sum + value * value, 0);
        }"""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not await page.evaluate(script, media) > 0:
                await asyncio.sleep(0.1)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")

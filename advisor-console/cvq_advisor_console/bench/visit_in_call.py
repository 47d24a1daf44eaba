"""One visit in the middle of its call, on a whole installation: what the benches of a session measure on.

Server, booth and machines are the demonstration's processes; the advisor, the secretary and the booth's two screens are
pages in two Chromium processes, and all goes the way that people go.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cvq_advisor_console.bench.conditions import BenchError
from cvq_advisor_console.demo.browsers import film, marks_script, open_browser
from cvq_advisor_console.demo.site import PASSWORD, Site

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

PATIENCE_S = 90.0
POLL_S = 0.02
FRAMES = 5
RESIDENT = "moreau jeanne 12 05 1941"
ORGANISATION = "Communauté de communes de Parthenay-Gâtine"
REASON = "Inscrire un enfant à la cantine"
FORM = "Inscription à la cantine"
FACES = {"console": "#face-remote", "screen 1": "#face"}

MARK = """selector => {
    const video = document.querySelector(selector);
    return video?.videoWidth ? cvqMarks.readMark(video)?.frame ?? null : null;
}"""

NOTE_QUEUE = """() => {
    new MutationObserver(() => {
        if (window.cvqQueued === undefined && document.body.textContent.includes('Jeanne Moreau')) {
            window.cvqQueued = performance.timeOrigin + performance.now();
        }
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""
# The page may be replaced by the answer, so what it notes outlives it.
NOTE_SENDING = """() => document.addEventListener(
    'submit', () => { window.cvqSent ??= performance.timeOrigin + performance.now(); }, true)"""


@dataclass(frozen=True, slots=True)
class VisitInCall:
    """The installation and the pages of a visit whose call is live and whose form is open."""

    site: Site
    console: Page
    screen_1: Page
    screen_2: Page
    chromium: str
    queue_ms: float
    """From the secretary's booking for now to the name in the advisor's queue, without a reload."""

    async def frames_move(self, frames: int = FRAMES) -> None:
        """Wait until both ends have decoded `frames` further different frames.

        Raises:
            BenchError: they did not in time.
        """
        await asyncio.gather(
            _frames_move(self.console, FACES["console"], frames), _frames_move(self.screen_1, FACES["screen 1"], frames)
        )

    async def is_mirrored(self, value: str) -> None:
        """Wait until screen 2 shows `value` as the answer that is being written.

        Raises:
            BenchError: it did not in time.
        """
        script = "value => document.querySelector('#scene .now-writing .value')?.textContent.trim() === value"
        await until(self.screen_2, script, value, "what was typed")


@asynccontextmanager
async def visit_in_call(
    *, database_url: str = "", booth_settings: Callable[[Site], Awaitable[dict[str, str]]] | None = None
) -> AsyncIterator[VisitInCall]:
    """Bring an installation to the middle of a visit; nothing of it is left afterwards.

    Args:
        database_url: an empty database; by default a SQLite file of its own.
        booth_settings: the booth's settings, by their names in the environment, once the server's address is known.

    Raises:
        BenchError: the call did not come to stand, or a page never showed what it should.
        BrowserMissing: browsers cannot run here.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cvq-bench-visit-")))
        advisors, booths = [
            await stack.enter_async_context(open_browser(await film(folder, end))) for end in ("advisor", "resident")
        ]
        site = Site(folder / "site", database_url=database_url)
        if booth_settings:
            site.add_booth_settings(await booth_settings(site))
        stack.push_async_callback(site.stop)
        await site.prepare()
        await site.start()
        screen_1 = await _page(stack, booths, site.screen(1))
        screen_2 = await _page(stack, booths, site.screen(2))
        console = await _page(stack, advisors, f"{site.url}/connexion")
        secretary = await _page(stack, advisors, f"{site.url}/connexion")
        await _sign_in(secretary, "martine")
        await _sign_in(console, "hugo")
        queue_ms = await _book_and_seat(secretary, console)
        await _call(console)
        visit = VisitInCall(site, console, screen_1, screen_2, advisors.version, queue_ms)
        await visit.frames_move()
        yield visit


async def until(page: Page, condition: str, argument: object, what: str) -> None:
    """Wait until a condition of a page holds, also across its reloads.

    Raises:
        BenchError: it did not within 90 seconds.
    """
    from playwright.async_api import Error as PlaywrightError

    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while loop.time() < deadline:
        try:
            if await page.evaluate(condition, argument):
                return
        except PlaywrightError as error:
            # A page that is being loaded anew has no answer yet.
            if "context was destroyed" not in error.message:
                raise
        await asyncio.sleep(POLL_S)
    raise BenchError(f"{page.url} waited in vain for {what}")


async def _frames_move(page: Page, video: str, frames: int) -> None:
    seen: set[int] = set()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while len(seen) < frames:
        if loop.time() > deadline:
            raise BenchError(f"{page.url} does not see the other end")
        frame = await page.evaluate(MARK, video)
        if frame is not None:
            seen.add(frame)
        await asyncio.sleep(POLL_S)


async def _page(stack: AsyncExitStack, browser: Browser, url: str) -> Page:
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="fr-FR")
    stack.push_async_callback(context.close)
    context.set_default_timeout(PATIENCE_S * 1000)
    await context.add_init_script(path=marks_script())
    page = await context.new_page()
    await page.goto(url)
    return page


async def _sign_in(page: Page, login: str) -> None:
    await page.get_by_label("Identifiant").fill(login)
    await page.get_by_label("Mot de passe").fill(PASSWORD)
    await page.get_by_label("Mot de passe").press("Enter")
    await page.wait_for_url(lambda url: "/connexion" not in url)


async def _book_and_seat(secretary: Page, console: Page) -> float:
    """Book for now and seat, as the secretary does; return after how many milliseconds the advisor's queue says so."""
    await secretary.get_by_role("searchbox").fill(RESIDENT)
    await secretary.locator("#found label.person", has_text="1941").click()
    await secretary.get_by_label("Organisme").select_option(label=ORGANISATION)
    await secretary.get_by_label("Pour quoi faire").select_option(label=REASON)
    await secretary.locator("#when label.now").click()
    await console.evaluate(NOTE_QUEUE)
    await secretary.evaluate(NOTE_SENDING)
    await secretary.get_by_role("button", name="Valider et imprimer").click()
    row = secretary.locator("#today [data-row]", has_text="Moreau").first
    await row.wait_for()
    await until(console, "() => window.cvqQueued !== undefined", None, "the queue")
    queue_ms = await console.evaluate("cvqQueued") - await secretary.evaluate("cvqSent")
    for key in ("a", "s"):
        await row.get_by_role("button").first.focus()
        async with secretary.expect_response(lambda answer: answer.request.method == "POST"):
            await secretary.keyboard.press(key)
    return float(queue_ms)


async def _call(console: Page) -> None:
    """Take, call, and open the form, as the advisor does."""
    await console.get_by_role("button", name="Prendre Jeanne Moreau").click()
    await console.wait_for_url("**/console/*")
    await console.get_by_role("button", name="Appeler le guichet").click()
    await until(console, "() => document.querySelector('#face')?.dataset.face === 'live'", None, "the call")
    await console.get_by_role("tab", name="Formulaire").click()
    await console.get_by_role("button", name=FORM).click()
    await console.locator("form[data-draft-url]").wait_for()

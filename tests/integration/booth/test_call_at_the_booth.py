"""A call as it is lived at the booth: ring, face, curtain, hanging up; with a console's page at the other end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from cvq_booth.virtual.camera import write_camera
from cvq_booth.virtual.figure import End
from cvq_booth.virtual.voice import write_voice
from cvq_desk.wire import CallReport, CallState, ConsentAnswer, Devices, HelpAsked, Phase
from tests.integration.booth.conftest import working_agent
from tests.integration.booth.desk_stand_in import DeskStandIn, eventually
from tests.integration.calls.stage import open_browser, until
from tests.unit.booth.booth_states import CONSENT, form, question, view, visit

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What the page did with the camera, seen from outside of it.
WATCH_CAMERA = """
globalThis.opened = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wishes) => {
  const scene = document.body.dataset.scene;
  const stream = await open(wishes);
  opened.push({ scene, stream, at: Date.now() });
  return stream;
};
"""
# A player that never begins, as Chromium's does now and then on a busy machine; not so once the page begins anew.
BLACK_ONCE = """
if (performance.getEntriesByType("navigation")[0].type !== "reload") {
  Object.defineProperty(HTMLMediaElement.prototype, "readyState", { get: () => HTMLMediaElement.HAVE_NOTHING });
}
"""
LIVE_TRACKS = "opened.flatMap(({ stream }) => stream.getTracks()).filter((track) => track.readyState === 'live').length"

# A browser that nobody has touched yet, and that keeps the page silent: whether Chromium does depends on its policy.
SILENT_UNTIL_TOUCHED = """
let touched = false;
addEventListener("pointerdown", () => { touched = true; }, { capture: true });
globalThis.AudioContext = class extends AudioContext {
  #silent = !touched;
  get state() { return this.#silent ? "suspended" : super.state; }
  resume() { return this.#silent ? new Promise(() => {}) : super.resume(); }
};
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browsers(tmp_path_factory) -> AsyncIterator[tuple[Browser, Browser, Browser]]:
    """The booth's, the console's, and one on a machine without camera and microphone."""
    films: dict[End, tuple[Path, Path]] = {}
    folder = tmp_path_factory.mktemp("films")
    for end in End:
        films[end] = (
            write_camera(folder / f"{end}.y4m", end, seconds=4),
            write_voice(folder / f"{end}.wav", end),
        )
    async with (
        async_playwright() as playwright,
        open_browser(playwright, *films[End.RESIDENT]) as booth,
        open_browser(playwright, *films[End.ADVISOR]) as console,
        open_browser(playwright, None, None) as bare,
    ):
        yield booth, console, bare


@pytest_asyncio.fixture(loop_scope="module")
async def desk() -> AsyncIterator[DeskStandIn]:
    async with DeskStandIn() as stand_in:
        stand_in.view = view()
        yield stand_in


class Windows:
    """Opens pages, each in a window of its own, and closes them when the test is over."""

    def __init__(self, booth: Browser, console: Browser, bare: Browser) -> None:
        self._booth, self._console, self._bare = booth, console, bare
        self._contexts: list[BrowserContext] = []

    async def screen(self, address: str, *, bare: bool = False, script: str = WATCH_CAMERA) -> Page:
        """Open one of the booth's screens; `bare`: on a machine without camera and microphone."""
        page = await self._open(self._bare if bare else self._booth)
        await page.add_init_script(script)
        await page.goto(address)
        await page.wait_for_function("() => document.body.dataset.scene !== 'starting'")
        return page

    async def console(self, desk: DeskStandIn) -> Page:
        """Open the advisor's page."""
        page = await self._open(self._console)
        await page.goto(desk.url.replace("127.0.0.1", "localhost") + "/console/console.html")
        await until(page, "() => globalThis.stage?.ready")
        return page

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()

    async def _open(self, browser: Browser) -> Page:
        context = await browser.new_context(viewport={"width": 1366, "height": 768})
        self._contexts.append(context)
        return await context.new_page()


@pytest_asyncio.fixture(loop_scope="module")
async def windows(browsers) -> AsyncIterator[Windows]:
    opened = Windows(*browsers)
    yield opened
    await opened.close()


def ringing(seconds: float = 3.0):
    until_then = datetime.now(UTC) + timedelta(seconds=seconds)
    return view(Phase.RINGING, visit(call=CallState.RINGING, ringing_until=until_then))


async def answered_call(desk: DeskStandIn, screen: Page) -> None:
    """Ring, wait for the booth's answer, and let the desk say that the call is live."""
    await desk.show(ringing())
    await expect(screen.get_by_role("heading", name="Nadia vous appelle")).to_be_visible()
    await desk.heard(CallReport, lambda report: report.state == "answered")
    await desk.show(view(Phase.WELCOME, visit()))
    await screen.wait_for_function("() => document.body.dataset.scene === 'call'")


async def test_the_camera_stays_closed_until_the_ring_was_seen_to_its_end_and_the_two_then_see_each_other(
    windows, desk, spool_dir
):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1])
        console = await windows.console(desk)
        began = await screen.evaluate("Date.now()")
        await desk.show(ringing())
        await expect(screen.get_by_role("heading", name="Nadia vous appelle")).to_be_visible()
        assert await screen.evaluate("opened.length") == 0
        await expect(screen.locator("#no-sound")).to_be_hidden()
        await console.evaluate("stage.call()")
        await desk.heard(CallReport, lambda report: report.state == "answered")
        await desk.show(view(Phase.WELCOME, visit()))
        await until(screen, "() => opened.length === 1")
        opened = await screen.evaluate("({ scene: opened[0].scene, at: opened[0].at })")
        assert opened["scene"] == "call", "the ring was over"
        assert opened["at"] - began >= 2900
        await desk.heard(CallReport, lambda report: report.state == "connected")
        await until(screen, "() => document.getElementById('face').videoWidth > 0")
        await until(console, "() => stage.mark()?.end === 'resident'")
        await expect(screen.locator("#scene").get_by_text("On vous voit et on vous entend")).to_be_visible()
        await expect(screen.locator("#self")).to_be_visible()


async def test_a_ring_that_the_browser_keeps_silent_says_so_and_a_touch_makes_it_heard(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir, ring_s=20.0) as agent:
        screen = await windows.screen(agent.addresses[1], script=SILENT_UNTIL_TOUCHED)
        await desk.show(ringing(20))
        await expect(screen.locator("#no-sound")).to_be_visible()
        await screen.locator("main").click()
        await expect(screen.locator("#no-sound")).to_be_hidden()


async def test_hanging_up_closes_the_camera_and_calling_again_rings_again(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1])
        await answered_call(desk, screen)
        await until(screen, f"() => {LIVE_TRACKS} === 2")
        await desk.show(view(Phase.WELCOME, visit(call=CallState.HUNG_UP)))
        await expect(screen.get_by_role("heading", name="L’appel est en pause.")).to_be_visible()
        await until(screen, f"() => {LIVE_TRACKS} === 0")
        heard = len(desk.messages)
        await desk.show(ringing())
        await expect(screen.get_by_role("heading", name="Nadia vous appelle")).to_be_visible()
        await desk.heard(CallReport, lambda report: report.state == "answered", after=heard)
        await until(screen, f"() => {LIVE_TRACKS} === 2")


async def test_the_curtain_hides_both_screens_and_nothing_leaves_meanwhile(windows, desk, spool_dir):
    sending = "opened[0].stream.getTracks().filter((track) => track.enabled).length"
    async with working_agent(desk, spool_dir) as agent:
        one = await windows.screen(agent.addresses[1])
        two = await windows.screen(agent.addresses[2])
        await answered_call(desk, one)
        await desk.show(view(Phase.FORM, visit(form=form())))
        await until(one, f"() => opened.length && {sending} === 2")
        await two.keyboard.press("Escape")
        for page in (one, two):
            await page.wait_for_function("() => document.body.dataset.scene === 'curtain'")
            assert not await page.locator("#stage").is_visible()
        await until(one, f"() => {sending} === 0")
        assert "Léa" not in await two.content()
        await one.keyboard.press("Escape")
        await until(one, f"() => {sending} === 2")
        await two.wait_for_function("() => document.body.dataset.scene === 'form'")


async def test_a_curtain_drawn_while_it_rings_keeps_the_camera_closed_until_it_is_opened(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1])
        await desk.show(ringing())
        await expect(screen.get_by_role("heading", name="Nadia vous appelle")).to_be_visible()
        await screen.keyboard.press("Escape")
        await screen.wait_for_function("() => document.body.dataset.scene === 'curtain'")
        await eventually(lambda: agent._front._conduct.ends_at and datetime.now(UTC) > agent._front._conduct.ends_at)
        assert await screen.evaluate("opened.length") == 0
        await screen.keyboard.press("Escape")
        await until(screen, "() => opened.length === 1")


async def test_a_booth_without_camera_and_microphone_says_so_and_goes_on(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1], bare=True)
        await windows.screen(agent.addresses[2], bare=True)
        console = await windows.console(desk)
        await console.evaluate("stage.call()")
        await answered_call(desk, screen)
        await desk.heard(CallReport, lambda report: report.state == "no_devices")
        await expect(
            screen.locator("#scene").get_by_text("On ne vous voit pas et on ne vous entend pas")
        ).to_be_visible()
        await desk.heard(HelpAsked, lambda asked: asked.reason == "machine")
        await desk.heard(Devices, lambda told: any(device.trouble == "no_camera" for device in told.devices))
        await until(screen, "() => document.getElementById('face').videoWidth > 0")


async def test_the_resident_can_hide_the_picture_of_oneself(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1])
        await answered_call(desk, screen)
        await screen.get_by_role("button", name="Cacher mon image").click()
        await expect(screen.locator("#self")).to_be_hidden()
        await screen.get_by_role("button", name="Voir mon image").click()
        await expect(screen.locator("#self")).to_be_visible()


async def test_a_reloaded_screen_is_back_in_the_call_without_ringing(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1])
        console = await windows.console(desk)
        await console.evaluate("stage.call()")
        await answered_call(desk, screen)
        await until(console, "() => stage.states.face === 'connected'")
        await screen.reload()
        await until(screen, "() => document.getElementById('face').videoWidth > 0")
        assert await screen.evaluate("opened[0].scene") == "call"


async def test_a_face_that_stays_black_although_pictures_arrive_is_shown_by_a_page_that_begins_anew(
    windows, desk, spool_dir
):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1], script=BLACK_ONCE)
        console = await windows.console(desk)
        await console.evaluate("stage.call()")
        await answered_call(desk, screen)
        await until(screen, "() => performance.getEntriesByType('navigation')[0].type === 'reload'")
        await until(screen, "() => document.getElementById('face').videoWidth > 0")


async def test_the_call_goes_on_when_the_line_to_the_desk_is_cut(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1])
        two = await windows.screen(agent.addresses[2])
        console = await windows.console(desk)
        await console.evaluate("stage.call()")
        await answered_call(desk, screen)
        await until(screen, "() => document.getElementById('face').videoWidth > 0")
        desk.refuse_lines = True
        await desk.cut()
        await expect(two.locator("#scene").get_by_text("La ligne est coupée, elle revient toute seule.")).to_be_visible(
            timeout=15_000
        )
        before = await screen.evaluate("document.getElementById('face').currentTime")
        await until(screen, "before => document.getElementById('face').currentTime > before + 0.3", before)
        assert await screen.evaluate("document.body.dataset.scene") == "call"


async def test_a_booth_whose_line_is_cut_says_so_after_a_moment_and_recovers(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[2])
        desk.refuse_lines = True
        await desk.cut()
        await expect(screen.get_by_role("heading", name="Le guichet n’a plus de ligne.")).to_be_visible(timeout=15_000)
        desk.refuse_lines = False
        await expect(screen.get_by_role("heading", name="Prochain rendez-vous")).to_be_visible(timeout=15_000)


async def test_what_the_resident_answers_reaches_the_desk_even_through_a_cut(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        one = await windows.screen(agent.addresses[1])
        two = await windows.screen(agent.addresses[2])
        await answered_call(desk, one)
        await desk.show(view(Phase.CARD, visit(consent=question())))
        await expect(two.get_by_role("button", name="Oui")).to_be_visible()
        await two.wait_for_timeout(800)  # the page arms its buttons a little after the question came
        desk.refuse_lines = True
        await desk.cut()
        await two.keyboard.press("o")
        await expect(two.locator("#scene").get_by_text("Vous avez dit oui.")).to_be_visible()
        desk.refuse_lines = False
        answer = await desk.heard(ConsentAnswer)
        assert (answer.consent_id, answer.agreed) == (CONSENT, True)
        assert len(desk.all(ConsentAnswer)) == 1


async def test_the_window_that_the_advisor_shares_fills_screen_2(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        one = await windows.screen(agent.addresses[1])
        two = await windows.screen(agent.addresses[2])
        console = await windows.console(desk)
        await answered_call(desk, one)
        await desk.show(view(Phase.FORM, visit(window_shared=True)))
        await console.evaluate("stage.shareWindow()")
        await until(two, "() => document.getElementById('window').videoWidth > 0")
        await expect(two.locator("#stage")).to_be_visible()
        await desk.show(view(Phase.FORM, visit(form=form())))
        await expect(two.locator("#stage")).to_be_hidden()


async def test_help_is_asked_for_once_however_often_the_key_is_pressed(windows, desk, spool_dir):
    async with working_agent(desk, spool_dir) as agent:
        screen = await windows.screen(agent.addresses[1])
        for _ in range(5):
            await screen.keyboard.press("F12")
        await expect(screen.locator("#scene").get_by_text("La secrétaire est prévenue.")).to_be_visible()
        await desk.heard(HelpAsked)
        assert len(desk.all(HelpAsked)) == 1

"""The screens' pages in a real browser: what can be read, pressed and reached, in every state."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import async_playwright, expect

from cvq_booth.screens.messages import Answered, Pressed
from cvq_booth.screens.present import Renderer
from cvq_booth.screens.server import ScreenServer
from tests.integration.booth.desk_stand_in import eventually
from tests.unit.booth.booth_states import CONSENT, STATES, form, state, visit

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHROMIUM = "/usr/bin/chromium"
AXE = Path(__file__).parents[3] / "node_modules/axe-core/axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Resident:
    """Who is told what the pages say."""

    def __init__(self) -> None:
        self.said: list = []
        self.pages: dict = {}
        self.changes = 0

    async def page_said(self, screen, message) -> None:
        self.said.append(message)

    async def pages_changed(self) -> None:
        self.changes += 1

    def page_file(self, page_id):
        return self.pages.get(page_id)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser():
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], chromium_sandbox=False
        )
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def resident():
    return Resident()


@pytest_asyncio.fixture(loop_scope="module")
async def server(resident):
    serving = ScreenServer(port=0, key=None, renderer=Renderer("fr", ZoneInfo("Europe/Paris")), listener=resident)
    serving.show(STATES["idle"], {1: None, 2: None})
    await serving.start()
    yield serving
    await serving.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser):
    opened = await browser.new_context(viewport={"width": 1920, "height": 1080})
    yield opened
    await opened.close()


async def open_screen(context, server, screen):
    """Open a screen's page and wait until it is on its line."""
    page = await context.new_page()
    page.trouble = []
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("console", lambda message: page.trouble.append(message.text) if message.type == "error" else None)
    await page.goto(server.address(screen))
    await eventually(lambda: screen in server.present)
    return page


async def show(page, server, name_or_state) -> None:
    """Show a state and wait until the page has drawn it."""
    shown = STATES[name_or_state] if isinstance(name_or_state, str) else name_or_state
    server.show(shown, {1: None, 2: None})
    number = int(await page.evaluate("document.body.dataset.screen"))
    wanted = server._renderer.frame(number, shown).scene
    await page.wait_for_function("scene => document.body.dataset.scene === scene", arg=wanted)


def different_states(screen) -> list[str]:
    """Return the states of which the screen shows something else than of those before."""
    renderer, seen = Renderer("fr", ZoneInfo("Europe/Paris")), {}
    for name, shown in STATES.items():
        seen.setdefault(renderer.frame(screen, shown).html, name)
    return list(seen.values())


# What can be read


@pytest.mark.parametrize("screen", [1, 2])
async def test_axe_finds_nothing_in_any_state(context, server, screen):
    page = await open_screen(context, server, screen)
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = {}
    for name in different_states(screen):
        await show(page, server, name)
        report = await page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", AXE_TAGS
        )
        if report["violations"]:
            found[name] = [(v["id"], [node["html"] for node in v["nodes"]]) for v in report["violations"]]
    assert found == {}
    assert page.trouble == []


SMALL_TEXT = """
least => [...document.querySelectorAll('#scene *')]
  .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()))
  .filter(node => !node.closest('.unseen') && node.getClientRects().length)
  .map(node => [node.textContent.trim().slice(0, 40), parseFloat(getComputedStyle(node).fontSize)])
  .filter(([, size]) => size < least)
"""


@pytest.mark.parametrize("screen", [1, 2])
async def test_no_text_is_smaller_than_28_pixels_at_1080p_and_nothing_has_to_be_scrolled(context, server, screen):
    page = await open_screen(context, server, screen)
    for name in different_states(screen):
        await show(page, server, name)
        assert await page.evaluate(SMALL_TEXT, 28) == [], name
        over = await page.evaluate("document.documentElement.scrollHeight - innerHeight")
        assert over <= 0, f"{name} is {over} px too high"


@pytest.mark.parametrize("screen", [1, 2])
async def test_a_smaller_screen_shows_every_state_without_scrolling(context, server, screen):
    page = await open_screen(context, server, screen)
    await page.set_viewport_size({"width": 1366, "height": 768})
    for name in different_states(screen):
        await show(page, server, name)
        over = await page.evaluate("document.documentElement.scrollHeight - innerHeight")
        assert over <= 0, f"{name} is {over} px too high"


@pytest.mark.parametrize("screen", [1, 2])
async def test_at_200_percent_nothing_is_cut_off_at_the_sides(context, server, screen):
    page = await open_screen(context, server, screen)
    await page.set_viewport_size({"width": 960, "height": 540})
    for name in different_states(screen):
        await show(page, server, name)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


async def test_the_field_being_written_is_at_least_64_pixels_high(context, server):
    page = await open_screen(context, server, 2)
    await show(page, server, "form")
    assert await page.evaluate("parseFloat(getComputedStyle(document.querySelector('.value')).fontSize)") >= 64


async def test_of_a_long_answer_the_end_is_seen(context, server):
    page = await open_screen(context, server, 2)
    await show(page, server, "form_long")
    await expect(page.locator(".value")).to_contain_text("le mercredi et le samedi")
    box, field = await page.locator(".value").bounding_box(), await page.locator(".field").bounding_box()
    assert box["y"] + box["height"] <= field["y"] + field["height"]
    bottom = await page.evaluate(
        "(() => { const range = document.createRange(); const text = document.querySelector('.value').firstChild;"
        "range.setStart(text, text.length - 3); range.setEnd(text, text.length);"
        "return range.getBoundingClientRect().bottom })()"
    )
    assert bottom <= field["y"] + field["height"]


async def test_what_is_typed_is_said_once_it_rests(context, server):
    page = await open_screen(context, server, 2)
    for value in ("l", "lu", "lundi"):
        await show(page, server, state(phase_of_form(), visit(form=form(4, value=value))))
    said = page.locator("#said")
    await expect(said).to_contain_text("Jours de repas lundi", timeout=10_000)
    await show(page, server, "goodbye")
    await expect(said).to_contain_text("Vos lunettes")


def phase_of_form():
    return STATES["form"].view.phase


async def test_the_clock_goes_by_the_booths_own_zone(context, server):
    page = await open_screen(context, server, 1)
    hour = await page.evaluate(
        "new Date().toLocaleTimeString('fr', {timeZone: 'Europe/Paris', hour: 'numeric', minute: '2-digit'})"
    )
    hours, minutes = hour.split(":")
    await expect(page.locator("[data-clock]")).to_have_text(f"{int(hours)}\u00a0h\u00a0{minutes}")


# What can be pressed


async def answers_of(resident, count=1):
    await eventually(lambda: sum(isinstance(message, Answered) for message in resident.said) >= count)
    return [message for message in resident.said if isinstance(message, Answered)]


async def armed_question(context, server):
    page = await open_screen(context, server, 2)
    await show(page, server, "consent")
    # What comes under a resting hand is not taken for an answer; the page arms its buttons a little later.
    await page.wait_for_timeout(800)
    return page


@pytest.mark.parametrize(
    ("keys", "agreed"),
    [(["o"], True), (["n"], False), (["F1"], True), (["F2"], False), (["ArrowDown", "ArrowDown", "Enter"], False)],
)
async def test_the_question_is_answered_by_key(context, server, resident, keys, agreed):
    page = await armed_question(context, server)
    for key in keys:
        await page.keyboard.press(key)
    (answer,) = await answers_of(resident)
    assert (answer.question_id, answer.agreed, answer.manner) == (CONSENT, agreed, "key")


async def test_the_question_is_answered_by_touch(context, server, resident):
    page = await armed_question(context, server)
    await page.get_by_role("button", name="Oui").click()
    (answer,) = await answers_of(resident)
    assert (answer.agreed, answer.manner) == (True, "touch")


async def test_enter_alone_answers_nothing(context, server, resident):
    page = await armed_question(context, server)
    for key in ("Enter", "Space", "Tab", "a"):
        await page.keyboard.press(key)
    await page.keyboard.press("F12")
    await eventually(lambda: any(isinstance(message, Pressed) for message in resident.said))
    assert not any(isinstance(message, Answered) for message in resident.said)


RESTING_HAND = """
new MutationObserver((_, hand) => {
  if (!document.querySelector("[data-question]")) return;
  hand.disconnect();
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "o" }));
}).observe(document.getElementById("scene"), { childList: true, subtree: true });
"""


async def test_a_question_that_appears_under_a_resting_hand_is_not_answered(context, server, resident):
    page = await open_screen(context, server, 2)
    await page.evaluate(RESTING_HAND)
    await show(page, server, "consent")
    await page.keyboard.press("F12")
    await eventually(lambda: any(isinstance(message, Pressed) for message in resident.said))
    assert not any(isinstance(message, Answered) for message in resident.said)


@pytest.mark.parametrize("screen", [1, 2])
async def test_one_key_calls_the_secretary_and_one_hides_the_screens(context, server, resident, screen):
    page = await open_screen(context, server, screen)
    await show(page, server, "welcome")
    for key in ("F12", "Escape", "F9"):
        await page.keyboard.press(key)
    await eventually(lambda: len(resident.said) == 3)
    assert [message.what for message in resident.said] == ["help", "curtain", "curtain"]


async def test_the_machine_can_be_stopped_by_touch(context, server, resident):
    page = await open_screen(context, server, 2)
    await show(page, server, "scan_running")
    await page.get_by_role("button", name="Arrêter").click()
    await eventually(lambda: resident.said)
    assert resident.said == [Pressed(type="pressed", what="stop")]


# What is drawn while it comes


def jpeg(colour, width=200, height=40) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG", quality=95)
    return out.getvalue()


def band(top, page=1) -> dict:
    return {"page": page, "top": top, "height": 40, "page_width": 200, "page_height": 280}


PIXEL = "y => [...document.getElementById('growing').getContext('2d').getImageData(450, y, 1, 1).data.slice(0, 3)]"


async def colour_at(page, y, wanted) -> None:
    await page.wait_for_function(
        f"([y, wanted]) => ({PIXEL})(y).every((part, index) => Math.abs(part - wanted[index]) < 12)", arg=[y, wanted]
    )


async def test_the_page_grows_while_it_is_scanned(context, server):
    page = await open_screen(context, server, 2)
    await show(page, server, "scan_running")
    server.band(band(0), jpeg((200, 30, 30)))
    await colour_at(page, 90, [200, 30, 30])
    server.band(band(40), jpeg((30, 30, 200)))
    await colour_at(page, 270, [30, 30, 200])
    await colour_at(page, 90, [200, 30, 30])
    assert page.trouble == []


async def test_a_reloaded_screen_has_the_growing_page_again(context, server):
    page = await open_screen(context, server, 2)
    await show(page, server, "scan_running")
    server.band(band(0), jpeg((200, 30, 30)))
    await colour_at(page, 90, [200, 30, 30])
    await page.reload()
    await colour_at(page, 90, [200, 30, 30])


async def test_the_growing_page_survives_what_is_drawn_around_it(context, server):
    page = await open_screen(context, server, 2)
    await show(page, server, "scan_running")
    server.band(band(0), jpeg((200, 30, 30)))
    await colour_at(page, 90, [200, 30, 30])
    server.show(
        state(STATES["scan_running"].view.phase, visit(), activity=STATES["scan_running"].activity, help_asked=True), {}
    )
    await expect(page.get_by_text("La secrétaire est prévenue.")).to_be_visible()
    await colour_at(page, 90, [200, 30, 30])


async def test_a_page_that_is_whole_is_shown_from_the_spool_and_to_nobody_else(context, server, resident, tmp_path):
    page_id = uuid4()
    path = tmp_path / "page.jpg"
    path.write_bytes(jpeg((10, 120, 40), 210, 297))

    class Head:
        media_type = "image/jpeg"

    resident.pages[page_id] = (Head, path)
    page = await open_screen(context, server, 2)
    done = STATES["scan_done"].activity
    await show(page, server, state(STATES["scan_done"].view.phase, visit(), activity=replace_page(done, page_id)))
    picture = page.get_by_alt_text("Votre feuille, copiée")
    await picture.wait_for()
    await page.wait_for_function("() => document.querySelector('.sheet img').naturalWidth === 210")
    async with aiohttp.ClientSession() as stranger, stranger.get(f"{base(server)}/pages/{page_id}") as answer:
        assert answer.status == 403


def replace_page(activity, page_id):
    from dataclasses import replace

    return replace(activity, page_id=page_id)


# Who may reach it


def base(server) -> str:
    return f"http://127.0.0.1:{server.port}"


async def test_without_the_key_nothing_of_the_screens_can_be_had(server):
    async with aiohttp.ClientSession() as stranger:
        for path in ("/screen/1", "/screen/2?key=wrong", "/screen/1/live", "/forget/1", f"/pages/{uuid4()}"):
            async with stranger.get(base(server) + path, allow_redirects=False) as answer:
                assert answer.status == 403, path
                assert "Mairie" not in await answer.text()


async def test_the_key_leaves_the_address_at_once(context, server):
    page = await open_screen(context, server, 1)
    assert server.key not in page.url
    assert await page.evaluate("document.cookie") == "", "no script can read it either"


async def test_another_host_name_and_another_pages_origin_are_refused(server):
    cookie = {f"cvq_screen_{server.port}": server.key}
    async with aiohttp.ClientSession(cookies=cookie, cookie_jar=aiohttp.CookieJar(unsafe=True)) as stranger:
        async with stranger.get(f"{base(server)}/screen/1", headers={"Host": "rebound.example"}) as answer:
            assert answer.status == 421
        for headers in ({"Origin": "http://evil.example"}, {"Origin": f"http://localhost:{server.port}"}, {}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await stranger.ws_connect(f"{base(server)}/screen/1/live", headers=headers)
            assert refusal.value.status == 403


async def test_every_answer_forbids_storing_framing_and_foreign_scripts(server):
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as kiosk:
        for url in (server.address(1), base(server) + "/booth/screens.css", base(server) + "/nowhere"):
            async with kiosk.get(url) as answer:
                assert answer.headers["Cache-Control"] == "no-store"
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "path", ["/booth/../server.py", "/static/../__init__.py", "/booth/%2e%2e/server.py", "/booth/"]
)
async def test_only_the_screens_own_files_are_served(server, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert b" 404 " in answer.split(b"\r\n")[0]
    assert b"import" not in answer


async def test_the_port_listens_on_loopback_only(server):
    assert [address[0] for address in server._runner.addresses] == ["127.0.0.1"]


# When something goes wrong


async def test_a_page_that_talks_nonsense_is_not_believed(context, server, resident):
    page = await open_screen(context, server, 1)
    await page.evaluate(
        """() => new Promise(done => { const socket = new WebSocket('ws://' + location.host + '/screen/2/live');
        socket.onopen = () => { for (const text of ['x', '{}', '{"type":"pressed","what":"wipe"}', '[]'])
          socket.send(text); socket.send('{"type":"pressed","what":"help"}'); setTimeout(done, 100); }; })"""
    )
    await eventually(lambda: resident.said)
    assert resident.said == [Pressed(type="pressed", what="help")]


async def test_a_second_window_takes_the_screen_over_and_the_first_says_so(context, server):
    first = await open_screen(context, server, 1)
    second = await context.new_page()
    await second.goto(server.address(1))
    await expect(first.get_by_text("Cet écran est ouvert ailleurs.")).to_be_visible()
    await show(second, server, "closed")
    assert await first.evaluate("document.body.dataset.scene") == "idle"


async def test_an_agent_that_is_started_again_finds_the_open_page_and_the_page_the_newest_state(context, resident):
    renderer = Renderer("fr", ZoneInfo("Europe/Paris"))
    first = ScreenServer(port=0, key=None, renderer=renderer, listener=resident)
    first.show(STATES["idle"], {1: None, 2: None})
    await first.start()
    page = await open_screen(context, first, 1)
    await first.stop()
    second = ScreenServer(port=first.port, key=first.key, renderer=renderer, listener=resident)
    second.show(STATES["closed"], {1: None, 2: None})
    await second.start()
    try:
        await expect(page.get_by_role("heading", name="Le guichet est fermé.")).to_be_visible(timeout=20_000)
        assert not await page.locator("#cut-off").is_visible()
    finally:
        await second.stop()


async def test_a_page_whose_agent_stays_away_says_what_to_do(context, resident):
    server = ScreenServer(port=0, key=None, renderer=Renderer("fr", ZoneInfo("Europe/Paris")), listener=resident)
    server.show(STATES["idle"], {1: None, 2: None})
    await server.start()
    page = await open_screen(context, server, 2)
    await server.stop()
    await expect(page.get_by_text("Un instant, le guichet redémarre.")).to_be_visible(timeout=20_000)


async def test_forgetting_empties_the_pages(context, server):
    page = await open_screen(context, server, 2)
    await show(page, server, "goodbye")
    await page.evaluate("localStorage.setItem('marker', 'Léa Moreau'); globalThis.former = true")
    server.show(STATES["wiped"], {1: None, 2: None})
    server.forget()
    await page.wait_for_function(
        "() => !globalThis.former && localStorage.getItem('marker') === null && document.body.dataset.scene === 'idle'"
    )
    await eventually(lambda: 2 in server.present)
    assert "261124" not in await page.content()
    history = json.loads(await page.evaluate("JSON.stringify(history.length)"))
    assert history <= 2

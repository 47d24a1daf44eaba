"""The kiosk on a real X server: two windows side by side, that come back, and that trust their own pages only."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest
from aiohttp import web

from cvq_booth.kiosk import Kiosk, WindowPlace
from cvq_booth.screens.present import Renderer
from cvq_booth.screens.server import ScreenServer
from tests.integration.booth.desk_stand_in import eventually
from tests.integration.booth.x_server import x_server
from tests.unit.booth.booth_states import STATES

PLACES = (WindowPlace(1, (0, 0), (640, 480)), WindowPlace(2, (640, 0), (640, 480)))
FLAGS = ("--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--ozone-platform=x11")


class Screens:
    async def page_said(self, screen, message) -> None: ...

    async def pages_changed(self) -> None: ...

    def page_file(self, page_id): ...


@asynccontextmanager
async def kiosk(profiles: Path, address, display: str) -> AsyncIterator[Kiosk]:
    env = {**os.environ, "DISPLAY": display}
    env.pop("WAYLAND_DISPLAY", None)
    windows = Kiosk(
        chromium=Path("/usr/bin/chromium"),
        places=PLACES,
        profiles=profiles,
        address=address,
        flags=FLAGS,
        env=env,
    )
    await windows.start()
    try:
        yield windows
    finally:
        await windows.stop()


@pytest.fixture
async def screens():
    serving = ScreenServer(port=0, key=None, renderer=Renderer("fr", ZoneInfo("Europe/Paris")), listener=Screens())
    serving.show(STATES["idle"], {1: None, 2: None})
    await serving.start()
    yield serving
    await serving.stop()


def windows_of(display: str) -> list[tuple[int, int, int, int]]:
    """Return the left, top, width and height of Chromium's windows that are to be seen."""
    tree = subprocess.run(
        ["xwininfo", "-root", "-tree", "-display", display], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r'"Guichet, écran \d[^"]*".*?(\d+)x(\d+)\+-?\d+\+-?\d+\s+\+(-?\d+)\+(-?\d+)', tree)
    return sorted((int(left), int(top), int(width), int(height)) for width, height, left, top in found)


def processes_with(profiles: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(profiles) in part for part in process.info["cmdline"] or []):
            found.append(process)
    return found


async def test_each_screen_has_its_window_at_its_place_and_its_page_in_it(screens, spool_dir):
    async with x_server(1280, 480) as display, kiosk(spool_dir / "kiosk", screens.address, display):
        await eventually(lambda: screens.present == {1, 2})
        await eventually(lambda: windows_of(display) == [(0, 0, 640, 480), (640, 0, 640, 480)])


async def test_a_window_that_crashes_comes_back_by_itself_on_a_fresh_profile(screens, spool_dir):
    async with x_server(1280, 480) as display, kiosk(spool_dir / "kiosk", screens.address, display) as windows:
        await eventually(lambda: screens.present == {1, 2})
        (spool_dir / "kiosk" / "1" / "profile" / "left-behind").write_text("MARKER")
        first = windows.processes[1].pid
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: 1 not in screens.present)
        await eventually(lambda: 1 in screens.present and windows.processes[1].pid != first)
        assert not (spool_dir / "kiosk" / "1" / "profile" / "left-behind").exists()


async def test_closing_leaves_no_process_and_no_profile(screens, spool_dir):
    async with x_server(1280, 480) as display:
        async with kiosk(spool_dir / "kiosk", screens.address, display) as windows:
            await eventually(lambda: screens.present == {1, 2})
        await eventually(lambda: processes_with(spool_dir / "kiosk") == [])
        assert windows.remove_profiles() == 2
        assert not (spool_dir / "kiosk").exists()
        assert windows.remove_profiles() == 0


async def test_windows_do_not_outlive_an_agent_that_is_killed(screens, spool_dir):
    async with x_server(1280, 480) as display:
        program = (
            "import asyncio, sys\nfrom pathlib import Path\n"
            "from cvq_booth.kiosk import Kiosk, WindowPlace\n"
            "async def main():\n"
            f"    kiosk = Kiosk(chromium=Path('/usr/bin/chromium'), places=[WindowPlace(1, (0, 0), (640, 480))],\n"
            f"                  profiles=Path({str(spool_dir / 'kiosk')!r}), flags={list(FLAGS)!r},\n"
            f"                  address=lambda _: {screens.address(1)!r})\n"
            "    await kiosk.start()\n    await asyncio.sleep(600)\nasyncio.run(main())\n"
        )
        agent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, env={**os.environ, "DISPLAY": display}
        )
        await eventually(lambda: 1 in screens.present)
        agent.kill()
        await agent.wait()
        await eventually(lambda: processes_with(spool_dir / "kiosk") == [])


CAMERA_PAGE = """<!doctype html><title>A page</title><script type="module">
const opening = navigator.mediaDevices.getUserMedia({ video: true, audio: true });
const answer = await opening.then(() => "opened", (error) => error.name);
await fetch("/answer?" + answer);
</script>"""


async def test_the_screens_own_address_gets_the_camera_and_no_other_does(spool_dir):
    answers: dict[int, list[str]] = {}

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=CAMERA_PAGE, content_type="text/html")

    async def answer(request: web.Request) -> web.Response:
        answers.setdefault(request.url.port, []).append(request.query_string)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/answer", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    ports = []
    for _ in range(2):
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports = [address[1] for address in runner.addresses]
    own, other = (f"http://127.0.0.1:{port}/" for port in ports)
    asked: list[int] = []

    def address(screen: int) -> str:
        # The profile is written for the first address that is asked for; the window then opens the second.
        asked.append(screen)
        return own if screen == 1 or asked.count(screen) % 2 == 1 else other

    try:
        async with x_server(1280, 480) as display, kiosk(spool_dir / "kiosk", address, display):
            await eventually(lambda: len(answers) == 2)
    finally:
        await runner.cleanup()
    assert answers == {ports[0]: ["opened"], ports[1]: ["NotAllowedError"]}

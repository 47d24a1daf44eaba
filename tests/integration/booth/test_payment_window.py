"""A payment’s own page above screen 2 reaches the bank alone, leaves the way back free, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web

from cvq_booth.kiosk import BAR_PX, PaymentWindow, WindowPlace
from tests.integration.booth.desk_stand_in import eventually
from tests.integration.booth.test_kiosk import FLAGS, processes_with
from tests.integration.booth.x_server import x_server

BELOW = WindowPlace(2, (640, 0), (640, 480))
PAGE = """<!doctype html><title>Page de la banque</title><script type="module">
const tried = {};
for (const [name, url] of Object.entries({ own: "/here", name: "http://localhost:PORT/here",
  other: "http://127.0.0.2:PORT/here", far: "http://example.com/" })) {
  tried[name] = await fetch(url, { mode: "no-cors" }).then(() => "reached", () => "not reached");
}
tried.camera = await navigator.mediaDevices.getUserMedia({ video: true }).then(() => "opened", (e) => e.name);
localStorage.setItem("card", "MARKER");
await fetch("/answer", { method: "POST", body: JSON.stringify(tried) });
</script>"""


class Bank:
    """A page on the loopback that tries what a payment's page must not be able to do."""

    def __init__(self) -> None:
        self.answers: list[dict[str, str]] = []
        self.hosts: list[str] = []
        self.port = 0

    async def page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE.replace("PORT", str(self.port)), content_type="text/html")

    async def here(self, request: web.Request) -> web.Response:
        self.hosts.append(request.url.host or "")
        return web.Response()

    async def answer(self, request: web.Request) -> web.Response:
        self.answers.append(await request.json())
        return web.Response()


@asynccontextmanager
async def bank() -> AsyncIterator[Bank]:
    served = Bank()
    app = web.Application()
    app.router.add_get("/", served.page)
    app.router.add_get("/here", served.here)
    app.router.add_post("/answer", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    served.port = runner.addresses[0][1]
    try:
        yield served
    finally:
        await runner.cleanup()


@asynccontextmanager
async def payment_window(spool: Path, display: str) -> AsyncIterator[tuple[PaymentWindow, list[bool]]]:
    closed: list[bool] = []
    window = PaymentWindow(
        chromium=Path("/usr/bin/chromium"),
        below=BELOW,
        folder=spool / "3",
        hosts=["127.0.0.1"],
        on_closed=lambda: closed.append(True),
        flags=FLAGS,
        env={name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"} | {"DISPLAY": display},
    )
    try:
        yield window, closed
    finally:
        await window.close()


def places(display: str) -> list[tuple[int, int, int, int]]:
    tree = subprocess.run(
        ["xwininfo", "-root", "-tree", "-display", display], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r'"Page de la banque[^"]*".*?(\d+)x(\d+)\+-?\d+\+-?\d+\s+\+(-?\d+)\+(-?\d+)', tree)
    return [(int(left), int(top), int(width), int(height)) for width, height, left, top in found]


async def test_the_window_reaches_what_it_may_and_nothing_else_and_leaves_the_way_back_free(spool_dir: Path) -> None:
    async with bank() as served, x_server(1280, 480) as display, payment_window(spool_dir, display) as (window, _):
        await window.show(f"http://127.0.0.1:{served.port}/")
        await eventually(lambda: served.answers)
        assert served.answers == [
            {
                "own": "reached",
                "name": "not reached",
                "other": "not reached",
                "far": "not reached",
                "camera": "NotAllowedError",
            }
        ]
        assert served.hosts == ["127.0.0.1"]
        await eventually(lambda: places(display) == [(640, 0, 640, 480 - BAR_PX)])
        await window.close()
        assert places(display) == []
        await eventually(lambda: not processes_with(spool_dir))
        assert not (spool_dir / "3").exists()


async def test_a_window_that_somebody_closes_is_told_and_leaves_nothing(spool_dir: Path) -> None:
    async with bank() as served, x_server(1280, 480) as display, payment_window(spool_dir, display) as (window, closed):
        await window.show(f"http://127.0.0.1:{served.port}/")
        await eventually(lambda: served.answers)
        for process in processes_with(spool_dir):
            # What ends with its parent may be gone by now.
            if "--type=" not in " ".join(process.info["cmdline"]):
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        await eventually(lambda: closed == [True])
        assert not (spool_dir / "3").exists()


@pytest.mark.parametrize(
    "address", ["--gpu-launcher=xterm", "file:///etc/passwd", "http://bank.example/", "chrome://gpu"]
)
async def test_what_is_no_address_of_a_page_opens_nothing(spool_dir: Path, address: str) -> None:
    async with payment_window(spool_dir, ":none") as (window, closed):
        await window.show(address)
        await eventually(lambda: closed == [True])
        await eventually(lambda: not processes_with(spool_dir))


async def test_of_openings_and_closings_in_a_row_the_last_one_counts(spool_dir: Path) -> None:
    async with bank() as served, x_server(1280, 480) as display, payment_window(spool_dir, display) as (window, closed):
        address = f"http://127.0.0.1:{served.port}/"
        await asyncio.gather(window.show(address), window.close(), window.show(address), window.close())
        await eventually(lambda: not processes_with(spool_dir))
        assert not (spool_dir / "3").exists()
        assert closed == [], "whoever closes it knows"

"""The stage of the call tests: a small site of their own, its signalling relay, and browsers with virtual cameras.

The relay stands for the desk: it carries each signal to the other end of a room, and can be cut, or made to lose,
repeat or keep what passes through it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from playwright.async_api import Browser, Error, Page, Playwright

from cvq_booth.virtual.camera import PAGE_SCRIPT
from cvq_core.assets import STATIC

PAGES = Path(__file__).parent / "pages"
CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 30_000
POLL_S = 0.05

QUIET_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    # A page without a screen has no print preview: asked to print, it would crash.
    "--disable-print-preview",
]

Signal = dict[str, Any]
Deliver = Callable[[Signal], Awaitable[None]]


class Relay:
    """Carries signals between the two ends of a room; the newest page of an end is the one that is served."""

    def __init__(self) -> None:
        self.open = True
        self.passed: list[Signal] = []
        self._ends: dict[tuple[str, str], Deliver] = {}
        self._sockets: set[web.WebSocketResponse] = set()

    def join(self, room: str, end: str, deliver: Deliver) -> Callable[[Signal], Awaitable[None]]:
        """Take part as one end of a room from within the test; returns what sends to the other end."""
        self._ends[room, end] = deliver

        async def send(signal: Signal) -> None:
            await self._carry(room, end, json.loads(json.dumps(signal)))

        return send

    async def cut(self) -> None:
        """Close every line and refuse new ones."""
        self.open = False
        for socket in list(self._sockets):
            with suppress(ConnectionError):
                await socket.close()

    def restore(self) -> None:
        """Let lines be opened again."""
        self.open = True

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one end's WebSocket."""
        if not self.open:
            raise web.HTTPServiceUnavailable
        room, end = request.query["room"], request.query["end"]
        socket = web.WebSocketResponse(max_msg_size=256 * 1024)
        await socket.prepare(request)
        self._sockets.add(socket)

        async def deliver(signal: Signal) -> None:
            with suppress(ConnectionError):
                await socket.send_json(signal)

        self._ends[room, end] = deliver
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    data = json.loads(message.data)
                    if data == "ping":
                        await socket.send_json("pong")
                    else:
                        await self._carry(room, end, data)
        finally:
            self._sockets.discard(socket)
            if self._ends.get((room, end)) is deliver:
                del self._ends[room, end]
        return socket

    async def _carry(self, room: str, sender: str, signal: Signal) -> None:
        self.passed.append(signal)
        for (other_room, end), deliver in list(self._ends.items()):
            if other_room == room and end != sender:
                await deliver(signal)


class Site:
    """Where the pages are, and the relay between them."""

    def __init__(self, url: str, relay: Relay) -> None:
        self.url = url
        self.relay = relay


@asynccontextmanager
async def serve_site(host: str = "localhost") -> AsyncIterator[Site]:
    """Serve the product's modules, the test's pages and the relay on a free port, of loopback unless said."""
    relay = Relay()

    async def marks(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE_SCRIPT)

    application = web.Application()
    application.router.add_get("/signals", relay.handle)
    application.router.add_get("/marks.js", marks)
    application.router.add_static("/static/", STATIC)
    application.router.add_static("/pages/", PAGES)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0)
        await site.start()
        port = runner.addresses[0][1]
        yield Site(f"http://{host}:{port}", relay)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def open_browser(
    playwright: Playwright,
    camera: Path | None,
    voice: Path | None,
    *,
    program: str | Path = CHROMIUM,
    origin: str | None = None,
) -> AsyncIterator[Browser]:
    """Start a Chromium process of its own that films `camera` and hears `voice`; without them it has no devices.

    Pages of `origin` may use the camera although it is neither loopback nor encrypted.
    """
    flags = list(QUIET_FLAGS)
    if origin is not None:
        flags.append(f"--unsafely-treat-insecure-origin-as-secure={origin}")
    if camera is not None and voice is not None:
        flags += [
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
            f"--use-file-for-fake-audio-capture={voice}",
        ]
    browser = await playwright.chromium.launch(
        executable_path=program, args=flags, ignore_default_args=["--mute-audio"], chromium_sandbox=False
    )
    try:
        yield browser
    finally:
        await browser.close()


async def until(page: Page, condition: str, arg: Any = None) -> None:
    """Wait until a condition holds in a page; it may be a promise, which Playwright's own wait takes for true.

    A page that begins anew meanwhile is asked again: the question went with the page that it was put to.
    """

    async def holds() -> bool:
        try:
            return bool(await page.evaluate(condition, arg))
        except Error as error:
            if "because of a navigation" not in error.message:
                raise
            return False

    try:
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not await holds():
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        log = await page.evaluate("globalThis.stage && JSON.stringify([stage.states, stage.log])")
        raise AssertionError(f"never true: {condition} ({arg!r}); the page says {log}") from None


@asynccontextmanager
async def open_page(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Open a page in a window of its own; an error that it does not catch fails the test."""
    context = await browser.new_context(viewport={"width": 640, "height": 480})
    errors: list[str] = []
    try:
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(url)
        yield page
        assert errors == []
    finally:
        await context.close()

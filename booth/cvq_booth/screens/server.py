"""The two screens' pages on loopback: HTML of the newest state, and a WebSocket each on which it changes.

Whoever else runs a program or a page on this machine must not reach them: the port listens on loopback only, the Host
and the Origin are checked, and a key that only the kiosk's address holds opens the pages.

To a page go JSON objects told apart by `type`: `scene` (the HTML and the scene's name), `call` (what the camera and the
peers are to do), `signal`, `line`, `band` (followed by one binary frame: a JPEG), `forget` and `taken_over`.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import structlog
from aiohttp import WSMsgType, web
from pydantic import ValidationError

from cvq_booth.screens import words
from cvq_booth.screens.messages import FRAME_BYTES_MAX, FromPage, from_page
from cvq_booth.screens.present import OWN_STATIC, Frame, Renderer, Screen
from cvq_booth.screens.state import BoothState
from cvq_core.assets import STATIC
from cvq_desk.wire import PageHead

log = structlog.get_logger(__name__)

LOOPBACK = "127.0.0.1"
QUEUE_MAX = 256
BANDS_MAX = 200
PAGE_MESSAGES_MAX_A_SECOND = 200
STATIC_TYPES = {".css", ".js", ".svg", ".woff2"}

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ScreenListener(Protocol):
    """Who is told what happens at the screens."""

    async def page_said(self, screen: Screen, message: FromPage) -> None:
        """A page sent a message."""

    async def pages_changed(self) -> None:
        """A page came or went; `ScreenServer.present` tells which are there."""

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return a page of the present visit and its image."""


@dataclass(slots=True)
class _Page:
    """One open page. Its queue is bounded: a page that does not read is closed, and comes back to the newest state."""

    screen: Screen
    socket: web.WebSocketResponse
    queue: asyncio.Queue[tuple[str, bytes | None]] = field(default_factory=lambda: asyncio.Queue(QUEUE_MAX))
    frame: Frame | None = None
    call: str = ""
    choked: bool = False

    def put(self, message: dict[str, Any] | str, binary: bytes | None = None) -> None:
        text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        try:
            self.queue.put_nowait((text, binary))
        except asyncio.QueueFull:
            self.choked = True


class ScreenServer:
    """Serves both screens and pushes every change of `show` to them."""

    def __init__(self, *, port: int, key: str | None, renderer: Renderer, listener: ScreenListener) -> None:
        self._wanted_port = port
        self._renderer = renderer
        self._listener = listener
        self._pages: dict[Screen, _Page] = {}
        self._state: BoothState | None = None
        self._call: dict[Screen, str] = {1: "null", 2: "null"}
        self._bands: list[tuple[str, bytes]] = []
        self._runner: web.AppRunner | None = None
        self._key = key or new_key()
        self.port = 0

    # Life

    async def start(self) -> None:
        """Listen. `port` then tells where.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.add_routes(
            [
                web.get("/screen/{number:[12]}", self._screen),
                web.get("/screen/{number:[12]}/live", self._live),
                web.get("/forget/{number:[12]}", self._forget),
                web.get("/pages/{page_id:[0-9a-f-]{36}}", self._page_image),
                web.get(r"/{root:static|booth}/{path:[\w./-]+}", self._asset),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self._wanted_port)
        try:
            await site.start()
        except OSError as error:
            raise OSError(f"CVQ_BOOTH_SCREENS_PORT: {self._wanted_port} cannot be had: {error.strerror}") from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the pages' sockets and the port."""
        for page in list(self._pages.values()):
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await page.socket.close(code=1001)
        if self._runner:
            await self._runner.cleanup()

    @property
    def key(self) -> str:
        """What opens the pages."""
        return self._key

    @property
    def present(self) -> frozenset[Screen]:
        """The screens of which a page is open."""
        return frozenset(self._pages)

    def address(self, screen: Screen) -> str:
        """Return the address that opens a screen; it holds the key."""
        return f"http://{LOOPBACK}:{self.port}/screen/{screen}?key={self._key}"

    # What the pages are told

    def show(self, state: BoothState, call: dict[Screen, dict[str, Any] | None]) -> None:
        """Draw the state on both screens; `call` is what each page's camera and peer are to do."""
        self._state = state
        for screen, order in call.items():
            self._call[screen] = json.dumps(order)
        for page in self._pages.values():
            self._push(page)

    def signal(self, screen: Screen, visit_id: UUID, peer: str, data: dict[str, Any]) -> None:
        """Hand a page a signal of its peer's other end; without a page it is lost, and the peers heal that."""
        if page := self._pages.get(screen):
            page.put({"type": "signal", "visit_id": str(visit_id), "peer": peer, "data": data})

    def line(self, up: bool) -> None:
        """Tell the pages that signals go through, or not any more."""
        for page in self._pages.values():
            page.put({"type": "line", "up": up})

    def band(self, head: dict[str, Any], jpeg: bytes) -> None:
        """Let a strip of the page that is being scanned appear on screen 2."""
        text = json.dumps({"type": "band", **head})
        if self._bands and json.loads(self._bands[-1][0])["page"] != head["page"]:
            self._bands.clear()
        if len(self._bands) < BANDS_MAX:
            self._bands.append((text, jpeg))
        if page := self._pages.get(2):
            page.put(text, jpeg)

    def forget_bands(self) -> None:
        """Drop the strips that were kept for a page that is opened anew."""
        self._bands.clear()

    def forget(self) -> None:
        """Send both pages away from all that they hold: what they stored, what is cached, what they have drawn."""
        self._bands.clear()
        for screen, page in self._pages.items():
            page.put({"type": "forget", "to": f"/forget/{screen}"})

    def _push(self, page: _Page) -> None:
        assert self._state is not None
        frame = self._renderer.frame(page.screen, self._state)
        if frame != page.frame:
            page.frame = frame
            page.put({"type": "scene", "scene": frame.scene, "html": frame.html})
        order = self._call[page.screen]
        if order != page.call:
            page.call = order
            page.put(f'{{"type": "call", "call": {order}}}')

    # Routes

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        hosts = {f"{LOOPBACK}:{self.port}", f"localhost:{self.port}"}
        if request.headers.get("Host") not in hosts:
            raise web.HTTPMisdirectedRequest
        origin = request.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") != request.headers["Host"]:
            raise web.HTTPForbidden
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPException as answer:
            _harden(answer)
            raise
        if not response.prepared:
            _harden(response)
        return response

    async def _screen(self, request: web.Request) -> web.StreamResponse:
        screen = _number(request)
        offered = request.query.get("key")
        if offered is not None:
            self._check(offered)
            # The key leaves the address at once; what is in an address is shown, stored and copied.
            response = web.HTTPSeeOther(f"/screen/{screen}")
            response.set_cookie(self._cookie, self._key, httponly=True, samesite="Lax")
            raise response
        self._check_cookie(request)
        if self._state is None:
            raise web.HTTPServiceUnavailable
        return web.Response(text=self._renderer.page(screen, self._state), content_type="text/html", charset="utf-8")

    async def _forget(self, request: web.Request) -> web.StreamResponse:
        self._check_cookie(request)
        response = web.HTTPSeeOther(f"/screen/{_number(request)}")
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        raise response

    async def _page_image(self, request: web.Request) -> web.StreamResponse:
        self._check_cookie(request)
        try:
            held = self._listener.page_file(UUID(request.match_info["page_id"]))
        except ValueError:
            held = None
        if held is None:
            raise web.HTTPNotFound
        head, path = held
        data = await asyncio.to_thread(path.read_bytes)
        return web.Response(body=data, content_type=head.media_type)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        root = STATIC if request.match_info["root"] == "static" else OWN_STATIC
        path = (root / request.match_info["path"]).resolve()
        if not path.is_relative_to(root.resolve()) or path.suffix not in STATIC_TYPES or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        self._check_cookie(request)
        if request.headers.get("Origin") is None:
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES_MAX, heartbeat=5.0, timeout=1.0)
        await socket.prepare(request)
        page = _Page(_number(request), socket)
        await self._take_place(page)
        writer = asyncio.create_task(self._write(page), name=f"screen-{page.screen}-writer")
        try:
            await self._read(page)
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            if self._pages.get(page.screen) is page:
                del self._pages[page.screen]
                await self._listener.pages_changed()
        return socket

    async def _take_place(self, page: _Page) -> None:
        """Make `page` its screen's only one: two would open the camera twice and answer each other's signals."""
        former = self._pages.get(page.screen)
        self._pages[page.screen] = page
        if former:
            former.put({"type": "taken_over"})
            former.choked = True
        if self._state:
            self._push(page)
        if page.screen == 2:
            for text, jpeg in self._bands:
                page.put(text, jpeg)
        await self._listener.pages_changed()

    async def _write(self, page: _Page) -> None:
        with suppress(ConnectionError):
            while not (page.choked and page.queue.empty()):
                text, binary = await page.queue.get()
                await page.socket.send_str(text)
                if binary is not None:
                    await page.socket.send_bytes(binary)
        await page.socket.close()

    async def _read(self, page: _Page) -> None:
        loop = asyncio.get_running_loop()
        second, count = loop.time(), 0
        async for frame in page.socket:
            if loop.time() - second >= 1:
                second, count = loop.time(), 0
            count += 1
            if frame.type is not WSMsgType.TEXT or count > PAGE_MESSAGES_MAX_A_SECOND:
                break
            try:
                message = from_page.validate_json(frame.data)
            except ValidationError as error:
                log.error("a page said something that is not understood", screen=page.screen, why=error.error_count())
                continue
            if self._pages.get(page.screen) is page:
                await self._listener.page_said(page.screen, message)

    # The key

    @property
    def _cookie(self) -> str:
        # Cookies do not part ports: two booths on one machine must not sign each other out.
        return f"cvq_screen_{self.port}"

    def _check(self, offered: str) -> None:
        if not hmac.compare_digest(offered.encode(), self._key.encode()):
            raise web.HTTPForbidden(text=self._renderer.say(words.WRONG_ADDRESS))

    def _check_cookie(self, request: web.Request) -> None:
        self._check(request.cookies.get(self._cookie, ""))


def new_key() -> str:
    """Return a key for the screens' addresses."""
    return secrets.token_urlsafe(24)


def usable_key(text: str) -> str | None:
    """Return a key that an earlier start of the agent left, if it looks like one."""
    return text if re.fullmatch(r"[\w-]{32}", text) else None


def _number(request: web.Request) -> Screen:
    return 1 if request.match_info["number"] == "1" else 2


def _harden(response: web.StreamResponse) -> None:
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": CONTENT_POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), display-capture=(), usb=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
    )

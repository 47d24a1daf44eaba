"""A small desk for the booth's tests: real HTTP and a real WebSocket, with a line that can be cut or fall silent."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from aiohttp import WSMsgType, web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cvq_booth.virtual.camera import PAGE_SCRIPT
from cvq_core.assets import STATIC
from cvq_core.devices.identity import from_base64url, to_base64url
from cvq_desk.wire import BoothView, Message, PeerName, Ping, Pong, Signal, ToDesk, to_desk

CODE = "ABCD-EFGH-JKLM"
DEADLINE_S = 20.0
PAGES = Path(__file__).parent / "pages"

M = TypeVar("M", bound=Message)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait for a state that nobody announces."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.02)


class DeskStandIn:
    """Listens on a free port of loopback; `messages` holds what the booth said, in order, over all its lines."""

    def __init__(self) -> None:
        self.keys: dict[UUID, bytes] = {}
        self.tokens: set[str] = set()
        self.messages: list[ToDesk] = []
        self.lines_opened = 0
        self.tokens_given = 0
        self.files: dict[str, bytes] = {}
        self.view: BoothView | None = None
        self.silent = False
        self.refuse_lines = False
        self.answer_pings = True
        self.clock_ahead = timedelta()
        self._challenges: dict[str, UUID] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._console_socket: web.WebSocketResponse | None = None
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> DeskStandIn:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def open(self) -> None:
        app = web.Application()
        app.router.add_post("/api/v1/devices/enrol", self._enrol)
        app.router.add_post("/api/v1/devices/challenge", self._challenge)
        app.router.add_post("/api/v1/devices/token", self._token)
        app.router.add_get("/api/v1/booth/live", self._live)
        app.router.add_get("/api/v1/booth/files/{name}", self._file)
        app.router.add_get("/console/live", self._console)
        app.router.add_get("/marks.js", _marks)
        app.router.add_static("/console/", PAGES)
        app.router.add_static("/static/", STATIC)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner:
            await self.cut()
            await self._runner.cleanup()
            self._runner = None

    # What a test does

    async def show(self, view: BoothView) -> None:
        """Send the newest view, now and at the beginning of every line."""
        self.view = view
        for socket in list(self._sockets):
            await socket.send_str(view.model_dump_json())

    async def send(self, message: Message) -> None:
        for socket in list(self._sockets):
            await socket.send_str(message.model_dump_json())

    async def cut(self) -> None:
        """Break every line without a word."""
        for socket in list(self._sockets):
            transport = socket._req.transport if socket._req else None
            if transport:
                transport.abort()

    async def heard(self, kind: type[M], such: Callable[[M], bool] = lambda _: True, *, after: int = 0) -> M:
        """Wait for a message of the booth, among those after the first `after`."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for message in self.messages[after:]:
                    if isinstance(message, kind) and such(message):
                        return message
                self._changed.clear()
                await self._changed.wait()

    def all(self, kind: type[M]) -> list[M]:
        return [message for message in self.messages if isinstance(message, kind)]

    def revoke(self) -> None:
        self.keys.clear()
        self.tokens.clear()

    # Routes

    async def _enrol(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["code"] != CODE or body["kind"] != "booth":
            return web.json_response(
                {"title": "Ce code d’installation n’est plus valable.", "detail": "Demandez-en un nouveau."}, status=422
            )
        device_id = uuid4()
        self.keys[device_id] = from_base64url(body["public_key"])
        return web.json_response({"device_id": str(device_id), "name": "Guichet du Tallud"}, status=201)

    async def _challenge(self, request: web.Request) -> web.Response:
        device_id = UUID((await request.json())["device_id"])
        if device_id not in self.keys:
            return web.json_response({"title": "Cet appareil n’est pas reconnu."}, status=401)
        challenge = to_base64url(secrets.token_bytes(32))
        self._challenges[challenge] = device_id
        return web.json_response({"challenge": challenge})

    async def _token(self, request: web.Request) -> web.Response:
        body = await request.json()
        device_id = self._challenges.pop(body["challenge"], None)
        key = Ed25519PublicKey.from_public_bytes(self.keys[UUID(body["device_id"])])
        try:
            key.verify(from_base64url(body["signature"]), b"cvq-device-token:" + from_base64url(body["challenge"]))
        except InvalidSignature:
            device_id = None
        if device_id is None or str(device_id) != body["device_id"]:
            return web.json_response({"title": "Cet appareil n’est pas reconnu."}, status=401)
        token = secrets.token_urlsafe(16)
        self.tokens.add(token)
        self.tokens_given += 1
        return web.json_response({"token": token, "expires_in_s": 3600})

    def _known(self, request: web.Request) -> bool:
        return request.headers.get("Authorization", "").removeprefix("Bearer ") in self.tokens

    async def _file(self, request: web.Request) -> web.Response:
        if not self._known(request):
            return web.Response(status=401)
        data = self.files.get(request.match_info["name"])
        return web.Response(body=data) if data is not None else web.Response(status=404)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if not self._known(request):
            return web.Response(status=401)
        if self.refuse_lines:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        self.lines_opened += 1
        try:
            if self.view and not self.silent:
                dated = self.view.model_copy(update={"now": datetime.now(UTC) + self.clock_ahead})
                await socket.send_str(dated.model_dump_json())
            async for frame in socket:
                if frame.type is WSMsgType.TEXT and not self.silent:
                    await self._take(socket, frame.data)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _console(self, request: web.Request) -> web.StreamResponse:
        """Carry the signals of a console's page for the visit that is shown."""
        self._console_socket = socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT and self.view and self.view.visit:
                signal = json.loads(frame.data)
                await self.send(Signal(visit_id=self.view.visit.id, peer=PeerName(signal["peer"]), data=signal["data"]))
        return socket

    async def _take(self, socket: web.WebSocketResponse, data: Any) -> None:
        message = to_desk.validate_json(data)
        if isinstance(message, Ping):
            if self.answer_pings:
                with suppress(ConnectionError):
                    await socket.send_str(Pong(now=datetime.now(UTC) + self.clock_ahead).model_dump_json())
            return
        if isinstance(message, Signal) and self._console_socket and not self._console_socket.closed:
            with suppress(ConnectionError):
                await self._console_socket.send_json({"peer": message.peer.value, "data": message.data})
        self.messages.append(message)
        self._changed.set()


async def _marks(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE_SCRIPT)

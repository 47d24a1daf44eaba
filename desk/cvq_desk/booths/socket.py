"""A booth's one line to the desk: its messages in, its view and signals out."""

from __future__ import annotations

import asyncio
import contextlib
from uuid import UUID

import structlog
from aiohttp import WSMsgType, web
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.devices.tables import Device
from cvq_core.ids import new_id
from cvq_core.live.store import events_since, last_sequences
from cvq_core.staff import Permission, Principal
from cvq_core.web import Context, Routes
from cvq_core.web.routes import json_fields
from cvq_desk.booths.service import BoothDesk
from cvq_desk.booths.view import booth_view
from cvq_desk.wire import (
    DEAD_AFTER_S,
    MESSAGE_BYTES_MAX,
    CallReport,
    CardGone,
    CardSeen,
    CommandReport,
    ConsentAnswer,
    Devices,
    Hello,
    HelpAsked,
    MandateAnswer,
    PeerName,
    Ping,
    Pong,
    Signal,
    ToDesk,
    to_desk,
)

log = structlog.get_logger(__name__)
routes = Routes("/api/v1/booth", tag="booths")

VIEW_AGAIN_EVERY_S = 20.0
"""A view also changes with the clock (closing time, the next hour), without an event."""

STILL_ENROLLED_EVERY_S = 30.0


@routes.get("/live", access=Permission.BOOTH, socket=True)
async def live(context: Context) -> web.StreamResponse:
    """Hold a booth's line."""
    socket = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES_MAX)
    await socket.prepare(context.request)
    await _Line(context, socket).run()
    return socket


class _Line:
    def __init__(self, context: Context, socket: web.WebSocketResponse) -> None:
        assert context.principal.subject_id is not None
        self._services = context.services
        self._principal: Principal = context.principal
        self._socket = socket
        self._connection = new_id()
        self._booth_id: UUID = context.principal.subject_id
        self._topic = f"booth:{self._booth_id}"
        self._sending = asyncio.Lock()
        self._subscription = context.services.hub.subscribe([self._topic])
        self._seen = 0

    async def run(self) -> None:
        async with self._services.database.write() as db:
            self._seen = (await last_sequences(db, [self._topic]))[self._topic]
            await self._desk(db).connected(self._connection)
        log.info("booth_connected", booth=str(self._booth_id))
        tasks = [asyncio.create_task(self._tell()), asyncio.create_task(self._check_enrolment())]
        try:
            await self._listen()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._subscription.close()
            async with self._services.database.write() as db:
                await self._desk(db).disconnected(self._connection)
            log.info("booth_disconnected", booth=str(self._booth_id))

    def _desk(self, db: AsyncSession) -> BoothDesk:
        return BoothDesk(db, self._principal, self._services.clock(), self._services.settings)

    async def _listen(self) -> None:
        """Take messages until the booth is silent for too long: it pings every second."""
        while True:
            try:
                message = await self._socket.receive(timeout=DEAD_AFTER_S * 2)
            except TimeoutError:
                await self._socket.close()
                return
            if message.type is not WSMsgType.TEXT:
                return
            try:
                json_fields(message.data.encode())
                said = to_desk.validate_json(message.data)
            except (ValueError, RecursionError) as error:
                # A `ValidationError` is one; its text would hold what was sent.
                log.warning("booth_message_refused", booth=str(self._booth_id), error=type(error).__name__)
            else:
                await self._take(said)

    async def _take(self, message: ToDesk) -> None:
        if isinstance(message, Ping):
            await self._send(Pong(now=self._services.clock()))
            return
        async with self._services.database.write() as db:
            desk = self._desk(db)
            match message:
                case Hello():
                    await desk.hello(message)
                case Devices():
                    await desk.devices(message)
                case CardSeen():
                    await desk.card_seen(message)
                case CardGone():
                    await desk.card_gone(message)
                case ConsentAnswer():
                    await desk.consent_answer(message)
                case MandateAnswer():
                    await desk.mandate_answer(message)
                case CallReport():
                    await desk.call_report(message)
                case CommandReport():
                    await desk.command_report(message)
                case HelpAsked():
                    await desk.help_asked(message)
                case Signal():
                    await desk.signal(message)

    async def _tell(self) -> None:
        await self._send_view()
        while True:
            try:
                async with asyncio.timeout(VIEW_AGAIN_EVERY_S):
                    await self._subscription.changed()
            except TimeoutError:
                await self._send_view()
                continue
            async with self._services.database.read() as db:
                events, gap = await events_since(db, self._topic, self._seen)
            self._seen = events[-1].sequence if events else self._seen
            if gap or any(event.kind == "view" for event in events):
                await self._send_view()
            for event in events:
                if event.kind == "signal":
                    await self._send(
                        Signal(
                            visit_id=UUID(event.payload["visit_id"]),
                            peer=PeerName(event.payload["peer"]),
                            data=event.payload["data"],
                        )
                    )

    async def _send_view(self) -> None:
        async with self._services.database.read() as db:
            view = await booth_view(db, self._booth_id, now=self._services.clock(), settings=self._services.settings)
        await self._send(view)

    async def _send(self, message: BaseModel) -> None:
        async with self._sending:
            with contextlib.suppress(ConnectionResetError):
                await self._socket.send_str(message.model_dump_json())

    async def _check_enrolment(self) -> None:
        """A revoked booth loses its line; an hour-old token does not end a line that it opened."""
        while True:
            await asyncio.sleep(STILL_ENROLLED_EVERY_S)
            async with self._services.database.read() as db:
                device = await db.get(Device, self._principal.id)
            if device is None or device.revoked_at is not None:
                await self._socket.close()
                return

"""The one WebSocket of a page: live events out, the page's own messages in.

The page sends `{"type": "watch", "topics": {topic: last sequence seen}}` first, and again for more topics. It gets
`{"type": "events", "topic", "events": [{"kind", "sequence", "payload"}]}`, or `{"type": "reset", "topic", "sequence"}`
when what it missed is gone and its fragments must be fetched anew. `{"type": "ping"}` is answered by a pong. Other
types belong to the components (`services.page_messages`); each runs in its own transaction, and a refusal comes back
as `{"type": "problem", "of", "problem"}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from cvq_core.errors import BadInput, NotFound, NotSignedIn, Refusal
from cvq_core.live.hub import Subscription
from cvq_core.live.store import events_since, last_sequences
from cvq_core.staff.store import touch_session
from cvq_core.web.context import Context
from cvq_core.web.problems import describe
from cvq_core.web.routes import SIGNED_IN, Routes, authenticate, json_fields

log = structlog.get_logger(__name__)
routes = Routes("/api/v1", tag="live")

MESSAGE_BYTES_MAX = 256 * 1024
TOPICS_MAX = 30
NEVER_SEEN = -1
SEQUENCE_MAX = 2**31
MESSAGES_A_SECOND_MAX = 60
STILL_ALLOWED_EVERY = timedelta(seconds=20)


@routes.get("/live", access=SIGNED_IN, socket=True)
async def live(context: Context) -> web.StreamResponse:
    """Open the page's live socket."""
    socket = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES_MAX, heartbeat=20)
    await socket.prepare(context.request)
    page = _Page(context, socket)
    await page.run()
    return socket


class _Page:
    def __init__(self, context: Context, socket: web.WebSocketResponse) -> None:
        self._context = context
        self._services = context.services
        self._socket = socket
        self._seen: dict[str, int] = {}
        self._subscription: Subscription = context.services.hub.subscribe()
        self._sending = asyncio.Lock()
        self._closing: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        telling = asyncio.create_task(self._tell_changes())
        checking = asyncio.create_task(self._end_with_the_session())
        for task in (telling, checking):
            task.add_done_callback(self._close_if_failed)
        try:
            second, count = 0, 0
            async for message in self._socket:
                now = int(time.monotonic())
                second, count = (now, 1) if now != second else (second, count + 1)
                if message.type is not WSMsgType.TEXT or count > MESSAGES_A_SECOND_MAX:
                    break
                await self._take(message.data)
        finally:
            for task in (telling, checking):
                task.cancel()
            await asyncio.gather(telling, checking, return_exceptions=True)
            self._subscription.close()

    def _close_if_failed(self, task: asyncio.Task[None]) -> None:
        """A page that can be told nothing more must not believe that its line is good; it comes back by itself."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("live_page_lost", exc_info=error)
            self._closing = asyncio.create_task(self._socket.close())

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            with contextlib.suppress(ConnectionResetError):
                await self._socket.send_str(json.dumps(message, ensure_ascii=False, default=str))

    async def _take(self, text: str) -> None:
        kind = ""
        try:
            message = json_fields(text.encode())
            if not isinstance(message, dict):
                raise BadInput
            kind = str(message.get("type"))
            if kind == "ping":
                await self._send({"type": "pong", "now": self._services.clock().isoformat()})
            elif kind == "watch":
                await self._watch(message.get("topics"))
            elif handler := self._services.page_messages.get(kind):
                async with self._services.database.write() as db:
                    await handler(await self._fresh(db), message)
            else:
                raise NotFound
        except (ValueError, RecursionError):  # no JSON, a wrong shape, or an identifier that is none
            await self._refuse(kind, BadInput())
        except Refusal as refusal:
            await self._refuse(kind, refusal)

    async def _refuse(self, kind: str, refusal: Refusal) -> None:
        problem = describe(refusal, self._context.words)
        await self._send({"type": "problem", "of": kind, "problem": problem})

    async def _fresh(self, db: Any) -> Context:
        """Return a context for now: grants and sessions may have ended since the socket opened."""
        principal = await authenticate(self._services, self._context.request, db)
        if principal.kind == "anonymous":
            raise NotSignedIn
        return Context(
            request=self._context.request,
            services=self._services,
            db=db,
            principal=principal,
            now=self._services.clock(),
            language=self._context.language,
            words=self._context.words,
            session_token=self._context.session_token,
        )

    async def _watch(self, topics: Any) -> None:
        if not isinstance(topics, dict) or len(topics) + len(self._seen) > TOPICS_MAX:
            raise BadInput
        async with self._services.database.read() as db:
            context = await self._fresh(db)
            for topic, since in topics.items():
                prefix, _, rest = str(topic).partition(":")
                guard = self._services.topic_guards.get(prefix)
                if guard is None or len(topic) > 120:
                    raise NotFound
                if not isinstance(since, int) or not NEVER_SEEN <= since < SEQUENCE_MAX:
                    raise BadInput
                await guard(context, rest)
        for topic, since in topics.items():
            self._seen[topic] = since
        self._subscription.watch(topics)
        for topic in topics:
            self._subscription.touch(topic)
        await self._send({"type": "watching", "topics": list(topics)})

    async def _tell_changes(self) -> None:
        while True:
            for topic in sorted(await self._subscription.changed()):
                async with self._services.database.read() as db:
                    events, gap = await events_since(db, topic, self._seen[topic])
                    if gap:
                        last = (await last_sequences(db, [topic]))[topic]
                if gap:
                    self._seen[topic] = last
                    await self._send({"type": "reset", "topic": topic, "sequence": last})
                elif events:
                    self._seen[topic] = events[-1].sequence
                    told = [{"kind": e.kind, "sequence": e.sequence, "payload": e.payload} for e in events]
                    await self._send({"type": "events", "topic": topic, "events": told})

    async def _end_with_the_session(self) -> None:
        """A page whose session ended, or whose grants were taken, is told nothing more."""
        while True:
            await asyncio.sleep(STILL_ALLOWED_EVERY.total_seconds())
            try:
                async with self._services.database.read() as db:
                    context = await self._fresh(db)
                    for topic in self._seen:
                        prefix, _, rest = topic.partition(":")
                        await self._services.topic_guards[prefix](context, rest)
                if context.principal.login_session_id:
                    async with self._services.database.write() as db:
                        await touch_session(db, context.principal.login_session_id, context.now)
            except Refusal as refusal:
                await self._refuse("watch", refusal)
                await self._socket.close()
                return

"""Who waits for which topic in this process, and how other processes wake it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.live.store import CHANNEL, flush_events, pending_topics

log = structlog.get_logger(__name__)


class Subscription:
    """One page's interest in some topics: wakes when any of them changed."""

    def __init__(self, hub: LiveHub) -> None:
        self._hub = hub
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self.topics: set[str] = set()

    def watch(self, topics: Iterable[str]) -> None:
        """Add topics."""
        for topic in topics:
            self.topics.add(topic)
            self._hub.subscribers[topic].add(self)

    def touch(self, topic: str) -> None:
        """Note that `topic` changed."""
        self._changed.add(topic)
        self._wake.set()

    async def changed(self) -> set[str]:
        """Wait until a topic changed; return all that have."""
        await self._wake.wait()
        self._wake.clear()
        changed, self._changed = self._changed, set()
        return changed

    def close(self) -> None:
        """Stop watching."""
        for topic in self.topics:
            self._hub.subscribers[topic].discard(self)
            if not self._hub.subscribers[topic]:
                del self._hub.subscribers[topic]


class LiveHub:
    """Wakes subscriptions after a commit: of this process directly, of others through PostgreSQL's NOTIFY.

    A notification carries no content; whoever is woken reads the events table, so a lost one delays and never loses.
    """

    def __init__(self, database: Database) -> None:
        self.subscribers: dict[str, set[Subscription]] = defaultdict(set)
        self._database = database
        self._listener: asyncio.Task[None] | None = None
        database.before_commit.append(flush_events)
        database.after_commit.append(self._woken_here)

    async def start(self) -> None:
        """Listen to the other processes, where there can be any."""
        if not self._database.is_sqlite:
            self._listener = asyncio.create_task(self._listen(), name="live-listener")

    async def stop(self) -> None:
        """Stop listening."""
        if self._listener:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    def subscribe(self, topics: Iterable[str] = ()) -> Subscription:
        """Return a subscription to `topics`; close it when done."""
        subscription = Subscription(self)
        subscription.watch(topics)
        return subscription

    def wake(self, topic: str) -> None:
        """Tell the subscriptions of `topic` that it changed."""
        for subscription in list(self.subscribers.get(topic, ())):
            subscription.touch(topic)

    async def _woken_here(self, db: AsyncSession) -> None:
        for topic in pending_topics(db):
            self.wake(topic)

    async def _listen(self) -> None:
        url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                connection = await asyncpg.connect(url)
                try:
                    await connection.add_listener(CHANNEL, lambda *message: self.wake(message[3]))
                    # What happened while nobody listened: everybody looks once.
                    for topic in list(self.subscribers):
                        self.wake(topic)
                    while not connection.is_closed():
                        await asyncio.sleep(5)
                        await connection.execute("SELECT 1")
                finally:
                    await connection.close(timeout=2)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("live_listener_lost", error=str(error))
                await asyncio.sleep(1)

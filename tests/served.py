"""The whole server on a free port of the loopback, at an hour that the test chooses, and people signed in to it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, ClientSession, CookieJar, web

from cvq_advisor_console.app import make_app
from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.settings import Settings
from cvq_core.web import Services, services_of
from cvq_core.web.context import SESSION_COOKIE, csrf_token_of
from tests.core_examples import NOW
from tests.factories import PASSWORD


def running_from(instant: datetime) -> Callable[[], datetime]:
    """A clock that shows `instant` now and goes on from there."""
    started = time.monotonic()
    return lambda: instant + timedelta(seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class Site:
    """A running server."""

    url: str
    services: Services

    @property
    def database(self) -> Database:
        """The server's own database: what is committed through it wakes the pages."""
        return self.services.database

    @asynccontextmanager
    async def signed_in(self, login: str) -> AsyncIterator[Client]:
        """A program that is signed in as somebody whose password is `PASSWORD`."""
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            form = {"username": login, "password": PASSWORD}
            answer = await session.post(f"{self.url}/connexion", data=form, allow_redirects=False)
            assert answer.status == 303, await answer.text()
            (cookie,) = [cookie for cookie in session.cookie_jar if cookie.key == SESSION_COOKIE]
            yield Client(self.url, session, csrf_token_of(cookie.value))


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody signed in."""

    url: str
    session: ClientSession
    csrf_token: str

    async def get(self, path: str, **options: Any) -> ClientResponse:
        """Read."""
        return await self.session.get(self.url + path, **options)

    async def post(self, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> ClientResponse:
        """Act, with a JSON body, as the pages' modules do."""
        sent = {"X-CSRF-Token": self.csrf_token, **(headers or {})}
        return await self.session.post(self.url + path, json=body, headers=sent)

    async def submit(self, path: str, *, page: bool = True, **fields: str) -> ClientResponse:
        """Send a form: as a browser without modules does (`page`), or as a module does."""
        headers = {"Accept": "text/html" if page else "*/*", "X-CSRF-Token": self.csrf_token}
        return await self.session.post(self.url + path, data=fields, headers=headers, allow_redirects=False)


@asynccontextmanager
async def served(
    database_url: str,
    data_dir: Path,
    *,
    now: datetime = NOW,
    clock: Clock | None = None,
    port: int = 0,
    **settings: Any,
) -> AsyncIterator[Site]:
    """Run the server on a database that has its tables; a second time on the `port` that it had, it was restarted.

    Its hours go on from `now`, unless the test has a `clock` of its own.
    """
    clock = clock or running_from(now)
    app = make_app(Settings(database_url=database_url, data_dir=data_dir, **settings), clock=clock)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, port = runner.addresses[0][:2]
        yield Site(f"http://{host}:{port}", services_of(app))
    finally:
        await runner.cleanup()

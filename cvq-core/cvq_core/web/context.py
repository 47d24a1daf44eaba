"""What a handler works with: the services of the process, and one request's transaction and principal."""

from __future__ import annotations

import gettext
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.errors import NotFound
from cvq_core.jobs.runner import JobRunner
from cvq_core.journal.store import record, record_once
from cvq_core.live.hub import LiveHub
from cvq_core.settings import Settings
from cvq_core.staff.rules import Permission, Principal, Scope
from cvq_core.vault import Vault
from cvq_core.web.templates import Templates
from cvq_core.web.views import NavItem, Shell

SESSION_COOKIE = "cvq_session"
LANGUAGE = web.RequestKey("language", str)
CSRF_SENT = web.RequestKey("csrf_sent", str)
FIELDS = web.RequestKey("fields", object)


@dataclass(slots=True)
class Services:
    """What lives as long as the server process."""

    settings: Settings
    database: Database
    clock: Clock
    hub: LiveHub
    jobs: JobRunner
    templates: Templates
    vault: Vault
    limiter: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))
    topic_guards: dict[str, TopicGuard] = field(default_factory=dict)
    page_messages: dict[str, PageMessageHandler] = field(default_factory=dict)
    navigation: list[tuple[Permission, str, str]] = field(default_factory=list)


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


@dataclass(slots=True)
class Context:
    """One request: its transaction, who asks, and the words for them."""

    request: web.Request
    services: Services
    db: AsyncSession
    principal: Principal
    now: datetime
    language: str
    words: gettext.NullTranslations
    session_token: str | None = None
    place: str = ""

    def _(self, sentence: str, /, **facts: Any) -> str:
        """Return a French sentence in the language of the person who asks, its `{places}` filled."""
        text = self.words.gettext(sentence)
        return text.format_map(facts) if facts else text

    def path_id(self, name: str = "id") -> UUID:
        """Return an identifier from the path.

        Raises:
            NotFound: it is none.
        """
        try:
            return UUID(self.request.match_info[name])
        except ValueError:
            raise NotFound from None

    def require(self, permission: Permission, scope: Scope | None = None) -> None:
        """Refuse unless the principal holds `permission` at `scope`."""
        self.principal.require(permission, scope)

    def journal(self, action: str, **facts: Any) -> None:
        """Write an audit record in this transaction."""
        record(self.db, now=self.now, actor=self.principal.actor, action=action, **facts)

    async def journal_once(self, action: str, act: UUID, **facts: Any) -> None:
        """Write an audit record of what is done once: a request that comes again writes none (`record_once`)."""
        await record_once(self.db, act, now=self.now, actor=self.principal.actor, action=action, **facts)

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[Context]:
        """Open a transaction, in a handler whose route declares `own_transactions`."""
        async with self.services.database.write() as db:
            yield replace(self, db=db)

    @property
    def address(self) -> str:
        """Where the request comes from; of what came through the reverse proxy, the proxy's word for it."""
        remote = self.request.remote or ""
        if remote != self.services.settings.trusted_proxy:
            return remote
        # The proxy adds the address that it saw behind what the client itself may have sent.
        seen = self.request.headers.getall("X-Forwarded-For", [""])[-1].rpartition(",")[2].strip()
        return seen[:64] or remote

    @property
    def csrf_token(self) -> str:
        """The token that this session's pages send back with what they change."""
        return csrf_token_of(self.session_token)

    def page(self, template: str, /, *, status: int = 200, **values: Any) -> web.Response:
        """Render a page or a fragment for the person who asks."""
        html = self.services.templates.render(
            template, self.language, shell=self.shell(), csrf_token=self.csrf_token, now=self.now, **values
        )
        return web.Response(text=html, content_type="text/html", status=status)

    def shell(self) -> Shell | None:
        """Return what surrounds a page of this person; nothing for nobody."""
        if self.principal.kind != "staff":
            return None
        return Shell(
            person=self.principal.name,
            place=self.place,
            nav=tuple(
                NavItem(self._(label), url, current=self.request.path.startswith(url))
                for permission, label, url in self.services.navigation
                if self.principal.may(permission)
            ),
            sign_out_url="/deconnexion",
            account_url="/compte",
            live_url="/api/v1/live",
        )

    @staticmethod
    def redirect(path: str) -> web.Response:
        """Send the browser on after a form, with GET; only to our own pages."""
        if not is_own_path(path):
            raise NotFound
        return web.Response(status=303, headers={"Location": path})


TopicGuard = Callable[[Context, str], Awaitable[None]]
"""Refuses a topic (given without its prefix) to a page that may not watch it."""

PageMessageHandler = Callable[[Context, dict[str, Any]], Awaitable[None]]
"""Takes a message that a page sent over its live socket; it runs in a transaction of its own."""


def services_of(app: web.Application) -> Services:
    """Return the services of the process."""
    return app[SERVICES]


def is_own_path(path: str) -> bool:
    """Whether an address leads to one of our own pages; browsers read a backslash as a slash, and drop tabs."""
    target = urlsplit(path)
    plain = path.isprintable() and "\\" not in path
    return plain and path.startswith("/") and not path.startswith("//") and not (target.scheme or target.netloc)


def csrf_token_of(session_token: str | None) -> str:
    """Derive the token for forms from the session's own, so that nothing more is stored."""
    if session_token is None:
        return ""
    return hmac.new(session_token.encode(), b"cvq-csrf", hashlib.sha256).hexdigest()

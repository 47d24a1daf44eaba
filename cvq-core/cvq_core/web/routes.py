"""Routes that say who may call them, what they take and what they answer.

A handler is `async def handler(context, body) -> answer`: `body` is a validated pydantic model where the route names
one, an `Upload` where it takes files; the answer is a pydantic model, a response, or None for 204. The edge does the
rest, in one transaction per request: it names the principal, checks the permission, validates, calls, commits. A route
without a permission cannot be declared, and `check_all_declared` finds one that was added behind our back.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import lost_a_race
from cvq_core.devices.store import principal_of_token
from cvq_core.errors import Forbidden, NotSignedIn, Refusal, TooLarge
from cvq_core.journal.store import record
from cvq_core.staff.rules import ANONYMOUS, Permission, Principal
from cvq_core.staff.store import principal_of_session, touch_session
from cvq_core.text import choose_language, translator
from cvq_core.web.context import CSRF_SENT, FIELDS, LANGUAGE, SERVICES, SESSION_COOKIE, Context, Services
from cvq_core.web.idempotency import remember_answer, remembered_answer
from cvq_core.web.problems import NotJson, WrongContentType, from_validation
from cvq_core.web.security import CSRF_FIELD, check_same_site
from cvq_core.web.upload import read_upload

PUBLIC: Final = "public"
SIGNED_IN: Final = "signed-in"
Access = Permission | str
Handler = Callable[..., Awaitable[BaseModel | web.StreamResponse | None]]
Gather = Callable[[web.Request, str, Any], Awaitable[tuple[Principal, BaseModel | Refusal]]]
"""Answers a device's request together with others, in one transaction that it opens itself; given the bearer token
and the body. It names the principal and checks the route's permission, as the edge does for all other requests."""
ROUTE_KEY = "cvq_route"
ATTEMPTS_MAX = 3


@dataclass(frozen=True, slots=True)
class Route:
    """One route, as it was declared."""

    method: str
    path: str
    handler: Handler
    access: Access
    body: type[BaseModel] | None
    answer: type[BaseModel] | None
    status: int
    summary: str
    tag: str
    form: bool
    upload: bool
    socket: bool
    own_transactions: bool
    gather: Gather | None


class Routes:
    """A subject's routes."""

    def __init__(self, prefix: str = "", *, tag: str) -> None:
        self.prefix = prefix
        self.tag = tag
        self.all: list[Route] = []

    def get(self, path: str, *, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a route that only reads."""
        return self._add("GET", path, access, options)

    def post(self, path: str, *, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a route that acts; it honours an Idempotency-Key."""
        return self._add("POST", path, access, options)

    def put(self, path: str, *, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a route that sets."""
        return self._add("PUT", path, access, options)

    def delete(self, path: str, *, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a route that takes away."""
        return self._add("DELETE", path, access, options)

    def _add(self, method: str, path: str, access: Access, options: dict[str, Any]) -> Callable[[Handler], Handler]:
        def decorate(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").strip().split("\n")[0]
            answer_model = options.get("answer")
            route = Route(
                method=method,
                path=self.prefix + path,
                handler=handler,
                access=access,
                body=options.get("body"),
                answer=answer_model,
                status=options.get("status", 200 if answer_model or method == "GET" else 204),
                summary=summary,
                tag=self.tag,
                form=options.get("form", False),
                upload=options.get("upload", False),
                socket=options.get("socket", False),
                own_transactions=options.get("own_transactions", options.get("socket", False)),
                gather=options.get("gather"),
            )
            self.all.append(route)
            return handler

        return decorate

    def setup(self, app: web.Application) -> None:
        """Add the routes to the application."""
        for route in self.all:
            endpoint = _endpoint(route)
            setattr(endpoint, ROUTE_KEY, route)
            app.router.add_route(route.method, route.path, endpoint)


def declared_routes(app: web.Application) -> list[Route]:
    """Return every declared route of the application."""
    found = [getattr(entry.handler, ROUTE_KEY, None) for entry in app.router.routes()]
    return [route for route in found if route is not None]


def check_all_declared(app: web.Application) -> None:
    """Stop the start-up when a route declares no permission.

    Raises:
        RuntimeError: naming the route.
    """
    for entry in app.router.routes():
        is_static = isinstance(entry.resource, web.StaticResource)
        if not is_static and entry.method != "HEAD" and not hasattr(entry.handler, ROUTE_KEY):
            raise RuntimeError(f"{entry.method} {entry.resource} declares no permission")


async def authenticate(services: Services, request: web.Request, db: AsyncSession) -> Principal:
    """Return who asks: a device by its bearer token, staff by their session's cookie, nobody otherwise."""
    now = services.clock()
    bearer = bearer_token(request)
    if bearer is not None:
        return await principal_of_token(db, bearer, now=now)
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return ANONYMOUS
    idle = timedelta(minutes=services.settings.session_idle_minutes)
    return await principal_of_session(db, token, now=now, idle=idle)


def bearer_token(request: web.Request) -> str | None:
    """Return the token that a device sent, None where there is none."""
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ") if header.startswith("Bearer ") else None


def check_access(principal: Principal, access: Access) -> None:
    """Refuse a principal that does not hold what a route asks for.

    Raises:
        NotSignedIn: nobody knows who asks.
        Forbidden: the permission is held nowhere.
    """
    if access == PUBLIC:
        return
    if principal.kind == "anonymous":
        raise NotSignedIn
    if access == SIGNED_IN:
        if principal.kind != "staff":
            raise Forbidden
        return
    principal.require(Permission(access))


def _endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        # The body is read before the transaction opens: a slow sender must not hold the database's lock.
        body, raw = await _read(route, request, services)
        token = bearer_token(request)
        if route.gather is not None and token is not None:
            return await _answer_gathered(route, route.gather, request, token, body)
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await _answer(route, request, services, body, raw)
            except DBAPIError as error:
                # The transaction lost against another one and left nothing; the body is here, so it runs again.
                if attempt == ATTEMPTS_MAX or not lost_a_race(error):
                    raise
        raise AssertionError("unreachable")

    endpoint.__name__ = getattr(route.handler, "__name__", "endpoint")
    return endpoint


async def _read(route: Route, request: web.Request, services: Services) -> tuple[Any, bytes]:
    """Read what was sent; that something unreadable was refused is recorded where it is known who sent it."""
    try:
        if route.upload:
            await _admit(route, request, services)
            return await read_upload(request, services.settings.upload_bytes_max), b""
        return await _read_body(route, request, services)
    except Refusal as refusal:
        told = refusal
        async with services.database.read() as db:
            principal = await authenticate(services, request, db)
        try:
            # Whoever may not come in is told so, and not what a good body looks like.
            check_access(principal, route.access)
        except Refusal as not_allowed:
            told = not_allowed
        if principal.kind != "anonymous":
            await _record_refusal(services, principal, route, told)
        raise told from None


async def _admit(route: Route, request: web.Request, services: Services) -> None:
    """Refuse whoever may not send before a large body of theirs is read."""
    async with services.database.read() as db:
        principal = await authenticate(services, request, db)
        check_same_site(request, _context(services, request, db, principal), route)
        check_access(principal, route.access)


async def _answer(route: Route, request: web.Request, services: Services, body: Any, raw: bytes) -> web.StreamResponse:
    opening: AbstractAsyncContextManager[AsyncSession]
    opening = services.database.read() if route.method == "GET" else services.database.write()
    principal = ANONYMOUS
    try:
        async with opening as db:
            principal = await authenticate(services, request, db)
            context = _context(services, request, db, principal)
            check_same_site(request, context, route)
            check_access(principal, route.access)
            if not route.own_transactions:
                return await _call(route, context, body, raw)
        # What takes long (a socket, a password's hash) must not hold the database's lock: it opens its own.
        return _respond(route, await _handle(route, context, body))
    except Refusal as refusal:
        if route.method != "GET" and principal.kind != "anonymous":
            await _record_refusal(services, principal, route, refusal)
        raise


async def _answer_gathered(
    route: Route, gather: Gather, request: web.Request, token: str, body: BaseModel | None
) -> web.StreamResponse:
    principal, answer = await gather(request, token, body)
    if isinstance(answer, Refusal):
        if principal.kind != "anonymous":
            await _record_refusal(request.app[SERVICES], principal, route, answer)
        raise answer
    return _respond(route, answer)


async def _call(route: Route, context: Context, body: Any, raw: bytes) -> web.StreamResponse:
    key = context.request.headers.get("Idempotency-Key") if _is_repeatable(route, context) else None
    if key and (again := await remembered_answer(context, route.path, key, raw)):
        return again
    if route.method != "GET" and context.principal.login_session_id:
        await touch_session(context.db, context.principal.login_session_id, context.now)
    response = _respond(route, await _handle(route, context, body))
    if key:
        await remember_answer(context, route.path, key, raw, response)
    return response


async def _handle(route: Route, context: Context, body: Any) -> BaseModel | web.StreamResponse | None:
    takes_body = route.body is not None or route.upload
    return await (route.handler(context, body) if takes_body else route.handler(context))


def _is_repeatable(route: Route, context: Context) -> bool:
    """Whether an Idempotency-Key is honoured: on everything that acts, for whoever is known."""
    return route.method != "GET" and not route.upload and context.principal.id is not None


def _context(services: Services, request: web.Request, db: AsyncSession, principal: Principal) -> Context:
    language = request.cookies.get("cvq_language") or choose_language(request.headers.get("Accept-Language"))
    if language not in ("fr", "en"):
        language = services.settings.language
    request[LANGUAGE] = language
    return Context(
        request=request,
        services=services,
        db=db,
        principal=principal,
        now=services.clock(),
        language=language,
        words=translator(language),
        session_token=request.cookies.get(SESSION_COOKIE) if principal.kind == "staff" else None,
    )


async def _read_body(route: Route, request: web.Request, services: Services) -> tuple[BaseModel | None, bytes]:
    """Read and validate the body, within the bounds and of the type that the route takes."""
    if route.method in ("GET", "DELETE"):
        return None, b""
    limit = services.settings.body_bytes_max
    if (request.content_length or 0) > limit:
        raise TooLarge
    raw = await request.content.read(limit + 1)
    if len(raw) > limit:
        raise TooLarge
    if route.body is None and not raw:
        return None, raw
    try:
        if (route.form or route.body is None) and request.content_type == "application/x-www-form-urlencoded":
            # A button's address may carry what it says: `…/scan?source=feeder`.
            fields = {**request.query, **_form_fields(raw)}
            request[CSRF_SENT] = fields.pop(CSRF_FIELD, "")
        elif request.content_type == "application/json":
            fields = json_fields(raw)
        else:
            raise WrongContentType
    except (ValueError, RecursionError):
        raise NotJson from None
    if route.body is None:
        request[FIELDS] = fields
        return None, raw
    try:
        return route.body.model_validate(fields), raw
    except ValidationError as error:
        raise from_validation(error) from None


def json_fields(raw: bytes) -> Any:
    """Return a JSON body. NUL and lone surrogates are refused: neither database stores them as text.

    Raises:
        ValueError: it is no JSON, or holds what is no text.
        RecursionError: it is nested without end.
    """
    fields = json.loads(raw or b"{}")
    if b"\\u" in raw:
        text = json.dumps(fields, ensure_ascii=False)
        text.encode()
        if "\\u0000" in text:
            raise ValueError("NUL in a text")
    return fields


def _form_fields(raw: bytes) -> dict[str, Any]:
    """Return a form's fields; one that comes several times is a list, an empty one is absent.

    Raises:
        ValueError: it is no UTF-8, has too many fields, or holds NUL, which PostgreSQL does not store.
    """
    fields: dict[str, Any] = {}
    if b"\0" in raw or b"%00" in raw:
        raise ValueError("NUL in a form")
    for name, value in parse_qsl(raw.decode("utf-8"), keep_blank_values=False, max_num_fields=500):
        if name in fields:
            known = fields[name]
            fields[name] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            fields[name] = value
    return fields


def _respond(route: Route, result: BaseModel | web.StreamResponse | None) -> web.StreamResponse:
    if isinstance(result, web.StreamResponse):
        return result
    if result is None:
        return web.Response(status=204)
    return web.Response(
        body=result.model_dump_json(by_alias=True).encode(), content_type="application/json", status=route.status
    )


async def _record_refusal(services: Services, principal: Principal, route: Route, refusal: Refusal) -> None:
    """The transaction of the act was rolled back; that it was refused is recorded in one of its own."""
    async with services.database.write() as db:
        record(
            db,
            now=services.clock(),
            actor=principal.actor,
            action=f"{route.method} {route.path}",
            outcome="refused",
            personal={"slug": refusal.slug},
            visit_id=refusal.facts.get("visit_id"),
        )

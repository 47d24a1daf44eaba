"""What readers and tablets of the site's own network ask over plain HTTP, each with its key, and how we are."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cvq_core.access.facts import Assurance, PointEventKind, RightKind
from cvq_core.access.rules import holds
from cvq_core.cards.rules import BadCardUid, card_uid
from cvq_core.controllers.wire import KnownPerson, KnownPoint
from cvq_core.settings_file import SettingsError
from cvq_reader.doors import Answer, Doors
from cvq_reader.events import PointEvents
from cvq_reader.held import HeldList

BODY_BYTES_MAX = 4096
KEY_CHARACTERS_MIN = 20


class TapBody(BaseModel):
    """A card, or somebody ticked; `id` is made by the reader and the key of a retry. Its own hour is no matter."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    card_uid: str | None = Field(default=None, min_length=8, max_length=60)
    person_id: UUID | None = None
    signed_id: str | None = Field(
        default=None,
        pattern=r"^([0-9A-Fa-f]{2})*$",
        max_length=400,
        description="the signed record on the card",
    )


class EventBody(BaseModel):
    """What a turnstile or gate tells of itself; `id` is made by it and the key of a retry."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    kind: Literal["forced", "held_too_long", "tamper"]
    detail: str = Field(default="", max_length=120)


class LocalApi:
    """The site's own small server. `keys` are digests of the readers' keys (`key_digest`), with their point's code."""

    def __init__(
        self,
        doors: Doors,
        keys: Mapping[bytes, str],
        events: PointEvents,
        *,
        status: Callable[[], Awaitable[dict[str, Any]]],
    ) -> None:
        self._doors = doors
        self._keys = keys
        self._events = events
        self._status = status
        self.seen: dict[str, datetime] = {}
        """When each point's reader last asked."""

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/taps", self._tap)
        app.router.add_post("/attendances", self._tap)
        app.router.add_post("/point-events", self._event)
        app.router.add_get("/attendances/expected", self._expected)
        app.router.add_get("/status", self._show_status)
        return app

    async def _tap(self, request: web.Request) -> web.Response:
        point_id = self._point(request)
        try:
            body = TapBody.model_validate_json(await request.read())
            uid = card_uid(body.card_uid) if body.card_uid is not None else None
        except (ValidationError, BadCardUid):
            raise _problem(web.HTTPUnprocessableEntity, "bad-input") from None
        if (uid is None) == (body.person_id is None):
            raise _problem(web.HTTPUnprocessableEntity, "bad-input")
        record = bytes.fromhex(body.signed_id) if body.signed_id else None
        assurance = self._doors.assurance_of(uid, record) if uid is not None else Assurance.UID
        answer = await self._doors.present(
            point_id, uid=uid, person_id=body.person_id, tap_id=body.id, assurance=assurance
        )
        return _json(_out(answer))

    async def _event(self, request: web.Request) -> web.Response:
        """Take what a reader tells of its door."""
        point_id = self._point(request)
        try:
            body = EventBody.model_validate_json(await request.read())
        except ValidationError:
            raise _problem(web.HTTPUnprocessableEntity, "bad-input") from None
        self._events.note(point_id, PointEventKind(body.kind), body.detail, event_id=body.id)
        await self._events.write_down()
        return _json({"id": str(body.id)})

    async def _expected(self, request: web.Request) -> web.Response:
        """List who is enrolled at the tablet's point and expected today, at any hour."""
        point_id = self._point(request)
        held = self._doors.held
        point = held.points.get(point_id) if held is not None else None
        if held is None or point is None:
            return _json({"place": "", "expected": []})
        people = (held.person(each) for each in held.enrolled(point_id))
        found = [
            {
                "person_id": str(person.id),
                "family_name": person.name.family,
                "given_name": person.name.given,
                "told_apart": person.name.told_apart,
                "status": "present" if self._doors.is_noted(person.id, point_id) else None,
            }
            for person in people
            if person is not None and person.name is not None and self._is_expected(held, point, person)
        ]
        found.sort(key=lambda each: (str(each["family_name"]), str(each["given_name"])))
        return _json({"place": point.days[0][1].site, "expected": found})

    def _is_expected(self, held: HeldList, point: KnownPoint, person: KnownPerson) -> bool:
        here = next((each for each in person.at if each.group == point.group), None)
        return not person.deceased and any(
            right.kind is RightKind.ENROLMENT
            and right.point_id == point.id
            and holds(right, self._doors.now(), at_any_hour=True, holidays=held.holidays)
            for right in (here.rights if here is not None else ())
        )

    async def _show_status(self, request: web.Request) -> web.Response:
        """Tell how we are, to this machine alone: nothing in it is about anybody."""
        if request.remote not in ("127.0.0.1", "::1"):
            raise _problem(web.HTTPForbidden, "forbidden")
        return _json(await self._status())

    def _point(self, request: web.Request) -> UUID:
        header = request.headers.get("Authorization", "")
        digest = key_digest(header.removeprefix("Bearer ")) if header.startswith("Bearer ") else b""
        code = next((code for known, code in self._keys.items() if hmac.compare_digest(known, digest)), None)
        if code is None:
            raise _problem(web.HTTPUnauthorized, "not-signed-in")
        self.seen[code] = datetime.now(UTC)
        point_id = self._doors.point_named(code)
        if point_id is None:
            raise _problem(web.HTTPServiceUnavailable, "no-list")
        return point_id


def key_digest(key: str) -> bytes:
    """Return under what a reader's key is compared."""
    return hashlib.sha256(key.encode()).digest()


def read_key(file: Path) -> str:
    """Return a reader's key from its file.

    Raises:
        SettingsError: it cannot be read, or is too short to be a secret.
    """
    try:
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from None
    if len(key) < KEY_CHARACTERS_MIN:
        raise SettingsError(f"{file}: a reader's key has {KEY_CHARACTERS_MIN} characters or more")
    return key


def _out(answer: Answer) -> dict[str, Any]:
    return {
        "id": str(answer.id),
        "allowed": answer.allowed,
        "reason": answer.reason,
        "display_short": answer.display_short,
        "display_long": answer.display_long,
        "online": answer.online,
    }


def _json(content: dict[str, Any]) -> web.Response:
    return web.Response(body=json.dumps(content, ensure_ascii=False).encode(), content_type="application/json")


def _problem(kind: type[web.HTTPException], slug: str) -> web.HTTPException:
    return kind(text=json.dumps({"type": f"/problems/{slug}", "slug": slug}), content_type="application/problem+json")

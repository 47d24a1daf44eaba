"""A machine's requests to the server over HTTP: enrolment once, then short tokens against its own key."""

from __future__ import annotations

import json
import time
from typing import Any, TypeVar
from uuid import UUID

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout
from pydantic import BaseModel, Field, ValidationError

from cvq_core.devices.identity import Identity, from_base64url, to_base64url

ANSWER_BYTES_MAX = 64 * 1024
TOKEN_SPARE_S = 30.0
"""A token this close to its end is not used any more."""

SHORT = ClientTimeout(total=10)

T = TypeVar("T", bound=BaseModel)


class ServerUnreachable(Exception):
    """No answer came from the server, or none that makes sense."""


class ServerRefused(Exception):
    """The server answered no; the message is its own, `status` the one of HTTP, `slug` that of the problem."""

    def __init__(self, status: int, message: str, slug: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.slug = slug


class _Enrolled(BaseModel):
    device_id: UUID
    name: str = Field(max_length=200)


class _Challenge(BaseModel):
    challenge: str = Field(min_length=1, max_length=1024)


class _Token(BaseModel):
    token: str = Field(min_length=1, max_length=8192)
    expires_in_s: float = Field(gt=0)


async def enrol_as(session: ClientSession, url: str, kind: str, code: str, identity: Identity) -> Identity:
    """Exchange a one-time code for a place at the server, and return the identity with its id and name.

    Raises:
        ServerRefused: the code is wrong, used or too old.
        ServerUnreachable: nothing answered.
    """
    body = {"code": code, "public_key": identity.public_key, "kind": kind}
    answer = await post_json(session, f"{url}/api/v1/devices/enrol", body, _Enrolled)
    return identity.enrolled(answer.device_id, answer.name)


class DeviceLine:
    """The server, as an enrolled machine may ask it over HTTP. `url` has no slash at its end."""

    def __init__(self, session: ClientSession, url: str, identity: Identity) -> None:
        self.session = session
        self.url = url
        self._identity = identity
        self._token = ""
        self._token_good_until = 0.0

    async def headers(self) -> dict[str, str]:
        """Return the Authorization header of a request, with a token that lasts a while yet.

        Raises:
            ServerRefused: the machine is revoked or unknown.
            ServerUnreachable: nothing answered.
        """
        if time.monotonic() >= self._token_good_until:
            await self._exchange()
        return {"Authorization": f"Bearer {self._token}"}

    def forget_token(self) -> None:
        """Ask for a new token next time: the server did not take this one."""
        self._token_good_until = 0.0

    async def challenge(self) -> bytes:
        """Return a number to sign; raises as `headers` does."""
        address = f"{self.url}/api/v1/devices/challenge"
        asked = await post_json(self.session, address, {"device_id": str(self._identity.device_id)}, _Challenge)
        try:
            return from_base64url(asked.challenge)
        except ValueError:
            raise ServerUnreachable("the server's challenge is not base64url") from None

    async def rotate(self, successor: Identity) -> None:
        """Have the server know a new key instead of this one; save it before: the answer may get lost.

        Raises:
            ServerRefused, ServerUnreachable
        """
        challenge = await self.challenge()
        body = {
            "device_id": str(self._identity.device_id),
            "challenge": to_base64url(challenge),
            "public_key": successor.public_key,
            "signature": self._identity.endorse(challenge, successor.public_key),
            "new_signature": successor.endorse(challenge, successor.public_key),
        }
        await post_json(self.session, f"{self.url}/api/v1/devices/key", body, _Enrolled)
        self._identity = successor
        self.forget_token()

    async def _exchange(self) -> None:
        challenge = await self.challenge()
        body = {
            "device_id": str(self._identity.device_id),
            "challenge": to_base64url(challenge),
            "signature": self._identity.sign(challenge),
        }
        answer = await post_json(self.session, f"{self.url}/api/v1/devices/token", body, _Token)
        self._token = answer.token
        self._token_good_until = time.monotonic() + max(0.0, answer.expires_in_s - TOKEN_SPARE_S)


async def post_json(session: ClientSession, url: str, body: dict[str, Any], shape: type[T]) -> T:
    """Send JSON and return the answer in the shape that it should have.

    Raises:
        ServerRefused, ServerUnreachable
    """
    try:
        async with session.post(url, json=body, timeout=SHORT, allow_redirects=False) as response:
            raw = await read_bounded(response, ANSWER_BYTES_MAX)
    except (ClientError, TimeoutError, OSError) as error:
        raise ServerUnreachable(f"{url}: {error or type(error).__name__}") from error
    if response.status >= 300:
        raise refused(raw, response.status)
    try:
        return shape.model_validate_json(raw)
    except ValidationError:
        raise ServerUnreachable(f"{url}: the answer is not what a server says") from None


async def read_bounded(response: ClientResponse, bytes_max: int) -> bytes:
    """Return the body.

    Raises:
        ServerUnreachable: it is longer than `bytes_max`.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > bytes_max:
            raise ServerUnreachable(f"{response.url.path}: more than {bytes_max} bytes")
    return bytes(body)


def refused(raw: bytes, status: int) -> ServerRefused:
    """Return the refusal that a problem document of the server's own (RFC 9457) tells, or the bare status."""
    words, slug = [], ""
    try:
        problem = json.loads(raw)
        words = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
        slug = str(problem.get("type", "")).partition("/problems/")[2]
    except (ValueError, AttributeError, TypeError, RecursionError):
        pass
    return ServerRefused(status, " ".join(words) or f"HTTP {status}", slug)

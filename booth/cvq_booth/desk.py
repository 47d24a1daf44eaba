"""The booth's requests to the desk: enrolment once, then short tokens against its own key, and files to print."""

from __future__ import annotations

import json
import re
import time
from typing import TypeVar
from uuid import UUID

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout
from pydantic import BaseModel, Field, ValidationError

from cvq_booth.identity import Identity, from_base64url

ANSWER_BYTES_MAX = 64 * 1024
FILE_BYTES_MAX = 64 * 1024**2
TOKEN_SPARE_S = 30.0
"""A token this close to its end is not used any more."""

_SHORT = ClientTimeout(total=10)
_FILE = ClientTimeout(total=120, sock_read=20)
_FILE_PATH = re.compile(r"/api/v1/booth/files/[0-9a-f-]{36}")

T = TypeVar("T", bound=BaseModel)


class DeskUnreachable(Exception):
    """No answer came from the desk, or none that makes sense."""


class DeskRefused(Exception):
    """The desk answered no; the message is its own, `status` the one of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Enrolled(BaseModel):
    device_id: UUID
    name: str = Field(max_length=200)


class _Challenge(BaseModel):
    challenge: str = Field(min_length=1, max_length=1024)


class _Token(BaseModel):
    token: str = Field(min_length=1, max_length=8192)
    expires_in_s: float = Field(gt=0)


async def enrol(session: ClientSession, url: str, code: str, identity: Identity) -> Identity:
    """Exchange a one-time code for a place at the desk, and return the identity with its id and name.

    Raises:
        DeskRefused: the code is wrong, used or too old.
        DeskUnreachable: nothing answered.
    """
    body = {"code": code, "public_key": identity.public_key, "kind": "booth"}
    answer = await _post(session, f"{url}/api/v1/devices/enrol", body, _Enrolled)
    return identity.enrolled(answer.device_id, answer.name)


class Desk:
    """The desk, as an enrolled booth may ask it over HTTP. `url` has no slash at its end."""

    def __init__(self, session: ClientSession, url: str, identity: Identity) -> None:
        self.session = session
        self.url = url
        self._identity = identity
        self._token = ""
        self._token_good_until = 0.0

    async def headers(self) -> dict[str, str]:
        """Return the Authorization header of a request, with a token that lasts a while yet.

        Raises:
            DeskRefused: the booth is revoked or unknown.
            DeskUnreachable: nothing answered.
        """
        if time.monotonic() >= self._token_good_until:
            await self._exchange()
        return {"Authorization": f"Bearer {self._token}"}

    def forget_token(self) -> None:
        """Ask for a new token next time: the desk did not take this one."""
        self._token_good_until = 0.0

    async def file(self, path: str) -> bytes:
        """Return a file that a command names.

        Raises:
            DeskRefused: there is no such file, or not for this booth.
            DeskUnreachable: nothing answered, or more than FILE_BYTES_MAX.
        """
        if not _FILE_PATH.fullmatch(path):
            raise DeskRefused(400, f"not the address of a booth's file: {path[:100]}")
        try:
            headers = await self.headers()
            async with self.session.get(
                self.url + path, headers=headers, timeout=_FILE, allow_redirects=False
            ) as response:
                if response.status == 401:
                    self.forget_token()
                if response.status != 200:
                    raise DeskRefused(response.status, f"HTTP {response.status}")
                return await _read(response, FILE_BYTES_MAX)
        except (ClientError, TimeoutError, OSError) as error:
            raise DeskUnreachable(f"{path}: {error or type(error).__name__}") from error

    async def _exchange(self) -> None:
        device_id = str(self._identity.device_id)
        address = f"{self.url}/api/v1/devices"
        asked = await _post(self.session, f"{address}/challenge", {"device_id": device_id}, _Challenge)
        try:
            challenge = from_base64url(asked.challenge)
        except ValueError:
            raise DeskUnreachable("the desk's challenge is not base64url") from None
        body = {"device_id": device_id, "challenge": asked.challenge, "signature": self._identity.sign(challenge)}
        answer = await _post(self.session, f"{address}/token", body, _Token)
        self._token = answer.token
        self._token_good_until = time.monotonic() + max(0.0, answer.expires_in_s - TOKEN_SPARE_S)


async def _post(session: ClientSession, url: str, body: dict[str, str], shape: type[T]) -> T:
    try:
        async with session.post(url, json=body, timeout=_SHORT, allow_redirects=False) as response:
            raw = await _read(response, ANSWER_BYTES_MAX)
    except (ClientError, TimeoutError, OSError) as error:
        raise DeskUnreachable(f"{url}: {error or type(error).__name__}") from error
    if response.status >= 300:
        raise DeskRefused(response.status, _reason(raw, response.status))
    try:
        return shape.model_validate_json(raw)
    except ValidationError:
        raise DeskUnreachable(f"{url}: the answer is not what a desk says") from None


async def _read(response: ClientResponse, bytes_max: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > bytes_max:
            raise DeskUnreachable(f"{response.url.path}: more than {bytes_max} bytes")
    return bytes(body)


def _reason(raw: bytes, status: int) -> str:
    """Return the words of a problem document (RFC 9457), or the bare status."""
    try:
        problem = json.loads(raw)
        words = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        words = []
    return " ".join(words) or f"HTTP {status}"

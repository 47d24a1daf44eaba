"""How a booth or a reader enrols, and gets its short tokens."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

from limits import RateLimitItemPerMinute
from pydantic import BaseModel, Field

from cvq_core.devices.store import TOKEN_LIFE, BadDeviceKey, enrol, exchange, kind_of, make_challenge, rotate
from cvq_core.errors import TooMany
from cvq_core.journal.store import Actor, record
from cvq_core.web import PUBLIC, Context, Routes

routes = Routes("/api/v1/devices", tag="devices")
CALLS_A_MINUTE = 120


class Enrolment(BaseModel):
    """A device's first words. `public_key` is the raw Ed25519 key, base64url."""

    code: str = Field(max_length=40)
    kind: str = Field(pattern="^(booth|reader|controller|encoder)$")
    public_key: str = Field(max_length=60)


class Enrolled(BaseModel):
    """Who the device is from now on."""

    device_id: UUID
    name: str


class ChallengeWanted(BaseModel):
    """A device about to prove itself."""

    device_id: UUID


class Challenge(BaseModel):
    """32 bytes to sign behind `cvq-device-token:`, base64url."""

    challenge: str


class Proof(BaseModel):
    """The signature of a challenge, both base64url."""

    device_id: UUID
    challenge: str = Field(max_length=60)
    signature: str = Field(max_length=120)


class NewKey(BaseModel):
    """A new key in place of the old one: both sign the challenge and the new key behind `cvq-device-key:`."""

    device_id: UUID
    challenge: str = Field(max_length=60)
    public_key: str = Field(max_length=60)
    signature: str = Field(max_length=120)
    new_signature: str = Field(max_length=120)


class Token(BaseModel):
    """A bearer token."""

    token: str
    expires_in_s: int


@routes.post("/enrol", access=PUBLIC, body=Enrolment, answer=Enrolled, status=201)
async def enrol_device(context: Context, body: Enrolment) -> Enrolled:
    """Enrol a booth, a reader, a site's controller or a card encoder with its one-time code."""
    await _bound(context)
    device = await enrol(
        context.db, code=body.code, kind=body.kind, public_key=_bytes(body.public_key), now=context.now
    )
    actor = Actor(kind_of(device.kind), device.id, device.name)
    record(context.db, now=context.now, actor=actor, action="device-enrolled")
    return Enrolled(device_id=device.id, name=device.name)


@routes.post("/challenge", access=PUBLIC, body=ChallengeWanted, answer=Challenge)
async def challenge_device(context: Context, body: ChallengeWanted) -> Challenge:
    """Give a device a number to sign."""
    await _bound(context)
    challenge = await make_challenge(context.db, body.device_id, now=context.now)
    return Challenge(challenge=_text(challenge))


@routes.post("/token", access=PUBLIC, body=Proof, answer=Token)
async def token_device(context: Context, body: Proof) -> Token:
    """Turn a signed challenge into a short token."""
    await _bound(context)
    token = await exchange(context.db, body.device_id, _bytes(body.challenge), _bytes(body.signature), now=context.now)
    return Token(token=token, expires_in_s=int(TOKEN_LIFE.total_seconds()))


@routes.post("/key", access=PUBLIC, body=NewKey, answer=Enrolled)
async def rotate_key(context: Context, body: NewKey) -> Enrolled:
    """Put a new key in the place of a device's old one, which ends."""
    await _bound(context)
    device = await rotate(
        context.db,
        body.device_id,
        _bytes(body.challenge),
        _bytes(body.public_key),
        signatures=(_bytes(body.signature), _bytes(body.new_signature)),
        now=context.now,
    )
    actor = Actor(kind_of(device.kind), device.id, device.name)
    record(context.db, now=context.now, actor=actor, action="device-key-changed")
    return Enrolled(device_id=device.id, name=device.name)


async def _bound(context: Context) -> None:
    """These routes answer to anybody: an address gets some calls a minute."""
    item = RateLimitItemPerMinute(CALLS_A_MINUTE)
    if not await context.services.limiter.hit(item, f"devices:{context.address}"):
        raise TooMany(retry_after_s=60)


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise BadDeviceKey from None


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")

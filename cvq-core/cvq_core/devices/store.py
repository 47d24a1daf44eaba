"""Enrolling devices, and turning a signature into a short token."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, cast
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Select, Table, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.devices.tables import Device, DeviceChallenge, DeviceToken, EnrolmentCode
from cvq_core.errors import N_, BadInput, NotSignedIn
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM, record
from cvq_core.prepared import Prepared, one_of
from cvq_core.staff.rules import ANONYMOUS, Principal
from cvq_core.staff.store import digest

CODE_LIFE = timedelta(hours=24)
CHALLENGE_LIFE = timedelta(minutes=1)
TOKEN_LIFE = timedelta(hours=1)
SIGNED_PREFIX = b"cvq-device-token:"
ROTATION_PREFIX = b"cvq-device-key:"
"""Signed, with the challenge and the new key behind it, by the old key and by the new one."""
ONE_MACHINE = frozenset({"booth", "controller"})
"""Kinds of which each subject has one machine; several readers may stand at one access point."""
DeviceKind = Literal["booth", "reader", "controller", "encoder"]
CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no letter that reads like a digit


class BadCode(BadInput):
    """Unknown, used or too old."""

    slug = "bad-enrolment-code"
    message = N_("Ce code d’installation n’est plus valable.")
    what_to_do = N_("Demandez-en un nouveau : un code sert une seule fois, pendant vingt-quatre heures.")


class BadDeviceKey(BadInput):
    """What was sent is no Ed25519 public key."""

    slug = "bad-device-key"
    message = N_("La clé de l’appareil n’est pas une clé Ed25519.")


class DeviceRefused(NotSignedIn):
    """Unknown or revoked device, stale challenge or wrong signature."""

    slug = "device-refused"
    message = N_("Cet appareil n’est pas reconnu.")
    what_to_do = N_("S’il a été remplacé ou retiré, installez-le de nouveau avec un code neuf.")


def kind_of(word: str) -> DeviceKind:
    """Return a device's kind as it is stored."""
    assert word in ("booth", "reader", "controller", "encoder")
    return cast(DeviceKind, word)


async def make_code(db: AsyncSession, *, kind: str, subject_id: UUID, name: str, now: datetime) -> str:
    """Make a one-time code for a booth, a reader or a controller and return it; it cannot be read again."""
    code = "-".join("".join(secrets.choice(CODE_ALPHABET) for _ in range(4)) for _ in range(3))
    db.add(
        EnrolmentCode(
            id=new_id(),
            code_digest=digest(code),
            kind=kind,
            subject_id=subject_id,
            name=name,
            created_at=now,
            expires_at=now + CODE_LIFE,
        )
    )
    return code


async def enrol(db: AsyncSession, *, code: str, kind: str, public_key: bytes, now: datetime) -> Device:
    """Use up a code and note the device's public key; a booth's or controller's former key ends with it.

    Raises:
        BadCode: unknown, used, expired, or for another kind of device.
        BadDeviceKey: not 32 bytes of an Ed25519 key.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        raise BadDeviceKey from None
    used = await db.execute(
        update(EnrolmentCode)
        .where(
            EnrolmentCode.code_digest == digest(code.strip().upper()),
            EnrolmentCode.kind == kind,
            EnrolmentCode.used_at.is_(None),
            EnrolmentCode.expires_at > now,
        )
        .values(used_at=now)
        .returning(EnrolmentCode.subject_id, EnrolmentCode.name)
    )
    row = used.first()
    if row is None:
        raise BadCode
    if kind in ONE_MACHINE:
        # Whoever installs it anew has replaced the former machine.
        await revoke_of(db, kind, row.subject_id, now=now)
    device = Device(
        id=new_id(), kind=kind, subject_id=row.subject_id, name=row.name, public_key=public_key, enrolled_at=now
    )
    db.add(device)
    return device


async def make_challenge(db: AsyncSession, device_id: UUID, *, now: datetime) -> bytes:
    """Return a number for the device to sign.

    Raises:
        DeviceRefused: unknown or revoked.
    """
    known = await db.scalar(select(Device.id).where(Device.id == device_id, Device.revoked_at.is_(None)))
    if known is None:
        raise DeviceRefused
    await db.execute(delete(DeviceChallenge).where(DeviceChallenge.expires_at < now))
    await db.execute(delete(DeviceToken).where(DeviceToken.expires_at < now))
    challenge = secrets.token_bytes(32)
    db.add(DeviceChallenge(challenge=challenge, device_id=device_id, expires_at=now + CHALLENGE_LIFE))
    return challenge


async def exchange(db: AsyncSession, device_id: UUID, challenge: bytes, signature: bytes, *, now: datetime) -> str:
    """Use up a challenge and return a token of an hour.

    Raises:
        DeviceRefused: the challenge is not this device's or not fresh, the signature is wrong, or the device revoked.
    """
    device = await _challenged(db, device_id, challenge, now)
    _check(device.public_key, signature, SIGNED_PREFIX + challenge)
    token = secrets.token_urlsafe(32)
    db.add(DeviceToken(token_digest=digest(token), device_id=device_id, expires_at=now + TOKEN_LIFE))
    return token


async def rotate(
    db: AsyncSession,
    device_id: UUID,
    challenge: bytes,
    public_key: bytes,
    *,
    signatures: tuple[bytes, bytes],
    now: datetime,
) -> Device:
    """Put a new key in the place of a device's old one; `signatures` are the old key's and the new one's.

    The old key's tokens end with it. The device stays the same one: what it has sent goes on being its own.

    Raises:
        DeviceRefused: as for `exchange`, or the new key is not held by who sends it.
        BadDeviceKey: not 32 bytes of an Ed25519 key.
    """
    device = await _challenged(db, device_id, challenge, now)
    signed = ROTATION_PREFIX + challenge + public_key
    _check(device.public_key, signatures[0], signed)
    _check(public_key, signatures[1], signed)
    device.public_key = public_key
    await db.execute(delete(DeviceToken).where(DeviceToken.device_id == device_id))
    return device


async def _challenged(db: AsyncSession, device_id: UUID, challenge: bytes, now: datetime) -> Device:
    """Use up a challenge; return its device."""
    used = await db.execute(
        delete(DeviceChallenge)
        .where(
            DeviceChallenge.challenge == challenge,
            DeviceChallenge.device_id == device_id,
            DeviceChallenge.expires_at > now,
        )
        .returning(DeviceChallenge.device_id)
    )
    device = await db.get(Device, device_id)
    if used.first() is None or device is None or device.revoked_at is not None:
        raise DeviceRefused
    return device


def _check(public_key: bytes, signature: bytes, signed: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except ValueError:
        raise BadDeviceKey from None
    except InvalidSignature:
        raise DeviceRefused from None


async def principal_of_token(db: AsyncSession, token: str, *, now: datetime) -> Principal:
    """Return the device that holds `token`; nobody when it is over, unknown or its device revoked."""
    return (await principals_of_tokens(db, {token}, now=now)).get(token, ANONYMOUS)


async def principals_of_tokens(db: AsyncSession, tokens: Collection[str], *, now: datetime) -> dict[str, Principal]:
    """Return the devices that hold some tokens; one that is over, unknown or of a revoked device is absent."""
    rows = await _holders(db.get_bind().dialect.name).fetch(db, digests=[digest(token) for token in tokens], now=now)
    held = principals_by_digest(rows)
    return {token: held[digest(token)] for token in tokens if digest(token) in held}


def principals_by_digest(rows: Iterable[Sequence[Any]]) -> dict[str, Principal]:
    """Return the devices that `holders` found, by the digests of their tokens."""
    return {
        held: Principal(kind_of(kind), device_id, name, subject_id=subject_id)
        for held, device_id, kind, name, subject_id in rows
    }


def holders(dialect: str) -> Select[Any]:
    """Return the select of the devices that hold tokens, by their `digests`, at the instant `now`."""
    tokens, devices = cast(Table, DeviceToken.__table__).c, cast(Table, Device.__table__).c
    return (
        select(tokens.token_digest, devices.id, devices.kind, devices.name, devices.subject_id)
        .join_from(DeviceToken.__table__, Device.__table__, devices.id == tokens.device_id)
        .where(
            one_of(tokens.token_digest, "digests", dialect),
            tokens.expires_at > bindparam("now", type_=tokens.expires_at.type),
            devices.revoked_at.is_(None),
        )
    )


@cache
def _holders(dialect: str) -> Prepared:
    return Prepared(holders(dialect))


async def revoke(db: AsyncSession, device_id: UUID, now: datetime) -> None:
    """Revoke a device; its tokens end with it."""
    await db.execute(update(Device).where(Device.id == device_id).values(revoked_at=now))
    await db.execute(delete(DeviceToken).where(DeviceToken.device_id == device_id))
    record(db, now=now, actor=SYSTEM, action="device-revoked", subject=("device", device_id))


async def revoke_of(db: AsyncSession, kind: str, subject_id: UUID, *, now: datetime) -> int:
    """Revoke the devices of a booth, an access point or a controller, and the codes not used yet; return how many."""
    held = await db.scalars(
        select(Device.id).where(Device.kind == kind, Device.subject_id == subject_id, Device.revoked_at.is_(None))
    )
    device_ids = list(held)
    for device_id in device_ids:
        await revoke(db, device_id, now)
    await db.execute(
        update(EnrolmentCode)
        .where(EnrolmentCode.kind == kind, EnrolmentCode.subject_id == subject_id, EnrolmentCode.used_at.is_(None))
        .values(used_at=now)
    )
    return len(device_ids)

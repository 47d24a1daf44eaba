"""Making keys in the HSM, retiring them, and what `cvq keys` and `cvq check` say of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.card_keys.custody import (
    CARD,
    SIGNATURE,
    TRANSPORT_LABEL,
    CardKeysUnavailable,
    Custody,
    KeyExists,
)
from cvq_core.card_keys.tables import CardChip, CardKey, KeyPurpose
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.journal.store import SYSTEM, record

VERSION_MAX = 255
PARTS_MAX = 3
_PART = re.compile(r"[0-9A-F]{32}")


class TooManyKeys(Refusal):
    """A card counts the versions of its keys in one byte."""

    slug = "too-many-card-keys"
    message = N_("Une carte ne compte que 255 versions de sa clé, et elles ont toutes servi.")


class UnknownKey(NotFound):
    """There is no key of this version, or it was retired before."""

    slug = "unknown-card-key"
    message = N_("Cette clé n’existe pas, ou elle a déjà été retirée.")


class BadTransportKey(BadInput):
    """The parts are no key, or not the one whose check value was given."""

    slug = "bad-transport-key"
    message = N_("Ce n’est pas la clé annoncée : rien n’a changé.")
    what_to_do = N_(
        "Chaque part compte 32 chiffres hexadécimaux ; comparez la valeur de contrôle avec celle du fabricant."
    )


async def make_key(db: AsyncSession, custody: Custody, purpose: KeyPurpose, *, now: datetime) -> int:
    """Make the next version of a key in the HSM and note it; return the version. New cards get it from now on.

    A key that the HSM made before and nobody noted, the transaction having failed, is passed over.

    Raises:
        TooManyKeys: 255 were made.
        CardKeysUnavailable: the HSM does not answer.
    """
    last = await db.scalar(select(func.max(CardKey.version)).where(CardKey.purpose == purpose)) or 0
    version = await asyncio.to_thread(_next_free, custody, purpose, last)
    public = None
    if purpose is KeyPurpose.CARD:
        await asyncio.to_thread(custody.make_card_key, version)
    else:
        public = await asyncio.to_thread(custody.make_signing_key, version)
    db.add(CardKey(purpose=purpose, version=version, public_key=public, made_at=now, retired_at=None))
    record(db, now=now, actor=SYSTEM, action="card-key-made", personal={"purpose": purpose.value, "version": version})
    await db.flush()
    return version


async def import_transport_key(
    db: AsyncSession, custody: Custody, parts: Sequence[str], *, check_value: str, now: datetime
) -> None:
    """Put the key that cards are delivered with into the HSM; its parts are each known to somebody else.

    `check_value` is what the maker says of it: six hexadecimal digits, the beginning of its CMAC of sixteen zeros. The
    same key a second time changes nothing.

    Raises:
        BadTransportKey: they are no parts of a key, or of another one.
        KeyExists: the HSM has another one.
        CardKeysUnavailable: the HSM does not answer.
    """
    written = [re.sub(r"\s", "", part).upper() for part in parts]
    if not 1 <= len(parts) <= PARTS_MAX or not all(map(_PART.fullmatch, written)):
        raise BadTransportKey
    number = 0
    for part in written:
        number ^= int(part, 16)
    key = number.to_bytes(16, "big")
    wanted = check_value.strip().upper()
    if not number or _check_value(key) != wanted:
        raise BadTransportKey
    try:
        await asyncio.to_thread(custody.import_transport_key, key)
    except KeyExists:
        if await asyncio.to_thread(custody.check_value, TRANSPORT_LABEL) != wanted:
            raise
        return
    facts = {"check_value": wanted, "parts": len(parts)}
    record(db, now=now, actor=SYSTEM, action="card-transport-key-imported", personal=facts)
    await db.flush()


def _check_value(key: bytes) -> str:
    cmac = CMAC(AES(key))
    cmac.update(bytes(16))
    return cmac.finalize()[:3].hex().upper()


def _next_free(custody: Custody, purpose: KeyPurpose, last: int) -> int:
    for version in range(last + 1, VERSION_MAX + 1):
        if not in_hsm(custody, purpose, version):
            return version
    raise TooManyKeys


def in_hsm(custody: Custody, purpose: KeyPurpose, version: int) -> bool:
    """Whether the HSM has a key.

    Raises:
        CardKeysUnavailable: it does not answer.
    """
    if purpose is KeyPurpose.CARD:
        return custody.has(CARD.format(version))
    return custody.has_private(SIGNATURE.format(version))


async def retire_key(db: AsyncSession, purpose: KeyPurpose, version: int, *, now: datetime) -> None:
    """Retire a key: what was written with it is good for nothing from now on. It stays in the HSM.

    Raises:
        UnknownKey
    """
    row = await db.get(CardKey, (purpose, version), with_for_update=True)
    if row is None or row.retired_at is not None:
        raise UnknownKey
    row.retired_at = now
    facts = {"purpose": purpose.value, "version": version}
    record(db, now=now, actor=SYSTEM, action="card-key-retired", personal=facts)
    await db.flush()


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as it is listed; `cards` is how many cards have it."""

    purpose: str
    version: int
    made_on: date
    retired_on: date | None
    cards: int
    in_hsm: bool


async def known_keys(db: AsyncSession, custody: Custody) -> list[KnownKey]:
    """Return all keys that were made.

    Raises:
        CardKeysUnavailable: the HSM does not answer.
    """
    found = []
    for row in await db.scalars(select(CardKey).order_by(CardKey.purpose, CardKey.version)):
        column = CardChip.key_version if row.purpose is KeyPurpose.CARD else CardChip.signature_version
        cards = await db.scalar(select(func.count()).select_from(CardChip).where(column == row.version)) or 0
        there = await asyncio.to_thread(in_hsm, custody, row.purpose, row.version)
        retired_on = local_day(row.retired_at) if row.retired_at else None
        found.append(KnownKey(row.purpose.value, row.version, local_day(row.made_at), retired_on, cards, there))
    return found


async def troubles(db: AsyncSession, custody: Custody | None) -> list[str]:
    """Return what is wrong with the keys of cards, one French sentence each.

    Without an HSM that is only wrong where keys were made once.
    """
    rows = list(await db.scalars(select(CardKey).where(CardKey.retired_at.is_(None))))
    if custody is None:
        return ["des clés ont été faites et aucun coffre n’est réglé"] if rows else []
    try:
        missing = [
            f"{row.purpose.value} {row.version}"
            for row in rows
            if not await asyncio.to_thread(in_hsm, custody, row.purpose, row.version)
        ]
        if not rows:
            await asyncio.to_thread(custody.has, CARD.format(1))
    except CardKeysUnavailable:
        return ["le coffre ne répond pas"]
    return [f"absente du coffre : {name}" for name in missing]

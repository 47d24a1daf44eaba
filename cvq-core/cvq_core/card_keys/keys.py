"""Making keys in the HSM, retiring them, and what `cvq keys` and `cvq check` say of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.card_keys.custody import (
    CARD,
    MAKING_S,
    SIGNATURE,
    TRANSPORT_LABEL,
    CardKeysUnavailable,
    Custody,
    KeyExists,
    in_thread,
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
    version = await in_thread(lambda: _next_free(custody, purpose, last), patience=MAKING_S)
    public = None
    if purpose is KeyPurpose.CARD:
        await in_thread(lambda: custody.make_card_key(version), patience=MAKING_S)
    else:
        public = await in_thread(lambda: custody.make_signing_key(version), patience=MAKING_S)
    db.add(CardKey(purpose=purpose, version=version, public_key=public, made_at=now, retired_at=None))
    _tell(db, purpose, now)
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
        await in_thread(lambda: custody.import_transport_key(key), patience=MAKING_S)
    except KeyExists:
        if await in_thread(lambda: custody.check_value(TRANSPORT_LABEL)) != wanted:
            raise
        return
    facts = {"check_value": wanted, "parts": len(parts)}
    record(db, now=now, actor=SYSTEM, action="card-transport-key-imported", personal=facts)
    await db.flush()


def _check_value(key: bytes) -> str:
    cmac = CMAC(AES(key))
    cmac.update(bytes(16))
    return cmac.finalize()[:3].hex().upper()


def _tell(db: AsyncSession, purpose: KeyPurpose, now: datetime) -> None:
    """Tell the sites, which hold the public keys of signatures and nothing of the others."""
    if purpose is KeyPurpose.SIGNATURE:
        note_change(db, now=now, everybody=True)


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
    """Retire a key: what was written with it is good for nothing from now on, at every site. It stays in the HSM.

    Raises:
        UnknownKey
    """
    row = await db.get(CardKey, (purpose, version), with_for_update=True)
    if row is None or row.retired_at is not None:
        raise UnknownKey
    row.retired_at = now
    _tell(db, purpose, now)
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
    rows = list(await db.scalars(select(CardKey).order_by(CardKey.purpose, CardKey.version)))
    held = await _held(custody, rows)
    for row in rows:
        column = CardChip.key_version if row.purpose is KeyPurpose.CARD else CardChip.signature_version
        cards = await db.scalar(select(func.count()).select_from(CardChip).where(column == row.version)) or 0
        retired_on = local_day(row.retired_at) if row.retired_at else None
        found.append(KnownKey(row.purpose.value, row.version, local_day(row.made_at), retired_on, cards, row in held))
    return found


async def troubles(db: AsyncSession, custody: Custody | None) -> list[str]:
    """Return what is wrong with the keys of cards, one French sentence each.

    Without an HSM that is only wrong where keys were made once.
    """
    rows = list(await db.scalars(select(CardKey).where(CardKey.retired_at.is_(None))))
    if custody is None:
        return ["des clés ont été faites et aucun coffre n’est réglé"] if rows else []
    try:
        held = await _held(custody, rows)
        if not rows:
            await in_thread(lambda: custody.has(CARD.format(1)))
    except CardKeysUnavailable:
        return ["le coffre ne répond pas"]
    return [f"absente du coffre : {row.purpose.value} {row.version}" for row in rows if row not in held]


async def _held(custody: Custody, rows: Sequence[CardKey]) -> list[CardKey]:
    """Return those of some keys that the HSM has.

    Raises:
        CardKeysUnavailable: it does not answer.
    """
    asked = [(row, row.purpose, row.version) for row in rows]
    # Rows are read here: a thread has no business with a session.
    return await in_thread(
        lambda: [row for row, purpose, version in asked if in_hsm(custody, purpose, version)], patience=MAKING_S
    )

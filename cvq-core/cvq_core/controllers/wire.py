"""What the core and a site's controller say to each other: the list of whom its points let in, and how it is signed.

Pure values, known to both sides. A page of the list is signed as the very text that travels, with the installation's
Ed25519 key, and chained to the page before it by its `after`: none can be left out, taken from another list or changed,
on the way or on the controller's disk. What is a value of the rule (`Point`, `Right`, …) travels as it is, so that the
rule at the door is given the same.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cvq_core.access.facts import Point, Right, WalletFacts
from cvq_core.cards.rules import CardFacts
from cvq_core.devices.identity import from_base64url, to_base64url

SIGNED_PREFIX = b"cvq-access-list:"
"""Signed before a page, so that nothing else that this key signs can pass for one."""

PEOPLE_A_PAGE = 500
PAGE_BYTES_MAX = 4 * 1024**2
DIGEST_BYTES = 16
READERS_MAX = 64
READER_NAME_MAX = 60
TROUBLES_MAX = 20


class TooLong(Exception):
    """A page's text is longer than a controller reads."""


class NotSigned(Exception):
    """A page's signature is not that of the installation that this controller enrolled with."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class KnownCard(_Model):
    """A card under the digest of what readers see of it (`card_digest`), and what the rule looks at."""

    digest: str = Field(min_length=DIGEST_BYTES * 2, max_length=DIGEST_BYTES * 2)
    facts: CardFacts


class Name(_Model):
    """A person as a tablet's list names them; `told_apart` is a birth date in words, where two have the same name."""

    family: str
    given: str
    told_apart: str = ""


class Day(_Model):
    """Who pays for somebody from `first` on, until a later one begins, and what: prices change overnight.

    `wallets` are in the order in which they are asked. `prices` are cents by payer (empty: whoever it is) and by the
    kind of user; a price that is absent is one that the tariff does not know.
    """

    first: date
    payers: tuple[UUID, ...] = ()
    wallets: tuple[UUID, ...] = ()
    unclaimed: bool = False
    prices: dict[str, dict[str, int]] = Field(default_factory=dict)
    guarded: tuple[UUID, ...] = ()
    """The points that they pass behind a guardian only."""


class AtPoints(_Model):
    """What somebody has at some points that charge alike (`KnownPoint.group`)."""

    group: int
    rights: tuple[Right, ...] = ()
    wallets: tuple[WalletFacts, ...] = ()
    days: tuple[Day, ...] = ()
    noted_on: date | None = None
    """The day on which the core last knew them present here."""


class KnownPerson(_Model):
    """Somebody whom a point of the site may let in; `name` only where a tablet of the site lists them."""

    id: UUID
    deceased: bool = False
    cards: tuple[KnownCard, ...] = ()
    at: tuple[AtPoints, ...] = ()
    name: Name | None = None
    guardians: tuple[UUID, ...] = ()


class KnownPoint(_Model):
    """One access point of the site: its settings from a day on, until later ones begin."""

    id: UUID
    code: str
    label: str
    group: int
    charges: bool
    """Whether a passage costs something by a tariff, so that prices belong to its group."""
    days: tuple[tuple[date, Point], ...]


class Page(_Model):
    """One page of a list, or the people whom some changes concern.

    "changes" are those up to `sequence`; "people" some who were asked for, whatever changed meanwhile of others.
    A list's pages share `run`; the first has no `after`, the last no `before`, and each begins where the one before it
    ended. Everybody in a page that is no list's replaces what was known of them, and who is in `gone` is forgotten.
    `sequence` is the last change of the topic "access" that the page surely holds.
    """

    kind: Literal["list", "changes", "people"]
    controller_id: UUID
    run: UUID
    sequence: int
    made_at: AwareDatetime
    expires_at: AwareDatetime
    after: UUID | None = None
    before: UUID | None = None
    holidays: tuple[date, ...] = ()
    signing_keys: dict[int, str] = Field(default_factory=dict)
    """Public keys of signed identifiers (`card_keys.signed`), by version, in hexadecimal digits."""
    points: tuple[KnownPoint, ...] = ()
    people: tuple[KnownPerson, ...] = ()
    gone: tuple[UUID, ...] = ()


class SignedPage(_Model):
    """A page's text and its signature, base64url."""

    page: str = Field(max_length=PAGE_BYTES_MAX)
    signature: str = Field(max_length=120)


class Changes(_Model):
    """What changed: a page, or `afresh` when so much did, or so long ago, that the whole list is to be fetched.

    `changed_at` is when the first of it did, where that is still known.
    """

    afresh: bool = False
    more: bool = False
    changed_at: AwareDatetime | None = None
    signed: SignedPage | None = None


class Welcome(_Model):
    """What a controller is told once it is enrolled: whose pages it believes, and the salt of its cards' digests."""

    controller_id: UUID
    name: str
    site: str
    public_key: str
    salt: str
    list_hours: int


class ReaderState(_Model):
    """What a controller knows of the reader at one of its points.

    `answers` and yet not `online`: it does not prove that it holds its key, and is not heard.
    """

    point_id: UUID
    name: str = Field(default="", max_length=READER_NAME_MAX)
    kind: str = Field(max_length=20)
    online: bool
    secure: bool = False
    answers: bool = False
    last_seen_at: AwareDatetime | None = None


class HealthReport(_Model):
    """How a controller is. `instance` is one process: made when it starts, and never again.

    `change_delay_ms` is how long the last change took to reach it, `change_delay_worst_ms` the longest of a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance: UUID
    software: str = Field(max_length=60)
    queued: int = Field(ge=0, le=10_000_000)
    oldest_tap_at: AwareDatetime | None = None
    list_made_at: AwareDatetime | None = None
    list_until: AwareDatetime | None = None
    sequence: int | None = None
    clock_ahead_ms: int = Field(default=0, ge=-(10**15), le=10**15)
    change_delay_ms: int | None = Field(default=None, ge=0, le=10**12)
    change_delay_worst_ms: int | None = Field(default=None, ge=0, le=10**12)
    troubles: tuple[str, ...] = Field(default=(), max_length=TROUBLES_MAX)
    readers: tuple[ReaderState, ...] = Field(default=(), max_length=READERS_MAX)


class HealthAnswer(_Model):
    """What a controller is told of itself: whether another machine uses its key."""

    now: datetime
    twins: bool


def card_digest(salt: bytes, uid: str) -> str:
    """Return under what a controller knows a card; `uid` as `cards.rules.card_uid` returns it."""
    return hashlib.blake2b(uid.encode(), key=salt, digest_size=DIGEST_BYTES).hexdigest()


def sign(page: Page, key: Ed25519PrivateKey) -> SignedPage:
    """Return the page as it travels.

    Raises:
        TooLong
    """
    text = page.model_dump_json()
    if len(text) > PAGE_BYTES_MAX:
        raise TooLong
    return SignedPage(page=text, signature=to_base64url(key.sign(SIGNED_PREFIX + text.encode())))


def verified(signed: SignedPage, public_key: bytes) -> Page:
    """Return the page that was signed.

    Raises:
        NotSigned: by another key, or it was changed.
        ValidationError: it is signed, and is no page all the same.
    """
    try:
        signature = from_base64url(signed.signature)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, SIGNED_PREFIX + signed.page.encode())
    except (InvalidSignature, ValueError):
        raise NotSigned from None
    return Page.model_validate_json(signed.page)

"""The signed identifier that is written on a card at its making, and its check with nothing but a public key.

Whoever reads a card can read it, and copy it: it says that this number was given to this chip by us, not that the chip
that answers now is that one. It needs no network, so a site's controller checks it alone.

107 bytes: `CVQ1`, the signing key's version (2, big endian), the card's number (10 digits), the length of the chip's
identifier (1) and the identifier itself (10, filled up with zeros), the card's id (16), and an ECDSA signature on
P-256 with SHA-256 as r and s (32 each) over all that, behind a prefix of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

MAGIC = b"CVQ1"
PREFIX = b"cvq-signed-id:"
UID_BYTES_MAX = 10
SIGNED_BYTES = 43
LENGTH = SIGNED_BYTES + 64


@dataclass(frozen=True, slots=True)
class SignedId:
    """What a signed identifier says. `uid` is in upper-case hexadecimal digits, as a reader sees it."""

    key_version: int
    number: str
    uid: str
    card_id: UUID


def signed_part(said: SignedId) -> bytes:
    """Return the 43 bytes that are signed, without their prefix.

    Raises:
        ValueError: the number, the identifier or the version has another length.
    """
    uid = bytes.fromhex(said.uid)
    if len(said.number) != 10 or not said.number.isascii() or not 4 <= len(uid) <= UID_BYTES_MAX:
        raise ValueError("no card has such a number or identifier")
    return b"".join(
        (
            MAGIC,
            said.key_version.to_bytes(2, "big"),
            said.number.encode(),
            bytes([len(uid)]),
            uid.ljust(UID_BYTES_MAX, b"\0"),
            said.card_id.bytes,
        )
    )


def to_be_signed(said: SignedId) -> bytes:
    """Return what the signing key signs."""
    return PREFIX + signed_part(said)


def read_signed_id(record: bytes, public_keys: Mapping[int, bytes]) -> SignedId | None:
    """Return what a card's record says if one of our keys signed it, None otherwise.

    `public_keys` are those in force, by version, each an uncompressed point of P-256 (65 bytes). The caller compares
    `uid` with what the reader sees of the chip.
    """
    if len(record) != LENGTH or record[: len(MAGIC)] != MAGIC:
        return None
    said = _said(record)
    point = public_keys.get(said.key_version) if said else None
    if said is None or point is None:
        return None
    r, s = (int.from_bytes(record[at : at + 32], "big") for at in (SIGNED_BYTES, SIGNED_BYTES + 32))
    try:
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
        key.verify(encode_dss_signature(r, s), PREFIX + record[:SIGNED_BYTES], ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return None
    return said


def version_of(record: bytes) -> int:
    """Return the version of the key that signed a record."""
    return int.from_bytes(record[4:6], "big")


def _said(record: bytes) -> SignedId | None:
    number, length = record[6:16], record[16]
    if not number.isdigit() or not 4 <= length <= UID_BYTES_MAX or any(record[17 + length : 27]):
        return None
    return SignedId(
        version_of(record), number.decode(), record[17 : 17 + length].hex().upper(), UUID(bytes=record[27:43])
    )

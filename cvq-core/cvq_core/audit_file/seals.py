"""The installation's seal: an Ed25519 key whose public half the comptable is given on paper, once."""

from __future__ import annotations

import binascii
import contextlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cvq_core.audit_file.contents import Seal, digest

PREFIX = b"cvq-audit-file:"
"""Signed before the summary, so that nothing else that this key signs can pass for an audit file."""


class BadSealKey(Exception):
    """The key's file does not hold an Ed25519 key."""


def load_seal_key(file: Path) -> Ed25519PrivateKey:
    """Return the key, made on first use, readable by its owner alone; of two who make it at once, the first one's.

    Raises:
        BadSealKey: the file holds something else.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(Ed25519PrivateKey.generate().private_bytes_raw())
                out.flush()
                os.fsync(out.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(partial, file)
        finally:
            partial.unlink()
    try:
        return Ed25519PrivateKey.from_private_bytes(file.read_bytes())
    except ValueError:
        raise BadSealKey(f"{file} does not hold an Ed25519 key") from None


def seal(summary: bytes, key: Ed25519PrivateKey) -> Seal:
    """Sign a summary."""
    return Seal(digest(summary), key.public_key().public_bytes_raw().hex(), key.sign(PREFIX + summary).hex())


def is_signed(made: Seal, summary: bytes) -> bool:
    """Tell whether a seal is of this summary."""
    try:
        public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(made.public_key))
        public_key.verify(bytes.fromhex(made.signature), PREFIX + summary)
    except (InvalidSignature, ValueError, TypeError, binascii.Error):
        return False
    return True


def fingerprint(public_key: str) -> str:
    """Return what is read aloud and compared: the first 32 hexadecimal signs of the key's SHA-256."""
    try:
        return digest(bytes.fromhex(public_key))[:32]
    except (ValueError, TypeError):
        return "illisible"

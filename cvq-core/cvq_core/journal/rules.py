"""The chain of digests, over plain values."""

from __future__ import annotations

import hashlib
import json
from typing import Any

GENESIS = bytes(32)


def personal_digest(salt: bytes, personal: dict[str, Any] | None) -> bytes:
    """Return the salted digest that stands for the erasable part; the salt keeps a name from being guessed."""
    return hashlib.sha256(b"cvq-personal\0" + salt + canonical(personal)).digest()


def chain_digest(previous: bytes, facts: dict[str, Any], personal: bytes) -> bytes:
    """Return the digest of a record in its place: over the one before it, its facts, and its personal digest."""
    return hashlib.sha256(b"cvq-chain\0" + previous + personal + canonical(facts)).digest()


def canonical(value: Any) -> bytes:
    """Return the one JSON text of `value`: keys sorted, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()

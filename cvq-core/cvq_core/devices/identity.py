"""Who a machine is: its device id and its own Ed25519 key, which never leaves it. For booths and controllers."""

from __future__ import annotations

import base64
import json
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROTATION_CONTEXT = b"cvq-device-key:"
TOKEN_CONTEXT = b"cvq-device-token:"
"""Stands before every challenge that is signed, so that a signature is good for a token and for nothing else."""


class IdentityError(Exception):
    """The key file is absent, unreadable, or open to others; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A machine's key, and, once it is enrolled, the name under which the server knows it."""

    key: Ed25519PrivateKey
    device_id: UUID | None = None
    name: str = ""

    @classmethod
    def new(cls) -> Identity:
        """Make a key that no server knows yet."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def public_key(self) -> str:
        """The raw public key of 32 bytes, in base64url without padding."""
        return to_base64url(self.key.public_key().public_bytes_raw())

    def sign(self, challenge: bytes) -> str:
        """Return the signature that proves who asks for a token, in base64url without padding."""
        return to_base64url(self.key.sign(TOKEN_CONTEXT + challenge))

    def endorse(self, challenge: bytes, public_key: str) -> str:
        """Return the signature that proves this key's part in a change to the key `public_key`, in base64url."""
        return to_base64url(self.key.sign(ROTATION_CONTEXT + challenge + from_base64url(public_key)))

    def successor(self) -> Identity:
        """Return a new key for the same machine."""
        return replace(self, key=Ed25519PrivateKey.generate())

    def enrolled(self, device_id: UUID, name: str) -> Identity:
        """Return this identity under the id and the name that the server gave it."""
        return replace(self, device_id=device_id, name=name)

    def save(self, path: Path) -> None:
        """Write the key where only this user reads it, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps(
            {
                "device_id": str(self.device_id) if self.device_id else None,
                "name": self.name,
                "private_key": to_base64url(self.key.private_bytes_raw()),
            },
            indent=2,
        )
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @classmethod
    def load(cls, path: Path, *, enrol: str) -> Identity:
        """Read what `save` wrote; `enrol` is the command that makes a key, for who has none.

        Raises:
            IdentityError: there is no such file, somebody else may read it, or it is not a key.
        """
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise IdentityError(f"{path}: this machine has no key yet; enrol it with `{enrol}`") from None
        except OSError as error:
            raise IdentityError(f"{path}: {error.strerror}") from None
        if stat.S_IMODE(mode) & 0o077:
            raise IdentityError(f"{path}: others on this machine can read its key; `chmod 600` it")
        try:
            data = json.loads(text)
            key = Ed25519PrivateKey.from_private_bytes(from_base64url(data["private_key"]))
            device_id = UUID(data["device_id"]) if data["device_id"] else None
            return cls(key, device_id, str(data["name"]))
        except (ValueError, KeyError, TypeError, UnsupportedAlgorithm):
            raise IdentityError(
                f"{path}: this is not a machine's key; move it away and enrol again with `{enrol}`"
            ) from None


def to_base64url(data: bytes) -> str:
    """Return `data` in the alphabet of RFC 4648, section 5, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Read what `to_base64url` wrote.

    Raises:
        ValueError: the text is in another alphabet.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

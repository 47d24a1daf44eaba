"""Links that prove by themselves what they are for and until when: in an e-mail, to somebody who has no session.

Nothing is stored: 16 bytes say of what, 8 until when, 16 are an HMAC-SHA256 over both and the purpose.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from uuid import UUID

from cvq_core.errors import N_, NotFound
from cvq_core.settings import Settings
from cvq_core.vault import load_master_key

PROOF_BYTES = 16
TOKEN_LENGTH = 56
"""What 40 bytes come to, padded."""


class LinkOver(NotFound):
    """The link is no longer good, or never was: which of both is nobody's business."""

    slug = "link-over"
    message = N_("Ce lien n’est plus valable.")
    what_to_do = N_("Appelez votre mairie ou passez-y.")


def make_token(settings: Settings, purpose: str, subject: UUID, until: datetime) -> str:
    """Return the part of a link that is good for one purpose and one subject until an instant."""
    said = subject.bytes + int(until.timestamp()).to_bytes(8, "big")
    return _written(said + _proof(settings, purpose, said))


def read_token(settings: Settings, purpose: str, token: str, *, now: datetime) -> UUID:
    """Return what a link is good for.

    Raises:
        LinkOver
    """
    try:
        content = urlsafe_b64decode(token[: TOKEN_LENGTH + 1].ljust(TOKEN_LENGTH, "="))
    except (binascii.Error, ValueError):
        raise LinkOver from None
    if _written(content) != token:
        # Base64 reads some writings as the same bytes; a link is good as it was made, and not otherwise.
        raise LinkOver
    said, proof = content[:-PROOF_BYTES], content[-PROOF_BYTES:]
    if len(said) != 24 or not hmac.compare_digest(proof, _proof(settings, purpose, said)):
        raise LinkOver
    if int.from_bytes(said[16:], "big") <= now.timestamp():
        raise LinkOver
    return UUID(bytes=said[:16])


def _written(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _proof(settings: Settings, purpose: str, said: bytes) -> bytes:
    return hmac.digest(_key(settings), purpose.encode() + b"\0" + said, hashlib.sha256)[:PROOF_BYTES]


def _key(settings: Settings) -> bytes:
    if settings.secret_key is not None:
        return hashlib.sha256(settings.secret_key.get_secret_value().encode()).digest()
    return load_master_key(settings.data_dir / "links.key")

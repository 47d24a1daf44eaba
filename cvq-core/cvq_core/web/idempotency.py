"""Requests that may come twice: the first answer is stored and given again, word for word."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from aiohttp import web
from sqlalchemy import LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base
from cvq_core.errors import N_, BadInput, Refusal
from cvq_core.ids import new_id
from cvq_core.web.context import Context

KEY_LENGTH_MAX = 100


class RememberedAnswer(Base):
    """The answer that a key got."""

    __tablename__ = "remembered_answer"
    __table_args__ = (UniqueConstraint("principal_id", "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    principal_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(String(KEY_LENGTH_MAX))
    path: Mapped[str] = mapped_column(String(200))
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    content_type: Mapped[str] = mapped_column(String(100))
    location: Mapped[str | None] = mapped_column(String(300))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(index=True)


class KeyReused(Refusal):
    """The same key came with another request."""

    slug = "idempotency-mismatch"
    status = 409
    message = N_("Cette opération a déjà été envoyée avec d’autres valeurs.")
    what_to_do = N_("Rechargez la page pour voir ce qui a été enregistré, puis recommencez.")


class BadKey(BadInput):
    """The key is empty, too long, or no plain text."""

    slug = "bad-idempotency-key"
    message = N_("La clé d’opération est mal écrite.")


async def remembered_answer(context: Context, path: str, key: str, raw: bytes) -> web.Response | None:
    """Return the first answer to `key`, if it was there already.

    Raises:
        KeyReused: it was, with other parameters.
        BadKey: not 1 to 100 characters of ASCII.
    """
    if not (1 <= len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise BadKey
    known = await context.db.scalar(
        select(RememberedAnswer).where(
            RememberedAnswer.principal_id == context.principal.id, RememberedAnswer.key == key
        )
    )
    if known is None:
        return None
    if known.path != path or known.request_digest != _digest(context, raw):
        raise KeyReused
    headers = {"Content-Type": known.content_type}
    if known.location is not None:
        headers["Location"] = known.location
    return web.Response(status=known.status, body=known.body, headers=headers)


async def remember_answer(context: Context, path: str, key: str, raw: bytes, response: web.StreamResponse) -> None:
    """Store the answer with the act; two at once: the second fails on the unique key and changes nothing."""
    assert isinstance(response, web.Response)
    assert context.principal.id is not None
    context.db.add(
        RememberedAnswer(
            id=new_id(),
            principal_id=context.principal.id,
            key=key,
            path=path,
            request_digest=_digest(context, raw),
            status=response.status,
            content_type=response.headers.get("Content-Type", "application/json"),
            location=response.headers.get("Location"),
            body=bytes(response.body) if isinstance(response.body, bytes | bytearray) else b"",
            created_at=context.now,
        )
    )
    await context.db.flush()


def _digest(context: Context, raw: bytes) -> str:
    return hashlib.sha256(context.request.path_qs.encode() + b"\0" + raw).hexdigest()

"""Under what a tablet knows a card: its list holds no card number, and another tablet's digest is another.

A browser has HMAC-SHA256 and nothing of what a site's controller uses (`cvq_core.controllers.wire.card_digest`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card

DIGEST_CHARACTERS = 32


def card_digest(device_id: UUID, uid: str) -> str:
    """Return the digest of a card for one tablet; `uid` as `cards.rules.card_uid` returns it."""
    return hmac.new(device_id.bytes, uid.encode(), hashlib.sha256).hexdigest()[:DIGEST_CHARACTERS]


async def digests_of(
    db: AsyncSession, device_id: UUID, people: Collection[UUID], today: date
) -> dict[UUID, tuple[str, ...]]:
    """Return the digests of the cards that work today, for some people; whoever has none is absent."""
    rows = await db.execute(
        select(Card.person_id, Card.uid)
        .where(
            Card.person_id.in_(people),
            Card.status == CardStatus.ACTIVE,
            Card.valid_from <= today,
            Card.valid_until >= today,
        )
        .order_by(Card.id)
    )
    found: dict[UUID, tuple[str, ...]] = {}
    for person_id, uid in rows:
        found[person_id] = (*found.get(person_id, ()), card_digest(device_id, uid))
    return found

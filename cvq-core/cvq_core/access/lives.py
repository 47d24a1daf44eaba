"""How cards stood at an hour of the past, for taps that come late and for whoever asks why: read where it matters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.scene import Scene
from cvq_core.cards.making_rules import CardEventKind
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import CardEvent

_STATUS_AFTER = {
    CardEventKind.HANDED_OVER: CardStatus.ACTIVE,
    CardEventKind.BLOCKED: CardStatus.BLOCKED,
    CardEventKind.UNBLOCKED: CardStatus.ACTIVE,
    CardEventKind.REPLACED: CardStatus.REPLACED,
    CardEventKind.EXPIRED: CardStatus.EXPIRED,
}


async def read_lives(db: AsyncSession, scene: Scene, since: datetime) -> None:
    """Let a scene know what happened to those of its cards that have changed since an instant."""
    changed = {
        bearer.card_id: uid
        for uid, bearer in scene.by_uid.items()
        if bearer.card_id is not None and bearer.card_since is not None and bearer.card_since > since
    }
    if not changed:
        return
    rows = await db.execute(
        select(CardEvent.card_id, CardEvent.at, CardEvent.what)
        .where(CardEvent.card_id.in_(changed), CardEvent.what.in_(_STATUS_AFTER))
        .order_by(CardEvent.at, CardEvent.id)
    )
    lives: dict[UUID, list[tuple[datetime, CardStatus]]] = defaultdict(list)
    for card_id, at, what in rows:
        lives[card_id].append((at, _STATUS_AFTER[what]))
    for card_id, life in lives.items():
        uid = changed[card_id]
        scene.by_uid[uid] = replace(scene.by_uid[uid], life=tuple(life))

"""What becomes of the accords of two accounts that turn out to be one household's, and when that is undone.

Of the two accounts' words the later one holds for the account that goes on. The merged account keeps its own, which
says nothing while it is closed and holds again once the merger is undone, unless the family took it back meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ids import new_id
from cvq_core.particulier.store import latest_word, repeat_word, take_word_back


async def accord_follows(db: AsyncSession, merged_id: UUID, kept_id: UUID) -> bool | None:
    """Return whether a merger would bring the kept account an accord (True), end its own (False), or do neither."""
    theirs, own = await latest_word(db, merged_id), await latest_word(db, kept_id)
    agreed = own is not None and own.agreed
    if theirs is None or theirs.agreed is agreed or (own is not None and own.recorded_at > theirs.recorded_at):
        return None
    return theirs.agreed


async def carry_accord(
    db: AsyncSession, merged_id: UUID, kept_id: UUID, *, by: UUID | None, now: datetime
) -> dict[str, Any] | None:
    """Let the later word hold for the kept account, and return what the merger's record keeps of it."""
    follows = await accord_follows(db, merged_id, kept_id)
    if follows is None:
        return None
    word_id = new_id()
    if follows:
        theirs = await latest_word(db, merged_id)
        assert theirs is not None, "it follows"
        await repeat_word(db, word_id, theirs, kept_id, recorded_by=by, now=now)
    else:
        own = await latest_word(db, kept_id)
        assert own is not None, "there is something to end"
        await take_word_back(db, word_id, own, recorded_by=by, now=now)
    return {"id": str(word_id), "agreed": follows}


async def give_accord_back(
    db: AsyncSession, moved: Mapping[str, Any], kept_id: UUID, *, by: UUID | None, now: datetime
) -> None:
    """Take from the kept account the accord that a merger brought it, unless it has said something since.

    An accord that ended is never revived by itself: the family is asked again.
    """
    carried = moved.get("accord")
    last = await latest_word(db, kept_id)
    if carried and carried["agreed"] and last is not None and last.id == UUID(carried["id"]):
        await take_word_back(db, new_id(), last, recorded_by=by, now=now)

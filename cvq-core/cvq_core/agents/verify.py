"""Whether staff lists come and are believed: what `cvq check` says of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.agents.rules import SETTLED
from cvq_core.agents.store import lists, refused_since
from cvq_core.clock import local

STALE_AFTER = timedelta(days=8)
"""A weekly list that is a day late is told."""


async def verify_agents(db: AsyncSession, now: datetime) -> list[str]:
    """Return which lists were refused, or have come no more for a week: their leavers keep their doors meanwhile."""
    troubles = []
    for each in await lists(db):
        run = await refused_since(db, each)
        if run is not None:
            troubles.append(f"liste du personnel {each.code} refusée ({run.slug}, {run.file_name})")
        elif each.trouble and each.trouble_at is not None:
            since = f"depuis le {local(each.trouble_at):%d/%m/%Y à %H:%M}"
            troubles.append(
                f"liste du personnel {each.code} : revenue telle que refusée ou défaite, non appliquée {since}"
                if each.trouble == SETTLED
                else f"annuaire du personnel {each.code} : {each.trouble} {since}"
            )
        elif each.dropped_at is not None and now - each.dropped_at > STALE_AFTER:
            troubles.append(f"liste du personnel {each.code} : rien de nouveau depuis {each.dropped_at:%d/%m/%Y}")
    return troubles

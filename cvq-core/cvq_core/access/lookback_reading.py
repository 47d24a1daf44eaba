"""Reading who passed shortly before, for the points whose settings ask for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Direction, FirstAnswer, Point, Reason
from cvq_core.access.lookback import Lookback, Seen, window
from cvq_core.access.statements import statements_for


async def read_lookback(
    db: AsyncSession,
    people: Collection[UUID],
    points: Sequence[Point],
    young: Mapping[UUID, Sequence[UUID]],
    *,
    since: datetime,
    today: date,
) -> Lookback:
    """Return the taps before `since` that decisions on some people at some points look back to.

    `young` maps whoever needs a guardian to their accounts. It is read after the locks, so that a rival's tap is there
    already or waits for ours.
    """
    statements, found = statements_for(db), Lookback()
    if young:
        accounts = list({account for held in young.values() for account in held})
        guarding: dict[UUID, set[UUID]] = {account: set() for account in accounts}
        for account_id, person_id in await statements.guardians.fetch(db, accounts=accounts, today=today):
            guarding[account_id].add(person_id)
        for child, held in young.items():
            found.guardians[child] = frozenset().union(*(guarding[account] for account in held)) - {child}
    known = {*people, *(each for guardians in found.guardians.values() for each in guardians)}
    rows = await statements.recent.fetch(db, people=list(known), since=since - window(points))
    for person_id, card_id, point_id, area_id, direction, tapped_at, received_at, offline, *answer in rows:
        allowed, reason, *shown = answer
        found.add(
            Seen(
                person_id,
                card_id,
                point_id,
                area_id,
                Direction(direction),
                min(tapped_at, received_at) if offline else received_at,
                allowed,
                FirstAnswer(Reason(reason), *shown),
            )
        )
    return found

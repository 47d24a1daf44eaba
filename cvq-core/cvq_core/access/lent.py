"""Cards that opened doors at two sites within fewer minutes than the way takes: lent, or copied.

Nobody is refused for it. It is a list for the service's manager, drawn up when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import AccessPoint, Tap
from cvq_core.people.names import listed_name
from cvq_core.people.tables import Person
from cvq_core.services.rules import ServiceCode

TOO_SOON = timedelta(minutes=10)
TAPS_MAX = 50_000
LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class TwoSites:
    """A card at one site and, too soon afterwards, at another."""

    card_id: UUID
    person: str
    first_site: str
    first_at: datetime
    second_site: str
    second_at: datetime


async def at_two_sites(
    db: AsyncSession, service: ServiceCode, *, since: datetime, within: timedelta = TOO_SOON
) -> list[TwoSites]:
    """Return the cards that passed at two sites of a service within `within`, since an instant, the latest first."""
    # A reader's clock may be wrong; where the core decided, its own hour is known.
    at = case((Tap.offline, Tap.tapped_at), else_=Tap.received_at).label("at")
    rows = await db.execute(
        select(Tap.card_id, Tap.person_id, AccessPoint.site, at)
        .join(AccessPoint, AccessPoint.id == Tap.point_id)
        .where(
            AccessPoint.service_code == service,
            Tap.tapped_at >= since,
            Tap.allowed,
            Tap.card_id.is_not(None),
            Tap.person_id.is_not(None),
        )
        .order_by(Tap.card_id, at, Tap.id)
        .limit(TAPS_MAX)
    )
    found = [
        (first, second)
        for first, second in pairwise(rows.all())
        if first.card_id == second.card_id and first.site != second.site and second.at - first.at < within
    ]
    found.sort(key=lambda pair: pair[1].at, reverse=True)
    names = await _names(db, {first.person_id for first, _ in found[:LISTED_MAX]})
    return [
        TwoSites(
            first.card_id,
            names[first.person_id],
            first.site,
            first.at,
            second.site,
            second.at,
        )
        for first, second in found[:LISTED_MAX]
    ]


async def _names(db: AsyncSession, people: set[UUID]) -> dict[UUID, str]:
    rows = await db.scalars(select(Person).where(Person.id.in_(people)))
    return {each.id: listed_name(each.family_name, each.usual_name, each.given_names) for each in rows}

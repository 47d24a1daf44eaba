"""Families of the demonstration that agreed that the CAF or the MSA be asked for their quotient."""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.particulier.rules import FRANCE, AccordManner, Sex
from cvq_core.particulier.store import NewAccord, note_accord, speakers
from cvq_core.people.tables import FamilyAccount, FamilyQuotient

FAMILIES = 24
BIRTH_COMMUNE = "79202"
"""Parthenay: where somebody was born matters to nobody but the stand-in."""


async def seed_accords(db: AsyncSession, *, now: datetime) -> int:
    """Note the accord of the first families that have a quotient, and return of how many: enough to watch a round."""
    rows = await db.scalars(
        select(FamilyAccount)
        .join(FamilyQuotient, FamilyQuotient.account_id == FamilyAccount.id)
        .where(FamilyAccount.closed_on.is_(None))
        .distinct()
        .order_by(FamilyAccount.number)
        .limit(FAMILIES)
    )
    noted = 0
    for account in rows.all():
        people = [each for each in await speakers(db, account.id, local_day(now)) if each.birth_date is not None]
        if not people:
            continue
        accord = NewAccord(
            uuid5(NAMESPACE_URL, f"accord:{account.id}"),
            account.id,
            people[0].id,
            Sex.FEMALE,
            FRANCE,
            BIRTH_COMMUNE,
            AccordManner.PAPER,
            recorded_by=None,
        )
        await note_accord(db, accord, now=now)
        noted += 1
    return noted

"""The vehicles in which people come: whose a plate is, for the day on which the card is at home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.people.names import listed_name
from cvq_core.people.store import person_by_id
from cvq_core.people.tables import Person
from cvq_core.waste.rules import NotAdmitted, Standing, plate_key
from cvq_core.waste.store import standings
from cvq_core.waste.tables import WastePlate

LISTED_MAX = 2000


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A plate with the name of who comes in it."""

    plate: str
    person_id: UUID
    name: str
    standing: Standing


async def register_plate(
    db: AsyncSession, seen: str, *, person_id: UUID, standing: Standing, by: UUID | None, now: datetime
) -> WastePlate:
    """Say who comes in a vehicle and as whom, whoever came in it before.

    Raises:
        BadPlate, UnknownPerson
        NotAdmitted: this person does not come as that.
    """
    plate = plate_key(seen)
    await person_by_id(db, person_id)
    if standing not in await standings(db, person_id, now):
        raise NotAdmitted
    row = await db.get(WastePlate, plate)
    if row is None:
        row = WastePlate(plate=plate)
        db.add(row)
    row.person_id, row.standing, row.registered_at, row.registered_by = person_id, standing, now, by
    await db.flush()
    return row


async def forget_plate(db: AsyncSession, seen: str) -> bool:
    """Forget a vehicle; False where it was not known.

    Raises:
        BadPlate
    """
    row = await db.get(WastePlate, plate_key(seen))
    if row is None:
        return False
    await db.execute(delete(WastePlate).where(WastePlate.plate == row.plate))
    return True


async def vehicles(db: AsyncSession) -> Sequence[Vehicle]:
    """Return the plates with who comes in them, by plate; at most `LISTED_MAX`."""
    rows = await db.execute(
        select(WastePlate.plate, WastePlate.standing, Person)
        .join(Person, Person.id == WastePlate.person_id)
        .order_by(WastePlate.plate)
        .limit(LISTED_MAX)
    )
    return [
        Vehicle(plate, person.id, listed_name(person.family_name, person.usual_name, person.given_names), standing)
        for plate, standing, person in rows
    ]

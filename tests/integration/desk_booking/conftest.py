"""A town hall with its booth, two organisations and a secretary, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.live.store import flush_events
from cvq_core.staff.rules import Principal, Role
from cvq_core.staff.tables import Staff
from cvq_desk.booking.service import Act, Booking
from cvq_desk.booking.tables import Booth, Organisation, Reason, TownHall
from tests.core_examples import NOW
from tests.factories import make_booth, make_organisation, make_reason, make_staff, make_town_hall, principal_of


@dataclass(frozen=True, slots=True)
class Village:
    """Where the tests of booking happen; it is Tuesday, half past ten."""

    database: Database
    town_hall: TownHall
    booth: Booth
    msa: Organisation
    pension: Reason
    mission: Organisation
    secretary: Staff
    principal: Principal

    @asynccontextmanager
    async def act(self, now: datetime = NOW, principal: Principal | None = None) -> AsyncIterator[Act]:
        """One transaction of the secretary's."""
        async with self.database.write() as db:
            yield Act(db, principal or self.principal, now)

    def booking(self, *, in_minutes: int | None = 30, name: str = "Jeanne Moreau", **choices: object) -> Booking:
        """A booking for somebody written down, half an hour from now; for now with `in_minutes=None`."""
        starts_at = None if in_minutes is None else NOW + timedelta(minutes=in_minutes)
        values: dict[str, object] = {
            "id": new_id(),
            "booth_id": self.booth.id,
            "organisation_id": self.msa.id,
            "name": "" if "person_id" in choices else name,
            "starts_at": starts_at,
            **choices,
        }
        return Booking(**values)  # type: ignore[arg-type]  # the tests' own words for a booking's fields


@pytest.fixture
async def village(database: Database) -> Village:
    database.before_commit.append(flush_events)
    async with database.write() as db:
        town_hall = await make_town_hall(db)
        booth = await make_booth(db, town_hall)
        msa = await make_organisation(db)
        secretary = await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie")
        return Village(
            database=database,
            town_hall=town_hall,
            booth=booth,
            msa=msa,
            pension=await make_reason(db, msa),
            mission=await make_organisation(db, "mission-locale", "Mission locale", "Mission locale"),
            secretary=secretary,
            principal=principal_of(secretary, Role.SECRETARY, town_hall.id),
        )

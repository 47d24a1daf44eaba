"""A family whose mother is known to the CAF, a stand-in of API Particulier, and the way to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.particulier.client import Particulier
from cvq_core.particulier.rules import AccordManner, Sex
from cvq_core.particulier.service import Asked, Inquired, QuotientInquiries
from cvq_core.particulier.store import NewAccord, note_accord
from cvq_core.particulier.virtual import RECIPIENT, TOKEN, VirtualParticulier
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import FamilyQuotient
from cvq_core.tariffs.quotients import quotients_of
from tests.core_examples import NOW, TODAY, create_family, create_member

MONTH = TODAY.replace(day=1)


@dataclass(slots=True)
class Ground:
    """A family whose mother is known to the CAF, the stand-in, and the way to it."""

    database: Database
    api: VirtualParticulier
    inquiries: QuotientInquiries
    account_id: UUID
    mother_id: UUID
    child_id: UUID

    def accord(self, person_id: UUID | None = None) -> NewAccord:
        whose = person_id or self.mother_id
        return NewAccord(
            new_id(), self.account_id, whose, Sex.FEMALE, "99100", "79202", AccordManner.COUNTER, recorded_by=None
        )

    async def agree(self) -> None:
        async with self.database.write() as db:
            await note_accord(db, self.accord(), now=NOW)

    async def ask(self, inquiry_id: UUID | None = None) -> Inquired:
        return await self.inquiries.inquire(Asked(inquiry_id or new_id(), self.account_id, SYSTEM))

    async def known(self) -> list[FamilyQuotient]:
        async with self.database.read() as db:
            return await quotients_of(db, self.account_id)


@asynccontextmanager
async def ground_on(database: Database) -> AsyncIterator[Ground]:
    """Make the family, and let the stand-in listen meanwhile."""
    api = VirtualParticulier({("MOREAU", "CLAIRE"): 742})
    await api.start()
    client = Particulier(TOKEN, RECIPIENT, api.url, call_s=0.5, pause_s=0.01)
    async with database.write() as db:
        account = await create_family(db)
        mother = await create_member(db, account.id, "Claire Anne", FamilyRole.GUARDIAN, born=date(1986, 2, 17))
        child = await create_member(db, account.id, "Léa", FamilyRole.CHILD, born=date(2018, 3, 9))
    inquiries = QuotientInquiries(database, lambda: NOW, client, between_s=0)
    yield Ground(database, api, inquiries, account.id, mother.id, child.id)
    await api.stop()

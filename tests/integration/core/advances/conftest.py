"""An office with an advance, its officer, a mandatary of its counter, and a family with a wallet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from cvq_core.advances.rules import Expense, Fund, Moved, PaidBy, Purpose, Terms
from cvq_core.advances.service import move, pay, set_terms
from cvq_core.advances.store import fund_of
from cvq_core.advances.tables import AdvanceExpense
from cvq_core.advances.verify import verify_advances
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import MandateTitle, Officer
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import CashOffice
from tests.core_examples import (
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_officer,
    create_services,
    create_wallet,
)

IBAN = "FR1420041010050500013M02606"
TERMS = Terms(TODAY, 500_00, 200_00, frozenset(Purpose), frozenset(PaidBy), "Arrêté du 3 mars 2026")


@dataclass(frozen=True, slots=True)
class Till:
    """An advance of 500 euros, of which 200 in cash, and who may and may not touch it."""

    database: Database
    office: CashOffice
    place: UUID
    benoit: Officer
    odile: Officer
    family: UUID
    pool: UUID

    async def pay(self, cents: int = 10_00, *, key: UUID | None = None, **changes: Any) -> AdvanceExpense:
        """Pay for stamps, or for what `changes` say."""
        officer = changes.pop("officer", self.benoit)
        asked = {
            "purpose": Purpose.POSTAGE,
            "paid_by": PaidBy.CASH,
            "amount_cents": cents,
            "payee": "La Poste",
            "document": "Reçu 41",
        }
        async with self.database.write() as db:
            expense = Expense(**{**asked, **changes})
            return await pay(db, key=key or new_id(), office=self.office, expense=expense, officer=officer, now=NOW)

    async def fund(self) -> Fund:
        """Return where the advance is."""
        async with self.database.read() as db:
            return await fund_of(db, self.office.id)

    async def move(self, kind: Moved, cents: int, *, key: UUID | None = None, **changes: Any) -> None:
        """Let money come or go."""
        asked: dict[str, Any] = {"place": PaidBy.TRANSFER, "reference": "", "officer": self.benoit, **changes}
        async with self.database.write() as db:
            await move(db, key=key or new_id(), office=self.office, kind=kind, amount_cents=cents, now=NOW, **asked)

    async def troubles(self) -> list[str]:
        """Return what `cvq check` would find."""
        async with self.database.read() as db:
            return [*await verify(db), *await verify_advances(db)]


async def make_till(database: Database) -> Till:
    async with database.write() as db:
        await create_services(db)
        benoit = await create_officer(db, "benoit", "Benoît Rousseau")
        odile = await create_officer(db)
        place = await create_counter(db, benoit, title=MandateTitle.OFFICER, is_main=True)
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=odile.staff_id,
            sub_office_id=place.id,
            title=MandateTitle.MANDATARY,
            valid_from=TODAY,
        )
        office = await db.get_one(CashOffice, place.office_id)
        await set_terms(db, new_id(), office=office, terms=TERMS, staff_id=benoit.staff_id, now=NOW)
        family = await create_family(db)
        pool = await create_wallet(db, family.id, cents=60_00)
    till = Till(database, office, place.id, benoit, odile, family.id, pool.id)
    await till.move(Moved.GRANTED, 500_00)
    await till.move(Moved.WITHDRAWN, 200_00)
    return till


@pytest.fixture
async def till(database: Database) -> Till:
    return await make_till(database)

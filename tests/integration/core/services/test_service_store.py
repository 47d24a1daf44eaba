"""Funding policies hold from their day on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.services.rules import POLICY_WORDS, SERVICE_LABELS, FundingPolicy, ServiceCode, may_owe
from cvq_core.services.store import UnknownService, add_service, policy_in_force, services_in_force
from cvq_core.services.tables import ServicePolicy


@pytest.fixture
async def db(database: Database) -> AsyncIterator[AsyncSession]:
    """A pool that was free until 2025, and a canteen."""
    async with database.write() as db:
        start = date(2024, 1, 1)
        await add_service(db, ServiceCode.POOL, service_id=new_id(), policy=FundingPolicy.FREE, valid_from=start)
        db.add(ServicePolicy(service_code=ServiceCode.POOL, valid_from=date(2025, 1, 1), policy=FundingPolicy.REFUSE))
        await add_service(
            db,
            ServiceCode.CANTEEN,
            service_id=new_id(),
            policy=FundingPolicy.SERVE_AND_OWE,
            valid_from=start,
            label="Restaurant scolaire",
        )
        await db.flush()
        yield db


async def test_a_policy_holds_from_its_day_until_the_next_one_begins(db: AsyncSession) -> None:
    assert await policy_in_force(db, ServiceCode.POOL, date(2024, 12, 31)) is FundingPolicy.FREE
    assert await policy_in_force(db, ServiceCode.POOL, date(2025, 1, 1)) is FundingPolicy.REFUSE


async def test_a_service_does_not_exist_before_its_first_policy(db: AsyncSession) -> None:
    with pytest.raises(UnknownService):
        await policy_in_force(db, ServiceCode.POOL, date(2023, 12, 31))
    assert await services_in_force(db, date(2023, 12, 31)) == {}


async def test_all_services_come_in_the_order_of_the_glossary_with_the_territorys_labels(db: AsyncSession) -> None:
    services = await services_in_force(db, date(2026, 3, 1))
    assert [(each.code, each.label, each.policy) for each in services.values()] == [
        (ServiceCode.CANTEEN, "Restaurant scolaire", FundingPolicy.SERVE_AND_OWE),
        (ServiceCode.POOL, "Piscine", FundingPolicy.REFUSE),
    ]


def test_every_service_has_a_label_and_every_policy_its_words() -> None:
    assert set(SERVICE_LABELS) == set(ServiceCode)
    assert set(POLICY_WORDS) == set(FundingPolicy)


def test_only_a_service_that_serves_and_owes_lets_a_wallet_go_below_zero() -> None:
    assert [policy for policy in FundingPolicy if may_owe(policy)] == [FundingPolicy.SERVE_AND_OWE]

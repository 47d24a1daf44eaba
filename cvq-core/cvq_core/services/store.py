"""Services with the policy in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import N_, NotFound
from cvq_core.services.rules import SERVICE_LABELS, FundingPolicy, ServiceCode
from cvq_core.services.tables import Service, ServicePolicy


class UnknownService(NotFound):
    """The territory does not have this service, or it had no policy on that day."""

    slug = "unknown-service"
    message = N_("Ce service n’existe pas ici, ou n’existait pas encore ce jour-là.")


@dataclass(frozen=True, slots=True)
class ServiceInForce:
    """A service and the funding policy that holds on a day."""

    code: ServiceCode
    label: str
    policy: FundingPolicy


async def add_service(
    db: AsyncSession,
    code: ServiceCode,
    *,
    service_id: UUID,
    policy: FundingPolicy,
    valid_from: date,
    label: str | None = None,
) -> None:
    """Add a service with its first funding policy."""
    position = list(ServiceCode).index(code)
    db.add(Service(code=code, id=service_id, label=label or SERVICE_LABELS[code], position=position))
    await db.flush()
    db.add(ServicePolicy(service_code=code, valid_from=valid_from, policy=policy))
    await db.flush()


async def services_in_force(db: AsyncSession, on: date) -> dict[ServiceCode, ServiceInForce]:
    """Return every service that has a policy on a day, in the order in which people list them."""
    rows = await db.execute(
        select(Service.code, Service.label, ServicePolicy.policy)
        .join(ServicePolicy, ServicePolicy.service_code == Service.code)
        .where(ServicePolicy.valid_from <= on)
        # The later policy of a service comes last and stands.
        .order_by(Service.position, ServicePolicy.valid_from)
    )
    return {code: ServiceInForce(code, label, policy) for code, label, policy in rows}


async def policy_in_force(db: AsyncSession, code: ServiceCode, on: date) -> FundingPolicy:
    """Return the funding policy of a service on a day.

    Raises:
        UnknownService: the territory does not have it, or did not yet.
    """
    policy: FundingPolicy | None = await db.scalar(
        select(ServicePolicy.policy)
        .where(ServicePolicy.service_code == code, ServicePolicy.valid_from <= on)
        .order_by(ServicePolicy.valid_from.desc())
        .limit(1)
    )
    if policy is None:
        raise UnknownService
    return policy

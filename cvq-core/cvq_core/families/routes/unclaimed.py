"""What was served on days that are nobody's, over HTTP."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from cvq_core.access.unclaimed import charge_by_id, settle_unclaimed, unclaimed_charges
from cvq_core.errors import NotFound
from cvq_core.families.routes.bodies import Body, RecordedOut
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Permission, Scope
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="families")


class SettleBody(Body):
    """Who bears a charge: an account of the child's, or all of them by their shares (none)."""

    account_id: UUID | None = None


class BearingOut(BaseModel):
    """An account that may bear a charge."""

    model_config = ConfigDict(from_attributes=True)

    account_id: UUID
    label: str
    share_percent: int | None


class UnclaimedOut(BaseModel):
    """What was served on a day that is nobody's."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    child: str
    service: ServiceCode
    day: date
    amount_cents: int
    because: str
    accounts: list[BearingOut]


class UnclaimedListOut(BaseModel):
    """What waits for the service's manager."""

    items: list[UnclaimedOut]


@routes.get("/services/{service}/unclaimed", access=Permission.SEE_SERVICE, answer=UnclaimedListOut)
async def unclaimed(context: Context) -> UnclaimedListOut:
    """List what a service served on days that are no account's."""
    service = await _service(context, context.request.match_info["service"])
    found = await unclaimed_charges(context.db, service.code)
    return UnclaimedListOut(items=[UnclaimedOut.model_validate(each) for each in found])


@routes.post("/unclaimed/{id}/settle", access=Permission.SEE_SERVICE, body=SettleBody, answer=RecordedOut)
async def settle(context: Context, body: SettleBody) -> RecordedOut:
    """Say who bears what was served on a day that is no account's."""
    charge = await charge_by_id(context.db, context.path_id())
    await _service(context, charge.service_code.value)
    assert context.principal.id is not None, "only staff see a service"
    posted = await settle_unclaimed(
        context.db, charge.id, account_id=body.account_id, staff_id=context.principal.id, now=context.now
    )
    await context.journal_once(
        "unclaimed-settled", charge.id, subject=("person", charge.person_id), account_id=body.account_id
    )
    return RecordedOut(id=posted.transaction_id)


async def _service(context: Context, code: str) -> Service:
    service: Service | None = await context.db.scalar(select(Service).where(Service.code == code))
    if service is None:
        raise NotFound
    context.require(Permission.SEE_SERVICE, Scope("service", service.id))
    return service

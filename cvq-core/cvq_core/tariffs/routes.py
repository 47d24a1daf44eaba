"""Family quotients over HTTP: whoever welcomes a family copies the value from its certificate."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from cvq_core.people.rules import QuotientSource
from cvq_core.people.tables import FamilyQuotient
from cvq_core.staff.rules import Permission
from cvq_core.tariffs.quotients import REFERENCE_LENGTH_MAX, record_quotient
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="tariffs")


class QuotientBody(BaseModel):
    """A family quotient as it stands on a certificate, which `reference` names.

    `id` is made by who asks; `valid_until` is a year by default.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID
    value_euros: StrictInt
    source: QuotientSource
    valid_from: date
    valid_until: date | None = None
    reference: str = Field(default="", max_length=REFERENCE_LENGTH_MAX)


class QuotientOut(BaseModel):
    """A family quotient as it was recorded."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    account_id: UUID
    value_euros: int
    source: QuotientSource
    valid_from: date
    valid_until: date | None
    reference: str
    recorded_at: datetime


@routes.post(
    "/family-accounts/{id}/quotients",
    access=Permission.RECORD_QUOTIENT,
    body=QuotientBody,
    answer=QuotientOut,
    status=201,
)
async def record_it(context: Context, body: QuotientBody) -> QuotientOut:
    """Add a family quotient beside those that are known; none is written over."""
    quotient: FamilyQuotient = await record_quotient(
        context.db,
        body.id,
        account_id=context.path_id(),
        value_euros=body.value_euros,
        source=body.source,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        reference=body.reference,
        recorded_by=context.principal.id,
        now=context.now,
    )
    await context.journal_once(
        "quotient-recorded", quotient.id, account_id=quotient.account_id, subject=("quotient", quotient.id)
    )
    return QuotientOut.model_validate(quotient)

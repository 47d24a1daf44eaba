"""A shared child over HTTP: court orders, arrangements of the days, exceptions, authority."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cvq_core.clock import local_day
from cvq_core.families.other_side import guardian_names
from cvq_core.families.routes.bodies import Body, RecordedOut
from cvq_core.families.routes.statements import period_of
from cvq_core.people.arrangements import (
    NewArrangement,
    add_exception,
    arrange,
    arrangements_of,
    calendar_of,
    note_authority,
    orders_of,
    record_order,
)
from cvq_core.people.custody import PARTS_MAX, Part
from cvq_core.people.store import person_by_id
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="families")

CALENDAR_DAYS = 28


class OrderBody(Body):
    """A court order about a child, as it stands on the paper."""

    id: UUID
    court: str = Field(min_length=2, max_length=120)
    reference: str = Field(min_length=1, max_length=60)
    decided_on: date
    effective_on: date
    note: str = Field("", max_length=300)


class PartBody(Body):
    """An account's share of a child."""

    account_id: UUID
    share_percent: int = Field(ge=0, le=100)


class ArrangementBody(Body):
    """How a child's days are shared: two weeks from Monday to Sunday, "a" the first part, "b" the second, "-" nobody.

    Without a `reference_monday` the first week is that of even ISO weeks.
    """

    id: UUID
    valid_from: date
    parts: list[PartBody] = Field(min_length=1, max_length=PARTS_MAX)
    first_week: str = Field(min_length=7, max_length=7)
    second_week: str = Field(min_length=7, max_length=7)
    reference_monday: date | None = None
    order_id: UUID | None = None

    def asked(self, child_id: UUID) -> NewArrangement:
        """Return what is to be recorded."""
        return NewArrangement(
            id=self.id,
            child_id=child_id,
            valid_from=self.valid_from,
            parts=tuple(Part(each.account_id, each.share_percent) for each in self.parts),
            first_week=self.first_week,
            second_week=self.second_week,
            reference_monday=self.reference_monday,
            order_id=self.order_id,
        )


class ExceptionBody(Body):
    """Days that leave the rhythm: for an account, for nobody (none), or back to the rhythm."""

    id: UUID
    first: date
    last: date
    account_id: UUID | None = None
    by_rhythm: bool = False
    reason: str = Field(min_length=2, max_length=120)


class AuthorityBody(Body):
    """That a court order takes a guardian's authority over the child away from a day on, or gives it back."""

    id: UUID
    guardian_id: UUID
    held: bool
    valid_from: date
    order_id: UUID


class OrderOut(BaseModel):
    """A court order."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    court: str
    reference: str
    decided_on: date
    effective_on: date
    note: str
    recorded_at: datetime


class ArrangementOut(BaseModel):
    """An arrangement, from its first day until the next one's."""

    id: UUID
    valid_from: date
    parts: list[PartBody]
    first_week: str
    second_week: str
    reference_monday: date | None
    exceptions: int


class DayOut(BaseModel):
    """Whose a day is, and why."""

    day: date
    account_id: UUID | None
    because: str


class CustodyOut(BaseModel):
    """A child's arrangements and orders, and the days to come."""

    arrangements: list[ArrangementOut]
    orders: list[OrderOut]
    days: list[DayOut]


@routes.get("/people/{id}/custody", access=Permission.FAMILIES, answer=CustodyOut)
async def custody(context: Context) -> CustodyOut:
    """Show how a child's days are shared, the court orders, and whose the coming days are, by the guardians' names."""
    child_id = context.path_id()
    await person_by_id(context.db, child_id)
    today = local_day(context.now)
    first, last = period_of(context, today, today + timedelta(days=CALENDAR_DAYS - 1))
    days = await calendar_of(context.db, child_id, first, last)
    mentioned = {value for each in days for value in each.of.facts.values() if isinstance(value, UUID)}
    names = await guardian_names(context.db, mentioned, today)
    return CustodyOut(
        arrangements=[
            ArrangementOut(
                id=each.id,
                valid_from=each.valid_from,
                parts=[PartBody(account_id=part.account_id, share_percent=part.share_percent) for part in each.parts],
                first_week=each.first_week,
                second_week=each.second_week,
                reference_monday=each.reference_monday,
                exceptions=len(each.exceptions),
            )
            for each in (await arrangements_of(context.db, [child_id])).get(child_id, [])
        ],
        orders=[OrderOut.model_validate(order) for order in await orders_of(context.db, child_id)],
        days=[
            DayOut(day=each.day, account_id=each.of.account_id, because=each.of.in_words(names, context.language))
            for each in days
        ],
    )


@routes.post("/people/{id}/court-orders", access=Permission.FAMILIES, body=OrderBody, answer=RecordedOut, status=201)
async def court_order(context: Context, body: OrderBody) -> RecordedOut:
    """Record a court order about a child."""
    order = await record_order(
        context.db,
        body.id,
        child_id=context.path_id(),
        recorded_by=context.principal.id,
        now=context.now,
        **body.model_dump(exclude={"id"}),
    )
    await context.journal_once("court-order-recorded", order.id, subject=("person", order.child_id))
    return RecordedOut(id=order.id)


@routes.post(
    "/people/{id}/arrangements", access=Permission.FAMILIES, body=ArrangementBody, answer=RecordedOut, status=201
)
async def new_arrangement(context: Context, body: ArrangementBody) -> RecordedOut:
    """Let an arrangement of a child's days begin, today at the earliest."""
    row = await arrange(context.db, body.asked(context.path_id()), recorded_by=context.principal.id, now=context.now)
    await context.journal_once("custody-arranged", row.id, subject=("person", row.child_id))
    return RecordedOut(id=row.id)


@routes.post(
    "/arrangements/{id}/exceptions", access=Permission.FAMILIES, body=ExceptionBody, answer=RecordedOut, status=201
)
async def new_exception(context: Context, body: ExceptionBody) -> RecordedOut:
    """Record days that leave an arrangement's rhythm, such as half a holiday."""
    row = await add_exception(
        context.db,
        body.id,
        arrangement_id=context.path_id(),
        recorded_by=context.principal.id,
        now=context.now,
        **body.model_dump(exclude={"id"}),
    )
    await context.journal_once("custody-exception", row.id, subject=("arrangement", row.arrangement_id))
    return RecordedOut(id=row.id)


@routes.post("/people/{id}/authority", access=Permission.FAMILIES, body=AuthorityBody, answer=RecordedOut, status=201)
async def authority(context: Context, body: AuthorityBody) -> RecordedOut:
    """Note what a court order says of a guardian's authority over a child."""
    row = await note_authority(
        context.db,
        body.id,
        child_id=context.path_id(),
        recorded_by=context.principal.id,
        now=context.now,
        **body.model_dump(exclude={"id"}),
    )
    await context.journal_once("authority-noted", row.id, subject=("person", row.child_id))
    return RecordedOut(id=row.id)

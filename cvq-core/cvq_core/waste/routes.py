"""The waste centre over HTTP: what the attendant's tablet asks, and what the service's manager sets and reads."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select

from cvq_core.access.routes import OnlyReaders
from cvq_core.access.tables import AccessPoint
from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.instants import ClockInstant
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Permission, Scope
from cvq_core.waste.rules import LINES_MAX, LITRES_MAX, Load, Standing
from cvq_core.waste.service import NewDeposit, assess, bill_deposits, take_deposit
from cvq_core.waste.slip_pdf import SlipPlace, deposit_slip_pdf
from cvq_core.waste.store import (
    Deposit,
    accounts_to_bill,
    categories,
    deposits_by_id,
    overruns,
    quota_on,
    set_category,
    set_quota,
)
from cvq_core.web import Context, Routes

routes = Routes("/api/v1/waste", tag="waste centre")


class Body(BaseModel):
    """What is sent here: nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class LoadBody(Body):
    """So many litres of one category."""

    category: str = Field(max_length=40)
    litres: int = Field(gt=0, le=LITRES_MAX)


class DepositBody(Body):
    """What somebody brings; one of the three says who. `id` is made by the tablet, once for each visit."""

    id: UUID
    card_uid: str | None = Field(None, min_length=8, max_length=60)
    card_number: str | None = Field(None, max_length=20)
    person_id: UUID | None = None
    standing: Standing | None = None
    occurred_at: ClockInstant
    loads: list[LoadBody] = Field(min_length=1, max_length=LINES_MAX)


class LoadOut(BaseModel):
    """A load with what it costs."""

    category: str
    label: str
    litres: int
    amount_cents: int


class DepositOut(BaseModel):
    """What a deposit comes to; `visit` of `quota` in the household's year."""

    id: UUID
    name: str
    standing: Standing
    visit: int
    quota: int | None
    overrun: bool
    amount_cents: int
    loads: list[LoadOut]


class CategoryOut(BaseModel):
    """A kind of waste that is taken."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    label: str
    price_code: str | None


class CategoriesOut(BaseModel):
    """What the tablet offers, in order; `visits_a_year` of a household."""

    categories: list[CategoryOut]
    visits_a_year: int | None


class CategoryBody(Body):
    """A kind of waste, and the item of the tariff that professionals pay for it, by the cubic metre."""

    label: str = Field(min_length=2, max_length=60)
    price_code: str | None = Field(None, max_length=40)
    position: int = Field(0, ge=0, le=1000)
    taken: bool = True


class QuotaBody(Body):
    """How often a household may come from a day on."""

    id: UUID
    valid_from: date
    visits_a_year: int | None = Field(None, gt=0, le=1000)


class OverrunOut(BaseModel):
    """A visit beyond the quota, made where nobody could know."""

    id: UUID
    account_id: UUID
    point_id: UUID
    occurred_at: AwareDatetime
    visit: int
    quota: int | None


class OverrunsOut(BaseModel):
    """Visits beyond the quota, the latest first."""

    items: list[OverrunOut]


class BillBody(Body):
    """What an account brought up to a day, put on one invoice."""

    id: UUID
    account_id: UUID
    until: date
    due_on: date


class BilledOut(BaseModel):
    """The invoice; None where there was nothing to bill."""

    invoice_id: UUID | None
    amount_cents: int


class ToBillOut(BaseModel):
    """Whose deposits are not billed yet."""

    accounts: list[UUID]


@routes.get("/categories", access=Permission.TICK, answer=CategoriesOut)
async def what_is_taken(context: Context) -> CategoriesOut:
    """List what is taken, and how often a household may come."""
    found = await categories(context.db)
    return CategoriesOut(
        categories=[CategoryOut.model_validate(each) for each in found.values()],
        visits_a_year=await quota_on(context.db, local_day(context.now)),
    )


@routes.post("/quotes", access=Permission.TICK, body=DepositBody, answer=DepositOut)
async def quote_deposit(context: Context, body: DepositBody) -> DepositOut:
    """Say what a deposit would come to, and write nothing."""
    found = await assess(context.db, await asked_of(context, body))
    return DepositOut(
        id=body.id,
        name=found.name,
        standing=found.standing,
        visit=found.visits.made,
        quota=found.visits.quota,
        overrun=found.visits.overrun,
        amount_cents=found.amount_cents,
        loads=[
            LoadOut(
                category=each.load.category, label=each.label, litres=each.load.litres, amount_cents=each.amount_cents
            )
            for each in found.loads
        ],
    )


@routes.post("/deposits", access=Permission.TICK, body=DepositBody, answer=DepositOut, status=201)
async def new_deposit(context: Context, body: DepositBody) -> DepositOut:
    """Take a deposit: free for households within their visits, charged to professionals by category and volume."""
    return deposit_out(await take_deposit(context.db, await asked_of(context, body), now=context.now))


@routes.get("/deposits/{id}/slip.pdf", access=Permission.TICK)
async def slip(context: Context) -> web.Response:
    """Give the slip of a deposit at the tablet's own site, or at any for the service's manager."""
    deposit = (await deposits_by_id(context.db, [context.path_id()])).get(context.path_id())
    if deposit is None:
        raise NotFound
    if context.principal.kind == "reader":
        if deposit.row.point_id != context.principal.subject_id:
            raise NotFound
    else:
        context.require(Permission.SEE_SERVICE, await waste_scope(context))
    point = await context.db.get_one(AccessPoint, deposit.row.point_id)
    body = deposit_slip_pdf(deposit, SlipPlace(point.site, context.services.settings.territory))
    return web.Response(body=body, content_type="application/pdf")


@routes.put("/categories/{name}", access=Permission.MANAGE_TARIFFS, body=CategoryBody)
async def change_category(context: Context, body: CategoryBody) -> None:
    """Say what is taken, and under which item of the tariff."""
    context.require(Permission.MANAGE_TARIFFS, await waste_scope(context))
    code = context.request.match_info["name"]
    row = await set_category(
        context.db, code, label=body.label, price_code=body.price_code, position=body.position, taken=body.taken
    )
    personal: dict[str, Any] = {"code": row.code, "price_code": row.price_code, "taken": row.taken}
    context.journal("waste-category-set", personal=personal)


@routes.post("/quotas", access=Permission.MANAGE_TARIFFS, body=QuotaBody)
async def new_quota(context: Context, body: QuotaBody) -> None:
    """Say how often a household may come from a day on."""
    context.require(Permission.MANAGE_TARIFFS, await waste_scope(context))
    await set_quota(
        context.db,
        body.id,
        valid_from=body.valid_from,
        visits_a_year=body.visits_a_year,
        by=context.principal.id,
        now=context.now,
    )
    personal = {"visits_a_year": body.visits_a_year, "valid_from": body.valid_from.isoformat()}
    await context.journal_once("waste-quota-set", body.id, personal=personal)


@routes.get("/overruns", access=Permission.SEE_SERVICE, answer=OverrunsOut)
async def over_quota(context: Context) -> OverrunsOut:
    """List this year's visits beyond the quota: they were made offline, at several sites."""
    context.require(Permission.SEE_SERVICE, await waste_scope(context))
    found = await overruns(context.db, local_day(context.now).replace(month=1, day=1))
    return OverrunsOut(
        items=[
            OverrunOut(
                id=row.id,
                account_id=row.account_id,
                point_id=row.point_id,
                occurred_at=row.occurred_at,
                visit=row.visit,
                quota=row.quota,
            )
            for row in found
        ]
    )


@routes.get("/unbilled", access=Permission.MANAGE_TARIFFS, answer=ToBillOut)
async def to_bill(context: Context) -> ToBillOut:
    """List the accounts whose deposits are not billed yet."""
    context.require(Permission.MANAGE_TARIFFS, await waste_scope(context))
    return ToBillOut(accounts=await accounts_to_bill(context.db))


@routes.post("/invoices", access=Permission.MANAGE_TARIFFS, body=BillBody, answer=BilledOut)
async def bill(context: Context, body: BillBody) -> BilledOut:
    """Put what an account brought up to a day on one invoice."""
    context.require(Permission.MANAGE_TARIFFS, await waste_scope(context))
    invoice = await bill_deposits(
        context.db, body.id, account_id=body.account_id, until=body.until, due_on=body.due_on, now=context.now
    )
    if invoice is None:
        return BilledOut(invoice_id=None, amount_cents=0)
    await context.journal_once("waste-billed", body.id, subject=("invoice", body.id), account_id=body.account_id)
    return BilledOut(invoice_id=invoice.id, amount_cents=invoice.total_cents)


async def own_point(context: Context) -> AccessPoint:
    """Return the waste centre's point at which the tablet stands.

    Raises:
        OnlyReaders: staff stand at no point, or this point is another service's.
    """
    principal = context.principal
    if principal.kind != "reader" or principal.subject_id is None:
        raise OnlyReaders
    point = await context.db.get(AccessPoint, principal.subject_id)
    if point is None or point.service_code is not ServiceCode.WASTE_CENTRE:
        raise OnlyReaders
    return point


async def asked_of(context: Context, body: DepositBody, occurred_at: datetime | None = None) -> NewDeposit:
    """Return what the tablet asks at its own point, now unless it says when.

    Raises:
        OnlyReaders
    """
    point = await own_point(context)
    return NewDeposit(
        id=body.id,
        point_id=point.id,
        loads=tuple(Load(each.category, each.litres) for each in body.loads),
        # The tablet's clock counts only for what it kept while the line was cut.
        occurred_at=occurred_at or context.now,
        card_uid=body.card_uid,
        card_number=body.card_number,
        person_id=body.person_id,
        standing=body.standing,
        reader_id=context.principal.id,
    )


def deposit_out(deposit: Deposit) -> DepositOut:
    row = deposit.row
    return DepositOut(
        id=row.id,
        name=row.printed_name,
        standing=row.standing,
        visit=row.visit,
        quota=row.quota,
        overrun=row.overrun,
        amount_cents=row.amount_cents,
        loads=[
            LoadOut(category=each.category, label=each.label, litres=each.litres, amount_cents=each.amount_cents)
            for each in deposit.loads
        ],
    )


async def waste_scope(context: Context) -> Scope:
    """Return where the waste centre’s manager may act."""
    service_id = await context.db.scalar(select(Service.id).where(Service.code == ServiceCode.WASTE_CENTRE))
    if service_id is None:
        raise NotFound
    return Scope("service", service_id)

"""Families over HTTP: who belongs to which account, whose a shared child's days are, mergers, closures, statements."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from cvq_core.access.unclaimed import charge_by_id, settle_unclaimed, unclaimed_charges
from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.families.departures import (
    add_member,
    close_account,
    end_member,
    left_to_settle,
    note_death,
    open_account,
)
from cvq_core.families.merges import forward_rest, merge_accounts, merge_by_id, merges_of, plan_merge, undo_merge
from cvq_core.families.rules import What
from cvq_core.families.statement_pdf import statement_pdf
from cvq_core.families.statements import (
    BadPeriod,
    FamilyStatement,
    family_statement,
    file_name,
    statement_csv,
    usual_period,
)
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
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import person_by_id
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Permission, Scope
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="families")

CALENDAR_DAYS = 28


class Body(BaseModel):
    """What is sent here: nothing unknown. `id` is made by who asks, and makes a repetition harmless."""

    model_config = ConfigDict(extra="forbid")


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


class AccountBody(Body):
    """A family that arrives."""

    id: UUID
    label: str = Field(min_length=2, max_length=120)
    email: str | None = Field(None, max_length=254)


class MemberBody(Body):
    """A person's role in the account from today on."""

    id: UUID
    person_id: UUID
    role: FamilyRole
    share_percent: int | None = Field(None, ge=0, le=100)


class EndMemberBody(Body):
    """A role that ends after a day."""

    person_id: UUID
    role: FamilyRole
    last_day: date


class ReasonBody(Body):
    """Something done to an account, and why."""

    id: UUID
    reason: str = Field(min_length=3, max_length=200)


class MergeBody(ReasonBody):
    """The account of the path goes into another one."""

    kept_id: UUID


class ForwardBody(Body):
    """What reached a merged account; `id` becomes the ledger's transaction."""

    id: UUID


class DeathBody(Body):
    """A death, as it stands on the paper."""

    on: date


class SettleBody(Body):
    """Who bears a charge: an account of the child's, or all of them by their shares (none)."""

    account_id: UUID | None = None


class RecordedOut(BaseModel):
    """What was recorded, under the id that was sent."""

    id: UUID


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


class AccountOut(BaseModel):
    """A family account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: str
    label: str
    opened_on: date
    closed_on: date | None
    merged_into_id: UUID | None


class MembershipOut(BaseModel):
    """A role in an account, with its days."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    person_id: UUID
    role: FamilyRole
    valid_from: date
    valid_until: date | None


class LeftOut(BaseModel):
    """What a closed account holds or owes, on a wallet or (no service) an invoice."""

    account_id: UUID
    number: str
    id: UUID
    service: ServiceCode | None
    amount_cents: int
    what: What


class LeftsOut(BaseModel):
    """What closed accounts still hold or owe."""

    items: list[LeftOut]


class ClosureOut(BaseModel):
    """A closure, with what was left in the account then."""

    id: UUID
    closed_on: date
    left: list[dict[str, Any]]


class WalletMoveOut(BaseModel):
    """What goes from a wallet to the kept account's of the same service."""

    model_config = ConfigDict(from_attributes=True)

    service: ServiceCode
    amount_cents: int


class MemberMoveOut(BaseModel):
    """A role that goes to the kept account, or is there already."""

    model_config = ConfigDict(from_attributes=True)

    person_id: UUID
    role: FamilyRole
    already: bool


class MergePlanOut(BaseModel):
    """What a merger would move, and what stands against it."""

    merged: AccountOut
    kept: AccountOut
    wallets: list[WalletMoveOut]
    members: list[MemberMoveOut]
    cards: int
    invoices: int
    rights: int
    mandates: int
    prevented: list[str]


class ForwardOut(BaseModel):
    """What went on, nothing when it had gone on before."""

    wallets: list[WalletMoveOut]


class MergeOut(BaseModel):
    """A merger, and whether it was undone."""

    id: UUID
    merged_id: UUID
    kept_id: UUID
    reason: str
    merged_at: datetime
    undone_at: datetime | None


class MergesOut(BaseModel):
    """The mergers in which an account took part."""

    items: list[MergeOut]


class DeathOut(BaseModel):
    """What a death ended."""

    cards: int
    accounts_without_guardian: list[UUID]


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


class LineOut(BaseModel):
    """One movement: plus is what came in."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    label: str
    amount_cents: int
    balance_cents: int


class SectionOut(BaseModel):
    """One wallet or invoice over the period."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    is_invoice: bool
    opening_cents: int
    lines: list[LineOut]
    closing_cents: int


class StatementOut(BaseModel):
    """A family's statement."""

    account_id: UUID
    number: str
    first: date
    last: date
    sections: list[SectionOut]

    @classmethod
    def of(cls, found: FamilyStatement) -> StatementOut:
        """Return a statement as it is sent."""
        return cls(
            account_id=found.account.id,
            number=found.account.number,
            first=found.first,
            last=found.last,
            sections=[SectionOut.model_validate(section) for section in found.sections],
        )


@routes.get("/people/{id}/custody", access=Permission.FAMILIES, answer=CustodyOut)
async def custody(context: Context) -> CustodyOut:
    """Show how a child's days are shared, the court orders, and whose the coming days are."""
    child_id = context.path_id()
    await person_by_id(context.db, child_id)
    today = local_day(context.now)
    first, last = period_of(context, today, today + timedelta(days=CALENDAR_DAYS - 1))
    days = await calendar_of(context.db, child_id, first, last)
    mentioned = {value for each in days for value in each.of.facts.values() if isinstance(value, UUID)}
    rows = await context.db.execute(
        select(FamilyAccount.id, FamilyAccount.label).where(FamilyAccount.id.in_(mentioned))
    )
    names: dict[UUID, str] = dict(rows.all())
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
    context.journal("court-order-recorded", subject=("person", order.child_id))
    return RecordedOut(id=order.id)


@routes.post(
    "/people/{id}/arrangements", access=Permission.FAMILIES, body=ArrangementBody, answer=RecordedOut, status=201
)
async def new_arrangement(context: Context, body: ArrangementBody) -> RecordedOut:
    """Let an arrangement of a child's days begin, today at the earliest."""
    row = await arrange(context.db, body.asked(context.path_id()), recorded_by=context.principal.id, now=context.now)
    context.journal("custody-arranged", subject=("person", row.child_id))
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
    context.journal("custody-exception", subject=("arrangement", row.arrangement_id))
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
    context.journal("authority-noted", subject=("person", row.child_id))
    return RecordedOut(id=row.id)


@routes.post("/people/{id}/death", access=Permission.FAMILIES, body=DeathBody, answer=DeathOut)
async def death(context: Context, body: DeathBody) -> DeathOut:
    """Note a death: the person's cards and roles end, the family stays."""
    ended = await note_death(context.db, context.path_id(), on=body.on, now=context.now)
    context.journal("death-noted", subject=("person", ended.person.id))
    return DeathOut(cards=len(ended.cards), accounts_without_guardian=list(ended.without_guardian))


@routes.post("/family-accounts", access=Permission.FAMILIES, body=AccountBody, answer=AccountOut, status=201)
async def new_account(context: Context, body: AccountBody) -> AccountOut:
    """Open an account for a family that arrives."""
    account = await open_account(context.db, body.id, label=body.label, email=body.email, now=context.now)
    context.journal("account-opened", subject=("account", account.id), account_id=account.id)
    return AccountOut.model_validate(account)


@routes.post(
    "/family-accounts/{id}/members", access=Permission.FAMILIES, body=MemberBody, answer=MembershipOut, status=201
)
async def new_member(context: Context, body: MemberBody) -> MembershipOut:
    """Let a person belong to an account: a guardian, a child, or a payer who is no guardian."""
    row = await add_member(
        context.db,
        body.id,
        account_id=context.path_id(),
        person_id=body.person_id,
        role=body.role,
        share_percent=body.share_percent,
        now=context.now,
    )
    context.journal("member-added", subject=("person", row.person_id), account_id=row.account_id)
    return MembershipOut.model_validate(row)


@routes.post("/family-accounts/{id}/members/end", access=Permission.FAMILIES, body=EndMemberBody, answer=MembershipOut)
async def member_leaves(context: Context, body: EndMemberBody) -> MembershipOut:
    """Let a role of a person in an account end after a day."""
    row = await end_member(
        context.db,
        account_id=context.path_id(),
        person_id=body.person_id,
        role=body.role,
        last_day=body.last_day,
        now=context.now,
    )
    context.journal("member-left", subject=("person", row.person_id), account_id=row.account_id)
    return MembershipOut.model_validate(row)


@routes.post("/family-accounts/{id}/close", access=Permission.FAMILIES, body=ReasonBody, answer=ClosureOut)
async def close(context: Context, body: ReasonBody) -> ClosureOut:
    """Close the account of a family that leaves, and state what becomes of its money."""
    closure = await close_account(
        context.db,
        body.id,
        account_id=context.path_id(),
        reason=body.reason,
        by=context.principal.id,
        now=context.now,
    )
    context.journal("account-closed", subject=("account", closure.account_id), account_id=closure.account_id)
    return ClosureOut(id=closure.id, closed_on=closure.closed_on, left=closure.left["lines"])


@routes.get("/closed-accounts/left", access=Permission.COLLECT, answer=LeftsOut)
async def closed_with_money(context: Context) -> LeftsOut:
    """List what closed accounts still hold, to be refunded, or owe, to be claimed."""
    return LeftsOut(
        items=[
            LeftOut(
                account_id=each.account.id,
                number=each.account.number,
                id=each.id,
                service=each.service,
                amount_cents=each.amount_cents,
                what=each.what,
            )
            for each in await left_to_settle(context.db)
        ]
    )


@routes.get("/family-accounts/{id}/merge-plan", access=Permission.FAMILIES, answer=MergePlanOut)
async def merge_plan(context: Context) -> MergePlanOut:
    """Say what a merger into the account named by `kept_id` would move, and change nothing."""
    try:
        kept_id = UUID(context.request.query.get("kept_id", ""))
    except ValueError:
        raise NotFound from None
    plan = await plan_merge(context.db, merged_id=context.path_id(), kept_id=kept_id, on=local_day(context.now))
    return MergePlanOut(
        merged=AccountOut.model_validate(plan.merged),
        kept=AccountOut.model_validate(plan.kept),
        wallets=[WalletMoveOut.model_validate(each) for each in plan.wallets],
        members=[MemberMoveOut.model_validate(each) for each in plan.members],
        cards=plan.cards,
        invoices=len(plan.invoices),
        rights=len({*plan.rights, *plan.paid_rights}),
        mandates=len(plan.mandates),
        prevented=list(plan.prevented),
    )


@routes.post("/family-accounts/{id}/merge", access=Permission.FAMILIES, body=MergeBody, answer=MergeOut, status=201)
async def merge(context: Context, body: MergeBody) -> MergeOut:
    """Merge an account that was opened by mistake into the one that goes on."""
    found = await merge_accounts(
        context.db,
        body.id,
        merged_id=context.path_id(),
        kept_id=body.kept_id,
        reason=body.reason,
        by=context.principal.id,
        now=context.now,
    )
    for account_id in (found.merged_id, found.kept_id):
        context.journal("accounts-merged", subject=("merge", found.id), account_id=account_id)
    return await _merge_out(context, found.id)


@routes.post("/merges/{id}/undo", access=Permission.FAMILIES, body=ReasonBody, answer=MergeOut)
async def undo(context: Context, body: ReasonBody) -> MergeOut:
    """Undo a merger, as long as nothing of what moved was spent since."""
    undone = await undo_merge(
        context.db,
        body.id,
        merge_id=context.path_id(),
        reason=body.reason,
        by=context.principal.id,
        now=context.now,
    )
    found = await merge_by_id(context.db, undone.merge_id)
    for account_id in (found.merged_id, found.kept_id):
        context.journal("merge-undone", subject=("merge", found.id), account_id=account_id)
    return await _merge_out(context, found.id)


@routes.post("/family-accounts/{id}/forward", access=Permission.FAMILIES, body=ForwardBody, answer=ForwardOut)
async def forward(context: Context, body: ForwardBody) -> ForwardOut:
    """Send on what reached a merged account afterwards to the one that goes on."""
    account_id = context.path_id()
    moves = await forward_rest(context.db, body.id, account_id=account_id, by=context.principal.id, now=context.now)
    context.journal("rest-forwarded", subject=("account", account_id), account_id=account_id)
    return ForwardOut(wallets=[WalletMoveOut.model_validate(each) for each in moves])


@routes.get("/family-accounts/{id}/merges", access=Permission.FAMILIES, answer=MergesOut)
async def merges(context: Context) -> MergesOut:
    """List the mergers in which an account took part, the latest first."""
    return MergesOut(items=[_merge(*each) for each in await merges_of(context.db, context.path_id())])


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
    context.journal("unclaimed-settled", subject=("person", charge.person_id), account_id=body.account_id)
    return RecordedOut(id=posted.transaction_id)


@routes.get("/family-accounts/{id}/statement", access=Permission.FAMILIES, answer=StatementOut)
async def statement(context: Context) -> StatementOut:
    """Give a family's statement for a period, or that of one of its wallets."""
    return StatementOut.of(await _statement(context))


@routes.get("/family-accounts/{id}/statement.pdf", access=Permission.FAMILIES)
async def statement_paper(context: Context) -> web.Response:
    """Give a family's statement on paper."""
    return await paper(await _statement(context))


@routes.get("/family-accounts/{id}/statement.csv", access=Permission.FAMILIES)
async def statement_file(context: Context) -> web.Response:
    """Give a family's statement as a file for a spreadsheet."""
    return sheet(await _statement(context), context.language)


async def paper(found: FamilyStatement) -> web.Response:
    """Return a statement's PDF, laid out beside the event loop."""
    return web.Response(
        body=await asyncio.to_thread(statement_pdf, found),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{file_name(found, "pdf")}"',
            "Cache-Control": "no-store",
        },
    )


def sheet(found: FamilyStatement, language: str) -> web.Response:
    """Return a statement's file for a spreadsheet."""
    return web.Response(
        body=statement_csv(found, language),
        content_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name(found, "csv")}"',
            "Cache-Control": "no-store",
        },
    )


def period_of(context: Context, first: date, last: date) -> tuple[date, date]:
    """Return the days `first` and `last` of the query, those given where it names none.

    Raises:
        BadPeriod: one of them is no day.
    """
    query = context.request.query
    try:
        return (
            date.fromisoformat(query["first"]) if query.get("first") else first,
            date.fromisoformat(query["last"]) if query.get("last") else last,
        )
    except ValueError:
        raise BadPeriod from None


def wallet_of(context: Context) -> UUID | None:
    """Return the wallet that the query asks for, None for all of them."""
    asked = context.request.query.get("wallet")
    try:
        return UUID(asked) if asked else None
    except ValueError:
        raise NotFound from None


async def _statement(context: Context) -> FamilyStatement:
    """Read a statement; that it was read is recorded in a transaction of its own, since reading opens none to write."""
    first, last = period_of(context, *usual_period(local_day(context.now)))
    found = await family_statement(
        context.db, context.path_id(), first, last, wallet_id=wallet_of(context), language=context.language
    )
    async with context.acting() as writing:
        writing.journal("statement-read", subject=("account", found.account.id), account_id=found.account.id)
    return found


async def _service(context: Context, code: str) -> Service:
    service: Service | None = await context.db.scalar(select(Service).where(Service.code == code))
    if service is None:
        raise NotFound
    context.require(Permission.SEE_SERVICE, Scope("service", service.id))
    return service


async def _merge_out(context: Context, merge_id: UUID) -> MergeOut:
    found = await merge_by_id(context.db, merge_id)
    [each] = [each for each in await merges_of(context.db, found.merged_id) if each[0].id == merge_id]
    return _merge(*each)


def _merge(found: Any, undone: Any) -> MergeOut:
    return MergeOut(
        id=found.id,
        merged_id=found.merged_id,
        kept_id=found.kept_id,
        reason=found.reason,
        merged_at=found.merged_at,
        undone_at=undone.undone_at if undone else None,
    )

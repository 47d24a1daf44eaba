"""Arrivals, departures and deaths over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cvq_core.facilities.routes import doing_of
from cvq_core.families.departures import (
    add_member,
    close_account,
    end_member,
    left_to_settle,
    note_death,
    open_account,
    reopen_account,
)
from cvq_core.families.routes.bodies import AccountOut, Body, ReasonBody
from cvq_core.families.rules import What
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import family_account_by_id
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="families")


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


class DeathBody(Body):
    """A death, as it stands on the paper."""

    on: date


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


class DeathOut(BaseModel):
    """What a death ended."""

    cards: int
    accounts_without_guardian: list[UUID]
    reservations_cancelled: int
    refunded_cents: int
    reservations_of_bodies: int


@routes.post("/people/{id}/death", access=Permission.FAMILIES, body=DeathBody, answer=DeathOut)
async def death(context: Context, body: DeathBody) -> DeathOut:
    """Note a death: the person's cards, roles and reservations end, the family stays."""
    ended = await note_death(doing_of(context), context.path_id(), on=body.on)
    await context.journal_once("death-noted", ended.person.id, subject=("person", ended.person.id))
    return DeathOut(
        cards=len(ended.cards),
        accounts_without_guardian=list(ended.without_guardian),
        reservations_cancelled=len(ended.cancelled),
        refunded_cents=ended.refunded_cents,
        reservations_of_bodies=ended.for_bodies,
    )


@routes.post("/family-accounts", access=Permission.FAMILIES, body=AccountBody, answer=AccountOut, status=201)
async def new_account(context: Context, body: AccountBody) -> AccountOut:
    """Open an account for a family that arrives."""
    account = await open_account(context.db, body.id, label=body.label, email=body.email, now=context.now)
    await context.journal_once("account-opened", account.id, subject=("account", account.id), account_id=account.id)
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
    await context.journal_once("member-added", row.id, subject=("person", row.person_id), account_id=row.account_id)
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
    await context.journal_once(
        "account-closed", closure.id, subject=("account", closure.account_id), account_id=closure.account_id
    )
    return ClosureOut(id=closure.id, closed_on=closure.closed_on, left=closure.left["lines"])


@routes.post("/family-accounts/{id}/reopen", access=Permission.FAMILIES, body=ReasonBody, answer=AccountOut)
async def reopen(context: Context, body: ReasonBody) -> AccountOut:
    """Let the account of a family that comes back go on."""
    reopening = await reopen_account(
        context.db,
        body.id,
        account_id=context.path_id(),
        reason=body.reason,
        by=context.principal.id,
        now=context.now,
    )
    account_id = context.path_id()
    await context.journal_once("account-reopened", reopening.id, subject=("account", account_id), account_id=account_id)
    return AccountOut.model_validate(await family_account_by_id(context.db, account_id))


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

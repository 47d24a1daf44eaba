"""Two accounts of one household over HTTP: the dry run, the merger, its undoing, what arrives afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.families.forwards import forward_rest
from cvq_core.families.merges import merge_accounts, merge_by_id, merges_of, plan_merge
from cvq_core.families.routes.bodies import AccountOut, Body, ReasonBody
from cvq_core.families.undoing import undo_merge
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="families")


class MergeBody(ReasonBody):
    """The account of the path goes into another one."""

    kept_id: UUID


class ForwardBody(Body):
    """What reached a merged account; `id` becomes the ledger's transaction."""

    id: UUID


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
    quotients: int
    top_ups: list[ServiceCode]
    notices: list[ServiceCode]
    carts: int
    staying: list[str]
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
        invoices=len(plan.carried.pointers["invoices"]),
        rights=len({*plan.carried.pointers["rights"], *plan.carried.pointers["paid_rights"]}),
        mandates=len(plan.carried.pointers["mandates"]),
        quotients=len(plan.carried.pointers["quotients"]),
        top_ups=[each.service for each in plan.carried.top_ups],
        notices=list(plan.carried.notices),
        carts=plan.carried.carts,
        staying=[each.in_words(context.language) for each in plan.carried.staying],
        prevented=[each.in_words(context.language) for each in plan.prevented],
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
        language=context.language,
    )
    for account_id in (found.merged_id, found.kept_id):
        await context.journal_once("accounts-merged", found.id, subject=("merge", found.id), account_id=account_id)
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
        language=context.language,
    )
    found = await merge_by_id(context.db, undone.merge_id)
    for account_id in (found.merged_id, found.kept_id):
        await context.journal_once("merge-undone", undone.id, subject=("merge", found.id), account_id=account_id)
    return await _merge_out(context, found.id)


@routes.post("/family-accounts/{id}/forward", access=Permission.FAMILIES, body=ForwardBody, answer=ForwardOut)
async def forward(context: Context, body: ForwardBody) -> ForwardOut:
    """Send on what reached a merged account afterwards to the one that goes on."""
    account_id = context.path_id()
    moves = await forward_rest(
        context.db, body.id, account_id=account_id, by=context.principal.id, now=context.now, language=context.language
    )
    await context.journal_once("rest-forwarded", body.id, subject=("account", account_id), account_id=account_id)
    return ForwardOut(wallets=[WalletMoveOut.model_validate(each) for each in moves])


@routes.get("/family-accounts/{id}/merges", access=Permission.FAMILIES, answer=MergesOut)
async def merges(context: Context) -> MergesOut:
    """List the mergers in which an account took part, the latest first."""
    return MergesOut(items=[_merge(*each) for each in await merges_of(context.db, context.path_id())])


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

"""A family's wallets at the counter: money moved between them, and what the family has chosen for them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StrictInt
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.journal.store import Actor
from cvq_core.ledger.store import Posted
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.offices.rules import NotInAct
from cvq_core.offices.store import act_of, appointment_of, sub_office_by_id
from cvq_core.people.store import family_account_by_id
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.staff.rules import Permission
from cvq_core.wallets.moves import move_money
from cvq_core.wallets.rules import TopUpMeans, TopUpSetting
from cvq_core.wallets.settings import choose_notice, choose_top_up, notices_in_force, top_ups_in_force
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="wallets")


class Body(BaseModel):
    """What is sent here: nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class MoveBody(Body):
    """Money to move between two wallets of a family; `id` is made by who asks: asked again, the first answer."""

    id: UUID
    from_wallet_id: UUID
    to_wallet_id: UUID
    amount_cents: StrictInt


class CounterMoveBody(MoveBody):
    """A move at the counter of a place whose act covers both services."""

    sub_office_id: UUID


class MoveOut(BaseModel):
    """What the two wallets held after the move."""

    id: UUID
    recorded_at: datetime
    from_balance_cents: int
    to_balance_cents: int

    @classmethod
    def of(cls, posted: Posted, body: MoveBody) -> MoveOut:
        """Return the ledger's answer as it goes out."""
        return cls(
            id=posted.transaction_id,
            recorded_at=posted.recorded_at,
            from_balance_cents=posted.balances[body.from_wallet_id],
            to_balance_cents=posted.balances[body.to_wallet_id],
        )


class TopUpAmounts(Body):
    """Below the threshold, add the amount, at most so much in a calendar month."""

    threshold_cents: StrictInt
    amount_cents: StrictInt
    month_max_cents: StrictInt


class TopUpBody(Body):
    """An automatic top-up of a wallet from another; without amounts, its end."""

    id: UUID
    wallet_id: UUID
    source_wallet_id: UUID | None = None
    setting: TopUpAmounts | None = None


class NoticeBody(Body):
    """Below which balance the family is told by e-mail; without a threshold, no longer."""

    id: UUID
    wallet_id: UUID
    threshold_cents: StrictInt | None = None


class TopUpOut(TopUpAmounts):
    """An automatic top-up in force."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    wallet_id: UUID
    means: TopUpMeans
    source_wallet_id: UUID | None
    valid_from: date


class NoticeOut(BaseModel):
    """A notice in force."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    wallet_id: UUID
    threshold_cents: int
    valid_from: date


class ChoicesOut(BaseModel):
    """What a family has chosen for its wallets, as it stands today."""

    top_ups: list[TopUpOut]
    notices: list[NoticeOut]


@routes.post("/accounts/{id}/wallet-moves", access=Permission.COLLECT, body=CounterMoveBody, answer=MoveOut, status=201)
async def move_it(context: Context, body: CounterMoveBody) -> MoveOut:
    """Move money between two wallets of a family, at a place whose act covers both services."""
    account_id = context.path_id()
    await check_place(context, body)
    posted = await move_money(
        context.db,
        key=body.id,
        family_account_id=account_id,
        from_wallet_id=body.from_wallet_id,
        to_wallet_id=body.to_wallet_id,
        amount_cents=body.amount_cents,
        actor=context.principal.actor,
        now=context.now,
    )
    await context.journal_once("money-moved", body.id, subject=("ledger_transaction", body.id), account_id=account_id)
    return MoveOut.of(posted, body)


@routes.get("/accounts/{id}/wallet-choices", access=Permission.COLLECT, answer=ChoicesOut)
async def read_choices(context: Context) -> ChoicesOut:
    """Show the automatic top-ups and notices of a family."""
    account = await family_account_by_id(context.db, context.path_id())
    return await _choices(context, account.id)


@routes.post("/accounts/{id}/top-ups", access=Permission.COLLECT, body=TopUpBody, answer=ChoicesOut, status=201)
async def choose_a_top_up(context: Context, body: TopUpBody) -> ChoicesOut:
    """Write down, or end, a family's automatic top-up of a wallet."""
    account_id = context.path_id()
    await write_top_up(context.db, body, account_id, actor=context.principal.actor, now=context.now)
    await context.journal_once("top-up-chosen", body.id, subject=("wallet", body.wallet_id), account_id=account_id)
    return await _choices(context, account_id)


@routes.post("/accounts/{id}/notices", access=Permission.COLLECT, body=NoticeBody, answer=ChoicesOut, status=201)
async def choose_a_notice(context: Context, body: NoticeBody) -> ChoicesOut:
    """Write down, or end, below which balance of a wallet a family is told."""
    account_id = context.path_id()
    await write_notice(context.db, body, account_id, actor=context.principal.actor, now=context.now)
    await context.journal_once("notice-chosen", body.id, subject=("wallet", body.wallet_id), account_id=account_id)
    return await _choices(context, account_id)


async def write_top_up(db: AsyncSession, asked: TopUpBody, account_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Write what was sent of an automatic top-up.

    Raises:
        Everything of `settings.choose_top_up`.
    """
    amounts = asked.setting
    await choose_top_up(
        db,
        asked.id,
        family_account_id=account_id,
        wallet_id=asked.wallet_id,
        source_wallet_id=asked.source_wallet_id,
        setting=TopUpSetting(amounts.threshold_cents, amounts.amount_cents, amounts.month_max_cents)
        if amounts
        else None,
        actor=actor,
        now=now,
    )


async def write_notice(db: AsyncSession, asked: NoticeBody, account_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Write what was sent of a low-balance notice.

    Raises:
        Everything of `settings.choose_notice`.
    """
    await choose_notice(
        db,
        asked.id,
        family_account_id=account_id,
        wallet_id=asked.wallet_id,
        threshold_cents=asked.threshold_cents,
        actor=actor,
        now=now,
    )


async def check_place(context: Context, body: CounterMoveBody) -> None:
    """Refuse whoever is no mandatary of the place today, and services that its act does not enumerate.

    Raises:
        UnknownSubOffice, NotMandatary, UnknownWallet, NotInAct
    """
    staff_id, today = context.principal.id, local_day(context.now)
    assert staff_id is not None, "only staff holds this permission"
    place, office = await sub_office_by_id(context.db, body.sub_office_id, today)
    await appointment_of(context.db, staff_id, place.id, today)
    act = await act_of(context.db, place, office, today)
    wallets = await wallets_by_id(context.db, {body.from_wallet_id, body.to_wallet_id})
    for wallet in wallets.values():
        if wallet.service_code not in act.services:
            raise NotInAct(service=context._(SERVICE_LABELS[wallet.service_code]))


async def _choices(context: Context, account_id: UUID) -> ChoicesOut:
    today = local_day(context.now)
    top_ups = await top_ups_in_force(context.db, today, family_account_id=account_id)
    notices = await notices_in_force(context.db, today, family_account_id=account_id)
    return ChoicesOut(
        top_ups=[TopUpOut.model_validate(each) for each in top_ups],
        notices=[NoticeOut.model_validate(each) for each in notices],
    )

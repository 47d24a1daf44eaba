"""What a family has chosen for its wallets: writing it down, and reading what is in force on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.database import Base
from cvq_core.journal.store import Actor
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.once import insert_once
from cvq_core.people.store import family_account_by_id, open_family_account
from cvq_core.wallets.rules import (
    SETTING_CENTS_MAX,
    BadTopUpSetting,
    NoFamilyEmail,
    TopUpMeans,
    TopUpSetting,
    WalletsOfTwoFamilies,
    check_circle,
    check_top_up,
)
from cvq_core.wallets.tables import LowBalance, NoticeChoice, TopUpChoice

Choice = TypeVar("Choice", TopUpChoice, NoticeChoice)


async def choose_top_up(
    db: AsyncSession,
    key: UUID,
    *,
    family_account_id: UUID,
    wallet_id: UUID,
    source_wallet_id: UUID | None,
    setting: TopUpSetting | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Write a family's automatic top-up of a wallet from another, in force at once; `setting` None ends it.

    Raises:
        UnknownWallet, SameWallet
        WalletsOfTwoFamilies: one of them is not this family's.
        BadTopUpSetting: see `rules.check_top_up`.
        TopUpInACircle: the source is itself filled from this wallet.
        AccountClosed: what is in force may end there, and nothing begins.
        IdempotencyMismatch: this key came before with another content.
    """
    asked = {wallet_id} if source_wallet_id is None else {wallet_id, source_wallet_id}
    await _check_family(db, family_account_id, asked)
    if setting is not None:
        check_top_up(setting)
        if source_wallet_id is None:
            raise BadTopUpSetting
        in_force = await top_ups_in_force(db, local_day(now), family_account_id=family_account_id)
        others = {
            each.wallet_id: each.source_wallet_id
            for each in in_force
            if each.source_wallet_id is not None and each.wallet_id != wallet_id
        }
        check_circle(wallet_id, source_wallet_id, others)
        await _check_open(db, TopUpChoice, key, family_account_id)
    row = {
        "wallet_id": wallet_id,
        "means": TopUpMeans.WALLET,
        "source_wallet_id": source_wallet_id,
        "threshold_cents": setting.threshold_cents if setting else 0,
        "amount_cents": setting.amount_cents if setting else 0,
        "month_max_cents": setting.month_max_cents if setting else 0,
    }
    await _write(db, TopUpChoice, key, row, _by(actor, now))


async def choose_notice(
    db: AsyncSession,
    key: UUID,
    *,
    family_account_id: UUID,
    wallet_id: UUID,
    threshold_cents: int | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Write below which balance of a wallet the family is told by e-mail; None ends it.

    Raises:
        UnknownWallet
        WalletsOfTwoFamilies: the wallet is not this family's.
        BadTopUpSetting: beyond the bounds.
        NoFamilyEmail: there is no address to write to.
        AccountClosed: what is in force may end there, and nothing begins.
        IdempotencyMismatch: this key came before with another content.
    """
    await _check_family(db, family_account_id, {wallet_id})
    if threshold_cents is not None:
        if not -SETTING_CENTS_MAX <= threshold_cents <= SETTING_CENTS_MAX:
            raise BadTopUpSetting
        if not (await family_account_by_id(db, family_account_id)).email:
            raise NoFamilyEmail
        await _check_open(db, NoticeChoice, key, family_account_id)
    await _write(db, NoticeChoice, key, {"wallet_id": wallet_id, "threshold_cents": threshold_cents}, _by(actor, now))


async def top_ups_in_force(
    db: AsyncSession, on: date, *, family_account_id: UUID | None = None, low_only: bool = False
) -> Sequence[TopUpChoice]:
    """Return the automatic top-ups of a day in the order of their wallets; `low_only`: of wallets that are low now."""
    wanted = _latest(TopUpChoice, on, family_account_id).where(TopUpChoice.amount_cents > 0)
    if low_only:
        wanted = wanted.join(Wallet, Wallet.id == TopUpChoice.wallet_id).where(
            Wallet.balance_cents < TopUpChoice.threshold_cents
        )
    return list(await db.scalars(wanted))


async def notices_in_force(
    db: AsyncSession, on: date, *, family_account_id: UUID | None = None, changed_only: bool = False
) -> Sequence[NoticeChoice]:
    """Return the notices of a day in the order of their wallets.

    `changed_only`: of wallets that have gone below their threshold, or come back above it, since the family was told.
    """
    wanted = _latest(NoticeChoice, on, family_account_id).where(NoticeChoice.threshold_cents.is_not(None))
    if changed_only:
        is_low = Wallet.balance_cents < NoticeChoice.threshold_cents
        wanted = (
            wanted.join(Wallet, Wallet.id == NoticeChoice.wallet_id)
            .outerjoin(LowBalance, LowBalance.wallet_id == NoticeChoice.wallet_id)
            .where(is_low == LowBalance.wallet_id.is_(None))
        )
    return list(await db.scalars(wanted))


def _latest(table: type[Choice], on: date, family_account_id: UUID | None) -> Select[Choice]:
    """Select each wallet's choice that stands on a day: of the latest day, the one that was recorded last."""
    place = (
        func.row_number()
        .over(
            partition_by=table.wallet_id,
            order_by=(table.valid_from.desc(), table.recorded_at.desc(), table.id.desc()),
        )
        .label("place")
    )
    ranked = select(table.id, place).where(table.valid_from <= on)
    if family_account_id is not None:
        ranked = ranked.where(
            table.wallet_id.in_(select(Wallet.id).where(Wallet.family_account_id == family_account_id))
        )
    found = ranked.subquery()
    return select(table).join(found, found.c.id == table.id).where(found.c.place == 1).order_by(table.wallet_id)


async def _check_family(db: AsyncSession, family_account_id: UUID, wallet_ids: set[UUID]) -> None:
    wallets = await wallets_by_id(db, wallet_ids)
    if {wallet.family_account_id for wallet in wallets.values()} != {family_account_id}:
        raise WalletsOfTwoFamilies


async def _check_open(db: AsyncSession, table: type[Base], key: UUID, family_account_id: UUID) -> None:
    """Refuse what would begin on a closed account; what was written before it closed is only answered again."""
    if await db.get(table, key) is None:
        await open_family_account(db, family_account_id)


def _by(actor: Actor, now: datetime) -> dict[str, object]:
    return {"valid_from": local_day(now), "recorded_at": now, "actor_kind": actor.kind, "actor_id": actor.id}


async def _write(
    db: AsyncSession, table: type[Base], key: UUID, content: dict[str, object], by: dict[str, object]
) -> None:
    row = {"id": key, **by, **content}
    if await insert_once(db, table.__table__, row):
        return
    first = await db.get_one(table, key)
    if any(getattr(first, name) != value for name, value in content.items()):
        raise IdempotencyMismatch

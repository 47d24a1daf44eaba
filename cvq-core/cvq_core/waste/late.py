"""Deposits that a tablet took without a network: facts, in any order, any number of times, and never dropped.

What the core can take it takes and charges by its own rules of that day; what it cannot (a card that nobody knows, a
right that had ended) and whose price was another than the one said at the gate stands in a list for the manager.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import Refusal
from cvq_core.once import insert_once
from cvq_core.waste.rules import LateKind, Load, volume_words
from cvq_core.waste.service import NewDeposit, take_deposit
from cvq_core.waste.store import LISTED_MAX, Deposit, deposits_by_id
from cvq_core.waste.tables import WasteLate

LOADS_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Said:
    """What the attendant's screen said: who it was, in words, and what it cost; None where no price was known."""

    who: str
    cents: int | None


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """What became of a deposit: taken, or listed with the slug of why it was not."""

    deposit: Deposit | None
    refused: str | None = None


async def take_late(db: AsyncSession, asked: NewDeposit, said: Said, *, now: datetime) -> LateAnswer:
    """Take a deposit that was made without a network, or list it; the same one again gets the first answer."""
    asked = replace(asked, offline=True)
    first = await db.get(WasteLate, asked.id)
    if first is not None and first.kind is LateKind.NOT_TAKEN:
        return LateAnswer(None, first.reason)
    was_there = asked.id in await deposits_by_id(db, [asked.id])
    try:
        async with db.begin_nested():
            deposit = await take_deposit(db, asked, now=now)
    except Refusal as refusal:
        await _list(db, asked, said, now, kind=LateKind.NOT_TAKEN, reason=refusal.slug)
        return LateAnswer(None, refusal.slug)
    # What was taken with the line has been priced by the core: the answer only got lost.
    if not was_there and said.cents is not None and said.cents != deposit.row.amount_cents:
        await _list(db, asked, said, now, kind=LateKind.PRICE_DIFFERS, amount_cents=deposit.row.amount_cents)
    return LateAnswer(deposit)


async def listed_late(db: AsyncSession, first: date) -> Sequence[WasteLate]:
    """Return what came since a day and has to be looked at, the latest first."""
    rows = await db.scalars(select(WasteLate).order_by(WasteLate.received_at.desc(), WasteLate.id).limit(LISTED_MAX))
    return [row for row in rows if local_day(row.received_at) >= first]


def loads_words(loads: Sequence[Load]) -> str:
    """Return what was brought in words, as the list keeps it."""
    return ", ".join(f"{load.category} {volume_words(load.litres)}" for load in loads)[:LOADS_CHARACTERS]


async def _list(
    db: AsyncSession,
    asked: NewDeposit,
    said: Said,
    now: datetime,
    *,
    kind: LateKind,
    reason: str = "",
    amount_cents: int | None = None,
) -> None:
    row = {
        "id": asked.id,
        "kind": kind,
        "reason": reason[:60],
        "point_id": asked.point_id,
        "reader_id": asked.reader_id,
        "who": said.who[:200],
        "loads": loads_words(asked.loads),
        "said_cents": said.cents or 0,
        "amount_cents": amount_cents,
        "occurred_at": asked.occurred_at,
        "received_at": now,
    }
    await insert_once(db, WasteLate.__table__, row)

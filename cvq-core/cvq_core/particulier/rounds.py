"""Rounds of inquiries for all families that agreed: begun one at a time, stopped, ended, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.jobs.store import enqueue
from cvq_core.live import publish
from cvq_core.once import insert_once
from cvq_core.particulier.rules import NO_ANSWER_YET, TO_SEE_BY_HAND, Outcome, RoundRunning
from cvq_core.particulier.store import agreeing_accounts
from cvq_core.particulier.tables import QuotientInquiry, QuotientRefresh
from cvq_core.people.tables import FamilyAccount, FamilyQuotient

REFRESH = "refresh-quotients"
"""The job that asks."""

TOPIC = "quotients"
"""What pages watch, as `quotients:round`: how far a round is."""

SHOWN_MAX = 300
WRITTEN_MAX = 20_000
"""How many families a page shows, and a file lists."""


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """How far a round is: how many of each outcome, and the families to see by hand (`unanswered_count` in all)."""

    refresh: QuotientRefresh
    counts: dict[Outcome, int]
    unanswered: list[tuple[FamilyAccount, Outcome]]

    @property
    def done(self) -> int:
        """How many families were asked about with an answer that stands."""
        return sum(count for outcome, count in self.counts.items() if outcome.is_final)

    @property
    def unanswered_count(self) -> int:
        """How many families are to be seen by hand, listed or not."""
        return sum(self.counts.get(outcome, 0) for outcome in _by_hand(self.refresh))


async def start_refresh(
    db: AsyncSession, refresh_id: UUID, *, month: date, started_by: UUID | None, now: datetime
) -> None:
    """File a round for all families that agreed; the same id again changes nothing.

    Raises:
        RoundRunning: another one has not ended.
    """
    families = len(await agreeing_accounts(db, local_day(now)))
    row = {
        "id": refresh_id,
        "month": month,
        "families": families,
        "started_at": now,
        "started_by": started_by,
        "running": True,
    }
    if await insert_once(db, QuotientRefresh.__table__, row):
        await enqueue(db, REFRESH, {"refresh_id": str(refresh_id)}, now=now, unique_key=f"{REFRESH}:{refresh_id}")
        tell_round(db)
    elif await db.get(QuotientRefresh, refresh_id) is None:
        raise RoundRunning


async def stop_refresh(db: AsyncSession, refresh_id: UUID, *, by: UUID | None, now: datetime) -> bool:
    """End a round before everybody was asked about; what was answered stays. Return whether it still ran.

    Raises:
        NotFound: there is none.
    """
    row = await _locked(db, refresh_id)
    if row.finished_at is not None:
        return False
    row.finished_at, row.running, row.stopped_by = now, None, by
    await db.flush()
    tell_round(db)
    return True


async def finish_refresh(db: AsyncSession, refresh_id: UUID, *, stopped: Outcome | None, now: datetime) -> None:
    """End a round that is through, or (`stopped`) that cannot go on."""
    row = await _locked(db, refresh_id)
    if row.finished_at is None:
        row.finished_at, row.running, row.stopped = now, None, stopped
        await db.flush()
        tell_round(db)


async def answered_in(db: AsyncSession, refresh_id: UUID) -> set[UUID]:
    """Return the accounts that a round has a final answer for."""
    rows = await db.execute(
        select(QuotientInquiry.account_id, QuotientInquiry.outcome).where(
            QuotientInquiry.refresh_id == refresh_id, QuotientInquiry.outcome.is_not(None)
        )
    )
    return {account_id for account_id, outcome in rows if outcome is not None and outcome.is_final}


async def latest_refresh(db: AsyncSession, *, limit: int = SHOWN_MAX) -> RefreshReport | None:
    """Return the report of the round that was started last, with at most `limit` families to see by hand."""
    refresh: QuotientRefresh | None = await db.scalar(
        select(QuotientRefresh).order_by(QuotientRefresh.started_at.desc(), QuotientRefresh.id.desc()).limit(1)
    )
    if refresh is None:
        return None
    mine = QuotientInquiry.refresh_id == refresh.id
    counted = await db.execute(
        select(QuotientInquiry.outcome, func.count())
        .where(mine, QuotientInquiry.outcome.is_not(None))
        .group_by(QuotientInquiry.outcome)
    )
    rows = await db.execute(
        select(FamilyAccount, QuotientInquiry.outcome)
        .join(QuotientInquiry, QuotientInquiry.account_id == FamilyAccount.id)
        .where(mine, QuotientInquiry.outcome.in_(_by_hand(refresh)))
        .order_by(FamilyAccount.number)
        .limit(limit)
    )
    counts = {outcome: count for outcome, count in counted if outcome is not None}
    return RefreshReport(refresh, counts, [(account, outcome) for account, outcome in rows if outcome is not None])


async def lapsed_families(
    db: AsyncSession, on: date, *, limit: int = SHOWN_MAX
) -> tuple[list[tuple[FamilyAccount, date]], int]:
    """Return the open accounts that agreed to nothing and whose quotient held once and holds no longer, and how many.

    Each comes with the last day on which a quotient of it held. They pay most until they bring a certificate.
    """
    until = func.max(FamilyQuotient.valid_until).label("until")
    ends = (
        select(FamilyQuotient.account_id, until)
        .group_by(FamilyQuotient.account_id)
        .having(until < on, func.count() == func.count(FamilyQuotient.valid_until))
        .subquery()
    )
    rows = await db.execute(
        select(FamilyAccount, ends.c.until)
        .join(ends, ends.c.account_id == FamilyAccount.id)
        .where(FamilyAccount.closed_on.is_(None))
        .order_by(FamilyAccount.number)
    )
    agreeing = set(await agreeing_accounts(db, on))
    found = [(account, day) for account, day in rows if account.id not in agreeing]
    return found[:limit], len(found)


def tell_round(db: AsyncSession) -> None:
    """Tell the pages that watch that a round went on."""
    publish(db, f"{TOPIC}:round", "round")


def _by_hand(refresh: QuotientRefresh) -> tuple[Outcome, ...]:
    """Return which outcomes of a round mean that a family is to be seen: once it is over, no answer is one."""
    return TO_SEE_BY_HAND if refresh.finished_at is None else (*TO_SEE_BY_HAND, *NO_ANSWER_YET)


async def _locked(db: AsyncSession, refresh_id: UUID) -> QuotientRefresh:
    row: QuotientRefresh | None = await db.scalar(
        select(QuotientRefresh)
        .where(QuotientRefresh.id == refresh_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return row

"""Closing an office's months, one after the other, and what a balance begins with because of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.books.journal import payments_in
from cvq_core.books.periods import Period, check_closing, midnight, month_after, month_of
from cvq_core.books.rules import NotTheBookkeeper
from cvq_core.books.scope import Scope, held_accounts, scope_of
from cvq_core.books.sums import Sums, added, sums_between
from cvq_core.books.tables import BookClosing, BookSeries
from cvq_core.clock import local_day
from cvq_core.debits.tables import DebitRun
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import Drawer, SubOffice
from cvq_core.once import insert_once
from cvq_core.payments.tables import Cart, PaymentAttempt


async def close_month(
    db: AsyncSession, *, key: UUID, office_id: UUID, period: Period, officer: Officer, now: datetime
) -> BookClosing:
    """Close a month of an office; `key` asked again gives the same closing.

    Raises:
        UnknownBook, NotTheBookkeeper, BadBookPeriod, MonthNotOver, MonthClosed, EarlierMonthOpen
        IdempotencyMismatch: this key closed another month.
    """
    scope = await scope_of(db, office_id)
    if not await is_officer(db, office_id, officer.staff_id, local_day(now)):
        raise NotTheBookkeeper
    await lock_series(db, office_id)
    first = await db.get(BookClosing, key)
    if first is not None:
        if (first.office_id, first.first_day) != (office_id, period.first):
            raise IdempotencyMismatch
        return first
    last = await last_closing(db, office_id)
    check_closing(
        period,
        Period(last.first_day, last.last_day) if last else None,
        await first_month(db, scope, local_day(now)),
        now,
    )
    closing = BookClosing(
        id=key,
        office_id=office_id,
        first_day=period.first,
        last_day=period.last,
        closed_at=now,
        staff_id=officer.staff_id,
        payments=await payments_in(db, scope, period),
        sums=await _all_sums(db, scope, period),
    )
    db.add(closing)
    await db.flush()
    return closing


async def lock_series(db: AsyncSession, office_id: UUID) -> BookSeries:
    """Return an office's series of editions, held: nobody else closes a month or numbers an edition meanwhile."""
    await insert_once(db, BookSeries.__table__, {"office_id": office_id, "last_number": 0})
    return await db.get_one(BookSeries, office_id, with_for_update=True, populate_existing=True)


async def last_closing(db: AsyncSession, office_id: UUID, *, until: date | None = None) -> BookClosing | None:
    """Return the last month that was closed, or the last one that ended before a day."""
    wanted = select(BookClosing).where(BookClosing.office_id == office_id)
    if until is not None:
        wanted = wanted.where(BookClosing.last_day < until)
    found: BookClosing | None = await db.scalar(wanted.order_by(BookClosing.first_day.desc()).limit(1))
    return found


async def first_month(db: AsyncSession, scope: Scope, today: date) -> Period:
    """Return the month in which an office first collected; this one where it never has."""
    places = (await db.scalars(select(SubOffice.id).where(SubOffice.office_id == scope.office.id))).all()
    firsts = [
        await db.scalar(select(func.min(Drawer.opened_at)).where(Drawer.sub_office_id.in_(places))),
        await db.scalar(
            select(func.min(PaymentAttempt.credited_at))
            .join(Cart, Cart.id == PaymentAttempt.cart_id)
            .where(Cart.sub_office_id.in_(places))
        ),
        await db.scalar(select(func.min(DebitRun.made_at)).where(DebitRun.office_id == scope.office.id)),
    ]
    days = [local_day(instant) for instant in firsts if instant is not None]
    return month_of(min(days, default=today))


async def closing_of(db: AsyncSession, office_id: UUID, period: Period, first: Period) -> BookClosing | None:
    """Return what closed a period: its month, or the last month of a year all of whose months are closed.

    The months before the office's `first` one need no closing.
    """
    rows = await db.scalars(
        select(BookClosing)
        .where(
            BookClosing.office_id == office_id,
            BookClosing.first_day >= period.first,
            BookClosing.last_day <= period.last,
        )
        .order_by(BookClosing.first_day)
    )
    closed = rows.all()
    due = [month for month in period.months() if month.first >= first.first]
    return closed[-1] if due and [month.first for month in due] == [each.first_day for each in closed] else None


async def opening_sums(db: AsyncSession, scope: Scope, held: Mapping[UUID, LedgerAccount], begin: Period) -> Sums:
    """Return what a scope's accounts added up to when a period began: at its last closing, and since."""
    last = await last_closing(db, scope.office.id, until=begin.first)
    base = last.sums.get(str(scope.place.id) if scope.place else "") if last else None
    if last is None or base is None:
        return await sums_between(db, scope, held, None, begin.begin)
    known = {key: (int(debit), int(credit)) for key, (debit, credit) in base.items()}
    closed_until = month_after(Period(last.first_day, last.last_day)).first
    if closed_until == begin.first:
        return known
    return added(known, await sums_between(db, scope, held, midnight(closed_until), begin.begin))


async def _all_sums(db: AsyncSession, scope: Scope, period: Period) -> dict[str, dict[str, list[int]]]:
    """Return what the office's and each place's accounts add up to at the end of a month."""
    found = {}
    for each in (scope, *(Scope(scope.office, (place,), place) for place in scope.places)):
        held = await held_accounts(db, each)
        before = await opening_sums(db, each, held, period)
        whole = added(before, await sums_between(db, each, held, period.begin, period.end))
        found[str(each.place.id) if each.place else ""] = {key: list(sums) for key, sums in whole.items()}
    return found

"""Proving that closed months still say what they said; `cvq check` tells what this finds."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.books.journal import payments_in
from cvq_core.books.periods import Period
from cvq_core.books.scope import Scope, held_accounts, scope_of
from cvq_core.books.sums import net, sums_between
from cvq_core.books.tables import BookClosing, BookEdition, BookSeries
from cvq_core.ledger.verify import sentences


async def verify_books(db: AsyncSession) -> list[str]:
    """Return what is wrong with the books, one English sentence each; empty when everything holds.

    Editions are numbered without a gap; each closed month has the payments that it had; the last one's sums are those
    of all postings since the beginning, and add up to zero.
    """
    editions, last = func.count(BookEdition.number), func.max(BookEdition.number)
    found = await sentences(
        db,
        "editions of an office count to {}, and there are {} up to number {}",
        select(BookSeries.last_number, editions, func.coalesce(last, 0))
        .outerjoin(BookEdition, BookEdition.office_id == BookSeries.office_id)
        .group_by(BookSeries.office_id, BookSeries.last_number)
        .having(or_(editions != BookSeries.last_number, func.coalesce(last, 0) != BookSeries.last_number)),
    )
    latest: dict[object, BookClosing] = {}
    for closing in (await db.scalars(select(BookClosing).order_by(BookClosing.first_day))).all():
        scope, period = await scope_of(db, closing.office_id), Period(closing.first_day, closing.last_day)
        payments = await payments_in(db, scope, period)
        if payments != closing.payments:
            found.append(
                f"{scope.office.code} {period.word} was closed with {closing.payments} payments, has {payments}"
            )
        latest[closing.office_id] = closing
    for closing in latest.values():
        found += await _verify_sums(db, closing)
    return found


async def _verify_sums(db: AsyncSession, closing: BookClosing) -> list[str]:
    whole, period = await scope_of(db, closing.office_id), Period(closing.first_day, closing.last_day)
    found = []
    for scope in (whole, *(Scope(whole.office, (place,), place) for place in whole.places)):
        said = closing.sums.get(str(scope.place.id) if scope.place else "")
        if said is None:
            continue
        sums = await sums_between(db, scope, await held_accounts(db, scope), None, period.end)
        if {key: list(each) for key, each in sums.items()} != {key: list(each) for key, each in said.items()}:
            found.append(f"{scope.code} {period.word} was closed on other sums than its postings add up to")
        if total := sum(net(sums, key) for key in sums):
            found.append(f"the accounts of {scope.code} add up to {total} cents at the end of {period.word}")
    return found

"""Reading a period's balance from the ledger: what is held by means, and each account that the entries touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.books.closings import opening_sums
from cvq_core.books.periods import Period
from cvq_core.books.rules import AccountLine, Balance, CashAt, HeldLine, Movement, movement_of, service_word
from cvq_core.books.scope import Scope, held_accounts, is_held, means_of
from cvq_core.books.sums import Sums, net, recorded_between, sums_between
from cvq_core.debits.tables import DebitItem, DebitReturn
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import Receipt
from cvq_core.payments.tables import PaymentAttempt


async def balance_of_period(
    db: AsyncSession, scope: Scope, period: Period, *, until: datetime | None = None
) -> Balance:
    """Return the balance of a period, or of that part of it which lies before `until`."""
    held = await held_accounts(db, scope)
    end = min(until or period.end, period.end)
    before = await opening_sums(db, scope, held, period)
    during = await sums_between(db, scope, held, period.begin, end)
    accounts = await _account_lines(db, scope, held, before, during)
    return Balance(
        held=await _held_lines(db, scope, held, before, (period.begin, end)),
        cash=_cash(scope, held, before, during),
        accounts=accounts,
        to_classify_cents=sum(
            net(before, str(each.id)) + net(during, str(each.id))
            for each in held.values()
            if each.kind is AccountKind.TO_CLASSIFY
        ),
    )


async def _account_lines(
    db: AsyncSession, scope: Scope, held: Mapping[UUID, LedgerAccount], before: Sums, during: Sums
) -> tuple[AccountLine, ...]:
    places = {str(place.id): place.label for place in scope.places}
    keys = before.keys() | during.keys()
    others = [UUID(key) for key in keys if ":" not in key and UUID(key) not in held]
    rows = await db.scalars(select(LedgerAccount).where(LedgerAccount.id.in_(others)))
    known = {str(account.id): account for account in (*held.values(), *rows)}
    lines = []
    for key in keys:
        account = known.get(key)
        word, _, rest = key.partition(":")
        kind = account.kind if account else AccountKind(word)
        label = account.label if account else _group_label(kind, rest, places)
        opening = net(before, key)
        debit, credit = during.get(key, (0, 0))
        order = (list(AccountKind).index(kind), label)
        if opening or debit or credit:
            lines.append((order, AccountLine(key, label, opening, debit, credit)))
    return tuple(line for _, line in sorted(lines, key=lambda each: each[0]))


def _group_label(kind: AccountKind, rest: str, places: Mapping[str, str]) -> str:
    if kind is AccountKind.WALLET:
        return f"Comptes famille, {service_word(rest)}"
    if kind is AccountKind.RECEIVABLE:
        return "Factures à recouvrer"
    return f"Caisses, {places.get(rest, 'autres lieux')}"


async def _held_lines(
    db: AsyncSession,
    scope: Scope,
    held: Mapping[UUID, LedgerAccount],
    before: Sums,
    span: tuple[datetime, datetime],
) -> tuple[HeldLine, ...]:
    begin, end = span
    by_means = {account.id: means for account in held.values() if (means := means_of(account))}
    opening: dict[Means, int] = defaultdict(int)
    for account_id, means in by_means.items():
        opening[means] -= net(before, str(account_id))
    for place in scope.places:
        opening[Means.CASH] -= net(before, f"{AccountKind.DRAWER}:{place.id}")
    undone = aliased(LedgerTransaction)
    in_journal = _in_journal()
    rows = await db.execute(
        select(Posting.account_id, LedgerTransaction.kind, undone.kind, in_journal, func.sum(Posting.amount_cents))
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .outerjoin(undone, undone.id == LedgerTransaction.reverses_id)
        .where(is_held(scope, held, begin), *recorded_between(begin, end))
        .group_by(Posting.account_id, LedgerTransaction.kind, undone.kind, in_journal)
    )
    moved: dict[Means, dict[Movement, int]] = defaultdict(lambda: defaultdict(int))
    for account_id, kind, reverses, journalled, cents in rows:
        means_here = by_means.get(account_id) if account_id in held else Means.CASH
        if means_here is not None:
            moved[means_here][movement_of(kind, reverses, in_journal=bool(journalled))] -= int(cents)
    return tuple(
        HeldLine(means, opening[means], {each: cents for each, cents in moved[means].items() if cents})
        for means in Means
        if opening[means] or any(moved[means].values())
    )


def _in_journal() -> ColumnElement[bool]:
    """Return the condition that a transaction stands in the journal."""
    return or_(
        LedgerTransaction.id.in_(select(Receipt.transaction_id)),
        LedgerTransaction.id.in_(
            select(PaymentAttempt.transaction_id).where(PaymentAttempt.transaction_id.is_not(None))
        ),
        LedgerTransaction.id.in_(select(DebitItem.id)),
        LedgerTransaction.id.in_(select(DebitReturn.transaction_id)),
    )


def _cash(scope: Scope, held: Mapping[UUID, LedgerAccount], before: Sums, during: Sums) -> CashAt:
    def at_end(*kinds: AccountKind) -> int:
        keys = [str(each.id) for each in held.values() if each.kind in kinds and means_of(each) is Means.CASH]
        return sum(net(before, key) + net(during, key) for key in keys)

    drawers = [f"{AccountKind.DRAWER}:{place.id}" for place in scope.places]
    return CashAt(
        safe_cents=-at_end(AccountKind.SAFE),
        drawers_cents=-sum(net(before, key) + net(during, key) for key in drawers),
        on_its_way_cents=-at_end(AccountKind.REMITTED),
        float_cents=at_end(AccountKind.FLOAT),
    )

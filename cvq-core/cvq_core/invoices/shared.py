"""Invoicing a shared child's month: one invoice for each account, of its own part, and a record of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.invoices.rules import Line
from cvq_core.invoices.shares import (
    Charge,
    MonthBilled,
    Share,
    check_month,
    fingerprint,
    share_label,
    split_month,
)
from cvq_core.invoices.store import issue_invoice
from cvq_core.invoices.tables import Invoice, SharedMonth, SharedPart
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.once import insert_once
from cvq_core.people.arrangements import arrangements_of, child_memberships, kept_accounts
from cvq_core.people.custody import Part, in_force
from cvq_core.people.names import spoken_name
from cvq_core.people.store import person_by_id
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.text import month_name


async def shares_of_month(db: AsyncSession, child_id: UUID, charges: Sequence[Charge]) -> list[Share]:
    """Return what each of a child's accounts bears of a month's charges. A merged account is the one that goes on.

    Raises:
        NoSharesThen: the child was in several accounts, or in none, and nothing says in which shares they pay.
    """
    days = [each.day for each in charges]
    memberships = (await child_memberships(db, [child_id], min(days), max(days))).get(child_id, [])
    arrangements = (await arrangements_of(db, [child_id])).get(child_id, [])
    kept = await kept_accounts(db, {each.account_id for each in memberships})

    def parts_on(day: date) -> tuple[Part, ...]:
        accounts = {kept[each.account_id] for each in memberships if each.holds(day)}
        if len(accounts) == 1:
            return (Part(next(iter(accounts)), 100),)
        arrangement = in_force(arrangements, day)
        if arrangement is None or not {part.account_id for part in arrangement.parts} <= accounts:
            return ()
        return tuple(part for part in arrangement.parts if part.share_percent)

    return split_month(charges, parts_on)


async def issue_shared_month(
    db: AsyncSession,
    month_id: UUID,
    *,
    child_id: UUID,
    service: ServiceCode,
    month: date,
    charges: Sequence[Charge],
    due_on: date,
    now: datetime,
    actor_kind: str = "system",
    actor_id: UUID | None = None,
) -> list[Invoice]:
    """Invoice a child's month of a billed service to each of its accounts, by their shares; `month` is its first day.

    Each invoice tells the whole of the child's month and the account's own part of it, and nothing else of the other
    account: no price's explanation, which would name a quotient. The same id asked again gives the same invoices. The
    caller has priced the charges.

    Raises:
        UnknownPerson
        BadMonth, AmountOutOfBounds, NoSharesThen: see `invoices.shares`.
        MonthBilled: this month of the child was invoiced under another id.
        IdempotencyMismatch: this id came before with something else.
        BadInvoice: due before it is issued.
    """
    child = await person_by_id(db, child_id)
    content = {
        "child_id": child_id,
        "service_code": service,
        "month": month,
        "total_cents": sum(each.amount_cents for each in charges),
        "fingerprint": fingerprint(charges),
    }
    check_month(month, charges, local_day(now))
    if not await insert_once(db, SharedMonth.__table__, {"id": month_id, "recorded_at": now, **content}):
        return await _first_answer(db, month_id, content)
    name = spoken_name(child.family_name, child.usual_name, child.given_names)
    what = f"{SERVICE_LABELS[service]}, {month_name(month)}, {name}"
    borne: dict[UUID, list[tuple[int, Share]]] = {}
    shares = await shares_of_month(db, child_id, charges)
    for position, share in enumerate(shares):
        if share.amount_cents:
            borne.setdefault(share.part.account_id, []).append((position, share))
    issued: dict[UUID, Invoice] = {}
    for account_id, held in borne.items():
        issued[account_id] = await issue_invoice(
            db,
            uuid5(month_id, str(held[0][0])),
            family_account_id=account_id,
            label=what[:120],
            lines=[
                Line(service, share_label(what, share), 1, share.amount_cents, share.detail, child_id)
                for _, share in held
            ],
            due_on=due_on,
            now=now,
            actor_kind=actor_kind,
            actor_id=actor_id,
        )
    db.add_all(
        SharedPart(
            month_id=month_id,
            position=position,
            account_id=share.part.account_id,
            share_percent=share.part.share_percent,
            total_cents=share.total_cents,
            amount_cents=share.amount_cents,
            invoice_id=issued[share.part.account_id].id if share.amount_cents else None,
        )
        for position, share in enumerate(shares)
    )
    await db.flush()
    return list(issued.values())


async def _first_answer(db: AsyncSession, month_id: UUID, content: dict[str, object]) -> list[Invoice]:
    known = await db.get(SharedMonth, month_id)
    if known is None:
        raise MonthBilled
    if any(getattr(known, name) != value for name, value in content.items()):
        raise IdempotencyMismatch
    rows = await db.scalars(
        select(Invoice)
        .where(Invoice.id.in_(select(SharedPart.invoice_id).where(SharedPart.month_id == month_id)))
        .order_by(Invoice.year, Invoice.number)
    )
    return list(rows)

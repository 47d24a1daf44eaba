"""Opening a drawer, and closing it on its count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import add_ledger_account, balance_of, post
from cvq_core.offices.rules import (
    DrawerAlreadyOpen,
    DrawerClosed,
    NotYourDrawer,
    Officer,
    check_float,
    check_safe,
    counted_total,
)
from cvq_core.offices.store import appointment_of, locked_drawer, open_drawer_of, sub_office_by_id
from cvq_core.offices.tables import Drawer, SubOffice


async def open_drawer(
    db: AsyncSession, drawer_id: UUID, *, sub_office_id: UUID, officer: Officer, float_cents: int, now: datetime
) -> Drawer:
    """Open a drawer with its float; the same id asked again gives the same drawer.

    Raises:
        UnknownSubOffice, NotMandatary, FloatOutOfBounds, FloatNotInSafe
        DrawerAlreadyOpen: this person has one open here.
        IdempotencyMismatch: this id is another drawer's.
    """
    # The place is locked, so that two requests at once do not both find that no drawer is open, or take one float.
    await db.execute(select(SubOffice.id).where(SubOffice.id == sub_office_id).with_for_update(key_share=True))
    known = await db.get(Drawer, drawer_id)
    if known is not None:
        if (known.sub_office_id, known.staff_id, known.float_cents) != (sub_office_id, officer.staff_id, float_cents):
            raise IdempotencyMismatch
        return known
    today = local_day(now)
    sub_office, _ = await sub_office_by_id(db, sub_office_id, today)
    await appointment_of(db, officer.staff_id, sub_office_id, today)
    check_float(float_cents, sub_office.float_cents)
    if await open_drawer_of(db, officer.staff_id, sub_office_id) is not None:
        raise DrawerAlreadyOpen
    check_safe(float_cents, await balance_of(db, sub_office.safe_account_id))
    await add_ledger_account(
        db,
        account_id=drawer_id,
        code=f"drawer:{drawer_id}",
        kind=AccountKind.DRAWER,
        label=f"Caisse du {today:%d/%m/%Y}, {sub_office.label}",
        now=now,
    )
    drawer = Drawer(
        id=drawer_id,
        sub_office_id=sub_office_id,
        staff_id=officer.staff_id,
        float_cents=float_cents,
        opened_at=now,
    )
    db.add(drawer)
    await db.flush()
    if float_cents:
        await post(
            db,
            NewTransaction(
                id=uuid5(drawer_id, "open"),
                kind=TransactionKind.DRAWER_OPENED,
                label=f"Ouverture de caisse, {sub_office.label}",
                occurred_at=now,
                postings=(
                    NewPosting(sub_office.safe_account_id, float_cents),
                    NewPosting(drawer_id, -float_cents),
                ),
                actor_kind="staff",
                actor_id=officer.staff_id,
            ),
            now=now,
        )
    return drawer


async def close_drawer(
    db: AsyncSession, drawer_id: UUID, *, counted: Mapping[int, int], officer: Officer, now: datetime
) -> Drawer:
    """Close a drawer on its count (denomination in cents to how many); a difference is recorded, never hidden.

    Its cash goes to the place's safe. A mandatary whose appointment is over still counts the drawer left open. Asked
    again with the same count, the answer is the same.

    Raises:
        UnknownDrawer, NotYourDrawer, BadCount
        DrawerClosed: it was closed on another count.
    """
    drawer = await locked_drawer(db, drawer_id)
    if drawer.staff_id != officer.staff_id:
        raise NotYourDrawer
    counted_cents = counted_total(counted)
    count = {str(denomination): number for denomination, number in sorted(counted.items()) if number}
    if drawer.closed_at is not None:
        if drawer.counted != count:
            raise DrawerClosed
        return drawer
    sub_office = await db.get_one(SubOffice, drawer.sub_office_id)
    expected = await balance_of(db, drawer_id)
    difference = counted_cents - expected
    legs = ((sub_office.safe_account_id, -counted_cents), (drawer_id, expected))
    postings = [NewPosting(account_id, cents) for account_id, cents in legs if cents]
    if difference:
        postings.append(NewPosting(sub_office.difference_account_id, difference))
    if postings:
        await post(
            db,
            NewTransaction(
                id=uuid5(drawer_id, "close"),
                kind=TransactionKind.DRAWER_CLOSED,
                label=f"Fermeture de caisse, {sub_office.label}",
                occurred_at=now,
                postings=tuple(postings),
                actor_kind="staff",
                actor_id=officer.staff_id,
            ),
            now=now,
        )
    drawer.closed_at = now
    drawer.counted, drawer.counted_cents = count, counted_cents
    drawer.expected_cents, drawer.difference_cents = expected, difference
    await db.flush()
    return drawer

"""Arrivals, departures, returns and deaths: accounts open and close, people come and go, the past stays readable."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.cards.life import By, block
from cvq_core.cards.making_rules import Channel
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.facilities.deaths import cancel_for_the_dead, left_to_a_body, lock_reservations
from cvq_core.facilities.service import Doing
from cvq_core.families.rules import BadFamilyDay, CannotReopen, NotAMember, What, check_death, what_is_left
from cvq_core.families.tables import AccountClosure, AccountReopening
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.tables import Receivable, Wallet
from cvq_core.once import insert_once
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import AccountClosed, family_account_by_id, in_force, person_by_id
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import ServiceCode

TO_SETTLE_MAX = 500
NUMBER_DIGITS = 7
DRAWS_MAX = 50


@dataclass(frozen=True, slots=True)
class Left:
    """What a closed account still holds (`what` refund) or owes (debt) on a wallet, or on an invoice (no service)."""

    account: FamilyAccount
    id: UUID
    service: ServiceCode | None
    amount_cents: int
    what: What


@dataclass(frozen=True, slots=True)
class Death:
    """What a death ended; `without_guardian` are accounts of children that have no guardian left.

    `cancelled` are reservations, `refunded_cents` what came back of their prices; `for_bodies` are those that a company
    or an association keeps.
    """

    person: Person
    cards: tuple[UUID, ...]
    without_guardian: tuple[UUID, ...]
    cancelled: tuple[UUID, ...] = ()
    refunded_cents: int = 0
    for_bodies: int = 0


async def open_account(
    db: AsyncSession, account_id: UUID, *, label: str, email: str | None = None, now: datetime
) -> FamilyAccount:
    """Open an account for a family that arrives, under the next number; the same id again gives the first account.

    Raises:
        IdempotencyMismatch: this id is another family's.
    """
    known = await db.get(FamilyAccount, account_id)
    for _ in range(DRAWS_MAX):
        if known is not None:
            break
        # Two at once draw the same number: the unique key lets one of them draw again.
        row = {
            "id": account_id,
            "number": await next_number(db),
            "label": label,
            "email": email,
            "opened_on": local_day(now),
        }
        await insert_once(db, FamilyAccount.__table__, row)
        known = await db.get(FamilyAccount, account_id)
    assert known is not None, "every number that was drawn was taken meanwhile"
    if (known.label, known.email) != (label, email):
        raise IdempotencyMismatch
    return known


async def add_member(
    db: AsyncSession,
    membership_id: UUID,
    *,
    account_id: UUID,
    person_id: UUID,
    role: FamilyRole,
    share_percent: int | None = None,
    now: datetime,
) -> Membership:
    """Let a person belong to an account from today on: a child, a guardian, or a payer who is no guardian.

    Whoever has the role already keeps the membership that they have.

    Raises:
        UnknownPerson, UnknownFamilyAccount, AccountClosed
    """
    account = await _locked(db, account_id)
    if account.closed_on is not None:
        raise AccountClosed(number=account.number)
    await person_by_id(db, person_id)
    today = local_day(now)
    held = await _membership(db, account_id, person_id, role, today)
    if held is not None:
        return held
    row = Membership(
        id=membership_id,
        account_id=account_id,
        person_id=person_id,
        role=role,
        valid_from=today,
        share_percent=share_percent,
    )
    db.add(row)
    await db.flush()
    note_change(db, now=now, persons=[person_id], accounts=[account_id])
    return row


async def end_member(
    db: AsyncSession, *, account_id: UUID, person_id: UUID, role: FamilyRole, last_day: date, now: datetime
) -> Membership:
    """Let a role of a person in an account end after `last_day`; the membership stays readable.

    Raises:
        UnknownFamilyAccount
        NotAMember: they do not have this role today.
        BadFamilyDay: the last day is before the first.
    """
    await _locked(db, account_id)
    membership = await _membership(db, account_id, person_id, role, local_day(now))
    if membership is None:
        raise NotAMember
    if last_day < membership.valid_from:
        raise BadFamilyDay
    membership.valid_until = last_day
    await db.flush()
    note_change(db, now=now, persons=[person_id], accounts=[account_id])
    return membership


async def close_account(
    db: AsyncSession, closure_id: UUID, *, account_id: UUID, reason: str, by: UUID | None, now: datetime
) -> AccountClosure:
    """Close the account of a family that leaves, from today on, and state what becomes of its money.

    No money moves: what is left is to be refunded by the office, what is owed stays owed, and `left_to_settle` lists
    both until they are. The same id asked again gives the first record.

    Raises:
        UnknownFamilyAccount
        AccountClosed: it is closed already.
        IdempotencyMismatch: this id closed another account.
    """
    account = await _locked(db, account_id)
    first = await db.get(AccountClosure, closure_id)
    if first is not None:
        if first.account_id != account_id:
            raise IdempotencyMismatch
        return first
    if account.closed_on is not None:
        raise AccountClosed(number=account.number)
    today = local_day(now)
    closure = AccountClosure(
        id=closure_id,
        account_id=account_id,
        closed_on=today,
        reason=reason,
        left={
            "lines": [_line(each) for each in await _left(db, [account])],
            "ended": await end_memberships(db, await _memberships(db, account_id, today), today),
        },
        recorded_at=now,
        recorded_by=by,
    )
    account.closed_on = today
    db.add(closure)
    await db.flush()
    note_change(db, now=now, accounts=[account_id])
    return closure


async def reopen_account(
    db: AsyncSession, reopening_id: UUID, *, account_id: UUID, reason: str, by: UUID | None, now: datetime
) -> AccountReopening:
    """Let the account of a family that comes back go on, with those who belonged to it when it closed.

    Who died meanwhile, or is now a child of another account, stays away. The same id asked again gives the first
    record.

    Raises:
        UnknownFamilyAccount
        CannotReopen: it is open, was merged, or was closed otherwise than by a departure.
        IdempotencyMismatch: this id reopened another account.
    """
    account, today = await _locked(db, account_id), local_day(now)
    first = await db.get(AccountReopening, reopening_id)
    if first is not None:
        if (await db.get_one(AccountClosure, first.closure_id)).account_id != account_id:
            raise IdempotencyMismatch
        return first
    closure = await _standing_closure(db, account_id)
    if closure is None or account.closed_on is None or account.merged_into_id is not None:
        raise CannotReopen(number=account.number)
    account.closed_on = None
    await _bring_back(db, closure, reopening_id, today)
    reopening = AccountReopening(
        id=reopening_id, closure_id=closure.id, reopened_on=today, reason=reason, recorded_at=now, recorded_by=by
    )
    db.add(reopening)
    await db.flush()
    note_change(db, now=now, accounts=[account_id])
    return reopening


async def closures_of(db: AsyncSession, account_id: UUID) -> list[tuple[AccountClosure, AccountReopening | None]]:
    """Return the departures of an account's family with its returns, the first first."""
    rows = await db.execute(
        select(AccountClosure, AccountReopening)
        .outerjoin(AccountReopening, AccountReopening.closure_id == AccountClosure.id)
        .where(AccountClosure.account_id == account_id)
        .order_by(AccountClosure.recorded_at)
    )
    return [(closure, reopening) for closure, reopening in rows]


async def end_memberships(db: AsyncSession, memberships: Collection[UUID], today: date) -> list[dict[str, object]]:
    """End memberships today, and return what they said before."""
    rows = await db.scalars(select(Membership).where(Membership.id.in_(memberships)).order_by(Membership.id))
    ended: list[dict[str, object]] = []
    for row in rows:
        ended.append({"id": str(row.id), "until": row.valid_until.isoformat() if row.valid_until else None})
        row.valid_until = today
    await db.flush()
    return ended


async def what_is_there(db: AsyncSession, account_id: UUID) -> list[tuple[ServiceCode | None, int, What]]:
    """Return what an account would leave behind if it closed: service (none: an invoice), cents, what becomes of it.

    Raises:
        UnknownFamilyAccount
    """
    account = await family_account_by_id(db, account_id)
    return [(each.service, each.amount_cents, each.what) for each in await _left(db, [account])]


async def left_to_settle(db: AsyncSession) -> list[Left]:
    """Return what closed accounts still hold or owe, by number; at most `TO_SETTLE_MAX`.

    A merged account has nothing left, unless money came in for it afterwards.
    """
    unsettled = or_(
        FamilyAccount.id.in_(select(Wallet.family_account_id).where(Wallet.balance_cents != 0)),
        FamilyAccount.id.in_(select(Receivable.family_account_id).where(Receivable.balance_cents != 0)),
    )
    rows = await db.scalars(
        select(FamilyAccount)
        .where(FamilyAccount.closed_on.is_not(None), unsettled)
        .order_by(FamilyAccount.number)
        .limit(TO_SETTLE_MAX)
    )
    return await _left(db, list(rows))


async def note_death(doing: Doing, person_id: UUID, *, on: date) -> Death:
    """Note that a person died: their cards, roles and reservations end, the family and its history stay.

    Noted again, it is once.

    Raises:
        UnknownPerson
        BadFamilyDay: to come, or before the birth.
    """
    db, now = doing.db, doing.now
    person = await person_by_id(db, person_id)
    today = local_day(now)
    check_death(on, today, person.birth_date)
    await lock_reservations(doing)
    person.deceased_on = on
    await db.flush()
    cancelled = await cancel_for_the_dead(doing, person_id)
    cards = list(await db.scalars(select(Card.id).where(Card.person_id == person_id, Card.status == CardStatus.ACTIVE)))
    for card_id in cards:
        await block(db, card_id, BlockedReason.WITHDRAWN, By(doing.actor, now, Channel.SYSTEM))
    held = list(await db.scalars(select(Membership).where(Membership.person_id == person_id, in_force(today))))
    for membership in held:
        membership.valid_until = max(on, membership.valid_from)
    await db.flush()
    note_change(db, now=now, persons=[person_id], accounts=[membership.account_id for membership in held])
    guarded = {membership.account_id for membership in held if membership.role is FamilyRole.GUARDIAN}
    return Death(
        person,
        tuple(cards),
        await _without_guardian(db, guarded, after=today),
        cancelled=tuple(reservation.id for reservation in cancelled),
        refunded_cents=sum(reservation.refunded_cents for reservation in cancelled),
        for_bodies=len(await left_to_a_body(doing, person_id)),
    )


async def _without_guardian(db: AsyncSession, accounts: set[UUID], *, after: date) -> tuple[UUID, ...]:
    """Return those of some accounts that have children and, once a day is over, no living guardian."""
    rows = await db.execute(
        select(Membership.account_id, Membership.role)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.account_id.in_(accounts),
            Membership.role.in_((FamilyRole.GUARDIAN, FamilyRole.CHILD)),
            Person.deceased_on.is_(None),
            in_force(after),
        )
    )
    roles: dict[UUID, set[FamilyRole]] = {}
    for account_id, role in rows:
        roles.setdefault(account_id, set()).add(role)
    return tuple(sorted(account_id for account_id, held in roles.items() if FamilyRole.GUARDIAN not in held))


async def _left(db: AsyncSession, accounts: Sequence[FamilyAccount]) -> list[Left]:
    by_id = {account.id: account for account in accounts}
    wallets = await db.execute(
        select(Wallet.family_account_id, Wallet.id, Wallet.service_code, Wallet.balance_cents)
        .where(Wallet.family_account_id.in_(by_id), Wallet.balance_cents != 0)
        .order_by(Wallet.service_code)
        .with_for_update()
    )
    dues = await db.execute(
        select(Receivable.family_account_id, Receivable.id, Receivable.balance_cents)
        .where(Receivable.family_account_id.in_(by_id), Receivable.balance_cents != 0)
        .order_by(Receivable.id)
        .with_for_update()
    )
    rows: list[tuple[UUID, UUID, ServiceCode | None, int]] = [
        *((account_id, wallet_id, service, cents) for account_id, wallet_id, service, cents in wallets),
        *((account_id, receivable_id, None, cents) for account_id, receivable_id, cents in dues),
    ]
    found = []
    for account_id, row_id, service, cents in rows:
        what = what_is_left(cents)
        assert what is not None, "it was asked for what is not zero"
        found.append(Left(by_id[account_id], row_id, service, abs(cents), what))
    return sorted(found, key=lambda left: left.account.number)


def _line(left: Left) -> dict[str, Any]:
    return {
        "id": str(left.id),
        "service": left.service.value if left.service else None,
        "amount_cents": left.amount_cents,
        "what": left.what.value,
    }


async def _standing_closure(db: AsyncSession, account_id: UUID) -> AccountClosure | None:
    return next((closure for closure, reopening in await closures_of(db, account_id) if reopening is None), None)


async def _bring_back(db: AsyncSession, closure: AccountClosure, reopening_id: UUID, today: date) -> None:
    """Give the roles back that ended with a closure: as they were where it was today, from today on otherwise."""
    for ended in closure.left.get("ended", ()):
        row = await db.get_one(Membership, UUID(ended["id"]), populate_existing=True)
        until = date.fromisoformat(ended["until"]) if ended["until"] else None
        gone = (await person_by_id(db, row.person_id)).deceased_on is not None or (until is not None and until < today)
        if gone or await _went_elsewhere(db, row, closure.closed_on, today):
            continue
        if closure.closed_on == today:
            row.valid_until = until
        else:
            db.add(
                Membership(
                    id=uuid5(reopening_id, str(row.id)),
                    account_id=row.account_id,
                    person_id=row.person_id,
                    role=row.role,
                    valid_from=today,
                    valid_until=until,
                    share_percent=row.share_percent,
                )
            )
    await db.flush()


async def _went_elsewhere(db: AsyncSession, membership: Membership, since: date, today: date) -> bool:
    """Whether a child came to another account after a day: in two of them, its days would be nobody's."""
    if membership.role is not FamilyRole.CHILD:
        return False
    found = await db.scalar(
        select(Membership.id)
        .where(
            Membership.person_id == membership.person_id,
            Membership.account_id != membership.account_id,
            Membership.role == FamilyRole.CHILD,
            Membership.valid_from >= since,
            in_force(today),
        )
        .limit(1)
    )
    return found is not None


async def _memberships(db: AsyncSession, account_id: UUID, on: date) -> Sequence[UUID]:
    rows = await db.scalars(select(Membership.id).where(Membership.account_id == account_id, in_force(on)))
    return rows.all()


async def _locked(db: AsyncSession, account_id: UUID) -> FamilyAccount:
    await db.execute(select(FamilyAccount.id).where(FamilyAccount.id == account_id).with_for_update())
    account = await family_account_by_id(db, account_id)
    await db.refresh(account)
    return account


async def _membership(
    db: AsyncSession, account_id: UUID, person_id: UUID, role: FamilyRole, on: date
) -> Membership | None:
    membership: Membership | None = await db.scalar(
        select(Membership)
        .where(
            Membership.account_id == account_id,
            Membership.person_id == person_id,
            Membership.role == role,
            in_force(on),
        )
        .limit(1)
    )
    return membership


async def next_number(db: AsyncSession) -> str:
    """Return the number after the highest of seven digits; others came with an import, and are left alone."""
    rows = await db.scalars(
        select(FamilyAccount.number)
        .where(func.length(FamilyAccount.number) == NUMBER_DIGITS, FamilyAccount.number < ":")
        .order_by(FamilyAccount.number.desc())
        .limit(100)
    )
    last = next((int(number) for number in rows if number.isdecimal()), 0)
    return f"{last + 1:0{NUMBER_DIGITS}d}"

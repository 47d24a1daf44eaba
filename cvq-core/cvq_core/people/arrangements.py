"""Recording court orders and how a child's days are shared, and reading whose day it is; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.clock import local_day
from cvq_core.database import Base
from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.once import insert_once
from cvq_core.people.custody import (
    EXCEPTIONS_MAX,
    Arrangement,
    ChildMembership,
    DayOf,
    Exceptional,
    Part,
    check_arrangement,
    check_exception,
    whose_day,
)
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force, person_by_id
from cvq_core.people.tables import (
    CourtOrder,
    CustodyArrangement,
    CustodyException,
    CustodyPart,
    FamilyAccount,
    Membership,
    ParentalAuthority,
)

_T = TypeVar("_T", bound=Base)
CALENDAR_DAYS_MAX = 400
MERGES_FOLLOWED_MAX = 20


class UnknownArrangement(NotFound):
    """No custody arrangement has this id."""

    slug = "unknown-custody-arrangement"
    message = N_("Ce calendrier de garde n’existe pas.")


class UnknownOrder(NotFound):
    """No court order about this child has this id."""

    slug = "unknown-court-order"
    message = N_("Cette décision de justice n’est pas enregistrée pour cet enfant.")
    what_to_do = N_("Enregistrez-la d’abord, avec sa référence et sa date.")


class NotTheChildsAccount(BadInput):
    """The child belongs to no such account on the day the arrangement begins."""

    slug = "not-the-childs-account"
    message = N_("L’enfant ne fait pas partie d’un de ces comptes.")
    what_to_do = N_("Rattachez d’abord l’enfant au compte, puis enregistrez le calendrier.")


class TooManyExceptions(Refusal):
    """An arrangement holds no more exceptions than the bound."""

    slug = "too-many-custody-exceptions"
    message = N_("Ce calendrier a déjà beaucoup d’exceptions.")
    what_to_do = N_("Enregistrez un nouveau calendrier à partir d’aujourd’hui.")


class RecordedOtherwise(Refusal):
    """The same id came before with another content."""

    slug = "recorded-otherwise"
    message = N_("Cet enregistrement a déjà été fait, avec un autre contenu.")
    what_to_do = N_("Rechargez la fiche et vérifiez ce qui est enregistré.")


@dataclass(frozen=True, slots=True)
class NewArrangement:
    """What somebody asks to record; `id` is theirs."""

    id: UUID
    child_id: UUID
    valid_from: date
    parts: tuple[Part, ...]
    first_week: str
    second_week: str
    reference_monday: date | None = None
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One day of a child, with whose it is."""

    day: date
    of: DayOf


async def record_order(
    db: AsyncSession,
    order_id: UUID,
    *,
    child_id: UUID,
    court: str,
    reference: str,
    decided_on: date,
    effective_on: date,
    note: str = "",
    recorded_by: UUID | None,
    now: datetime,
) -> CourtOrder:
    """Record a court order about a child; the same id again gives the first record.

    Raises:
        UnknownPerson, RecordedOtherwise
    """
    await person_by_id(db, child_id)
    asked = {
        "child_id": child_id,
        "court": court,
        "reference": reference,
        "decided_on": decided_on,
        "effective_on": effective_on,
        "note": note,
    }
    return await _record(db, CourtOrder, order_id, asked, recorded_by=recorded_by, now=now)


async def arrange(
    db: AsyncSession, asked: NewArrangement, *, recorded_by: UUID | None, now: datetime
) -> CustodyArrangement:
    """Let an arrangement begin, today at the earliest; the same id again gives the first record.

    Raises:
        UnknownPerson, UnknownOrder, NotTheChildsAccount, RecordedOtherwise
        BadShares, BadRhythm, PastIsSettled: see `custody.check_arrangement`.
    """
    known = await db.get(CustodyArrangement, asked.id)
    today = local_day(now if known is None else known.recorded_at)
    check_arrangement(
        asked.parts,
        asked.first_week,
        asked.second_week,
        asked.reference_monday,
        valid_from=asked.valid_from,
        today=today,
    )
    await person_by_id(db, asked.child_id)
    await _check_order(db, asked.order_id, asked.child_id)
    if known is None:
        theirs = await _accounts_at(db, asked.child_id, asked.valid_from)
        if not {part.account_id for part in asked.parts} <= theirs:
            raise NotTheChildsAccount
    values = {
        "child_id": asked.child_id,
        "valid_from": asked.valid_from,
        "first_week": asked.first_week,
        "second_week": asked.second_week,
        "reference_monday": asked.reference_monday,
        "order_id": asked.order_id,
    }
    row = await _record(db, CustodyArrangement, asked.id, values, recorded_by=recorded_by, now=now)
    note_change(db, now=now, persons=[asked.child_id])
    parts = await _parts(db, [asked.id])
    if not parts:
        db.add_all(
            CustodyPart(
                arrangement_id=asked.id,
                position=position,
                account_id=part.account_id,
                share_percent=part.share_percent,
            )
            for position, part in enumerate(asked.parts)
        )
        await db.flush()
    elif tuple(parts[asked.id]) != tuple(asked.parts):
        raise RecordedOtherwise
    return row


async def add_exception(
    db: AsyncSession,
    exception_id: UUID,
    *,
    arrangement_id: UUID,
    first: date,
    last: date,
    account_id: UUID | None,
    reason: str,
    by_rhythm: bool = False,
    recorded_by: UUID | None,
    now: datetime,
) -> CustodyException:
    """Record days that leave an arrangement's rhythm, or come back to it; the same id again gives the first record.

    Raises:
        UnknownArrangement, NotTheChildsAccount, TooManyExceptions, RecordedOtherwise
        BadExceptionDays, PastIsSettled: see `custody.check_exception`.
    """
    known = await db.get(CustodyException, exception_id)
    check_exception(first, last, today=local_day(now if known is None else known.recorded_at))
    parts = await _parts(db, [arrangement_id])
    if not parts:
        raise UnknownArrangement
    if account_id is not None and (by_rhythm or account_id not in {part.account_id for part in parts[arrangement_id]}):
        raise NotTheChildsAccount
    held = await db.scalars(select(CustodyException.id).where(CustodyException.arrangement_id == arrangement_id))
    if known is None and len(held.all()) >= EXCEPTIONS_MAX:
        raise TooManyExceptions
    asked = {
        "arrangement_id": arrangement_id,
        "first_day": first,
        "last_day": last,
        "account_id": account_id,
        "by_rhythm": by_rhythm,
        "reason": reason,
    }
    note_change(db, now=now, persons=[(await db.get_one(CustodyArrangement, arrangement_id)).child_id])
    return await _record(db, CustodyException, exception_id, asked, recorded_by=recorded_by, now=now)


async def note_authority(
    db: AsyncSession,
    note_id: UUID,
    *,
    child_id: UUID,
    guardian_id: UUID,
    held: bool,
    valid_from: date,
    order_id: UUID,
    recorded_by: UUID | None,
    now: datetime,
) -> ParentalAuthority:
    """Note what a court order says of a guardian's authority over a child; the same id again gives the first record.

    Raises:
        UnknownPerson, UnknownOrder, RecordedOtherwise
    """
    await person_by_id(db, guardian_id)
    await _check_order(db, order_id, child_id)
    asked = {
        "child_id": child_id,
        "guardian_id": guardian_id,
        "held": held,
        "valid_from": valid_from,
        "order_id": order_id,
    }
    return await _record(db, ParentalAuthority, note_id, asked, recorded_by=recorded_by, now=now)


async def days_of(db: AsyncSession, people: Collection[UUID], day: date) -> dict[UUID, DayOf]:
    """Return whose day it is for those of some people who are children in several open accounts, and nobody else."""
    memberships = await child_memberships(db, people, day, day)
    shared = [
        child_id
        for child_id, held in memberships.items()
        if len({membership.account_id for membership in held if membership.holds(day)}) > 1
    ]
    if not shared:
        return {}
    arrangements = await arrangements_of(db, shared)
    return {child_id: whose_day(memberships[child_id], arrangements.get(child_id, ()), day) for child_id in shared}


async def calendar_of(db: AsyncSession, child_id: UUID, first: date, last: date) -> list[CalendarDay]:
    """Return a child's days from one to another, both included, at most `CALENDAR_DAYS_MAX` of them."""
    memberships = (await child_memberships(db, [child_id], first, last)).get(child_id, [])
    arrangements = (await arrangements_of(db, [child_id])).get(child_id, [])
    count = max(0, min((last - first).days + 1, CALENDAR_DAYS_MAX))
    days = (first + timedelta(days=number) for number in range(count))
    return [CalendarDay(day, whose_day(memberships, arrangements, day)) for day in days]


async def child_memberships(
    db: AsyncSession, people: Collection[UUID], first: date, last: date
) -> dict[UUID, list[ChildMembership]]:
    """Return in which accounts some people are children between two days; an account ends on the day it is closed."""
    rows = await db.execute(
        select(
            Membership.person_id,
            Membership.account_id,
            Membership.valid_from,
            Membership.valid_until,
            FamilyAccount.closed_on,
        )
        .join(FamilyAccount, FamilyAccount.id == Membership.account_id)
        .where(
            Membership.person_id.in_(people),
            Membership.role == FamilyRole.CHILD,
            Membership.valid_from <= last,
            or_(Membership.valid_until.is_(None), Membership.valid_until >= first),
            or_(FamilyAccount.closed_on.is_(None), FamilyAccount.closed_on > first),
        )
        .order_by(Membership.valid_from, Membership.account_id)
    )
    found: dict[UUID, list[ChildMembership]] = {}
    for person_id, account_id, valid_from, valid_until, closed_on in rows:
        until = valid_until
        if closed_on is not None:
            until = min(until or date.max, closed_on - timedelta(days=1))
        found.setdefault(person_id, []).append(ChildMembership(account_id, valid_from, until))
    return found


async def arrangements_of(db: AsyncSession, children: Collection[UUID]) -> dict[UUID, list[Arrangement]]:
    """Return every arrangement of some children, the first to begin in front.

    An account that was merged into another stands there as the one that goes on.
    """
    rows = list(
        await db.scalars(
            select(CustodyArrangement)
            .where(CustodyArrangement.child_id.in_(children))
            .order_by(CustodyArrangement.valid_from, CustodyArrangement.recorded_at)
        )
    )
    ids = [row.id for row in rows]
    parts = await _parts(db, ids)
    exceptions: dict[UUID, list[CustodyException]] = {}
    for each in await db.scalars(select(CustodyException).where(CustodyException.arrangement_id.in_(ids))):
        exceptions.setdefault(each.arrangement_id, []).append(each)
    kept = await kept_accounts(db, {part.account_id for held in parts.values() for part in held})
    found: dict[UUID, list[Arrangement]] = {}
    for row in rows:
        arrangement = Arrangement(
            id=row.id,
            valid_from=row.valid_from,
            recorded_at=row.recorded_at,
            parts=tuple(Part(kept[part.account_id], part.share_percent) for part in parts[row.id]),
            first_week=row.first_week,
            second_week=row.second_week,
            reference_monday=row.reference_monday,
            exceptions=tuple(
                Exceptional(
                    each.first_day,
                    each.last_day,
                    kept[each.account_id] if each.account_id else None,
                    each.reason,
                    each.recorded_at,
                    each.by_rhythm,
                )
                for each in exceptions.get(row.id, ())
            ),
        )
        found.setdefault(row.child_id, []).append(arrangement)
    return found


async def orders_of(db: AsyncSession, child_id: UUID) -> list[CourtOrder]:
    """Return the court orders about a child, the latest first."""
    rows = await db.scalars(
        select(CourtOrder)
        .where(CourtOrder.child_id == child_id)
        .order_by(CourtOrder.decided_on.desc(), CourtOrder.recorded_at.desc())
        .limit(100)
    )
    return list(rows)


async def without_authority(db: AsyncSession, children: Collection[UUID], on: date) -> set[tuple[UUID, UUID]]:
    """Return (child, guardian) for those from whom a court order has taken the authority on a day."""
    rows = await db.scalars(
        select(ParentalAuthority)
        .where(ParentalAuthority.child_id.in_(children), ParentalAuthority.valid_from <= on)
        .order_by(ParentalAuthority.valid_from, ParentalAuthority.recorded_at, ParentalAuthority.id)
    )
    latest = {(row.child_id, row.guardian_id): row.held for row in rows}
    return {pair for pair, held in latest.items() if not held}


async def kept_accounts(db: AsyncSession, accounts: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return for each account the one that goes on in its place: itself, unless it was merged into another."""
    kept = {account_id: account_id for account_id in accounts}
    for _ in range(MERGES_FOLLOWED_MAX):
        rows = await db.execute(
            select(FamilyAccount.id, FamilyAccount.merged_into_id).where(
                FamilyAccount.id.in_(set(kept.values())), FamilyAccount.merged_into_id.is_not(None)
            )
        )
        onward = {account_id: into for account_id, into in rows if into is not None}
        if not onward:
            return kept
        kept = {account_id: onward.get(current, current) for account_id, current in kept.items()}
    raise AssertionError("accounts that were merged into each other")


async def accounts_within(db: AsyncSession, account_id: UUID) -> set[UUID]:
    """Return an account with all that were merged into it, and into those: what its family may read as its own."""
    found, latest = {account_id}, {account_id}
    for _ in range(MERGES_FOLLOWED_MAX):
        rows = await db.scalars(select(FamilyAccount.id).where(FamilyAccount.merged_into_id.in_(latest)))
        latest = set(rows) - found
        if not latest:
            return found
        found |= latest
    raise AssertionError("accounts that were merged into each other")


async def _accounts_at(db: AsyncSession, child_id: UUID, day: date) -> set[UUID]:
    rows = await db.scalars(
        select(Membership.account_id).where(
            Membership.person_id == child_id, Membership.role == FamilyRole.CHILD, in_force(day)
        )
    )
    return set(rows)


async def _parts(db: AsyncSession, arrangements: Sequence[UUID]) -> dict[UUID, list[Part]]:
    rows = await db.scalars(
        select(CustodyPart)
        .where(CustodyPart.arrangement_id.in_(arrangements))
        .order_by(CustodyPart.arrangement_id, CustodyPart.position)
    )
    found: dict[UUID, list[Part]] = {}
    for row in rows:
        found.setdefault(row.arrangement_id, []).append(Part(row.account_id, row.share_percent))
    return found


async def _check_order(db: AsyncSession, order_id: UUID | None, child_id: UUID) -> None:
    if order_id is None:
        return
    order = await db.get(CourtOrder, order_id)
    if order is None or order.child_id != child_id:
        raise UnknownOrder


async def _record(
    db: AsyncSession, table: type[_T], row_id: UUID, asked: dict[str, Any], *, recorded_by: UUID | None, now: datetime
) -> _T:
    """Insert a row once and return it.

    Raises:
        RecordedOtherwise: this id came before with another content.
    """
    await insert_once(db, table.__table__, {"id": row_id, **asked, "recorded_at": now, "recorded_by": recorded_by})
    row = await db.get_one(table, row_id)
    if any(getattr(row, name) != value for name, value in asked.items()):
        raise RecordedOtherwise
    return row

"""A shared child's other account, as far as a family may know it: what `people.masking` opens, and nothing else read.

What is masked is not fetched: a page cannot leak what it was never given.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import AttendanceStatus
from cvq_core.access.tables import Attendance
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice, InvoiceLine
from cvq_core.people.arrangements import child_memberships, without_authority
from cvq_core.people.masking import Detail, holds_authority, masked_in_words, sight
from cvq_core.people.names import spoken_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force
from cvq_core.people.tables import Membership, Person
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode

ATTENDANCE_DAYS = 31
LINES_MAX = 60


@dataclass(frozen=True, slots=True)
class Attended:
    """That the child was at a service on a day, or was absent."""

    day: date
    service: str
    present: bool
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Billed:
    """One line of an invoice that is the child's, on whichever account: no account is named."""

    number: str
    issued_on: date
    label: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class OtherSide:
    """A child whom the family shares: the other guardians' names, and what of the child is open to both.

    `masked` is the French sentence that says what is not shown.
    """

    child_id: UUID
    child: str
    guardians: tuple[str, ...]
    shown: frozenset[Detail]
    attended: tuple[Attended, ...]
    billed: tuple[Billed, ...]
    masked: str


async def other_sides(
    db: AsyncSession, account_id: UUID, *, on: date, viewer_id: UUID | None = None, days: int = ATTENDANCE_DAYS
) -> list[OtherSide]:
    """Return the children whom an account shares with another one, and what the account may know of that.

    `viewer_id` is who of the family looks, or for whom somebody looks; None is the family.
    """
    children = list(
        await db.scalars(
            select(Membership.person_id).where(
                Membership.account_id == account_id, Membership.role == FamilyRole.CHILD, in_force(on)
            )
        )
    )
    if not children:
        return []
    others = {
        child_id: {each.account_id for each in held if each.holds(on)} - {account_id}
        for child_id, held in (await child_memberships(db, children, on, on)).items()
    }
    shared = [child_id for child_id in children if others.get(child_id)]
    if not shared:
        return []
    guardians = await _guardians(db, {account_id, *(each for held in others.values() for each in held)}, on)
    withdrawn = await without_authority(db, shared, on)
    mine = [person.id for person in guardians.get(account_id, ())]
    found = []
    for child in await db.scalars(select(Person).where(Person.id.in_(shared)).order_by(Person.search_key)):
        authority = holds_authority(child.id, mine, withdrawn, viewer_id)
        shown = sight(own=False, authority=authority)
        names = {_name(person) for other in sorted(others[child.id]) for person in guardians.get(other, ())}
        found.append(
            OtherSide(
                child_id=child.id,
                child=_name(child),
                guardians=tuple(sorted(names)),
                shown=shown,
                attended=await _attended(db, child.id, on, days) if Detail.ATTENDANCE in shown else (),
                billed=await _billed(db, child.id) if Detail.BILLING in shown else (),
                masked=masked_in_words(shown),
            )
        )
    return found


async def guardian_names(db: AsyncSession, accounts: Collection[UUID], on: date) -> dict[UUID, str]:
    """Return accounts by what both families of a child may know of them: their guardians' names, none where none is."""
    return {
        account_id: ", ".join(_name(person) for person in people)
        for account_id, people in (await _guardians(db, accounts, on)).items()
    }


async def _guardians(db: AsyncSession, accounts: Collection[UUID], on: date) -> dict[UUID, list[Person]]:
    rows = await db.execute(
        select(Membership.account_id, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.account_id.in_(accounts), Membership.role == FamilyRole.GUARDIAN, in_force(on))
        .order_by(Person.search_key)
    )
    found: dict[UUID, list[Person]] = {}
    for account_id, person in rows:
        found.setdefault(account_id, []).append(person)
    return found


async def _attended(db: AsyncSession, child_id: UUID, on: date, days: int) -> tuple[Attended, ...]:
    rows = await db.execute(
        select(Attendance.day, Attendance.service_code, Attendance.status, Attendance.amount_cents)
        .where(Attendance.person_id == child_id, Attendance.day > on - timedelta(days=days), Attendance.day <= on)
        .order_by(Attendance.day.desc(), Attendance.service_code)
        .limit(LINES_MAX)
    )
    return tuple(
        Attended(day, SERVICE_LABELS[ServiceCode(service)], status is AttendanceStatus.PRESENT, cents)
        for day, service, status, cents in rows
    )


async def _billed(db: AsyncSession, child_id: UUID) -> tuple[Billed, ...]:
    rows = await db.execute(
        select(Invoice.year, Invoice.number, Invoice.issued_on, InvoiceLine.label, InvoiceLine.amount_cents)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(InvoiceLine.person_id == child_id)
        .order_by(Invoice.year.desc(), Invoice.number.desc(), InvoiceLine.position)
        .limit(LINES_MAX)
    )
    return tuple(
        Billed(invoice_number(year, number), issued_on, label, cents) for year, number, issued_on, label, cents in rows
    )


def _name(person: Person) -> str:
    return spoken_name(person.family_name, person.usual_name, person.given_names)

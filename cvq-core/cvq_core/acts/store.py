"""Reading founding acts: what an office and its places may, who is appointed, and what was changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.acts.rules import (
    Collects,
    OfficeLimits,
    PlaceLimits,
    UnknownAppointment,
    UnknownOffice,
)
from cvq_core.acts.tables import ActChange
from cvq_core.offices.rules import (
    VOUCHERS,
    Appointment,
    UnknownSubOffice,
)
from cvq_core.offices.store import act_of
from cvq_core.offices.tables import (
    AcceptedMeans,
    CashOffice,
    CollectableService,
    Mandatary,
    SubOffice,
    VoucherService,
)
from cvq_core.staff.tables import Staff

CHANGES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Appointed:
    """An appointment with the person's name."""

    id: UUID
    staff_id: UUID
    name: str
    sub_office_id: UUID
    appointment: Appointment


async def offices(db: AsyncSession) -> list[CashOffice]:
    """Return every cash office, by label."""
    return list(await db.scalars(select(CashOffice).order_by(CashOffice.label)))


async def office_by_id(db: AsyncSession, office_id: UUID) -> CashOffice:
    """Return a cash office.

    Raises:
        UnknownOffice: there is none.
    """
    office = await db.get(CashOffice, office_id)
    if office is None:
        raise UnknownOffice
    return office


async def places_of(db: AsyncSession, office_id: UUID) -> list[SubOffice]:
    """Return an office's places, its own counter first."""
    rows = await db.scalars(
        select(SubOffice).where(SubOffice.office_id == office_id).order_by(SubOffice.is_main.desc(), SubOffice.label)
    )
    return list(rows)


async def place_by_id(db: AsyncSession, place_id: UUID) -> SubOffice:
    """Return a place, open or not.

    Raises:
        UnknownSubOffice: there is none.
    """
    place = await db.get(SubOffice, place_id)
    if place is None:
        raise UnknownSubOffice
    return place


async def collects_on(db: AsyncSession, place: SubOffice, on: date) -> Collects:
    """Return what a place may collect on a day, as its act stands now."""
    office = await db.get_one(CashOffice, place.office_id)
    act = await act_of(db, place, office, on)
    return Collects(act.services, act.means, {each: act.voucher_services.get(each, frozenset()) for each in VOUCHERS})


async def planned_days(db: AsyncSession, place_id: UUID, today: date) -> list[date]:
    """Return the days to come on which what a place may collect changes, in order."""
    found: set[date] = set()
    for table in (CollectableService, AcceptedMeans, VoucherService):
        rows = await db.execute(
            select(table.valid_from, table.valid_until).where(
                table.sub_office_id == place_id, or_(table.valid_from > today, table.valid_until >= today)
            )
        )
        for first, last in rows:
            if first > today:
                found.add(first)
            if last is not None and last >= max(first, today):
                found.add(last + timedelta(days=1))
    return sorted(found)


async def appointments_of(db: AsyncSession, office_id: UUID) -> list[Appointed]:
    """Return everybody who was ever appointed to an office, the newest first."""
    return await _appointed(db, SubOffice.office_id == office_id)


async def appointment_by_id(db: AsyncSession, mandate_id: UUID) -> Appointed:
    """Return one appointment.

    Raises:
        UnknownAppointment: there is none.
    """
    found = await _appointed(db, Mandatary.id == mandate_id)
    if not found:
        raise UnknownAppointment
    return found[0]


async def changes_of(db: AsyncSession, office_id: UUID) -> list[tuple[ActChange, str]]:
    """Return an office's latest changes with who wrote each down, the newest first."""
    rows = await db.execute(
        select(ActChange, Staff.display_name)
        .join(Staff, Staff.id == ActChange.staff_id)
        .where(ActChange.office_id == office_id)
        .order_by(ActChange.changed_at.desc(), ActChange.id)
        .limit(CHANGES_SHOWN)
    )
    return [(change, name) for change, name in rows]


def limits_of(office: CashOffice) -> OfficeLimits:
    """Return an office's limits."""
    return OfficeLimits(
        cash_payment_max_cents=office.cash_payment_max_cents,
        top_up_max_cents=office.top_up_max_cents,
        ceiling_cents=office.ceiling_cents,
        ceiling_refuses=office.ceiling_refuses,
        ceiling_counts=tuple(office.ceiling_counts),
        remit_every_days=office.remit_every_days,
    )


def place_limits_of(place: SubOffice) -> PlaceLimits:
    """Return a place's limits."""
    return PlaceLimits(place.float_cents, place.ceiling_cents, place.ceiling_refuses)


async def _appointed(db: AsyncSession, wanted: ColumnElement[bool]) -> list[Appointed]:
    rows = await db.execute(
        select(Mandatary, Staff.display_name)
        .join(SubOffice, SubOffice.id == Mandatary.sub_office_id)
        .join(Staff, Staff.id == Mandatary.staff_id)
        .where(wanted)
        .order_by(Mandatary.valid_from.desc(), Staff.display_name, Mandatary.id)
    )
    return [Appointed(each.id, each.staff_id, name, each.sub_office_id, appointment_in(each)) for each, name in rows]


def appointment_in(mandate: Mandatary) -> Appointment:
    """Return an appointment as the rules see it."""
    return Appointment(mandate.title, mandate.valid_from, mandate.valid_until)

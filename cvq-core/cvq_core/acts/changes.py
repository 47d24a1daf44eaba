"""Changing founding acts: each change under the locks of its places, with what it was made of kept.

Locks are those of `offices.ceilings`: an office's places by id. A payment under way ends under the act it began with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.acts.rules import (
    ActChangeKind,
    Collects,
    NotOneself,
    OfficeLimits,
    OfficerOverlaps,
    Order,
    Period,
    PlaceLimits,
    UnknownAppointment,
    UnknownStaff,
    amended,
    check_appointment,
    check_collects,
    check_from,
    check_office_limits,
    check_order,
    check_place_limits,
    ended,
)
from cvq_core.acts.store import appointment_in, collects_on, limits_of, office_by_id, place_by_id, place_limits_of
from cvq_core.acts.tables import ActChange
from cvq_core.clock import local_day
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import balance_of, post
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.offices.rules import (
    VOUCHERS,
    Appointment,
    MandateTitle,
    Means,
    Officer,
    check_safe,
)
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import (
    AcceptedMeans,
    CollectableService,
    Mandatary,
    SubOffice,
    VoucherService,
)
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.tables import Staff


async def set_collects(
    db: AsyncSession,
    key: UUID,
    *,
    place_id: UUID,
    wanted: Collects,
    holds_from: date,
    order: Order,
    by: Officer,
    now: datetime,
) -> ActChange:
    """Let a place collect exactly `wanted` from a day on; `key` asked again gives the same change.

    Raises:
        UnknownSubOffice, OrderMissing, ChangeInPast, VouchersWithoutService
        IdempotencyMismatch: this key came before with another content.
    """
    place = await place_by_id(db, place_id)
    after = _written(wanted)
    change = _Change(db, key, ActChangeKind.COLLECTS, place.office_id, holds_from, order, by, now, place_id=place_id)
    if (first := await change.first(after)) is not None:
        return first
    check_from(holds_from, change.today)
    check_collects(wanted)
    before = _written(await collects_on(db, place, holds_from))
    await _amend(db, place_id, CollectableService, wanted.services, holds_from)
    await _amend(db, place_id, AcceptedMeans, wanted.means, holds_from)
    pays_for = {(means, service) for means in VOUCHERS for service in wanted.voucher_services.get(means, ())}
    await _amend(db, place_id, VoucherService, pays_for, holds_from)
    return await change.keep(before, after)


async def set_office_limits(
    db: AsyncSession, key: UUID, *, office_id: UUID, limits: OfficeLimits, order: Order, by: Officer, now: datetime
) -> ActChange:
    """Set an office's limits from now on; `key` asked again gives the same change.

    Raises:
        UnknownOffice, OrderMissing, LimitOutOfBounds, RemitDaysOutOfBounds, IdempotencyMismatch
    """
    office = await office_by_id(db, office_id)
    after = _jsonable(limits)
    change = _Change(db, key, ActChangeKind.OFFICE_LIMITS, office_id, local_day(now), order, by, now)
    if (first := await change.first(after)) is not None:
        return first
    check_office_limits(limits)
    await db.refresh(office, with_for_update={"key_share": True})
    before = _jsonable(limits_of(office))
    for name, value in after.items():
        setattr(office, name, value)
    return await change.keep(before, after)


async def set_place_limits(
    db: AsyncSession, key: UUID, *, place_id: UUID, limits: PlaceLimits, order: Order, by: Officer, now: datetime
) -> ActChange:
    """Set a place's float and ceiling from now on; what the float grows or shrinks by goes to or from the safe.

    Raises:
        UnknownSubOffice, OrderMissing, LimitOutOfBounds, IdempotencyMismatch
        FloatNotInSafe: the safe does not hold what is to be given back.
    """
    place = await place_by_id(db, place_id)
    after = _jsonable(limits)
    change = _Change(
        db, key, ActChangeKind.PLACE_LIMITS, place.office_id, local_day(now), order, by, now, place_id=place_id
    )
    if (first := await change.first(after)) is not None:
        return first
    check_place_limits(limits)
    await db.refresh(place)
    before = _jsonable(place_limits_of(place))
    more = limits.float_cents - place.float_cents
    if more < 0:
        check_safe(-more, await balance_of(db, place.safe_account_id))
    if more:
        await _move_float(change, place, more)
    for name, value in after.items():
        setattr(place, name, value)
    return await change.keep(before, after)


async def appoint_by_order(
    db: AsyncSession,
    key: UUID,
    *,
    place_id: UUID,
    login: str,
    title: MandateTitle,
    period: Period,
    order: Order,
    by: Officer,
    now: datetime,
) -> ActChange:
    """Appoint somebody of the staff to a place; `key` becomes the appointment's id, and asked again gives the same.

    Raises:
        UnknownSubOffice, UnknownStaff, OrderMissing, NotOneself, IdempotencyMismatch
        OfficerOverlaps: the office has another officer then.
        AppointmentNotPossible, OfficerNotAtMain, AppointmentOverlaps: see `rules.check_appointment`.
    """
    place = await place_by_id(db, place_id)
    staff = await db.scalar(select(Staff).where(Staff.login == login.strip(), Staff.disabled_at.is_(None)))
    if staff is None:
        raise UnknownStaff
    if staff.id == by.staff_id:
        raise NotOneself
    after = {"staff_id": str(staff.id), "name": staff.display_name, "title": title.value, **_days(period)}
    change = _Change(
        db, key, ActChangeKind.APPOINTED, place.office_id, period.valid_from, order, by, now, place_id=place_id
    )
    if (first := await change.first(after)) is not None:
        return first
    theirs = await _periods(db, Mandatary.staff_id == staff.id, Mandatary.sub_office_id == place_id)
    check_appointment(period, title, change.today, at_main=place.is_main, theirs=[each for each, _ in theirs])
    if title is MandateTitle.OFFICER:
        here = Mandatary.sub_office_id == place_id
        for other, name in await _periods(db, here, Mandatary.title == MandateTitle.OFFICER):
            if period.meets(other):
                raise OfficerOverlaps(name=name)
    await appoint(
        db,
        mandate_id=key,
        staff_id=staff.id,
        sub_office_id=place_id,
        title=title,
        valid_from=period.valid_from,
        valid_until=period.valid_until,
    )
    return await change.keep({}, after, mandate_id=key)


async def end_appointment(
    db: AsyncSession, key: UUID, *, mandate_id: UUID, last_day: date, order: Order, by: Officer, now: datetime
) -> ActChange:
    """End an appointment on a day, that day included; `key` asked again gives the same change.

    Raises:
        UnknownAppointment, OrderMissing, AppointmentOver, AppointmentNotPossible, IdempotencyMismatch
    """
    mandate = await db.get(Mandatary, mandate_id)
    if mandate is None:
        # Asked again after it was taken away, the first answer stands.
        known = await db.get(ActChange, key)
        if known is None or known.mandate_id != mandate_id:
            raise UnknownAppointment
        return known
    place = await place_by_id(db, mandate.sub_office_id)
    after = {"last_day": last_day.isoformat()}
    change = _Change(
        db, key, ActChangeKind.APPOINTMENT_ENDED, place.office_id, last_day, order, by, now, place_id=place.id
    )
    if (first := await change.first(after)) is not None:
        return first
    await db.refresh(mandate)
    staff = await db.get_one(Staff, mandate.staff_id)
    before = {"name": staff.display_name, "title": mandate.title.value, **_days(appointment_in(mandate))}
    last = ended(appointment_in(mandate), last_day, change.today)
    if last is None:
        await db.delete(mandate)
    else:
        mandate.valid_until = last
    return await change.keep(before, after, mandate_id=mandate_id)


@dataclass(frozen=True, slots=True)
class _Change:
    """A change on its way: its locks, whether it was made before, and what is kept of it."""

    db: AsyncSession
    key: UUID
    kind: ActChangeKind
    office_id: UUID
    holds_from: date
    order: Order
    by: Officer
    now: datetime
    place_id: UUID | None = None

    @property
    def today(self) -> date:
        return local_day(self.now)

    async def first(self, after: dict[str, Any]) -> ActChange | None:
        """Lock the office and its places, and return this change if it was made before.

        Raises:
            IdempotencyMismatch, OrderMissing
        """
        await self.db.execute(
            select(SubOffice.id)
            .where(SubOffice.office_id == self.office_id)
            .order_by(SubOffice.id)
            .with_for_update(key_share=True)
        )
        order = check_order(self.order, self.today)
        known = await self.db.get(ActChange, self.key)
        if known is None:
            return None
        asked = (self.kind, self.office_id, self.place_id, self.holds_from, order.reference, order.signed_on, after)
        kept = (known.order_reference, known.order_signed_on, known.after)
        if asked != (known.kind, known.office_id, known.sub_office_id, known.holds_from, *kept):
            raise IdempotencyMismatch
        return known

    async def keep(self, before: dict[str, Any], after: dict[str, Any], mandate_id: UUID | None = None) -> ActChange:
        """Write the change down."""
        order = check_order(self.order, self.today)
        change = ActChange(
            id=self.key,
            office_id=self.office_id,
            sub_office_id=self.place_id,
            mandate_id=mandate_id,
            kind=self.kind,
            holds_from=self.holds_from,
            order_reference=order.reference,
            order_signed_on=order.signed_on,
            before=before,
            after=after,
            staff_id=self.by.staff_id,
            changed_at=self.now,
        )
        self.db.add(change)
        await self.db.flush()
        return change


Dated = type[CollectableService] | type[AcceptedMeans] | type[VoucherService]


# What a row of each table allows.
_KEYS: dict[Any, Callable[[Any], Any]] = {
    CollectableService: lambda row: row.service_code,
    AcceptedMeans: lambda row: row.means,
    VoucherService: lambda row: (row.means, row.service_code),
}


async def _amend(db: AsyncSession, place_id: UUID, table: Dated, wanted: Collection[Any], day: date) -> None:
    """Make the rows of one table say that exactly `wanted` holds from a day on."""
    key_of = _KEYS[table]
    rows: list[Any] = list(await db.scalars(select(table).where(table.sub_office_id == place_id)))
    periods: dict[Any, list[Period]] = {}
    for row in rows:
        periods.setdefault(key_of(row), []).append(Period(row.valid_from, row.valid_until))
    todo = amended(periods, wanted, day)
    for row in rows:
        key = key_of(row)
        if (key, row.valid_from) in todo.unplanned:
            await db.delete(row)
        elif row.valid_until is None or row.valid_until >= day - timedelta(days=1):
            row.valid_until = None if key in todo.goes_on else day - timedelta(days=1)
    await db.flush()
    for key in sorted(todo.begins, key=str):
        db.add(_row(table, place_id, key, day))
    await db.flush()


def _row(table: Dated, place_id: UUID, key: Any, day: date) -> CollectableService | AcceptedMeans | VoucherService:
    if table is CollectableService:
        return CollectableService(sub_office_id=place_id, service_code=key, valid_from=day, valid_until=None)
    if table is AcceptedMeans:
        return AcceptedMeans(sub_office_id=place_id, means=key, valid_from=day, valid_until=None)
    means, service = key
    return VoucherService(sub_office_id=place_id, means=means, service_code=service, valid_from=day, valid_until=None)


async def _move_float(change: _Change, place: SubOffice, more: int) -> None:
    db = change.db
    float_id = await db.scalar(
        select(LedgerAccount.id).where(LedgerAccount.code == f"{AccountKind.FLOAT}:{place.code}")
    )
    assert float_id is not None, "a place is made with the account of its float"
    words = "Complément" if more > 0 else "Reprise d’une part"
    await post(
        db,
        NewTransaction(
            id=change.key,
            kind=TransactionKind.FLOAT_ISSUED,
            label=f"{words} du fonds de caisse, {place.label}",
            occurred_at=change.now,
            postings=(NewPosting(place.safe_account_id, -more), NewPosting(float_id, more)),
            actor_kind="staff",
            actor_id=change.by.staff_id,
        ),
        now=change.now,
    )


async def _periods(db: AsyncSession, *wanted: ColumnElement[bool]) -> list[tuple[Period, str]]:
    """Return when somebody is appointed, and who."""
    rows = await db.execute(
        select(Mandatary.valid_from, Mandatary.valid_until, Staff.display_name)
        .join(Staff, Staff.id == Mandatary.staff_id)
        .where(*wanted)
    )
    return [(Period(first, last), name) for first, last, name in rows]


def _days(period: Period | Appointment) -> dict[str, str | None]:
    last = period.valid_until
    return {"valid_from": period.valid_from.isoformat(), "valid_until": last.isoformat() if last else None}


def _written(collects: Collects) -> dict[str, Any]:
    return {
        "services": [each.value for each in ServiceCode if each in collects.services],
        "means": [each.value for each in Means if each in collects.means],
        "voucher_services": {
            each.value: [code.value for code in ServiceCode if code in collects.voucher_services.get(each, ())]
            for each in sorted(VOUCHERS)
        },
    }


def _jsonable(limits: OfficeLimits | PlaceLimits) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(limits).items()}

"""Paying over what a place holds, taking it back, and the office's integration of what its places paid over.

Locks are taken in this order, everywhere: the place, the remittance, the series of slips. A drawer that closes at the
same moment only adds to the safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import local_day
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import balance_of, post, reverse
from cvq_core.ledger.tables import LedgerAccount, Posting
from cvq_core.offices.ceiling_rules import RemitReason, Standing, remit_reason
from cvq_core.offices.remittance_rules import (
    CARRIED,
    REMITTANCES_MAX,
    AlreadyDecided,
    Contents,
    CountDiffers,
    NotCashOfficer,
    NotToIntegrate,
    RemittanceCancelled,
    RemittedTo,
    UnknownRemittance,
    check_officer,
    check_reason,
    check_remittance,
    slip_number,
)
from cvq_core.offices.rules import MANDATE_TITLE_WORDS, Means, NotMandatary, Officer, counted_total, receipt_number
from cvq_core.offices.store import (
    account_for,
    appointment_of,
    sub_office_by_id,
    treasury_account,
    under_way_account,
)
from cvq_core.offices.tables import (
    CashOffice,
    Drawer,
    Integration,
    Receipt,
    Remittance,
    RemittanceDrawer,
    RemittanceSeries,
    RemittanceSource,
    SubOffice,
)
from cvq_core.once import insert_once
from cvq_core.text import money


async def contents_of(db: AsyncSession, place: SubOffice) -> Contents:
    """Return what a place could pay over now."""
    drawers = (
        await db.execute(
            select(Drawer.id)
            .where(Drawer.sub_office_id == place.id, Drawer.closed_at.is_not(None), ~_carried(Drawer.id))
            .order_by(Drawer.closed_at)
        )
    ).scalars()
    drawer_ids = tuple(drawers)
    carried = CARRIED[destination_of(place)]
    others = {means: cents for means, cents in (await _taken(db, drawer_ids)).items() if means in carried}
    sources = await _sources(db, place) if place.is_main else []
    for source in sources:
        for word, cents in source.printed["means"].items():
            means = Means(word)
            if means in carried and means is not Means.CASH:
                others[means] = others.get(means, 0) + cents
    return Contents(
        cash_max_cents=await _cash_max(db, place),
        others={means: cents for means, cents in others.items() if cents and means is not Means.CASH},
        drawer_ids=drawer_ids,
        source_ids=tuple(source.id for source in sources),
    )


def destination_of(place: SubOffice) -> RemittedTo:
    """Return to whom a place pays over."""
    return RemittedTo.TREASURY if place.is_main else RemittedTo.OFFICE


async def remit(
    db: AsyncSession,
    *,
    key: UUID,
    sub_office_id: UUID,
    counted: Mapping[int, int],
    officer: Officer,
    now: datetime,
) -> Remittance:
    """Pay over the counted cash and all else that closed drawers hold; `key` asked again gives the same slip.

    Raises:
        UnknownSubOffice, NotMandatary, BadCount, RemittedTooMuch, NothingToRemit
        IdempotencyMismatch: this key came before with another content.
    """
    cash = counted_total(counted)
    count = {str(denomination): number for denomination, number in sorted(counted.items()) if number}
    await _lock_place(db, sub_office_id)
    first = await db.get(Remittance, key)
    if first is not None:
        if (first.sub_office_id, first.staff_id, first.counted) != (sub_office_id, officer.staff_id, count):
            raise IdempotencyMismatch
        return first
    today = local_day(now)
    place, office = await sub_office_by_id(db, sub_office_id, today)
    appointment = await appointment_of(db, officer.staff_id, sub_office_id, today)
    contents = await contents_of(db, place)
    moved = check_remittance(contents, cash)
    await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.REMITTED,
            label=f"Versement, {place.label}",
            occurred_at=now,
            postings=(*(await _legs(db, office, place, moved, now)),),
            actor_kind="staff",
            actor_id=officer.staff_id,
        ),
        now=now,
    )
    remittance = Remittance(
        id=key,
        office_id=office.id,
        number=await _next_number(db, office.id),
        sub_office_id=place.id,
        staff_id=officer.staff_id,
        to=destination_of(place),
        transaction_id=key,
        made_at=now,
        cash_cents=cash,
        total_cents=sum(moved.values()),
        counted=count,
        printed={
            "series": office.code,
            "office": office.label,
            "founding_act": office.founding_act,
            "place": place.label,
            "address": place.address or office.address,
            "remitted_by": officer.name,
            "title": MANDATE_TITLE_WORDS[appointment.title],
            "means": {means.value: cents for means, cents in moved.items()},
            "left_cents": contents.cash_max_cents - cash,
            "drawers": await _printed_drawers(db, contents.drawer_ids),
            "receipts": await _printed_receipts(db, contents.drawer_ids),
            "sources": await _printed_sources(db, contents.source_ids),
        },
    )
    db.add(remittance)
    await db.flush()
    db.add_all(RemittanceDrawer(remittance_id=key, drawer_id=each) for each in contents.drawer_ids)
    db.add_all(RemittanceSource(remittance_id=key, source_id=each) for each in contents.source_ids)
    await db.flush()
    return remittance


async def cancel_remittance(
    db: AsyncSession, *, key: UUID, remittance_id: UUID, reason: str, officer: Officer, now: datetime
) -> Remittance:
    """Take a remittance back by its counter-entry, with a slip of its own; `key` asked again gives it.

    Raises:
        UnknownRemittance, NotMandatary, ReasonMissing
        RemittanceCancelled: it was taken back, or is a cancellation.
        AlreadyDecided: the office has integrated it.
        IdempotencyMismatch: this key came before with another content.
    """
    remittance = await _locked(db, remittance_id)
    first = await db.get(Remittance, key)
    if first is not None:
        if (first.cancels_id, first.staff_id) != (remittance_id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    await appointment_of(db, officer.staff_id, remittance.sub_office_id, local_day(now))
    if await db.get(Integration, remittance_id) is not None or await _passed_on(db, remittance_id):
        raise AlreadyDecided
    return await _cancel(db, remittance, key=key, reason=check_reason(reason), officer=officer, now=now)


async def integrate(
    db: AsyncSession,
    *,
    remittance_id: UUID,
    counted_cents: int,
    officer: Officer,
    now: datetime,
) -> Integration:
    """Take a sub-office's remittance into the office's books, once; the officer has counted its cash again.

    Raises:
        UnknownRemittance, NotCashOfficer, NotToIntegrate, RemittanceCancelled
        CountDiffers: the cash is not what the slip says.
        AlreadyDecided: it was sent back.
    """
    remittance = await _locked(db, remittance_id)
    main = await _officer_of(db, remittance, officer, local_day(now))
    decided = await db.get(Integration, remittance_id)
    if decided is not None:
        if not decided.accepted or decided.staff_id != officer.staff_id:
            raise AlreadyDecided
        return decided
    await _check_standing(db, remittance)
    if counted_cents != remittance.cash_cents:
        raise CountDiffers(slip=money(remittance.cash_cents), counted=money(counted_cents))
    office = await db.get_one(CashOffice, remittance.office_id)
    transaction_id = uuid5(remittance_id, "integrated")
    postings: list[NewPosting] = []
    for word, cents in remittance.printed["means"].items():
        means = Means(word)
        postings.append(NewPosting(await under_way_account(db, office, means, now), cents))
        postings.append(NewPosting(await account_for(db, means, main, now), -cents))
    await post(
        db,
        NewTransaction(
            id=transaction_id,
            kind=TransactionKind.INTEGRATED,
            label=f"Intégration du versement {number_of(remittance)}",
            occurred_at=now,
            postings=tuple(postings),
            actor_kind="staff",
            actor_id=officer.staff_id,
        ),
        now=now,
    )
    return await _decide(db, remittance, officer, now, accepted=True, transaction_id=transaction_id)


async def send_back(
    db: AsyncSession, *, key: UUID, remittance_id: UUID, reason: str, officer: Officer, now: datetime
) -> Remittance:
    """Send a sub-office's remittance back with a reason: its counter-entry is made, and the place remits anew.

    Raises:
        UnknownRemittance, NotCashOfficer, NotToIntegrate, RemittanceCancelled, AlreadyDecided, ReasonMissing
        IdempotencyMismatch: this key came before with another content.
    """
    plain = check_reason(reason)
    remittance = await _locked(db, remittance_id)
    await _officer_of(db, remittance, officer, local_day(now))
    first = await db.get(Remittance, key)
    if first is not None:
        if (first.cancels_id, first.staff_id) != (remittance_id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    if await db.get(Integration, remittance_id) is not None:
        raise AlreadyDecided
    await _check_standing(db, remittance)
    await _decide(db, remittance, officer, now, accepted=False, reason=plain)
    return await _cancel(db, remittance, key=key, reason=plain, officer=officer, now=now)


@dataclass(frozen=True, slots=True)
class RemittanceLine:
    """A remittance with what became of it: who cancels it, and what the office decided."""

    remittance: Remittance
    cancelled_by_id: UUID | None
    integration: Integration | None

    @property
    def is_pending(self) -> bool:
        """Whether the office has still to decide."""
        remittance = self.remittance
        return (
            remittance.to is RemittedTo.OFFICE
            and remittance.cancels_id is None
            and self.cancelled_by_id is None
            and self.integration is None
        )


async def remittance_line(db: AsyncSession, remittance_id: UUID) -> RemittanceLine:
    """Return a remittance with what became of it.

    Raises:
        UnknownRemittance: there is none.
    """
    found = await _lines(db, Remittance.id == remittance_id)
    if not found:
        raise UnknownRemittance
    return found[0]


async def remittances_of(db: AsyncSession, sub_office_id: UUID, *, limit: int = 20) -> list[RemittanceLine]:
    """Return a place's latest remittances, the newest first."""
    return await _lines(db, Remittance.sub_office_id == sub_office_id, limit=limit)


async def to_integrate(db: AsyncSession, office_id: UUID) -> list[RemittanceLine]:
    """Return what an office's places paid over and its officer has still to decide, the newest first."""
    lines = await _lines(
        db,
        Remittance.office_id == office_id,
        Remittance.to == RemittedTo.OFFICE,
        Remittance.cancels_id.is_(None),
        Integration.remittance_id.is_(None),
        ~_cancelled(Remittance.id),
    )
    return [line for line in lines if line.is_pending]


async def reason_to_remit(
    db: AsyncSession,
    place: SubOffice,
    office: CashOffice,
    *,
    contents: Contents,
    standing: Standing | None,
    today: date,
) -> RemitReason | None:
    """Return why a place is to remit now, if it is."""
    last = await db.scalar(
        select(func.max(Remittance.made_at)).where(
            Remittance.sub_office_id == place.id, Remittance.cancels_id.is_(None), ~_cancelled(Remittance.id)
        )
    )
    if last is None:
        last = await db.scalar(select(func.min(Drawer.opened_at)).where(Drawer.sub_office_id == place.id))
    return remit_reason(
        standing,
        holds_something=not contents.is_empty,
        since=local_day(last) if last is not None else today,
        today=today,
        every_days=office.remit_every_days,
    )


async def is_officer(db: AsyncSession, office_id: UUID, staff_id: UUID, on: date) -> bool:
    """Whether somebody is the office's officer, or the substitute, on a day."""
    main = await db.scalar(select(SubOffice).where(SubOffice.office_id == office_id, SubOffice.is_main))
    if main is None:
        return False
    try:
        check_officer((await appointment_of(db, staff_id, main.id, on)).title)
    except (NotMandatary, NotCashOfficer):
        return False
    return True


def number_of(remittance: Remittance) -> str:
    """Return a slip's number as it is printed."""
    return slip_number(remittance.printed["series"], remittance.number)


def _cancelled(remittance_id: ColumnElement[UUID] | Any) -> ColumnElement[bool]:
    cancel = aliased(Remittance)
    return select(cancel.id).where(cancel.cancels_id == remittance_id).exists()


def _carried(drawer_id: Any) -> ColumnElement[bool]:
    """Whether a remittance that stands carries this drawer."""
    return (
        select(RemittanceDrawer.drawer_id)
        .where(RemittanceDrawer.drawer_id == drawer_id, ~_cancelled(RemittanceDrawer.remittance_id))
        .exists()
    )


async def _passed_on(db: AsyncSession, remittance_id: UUID) -> bool:
    found = await db.scalar(
        select(RemittanceSource.source_id)
        .where(RemittanceSource.source_id == remittance_id, ~_cancelled(RemittanceSource.remittance_id))
        .limit(1)
    )
    return found is not None


async def _sources(db: AsyncSession, place: SubOffice) -> Sequence[Remittance]:
    """Return what the office integrated and has not yet passed on."""
    passed = (
        select(RemittanceSource.source_id)
        .where(RemittanceSource.source_id == Remittance.id, ~_cancelled(RemittanceSource.remittance_id))
        .exists()
    )
    rows = await db.scalars(
        select(Remittance)
        .join(Integration, Integration.remittance_id == Remittance.id)
        .where(Remittance.office_id == place.office_id, Integration.accepted, ~passed)
        .order_by(Remittance.number)
    )
    return rows.all()


async def _taken(db: AsyncSession, drawer_ids: Sequence[UUID]) -> dict[Means, int]:
    rows = await db.execute(
        select(Receipt.means, func.sum(Receipt.total_cents))
        .where(Receipt.drawer_id.in_(drawer_ids))
        .group_by(Receipt.means)
    )
    return {means: int(cents) for means, cents in rows if cents}


async def _cash_max(db: AsyncSession, place: SubOffice) -> int:
    """Return the cash in the safe beyond that part of the float which is not in an open drawer."""
    float_id = select(LedgerAccount.id).where(LedgerAccount.code == f"{AccountKind.FLOAT}:{place.code}")
    issued = await db.scalar(
        select(func.sum(Posting.amount_cents)).where(Posting.account_id == float_id.scalar_subquery())
    )
    out = await db.scalar(
        select(func.sum(Drawer.float_cents)).where(Drawer.sub_office_id == place.id, Drawer.closed_at.is_(None))
    )
    safe = await balance_of(db, place.safe_account_id)
    return max(0, min(safe, safe + int(out or 0) - int(issued or 0)))


async def _legs(
    db: AsyncSession, office: CashOffice, place: SubOffice, moved: Mapping[Means, int], now: datetime
) -> list[NewPosting]:
    legs, to = [], destination_of(place)
    for means, cents in moved.items():
        into = (
            await treasury_account(db, office, now)
            if to is RemittedTo.TREASURY
            else await under_way_account(db, office, means, now)
        )
        legs += [NewPosting(await account_for(db, means, place, now), cents), NewPosting(into, -cents)]
    return legs


async def _lock_place(db: AsyncSession, sub_office_id: UUID) -> None:
    await db.execute(select(SubOffice.id).where(SubOffice.id == sub_office_id).with_for_update(key_share=True))


async def _locked(db: AsyncSession, remittance_id: UUID) -> Remittance:
    """Return a remittance about which nobody else decides until the transaction ends; its place is held too."""
    known = await db.get(Remittance, remittance_id)
    if known is None:
        raise UnknownRemittance
    await _lock_place(db, known.sub_office_id)
    await db.execute(select(Remittance.id).where(Remittance.id == remittance_id).with_for_update(key_share=True))
    return known


async def _next_number(db: AsyncSession, office_id: UUID) -> int:
    """Give the next number: the series' row is held to the end of the transaction, so a rollback leaves no gap."""
    await insert_once(db, RemittanceSeries.__table__, {"office_id": office_id, "last_number": 0})
    number = await db.scalar(
        update(RemittanceSeries)
        .where(RemittanceSeries.office_id == office_id)
        .values(last_number=RemittanceSeries.last_number + 1)
        .returning(RemittanceSeries.last_number)
        .execution_options(synchronize_session=False)
    )
    assert number is not None, "it was just inserted"
    return number


async def _cancel(
    db: AsyncSession, remittance: Remittance, *, key: UUID, reason: str, officer: Officer, now: datetime
) -> Remittance:
    await _check_standing(db, remittance)
    number = number_of(remittance)
    await reverse(
        db,
        remittance.transaction_id,
        reversal_id=key,
        label=f"Annulation du versement {number}",
        actor_kind="staff",
        actor_id=officer.staff_id,
        now=now,
    )
    printed = remittance.printed | {
        "remitted_by": officer.name,
        "cancels": number,
        "reason": reason,
        "means": {word: -cents for word, cents in remittance.printed["means"].items()},
    }
    cancelling = Remittance(
        id=key,
        office_id=remittance.office_id,
        number=await _next_number(db, remittance.office_id),
        sub_office_id=remittance.sub_office_id,
        staff_id=officer.staff_id,
        to=remittance.to,
        transaction_id=key,
        cancels_id=remittance.id,
        made_at=now,
        cash_cents=-remittance.cash_cents,
        total_cents=-remittance.total_cents,
        counted=remittance.counted,
        printed=printed,
    )
    db.add(cancelling)
    await db.flush()
    return cancelling


async def _check_standing(db: AsyncSession, remittance: Remittance) -> None:
    cancelled = await db.scalar(select(Remittance.id).where(Remittance.cancels_id == remittance.id))
    if remittance.cancels_id is not None or cancelled is not None:
        raise RemittanceCancelled


async def _officer_of(db: AsyncSession, remittance: Remittance, officer: Officer, today: date) -> SubOffice:
    """Return the office's own counter, where this person is its officer."""
    if remittance.to is RemittedTo.TREASURY:
        raise NotToIntegrate
    main = await db.scalar(select(SubOffice).where(SubOffice.office_id == remittance.office_id, SubOffice.is_main))
    if main is None:
        raise NotCashOfficer
    try:
        appointment = await appointment_of(db, officer.staff_id, main.id, today)
    except NotMandatary:
        raise NotCashOfficer from None
    check_officer(appointment.title)
    return main


async def _decide(
    db: AsyncSession,
    remittance: Remittance,
    officer: Officer,
    now: datetime,
    *,
    accepted: bool,
    reason: str = "",
    transaction_id: UUID | None = None,
) -> Integration:
    integration = Integration(
        remittance_id=remittance.id,
        accepted=accepted,
        reason=reason,
        staff_id=officer.staff_id,
        decided_at=now,
        transaction_id=transaction_id,
    )
    db.add(integration)
    await db.flush()
    return integration


async def _lines(db: AsyncSession, *wanted: ColumnElement[bool], limit: int = REMITTANCES_MAX) -> list[RemittanceLine]:
    cancel = aliased(Remittance)
    rows = await db.execute(
        select(Remittance, cancel.id, Integration)
        .outerjoin(cancel, cancel.cancels_id == Remittance.id)
        .outerjoin(Integration, Integration.remittance_id == Remittance.id)
        .where(*wanted)
        .order_by(Remittance.number.desc())
        .limit(min(limit, REMITTANCES_MAX))
    )
    return [RemittanceLine(*row) for row in rows]


async def _printed_drawers(db: AsyncSession, drawer_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the drawers as the slip lists them: by which receipts each total came about."""
    rows = await db.execute(select(Drawer).where(Drawer.id.in_(drawer_ids)).order_by(Drawer.closed_at, Drawer.id))
    receipts: dict[UUID, list[Receipt]] = {}
    for receipt in await db.scalars(select(Receipt).where(Receipt.drawer_id.in_(drawer_ids)).order_by(Receipt.number)):
        receipts.setdefault(receipt.drawer_id, []).append(receipt)
    printed = []
    for drawer in rows.scalars():
        mine = receipts.get(drawer.id, [])
        by_means: dict[str, int] = {}
        for receipt in mine:
            by_means[receipt.means] = by_means.get(receipt.means, 0) + receipt.total_cents
        printed.append(
            {
                "opened_at": drawer.opened_at.isoformat(),
                "closed_at": drawer.closed_at.isoformat() if drawer.closed_at else None,
                "first": _printed_number(mine[0]) if mine else "",
                "last": _printed_number(mine[-1]) if mine else "",
                "receipts": len(mine),
                "means": by_means,
                "difference_cents": drawer.difference_cents or 0,
            }
        )
    return printed


async def _printed_receipts(db: AsyncSession, drawer_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the cheques, vouchers and card payments one by one; what was voided is left out with its void."""
    void = aliased(Receipt)
    rows = await db.scalars(
        select(Receipt)
        .where(
            Receipt.drawer_id.in_(drawer_ids),
            Receipt.means != Means.CASH,
            Receipt.voids_id.is_(None),
            ~select(void.id).where(void.voids_id == Receipt.id).exists(),
        )
        .order_by(Receipt.number)
    )
    return [
        {
            "number": _printed_number(receipt),
            "means": receipt.means.value,
            "amount_cents": receipt.total_cents,
            **{
                name: receipt.printed[name]
                for name in ("cheque", "card_reference", "vouchers")
                if name in receipt.printed
            },
        }
        for receipt in rows
    ]


async def _printed_sources(db: AsyncSession, source_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    rows = await db.scalars(select(Remittance).where(Remittance.id.in_(source_ids)).order_by(Remittance.number))
    return [
        {
            "number": number_of(source),
            "place": source.printed["place"],
            "means": source.printed["means"],
            "receipts": source.printed["receipts"],
        }
        for source in rows
    ]


def _printed_number(receipt: Receipt) -> str:
    return receipt_number(receipt.printed["series"], receipt.number)

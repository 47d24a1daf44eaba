"""Paying over what a place holds, and taking it back.

Locks are taken in this order, everywhere: the place, the remittance, the account at the Treasury, the series of slips.
A drawer that closes at the same moment, or a payment that comes by the bank, only adds to what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post, reverse
from cvq_core.offices.remittance_printed import printed_drawers, printed_receipts, printed_sources, printed_takings
from cvq_core.offices.remittance_rules import (
    AlreadyDecided,
    Contents,
    NotCashOfficer,
    RemittanceAtTheBank,
    RemittanceCancelled,
    RemittedTo,
    UnknownRemittance,
    check_officer,
    check_reason,
    check_remittance,
)
from cvq_core.offices.remittance_store import contents_of, destination_of, is_cancelled, number_of
from cvq_core.offices.rules import BY_THE_BANK, MANDATE_TITLE_WORDS, Means, NotMandatary, Officer, counted_total
from cvq_core.offices.store import (
    account_for,
    appointment_of,
    sub_office_by_id,
    treasury_account,
    under_way_account,
)
from cvq_core.offices.tables import (
    CashOffice,
    Integration,
    Remittance,
    RemittanceDrawer,
    RemittanceSeries,
    RemittanceSource,
    RemittanceTransaction,
    SubOffice,
)
from cvq_core.once import insert_once
from cvq_core.treasury.matched import hold_account, is_matched_as_anything


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
    contents = await contents_of(db, place, today)
    moved = check_remittance(contents, cash)
    await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.REMITTED,
            label=f"Versement, {place.label}",
            occurred_at=now,
            postings=tuple(await _legs(db, place, contents, moved, now)),
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
            "drawers": await printed_drawers(db, contents.drawer_ids),
            "receipts": await printed_receipts(db, contents.drawer_ids),
            "sources": await printed_sources(db, contents.source_ids),
            "bank": printed_takings(contents.takings),
            "to_classify_cents": contents.to_classify_cents,
        },
    )
    db.add(remittance)
    await db.flush()
    db.add_all(RemittanceDrawer(remittance_id=key, drawer_id=each) for each in contents.drawer_ids)
    db.add_all(RemittanceSource(remittance_id=key, source_id=each) for each in contents.source_ids)
    db.add_all(
        RemittanceTransaction(
            remittance_id=key,
            transaction_id=each.transaction_id,
            means=each.means,
            amount_cents=each.amount_cents,
        )
        for each in contents.takings
    )
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
        RemittanceAtTheBank: a line of the Treasury's statement was matched with it.
        IdempotencyMismatch: this key came before with another content.
    """
    remittance = await locked_remittance(db, remittance_id)
    first = await db.get(Remittance, key)
    if first is not None:
        if (first.cancels_id, first.staff_id) != (remittance_id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    await appointment_of(db, officer.staff_id, remittance.sub_office_id, local_day(now))
    if await db.get(Integration, remittance_id) is not None or await _passed_on(db, remittance_id):
        raise AlreadyDecided
    if remittance.to is RemittedTo.TREASURY:
        await hold_account(db, remittance.office_id)
        if await db.scalar(select(is_matched_as_anything(remittance_id))):
            raise RemittanceAtTheBank
    return await counter_entry(db, remittance, key=key, reason=check_reason(reason), officer=officer, now=now)


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


async def _passed_on(db: AsyncSession, remittance_id: UUID) -> bool:
    found = await db.scalar(
        select(RemittanceSource.source_id)
        .where(RemittanceSource.source_id == remittance_id, ~is_cancelled(RemittanceSource.remittance_id))
        .limit(1)
    )
    return found is not None


async def _legs(
    db: AsyncSession, place: SubOffice, contents: Contents, moved: Mapping[Means, int], now: datetime
) -> list[NewPosting]:
    """Return from where to where each means goes."""
    sources: dict[tuple[Means, UUID], int] = {
        (means, await account_for(db, means, place, now)): cents
        for means, cents in moved.items()
        if means not in BY_THE_BANK
    }
    for taking in contents.takings:
        source = taking.means, taking.account_id
        sources[source] = sources.get(source, 0) + taking.amount_cents
    office = await db.get_one(CashOffice, place.office_id)
    legs = []
    for (means, source_id), cents in sources.items():
        into = (
            await treasury_account(db, office, now)
            if destination_of(place) is RemittedTo.TREASURY
            else await under_way_account(db, office, means, now)
        )
        legs += [NewPosting(source_id, cents), NewPosting(into, -cents)]
    return legs


async def _lock_place(db: AsyncSession, sub_office_id: UUID) -> None:
    await db.execute(select(SubOffice.id).where(SubOffice.id == sub_office_id).with_for_update(key_share=True))


async def locked_remittance(db: AsyncSession, remittance_id: UUID) -> Remittance:
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


async def counter_entry(
    db: AsyncSession, remittance: Remittance, *, key: UUID, reason: str, officer: Officer, now: datetime
) -> Remittance:
    """Undo a remittance that is locked, with a slip of its own.

    Raises:
        RemittanceCancelled: see `check_standing`.
    """
    await check_standing(db, remittance)
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


async def check_standing(db: AsyncSession, remittance: Remittance) -> None:
    """Refuse what was taken back, or is a counter-entry itself.

    Raises:
        RemittanceCancelled
    """
    cancelled = await db.scalar(select(Remittance.id).where(Remittance.cancels_id == remittance.id))
    if remittance.cancels_id is not None or cancelled is not None:
        raise RemittanceCancelled

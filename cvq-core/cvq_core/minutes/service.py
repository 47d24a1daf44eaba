"""Writing minutes: an audit, a handover, a destruction of values.

What the books say is read under the locks of the place, its open drawers, the advance and the values, so it is one
instant's; when it is not what was counted against, nothing is written and the count begins anew. No till is closed for
a count that somebody forgot to end: whoever counts stops collecting, and the lock at the end proves that it was so.

Locks are taken in this order, everywhere: the place, its open drawers by id, the advance, kinds of values by id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.acts.changes import end_appointment
from cvq_core.acts.rules import Order
from cvq_core.acts.store import Appointed, appointments_of
from cvq_core.advances.tables import Advance
from cvq_core.clock import local_day
from cvq_core.inactive_values.rules import Holder, Span, Whereabouts, written
from cvq_core.inactive_values.service import transfer
from cvq_core.inactive_values.store import kind_by_id
from cvq_core.inactive_values.tables import ValueKind
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.minutes.books import books_of
from cvq_core.minutes.rules import (
    EXPLANATION_LENGTH_MAX,
    BadParties,
    BooksMoved,
    Compared,
    IncomingNotAppointed,
    MinuteKind,
    NotForMinutes,
    NotYoursToEnd,
    Seen,
    UnknownMinute,
    check_explained,
    check_parties,
    compare,
    minute_number,
)
from cvq_core.minutes.tables import Minute, MinuteSeries
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import MANDATE_TITLE_WORDS, NotMandatary, Officer
from cvq_core.offices.store import appointment_of, sub_office_by_id
from cvq_core.offices.tables import CashOffice, Drawer, SubOffice
from cvq_core.once import insert_once

MINUTES_MAX = 100


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted, against which books (their digest), and why it differs, line by line."""

    digest: str
    seen: Mapping[str, Seen]
    explanations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Audit:
    """Who checks on the spot, in which capacity, and who keeps what is checked."""

    controller: str
    capacity: str
    kept_by: str


@dataclass(frozen=True, slots=True)
class Handover:
    """Who leaves and who comes, by their appointments; `ends` is the order by which the outgoing one's ends today."""

    outgoing_id: UUID
    incoming_id: UUID
    ends: Order | None = None


async def write_minute(
    db: AsyncSession,
    *,
    key: UUID,
    place_id: UUID,
    about: Audit | Handover,
    count: Count,
    officer: Officer,
    now: datetime,
) -> Minute:
    """Write the minute of an audit or of a handover; `key` asked again gives the first one.

    Raises:
        UnknownSubOffice, NotForMinutes, BadParties, NotCounted, BadCount, DifferenceUnexplained
        BooksMoved: something was posted since the count began.
        IncomingNotAppointed: the outgoing one's appointment would end, and the incoming one's does not hold tomorrow.
        NotYoursToEnd: it would be ended by somebody who neither leaves nor is the office's officer.
        IdempotencyMismatch: this key came before with another content.
    """
    today = local_day(now)
    place, office = await place_for(db, place_id, officer, today)
    await _lock(db, place)
    asked = _digest([place_id, about, count.digest, sorted(count.explanations.items()), _sent(count.seen), officer])
    first = await db.get(Minute, key)
    if first is not None:
        if first.asked != asked:
            raise IdempotencyMismatch
        return first
    books = await books_of(db, place, office)
    if books.digest != count.digest:
        raise BooksMoved
    compared = compare(books, count.seen)
    check_explained(compared, count.explanations)
    if isinstance(about, Audit):
        kind, parties = MinuteKind.AUDIT, _auditing(about)
    else:
        kind, parties = MinuteKind.HANDOVER, await _handing_over(db, key, place, about, officer, now=now)
    printed = parties | {
        "lines": [_printed_line(each, count.explanations) for each in compared],
        "facts": [list(fact) for fact in books.facts],
    }
    return await _issue(db, key, place, office, kind, officer=officer, now=now, asked=asked, printed=printed)


async def destroy(
    db: AsyncSession,
    *,
    key: UUID,
    kind_id: UUID,
    span: Span,
    holder: Holder,
    witness: str,
    reason: str,
    officer: Officer,
    now: datetime,
) -> Minute:
    """Destroy inactive values before a witness, with the minute of it; `key` asked again gives the first one.

    Raises:
        BadParties, and everything of `inactive_values.service.transfer`.
        IdempotencyMismatch: this key came before with another content.
    """
    check_parties(officer.name, witness)
    asked = _digest([kind_id, span, holder, witness, reason, officer])
    first = await db.get(Minute, key)
    if first is not None:
        if first.asked != asked:
            raise IdempotencyMismatch
        return first
    movement = await transfer(
        db,
        key=uuid5(key, "destroyed"),
        kind_id=kind_id,
        span=span,
        source=holder,
        target=Holder(Whereabouts.DESTROYED),
        reason=reason,
        officer=officer,
        now=now,
    )
    kind = await kind_by_id(db, kind_id)
    assert holder.place_id is not None, "what is in stock is at a place"
    place, office = await sub_office_by_id(db, holder.place_id, local_day(now))
    printed = {
        "first_party": [officer.name, "régisseur"],
        "second_party": [witness.strip()[:80], "témoin"],
        "reason": movement.reason,
        "destroyed": {
            "label": kind.label,
            "numbers": written([span]),
            "quantity": span.quantity,
            "cents": span.quantity * kind.face_cents,
        },
    }
    return await _issue(
        db, key, place, office, MinuteKind.DESTRUCTION, officer=officer, now=now, asked=asked, printed=printed
    )


async def place_for(db: AsyncSession, place_id: UUID, officer: Officer, today: date) -> tuple[SubOffice, CashOffice]:
    """Return a place whose minutes somebody may record and read: appointed to it, or the office's officer.

    Raises:
        UnknownSubOffice, NotForMinutes
    """
    place, office = await sub_office_by_id(db, place_id, today)
    if not await is_officer(db, office.id, officer.staff_id, today):
        try:
            await appointment_of(db, officer.staff_id, place_id, today)
        except NotMandatary:
            raise NotForMinutes from None
    return place, office


async def minute_here(db: AsyncSession, minute_id: UUID, officer: Officer, today: date) -> Minute:
    """Return a minute to those who may read it.

    Raises:
        UnknownMinute, UnknownSubOffice, NotForMinutes
    """
    minute = await db.get(Minute, minute_id)
    if minute is None:
        raise UnknownMinute
    await place_for(db, minute.sub_office_id, officer, today)
    return minute


async def minutes_of(db: AsyncSession, place_ids: Sequence[UUID], *, limit: int = 30) -> Sequence[Minute]:
    """Return the latest minutes of some places, the newest first."""
    rows = await db.scalars(
        select(Minute)
        .where(Minute.sub_office_id.in_(place_ids))
        .order_by(Minute.made_at.desc(), Minute.number.desc())
        .limit(min(limit, MINUTES_MAX))
    )
    return rows.all()


async def appointed_at(db: AsyncSession, place: SubOffice, today: date) -> list[Appointed]:
    """Return who is appointed to a place today, or begins tomorrow at the latest."""
    tomorrow = today + timedelta(days=1)
    found = []
    for each in await appointments_of(db, place.office_id):
        until = each.appointment.valid_until
        if (
            each.sub_office_id == place.id
            and each.appointment.valid_from <= tomorrow
            and (until is None or until >= today)
        ):
            found.append(each)
    return found


def number_of(minute: Minute) -> str:
    """Return a minute's number as it is printed."""
    return minute_number(minute.printed["series"], minute.number)


def _auditing(about: Audit) -> dict[str, Any]:
    check_parties(about.controller, about.kept_by)
    return {
        "first_party": [about.kept_by.strip()[:80], "tient la caisse"],
        "second_party": [about.controller.strip()[:80], about.capacity.strip()[:80] or "vérificateur"],
    }


async def _handing_over(
    db: AsyncSession, key: UUID, place: SubOffice, about: Handover, officer: Officer, *, now: datetime
) -> dict[str, Any]:
    """Return the parties of a handover; where it is asked, end the outgoing one's appointment today."""
    today = local_day(now)
    there = {each.id: each for each in await appointed_at(db, place, today)}
    outgoing, incoming = there.get(about.outgoing_id), there.get(about.incoming_id)
    if outgoing is None or incoming is None or outgoing.staff_id == incoming.staff_id:
        raise BadParties
    check_parties(outgoing.name, incoming.name)
    if about.ends is not None:
        leaves = officer.staff_id == outgoing.staff_id
        if not leaves and not await is_officer(db, place.office_id, officer.staff_id, today):
            raise NotYoursToEnd
        period = incoming.appointment
        tomorrow = today + timedelta(days=1)
        if period.valid_from > tomorrow or (period.valid_until is not None and period.valid_until < tomorrow):
            raise IncomingNotAppointed
        await end_appointment(
            db, uuid5(key, "ended"), mandate_id=outgoing.id, last_day=today, order=about.ends, by=officer, now=now
        )
    return {
        "first_party": [outgoing.name, f"{MANDATE_TITLE_WORDS[outgoing.appointment.title]} sortant"],
        "second_party": [incoming.name, f"{MANDATE_TITLE_WORDS[incoming.appointment.title]} entrant"],
        "ends": f"{about.ends.reference}, {about.ends.signed_on:%d/%m/%Y}" if about.ends else "",
    }


async def _lock(db: AsyncSession, place: SubOffice) -> None:
    """Hold everything that could move what is counted, so that the books are read at one instant."""
    await db.execute(select(SubOffice.id).where(SubOffice.id == place.id).with_for_update(key_share=True))
    open_here = (Drawer.sub_office_id == place.id, Drawer.closed_at.is_(None))
    await db.execute(select(Drawer.id).where(*open_here).order_by(Drawer.id).with_for_update())
    if place.is_main:
        advance = select(Advance.office_id).where(Advance.office_id == place.office_id)
        await db.execute(advance.with_for_update(key_share=True))
    kinds = select(ValueKind.id).where(ValueKind.office_id == place.office_id).order_by(ValueKind.id)
    await db.execute(kinds.with_for_update(key_share=True))


async def _issue(
    db: AsyncSession,
    key: UUID,
    place: SubOffice,
    office: CashOffice,
    kind: MinuteKind,
    *,
    officer: Officer,
    now: datetime,
    asked: str,
    printed: dict[str, Any],
) -> Minute:
    """Give the next number: the series' row is held to the end of the transaction, so a rollback leaves no gap."""
    await insert_once(db, MinuteSeries.__table__, {"office_id": office.id, "last_number": 0})
    number = await db.scalar(
        update(MinuteSeries)
        .where(MinuteSeries.office_id == office.id)
        .values(last_number=MinuteSeries.last_number + 1)
        .returning(MinuteSeries.last_number)
        .execution_options(synchronize_session=False)
    )
    assert number is not None, "it was just inserted"
    head = {
        "series": office.code,
        "office": office.label,
        "founding_act": office.founding_act,
        "place": place.label,
        "address": place.address or office.address,
        "recorded_by": officer.name,
    }
    minute = Minute(
        id=key,
        office_id=office.id,
        number=number,
        sub_office_id=place.id,
        kind=kind,
        made_at=now,
        staff_id=officer.staff_id,
        asked=asked,
        printed=head | printed,
    )
    db.add(minute)
    await db.flush()
    return minute


def _printed_line(compared: Compared, explanations: Mapping[str, str]) -> dict[str, Any]:
    line, seen = compared.line, compared.seen
    pieces = seen.pieces or {}
    return {
        "code": line.code,
        "label": line.label,
        "unit": line.unit.value,
        "books": line.amount,
        "counted": seen.amount,
        "difference": compared.difference,
        "pieces": {str(cents): number for cents, number in sorted(pieces.items(), reverse=True) if number},
        "explanation": explanations.get(line.code, "").strip()[:EXPLANATION_LENGTH_MAX] if compared.difference else "",
    }


def _sent(seen: Mapping[str, Seen]) -> list[Any]:
    return sorted((code, each.amount, sorted((each.pieces or {}).items())) for code, each in seen.items())


def _digest(asked: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps([repr(each) for each in asked]).encode()).hexdigest()

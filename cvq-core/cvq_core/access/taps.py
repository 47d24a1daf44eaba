"""Taking taps: facts, decision and everything that follows from it, in one transaction.

A tap's id is its reader's. The same id again gets the first answer word for word; the same id with another content is
refused. What a tap writes is written once: its row, and where money or entries move, the ledger's rows, the wallet's
balance, the right's count and the attendance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Table, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.charges import Charge, why_of, write_charges
from cvq_core.access.facts import AttendanceStatus, Decision, Effect, Manner, Reason
from cvq_core.access.rules import decide
from cvq_core.access.scene import Scene, TapRequest, read_scene
from cvq_core.access.statements import TAPS, statements_for
from cvq_core.access.tables import Attendance
from cvq_core.access.unclaimed import note_unclaimed
from cvq_core.access.words import Display, say
from cvq_core.errors import N_, BadInput, Refusal

BATCH_MAX = 500
Row = dict[str, Any]
_ATTENDANCES = cast(Table, Attendance.__table__)
# A transaction's id keeps no hour (`NewTransaction.day_only`), and a tap's does: one is made from the other.
_TRANSACTION_IDS = UUID("5c7d1c62-5a0e-5b2f-9a51-2f6f3a0c9d11")


class TapReused(Refusal):
    """The id of a tap came again, and what was presented is not the same."""

    slug = "tap-reused"
    message = N_("Ce passage a déjà été enregistré, pour une autre carte ou un autre lieu.")
    what_to_do = N_("C’est une erreur du lecteur : signalez-la à l’administrateur.")


class TooManyTaps(BadInput):
    """More taps at once than one transaction takes."""

    slug = "too-many-taps"
    message = N_("Trop de passages d’un coup : envoyez-les en plusieurs fois.")


@dataclass(frozen=True, slots=True)
class TapAnswer:
    """What a reader is told; the balance only where its point may show it."""

    id: UUID
    allowed: bool
    reason: str
    display_short: str
    display_long: str
    amount_cents: int
    balance_cents: int | None
    entries_left: int | None


async def take_tap(db: AsyncSession, request: TapRequest, *, now: datetime) -> TapAnswer:
    """Decide on one tap and write all that follows, in the caller's transaction.

    Raises:
        UnknownPoint: there is no such access point.
        TapReused: this id came before with another content.
        IntegrityError: a rival wrote the same attendance meanwhile; run the transaction again.
    """
    [answer] = await take_taps(db, [request], now=now)
    if isinstance(answer, Refusal):
        raise answer
    return answer


async def take_taps(db: AsyncSession, requests: Sequence[TapRequest], *, now: datetime) -> list[TapAnswer | Refusal]:
    """Decide on some taps in the order given, as if each had come alone, in one transaction of the caller's.

    A tap whose id was used for something else is answered with its refusal and leaves the others alone.

    Raises:
        TooManyTaps: more than `BATCH_MAX`.
        UnknownPoint, IntegrityError: as for `take_tap`.
    """
    if len(requests) > BATCH_MAX:
        raise TooManyTaps
    # One tap alone is rarely a repetition: that is found when its row is there already. Of many, some often are.
    known = await _known_answers(db, requests) if len(requests) > 1 else {}
    fresh = [request for request in _first_of_each(requests) if request.id not in known]
    if fresh:
        scene = await read_scene(db, fresh, now)
        rows = await _write(db, scene, fresh)
        known |= rows if rows is not None else await _known_answers(db, fresh)
    return [_answer(known[request.id], request) for request in requests]


def _first_of_each(requests: Sequence[TapRequest]) -> list[TapRequest]:
    found: dict[UUID, TapRequest] = {}
    for request in requests:
        found.setdefault(request.id, request)
    return list(found.values())


async def _write(db: AsyncSession, scene: Scene, requests: Sequence[TapRequest]) -> dict[UUID, Row] | None:
    """Decide and write; return the taps' rows, or None when a rival had written the one tap before."""
    taps: dict[UUID, Row] = {}
    charges: list[Charge] = []
    present: list[Row] = []
    entries: list[Row] = []
    unclaimed: list[Row] = []
    for request in requests:
        facts = scene.facts(request)
        decision = decide(facts)
        transaction_id = None
        if decision.effect is Effect.DEBIT:
            assert decision.wallet_id is not None
            transaction_id = _transaction_id(request)
            charges.append(Charge.of(facts, decision, transaction_id))
        if decision.effect is Effect.ENTRY:
            entries.append({"right_id": decision.right_id, "left": decision.entries_left})
        if decision.reason is Reason.SERVED_UNCLAIMED:
            unclaimed.append(_unclaimed_row(scene, request, decision))
        taps[request.id] = _tap_row(scene, request, decision, say(decision, facts), transaction_id)
        if facts.point.counts_once_a_day and decision.allowed and not facts.counted_today:
            present.append(_attendance_row(scene, request, decision, transaction_id))
        scene.take(request, decision)
    statements = statements_for(db)
    if len(taps) > 1:
        # A rival that wrote one of them since we looked makes this fail, and the whole batch runs again.
        await statements.insert_taps.write(db, list(taps.values()))
    elif await statements.insert_tap.write(db, list(taps.values())) == 0:
        return None
    if present:
        await _note_present(db, scene, present)
    if entries:
        await statements.take_entry.write(db, entries)
    if charges:
        await write_charges(db, charges, scene.now)
    if unclaimed:
        await note_unclaimed(db, unclaimed, scene.shared_days)
    return taps


async def _note_present(db: AsyncSession, scene: Scene, rows: list[Row]) -> None:
    table = _ATTENDANCES
    known = [row for row in rows if (row["person_id"], row["service_code"]) in scene.noted_before]
    fresh = [row for row in rows if (row["person_id"], row["service_code"]) not in scene.noted_before]
    if fresh:
        await statements_for(db).insert_attendances.write(db, fresh)
    for row in known:
        await db.execute(
            update(table)
            .where(
                table.c.person_id == row["person_id"],
                table.c.service_code == row["service_code"],
                table.c.day == row["day"],
            )
            .values(row)
        )


async def _known_answers(db: AsyncSession, requests: Collection[TapRequest]) -> dict[UUID, Row]:
    rows = await statements_for(db).known_taps.fetch(db, taps=[request.id for request in requests])
    columns = TAPS.c.keys()
    return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}


def _tap_row(
    scene: Scene, request: TapRequest, decision: Decision, display: Display, transaction_id: UUID | None
) -> Row:
    point, bearer = scene.points[request.point_id], scene.bearer(request)
    return {
        "id": request.id,
        "reader_id": request.reader_id,
        "point_id": point.id,
        "card_id": bearer.card_id if bearer else None,
        "person_id": bearer.person_id if bearer else None,
        "manner": request.manner,
        "assurance": request.assurance,
        "tapped_at": request.tapped_at,
        "received_at": scene.now,
        "offline": False,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "display_short": display.short,
        "display_long": display.long,
        "amount_cents": decision.amount_cents,
        "balance_cents": decision.balance_cents if point.shows_balance else None,
        "entries_left": decision.entries_left,
        "entitlement_id": decision.right_id,
        "transaction_id": transaction_id,
        "fingerprint": fingerprint(request),
        "why": why_of(decision) or None,
    }


def _transaction_id(request: TapRequest) -> UUID:
    return uuid5(_TRANSACTION_IDS, request.id.bytes.hex())


def _unclaimed_row(scene: Scene, request: TapRequest, decision: Decision) -> Row:
    point, bearer = scene.points[request.point_id], scene.bearer(request)
    assert bearer is not None
    return {
        "id": _transaction_id(request),
        "person_id": bearer.person_id,
        "service_code": point.service,
        "day": scene.today,
        "amount_cents": decision.amount_cents,
        "price_code": scene.items[point.id][1],
    }


def _attendance_row(scene: Scene, request: TapRequest, decision: Decision, transaction_id: UUID | None) -> Row:
    point, bearer = scene.points[request.point_id], scene.bearer(request)
    assert bearer is not None
    return {
        "person_id": bearer.person_id,
        "service_code": point.service,
        "day": scene.today,
        "point_id": point.id,
        "status": AttendanceStatus.PRESENT,
        "manner": request.manner,
        "noted_at": scene.now,
        "tap_id": request.id,
        "amount_cents": decision.amount_cents,
        "owed_cents": decision.owed_cents,
        "transaction_id": transaction_id,
        "why": why_of(decision) or None,
    }


def fingerprint(request: TapRequest) -> bytes:
    """Return 16 bytes that stand for what was asked, to tell a repetition from another tap under the same id."""
    presented = request.card_uid if request.manner is Manner.CARD else str(request.person_id)
    parts = (
        str(request.reader_id),
        str(request.point_id),
        request.manner.value,
        str(presented),
        request.assurance.value,
        request.tapped_at.astimezone(UTC).isoformat(),
    )
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()


def _answer(row: Row, request: TapRequest) -> TapAnswer | Refusal:
    if row["fingerprint"] != fingerprint(request):
        return TapReused()
    return TapAnswer(
        id=row["id"],
        allowed=row["allowed"],
        reason=str(row["reason"]),
        display_short=row["display_short"],
        display_long=row["display_long"],
        amount_cents=row["amount_cents"],
        balance_cents=row["balance_cents"],
        entries_left=row["entries_left"],
    )

"""What follows from decisions on taps, gathered and then written at once: rows, money, entries, presences, counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Table, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.charges import Charge, charge_rows, why_of
from cvq_core.access.facts import AttendanceStatus, Decision, Effect, Facts, Manner, PointEventKind, Reason
from cvq_core.access.scene import Scene, TapRequest
from cvq_core.access.statements import statements_for
from cvq_core.access.tables import Attendance, PointEvent
from cvq_core.access.unclaimed import note_unclaimed
from cvq_core.access.words import Display
from cvq_core.once import insert_once
from cvq_core.prepared import write_together

Row = dict[str, Any]
_ATTENDANCES = cast(Table, Attendance.__table__)
# A transaction's id keeps no hour (`NewTransaction.day_only`), and a tap's does: one is made from the other.
_TRANSACTION_IDS = UUID("5c7d1c62-5a0e-5b2f-9a51-2f6f3a0c9d11")


@dataclass(slots=True)
class Consequences:
    """What follows from the decisions of one scene, in the order in which they were taken."""

    scene: Scene
    taps: dict[UUID, Row] = field(default_factory=dict)
    _charges: list[Charge] = field(default_factory=list)
    _present: list[Row] = field(default_factory=list)
    _entries: dict[UUID, int | None] = field(default_factory=dict)
    """What is left of counted rights."""
    _unclaimed: list[Row] = field(default_factory=list)
    _clocks: dict[UUID, timedelta] = field(default_factory=dict)
    """By how much the clocks of some points' readers are off."""

    def add(
        self, request: TapRequest, facts: Facts, decision: Decision, display: Display, at: datetime | None = None
    ) -> Row:
        """Take in one decision and let it count for those that come after it; return the tap's row.

        `at` is when it was taken, where that is not now.
        """
        scene, transaction_id = self.scene, None
        if decision.effect is Effect.DEBIT:
            transaction_id = transaction_id_of(request.id)
            self._charges.append(Charge.of(facts, decision, transaction_id, facts.at))
        if decision.effect is Effect.ENTRY:
            assert decision.right_id is not None
            self._entries[decision.right_id] = decision.entries_left
        if decision.reason is Reason.SERVED_UNCLAIMED and decision.effect is Effect.BILL:
            self._unclaimed.append(_unclaimed_row(scene, request, decision))
        row = self.taps[request.id] = _tap_row(scene, request, decision, display, transaction_id)
        off = request.tapped_at - scene.now
        if at is None and abs(off) > timedelta(seconds=facts.point.clock_tolerance_s):
            # Whoever reads the row later finds the hour at which the door opened; its fingerprint knows what was sent.
            row["tapped_at"] = scene.now
            self._clocks[request.point_id] = off
        if facts.point.counts_once_a_day and facts.person_known and decision.allowed and not facts.counted_today:
            self._present.append(_attendance_row(scene, request, decision, transaction_id))
        scene.take(request, decision, display, at)
        return row

    async def write(self, db: AsyncSession) -> None:
        """Write the taps' rows and what they lead to.

        Raises:
            IntegrityError: a rival wrote one of them meanwhile; run the transaction again.
        """
        scene, statements = self.scene, statements_for(db)
        known = [row for row in self._present if (row["person_id"], row["service_code"]) in scene.noted_before]
        fresh = [row for row in self._present if (row["person_id"], row["service_code"]) not in scene.noted_before]
        passed = [(area_id, scene.areas[area_id]) for area_id in scene.passed_through]
        await write_together(
            db,
            [
                (statements.insert_taps, list(self.taps.values())),
                *await charge_rows(db, self._charges, scene.revenues, scene.now),
                (statements.set_entries, [{"id": each, "entries_left": left} for each, left in self._entries.items()]),
                (statements.insert_attendances, fresh),
                (
                    statements.set_areas,
                    [{"id": each, "inside": count.inside, "counted_at": count.counted_at} for each, count in passed],
                ),
            ],
        )
        for row in known:
            await _note_present(db, row)
        if self._unclaimed:
            await note_unclaimed(db, self._unclaimed, scene.shared_days)
        for point_id, off in sorted(self._clocks.items()):
            await _note_clock(db, point_id, off, scene.now)


def transaction_id_of(tap_id: UUID) -> UUID:
    """Return the id of the transaction that a tap makes, where it makes one."""
    return uuid5(_TRANSACTION_IDS, tap_id.bytes.hex())


async def _note_clock(db: AsyncSession, point_id: UUID, off: timedelta, now: datetime) -> None:
    """Note that the clock of a point's reader is wrong, once an hour however many pass."""
    await insert_once(
        db,
        PointEvent.__table__,
        {
            "id": uuid5(point_id, f"clock {now.astimezone(UTC):%Y-%m-%dT%H}"),
            "point_id": point_id,
            "kind": PointEventKind.CLOCK_WRONG,
            "happened_at": now,
            "received_at": now,
            "device_id": None,
            "detail": f"{round(off.total_seconds()):+d} s",
        },
    )


async def _note_present(db: AsyncSession, row: Row) -> None:
    """Note somebody present who was noted absent before."""
    table = _ATTENDANCES
    await db.execute(
        update(table)
        .where(
            table.c.person_id == row["person_id"],
            table.c.service_code == row["service_code"],
            table.c.day == row["day"],
        )
        .values(row)
    )


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
        "door_reason": None,
        "repeats": decision.repeats is not None,
    }


def _unclaimed_row(scene: Scene, request: TapRequest, decision: Decision) -> Row:
    point, bearer = scene.points[request.point_id], scene.bearer(request)
    assert bearer is not None
    return {
        "id": transaction_id_of(request.id),
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

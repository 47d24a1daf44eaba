"""Taps that a door decided by itself and that come in afterwards, in any order and any number of times.

They are facts: what the door did is written down as it was. What follows from it is the core's own rule of the tap's
own day, as far as the core would have let them in too; where it would not, or a limit was passed meanwhile, there is a
conflict for the service's manager, with what nobody paid for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import cast
from uuid import UUID, uuid5

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Assurance, Decision, Effect, Facts, Reason
from cvq_core.access.late_rules import (
    ConflictKind,
    Decided,
    LateHour,
    conflict_of,
    core_decision,
    hour_of,
    mode_at,
    was_told_free,
)
from cvq_core.access.lives import read_lives
from cvq_core.access.reading import read_scene
from cvq_core.access.rules import would_cost
from cvq_core.access.scene import Scene, TapRequest
from cvq_core.access.tables import AccessPoint, ConflictedTap, TapConflict
from cvq_core.access.taps import BATCH_MAX, TapReused, TooManyTaps, known_taps
from cvq_core.access.words import DISPLAY_CHARACTERS, Display
from cvq_core.access.writing import Consequences, Row, fingerprint
from cvq_core.clock import local_day
from cvq_core.controllers.tables import ControlledPoint
from cvq_core.errors import N_, Forbidden
from cvq_core.once import insert_once
from cvq_core.staff.rules import Principal
from cvq_core.tariffs.kept import kept as kept_reasons

_BATCHES = 0x6C617465
"""The key of PostgreSQL's lock that batches take one after the other: "late" in letters."""

TAPS_KEPT = timedelta(days=92)
"""How long movement logs are kept where no setting says otherwise: three months."""


class NotYourPoint(Forbidden):
    """A device speaks for its own points only."""

    slug = "not-your-point"
    message = N_("Ce lecteur ne parle pas pour ce point d’accès.")
    what_to_do = N_("Vérifiez les points rattachés à ce lecteur ou à ce contrôleur.")


@dataclass(frozen=True, slots=True)
class LateTap:
    """What was presented and what the door did of it."""

    request: TapRequest
    decided: Decided


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """What became of a late tap: recorded, or `refused` by a slug; `conflicts` as they are listed."""

    id: UUID
    refused: str | None = None
    conflicts: tuple[ConflictKind, ...] = ()


@dataclass(frozen=True, slots=True)
class _Timed:
    late: LateTap
    hour: LateHour
    mode_since: datetime | None = None


async def points_of(db: AsyncSession, principal: Principal) -> frozenset[UUID]:
    """Return the access points for which a device speaks: a reader's own, those that a controller decides at."""
    if principal.kind == "controller":
        wanted = select(ControlledPoint.point_id).where(ControlledPoint.controller_id == principal.subject_id)
        return frozenset(await db.scalars(wanted))
    return frozenset({principal.subject_id}) if principal.kind == "reader" and principal.subject_id else frozenset()


async def take_late(
    db: AsyncSession,
    taps: Sequence[LateTap],
    *,
    points: Collection[UUID],
    now: datetime,
    kept: timedelta = TAPS_KEPT,
) -> list[LateAnswer]:
    """Record taps of `points` that were decided at the door, in the caller's transaction; answers in the order given.

    A tap that is there already is recorded once: the same answer. `kept` is how long movement logs are kept: what is
    older moves nothing any more, since nobody could tell whether it came before.

    Raises:
        TooManyTaps: more than `BATCH_MAX`.
        IntegrityError: a rival wrote one of them meanwhile; run the transaction again.
    """
    if len(taps) > BATCH_MAX:
        raise TooManyTaps
    await _one_after_the_other(db)
    own = {tap.request.id: tap for tap in reversed(taps) if tap.request.point_id in points}
    known = await known_taps(db, list(own))
    fresh = [tap for tap_id, tap in own.items() if tap_id not in known]
    again = [(own[tap_id], row) for tap_id, row in known.items()]
    listed = [*await _take_fresh(db, fresh, now, kept), *await _of_known(db, again, now)]
    for row in listed:
        await _list(db, row)
    rows = known | await known_taps(db, [tap.request.id for tap in fresh])
    conflicts = await _conflicts_of(db, list(own))
    return [_answer(tap, rows, conflicts) for tap in taps]


async def _list(db: AsyncSession, row: Row) -> None:
    """List a conflict once; what goes with the tap stands by itself."""
    columns = cast(Table, TapConflict.__table__).c.keys()
    await insert_once(db, TapConflict.__table__, {name: row[name] for name in columns})
    of_the_tap = {name: row[name] for name in ("tap_id", "point_id", "tapped_at")}
    await insert_once(db, ConflictedTap.__table__, {"conflict_id": row["id"], **of_the_tap})


async def _one_after_the_other(db: AsyncSession) -> None:
    """Let one batch in at a time: those of several days would lock the families of a territory in any order.

    A tap at a turnstile waits for none of them but for its own family's rows.
    """
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(select(func.pg_advisory_xact_lock(_BATCHES)))


async def _take_fresh(db: AsyncSession, taps: Sequence[LateTap], now: datetime, kept: timedelta) -> list[Row]:
    """Write taps that are not there yet, and return the conflicts that they show."""
    if not taps:
        return []
    wanted = select(AccessPoint.id, AccessPoint.clock_tolerance_s, AccessPoint.mode_since).where(
        AccessPoint.id.in_({tap.request.point_id for tap in taps})
    )
    settings = {point_id: (timedelta(seconds=seconds), since) for point_id, seconds, since in await db.execute(wanted)}
    timed = []
    for tap in taps:
        tolerance, since = settings[tap.request.point_id]
        hour = hour_of(tap.request.tapped_at, now, tolerance=tolerance, kept=kept)
        timed.append(_Timed(tap, hour, since))
    # By their hours, so that a lesser wallet pays for the earlier passage; those of one hour by id, for every rival.
    timed.sort(key=lambda each: (each.hour.at, each.late.request.id))
    conflicts: list[Row] = []
    for day, group in groupby(timed, key=lambda each: local_day(each.hour.at)):
        of_day = list(group)
        requests = [each.late.request for each in of_day]
        scene = await read_scene(db, requests, now, day=day, since=of_day[0].hour.at)
        await read_lives(db, scene, of_day[0].hour.at)
        following = Consequences(scene)
        for each in of_day:
            conflicts += _take(following, each)
        await following.write(db)
    return conflicts


def _take(following: Consequences, timed: _Timed) -> list[Row]:
    """Let one tap count as far as it does, and return its conflicts."""
    scene, request, decided, hour = following.scene, timed.late.request, timed.late.decided, timed.hour
    facts = scene.facts(request, hour.at)
    mode = mode_at(decided, facts.point.mode, timed.mode_since, hour.at)
    facts = replace(facts, point=replace(facts.point, mode=mode))
    decision, against = core_decision(facts)
    # Whoever read at the door that nothing is counted is not charged behind their back: that is listed.
    free = was_told_free(decided, facts)
    counted = decision if decided.allowed and not hour.is_too_old and not free else _nothing(decision)
    shown = Display(decided.display_short[:DISPLAY_CHARACTERS], decided.display_long[:300])
    # What the door did not do leaves no passage behind, whatever the core would have done.
    did_pass = decided.allowed and not hour.is_too_old
    passed = replace(counted, reason=_as_done(decision.reason, did_pass))
    row = following.add(request, facts, passed, shown, hour.at)
    row |= {
        "offline": True,
        # The hour that the tap counts at; what the door's clock said of it is kept with the conflict.
        "tapped_at": min(request.tapped_at, hour.at),
        "reason": against or decision.reason,
        "allowed": decided.allowed,
        "door_reason": decided.reason[:60],
    }
    kinds = [] if decision.repeats else [conflict_of(decided, decision, against, facts)]
    if hour.clock_wrong or not decided.clock_sure:
        kinds.append(ConflictKind.CLOCK_WRONG)
    unpaid = decided.allowed and decision.repeats is None and (not decision.allowed or hour.is_too_old or free)
    return [
        _conflict(scene, timed, facts, against or decision.reason, kind, with_sum=unpaid and place == 0)
        for place, kind in enumerate(kind for kind in kinds if kind is not None)
    ]


def _nothing(decision: Decision) -> Decision:
    """Return a decision of which nothing follows."""
    return replace(
        decision, effect=Effect.NONE, amount_cents=0, owed_cents=0, balance_cents=None, entries_left=None, priced=None
    )


def _as_done(reason: Reason, passed: bool) -> Reason:
    """Return a reason that lets in exactly whom the door let in; the row keeps the core's own."""
    if reason.allows is passed:
        return reason
    return Reason.LET_IN_UNCHECKED if passed else Reason.NOT_ENTITLED


def _conflict(
    scene: Scene, timed: _Timed, facts: Facts, core_reason: Reason, kind: ConflictKind, *, with_sum: bool
) -> Row:
    request, decided = timed.late.request, timed.late.decided
    bearer = scene.bearer(request)
    cost = would_cost(facts) if with_sum and bearer is not None else None
    # A wrong clock is the reader's matter, and nobody's whom it costs nothing.
    is_theirs = bearer is not None and (kind is not ConflictKind.CLOCK_WRONG or cost is not None)
    return {
        "id": conflict_id(request.id, kind),
        "tap_id": request.id,
        "kind": kind,
        "point_id": request.point_id,
        "service_code": facts.point.service,
        "person_id": bearer.person_id if bearer and is_theirs else None,
        "account_id": cost[0] if cost else None,
        "tapped_at": request.tapped_at,
        "day": local_day(timed.hour.at),
        "door_allowed": decided.allowed,
        "door_reason": decided.reason[:60],
        "core_reason": core_reason,
        "amount_cents": cost[1].amount_cents if cost else 0,
        "transaction_id": None,
        "why": kept_reasons(cost[1]) or None if cost else None,
    }


def conflict_id(tap_id: UUID, kind: ConflictKind) -> UUID:
    """Return the id under which a tap's conflict is listed once."""
    return uuid5(tap_id, kind.value)


async def _of_known(db: AsyncSession, taps: Sequence[tuple[LateTap, Row]], now: datetime) -> list[Row]:
    """Return the conflicts of taps that the core had decided itself, when the door did not get the answer in time."""
    found = []
    for tap, row in taps:
        if row["offline"] or not _is_same(tap, row) or row["allowed"] is tap.decided.allowed:
            continue
        kind = ConflictKind.LET_IN_THOUGH_REFUSED if tap.decided.allowed else ConflictKind.REFUSED_THOUGH_ALLOWED
        at = row["received_at"]
        scene = await read_scene(db, [tap.request], now, lock=False, day=local_day(at), since=at)
        timed, facts = _Timed(tap, LateHour(at)), scene.facts(tap.request, at)
        conflict = _conflict(scene, timed, facts, Reason(row["reason"]), kind, with_sum=tap.decided.allowed)
        if row["transaction_id"] is not None:
            conflict |= {"amount_cents": row["amount_cents"], "transaction_id": row["transaction_id"]}
        found.append(conflict)
    return found


def _is_same(tap: LateTap, row: Row) -> bool:
    """Whether a row is of this very tap: by which device it came, and how sure it was of the card, may differ."""
    asked = replace(tap.request, reader_id=row["reader_id"], assurance=Assurance(row["assurance"]))
    return bool(row["fingerprint"] == fingerprint(asked))


def _answer(tap: LateTap, rows: Mapping[UUID, Row], conflicts: Mapping[UUID, tuple[ConflictKind, ...]]) -> LateAnswer:
    tap_id = tap.request.id
    if tap_id not in rows:
        return LateAnswer(tap_id, NotYourPoint.slug)
    if not _is_same(tap, rows[tap_id]):
        return LateAnswer(tap_id, TapReused.slug)
    return LateAnswer(tap_id, conflicts=conflicts.get(tap_id, ()))


async def _conflicts_of(db: AsyncSession, taps: Collection[UUID]) -> dict[UUID, tuple[ConflictKind, ...]]:
    rows = await db.execute(
        select(ConflictedTap.tap_id, TapConflict.kind)
        .join(TapConflict, TapConflict.id == ConflictedTap.conflict_id)
        .where(ConflictedTap.tap_id.in_(taps))
        .order_by(ConflictedTap.tap_id, TapConflict.kind)
    )
    found: dict[UUID, tuple[ConflictKind, ...]] = {}
    for tap_id, kind in rows:
        found[tap_id] = (*found.get(tap_id, ()), kind)
    return found

"""Access points and areas as their managers see and change them; whoever decides at a site is told of each change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.areas import AreaCount
from cvq_core.access.changes import note_change
from cvq_core.access.facts import Direction, PointKind, PointMode
from cvq_core.access.scene import UnknownPoint
from cvq_core.access.tables import AccessArea, AccessPoint, Tap
from cvq_core.errors import N_, BadInput, NotFound
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.live.store import publish
from cvq_core.once import insert_once
from cvq_core.people.names import spoken_name
from cvq_core.people.tables import Person
from cvq_core.services.rules import ServiceCode

POINTS_MAX = 500
TAPS_SHOWN_MAX = 200
SETTINGS = frozenset(
    {
        *("label", "site", "price_code", "assurance", "shows_balance", "direction", "area_id", "passback_minutes"),
        *("double_tap_s", "guardian_age", "guardian_minutes", "clock_tolerance_s", "offline_fallback", "reserved_only"),
    }
)
"""What may be changed of a point besides its mode; its code, kind and service are what it is."""
_OF_PEOPLE = frozenset({"price_code", "site", "guardian_age"})
"""Settings that a site's list holds of each person: who pays what, whose right is for there, who needs a guardian."""


class UnknownArea(NotFound):
    """No area has this id."""

    slug = "unknown-access-area"
    message = N_("Cette zone n’est pas connue.")
    what_to_do = N_("Choisissez une zone dans la liste, ou créez-la.")


class CodeTaken(BadInput):
    """Another point, or another area, has this code."""

    slug = "access-code-taken"
    message = N_("Un autre point d’accès ou une autre zone porte déjà ce code.")
    what_to_do = N_("Choisissez un autre code.")


class SettingsDoNotFit(BadInput):
    """Settings that contradict one another."""

    slug = "point-settings-do-not-fit"
    message = N_("Ces réglages ne vont pas ensemble.")
    what_to_do = N_(
        "Le comptage et l’anti-retour demandent un sens de passage ; une tablette ne s’ouvre pas à tous ; un âge "
        "minimum demande un délai derrière le responsable."
    )


@dataclass(frozen=True, slots=True)
class AreaNow:
    """An area and how many are inside now."""

    area: AccessArea
    inside: int


@dataclass(frozen=True, slots=True)
class RecentTap:
    """A tap with the name of whoever was presented, empty for an unknown card."""

    tap: Tap
    person: str


async def points_listed(db: AsyncSession, services: Collection[ServiceCode]) -> list[AccessPoint]:
    """Return the access points of some services by site and label, at most `POINTS_MAX`."""
    rows = await db.scalars(
        select(AccessPoint)
        .where(AccessPoint.service_code.in_(services))
        .order_by(AccessPoint.site, AccessPoint.label, AccessPoint.id)
        .limit(POINTS_MAX)
    )
    return list(rows)


async def point_by_id(db: AsyncSession, point_id: UUID) -> AccessPoint:
    """Return one access point.

    Raises:
        UnknownPoint
    """
    point = await db.get(AccessPoint, point_id, populate_existing=True)
    if point is None:
        raise UnknownPoint
    return point


async def create_point(
    db: AsyncSession,
    point_id: UUID,
    *,
    code: str,
    kind: PointKind,
    service: ServiceCode,
    settings: Mapping[str, Any],
    now: datetime,
) -> AccessPoint:
    """Add an access point; the same id again gives the first one. `settings` are those of `SETTINGS`.

    Raises:
        CodeTaken, SettingsDoNotFit, UnknownArea
        IdempotencyMismatch: this id is another point's.
    """
    assert settings.keys() <= SETTINGS, "a setting that no point has"
    point = AccessPoint(id=point_id, code=code, kind=kind, service_code=service, mode=PointMode.NORMAL, **settings)
    await _check(db, point)
    row = {"id": point_id, "code": code, "kind": kind, "service_code": service, "mode": PointMode.NORMAL, **settings}
    row.setdefault("shows_balance", False)
    added = await insert_once(db, AccessPoint.__table__, row)
    known = await db.get(AccessPoint, point_id)
    if known is None:
        raise CodeTaken
    if (known.code, known.kind, known.service_code) != (code, kind, service):
        raise IdempotencyMismatch
    if added:
        note_change(db, now=now, points=[point_id])
    return known


async def change_point(db: AsyncSession, point_id: UUID, changes: Mapping[str, Any], *, now: datetime) -> list[str]:
    """Set some of a point's `SETTINGS` and return the names of those that changed; again, none does.

    Raises:
        UnknownPoint, SettingsDoNotFit, UnknownArea
    """
    assert changes.keys() <= SETTINGS, "a setting that no point has"
    point = await point_by_id(db, point_id)
    changed = sorted(name for name, value in changes.items() if getattr(point, name) != value)
    with db.no_autoflush:
        for name in changed:
            setattr(point, name, changes[name])
        await _check(db, point)
    await db.flush()
    if changed:
        services = [] if _OF_PEOPLE.isdisjoint(changed) else [point.service_code]
        note_change(db, now=now, points=[point_id], services=services)
    return changed


async def set_mode(db: AsyncSession, points: Sequence[UUID], mode: PointMode, *, now: datetime) -> list[AccessPoint]:
    """Set the mode of some points and return those that changed; doors and pages are told at once.

    Raises:
        UnknownPoint: there is one that does not exist; nothing is changed.
        SettingsDoNotFit: a tablet does not open to all.
    """
    rows = await db.scalars(
        select(AccessPoint)
        .where(AccessPoint.id.in_(points))
        .order_by(AccessPoint.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = list(rows)
    if {point.id for point in found} != set(points):
        raise UnknownPoint
    changed = [point for point in found if point.mode is not mode]
    for point in changed:
        point.mode, point.mode_since = mode, now
        await _check(db, point)
        publish(db, f"access_point:{point.id}", "mode")
    await db.flush()
    if changed:
        note_change(db, now=now, points=[point.id for point in changed])
    return changed


async def create_area(
    db: AsyncSession,
    area_id: UUID,
    *,
    code: str,
    label: str,
    capacity: int | None = None,
    closes_at: time | None = None,
) -> AccessArea:
    """Add an area that counts who is inside; the same id again gives the first one.

    Raises:
        CodeTaken
        IdempotencyMismatch: this id is another area's.
    """
    row = {
        "id": area_id,
        "code": code,
        "label": label,
        "capacity": capacity,
        "closes_at": closes_at,
        "inside": 0,
        "counted_at": None,
    }
    await insert_once(db, AccessArea.__table__, row)
    known = await db.get(AccessArea, area_id)
    if known is None:
        raise CodeTaken
    if known.code != code:
        raise IdempotencyMismatch
    return known


async def change_area(
    db: AsyncSession, area_id: UUID, *, label: str, capacity: int | None, closes_at: time | None, now: datetime
) -> AccessArea:
    """Set what an area is called, how many it holds and when it closes; its points are told of.

    Raises:
        UnknownArea
    """
    area = await _locked_area(db, area_id)
    area.label, area.capacity, area.closes_at = label, capacity, closes_at
    points = await db.scalars(select(AccessPoint.id).where(AccessPoint.area_id == area_id))
    await db.flush()
    note_change(db, now=now, points=list(points))
    return area


async def set_inside(db: AsyncSession, area_id: UUID, inside: int, *, now: datetime) -> AreaNow:
    """Set how many are inside: somebody counted them.

    Raises:
        UnknownArea
    """
    area = await _locked_area(db, area_id)
    area.inside, area.counted_at = inside, now
    await db.flush()
    return AreaNow(area, inside)


async def gauges(db: AsyncSession, services: Collection[ServiceCode], *, now: datetime) -> list[AreaNow]:
    """Return the areas that points of some services lead to, with how many are inside, by label."""
    led_to = select(AccessPoint.area_id).where(AccessPoint.service_code.in_(services))
    rows = await db.scalars(select(AccessArea).where(AccessArea.id.in_(led_to)).order_by(AccessArea.label))
    return [AreaNow(area, AreaCount(area.inside, area.counted_at, area.closes_at).now(now)) for area in rows]


async def recent_taps(
    db: AsyncSession, point_id: UUID, *, since: datetime, limit: int = TAPS_SHOWN_MAX
) -> list[RecentTap]:
    """Return what was presented at a point since an instant, the latest first; at most `TAPS_SHOWN_MAX`.

    A tap that came late stands at its own hour.
    """
    rows = await db.execute(
        select(Tap, Person.family_name, Person.usual_name, Person.given_names)
        .outerjoin(Person, Person.id == Tap.person_id)
        .where(Tap.point_id == point_id, Tap.tapped_at >= since)
        .order_by(Tap.tapped_at.desc(), Tap.id)
        .limit(min(limit, TAPS_SHOWN_MAX))
    )
    return [
        RecentTap(tap, spoken_name(family, usual, given) if family is not None and given is not None else "")
        for tap, family, usual, given in rows
    ]


async def _check(db: AsyncSession, point: AccessPoint) -> None:
    """Refuse settings of a point that contradict one another.

    Raises:
        SettingsDoNotFit, UnknownArea
    """
    if point.area_id is not None and await db.get(AccessArea, point.area_id) is None:
        raise UnknownArea
    opens_to_all = point.mode in (PointMode.HELD_OPEN, PointMode.EMERGENCY)
    one_way = point.direction in (Direction.IN, Direction.OUT)
    if (
        (point.kind is PointKind.TABLET and opens_to_all)
        or ((point.area_id is not None or point.passback_minutes) and not one_way)
        or (point.guardian_age is not None and not point.guardian_minutes)
    ):
        raise SettingsDoNotFit


async def _locked_area(db: AsyncSession, area_id: UUID) -> AccessArea:
    area: AccessArea | None = await db.scalar(
        select(AccessArea).where(AccessArea.id == area_id).with_for_update().execution_options(populate_existing=True)
    )
    if area is None:
        raise UnknownArea
    return area

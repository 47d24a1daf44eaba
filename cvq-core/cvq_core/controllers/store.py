"""Controllers and their points, and what they report of themselves."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import TOPIC, note_change
from cvq_core.access.tables import AccessPoint
from cvq_core.controllers.tables import LIST_HOURS, ControlledPoint, Controller, ControllerReport
from cvq_core.controllers.wire import HealthReport
from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal
from cvq_core.journal.store import Actor, record
from cvq_core.live.tables import LiveEvent
from cvq_core.staff.rules import Principal

REPORTS_KEPT = 10
SILENT_AFTER = timedelta(minutes=5)
LATE_AFTER = timedelta(minutes=1)
"""How long a change may take to reach a site whose line is up: what is promised, and beyond which it is told of."""
CLOCK_OFF_MS = 30_000
TWINS_SHOWN = timedelta(days=1)
POINTS_MAX = 64
LIST_HOURS_MAX = 336


class UnknownController(NotFound):
    """No controller has this id."""

    slug = "unknown-controller"
    message = N_("Ce contrôleur de site n’est pas connu.")


class ControllerNameTaken(Refusal):
    """Another controller has this name."""

    slug = "controller-name-taken"
    message = N_("Un autre contrôleur de site porte déjà ce nom.")
    what_to_do = N_("Choisissez un autre nom.")


class BadController(BadInput):
    """No name, no site, too many points, or hours out of bounds."""

    slug = "bad-controller"
    message = N_("Un contrôleur a un nom, un lieu, 64 points d’accès au plus et une liste valable de 1 à 336 heures.")


class PointNotItsOwn(Forbidden):
    """A controller speaks for the points of its own site alone."""

    slug = "point-not-its-own"
    message = N_("Ce point d’accès n’est pas l’un de ceux de ce contrôleur.")
    what_to_do = N_("Demandez à l’administrateur de vérifier les points du contrôleur.")


class OnlyControllers(Forbidden):
    """These routes answer for the points of a site, and nobody else speaks for them."""

    slug = "only-controllers"
    message = N_("Cette adresse est celle des contrôleurs de site.")


async def make_controller(
    db: AsyncSession, controller_id: UUID, *, name: str, site: str, list_hours: int = LIST_HOURS, now: datetime
) -> Controller:
    """Add a controller; it has no points and no machine yet.

    Raises:
        BadController, ControllerNameTaken
    """
    if not (1 <= len(name) <= 120 and 1 <= len(site) <= 120 and 1 <= list_hours <= LIST_HOURS_MAX):
        raise BadController
    if await db.scalar(select(Controller.id).where(Controller.name == name)) is not None:
        raise ControllerNameTaken
    controller = Controller(
        id=controller_id,
        name=name,
        site=site,
        salt=secrets.token_bytes(32),
        list_hours=list_hours,
        created_at=now,
    )
    db.add(controller)
    await db.flush()
    return controller


async def give_points(
    db: AsyncSession, controller_id: UUID, points: Collection[UUID], *, actor: Actor, now: datetime
) -> None:
    """Have a controller decide for exactly these points; those that another one had are its own from now on.

    Raises:
        UnknownController, BadController, PointNotItsOwn: a point does not exist.
    """
    if await db.get(Controller, controller_id) is None:
        raise UnknownController
    wanted = frozenset(points)
    if len(wanted) > POINTS_MAX:
        raise BadController
    known = frozenset(await db.scalars(select(AccessPoint.id).where(AccessPoint.id.in_(wanted))))
    if known != wanted:
        raise PointNotItsOwn
    await db.execute(delete(ControlledPoint).where(ControlledPoint.controller_id == controller_id))
    await db.execute(delete(ControlledPoint).where(ControlledPoint.point_id.in_(wanted)))
    db.add_all(ControlledPoint(point_id=point_id, controller_id=controller_id) for point_id in sorted(wanted))
    await db.flush()
    # Of whoever lost a point too: people are told by groups of points, which are numbered anew.
    note_change(db, now=now, everybody=True)
    record(
        db,
        now=now,
        actor=actor,
        action="controller-points-set",
        subject=("controller", controller_id),
        personal={"points": len(wanted)},
    )


async def points_of_controller(db: AsyncSession, controller_id: UUID) -> frozenset[UUID]:
    """Return the access points for which a controller decides."""
    return frozenset(
        await db.scalars(select(ControlledPoint.point_id).where(ControlledPoint.controller_id == controller_id))
    )


async def controller_of(db: AsyncSession, principal: Principal) -> Controller:
    """Return the controller that asks.

    Raises:
        OnlyControllers: somebody else does.
    """
    found = await db.get(Controller, principal.subject_id) if principal.kind == "controller" else None
    if found is None:
        raise OnlyControllers
    return found


async def take_report(db: AsyncSession, controller: Controller, report: HealthReport, *, now: datetime) -> bool:
    """Note how a controller is; return whether another machine uses its key.

    A process that was started anew reports under another instance, and the one before never again. So a report from an
    instance that another one has followed comes from a second machine with the same key.
    """
    rows = list(
        await db.scalars(
            select(ControllerReport)
            .where(ControllerReport.controller_id == controller.id)
            .order_by(ControllerReport.begun_at.desc(), ControllerReport.instance)
            .with_for_update()
        )
    )
    known = next((row for row in rows if row.instance == report.instance), None)
    if known is None:
        known = ControllerReport(controller_id=controller.id, instance=report.instance, begun_at=now)
        db.add(known)
        for old in rows[REPORTS_KEPT - 1 :]:
            await db.delete(old)
    elif rows[0] is not known:
        await _note_twins(db, controller, now)
    known.reported_at = now
    known.software, known.queued, known.oldest_tap_at = report.software, report.queued, report.oldest_tap_at
    known.list_made_at, known.list_until, known.sequence = report.list_made_at, report.list_until, report.sequence
    known.clock_ahead_ms = report.clock_ahead_ms
    known.change_delay_ms, known.change_delay_worst_ms = report.change_delay_ms, report.change_delay_worst_ms
    known.troubles = {"slugs": [trouble[:60] for trouble in report.troubles]}
    known.readers = {"states": [state.model_dump(mode="json") for state in report.readers]}
    return controller.twins_seen_at is not None and now - controller.twins_seen_at < TWINS_SHOWN


async def _note_twins(db: AsyncSession, controller: Controller, now: datetime) -> None:
    """Note that two machines use one key, in the journal once a day."""
    if controller.twins_seen_at is None or now - controller.twins_seen_at > TWINS_SHOWN:
        record(
            db,
            now=now,
            actor=Actor("controller", controller.id, controller.name),
            action="controller-twins",
            outcome="failed",
            subject=("controller", controller.id),
        )
    await db.execute(update(Controller).where(Controller.id == controller.id).values(twins_seen_at=now))
    controller.twins_seen_at = now


@dataclass(frozen=True, slots=True)
class ControllerState:
    """How a controller is, for those who watch it: `faults` are slugs, none where all is well.

    `silent` has not reported for `SILENT_AFTER`; `late` does not know a change that is older than `LATE_AFTER`;
    `twins`, `clock-off` and `list-expired` say what they say; others are the controller's own.
    """

    controller: Controller
    report: ControllerReport | None
    faults: tuple[str, ...]


async def last_report(db: AsyncSession, controller_id: UUID) -> ControllerReport | None:
    """Return what a controller last said of itself, None where it never did."""
    report: ControllerReport | None = await db.scalar(
        select(ControllerReport)
        .where(ControllerReport.controller_id == controller_id)
        .order_by(ControllerReport.reported_at.desc())
        .limit(1)
    )
    return report


async def states(db: AsyncSession, *, now: datetime) -> list[ControllerState]:
    """Return how each controller is, by name."""
    found = []
    for controller in await db.scalars(select(Controller).order_by(Controller.name)):
        report = await last_report(db, controller.id)
        found.append(ControllerState(controller, report, tuple(await _faults(db, controller, report, now))))
    return found


async def _faults(
    db: AsyncSession, controller: Controller, report: ControllerReport | None, now: datetime
) -> list[str]:
    faults = []
    if controller.twins_seen_at is not None and now - controller.twins_seen_at < TWINS_SHOWN:
        faults.append("twins")
    if report is None:
        return [*faults, "never-seen"]
    if now - report.reported_at > SILENT_AFTER:
        faults.append("silent")
    if abs(report.clock_ahead_ms) > CLOCK_OFF_MS:
        faults.append("clock-off")
    if report.list_until is None or report.list_until <= now:
        faults.append("list-expired")
    elif await _is_late(db, report.sequence or 0, now):
        faults.append("late")
    return faults + [str(slug) for slug in report.troubles.get("slugs", [])]


async def _is_late(db: AsyncSession, sequence: int, now: datetime) -> bool:
    missed: datetime | None = await db.scalar(
        select(LiveEvent.created_at)
        .where(LiveEvent.topic == TOPIC, LiveEvent.sequence > sequence)
        .order_by(LiveEvent.sequence)
        .limit(1)
    )
    return missed is not None and now - missed > LATE_AFTER

"""How the sites' controllers are, for those who watch: one by one, in Prometheus's format, and as JSON."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import AccessPoint
from cvq_core.controllers.store import LATE_AFTER, ControllerState, states
from cvq_core.controllers.tables import ControlledPoint, ControllerReport


@dataclass(frozen=True, slots=True)
class BlockDelay:
    """How long a blocked card or a cancelled reservation takes to count at a controller's points.

    `stated` holds while the line is up, `until` is the latest instant without it (None: no list there). `last` and
    `longest` (of a day) are what the controller measured, None where nothing has changed.
    """

    stated: timedelta
    until: datetime | None
    last: timedelta | None
    longest: timedelta | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A controller with its points, by code; the delay is that of each of them."""

    state: ControllerState
    points: tuple[AccessPoint, ...]
    delay: BlockDelay


def delay_of(report: ControllerReport | None) -> BlockDelay:
    """Return what is stated and was measured of a controller's last report."""
    if report is None:
        return BlockDelay(LATE_AFTER, None, None, None)
    last, longest = report.change_delay_ms, report.change_delay_worst_ms
    return BlockDelay(
        LATE_AFTER,
        report.list_until,
        None if last is None else timedelta(milliseconds=last),
        None if longest is None else timedelta(milliseconds=longest),
    )


async def watched(db: AsyncSession, *, now: datetime) -> list[Watched]:
    """Return every controller, by name."""
    rows = await db.execute(
        select(ControlledPoint.controller_id, AccessPoint)
        .join(AccessPoint, AccessPoint.id == ControlledPoint.point_id)
        .order_by(AccessPoint.code)
    )
    points: dict[UUID, list[AccessPoint]] = defaultdict(list)
    for controller_id, point in rows:
        points[controller_id].append(point)
    return [
        Watched(state, tuple(points[state.controller.id]), delay_of(state.report))
        for state in await states(db, now=now)
    ]


async def metrics(db: AsyncSession, now: datetime) -> bytes:
    """Return the controllers' figures in Prometheus's text format; a figure that nobody knows is left out."""
    registry = CollectorRegistry()

    def gauge(name: str, words: str, *more: str) -> Gauge:
        return Gauge(f"cvq_controller_{name}", words, ["controller", *more], registry=registry)

    queued = gauge("queued_taps", "Taps that the controller has and the core does not")
    silent = gauge("silent_seconds", "Time since the controller was last heard")
    age = gauge("list_age_seconds", "Age of the list that its points decide on")
    left = gauge("list_left_seconds", "How long that list still decides without the core")
    ahead = gauge("clock_ahead_seconds", "How far its machine's clock is ahead")
    delay = gauge("change_delay_seconds", "How long the last change took to count there")
    longest = gauge("change_delay_longest_seconds", "The longest of a day")
    fault = gauge("fault", "1 for each thing that is wrong", "fault")
    for state in await states(db, now=now):
        name, report = state.controller.name, state.report
        for slug in state.faults:
            fault.labels(name, slug).set(1)
        if report is None:
            continue
        queued.labels(name).set(report.queued)
        silent.labels(name).set((now - report.reported_at).total_seconds())
        ahead.labels(name).set(report.clock_ahead_ms / 1000)
        if report.list_made_at is not None and report.list_until is not None:
            age.labels(name).set((now - report.list_made_at).total_seconds())
            left.labels(name).set((report.list_until - now).total_seconds())
        measured = delay_of(report)
        if measured.last is not None and measured.longest is not None:
            delay.labels(name).set(measured.last.total_seconds())
            longest.labels(name).set(measured.longest.total_seconds())
    return generate_latest(registry)

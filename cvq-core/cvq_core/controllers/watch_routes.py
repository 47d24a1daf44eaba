"""How the sites' controllers are, over HTTP, for administrators and their supervision."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from cvq_core.controllers.watching import Watched, watched
from cvq_core.controllers.wire import ReaderState
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1/controllers", tag="controllers")


class BlockDelayOut(BaseModel):
    """How long a blocked card or a cancelled reservation takes to count at a point, in seconds: stated and measured.

    Without the line it counts once the line is back, and at the latest `without_line_until`, when the list expires.
    """

    stated_seconds: float
    without_line_until: AwareDatetime | None
    last_seconds: float | None
    longest_of_a_day_seconds: float | None


class WatchedPointOut(BaseModel):
    """A point of a controller's."""

    id: UUID
    code: str
    label: str
    service: str
    block_delay: BlockDelayOut


class WatchedOut(BaseModel):
    """A controller: `faults` are slugs, none where all is well; what it said of itself is empty before it ever did."""

    id: UUID
    name: str
    site: str
    faults: list[str]
    reported_at: AwareDatetime | None = None
    silent_seconds: float | None = None
    software: str | None = None
    queued_taps: int | None = None
    oldest_tap_at: AwareDatetime | None = None
    list_made_at: AwareDatetime | None = None
    list_age_seconds: float | None = None
    list_until: AwareDatetime | None = None
    clock_ahead_ms: int | None = None
    readers: list[ReaderState] = []
    points: list[WatchedPointOut]


class AllWatchedOut(BaseModel):
    """Every controller, by name."""

    items: list[WatchedOut]


@routes.get("", access=Permission.ADMINISTER, answer=AllWatchedOut)
async def all_controllers(context: Context) -> AllWatchedOut:
    """Say how each controller is, and how long a block takes at each of its points."""
    return AllWatchedOut(items=[_out(context, each) for each in await watched(context.db, now=context.now)])


def _out(context: Context, found: Watched) -> WatchedOut:
    state, report, now = found.state, found.state.report, context.now
    delay = BlockDelayOut(
        stated_seconds=found.delay.stated.total_seconds(),
        without_line_until=found.delay.until,
        last_seconds=_seconds(found.delay.last),
        longest_of_a_day_seconds=_seconds(found.delay.longest),
    )
    out = WatchedOut(
        id=state.controller.id,
        name=state.controller.name,
        site=state.controller.site,
        faults=list(state.faults),
        points=[
            WatchedPointOut(
                id=point.id, code=point.code, label=point.label, service=point.service_code.value, block_delay=delay
            )
            for point in found.points
        ],
    )
    if report is None:
        return out
    made_at = report.list_made_at
    return out.model_copy(
        update={
            "reported_at": report.reported_at,
            "silent_seconds": _seconds(now - report.reported_at),
            "software": report.software,
            "queued_taps": report.queued,
            "oldest_tap_at": report.oldest_tap_at,
            "list_made_at": made_at,
            "list_age_seconds": None if made_at is None else _seconds(now - made_at),
            "list_until": report.list_until,
            "clock_ahead_ms": report.clock_ahead_ms,
            "readers": [ReaderState.model_validate(each) for each in report.readers.get("states", [])],
        }
    )


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()

"""What doors upload: taps that they decided while the line was cut, and what happened to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cvq_core.access.events import NewPointEvent, note_events
from cvq_core.access.facts import Assurance, Manner, PointEventKind
from cvq_core.access.late import LateAnswer, LateTap, points_of, take_late
from cvq_core.access.late_rules import Decided
from cvq_core.access.scene import TapRequest
from cvq_core.access.taps import BATCH_MAX
from cvq_core.access.words import DISPLAY_CHARACTERS
from cvq_core.cards.rules import BadCardUid, card_uid
from cvq_core.instants import ClockInstant
from cvq_core.staff.rules import Permission, Principal
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="access")
EVENTS_MAX = 100


class DecidedBody(BaseModel):
    """What the door did: `reason` in its own words, `snapshot` the list that it decided on."""

    model_config = ConfigDict(extra="forbid")

    allowed: bool
    reason: str = Field(pattern=r"^[a-z-]{1,60}$")
    display_short: str = Field(max_length=200, description=f"{DISPLAY_CHARACTERS} characters of it are kept")
    display_long: str = Field(default="", max_length=300)
    snapshot: str | None = Field(default=None, max_length=80)
    clock: Literal["sure", "unsure"] = "sure"


class LateTapBody(BaseModel):
    """A card or a tick that a door decided by itself; the same id is the same tap, however it comes."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    point_id: UUID
    card_uid: str | None = Field(default=None, min_length=1, max_length=60)
    person_id: UUID | None = None
    tapped_at: ClockInstant
    assurance: Assurance = Assurance.UID
    decided: DecidedBody

    @model_validator(mode="after")
    def _one_of_the_two(self) -> LateTapBody:
        if (self.card_uid is None) == (self.person_id is None):
            raise ValueError("either a card or a person")
        return self


class BatchBody(BaseModel):
    """Taps in any order, sent any number of times."""

    model_config = ConfigDict(extra="forbid")

    taps: list[LateTapBody] = Field(min_length=1, max_length=BATCH_MAX)


class LateTapOut(BaseModel):
    """What became of one tap: a refused one is not kept, `refused` says why; conflicts are listed for a manager."""

    id: UUID
    recorded: bool
    refused: str | None
    conflicts: list[str]


class BatchOut(BaseModel):
    """One answer for each tap, in the order in which they came."""

    taps: list[LateTapOut]


class PointEventBody(BaseModel):
    """What a door or its reader says of itself."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    point_id: UUID
    kind: PointEventKind
    happened_at: ClockInstant
    detail: str = Field(default="", max_length=120)


class PointEventsBody(BaseModel):
    """Events in any order, sent any number of times."""

    model_config = ConfigDict(extra="forbid")

    events: list[PointEventBody] = Field(min_length=1, max_length=EVENTS_MAX)


class PointEventsOut(BaseModel):
    """Which events are kept now, and which belong to a point that this device does not speak for."""

    recorded: list[UUID]
    refused: list[UUID]


@routes.post("/taps/batch", access=Permission.TAP, body=BatchBody, answer=BatchOut)
async def batch(context: Context, body: BatchBody) -> BatchOut:
    """Record taps that were decided at the door; any order, any number of times."""
    points = await points_of(context.db, context.principal)
    kept = timedelta(days=context.services.settings.taps_days_kept)
    taps = [_late(context.principal, each) for each in body.taps]
    answers = await take_late(context.db, taps, points=points, now=context.now, kept=kept)
    return BatchOut(taps=[_out(answer) for answer in answers])


@routes.post("/point-events", access=Permission.TAP, body=PointEventsBody, answer=PointEventsOut)
async def point_events(context: Context, body: PointEventsBody) -> PointEventsOut:
    """Record that a door was forced or held open, that a reader was tampered with, or lost its line."""
    events = [NewPointEvent(each.id, each.point_id, each.kind, each.happened_at, each.detail) for each in body.events]
    points = await points_of(context.db, context.principal)
    await note_events(context.db, events, points=points, device_id=context.principal.id, now=context.now)
    return PointEventsOut(
        recorded=[each.id for each in events if each.point_id in points],
        refused=[each.id for each in events if each.point_id not in points],
    )


def _late(principal: Principal, body: LateTapBody) -> LateTap:
    decided = body.decided
    return LateTap(
        TapRequest(
            id=body.id,
            point_id=body.point_id,
            tapped_at=body.tapped_at,
            manner=Manner.CARD if body.card_uid is not None else Manner.TICK,
            card_uid=_uid(body.card_uid) if body.card_uid is not None else None,
            person_id=body.person_id,
            # A reader alone has nothing to prove a card with: a site's controller says what it verified.
            assurance=Assurance.UID if principal.kind == "reader" else body.assurance,
            reader_id=principal.id if principal.kind == "reader" else principal.subject_id,
        ),
        Decided(decided.allowed, decided.reason, decided.display_short, decided.display_long, decided.clock == "sure"),
    )


def _uid(seen: str) -> str:
    """Return what a door saw as cards are known by; what can be no card's is some unknown card, and held back by none.

    A batch that were refused for it would keep the others from coming in, for ever.
    """
    try:
        return card_uid(seen)
    except BadCardUid:
        return seen.strip().upper()


def _out(answer: LateAnswer) -> LateTapOut:
    return LateTapOut(
        id=answer.id,
        recorded=answer.refused is None,
        refused=answer.refused,
        conflicts=[kind.value for kind in answer.conflicts],
    )

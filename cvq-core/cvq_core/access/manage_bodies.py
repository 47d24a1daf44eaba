"""What the managers' routes of access take and answer."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cvq_core.access.facts import (
    EVERY_DAY,
    Assurance,
    Direction,
    Fallback,
    PointEventKind,
    PointKind,
    PointMode,
    Reason,
    RightKind,
)
from cvq_core.access.late_rules import ConflictKind, ConflictOutcome
from cvq_core.instants import Instant
from cvq_core.services.rules import ServiceCode

TEXT = Field(min_length=1, max_length=120)
CODE = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,59}$")


class Body(BaseModel):
    """What is sent here: nothing unknown. `id` is made by who asks, and makes a repetition harmless."""

    model_config = ConfigDict(extra="forbid")


class SettingsBody(Body):
    """Settings of a point; what is not named stays as it is (`facts.Point` says what each means)."""

    label: str | None = Field(default=None, min_length=1, max_length=120)
    site: str | None = Field(default=None, min_length=1, max_length=120)
    price_code: str | None = Field(default=None, max_length=40)
    assurance: Assurance | None = None
    shows_balance: bool | None = None
    direction: Direction | None = None
    area_id: UUID | None = None
    passback_minutes: int | None = Field(default=None, ge=0, le=1440)
    double_tap_s: int | None = Field(default=None, ge=0, le=60)
    guardian_age: int | None = Field(default=None, ge=1, le=18)
    guardian_minutes: int | None = Field(default=None, ge=0, le=60)
    clock_tolerance_s: int | None = Field(default=None, ge=5, le=3600)
    offline_fallback: Fallback | None = None
    reserved_only: bool | None = None

    def changes(self) -> dict[str, Any]:
        """Return what was named; none of a price, an area or an age takes it away."""
        told = {name: getattr(self, name) for name in self.model_fields_set & SettingsBody.model_fields.keys()}
        return {name: value for name, value in told.items() if value is not None or name in _MAY_BE_NONE}


_MAY_BE_NONE = frozenset({"price_code", "area_id", "guardian_age"})


class NewPointBody(SettingsBody):
    """A point to add. Nobody sets up a door without saying what it accepts: there is no default."""

    id: UUID
    code: str = CODE
    kind: PointKind
    service: ServiceCode
    label: str = TEXT
    site: str = TEXT
    assurance: Assurance


class ModeBody(Body):
    """The mode of some points, and why."""

    points: list[UUID] = Field(min_length=1, max_length=200)
    mode: PointMode
    reason: str = Field(min_length=3, max_length=200)


class AreaBody(Body):
    """What an area is called, how many it holds, when nobody is inside any more (local hour; none: midnight)."""

    label: str = TEXT
    capacity: int | None = Field(default=None, ge=1, le=100_000)
    closes_at: time | None = None


class NewAreaBody(AreaBody):
    """An area to add."""

    id: UUID
    code: str = CODE


class InsideBody(Body):
    """How many somebody counted inside."""

    inside: int = Field(ge=0, le=100_000)


class RightBody(Body):
    """A right to give to a person or to everybody of an account."""

    id: UUID
    kind: RightKind
    service: ServiceCode
    person_id: UUID | None = None
    account_id: UUID | None = None
    point_id: UUID | None = None
    site: str | None = Field(default=None, min_length=1, max_length=120)
    valid_from: Instant
    valid_until: Instant | None = None
    entries: int | None = Field(default=None, ge=1, le=10_000)
    weekdays: int = Field(default=EVERY_DAY, ge=1, le=127)
    opens_at: time | None = None
    closes_at: time | None = None
    on_holidays: bool = True

    @model_validator(mode="after")
    def _fits(self) -> RightBody:
        if (self.person_id is None) == (self.account_id is None):
            raise ValueError("either a person or an account")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("it ends before it begins")
        return self


class ExplainBody(Body):
    """A card (as it is printed, or as a reader sees it) or a person, at a point and an instant (none: now)."""

    point_id: UUID
    card_number: str | None = Field(default=None, max_length=20)
    card_uid: str | None = Field(default=None, max_length=60)
    person_id: UUID | None = None
    at: Instant | None = None
    assurance: Assurance | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> ExplainBody:
        if [self.card_number, self.card_uid, self.person_id].count(None) != 2:
            raise ValueError("a number, a card or a person")
        return self


class SettleBody(Body):
    """What becomes of a conflict, and why."""

    outcome: ConflictOutcome
    reason: str = Field(min_length=3, max_length=200)


class Out(BaseModel):
    """What is answered, read off an object."""

    model_config = ConfigDict(from_attributes=True)


class PointOut(Out):
    """An access point with its settings."""

    id: UUID
    code: str
    label: str
    site: str
    kind: PointKind
    service_code: ServiceCode
    price_code: str | None
    assurance: Assurance
    mode: PointMode
    mode_since: datetime | None
    shows_balance: bool
    direction: Direction
    area_id: UUID | None
    passback_minutes: int
    double_tap_s: int
    guardian_age: int | None
    guardian_minutes: int
    clock_tolerance_s: int
    offline_fallback: Fallback
    reserved_only: bool


class PointsOut(BaseModel):
    """Some points."""

    items: list[PointOut]


class AreaOut(BaseModel):
    """An area and how many are inside now."""

    id: UUID
    code: str
    label: str
    capacity: int | None
    closes_at: time | None
    inside: int


class AreasOut(BaseModel):
    """Some areas."""

    items: list[AreaOut]


class RightOut(Out):
    """A right."""

    id: UUID
    kind: RightKind
    service_code: ServiceCode
    valid_from: datetime
    valid_until: datetime | None
    entries_left: int | None


class RecentTapOut(BaseModel):
    """What was presented, by whom, and what came of it."""

    id: UUID
    person: str
    tapped_at: datetime
    allowed: bool
    reason: Reason
    display_short: str
    assurance: Assurance
    offline: bool


class RecentTapsOut(BaseModel):
    """What was presented at a point."""

    items: list[RecentTapOut]


class ExplanationOut(BaseModel):
    """What a point would answer, and the facts that it rests on in sentences."""

    person_id: UUID | None
    person: str
    allowed: bool
    reason: Reason
    display_short: str
    display_long: str
    sentences: list[str]


class ConflictOut(BaseModel):
    """What a late tap showed, with what nobody paid for; the hour and the point as long as the tap is kept."""

    id: UUID
    kind: ConflictKind
    words: str
    point: str
    person: str
    account: str
    day: date
    tapped_at: datetime | None
    door_allowed: bool
    core_reason: Reason
    amount_cents: int
    was_charged: bool


class ConflictsOut(BaseModel):
    """What waits to be settled."""

    items: list[ConflictOut]


class SettledOut(Out):
    """What was decided of a conflict; `transaction_id` is the invoice or the reversal."""

    conflict_id: UUID
    outcome: ConflictOutcome
    transaction_id: UUID | None


class EventOut(BaseModel):
    """What a door said of itself."""

    id: UUID
    point: str
    kind: PointEventKind
    happened_at: datetime
    detail: str


class EventsOut(BaseModel):
    """What doors said of themselves."""

    items: list[EventOut]


class TwoSitesOut(Out):
    """A card at one site and, too soon afterwards, at another."""

    person: str
    first_site: str
    first_at: datetime
    second_site: str
    second_at: datetime


class LentOut(BaseModel):
    """Cards that may be lent, or copied."""

    items: list[TwoSitesOut]


class EndedOut(BaseModel):
    """Whether a right still held when it was ended."""

    ended: bool

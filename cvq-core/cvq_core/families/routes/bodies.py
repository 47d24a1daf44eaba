"""What several routes of families take and answer."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    """What is sent here: nothing unknown. `id` is made by who asks, and makes a repetition harmless."""

    model_config = ConfigDict(extra="forbid")


class ReasonBody(Body):
    """Something done to an account, and why."""

    id: UUID
    reason: str = Field(min_length=3, max_length=200)


class RecordedOut(BaseModel):
    """What was recorded, under the id that was sent."""

    id: UUID


class AccountOut(BaseModel):
    """A family account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: str
    label: str
    opened_on: date
    closed_on: date | None
    merged_into_id: UUID | None

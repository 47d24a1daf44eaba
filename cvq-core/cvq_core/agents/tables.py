"""Tables of staff lists: whose they are, which doors a group opens, who is on one, and what each list changed."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.agents.rules import RunOutcome
from cvq_core.append_only import append_only
from cvq_core.database import Base


class StaffList(Base):
    """An employer whose list comes as a file or from a directory; too many missing at once are not believed.

    `dropped_at` is when the file was written that was read last, or the directory asked: a list that comes no more
    closes no door. `read_at` is when one was last believed, `reading` what it said beyond changes: `listed` (how many),
    `unknown` (numbers of people whom nobody here is), `without_doors` (groups). `trouble` is why there was none, since
    `trouble_at`; NULL where there was one.
    """

    __tablename__ = "staff_list"
    __table_args__ = (CheckConstraint("leavers_percent_max BETWEEN 0 AND 100", name="leavers"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    leavers_percent_max: Mapped[int] = mapped_column(SmallInteger)
    made_at: Mapped[datetime]
    dropped_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    reading: Mapped[dict[str, Any] | None]
    trouble: Mapped[str | None] = mapped_column(String(40))
    trouble_at: Mapped[datetime | None]


class AgentGroup(Base):
    """When the people of a group may enter; `name` is compared without accents and capitals, `label` is shown."""

    __tablename__ = "agent_group"
    __table_args__ = (CheckConstraint("weekdays BETWEEN 1 AND 127", name="weekdays"),)

    list_id: Mapped[UUID] = mapped_column(ForeignKey("staff_list.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    weekdays: Mapped[int] = mapped_column(SmallInteger)
    opens_at: Mapped[time | None]
    closes_at: Mapped[time | None]


class AgentGroupPoint(Base):
    """A door of a group."""

    __tablename__ = "agent_group_point"
    __table_args__ = (ForeignKeyConstraint(["list_id", "name"], ["agent_group.list_id", "agent_group.name"]),)

    list_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"), primary_key=True)


class Agent(Base):
    """Somebody of an employer, under its number for them; `left_at` when they were first missing on its list."""

    __tablename__ = "agent"
    __table_args__ = (UniqueConstraint("list_id", "number"), Index("ix_agent_person", "person_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    list_id: Mapped[UUID] = mapped_column(ForeignKey("staff_list.id"))
    number: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    group_name: Mapped[str] = mapped_column(String(80))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class AgentRight(Base):
    """A right that a list gave, or ended, or both; `valid_until` is the end that it had before a list ended it.

    A right that never began may be gone itself (`access.store`).
    """

    __tablename__ = "agent_right"
    __table_args__ = (Index("ix_agent_right_agent", "agent_id"),)

    right_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id"))
    point_id: Mapped[UUID | None]
    valid_until: Mapped[datetime | None]
    given_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_run.id"))
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_run.id"))


class StaffRun(Base):
    """A list that was applied or refused, or the undoing of one: `undoes_id`. `report` names nobody but by id.

    `digest` is the file's SHA-256: what was refused or undone is not tried again by itself.
    """

    __tablename__ = "staff_run"
    __table_args__ = (
        Index("ix_staff_run_list", "list_id", "at"),
        CheckConstraint("(outcome = 'undoing') = (undoes_id IS NOT NULL)", name="undoing"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    list_id: Mapped[UUID] = mapped_column(ForeignKey("staff_list.id"))
    at: Mapped[datetime]
    file_name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[RunOutcome]
    slug: Mapped[str] = mapped_column(String(40))
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_run.id"), unique=True)
    report: Mapped[dict[str, Any]]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]


append_only(StaffRun.__table__)

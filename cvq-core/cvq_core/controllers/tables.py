"""Tables of site controllers. A controller's machine is the `Device` whose subject is its row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base

LIST_HOURS = 72
"""How long a list decides after the line was cut, where nothing else was set."""


class Controller(Base):
    """A machine that stands beside the readers of a site and decides for them (`ControlledPoint`).

    `salt` keys the digests under which it knows cards: no list of card numbers lies on its disk. `list_hours` is how
    long its list holds without the core. `twins_seen_at` is when two machines were last seen to use its key.
    """

    __tablename__ = "controller"
    __table_args__ = (CheckConstraint("list_hours BETWEEN 1 AND 336", name="list_hours"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    site: Mapped[str] = mapped_column(String(120))
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    list_hours: Mapped[int] = mapped_column(default=LIST_HOURS)
    created_at: Mapped[datetime]
    twins_seen_at: Mapped[datetime | None]


class ControlledPoint(Base):
    """Which controller decides at an access point while the line is cut; at most one. Others ask the core alone."""

    __tablename__ = "controlled_point"

    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"), primary_key=True)
    controller_id: Mapped[UUID] = mapped_column(ForeignKey("controller.id"), index=True)


class ControllerReport(Base):
    """The last thing that one process of a controller said of itself; a process that was started anew is another one.

    `begun_at` is its first report, `sequence` the last change that it knows of, `clock_ahead_ms` how far its machine's
    clock ran ahead of ours, `readers` what it knows of the readers at its points. `change_delay_ms` is how long the
    last change (a blocked card, a cancelled reservation) took to count there, `change_delay_worst_ms` the longest of
    a day.
    """

    __tablename__ = "controller_report"
    __table_args__ = (Index("ix_controller_report_reported", "controller_id", "reported_at"),)

    controller_id: Mapped[UUID] = mapped_column(ForeignKey("controller.id"), primary_key=True)
    instance: Mapped[UUID] = mapped_column(primary_key=True)
    begun_at: Mapped[datetime]
    reported_at: Mapped[datetime]
    software: Mapped[str] = mapped_column(String(60))
    queued: Mapped[int]
    oldest_tap_at: Mapped[datetime | None]
    list_made_at: Mapped[datetime | None]
    list_until: Mapped[datetime | None]
    sequence: Mapped[int | None]
    clock_ahead_ms: Mapped[int] = mapped_column(BigInteger)
    change_delay_ms: Mapped[int | None] = mapped_column(BigInteger)
    change_delay_worst_ms: Mapped[int | None] = mapped_column(BigInteger)
    troubles: Mapped[dict[str, Any]]
    readers: Mapped[dict[str, Any]]

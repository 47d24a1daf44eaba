"""Tables of minutes and of their numbers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.minutes.rules import MinuteKind


class MinuteSeries(Base):
    """The numbers of an office's minutes, without a gap; they bear the office's code."""

    __tablename__ = "minute_series"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0)


class Minute(Base):
    """A minute. `printed` holds every word and amount on the paper; `asked` what it was made from, to know it again."""

    __tablename__ = "minute"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        Index("ix_minute_sub_office", "sub_office_id", "number"),
        CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("minute_series.office_id"))
    number: Mapped[int]
    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"))
    kind: Mapped[MinuteKind]
    made_at: Mapped[datetime]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    asked: Mapped[str] = mapped_column(String(64))
    printed: Mapped[dict[str, Any]]


append_only(Minute.__table__)

"""The table of figures."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.access.facts import Reason
from cvq_core.database import Base


class Footfall(Base):
    """How many taps of a day ended alike at a point, within a local hour or, `hour` -1, over the whole day."""

    __tablename__ = "footfall"
    __table_args__ = (
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("hour BETWEEN -1 AND 23", name="hour"),
        Index("ix_footfall_point", "point_id", "day"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"), primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    reason: Mapped[Reason] = mapped_column(primary_key=True)
    allowed: Mapped[bool] = mapped_column(primary_key=True)
    number: Mapped[int]


class FootfallCount(Base):
    """Up to which receipt of taps the figures are counted: one row. A late tap makes its day be counted again."""

    __tablename__ = "footfall_count"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, default=1)
    received_until: Mapped[datetime]

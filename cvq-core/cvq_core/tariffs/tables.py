"""Tables of tariffs: each version as it was proposed, and the days from which adopted ones hold. Both only grow."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.services.rules import ServiceCode


class TariffVersion(Base):
    """A tariff of a service as somebody proposed it: `text` is the file, word for word, with its comments.

    `number` counts a service's versions. `format` is the way of writing that `text` was read in.
    """

    __tablename__ = "tariff_version"
    __table_args__ = (UniqueConstraint("service_code", "number"), CheckConstraint("number > 0", name="number"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text)
    format: Mapped[int] = mapped_column(SmallInteger, default=1)
    proposed_by: Mapped[UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(120))
    proposed_at: Mapped[datetime]


class TariffAdoption(Base):
    """That a version holds from a day on, until the next one that was adopted begins."""

    __tablename__ = "tariff_adoption"
    __table_args__ = (Index("ix_tariff_adoption_service", "service_code", "valid_from"),)

    version_id: Mapped[UUID] = mapped_column(ForeignKey("tariff_version.id"), primary_key=True)
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    valid_from: Mapped[date]
    adopted_by: Mapped[UUID | None]
    adopted_by_name: Mapped[str] = mapped_column(String(120))
    adopted_at: Mapped[datetime]


append_only(TariffVersion.__table__)
append_only(TariffAdoption.__table__)

"""Tables of services, their dated funding policies and their provisional prices."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base
from cvq_core.services.rules import FundingPolicy, PriceUnit, ServiceCode


class Service(Base):
    """A public service of the territory. Everything refers to it by its code; `id` names it as a scope of grants."""

    __tablename__ = "service"

    code: Mapped[ServiceCode] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    label: Mapped[str] = mapped_column(String(80))
    position: Mapped[int] = mapped_column(SmallInteger)


class ServicePolicy(Base):
    """The funding policy of a service from a day on, until the next one begins: there is no gap and no overlap."""

    __tablename__ = "service_policy"

    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    policy: Mapped[FundingPolicy]


class Price(Base):
    """What one unit of a service costs from a day to another (that day included), in cents."""

    __tablename__ = "price"
    __table_args__ = (
        UniqueConstraint("service_code", "code", "valid_from"),
        CheckConstraint("amount_cents >= 0", name="amount"),
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="period"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    code: Mapped[str] = mapped_column(String(40))
    unit: Mapped[PriceUnit]
    label: Mapped[str] = mapped_column(String(120))
    amount_cents: Mapped[int]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]

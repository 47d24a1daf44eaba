"""Tables of services and their dated funding policies."""

from datetime import date
from uuid import UUID

from sqlalchemy import ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base
from cvq_core.services.rules import FundingPolicy, ServiceCode


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

"""Tables of inquiries for family quotients: who agreed, who they are to the civil register, what was asked."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.particulier.rules import AccordManner, Outcome, Sex


class QuotientAccord(Base):
    """That somebody of an account was informed and agreed (or no longer agrees) that its quotient be asked for.

    The last row of an account holds. The purpose is always the same: the price of the family's local services. What was
    agreed to `once`, in a visit, was good for one question and changes nothing of what holds.
    """

    __tablename__ = "quotient_accord"
    __table_args__ = (Index("ix_quotient_accord_account", "account_id", "recorded_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    agreed: Mapped[bool]
    manner: Mapped[AccordManner]
    once: Mapped[bool] = mapped_column(default=False, server_default=false())
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]


class CivilIdentity(Base):
    """What the civil register knows of a person and an inquiry needs; gone as soon as they no longer agree."""

    __tablename__ = "civil_identity"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    sex: Mapped[Sex]
    birth_country: Mapped[str] = mapped_column(String(5))
    birth_commune: Mapped[str | None] = mapped_column(String(5))


class QuotientRefresh(Base):
    """One round of inquiries for all families that agreed; `month` is the first day of the month asked about.

    `running` is true until it ends and nothing afterwards: its unique index lets no second one begin meanwhile.
    """

    __tablename__ = "quotient_refresh"
    __table_args__ = (
        CheckConstraint("families >= 0", name="families"),
        Index("uq_quotient_refresh_running", "running", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date]
    families: Mapped[int]
    started_at: Mapped[datetime]
    started_by: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
    running: Mapped[bool | None]
    # Why it ended before everybody was asked about, or who ended it.
    stopped: Mapped[Outcome | None]
    stopped_by: Mapped[UUID | None]


class QuotientInquiry(Base):
    """One question and what became of it; of the answer, the quotient alone is kept, in its own table."""

    __tablename__ = "quotient_inquiry"
    __table_args__ = (
        Index("ix_quotient_inquiry_account", "account_id", "asked_at"),
        Index("ix_quotient_inquiry_refresh", "refresh_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    accord_id: Mapped[UUID] = mapped_column(ForeignKey("quotient_accord.id"))
    refresh_id: Mapped[UUID | None] = mapped_column(ForeignKey("quotient_refresh.id"))
    month: Mapped[date]
    asked_at: Mapped[datetime]
    asked_by: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]
    outcome: Mapped[Outcome | None]
    answered_at: Mapped[datetime | None]
    quotient_id: Mapped[UUID | None] = mapped_column(ForeignKey("family_quotient.id"))


append_only(QuotientAccord.__table__)

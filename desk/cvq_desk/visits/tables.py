"""Tables of visits, consents and what the advisor has the booth do."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base


class Visit(Base):
    """One visit. An appointment has one at most, so that two advisors cannot both take it."""

    __tablename__ = "visit"
    __table_args__ = (
        Index(
            "uq_visit_live_appointment",
            "appointment_id",
            unique=True,
            sqlite_where=text("state <> 'released'"),
            postgresql_where=text("state <> 'released'"),
        ),
        Index(
            "uq_visit_live_booth",
            "booth_id",
            unique=True,
            sqlite_where=text("state IN ('ringing', 'in_call', 'hung_up', 'ending', 'wiping')"),
            postgresql_where=text("state IN ('ringing', 'in_call', 'hung_up', 'ending', 'wiping')"),
        ),
        CheckConstraint(
            "state IN ('taken', 'ringing', 'in_call', 'hung_up', 'ending', 'wiping', 'ended', 'released')",
            name="state",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"))
    advisor_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    booth_id: Mapped[UUID] = mapped_column(ForeignKey("booth.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    state: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(String(20), unique=True)
    taken_at: Mapped[datetime]
    ringing_until: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    identity: Mapped[str] = mapped_column(String(20), default="none")
    identity_by: Mapped[str] = mapped_column(String(120), default="")
    card_id: Mapped[UUID | None] = mapped_column(ForeignKey("card.id"))
    card_state: Mapped[str] = mapped_column(String(20), default="absent")
    card_refusal: Mapped[str] = mapped_column(String(60), default="")
    card_message: Mapped[str] = mapped_column(String(300), default="")
    card_removed_at: Mapped[datetime | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    shown: Mapped[str] = mapped_column(String(20), default="welcome")
    current_dossier_id: Mapped[UUID | None]
    current_field: Mapped[str] = mapped_column(String(60), default="")
    curtain: Mapped[bool] = mapped_column(default=False)
    window_shared: Mapped[bool] = mapped_column(default=False)
    media: Mapped[dict[str, Any]]
    wiped: Mapped[dict[str, Any] | None]


class Consent(Base):
    """What the resident was asked, and answered: whose account, what of it, for whom, until when, and how."""

    __tablename__ = "consent"
    __table_args__ = (CheckConstraint("state IN ('asked', 'given', 'refused', 'ended')", name="state"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    scopes: Mapped[list[str]]
    state: Mapped[str] = mapped_column(String(20))
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime]
    until: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    manner: Mapped[str] = mapped_column(String(20), default="")
    with_card: Mapped[bool] = mapped_column(default=False)
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str] = mapped_column(String(40), default="")


class BoothCommand(Base):
    """Something the booth's machine is to do; it stays in the booth's view until the booth has reported its end."""

    __tablename__ = "booth_command"
    __table_args__ = (
        Index("ix_booth_command_open", "booth_id", "ended_at"),
        CheckConstraint(
            "state IN ('asked', 'accepted', 'running', 'waiting', 'done', 'failed', 'cancelled')", name="state"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    booth_id: Mapped[UUID] = mapped_column(ForeignKey("booth.id"))
    kind: Mapped[str] = mapped_column(String(20))
    params: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20))
    detail: Mapped[dict[str, Any]]
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime]
    deadline: Mapped[datetime]
    ended_at: Mapped[datetime | None]

"""The table of what booths report."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base


class BoothStatus(Base):
    """A booth's line and machines, as last reported. `connection` names the socket that holds the line."""

    __tablename__ = "booth_status"

    booth_id: Mapped[UUID] = mapped_column(ForeignKey("booth.id"), primary_key=True)
    connection: Mapped[UUID | None]
    connected_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    software: Mapped[str] = mapped_column(String(60), default="")
    devices: Mapped[dict[str, Any]]
    card_uid: Mapped[str] = mapped_column(String(20), default="")

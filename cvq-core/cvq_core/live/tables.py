"""Tables of live events."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base, Serial


class LiveTopic(Base):
    """A topic's last sequence number; its row serialises the events of the topic, and of nothing else."""

    __tablename__ = "live_topic"

    topic: Mapped[str] = mapped_column(String(120), primary_key=True)
    last_sequence: Mapped[int]


class LiveEvent(Base):
    """One change, told to the pages that watch its topic. Purged after a day: the state itself is elsewhere."""

    __tablename__ = "live_event"
    __table_args__ = (UniqueConstraint("topic", "sequence"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    topic: Mapped[str] = mapped_column(String(120))
    sequence: Mapped[int]
    kind: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)

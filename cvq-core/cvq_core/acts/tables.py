"""The table of what was changed in founding acts and appointments; what holds is in the tables of `offices`."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.acts.rules import ORDER_LENGTH_MAX, ActChangeKind
from cvq_core.append_only import append_only
from cvq_core.database import Base


class ActChange(Base):
    """One change, by whose order; `before` and `after` hold what was and what is, in the words of its kind."""

    __tablename__ = "act_change"
    __table_args__ = (Index("ix_act_change_office", "office_id", "changed_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"))
    sub_office_id: Mapped[UUID | None] = mapped_column(ForeignKey("sub_office.id"))
    # No foreign key: an appointment that is ended before it began is taken away.
    mandate_id: Mapped[UUID | None]
    kind: Mapped[ActChangeKind]
    holds_from: Mapped[date]
    order_reference: Mapped[str] = mapped_column(String(ORDER_LENGTH_MAX))
    order_signed_on: Mapped[date]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    changed_at: Mapped[datetime]


append_only(ActChange.__table__)

"""Tables of dossiers, drafts and documents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base


class Dossier(Base):
    """One request: the form being filled, and the papers that go with it."""

    __tablename__ = "dossier"
    __table_args__ = (CheckConstraint("status IN ('draft', 'complete')", name="status"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    form_code: Mapped[str] = mapped_column(String(60), default="")
    form_version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(String(160))
    reference: Mapped[str] = mapped_column(String(24), unique=True)
    status: Mapped[str] = mapped_column(String(20))
    # Somebody wanted to finish it: what is missing is marked from then on.
    checked: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class DraftField(Base):
    """One answer of a form, saved as it is typed. `revision` lets a late save lose against a newer one."""

    __tablename__ = "draft_field"

    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossier.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    values: Mapped[list[str]]
    revision: Mapped[int] = mapped_column(BigInteger)
    saved_at: Mapped[datetime]


class Document(Base):
    """A paper of a dossier: scanned and filed, or made from the completed form. The content is in the vault."""

    __tablename__ = "document"
    __table_args__ = (
        Index("ix_document_dossier", "dossier_id", "filed_at"),
        CheckConstraint("state IN ('filing', 'ready', 'failed')", name="state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossier.id"))
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(160))
    state: Mapped[str] = mapped_column(String(20))
    trouble: Mapped[str] = mapped_column(String(60), default="")
    media_type: Mapped[str] = mapped_column(String(60))
    page_count: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    key_id: Mapped[str] = mapped_column(String(20), default="")
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    # The pages as they were scanned, kept beside the PDF that was made of them.
    source_id: Mapped[UUID | None]
    source_key_id: Mapped[str] = mapped_column(String(20), default="")
    source_wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    filed_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    filed_at: Mapped[datetime]

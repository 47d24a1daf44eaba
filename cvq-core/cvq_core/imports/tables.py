"""Tables of imports: what was staged of old bases until it is taken over, which records are one person, and the
opening balances with their sign-off.

`content` columns hold what an old base says of people, and are emptied once it is taken over (`keeping`); numbers and
identifiers stay, since they are the key by which a later file of the same base finds what was made.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode


class BatchState(StrEnum):
    """Where an import is: staged, being applied, taken over as far as people go, being taken back, or gone."""

    STAGED = "staged"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"


class FamilyState(StrEnum):
    """Where one family of an import is. What is refused stands with its reason."""

    WAITING = "waiting"
    APPLIED = "applied"
    KNOWN = "known"
    REFUSED = "refused"
    UNDONE = "undone"


class Verdict(StrEnum):
    """What was decided about two records that look alike."""

    SAME = "same"
    DIFFERENT = "different"
    LATER = "later"


class ImportBatch(Base):
    """One reading of an old base's files. `mapping` is kept word for word; `files` are names with digests and rows."""

    __tablename__ = "import_batch"
    __table_args__ = (Index("ix_import_batch_base", "base", "staged_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    base: Mapped[str] = mapped_column(String(60))
    commune_insee: Mapped[str] = mapped_column(ForeignKey("commune.insee"))
    title: Mapped[str] = mapped_column(String(120))
    mapping: Mapped[str] = mapped_column(Text)
    files: Mapped[list[Any]]
    unites_families: Mapped[bool]
    balances_on: Mapped[date | None]
    state: Mapped[BatchState]
    staged_at: Mapped[datetime]
    staged_by: Mapped[str] = mapped_column(String(120))
    applied_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    wiped_at: Mapped[datetime | None]


class ImportFamily(Base):
    """A family of an old base under its number there. `account_id` once it is taken over.

    `account_made` tells an account that the import opened from one that was there.
    """

    __tablename__ = "import_family"
    __table_args__ = (
        UniqueConstraint("batch_id", "number"),
        Index("ix_import_family_state", "batch_id", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("import_batch.id"))
    number: Mapped[str] = mapped_column(String(60), index=True)
    file: Mapped[str] = mapped_column(String(200))
    line: Mapped[int]
    state: Mapped[FamilyState]
    why: Mapped[str] = mapped_column(String(300), default="")
    content: Mapped[dict[str, Any] | None]
    # No foreign key: taken back, the account may be gone, and the row says that it was there.
    account_id: Mapped[UUID | None] = mapped_column(index=True)
    account_made: Mapped[bool] = mapped_column(default=False)


class ImportPerson(Base):
    """A person of a staged family. `identity` is made from the base and the key: it is the person's id if one is made.

    `person_id` is who they are in our base, once taken over: `identity`, or somebody who was there.
    """

    __tablename__ = "import_person"
    __table_args__ = (
        UniqueConstraint("family_id", "position"),
        Index("ix_import_person_identity", "identity"),
        Index("ix_import_person_person", "person_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    family_id: Mapped[UUID] = mapped_column(ForeignKey("import_family.id"))
    position: Mapped[int]
    identity: Mapped[UUID]
    key: Mapped[str] = mapped_column(String(200))
    role: Mapped[FamilyRole]
    line: Mapped[int]
    content: Mapped[dict[str, Any] | None]
    person_id: Mapped[UUID | None]
    person_made: Mapped[bool] = mapped_column(default=False)


class ImportFault(Base):
    """What is wrong with a cell or a row of a batch; deleted with the staged contents, for it quotes them."""

    __tablename__ = "import_fault"
    __table_args__ = (Index("ix_import_fault_batch", "batch_id", "position"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("import_batch.id"))
    position: Mapped[int]
    file: Mapped[str] = mapped_column(String(200))
    line: Mapped[int]
    column: Mapped[str] = mapped_column("title", String(200))
    family: Mapped[str] = mapped_column(String(60))
    sentence: Mapped[str] = mapped_column(String(300))
    facts: Mapped[dict[str, Any]]
    refuses: Mapped[bool]


class ImportPair(Base):
    """Two records that look alike, by their identities (a person's id, made or to be made), and what was decided.

    Neither is a foreign key: a pair is known before either person is. It names nobody, and outlives the batch, so that
    the same two are not asked about again.
    """

    __tablename__ = "import_pair"
    __table_args__ = (
        CheckConstraint("low < high", name="order"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        Index("ix_import_pair_high", "high"),
        Index("ix_import_pair_open", "verdict", "score"),
    )

    low: Mapped[UUID] = mapped_column(primary_key=True)
    high: Mapped[UUID] = mapped_column(primary_key=True)
    score: Mapped[int]
    certain: Mapped[bool]
    reasons: Mapped[list[str]]
    verdict: Mapped[Verdict | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    # Where an operator's rule decided, "" where a person did.
    rule: Mapped[str] = mapped_column(String(80), default="")


class OpeningBalance(Base):
    """What a family brought along for a service, in cents, a debt below zero. `id` is the ledger's transaction.

    It shows in no wallet until its service is signed off.
    """

    __tablename__ = "opening_balance"
    __table_args__ = (
        UniqueConstraint("family_id", "service_code"),
        CheckConstraint("amount_cents <> 0", name="amount"),
        Index("ix_opening_balance_batch", "batch_id", "service_code"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("import_batch.id"))
    family_id: Mapped[UUID] = mapped_column(ForeignKey("import_family.id"))
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)


class OpeningSignOff(Base):
    """That a cash officer took over one service's balances of an import, having compared them with the old base's own.

    `stated_*` are what the old software printed; a difference stands with its explanation.
    """

    __tablename__ = "opening_sign_off"
    __table_args__ = (UniqueConstraint("batch_id", "service_code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("import_batch.id"))
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    families: Mapped[int]
    credit_cents: Mapped[int] = mapped_column(BigInteger)
    debt_cents: Mapped[int] = mapped_column(BigInteger)
    stated_credit_cents: Mapped[int] = mapped_column(BigInteger)
    stated_debt_cents: Mapped[int] = mapped_column(BigInteger)
    explanation: Mapped[str] = mapped_column(String(500))
    signed_at: Mapped[datetime]
    signed_by: Mapped[UUID]
    signed_name: Mapped[str] = mapped_column(String(120))


append_only(OpeningSignOff.__table__)

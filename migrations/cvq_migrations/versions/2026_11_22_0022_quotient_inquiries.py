"""Family quotients asked of the CAF and the MSA: accords, questions, rounds; and what proves a quotient.

Revision ID: 0022
Revises: 0021
Create Date: 2026-11-22 05:05:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OUTCOME = sa.Enum(
    "found",
    "unchanged",
    "not_found",
    "bad_identity",
    "refused",
    "busy",
    "silent",
    name="outcome",
    native_enum=False,
    length=32,
)


def upgrade() -> None:
    op.add_column(
        "family_quotient", sa.Column("reference", sa.String(length=80), server_default=sa.text("''"), nullable=False)
    )
    op.add_column("family_quotient", sa.Column("recorded_by", sa.Uuid(), nullable=True))
    op.create_table(
        "civil_identity",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sex", sa.Enum("F", "M", name="sex", native_enum=False, length=32), nullable=False),
        sa.Column("birth_country", sa.String(length=5), nullable=False),
        sa.Column("birth_commune", sa.String(length=5), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_civil_identity_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_civil_identity")),
    )
    op.create_table(
        "quotient_accord",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column(
            "manner",
            sa.Enum("counter", "visit", "paper", name="accordmanner", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_quotient_accord_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_quotient_accord_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotient_accord")),
    )
    op.create_index("ix_quotient_accord_account", "quotient_accord", ["account_id", "recorded_at"], unique=False)
    op.create_table(
        "quotient_refresh",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("families", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped", OUTCOME, nullable=True),
        sa.CheckConstraint("families >= 0", name=op.f("ck_quotient_refresh_families")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotient_refresh")),
    )
    op.create_table(
        "quotient_inquiry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("accord_id", sa.Uuid(), nullable=False),
        sa.Column("refresh_id", sa.Uuid(), nullable=True),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", OUTCOME, nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quotient_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_quotient_inquiry_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(
            ["accord_id"], ["quotient_accord.id"], name=op.f("fk_quotient_inquiry_accord_id_quotient_accord")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_quotient_inquiry_person_id_person")),
        sa.ForeignKeyConstraint(
            ["quotient_id"], ["family_quotient.id"], name=op.f("fk_quotient_inquiry_quotient_id_family_quotient")
        ),
        sa.ForeignKeyConstraint(
            ["refresh_id"], ["quotient_refresh.id"], name=op.f("fk_quotient_inquiry_refresh_id_quotient_refresh")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotient_inquiry")),
    )
    op.create_index("ix_quotient_inquiry_account", "quotient_inquiry", ["account_id", "asked_at"], unique=False)
    op.create_index("ix_quotient_inquiry_refresh", "quotient_inquiry", ["refresh_id"], unique=False)
    for statement in append_only_ddl("quotient_accord", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("quotient_inquiry")
    op.drop_table("quotient_refresh")
    op.drop_table("quotient_accord")
    op.drop_table("civil_identity")
    op.drop_column("family_quotient", "recorded_by")
    op.drop_column("family_quotient", "reference")

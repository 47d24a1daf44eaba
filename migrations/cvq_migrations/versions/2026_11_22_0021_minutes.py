"""Minutes of handovers, audits and destructions, and their numbers.

Revision ID: 0021
Revises: 0020
Create Date: 2026-11-22 04:53:09.990522
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("minute",)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "minute_series",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_minute_series_office_id_cash_office")),
        sa.PrimaryKeyConstraint("office_id", name=op.f("pk_minute_series")),
    )
    op.create_table(
        "minute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("handover", "audit", "destruction", name="minutekind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("printed", JSON, nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_minute_number")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["minute_series.office_id"], name=op.f("fk_minute_office_id_minute_series")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_minute_staff_id_staff")),
        sa.ForeignKeyConstraint(["sub_office_id"], ["sub_office.id"], name=op.f("fk_minute_sub_office_id_sub_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minute")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_minute_office_id_number")),
    )
    with op.batch_alter_table("minute", schema=None) as batch_op:
        batch_op.create_index("ix_minute_sub_office", ["sub_office_id", "number"], unique=False)

    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    for table in ("minute", "minute_series"):
        op.drop_table(table)

"""Controllers of sites, the points that they decide for, and what they report of themselves.

Revision ID: 0030
Revises: 0029
Create Date: 2026-11-22 10:20:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "controller",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("site", sa.String(length=120), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("list_hours", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("twins_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("list_hours BETWEEN 1 AND 336", name=op.f("ck_controller_list_hours")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controller")),
        sa.UniqueConstraint("name", name=op.f("uq_controller_name")),
    )
    op.create_table(
        "controlled_point",
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("controller_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["controller_id"], ["controller.id"], name=op.f("fk_controlled_point_controller_id_controller")
        ),
        sa.ForeignKeyConstraint(
            ["point_id"], ["access_point.id"], name=op.f("fk_controlled_point_point_id_access_point")
        ),
        sa.PrimaryKeyConstraint("point_id", name=op.f("pk_controlled_point")),
    )
    with op.batch_alter_table("controlled_point", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_controlled_point_controller_id"), ["controller_id"], unique=False)
    op.create_table(
        "controller_report",
        sa.Column("controller_id", sa.Uuid(), nullable=False),
        sa.Column("instance", sa.Uuid(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("software", sa.String(length=60), nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("oldest_tap_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("list_made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("list_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("clock_ahead_ms", sa.BigInteger(), nullable=False),
        sa.Column("troubles", JSON, nullable=False),
        sa.Column("readers", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["controller_id"], ["controller.id"], name=op.f("fk_controller_report_controller_id_controller")
        ),
        sa.PrimaryKeyConstraint("controller_id", "instance", name=op.f("pk_controller_report")),
    )
    with op.batch_alter_table("controller_report", schema=None) as batch_op:
        batch_op.create_index("ix_controller_report_reported", ["controller_id", "reported_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("controller_report", schema=None) as batch_op:
        batch_op.drop_index("ix_controller_report_reported")

    op.drop_table("controller_report")
    with op.batch_alter_table("controlled_point", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_controlled_point_controller_id"))

    op.drop_table("controlled_point")
    op.drop_table("controller")

"""Figures of passages without anybody's name, kept when the taps are purged.

Revision ID: 0038
Revises: 0037
Create Date: 2026-11-22 10:47:22.072626
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0038"
down_revision: str | None = "0037"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "footfall_count",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("received_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_footfall_count_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_footfall_count")),
    )
    op.create_table(
        "footfall",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "unknown-card",
                "card-replaced",
                "card-blocked",
                "card-expired",
                "card-not-yet-valid",
                "person-deceased",
                "assurance-too-low",
                "point-closed",
                "price-missing",
                "wallet-empty",
                "outside-hours",
                "right-ended",
                "unclaimed-day",
                "wrong-service",
                "not-reserved",
                "not-entitled",
                "list-expired",
                "guardian-missing",
                "passed-back",
                "area-full",
                "emergency",
                "held-open",
                "left",
                "let-in-unchecked",
                "already-counted",
                "entitled",
                "reserved",
                "subscribed",
                "entry-counted",
                "paid",
                "served",
                "served-and-owed",
                "served-unclaimed",
                "billed",
                name="reason",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("hour BETWEEN -1 AND 23", name=op.f("ck_footfall_hour")),
        sa.CheckConstraint("number > 0", name=op.f("ck_footfall_number")),
        sa.ForeignKeyConstraint(["point_id"], ["access_point.id"], name=op.f("fk_footfall_point_id_access_point")),
        sa.PrimaryKeyConstraint("day", "point_id", "hour", "reason", "allowed", name=op.f("pk_footfall")),
    )
    with op.batch_alter_table("footfall", schema=None) as batch_op:
        batch_op.create_index("ix_footfall_point", ["point_id", "day"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("footfall", schema=None) as batch_op:
        batch_op.drop_index("ix_footfall_point")

    op.drop_table("footfall")
    op.drop_table("footfall_count")

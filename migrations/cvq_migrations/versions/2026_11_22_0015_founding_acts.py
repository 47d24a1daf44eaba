"""What was changed in founding acts and appointments, and by whose order.

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-22 03:28:38.427146
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "act_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("sub_office_id", sa.Uuid(), nullable=True),
        sa.Column("mandate_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "office_limits",
                "place_limits",
                "collects",
                "appointed",
                "appointment_ended",
                name="actchangekind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("holds_from", sa.Date(), nullable=False),
        sa.Column("order_reference", sa.String(length=120), nullable=False),
        sa.Column("order_signed_on", sa.Date(), nullable=False),
        sa.Column("before", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("after", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_act_change_office_id_cash_office")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_act_change_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["sub_office_id"], ["sub_office.id"], name=op.f("fk_act_change_sub_office_id_sub_office")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_act_change")),
    )
    with op.batch_alter_table("act_change", schema=None) as batch_op:
        batch_op.create_index("ix_act_change_office", ["office_id", "changed_at"], unique=False)
    for statement in append_only_ddl("act_change", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("act_change", schema=None) as batch_op:
        batch_op.drop_index("ix_act_change_office")

    op.drop_table("act_change")

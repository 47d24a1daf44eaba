"""A shared child's billed months, and what was merged into which account as an index.

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-22 03:43:04.184587
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("shared_month", "shared_part")


def upgrade() -> None:
    op.create_table(
        "shared_month",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column(
            "service_code",
            sa.Enum(
                "canteen",
                "after_school",
                "creche",
                "leisure_centre",
                "pool",
                "squash",
                "library",
                "toy_library",
                "hall",
                "waste_centre",
                "building",
                name="servicecode",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total_cents > 0", name=op.f("ck_shared_month_total")),
        sa.ForeignKeyConstraint(["child_id"], ["person.id"], name=op.f("fk_shared_month_child_id_person")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_shared_month_service_code_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_month")),
        sa.UniqueConstraint(
            "child_id", "service_code", "month", name=op.f("uq_shared_month_child_id_service_code_month")
        ),
    )
    op.create_table(
        "shared_part",
        sa.Column("month_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("share_percent", sa.SmallInteger(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount_cents BETWEEN 0 AND total_cents", name=op.f("ck_shared_part_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_shared_part_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_shared_part_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["month_id"], ["shared_month.id"], name=op.f("fk_shared_part_month_id_shared_month")),
        sa.PrimaryKeyConstraint("month_id", "position", name=op.f("pk_shared_part")),
    )
    with op.batch_alter_table("shared_part", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shared_part_invoice_id"), ["invoice_id"], unique=False)

    with op.batch_alter_table("family_account", schema=None) as batch_op:
        batch_op.create_index(
            "ix_family_account_merged",
            ["merged_into_id"],
            unique=False,
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )

    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("family_account", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_family_account_merged",
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )

    with op.batch_alter_table("shared_part", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shared_part_invoice_id"))

    op.drop_table("shared_part")
    op.drop_table("shared_month")

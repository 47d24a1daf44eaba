"""Remittances with their slips, and what the office's officer decided of them.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22 01:20:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("remittance", "remittance_drawer", "remittance_source", "integration")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "remittance_series",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["cash_office.id"], name=op.f("fk_remittance_series_office_id_cash_office")
        ),
        sa.PrimaryKeyConstraint("office_id", name=op.f("pk_remittance_series")),
    )
    op.create_table(
        "remittance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column(
            "remitted_to",
            sa.Enum("office", "treasury", name="remittedto", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("cancels_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cash_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("counted", JSON, nullable=False),
        sa.Column("printed", JSON, nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_remittance_number")),
        sa.ForeignKeyConstraint(["cancels_id"], ["remittance.id"], name=op.f("fk_remittance_cancels_id_remittance")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["remittance_series.office_id"], name=op.f("fk_remittance_office_id_remittance_series")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_remittance_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["sub_office_id"], ["sub_office.id"], name=op.f("fk_remittance_sub_office_id_sub_office")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_remittance_transaction_id_ledger_transaction"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance")),
        sa.UniqueConstraint("cancels_id", name=op.f("uq_remittance_cancels_id")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_remittance_office_id_number")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_remittance_transaction_id")),
    )
    op.create_index("ix_remittance_sub_office", "remittance", ["sub_office_id", "number"])
    op.create_table(
        "remittance_drawer",
        sa.Column("remittance_id", sa.Uuid(), nullable=False),
        sa.Column("drawer_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["drawer_id"], ["drawer.id"], name=op.f("fk_remittance_drawer_drawer_id_drawer")),
        sa.ForeignKeyConstraint(
            ["remittance_id"], ["remittance.id"], name=op.f("fk_remittance_drawer_remittance_id_remittance")
        ),
        sa.PrimaryKeyConstraint("remittance_id", "drawer_id", name=op.f("pk_remittance_drawer")),
    )
    op.create_index(op.f("ix_remittance_drawer_drawer_id"), "remittance_drawer", ["drawer_id"])
    op.create_table(
        "remittance_source",
        sa.Column("remittance_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["remittance_id"], ["remittance.id"], name=op.f("fk_remittance_source_remittance_id_remittance")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["remittance.id"], name=op.f("fk_remittance_source_source_id_remittance")
        ),
        sa.PrimaryKeyConstraint("remittance_id", "source_id", name=op.f("pk_remittance_source")),
    )
    op.create_index(op.f("ix_remittance_source_source_id"), "remittance_source", ["source_id"])
    op.create_table(
        "integration",
        sa.Column("remittance_id", sa.Uuid(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["remittance_id"], ["remittance.id"], name=op.f("fk_integration_remittance_id_remittance")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_integration_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_integration_transaction_id_ledger_transaction"),
        ),
        sa.PrimaryKeyConstraint("remittance_id", name=op.f("pk_integration")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_integration_transaction_id")),
    )
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    for table in ("integration", "remittance_source", "remittance_drawer", "remittance", "remittance_series"):
        op.drop_table(table)

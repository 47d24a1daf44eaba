"""The waste centre: what it takes, how often households may come, what was brought and billed.

Revision ID: 0039
Revises: 0038
Create Date: 2026-11-22 11:23:46.414246
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0039"
down_revision: str | None = "0038"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("waste_quota", "waste_deposit", "waste_load", "waste_billed")


def upgrade() -> None:
    op.create_table(
        "waste_category",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("price_code", sa.String(length=40), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_waste_category")),
    )
    op.create_table(
        "waste_quota",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("visits_a_year", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("visits_a_year IS NULL OR visits_a_year > 0", name=op.f("ck_waste_quota_visits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waste_quota")),
    )
    op.create_table(
        "waste_deposit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "standing",
            sa.Enum("household", "professional", name="standing", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=True),
        sa.Column("overrun", sa.Boolean(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("printed_name", sa.String(length=200), nullable=False),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_waste_deposit_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_waste_deposit_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_waste_deposit_person_id_person")),
        sa.ForeignKeyConstraint(["point_id"], ["access_point.id"], name=op.f("fk_waste_deposit_point_id_access_point")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_waste_deposit_transaction_id_ledger_transaction"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waste_deposit")),
    )
    with op.batch_alter_table("waste_deposit", schema=None) as batch_op:
        batch_op.create_index("ix_waste_deposit_account", ["account_id", "year", "standing"], unique=False)
        batch_op.create_index("ix_waste_deposit_point", ["point_id", "occurred_at"], unique=False)

    op.create_table(
        "waste_billed",
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["waste_deposit.id"], name=op.f("fk_waste_billed_deposit_id_waste_deposit")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_waste_billed_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("deposit_id", name=op.f("pk_waste_billed")),
    )
    with op.batch_alter_table("waste_billed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_waste_billed_invoice_id"), ["invoice_id"], unique=False)

    op.create_table(
        "waste_load",
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("litres", sa.Integer(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.CheckConstraint("litres > 0 AND amount_cents >= 0", name=op.f("ck_waste_load_amounts")),
        sa.ForeignKeyConstraint(
            ["category"], ["waste_category.code"], name=op.f("fk_waste_load_category_waste_category")
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["waste_deposit.id"], name=op.f("fk_waste_load_deposit_id_waste_deposit")
        ),
        sa.PrimaryKeyConstraint("deposit_id", "position", name=op.f("pk_waste_load")),
    )
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("waste_load")
    with op.batch_alter_table("waste_billed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_waste_billed_invoice_id"))

    op.drop_table("waste_billed")
    with op.batch_alter_table("waste_deposit", schema=None) as batch_op:
        batch_op.drop_index("ix_waste_deposit_point")
        batch_op.drop_index("ix_waste_deposit_account")

    op.drop_table("waste_deposit")
    op.drop_table("waste_quota")
    op.drop_table("waste_category")

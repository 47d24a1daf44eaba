"""Invoices, and what is due on them.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-22 00:23:04.107976
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


APPEND_ONLY = ("invoice", "invoice_line")


def upgrade() -> None:
    op.create_table(
        "invoice_series",
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_invoice_series")),
    )
    op.create_table(
        "receivable",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_account_id", sa.Uuid(), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance_cents <= 0", name=op.f("ck_receivable_due")),
        sa.ForeignKeyConstraint(
            ["family_account_id"], ["family_account.id"], name=op.f("fk_receivable_family_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["id"], ["ledger_account.id"], name=op.f("fk_receivable_id_ledger_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receivable")),
    )
    with op.batch_alter_table("receivable", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receivable_family_account_id"), ["family_account_id"], unique=False)

    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("family_account_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("due_on >= issued_on", name=op.f("ck_invoice_due")),
        sa.CheckConstraint("total_cents > 0", name=op.f("ck_invoice_total")),
        sa.ForeignKeyConstraint(
            ["family_account_id"], ["family_account.id"], name=op.f("fk_invoice_family_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["id"], ["receivable.id"], name=op.f("fk_invoice_id_receivable")),
        sa.ForeignKeyConstraint(["year"], ["invoice_series.year"], name=op.f("fk_invoice_year_invoice_series")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("year", "number", name=op.f("uq_invoice_year_number")),
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_due_on"), ["due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_family_account_id"), ["family_account_id"], unique=False)

    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
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
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(length=160), nullable=False),
        sa.Column("explanation", sa.String(length=300), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_cents", sa.Integer(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents = quantity * unit_cents", name=op.f("ck_invoice_line_amount")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_invoice_line_person_id_person")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_invoice_line_service_code_service")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
    )
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("invoice_line")
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_family_account_id"))
        batch_op.drop_index(batch_op.f("ix_invoice_due_on"))

    op.drop_table("invoice")
    with op.batch_alter_table("receivable", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receivable_family_account_id"))

    op.drop_table("receivable")
    op.drop_table("invoice_series")

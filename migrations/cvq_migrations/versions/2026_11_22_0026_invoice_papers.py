"""Invoices on paper: short addresses, copies, and the printing of a month.

Revision ID: 0026
Revises: 0025
Create Date: 2026-11-22 07:24:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATES = ("making", "ready", "failed", "gone")


def upgrade() -> None:
    op.create_table(
        "invoice_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("only_new", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="runstate", native_enum=False, length=32), nullable=False),
        sa.Column("invoices", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(file_id IS NULL) = (wrapped_key IS NULL)", name=op.f("ck_invoice_run_file")),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_invoice_run_office_id_cash_office")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_invoice_run_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_run")),
    )
    with op.batch_alter_table("invoice_run", schema=None) as batch_op:
        batch_op.create_index("ix_invoice_run_month", ["office_id", "month"], unique=False)

    op.create_table(
        "invoice_link",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_link_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_invoice_link")),
        sa.UniqueConstraint("token", name=op.f("uq_invoice_link_token")),
    )
    op.create_table(
        "invoice_print",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("copy_number", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_print_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["run_id"], ["invoice_run.id"], name=op.f("fk_invoice_print_run_id_invoice_run")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_invoice_print_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_print")),
        sa.UniqueConstraint("invoice_id", "copy_number", name=op.f("uq_invoice_print_invoice_id_copy_number")),
    )
    with op.batch_alter_table("invoice_print", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_print_run_id"), ["run_id"], unique=False)

    for table in ("invoice_link", "invoice_print"):
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("invoice_print", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_print_run_id"))

    op.drop_table("invoice_print")
    op.drop_table("invoice_link")
    with op.batch_alter_table("invoice_run", schema=None) as batch_op:
        batch_op.drop_index("ix_invoice_run_month")

    op.drop_table("invoice_run")

"""Advances: what the act grants, expenses with their vouchers, statements, and money moved.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-22 03:39:50.379665
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("advance_terms", "advance_expense", "advance_statement", "advance_statement_line", "advance_movement")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "advance",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_voucher", sa.Integer(), nullable=False),
        sa.Column("last_statement", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_advance_office_id_cash_office")),
        sa.PrimaryKeyConstraint("office_id", name=op.f("pk_advance")),
    )
    op.create_table(
        "advance_expense",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "closed_account",
                "overpaid",
                "cancelled_subscription",
                "supplies",
                "postage",
                name="purpose",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("paid_by", sa.Enum("cash", "transfer", name="paidby", native_enum=False, length=32), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("payee", sa.String(length=80), nullable=False),
        sa.Column("document", sa.String(length=80), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=True),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("cancels_id", sa.Uuid(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("printed", JSON, nullable=False),
        sa.CheckConstraint("(cancels_id IS NULL) = (amount_cents > 0)", name=op.f("ck_advance_expense_amount")),
        sa.CheckConstraint("number > 0", name=op.f("ck_advance_expense_number")),
        sa.ForeignKeyConstraint(
            ["cancels_id"], ["advance_expense.id"], name=op.f("fk_advance_expense_cancels_id_advance_expense")
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["advance.office_id"], name=op.f("fk_advance_expense_office_id_advance")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_advance_expense_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_advance_expense_transaction_id_ledger_transaction"),
        ),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name=op.f("fk_advance_expense_wallet_id_wallet")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advance_expense")),
        sa.UniqueConstraint("cancels_id", name=op.f("uq_advance_expense_cancels_id")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_advance_expense_office_id_number")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_advance_expense_transaction_id")),
    )
    with op.batch_alter_table("advance_expense", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_advance_expense_wallet_id"), ["wallet_id"], unique=False)

    op.create_table(
        "advance_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("printed", JSON, nullable=False),
        sa.CheckConstraint("total_cents > 0", name=op.f("ck_advance_statement_total")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["advance.office_id"], name=op.f("fk_advance_statement_office_id_advance")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_advance_statement_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advance_statement")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_advance_statement_office_id_number")),
    )
    op.create_table(
        "advance_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("granted_cents", sa.BigInteger(), nullable=False),
        sa.Column("payment_max_cents", sa.BigInteger(), nullable=False),
        sa.Column("purposes", JSON, nullable=False),
        sa.Column("paid_by", JSON, nullable=False),
        sa.Column("act", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["advance.office_id"], name=op.f("fk_advance_terms_office_id_advance")),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff.id"], name=op.f("fk_advance_terms_recorded_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advance_terms")),
    )
    with op.batch_alter_table("advance_terms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_advance_terms_office_id"), ["office_id"], unique=False)

    op.create_table(
        "advance_movement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("granted", "replenished", "withdrawn", "returned", name="moved", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("place", sa.Enum("cash", "transfer", name="paidby", native_enum=False, length=32), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=True),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(statement_id IS NOT NULL) = (kind = 'replenished')", name=op.f("ck_advance_movement_statement")
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_advance_movement_amount")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["advance.office_id"], name=op.f("fk_advance_movement_office_id_advance")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_advance_movement_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["advance_statement.id"], name=op.f("fk_advance_movement_statement_id_advance_statement")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_advance_movement_transaction_id_ledger_transaction"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advance_movement")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_advance_movement_transaction_id")),
    )
    with op.batch_alter_table("advance_movement", schema=None) as batch_op:
        batch_op.create_index("ix_advance_movement_office", ["office_id", "made_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_advance_movement_statement_id"), ["statement_id"], unique=False)

    op.create_table(
        "advance_statement_line",
        sa.Column("expense_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["expense_id"], ["advance_expense.id"], name=op.f("fk_advance_statement_line_expense_id_advance_expense")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["advance_statement.id"],
            name=op.f("fk_advance_statement_line_statement_id_advance_statement"),
        ),
        sa.PrimaryKeyConstraint("expense_id", name=op.f("pk_advance_statement_line")),
    )
    with op.batch_alter_table("advance_statement_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_advance_statement_line_statement_id"), ["statement_id"], unique=False)

    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    for table in (
        "advance_statement_line",
        "advance_movement",
        "advance_terms",
        "advance_statement",
        "advance_expense",
        "advance",
    ):
        op.drop_table(table)

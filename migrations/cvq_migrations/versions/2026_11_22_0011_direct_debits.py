"""Mandates, runs of direct debits, and their returns.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-22 01:42:22.873806
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


APPEND_ONLY = ("debit_run", "debit_item", "debit_return")


def upgrade() -> None:
    op.create_table(
        "debit_creditor",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("creditor_number", sa.String(length=35), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=False),
        sa.Column("last_mandate", sa.Integer(), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["cash_office.id"], name=op.f("fk_debit_creditor_office_id_cash_office")
        ),
        sa.PrimaryKeyConstraint("office_id", name=op.f("pk_debit_creditor")),
    )
    op.create_table(
        "debit_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("collection_day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_debit_run_made_by_staff")),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_debit_run_office_id_cash_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit_run")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_debit_run_office_id_number")),
    )
    op.create_table(
        "debit_mandate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=35), nullable=False),
        sa.Column("family_account_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.String(length=70), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("last_used_on", sa.Date(), nullable=True),
        sa.Column("revoked_on", sa.Date(), nullable=True),
        sa.Column("revoked_why", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["family_account_id"], ["family_account.id"], name=op.f("fk_debit_mandate_family_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["debit_creditor.office_id"], name=op.f("fk_debit_mandate_office_id_debit_creditor")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff.id"], name=op.f("fk_debit_mandate_recorded_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit_mandate")),
        sa.UniqueConstraint("reference", name=op.f("uq_debit_mandate_reference")),
    )
    with op.batch_alter_table("debit_mandate", schema=None) as batch_op:
        batch_op.create_index(
            "uq_debit_mandate_standing",
            ["family_account_id", "office_id"],
            unique=True,
            sqlite_where=sa.text("revoked_on IS NULL"),
            postgresql_where=sa.text("revoked_on IS NULL"),
        )

    op.create_table(
        "debit_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_debit_item_amount")),
        sa.ForeignKeyConstraint(["id"], ["ledger_transaction.id"], name=op.f("fk_debit_item_id_ledger_transaction")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_debit_item_invoice_id_invoice")),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["debit_mandate.id"], name=op.f("fk_debit_item_mandate_id_debit_mandate")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["debit_run.id"], name=op.f("fk_debit_item_run_id_debit_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit_item")),
    )
    with op.batch_alter_table("debit_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_debit_item_invoice_id"), ["invoice_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_debit_item_mandate_id"), ["mandate_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_debit_item_run_id"), ["run_id"], unique=False)

    op.create_table(
        "debit_return",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "AC01",
                "AC04",
                "AC06",
                "AM04",
                "MD01",
                "MD06",
                "MD07",
                "MS03",
                "SL01",
                name="returnreason",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["debit_item.id"], name=op.f("fk_debit_return_item_id_debit_item")),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff.id"], name=op.f("fk_debit_return_recorded_by_staff")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_debit_return_transaction_id_ledger_transaction"),
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_debit_return")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_debit_return_transaction_id")),
    )
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("debit_return")
    with op.batch_alter_table("debit_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_debit_item_run_id"))
        batch_op.drop_index(batch_op.f("ix_debit_item_mandate_id"))
        batch_op.drop_index(batch_op.f("ix_debit_item_invoice_id"))

    op.drop_table("debit_item")
    with op.batch_alter_table("debit_mandate", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_debit_mandate_standing",
            sqlite_where=sa.text("revoked_on IS NULL"),
            postgresql_where=sa.text("revoked_on IS NULL"),
        )

    op.drop_table("debit_mandate")
    op.drop_table("debit_run")
    op.drop_table("debit_creditor")

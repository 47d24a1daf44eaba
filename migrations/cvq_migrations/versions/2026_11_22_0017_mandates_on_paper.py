"""Mandates that are prepared and then signed on paper, notices to families, files that are kept, and their end.

A mandate that was recorded before was recorded as signed: it stays so, without a page.

Revision ID: 0017
Revises: 0016
Create Date: 2026-11-22 03:44:13.738987
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("debit_mandate_paper", "debit_notice", "debit_file", "debit_run_end")


def upgrade() -> None:
    op.create_table(
        "debit_file",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=20), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["debit_run.id"], name=op.f("fk_debit_file_run_id_debit_run")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_debit_file")),
    )
    op.create_table(
        "debit_run_end",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("end", sa.Enum("sent", "given_up", name="runend", native_enum=False, length=32), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_debit_run_end_decided_by_staff")),
        sa.ForeignKeyConstraint(["run_id"], ["debit_run.id"], name=op.f("fk_debit_run_end_run_id_debit_run")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_debit_run_end")),
    )
    # Column by column, and no batch: SQLite would make the tables anew, which their own rows' children forbid.
    op.add_column(
        "debit_creditor", sa.Column("notice_days", sa.SmallInteger(), server_default=sa.text("14"), nullable=False)
    )
    for column in (
        sa.Column("address", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("one_off", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("notice_days", sa.SmallInteger(), server_default=sa.text("14"), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_day", sa.Date(), nullable=True),
    ):
        op.add_column("debit_mandate", column)
    _signed_on_becomes_signed_day()
    op.create_index("ix_debit_mandate_visit", "debit_mandate", ["visit_id"], unique=False)
    op.create_table(
        "debit_mandate_paper",
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=20), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filed_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["filed_by"], ["staff.id"], name=op.f("fk_debit_mandate_paper_filed_by_staff")),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["debit_mandate.id"], name=op.f("fk_debit_mandate_paper_mandate_id_debit_mandate")
        ),
        sa.PrimaryKeyConstraint("mandate_id", name=op.f("pk_debit_mandate_paper")),
    )
    op.create_table(
        "debit_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("announcement_id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column(
            "means", sa.Enum("email", "letter", name="noticemeans", native_enum=False, length=32), nullable=False
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_debit_notice_amount")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_debit_notice_invoice_id_invoice")),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["debit_mandate.id"], name=op.f("fk_debit_notice_mandate_id_debit_mandate")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_debit_notice_office_id_cash_office")),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff.id"], name=op.f("fk_debit_notice_recorded_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit_notice")),
    )
    with op.batch_alter_table("debit_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_debit_notice_announcement_id"), ["announcement_id"], unique=False)
        batch_op.create_index("ix_debit_notice_invoice", ["invoice_id", "recorded_at"], unique=False)
    op.add_column("debit_return", sa.Column("fee_cents", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_column("debit_return", "fee_cents")
    op.drop_table("debit_notice")
    op.drop_table("debit_mandate_paper")
    op.drop_table("debit_run_end")
    op.drop_table("debit_file")
    # Before, a mandate was signed or was not there.
    op.execute("DELETE FROM debit_mandate WHERE signed_on IS NULL")
    op.drop_index("ix_debit_mandate_visit", table_name="debit_mandate")
    op.add_column(
        "debit_mandate", sa.Column("signed_day", sa.Date(), server_default=sa.text("'1970-01-01'"), nullable=False)
    )
    _signed_on_becomes_signed_day()
    for name in ("confirmed_at", "visit_id", "notice_days", "one_off", "address"):
        op.drop_column("debit_mandate", name)
    op.drop_column("debit_creditor", "notice_days")


def _signed_on_becomes_signed_day() -> None:
    """Let the new column take the old one's place: no database changes NOT NULL in the same words."""
    op.execute("UPDATE debit_mandate SET signed_day = signed_on")
    op.drop_column("debit_mandate", "signed_on")
    op.execute("ALTER TABLE debit_mandate RENAME COLUMN signed_day TO signed_on")

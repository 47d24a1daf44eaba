"""Cheques banked and bounced, the treasury account's statement, and what was matched.

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-22 03:44:35.621490
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = (
    "cheque_deposit",
    "deposited_cheque",
    "bounced_cheque",
    "treasury_statement",
    "treasury_line",
    "treasury_match",
    "treasury_match_line",
    "treasury_match_item",
)


def upgrade() -> None:
    op.create_table(
        "treasury_account",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("last_deposit", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["cash_office.id"], name=op.f("fk_treasury_account_office_id_cash_office")
        ),
        sa.PrimaryKeyConstraint("office_id", name=op.f("pk_treasury_account")),
    )
    op.create_table(
        "cheque_deposit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("cancels_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cheques", sa.Integer(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("printed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint("cheques > 0", name=op.f("ck_cheque_deposit_cheques")),
        sa.CheckConstraint("number > 0", name=op.f("ck_cheque_deposit_number")),
        sa.ForeignKeyConstraint(
            ["cancels_id"], ["cheque_deposit.id"], name=op.f("fk_cheque_deposit_cancels_id_cheque_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["id"], ["ledger_transaction.id"], name=op.f("fk_cheque_deposit_id_ledger_transaction")
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["treasury_account.office_id"], name=op.f("fk_cheque_deposit_office_id_treasury_account")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_cheque_deposit_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cheque_deposit")),
        sa.UniqueConstraint("cancels_id", name=op.f("uq_cheque_deposit_cancels_id")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_cheque_deposit_office_id_number")),
    )
    op.create_table(
        "treasury_match",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["treasury_account.office_id"], name=op.f("fk_treasury_match_office_id_treasury_account")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_treasury_match_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["treasury_match.id"], name=op.f("fk_treasury_match_undoes_id_treasury_match")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treasury_match")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_treasury_match_undoes_id")),
    )
    with op.batch_alter_table("treasury_match", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_treasury_match_office_id"), ["office_id"], unique=False)

    op.create_table(
        "treasury_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["treasury_account.office_id"], name=op.f("fk_treasury_statement_office_id_treasury_account")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_treasury_statement_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treasury_statement")),
        sa.UniqueConstraint("office_id", "digest", name=op.f("uq_treasury_statement_office_id_digest")),
    )
    op.create_table(
        "treasury_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents <> 0", name=op.f("ck_treasury_line_amount")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["treasury_account.office_id"], name=op.f("fk_treasury_line_office_id_treasury_account")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["treasury_statement.id"], name=op.f("fk_treasury_line_statement_id_treasury_statement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treasury_line")),
        sa.UniqueConstraint("office_id", "digest", name=op.f("uq_treasury_line_office_id_digest")),
    )
    with op.batch_alter_table("treasury_line", schema=None) as batch_op:
        batch_op.create_index("ix_treasury_line_day", ["office_id", "day"], unique=False)
        batch_op.create_index(batch_op.f("ix_treasury_line_statement_id"), ["statement_id"], unique=False)

    op.create_table(
        "treasury_match_item",
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "cash",
                "cheques_remitted",
                "cesu",
                "ancv",
                "deposit",
                "card",
                "payfip",
                "debit_run",
                "debit_return",
                "bounce",
                "bank_fees",
                name="itemkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=160), nullable=False),
        sa.ForeignKeyConstraint(
            ["match_id"], ["treasury_match.id"], name=op.f("fk_treasury_match_item_match_id_treasury_match")
        ),
        sa.PrimaryKeyConstraint("match_id", "kind", "item_id", name=op.f("pk_treasury_match_item")),
    )
    with op.batch_alter_table("treasury_match_item", schema=None) as batch_op:
        batch_op.create_index("ix_treasury_match_item_item", ["item_id", "kind"], unique=False)

    op.create_table(
        "treasury_match_line",
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["line_id"], ["treasury_line.id"], name=op.f("fk_treasury_match_line_line_id_treasury_line")
        ),
        sa.ForeignKeyConstraint(
            ["match_id"], ["treasury_match.id"], name=op.f("fk_treasury_match_line_match_id_treasury_match")
        ),
        sa.PrimaryKeyConstraint("match_id", "line_id", name=op.f("pk_treasury_match_line")),
    )
    with op.batch_alter_table("treasury_match_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_treasury_match_line_line_id"), ["line_id"], unique=False)

    op.create_table(
        "bounced_cheque",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("fees_cents", sa.BigInteger(), nullable=False),
        sa.Column("fees_transaction_id", sa.Uuid(), nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "insufficient",
                "closed",
                "opposed",
                "forbidden",
                "irregular",
                "prescribed",
                name="bouncereason",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("bounced_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("fees_cents >= 0", name=op.f("ck_bounced_cheque_fees")),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["cheque_deposit.id"], name=op.f("fk_bounced_cheque_deposit_id_cheque_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["fees_transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_bounced_cheque_fees_transaction_id_ledger_transaction"),
        ),
        sa.ForeignKeyConstraint(
            ["id"], ["ledger_transaction.id"], name=op.f("fk_bounced_cheque_id_ledger_transaction")
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["treasury_account.office_id"], name=op.f("fk_bounced_cheque_office_id_treasury_account")
        ),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_bounced_cheque_receipt_id_receipt")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_bounced_cheque_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounced_cheque")),
        sa.UniqueConstraint("fees_transaction_id", name=op.f("uq_bounced_cheque_fees_transaction_id")),
        sa.UniqueConstraint("receipt_id", name=op.f("uq_bounced_cheque_receipt_id")),
    )
    with op.batch_alter_table("bounced_cheque", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bounced_cheque_deposit_id"), ["deposit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bounced_cheque_office_id"), ["office_id"], unique=False)

    op.create_table(
        "deposited_cheque",
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["cheque_deposit.id"], name=op.f("fk_deposited_cheque_deposit_id_cheque_deposit")
        ),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_deposited_cheque_receipt_id_receipt")),
        sa.PrimaryKeyConstraint("deposit_id", "receipt_id", name=op.f("pk_deposited_cheque")),
    )
    with op.batch_alter_table("deposited_cheque", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deposited_cheque_receipt_id"), ["receipt_id"], unique=False)
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("deposited_cheque", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deposited_cheque_receipt_id"))

    op.drop_table("deposited_cheque")
    with op.batch_alter_table("bounced_cheque", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bounced_cheque_office_id"))
        batch_op.drop_index(batch_op.f("ix_bounced_cheque_deposit_id"))

    op.drop_table("bounced_cheque")
    with op.batch_alter_table("treasury_match_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_treasury_match_line_line_id"))

    op.drop_table("treasury_match_line")
    with op.batch_alter_table("treasury_match_item", schema=None) as batch_op:
        batch_op.drop_index("ix_treasury_match_item_item")

    op.drop_table("treasury_match_item")
    with op.batch_alter_table("treasury_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_treasury_line_statement_id"))
        batch_op.drop_index("ix_treasury_line_day")

    op.drop_table("treasury_line")
    op.drop_table("treasury_statement")
    with op.batch_alter_table("treasury_match", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_treasury_match_office_id"))

    op.drop_table("treasury_match")
    op.drop_table("cheque_deposit")
    op.drop_table("treasury_account")

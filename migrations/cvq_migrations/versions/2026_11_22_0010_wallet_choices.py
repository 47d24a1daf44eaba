"""What families chose for their wallets: automatic top-ups and notices of a low balance.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-22 01:18:30.369369
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("top_up_choice", "automatic_top_up", "notice_choice")


def upgrade() -> None:
    op.create_table(
        "low_balance",
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name=op.f("fk_low_balance_wallet_id_wallet")),
        sa.PrimaryKeyConstraint("wallet_id", name=op.f("pk_low_balance")),
    )
    op.create_table(
        "notice_choice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("threshold_cents", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name=op.f("fk_notice_choice_wallet_id_wallet")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_choice")),
    )
    with op.batch_alter_table("notice_choice", schema=None) as batch_op:
        batch_op.create_index("ix_notice_choice_wallet", ["wallet_id", "valid_from"], unique=False)

    op.create_table(
        "top_up_choice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("means", sa.Enum("wallet", name="topupmeans", native_enum=False, length=32), nullable=False),
        sa.Column("source_wallet_id", sa.Uuid(), nullable=True),
        sa.Column("threshold_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("month_max_cents", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "means <> 'wallet' OR amount_cents = 0 OR source_wallet_id IS NOT NULL",
            name=op.f("ck_top_up_choice_source"),
        ),
        sa.CheckConstraint("amount_cents BETWEEN 0 AND month_max_cents", name=op.f("ck_top_up_choice_amount")),
        sa.CheckConstraint("source_wallet_id <> wallet_id", name=op.f("ck_top_up_choice_two")),
        sa.ForeignKeyConstraint(
            ["source_wallet_id"], ["wallet.id"], name=op.f("fk_top_up_choice_source_wallet_id_wallet")
        ),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name=op.f("fk_top_up_choice_wallet_id_wallet")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_top_up_choice")),
    )
    with op.batch_alter_table("top_up_choice", schema=None) as batch_op:
        batch_op.create_index("ix_top_up_choice_wallet", ["wallet_id", "valid_from"], unique=False)

    op.create_table(
        "automatic_top_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("choice_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["choice_id"], ["top_up_choice.id"], name=op.f("fk_automatic_top_up_choice_id_top_up_choice")
        ),
        sa.ForeignKeyConstraint(
            ["id"], ["ledger_transaction.id"], name=op.f("fk_automatic_top_up_id_ledger_transaction")
        ),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name=op.f("fk_automatic_top_up_wallet_id_wallet")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automatic_top_up")),
    )
    with op.batch_alter_table("automatic_top_up", schema=None) as batch_op:
        batch_op.create_index("ix_automatic_top_up_wallet", ["wallet_id", "made_on"], unique=False)

    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("automatic_top_up", schema=None) as batch_op:
        batch_op.drop_index("ix_automatic_top_up_wallet")

    op.drop_table("automatic_top_up")
    with op.batch_alter_table("top_up_choice", schema=None) as batch_op:
        batch_op.drop_index("ix_top_up_choice_wallet")

    op.drop_table("top_up_choice")
    with op.batch_alter_table("notice_choice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_choice_wallet")

    op.drop_table("notice_choice")
    op.drop_table("low_balance")

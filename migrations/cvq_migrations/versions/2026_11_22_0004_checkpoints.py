"""Checkpoints of the ledger's accounts.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-22 01:04:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "ledger_checkpoint",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("sum_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_account.id"], name=op.f("fk_ledger_checkpoint_account_id_ledger_account")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_ledger_checkpoint")),
    )


def downgrade() -> None:
    op.drop_table("ledger_checkpoint")

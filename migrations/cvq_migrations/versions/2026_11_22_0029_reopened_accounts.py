"""Accounts of families that come back: closed more than once, and reopened.

Revision ID: 0029
Revises: 0028
Create Date: 2026-11-22 08:10:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UNIQUE = "uq_account_closure_account_id"


def upgrade() -> None:
    with op.batch_alter_table("account_closure", schema=None) as batch_op:
        batch_op.drop_constraint(UNIQUE, type_="unique")
        batch_op.create_index("ix_account_closure_account_id", ["account_id"], unique=False)
    _guard_the_copy()
    op.create_table(
        "account_reopening",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("closure_id", sa.Uuid(), nullable=False),
        sa.Column("reopened_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["closure_id"], ["account_closure.id"], name=op.f("fk_account_reopening_closure_id_account_closure")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_reopening")),
        sa.UniqueConstraint("closure_id", name=op.f("uq_account_reopening_closure_id")),
    )
    for statement in append_only_ddl("account_reopening", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("account_reopening")
    with op.batch_alter_table("account_closure", schema=None) as batch_op:
        batch_op.drop_index("ix_account_closure_account_id")
        batch_op.create_unique_constraint(UNIQUE, ["account_id"])
    _guard_the_copy()


def _guard_the_copy() -> None:
    """Make the triggers again that SQLite's copy of the table left behind."""
    if op.get_bind().dialect.name == "sqlite":
        for statement in append_only_ddl("account_closure", "sqlite"):
            op.execute(statement)

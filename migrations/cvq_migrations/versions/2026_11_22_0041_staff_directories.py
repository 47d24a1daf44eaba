"""When an employer's list was last believed, what it said, and why there was none.

Revision ID: 0041
Revises: 0040
Create Date: 2026-11-22 13:36:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0041"
down_revision: str | None = "0040"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("staff_list", schema=None) as batch_op:
        batch_op.add_column(sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("reading", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("trouble", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("trouble_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("staff_list", schema=None) as batch_op:
        batch_op.drop_column("trouble_at")
        batch_op.drop_column("trouble")
        batch_op.drop_column("reading")
        batch_op.drop_column("read_at")

"""How long changes take to reach each site, as its controller measured it.

Revision ID: 0040
Revises: 0039
Create Date: 2026-11-22 13:18:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0040"
down_revision: str | None = "0039"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("controller_report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("change_delay_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("change_delay_worst_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("controller_report", schema=None) as batch_op:
        batch_op.drop_column("change_delay_worst_ms")
        batch_op.drop_column("change_delay_ms")

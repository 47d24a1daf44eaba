"""Accords for one question, and one round of family quotients at a time, which somebody can stop.

Revision ID: 0028
Revises: 0027
Create Date: 2026-11-22 07:30:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # In place: a table that only grows keeps its triggers.
    op.add_column("quotient_accord", sa.Column("once", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("quotient_refresh", sa.Column("running", sa.Boolean(), nullable=True))
    op.add_column("quotient_refresh", sa.Column("stopped_by", sa.Uuid(), nullable=True))
    # A round that is under way goes on being one; of several, the one that began last.
    op.execute(
        "UPDATE quotient_refresh SET running = true WHERE id = (SELECT id FROM quotient_refresh"
        " WHERE finished_at IS NULL ORDER BY started_at DESC, id DESC LIMIT 1)"
    )
    op.create_index("uq_quotient_refresh_running", "quotient_refresh", ["running"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_quotient_refresh_running", table_name="quotient_refresh")
    op.drop_column("quotient_refresh", "stopped_by")
    op.drop_column("quotient_refresh", "running")
    op.drop_column("quotient_accord", "once")

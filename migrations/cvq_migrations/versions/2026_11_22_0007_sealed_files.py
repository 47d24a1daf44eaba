"""The register of sealed files.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-22 01:08:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sealed_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_sealed_file_office_id_cash_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_file")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_sealed_file_office_id_number")),
    )
    for statement in append_only_ddl("sealed_file", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("sealed_file")

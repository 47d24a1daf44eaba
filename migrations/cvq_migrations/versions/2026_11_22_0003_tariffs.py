"""Tariffs as they were proposed, and the days from which adopted ones hold.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-22 00:55:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


APPEND_ONLY = ("tariff_version", "tariff_adoption")
SERVICE_CODE = sa.Enum(
    "canteen",
    "after_school",
    "creche",
    "leisure_centre",
    "pool",
    "squash",
    "library",
    "toy_library",
    "hall",
    "waste_centre",
    "building",
    name="servicecode",
    native_enum=False,
    length=32,
)


def upgrade() -> None:
    op.create_table(
        "tariff_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_code", SERVICE_CODE, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("format", sa.SmallInteger(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_by_name", sa.String(length=120), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_tariff_version_number")),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_tariff_version_service_code_service")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff_version")),
        sa.UniqueConstraint("service_code", "number", name=op.f("uq_tariff_version_service_code_number")),
    )
    op.create_table(
        "tariff_adoption",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("service_code", SERVICE_CODE, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("adopted_by", sa.Uuid(), nullable=True),
        sa.Column("adopted_by_name", sa.String(length=120), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_tariff_adoption_service_code_service")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["tariff_version.id"], name=op.f("fk_tariff_adoption_version_id_tariff_version")
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_tariff_adoption")),
    )
    with op.batch_alter_table("tariff_adoption", schema=None) as batch_op:
        batch_op.create_index("ix_tariff_adoption_service", ["service_code", "valid_from"], unique=False)
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("tariff_adoption", schema=None) as batch_op:
        batch_op.drop_index("ix_tariff_adoption_service")

    op.drop_table("tariff_adoption")
    op.drop_table("tariff_version")

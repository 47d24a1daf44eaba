"""The library's software: who may ask by SIP2, and whom the library does not lend to.

Revision ID: 0031
Revises: 0030
Create Date: 2026-11-22 10:21:46.010147
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("library_block",)


def upgrade() -> None:
    op.create_table(
        "library_access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("institution", sa.String(length=40), nullable=False),
        sa.Column("encoding", sa.String(length=20), nullable=False),
        sa.Column(
            "service_code",
            sa.Enum(
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
            ),
            nullable=False,
        ),
        sa.Column("fee_limit_cents", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("service_code IN ('library', 'toy_library')", name=op.f("ck_library_access_service")),
        sa.CheckConstraint("fee_limit_cents IS NULL OR fee_limit_cents >= 0", name=op.f("ck_library_access_fee_limit")),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_library_access_service_code_service")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_access")),
        sa.UniqueConstraint("login", name=op.f("uq_library_access_login")),
    )
    op.create_table(
        "library_block",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "service_code",
            sa.Enum(
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
            ),
            nullable=False,
        ),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("access_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["access_id"], ["library_access.id"], name=op.f("fk_library_block_access_id_library_access")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_library_block_person_id_person")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_library_block_service_code_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_block")),
    )
    with op.batch_alter_table("library_block", schema=None) as batch_op:
        batch_op.create_index("ix_library_block_person", ["person_id", "service_code", "recorded_at"], unique=False)
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("library_block", schema=None) as batch_op:
        batch_op.drop_index("ix_library_block_person")

    op.drop_table("library_block")
    op.drop_table("library_access")

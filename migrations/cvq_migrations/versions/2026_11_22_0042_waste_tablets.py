"""Attendants' tablets at the waste centre: number plates, and what came late and has to be looked at.

Revision ID: 0042
Revises: 0041
Create Date: 2026-11-22 13:18:31.773183
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "waste_late",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind", sa.Enum("not-taken", "price-differs", name="latekind", native_enum=False, length=32), nullable=False
        ),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=True),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("loads", sa.String(length=1000), nullable=False),
        sa.Column("said_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["access_point.id"], name=op.f("fk_waste_late_point_id_access_point")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waste_late")),
    )
    with op.batch_alter_table("waste_late", schema=None) as batch_op:
        batch_op.create_index("ix_waste_late_received", ["received_at"], unique=False)

    op.create_table(
        "waste_plate",
        sa.Column("plate", sa.String(length=12), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "standing",
            sa.Enum("household", "professional", name="standing", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_waste_plate_person_id_person")),
        sa.PrimaryKeyConstraint("plate", name=op.f("pk_waste_plate")),
    )
    with op.batch_alter_table("waste_plate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_waste_plate_person_id"), ["person_id"], unique=False)

    for statement in append_only_ddl("waste_late", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("waste_plate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_waste_plate_person_id"))

    op.drop_table("waste_plate")
    with op.batch_alter_table("waste_late", schema=None) as batch_op:
        batch_op.drop_index("ix_waste_late_received")

    op.drop_table("waste_late")

"""Inactive values: kinds, who holds which numbers, movements, counts.

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-22 04:22:10.308191
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("value_movement", "value_count")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "value_kind",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("face_cents", sa.Integer(), nullable=False),
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
            nullable=True,
        ),
        sa.Column("is_card", sa.Boolean(), nullable=False),
        sa.Column("last_movement", sa.Integer(), nullable=False),
        sa.CheckConstraint("face_cents > 0", name=op.f("ck_value_kind_face")),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_value_kind_office_id_cash_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_kind")),
        sa.UniqueConstraint("office_id", "code", name=op.f("uq_value_kind_office_id_code")),
    )
    op.create_table(
        "value_count",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("found", JSON, nullable=False),
        sa.Column("explanation", sa.String(length=200), nullable=False),
        sa.Column("counted_by", sa.Uuid(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["counted_by"], ["staff.id"], name=op.f("fk_value_count_counted_by_staff")),
        sa.ForeignKeyConstraint(["kind_id"], ["value_kind.id"], name=op.f("fk_value_count_kind_id_value_kind")),
        sa.ForeignKeyConstraint(["place_id"], ["sub_office.id"], name=op.f("fk_value_count_place_id_sub_office")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_value_count_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_count")),
    )
    with op.batch_alter_table("value_count", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_value_count_kind_id"), ["kind_id"], unique=False)

    op.create_table(
        "value_holding",
        sa.Column("kind_id", sa.Uuid(), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column(
            "whereabouts",
            sa.Enum(
                "comptable",
                "place",
                "person",
                "sold",
                "issued",
                "returned",
                "destroyed",
                "missing",
                name="whereabouts",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("first_number > 0 AND first_number <= last_number", name=op.f("ck_value_holding_span")),
        sa.ForeignKeyConstraint(["kind_id"], ["value_kind.id"], name=op.f("fk_value_holding_kind_id_value_kind")),
        sa.ForeignKeyConstraint(["place_id"], ["sub_office.id"], name=op.f("fk_value_holding_place_id_sub_office")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_value_holding_staff_id_staff")),
        sa.PrimaryKeyConstraint("kind_id", "first_number", name=op.f("pk_value_holding")),
    )
    with op.batch_alter_table("value_holding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_value_holding_place_id"), ["place_id"], unique=False)

    op.create_table(
        "value_movement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column(
            "from_whereabouts",
            sa.Enum(
                "comptable",
                "place",
                "person",
                "sold",
                "issued",
                "returned",
                "destroyed",
                "missing",
                name="whereabouts",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("from_place_id", sa.Uuid(), nullable=True),
        sa.Column("from_staff_id", sa.Uuid(), nullable=True),
        sa.Column(
            "to_whereabouts",
            sa.Enum(
                "comptable",
                "place",
                "person",
                "sold",
                "issued",
                "returned",
                "destroyed",
                "missing",
                name="whereabouts",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("to_place_id", sa.Uuid(), nullable=True),
        sa.Column("to_staff_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("moved_by", sa.Uuid(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_number > 0 AND first_number <= last_number", name=op.f("ck_value_movement_span")),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_value_movement_card_id_card")),
        sa.ForeignKeyConstraint(
            ["from_place_id"], ["sub_office.id"], name=op.f("fk_value_movement_from_place_id_sub_office")
        ),
        sa.ForeignKeyConstraint(["from_staff_id"], ["staff.id"], name=op.f("fk_value_movement_from_staff_id_staff")),
        sa.ForeignKeyConstraint(["kind_id"], ["value_kind.id"], name=op.f("fk_value_movement_kind_id_value_kind")),
        sa.ForeignKeyConstraint(["moved_by"], ["staff.id"], name=op.f("fk_value_movement_moved_by_staff")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_value_movement_receipt_id_receipt")),
        sa.ForeignKeyConstraint(
            ["to_place_id"], ["sub_office.id"], name=op.f("fk_value_movement_to_place_id_sub_office")
        ),
        sa.ForeignKeyConstraint(["to_staff_id"], ["staff.id"], name=op.f("fk_value_movement_to_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["value_movement.id"], name=op.f("fk_value_movement_undoes_id_value_movement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_movement")),
        sa.UniqueConstraint("card_id", name=op.f("uq_value_movement_card_id")),
        sa.UniqueConstraint("kind_id", "position", name=op.f("uq_value_movement_kind_id_position")),
        sa.UniqueConstraint("receipt_id", name=op.f("uq_value_movement_receipt_id")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_value_movement_undoes_id")),
    )
    with op.batch_alter_table("value_movement", schema=None) as batch_op:
        batch_op.create_index("ix_value_movement_moved_at", ["kind_id", "moved_at"], unique=False)

    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    for table in ("value_movement", "value_holding", "value_count", "value_kind"):
        op.drop_table(table)

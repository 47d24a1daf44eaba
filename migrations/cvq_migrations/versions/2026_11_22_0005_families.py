"""Families that are not tidy: shared days, court orders, what nobody bears yet, mergers and closures.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-22 01:00:58.886967
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = (
    "court_order",
    "custody_arrangement",
    "custody_part",
    "custody_exception",
    "parental_authority",
    "unclaimed_charge",
    "account_merge",
    "account_merge_undo",
    "account_closure",
)


def upgrade() -> None:
    op.create_table(
        "account_closure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("left", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_account_closure_account_id_family_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_closure")),
        sa.UniqueConstraint("account_id", name=op.f("uq_account_closure_account_id")),
    )
    op.create_table(
        "account_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merged_id", sa.Uuid(), nullable=False),
        sa.Column("kept_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("moved", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("merged_id <> kept_id", name=op.f("ck_account_merge_two_accounts")),
        sa.ForeignKeyConstraint(
            ["kept_id"], ["family_account.id"], name=op.f("fk_account_merge_kept_id_family_account")
        ),
        sa.ForeignKeyConstraint(
            ["merged_id"], ["family_account.id"], name=op.f("fk_account_merge_merged_id_family_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_merge")),
    )
    with op.batch_alter_table("account_merge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_merge_kept_id"), ["kept_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_merge_merged_id"), ["merged_id"], unique=False)

    op.create_table(
        "account_merge_undo",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merge_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["merge_id"], ["account_merge.id"], name=op.f("fk_account_merge_undo_merge_id_account_merge")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_merge_undo")),
        sa.UniqueConstraint("merge_id", name=op.f("uq_account_merge_undo_merge_id")),
    )
    op.create_table(
        "court_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("court", sa.String(length=120), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["child_id"], ["person.id"], name=op.f("fk_court_order_child_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_court_order")),
    )
    with op.batch_alter_table("court_order", schema=None) as batch_op:
        batch_op.create_index("ix_court_order_child", ["child_id", "decided_on"], unique=False)

    op.create_table(
        "unclaimed_charge",
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
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("because", sa.String(length=300), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_unclaimed_charge_amount")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_unclaimed_charge_person_id_person")),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_unclaimed_charge_service_code_service")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unclaimed_charge")),
    )
    with op.batch_alter_table("unclaimed_charge", schema=None) as batch_op:
        batch_op.create_index("ix_unclaimed_charge_service", ["service_code", "day"], unique=False)

    op.create_table(
        "custody_arrangement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("first_week", sa.String(length=7), nullable=False),
        sa.Column("second_week", sa.String(length=7), nullable=False),
        sa.Column("reference_monday", sa.Date(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "length(first_week) = 7 AND length(second_week) = 7", name=op.f("ck_custody_arrangement_weeks")
        ),
        sa.ForeignKeyConstraint(["child_id"], ["person.id"], name=op.f("fk_custody_arrangement_child_id_person")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["court_order.id"], name=op.f("fk_custody_arrangement_order_id_court_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody_arrangement")),
    )
    with op.batch_alter_table("custody_arrangement", schema=None) as batch_op:
        batch_op.create_index("ix_custody_arrangement_child", ["child_id", "valid_from"], unique=False)

    op.create_table(
        "parental_authority",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("guardian_id", sa.Uuid(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["child_id"], ["person.id"], name=op.f("fk_parental_authority_child_id_person")),
        sa.ForeignKeyConstraint(["guardian_id"], ["person.id"], name=op.f("fk_parental_authority_guardian_id_person")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["court_order.id"], name=op.f("fk_parental_authority_order_id_court_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parental_authority")),
    )
    with op.batch_alter_table("parental_authority", schema=None) as batch_op:
        batch_op.create_index("ix_parental_authority_child", ["child_id", "valid_from"], unique=False)

    op.create_table(
        "custody_exception",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("arrangement_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("by_rhythm", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_custody_exception_period")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_custody_exception_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(
            ["arrangement_id"],
            ["custody_arrangement.id"],
            name=op.f("fk_custody_exception_arrangement_id_custody_arrangement"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody_exception")),
    )
    with op.batch_alter_table("custody_exception", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_custody_exception_arrangement_id"), ["arrangement_id"], unique=False)

    op.create_table(
        "custody_part",
        sa.Column("arrangement_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("share_percent", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("share_percent BETWEEN 0 AND 100", name=op.f("ck_custody_part_share")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_custody_part_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(
            ["arrangement_id"],
            ["custody_arrangement.id"],
            name=op.f("fk_custody_part_arrangement_id_custody_arrangement"),
        ),
        sa.PrimaryKeyConstraint("arrangement_id", "position", name=op.f("pk_custody_part")),
    )
    column = sa.Uuid().compile(op.get_bind().dialect)
    # Plain SQL, since SQLite cannot copy a table that others refer to.
    op.execute(
        f"ALTER TABLE family_account ADD COLUMN merged_into_id {column}"
        " CONSTRAINT fk_family_account_merged_into_id_family_account REFERENCES family_account (id)"
    )
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE family_account DROP COLUMN merged_into_id")
    op.drop_table("custody_part")
    with op.batch_alter_table("custody_exception", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_custody_exception_arrangement_id"))

    op.drop_table("custody_exception")
    with op.batch_alter_table("parental_authority", schema=None) as batch_op:
        batch_op.drop_index("ix_parental_authority_child")

    op.drop_table("parental_authority")
    with op.batch_alter_table("custody_arrangement", schema=None) as batch_op:
        batch_op.drop_index("ix_custody_arrangement_child")

    op.drop_table("custody_arrangement")
    with op.batch_alter_table("unclaimed_charge", schema=None) as batch_op:
        batch_op.drop_index("ix_unclaimed_charge_service")

    op.drop_table("unclaimed_charge")
    with op.batch_alter_table("court_order", schema=None) as batch_op:
        batch_op.drop_index("ix_court_order_child")

    op.drop_table("court_order")
    op.drop_table("account_merge_undo")
    with op.batch_alter_table("account_merge", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_merge_merged_id"))
        batch_op.drop_index(batch_op.f("ix_account_merge_kept_id"))

    op.drop_table("account_merge")
    op.drop_table("account_closure")

"""Access points with modes and settings, areas that count who is inside, late taps with their conflicts, door events.

A point that was closed is locked from now on; the other way round, a point that is open to all becomes a normal one.

Revision ID: 0034
Revises: 0033
Create Date: 2026-11-22 10:45:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("tap_conflict", "tap_conflict_settling")
POINT_COLUMNS = (
    "direction VARCHAR(32) DEFAULT 'both' NOT NULL",
    "area_id {uuid} CONSTRAINT fk_access_point_area_id_access_area REFERENCES access_area (id)",
    "passback_minutes INTEGER DEFAULT 0 NOT NULL"
    " CONSTRAINT ck_access_point_passback_minutes CHECK (passback_minutes BETWEEN 0 AND 1440)",
    "double_tap_s INTEGER DEFAULT 0 NOT NULL"
    " CONSTRAINT ck_access_point_double_tap_s CHECK (double_tap_s BETWEEN 0 AND 60)",
    "guardian_age INTEGER CONSTRAINT ck_access_point_guardian_age CHECK (guardian_age BETWEEN 1 AND 18)",
    "guardian_minutes INTEGER DEFAULT 0 NOT NULL"
    " CONSTRAINT ck_access_point_guardian_minutes CHECK (guardian_minutes BETWEEN 0 AND 60)",
    "clock_tolerance_s INTEGER DEFAULT 300 NOT NULL"
    " CONSTRAINT ck_access_point_clock_tolerance_s CHECK (clock_tolerance_s BETWEEN 5 AND 3600)",
    "offline_fallback VARCHAR(32) DEFAULT 'fail_closed' NOT NULL",
)
POINT = sa.table("access_point", sa.column("mode", sa.String()))


def upgrade() -> None:
    op.create_table(
        "access_area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("closes_at", sa.Time(), nullable=True),
        sa.Column("inside", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_access_area_capacity")),
        sa.CheckConstraint("inside >= 0", name=op.f("ck_access_area_inside")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_area")),
        sa.UniqueConstraint("code", name=op.f("uq_access_area_code")),
    )
    # Column by column, and no batch: SQLite would make the table anew, which the rows that name a point forbid.
    uuid = sa.Uuid().compile(op.get_bind().dialect)
    for column in POINT_COLUMNS:
        op.execute(f"ALTER TABLE access_point ADD COLUMN {column.format(uuid=uuid)}")
    op.add_column("access_point", sa.Column("reserved_only", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("access_point", sa.Column("mode_since", sa.DateTime(timezone=True), nullable=True))
    op.execute(POINT.update().where(POINT.c.mode == "closed").values(mode="locked"))
    op.add_column("entitlement", sa.Column("site", sa.String(length=120), nullable=True))
    op.add_column("entitlement", sa.Column("on_holidays", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("tap", sa.Column("door_reason", sa.String(length=60), nullable=True))
    op.add_column("tap", sa.Column("repeats", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "tap_conflict",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tap_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("service_code", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("tapped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("door_allowed", sa.Boolean(), nullable=False),
        sa.Column("door_reason", sa.String(length=60), nullable=False),
        sa.Column("core_reason", sa.String(length=32), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=True),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_tap_conflict_amount")),
        sa.ForeignKeyConstraint(["point_id"], ["access_point.id"], name=op.f("fk_tap_conflict_point_id_access_point")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_tap_conflict_service_code_service")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_tap_conflict_person_id_person")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_tap_conflict_account_id_family_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tap_conflict")),
    )
    op.create_index("ix_tap_conflict_service", "tap_conflict", ["service_code", "noted_at"], unique=False)
    op.create_index("ix_tap_conflict_tap", "tap_conflict", ["tap_id"], unique=False)
    op.create_table(
        "tap_conflict_settling",
        sa.Column("conflict_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conflict_id"], ["tap_conflict.id"], name=op.f("fk_tap_conflict_settling_conflict_id_tap_conflict")
        ),
        sa.PrimaryKeyConstraint("conflict_id", name=op.f("pk_tap_conflict_settling")),
    )
    op.create_table(
        "point_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["access_point.id"], name=op.f("fk_point_event_point_id_access_point")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_event")),
    )
    op.create_index("ix_point_event_point", "point_event", ["point_id", "happened_at"], unique=False)
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    for table in ("point_event", "tap_conflict_settling", "tap_conflict"):
        op.drop_table(table)
    for table, columns in (
        ("tap", ("repeats", "door_reason")),
        ("entitlement", ("on_holidays", "site")),
        ("access_point", ("mode_since", "reserved_only", *(column.split()[0] for column in reversed(POINT_COLUMNS)))),
    ):
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    op.execute(POINT.update().where(POINT.c.mode == "locked").values(mode="closed"))
    op.execute(POINT.update().where(POINT.c.mode.in_(("held_open", "emergency"))).values(mode="normal"))
    op.drop_table("access_area")

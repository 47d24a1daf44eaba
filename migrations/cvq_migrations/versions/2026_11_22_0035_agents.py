"""Employers' staff lists: whose they are, which doors their groups open, and what each list changed.

Revision ID: 0035
Revises: 0034
Create Date: 2026-11-22 10:43:26.885249
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("staff_run",)


def upgrade() -> None:
    op.create_table(
        "staff_list",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("leavers_percent_max", sa.SmallInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("leavers_percent_max BETWEEN 0 AND 100", name=op.f("ck_staff_list_leavers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_list")),
        sa.UniqueConstraint("code", name=op.f("uq_staff_list_code")),
    )
    op.create_table(
        "agent_group",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("weekdays", sa.SmallInteger(), nullable=False),
        sa.Column("opens_at", sa.Time(), nullable=True),
        sa.Column("closes_at", sa.Time(), nullable=True),
        sa.CheckConstraint("weekdays BETWEEN 1 AND 127", name=op.f("ck_agent_group_weekdays")),
        sa.ForeignKeyConstraint(["list_id"], ["staff_list.id"], name=op.f("fk_agent_group_list_id_staff_list")),
        sa.PrimaryKeyConstraint("list_id", "name", name=op.f("pk_agent_group")),
    )
    op.create_table(
        "staff_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("applied", "refused", "undoing", name="runoutcome", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("report", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(outcome = 'undoing') = (undoes_id IS NOT NULL)", name=op.f("ck_staff_run_undoing")),
        sa.ForeignKeyConstraint(["list_id"], ["staff_list.id"], name=op.f("fk_staff_run_list_id_staff_list")),
        sa.ForeignKeyConstraint(["undoes_id"], ["staff_run.id"], name=op.f("fk_staff_run_undoes_id_staff_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_run")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_staff_run_undoes_id")),
    )
    with op.batch_alter_table("staff_run", schema=None) as batch_op:
        batch_op.create_index("ix_staff_run_list", ["list_id", "at"], unique=False)

    op.create_table(
        "agent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("group_name", sa.String(length=80), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["staff_list.id"], name=op.f("fk_agent_list_id_staff_list")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_agent_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("list_id", "number", name=op.f("uq_agent_list_id_number")),
    )
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.create_index("ix_agent_person", ["person_id"], unique=False)

    op.create_table(
        "agent_group_point",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id", "name"],
            ["agent_group.list_id", "agent_group.name"],
            name=op.f("fk_agent_group_point_list_id_name_agent_group"),
        ),
        sa.ForeignKeyConstraint(
            ["point_id"], ["access_point.id"], name=op.f("fk_agent_group_point_point_id_access_point")
        ),
        sa.PrimaryKeyConstraint("list_id", "name", "point_id", name=op.f("pk_agent_group_point")),
    )
    op.create_table(
        "agent_right",
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_agent_right_agent_id_agent")),
        sa.ForeignKeyConstraint(["ended_by"], ["staff_run.id"], name=op.f("fk_agent_right_ended_by_staff_run")),
        sa.ForeignKeyConstraint(["given_by"], ["staff_run.id"], name=op.f("fk_agent_right_given_by_staff_run")),
        sa.PrimaryKeyConstraint("right_id", name=op.f("pk_agent_right")),
    )
    with op.batch_alter_table("agent_right", schema=None) as batch_op:
        batch_op.create_index("ix_agent_right_agent", ["agent_id"], unique=False)
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("agent_right", schema=None) as batch_op:
        batch_op.drop_index("ix_agent_right_agent")

    op.drop_table("agent_right")
    op.drop_table("agent_group_point")
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.drop_index("ix_agent_person")

    op.drop_table("agent")
    with op.batch_alter_table("staff_run", schema=None) as batch_op:
        batch_op.drop_index("ix_staff_run_list")

    op.drop_table("staff_run")
    op.drop_table("agent_group")
    op.drop_table("staff_list")

"""Making cards: batches, orders, and what happens to each card.

Revision ID: 0036
Revises: 0035
Create Date: 2026-11-22 10:48:18.457215
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "card_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "what",
            sa.Enum(
                "planned",
                "printed",
                "encoded",
                "rekeyed",
                "handed_over",
                "scrapped",
                "cancelled",
                "blocked",
                "found",
                "unblocked",
                "replaced",
                "expired",
                name="cardeventkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum("counter", "phone", "booth", "encoder", "system", name="channel", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "identity",
            sa.Enum(
                "paper_shown", "vouched", "guardian", "answers", name="identitycheck", native_enum=False, length=32
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_event")),
    )
    with op.batch_alter_table("card_event", schema=None) as batch_op:
        batch_op.create_index("ix_card_event_card", ["card_id", "at"], unique=False)

    op.create_table(
        "card_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("kind_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["kind_id"], ["value_kind.id"], name=op.f("fk_card_batch_kind_id_value_kind")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_card_batch_made_by_staff")),
        sa.ForeignKeyConstraint(["place_id"], ["sub_office.id"], name=op.f("fk_card_batch_place_id_sub_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_batch")),
    )
    with op.batch_alter_table("card_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_card_batch_place_id"), ["place_id"], unique=False)

    op.create_table(
        "card_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=10), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "printed",
                "encoded",
                "handed_over",
                "scrapped",
                "cancelled",
                name="orderstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["card_batch.id"], name=op.f("fk_card_order_batch_id_card_batch")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_card_order_person_id_person")),
        sa.ForeignKeyConstraint(["replaces_id"], ["card.id"], name=op.f("fk_card_order_replaces_id_card")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_order")),
        sa.UniqueConstraint("batch_id", "position", name=op.f("uq_card_order_batch_id_position")),
        sa.UniqueConstraint("number", name=op.f("uq_card_order_number")),
    )
    with op.batch_alter_table("card_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_card_order_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_card_order_status"), ["status"], unique=False)
        batch_op.create_index(
            "uq_card_order_open",
            ["person_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('planned', 'printed', 'encoded')"),
            postgresql_where=sa.text("status IN ('planned', 'printed', 'encoded')"),
        )

    for statement in append_only_ddl("card_event", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("card_order", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_card_order_open",
            sqlite_where=sa.text("status IN ('planned', 'printed', 'encoded')"),
            postgresql_where=sa.text("status IN ('planned', 'printed', 'encoded')"),
        )
        batch_op.drop_index(batch_op.f("ix_card_order_status"))
        batch_op.drop_index(batch_op.f("ix_card_order_person_id"))

    op.drop_table("card_order")
    with op.batch_alter_table("card_batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_card_batch_place_id"))

    op.drop_table("card_batch")
    with op.batch_alter_table("card_event", schema=None) as batch_op:
        batch_op.drop_index("ix_card_event_card")

    op.drop_table("card_event")

"""The keys of cards: versions in the HSM, what each chip got, and dialogues with cards.

Revision ID: 0033
Revises: 0032
Create Date: 2026-11-22 10:19:29.988355
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "card_dialogue",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind", sa.Enum("proof", "encoding", name="dialoguekind", native_enum=False, length=32), nullable=False
        ),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("card_uid", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("said", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Enum("done", "refused", name="outcome", native_enum=False, length=32), nullable=True),
        sa.Column("used_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_dialogue")),
    )
    with op.batch_alter_table("card_dialogue", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_card_dialogue_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "card_key",
        sa.Column(
            "purpose", sa.Enum("card", "signature", name="keypurpose", native_enum=False, length=32), nullable=False
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=65), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("version BETWEEN 1 AND 255", name=op.f("ck_card_key_version")),
        sa.PrimaryKeyConstraint("purpose", "version", name=op.f("pk_card_key")),
    )
    op.create_table(
        "card_chip",
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("signature_version", sa.Integer(), nullable=False),
        sa.Column("signed_id", sa.LargeBinary(length=107), nullable=False),
        sa.Column("encoded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_card_chip_card_id_card")),
        sa.ForeignKeyConstraint(["encoder_id"], ["device.id"], name=op.f("fk_card_chip_encoder_id_device")),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_card_chip")),
    )


def downgrade() -> None:
    op.drop_table("card_chip")
    op.drop_table("card_key")
    with op.batch_alter_table("card_dialogue", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_card_dialogue_expires_at"))

    op.drop_table("card_dialogue")

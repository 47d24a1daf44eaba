"""Accounts of companies and associations, and the cards that their people carry.

Revision ID: 0037
Revises: 0036
Create Date: 2026-11-22 10:56:36.681199
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0037"
down_revision: str | None = "0036"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "legal_entity",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("company", "association", "public", name="entitykind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("siret", sa.String(length=14), nullable=True),
        sa.Column("rna", sa.String(length=10), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("siret IS NOT NULL OR rna IS NOT NULL", name=op.f("ck_legal_entity_number")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_legal_entity_account_id_family_account")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_legal_entity")),
        sa.UniqueConstraint("rna", name=op.f("uq_legal_entity_rna")),
        sa.UniqueConstraint("siret", name=op.f("uq_legal_entity_siret")),
    )
    op.create_table(
        "entity_card",
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["legal_entity.account_id"], name=op.f("fk_entity_card_account_id_legal_entity")
        ),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_entity_card_card_id_card")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_entity_card_person_id_person")),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_entity_card")),
    )
    with op.batch_alter_table("entity_card", schema=None) as batch_op:
        batch_op.create_index("ix_entity_card_account", ["account_id", "person_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("entity_card", schema=None) as batch_op:
        batch_op.drop_index("ix_entity_card_account")

    op.drop_table("entity_card")
    op.drop_table("legal_entity")

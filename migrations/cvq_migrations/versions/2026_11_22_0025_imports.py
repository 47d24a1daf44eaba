"""Imports of old bases: what is staged, who looks like whom, opening balances and their sign-off.

Revision ID: 0025
Revises: 0024
Create Date: 2026-11-22 03:56:31.164730
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "import_pair",
        sa.Column("low", sa.Uuid(), nullable=False),
        sa.Column("high", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("certain", sa.Boolean(), nullable=False),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("same", "different", "later", name="verdict", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.CheckConstraint("low < high", name=op.f("ck_import_pair_order")),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("ck_import_pair_score")),
        sa.PrimaryKeyConstraint("low", "high", name=op.f("pk_import_pair")),
    )
    with op.batch_alter_table("import_pair", schema=None) as batch_op:
        batch_op.create_index("ix_import_pair_high", ["high"], unique=False)
        batch_op.create_index("ix_import_pair_open", ["verdict", "score"], unique=False)

    op.create_table(
        "import_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("base", sa.String(length=60), nullable=False),
        sa.Column("commune_insee", sa.String(length=5), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("files", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("unites_families", sa.Boolean(), nullable=False),
        sa.Column("balances_on", sa.Date(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "staged", "applying", "applied", "undoing", "undone", name="batchstate", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column("staged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staged_by", sa.String(length=120), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wiped_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["commune_insee"], ["commune.insee"], name=op.f("fk_import_batch_commune_insee_commune")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.create_index("ix_import_batch_base", ["base", "staged_at"], unique=False)

    op.create_table(
        "import_family",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting", "applied", "known", "refused", "undone", name="familystate", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("account_made", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_import_family_batch_id_import_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_family")),
        sa.UniqueConstraint("batch_id", "number", name=op.f("uq_import_family_batch_id_number")),
    )
    with op.batch_alter_table("import_family", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_family_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_import_family_number"), ["number"], unique=False)
        batch_op.create_index("ix_import_family_state", ["batch_id", "state", "id"], unique=False)

    op.create_table(
        "import_fault",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("family", sa.String(length=60), nullable=False),
        sa.Column("sentence", sa.String(length=300), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("refuses", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_import_fault_batch_id_import_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_fault")),
    )
    with op.batch_alter_table("import_fault", schema=None) as batch_op:
        batch_op.create_index("ix_import_fault_batch", ["batch_id", "position"], unique=False)

    op.create_table(
        "opening_sign_off",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
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
        sa.Column("families", sa.Integer(), nullable=False),
        sa.Column("credit_cents", sa.BigInteger(), nullable=False),
        sa.Column("debt_cents", sa.BigInteger(), nullable=False),
        sa.Column("stated_credit_cents", sa.BigInteger(), nullable=False),
        sa.Column("stated_debt_cents", sa.BigInteger(), nullable=False),
        sa.Column("explanation", sa.String(length=500), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=False),
        sa.Column("signed_name", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name=op.f("fk_opening_sign_off_batch_id_import_batch")
        ),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_opening_sign_off_service_code_service")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_sign_off")),
        sa.UniqueConstraint("batch_id", "service_code", name=op.f("uq_opening_sign_off_batch_id_service_code")),
    )
    op.create_table(
        "import_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("identity", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column(
            "role",
            sa.Enum("guardian", "child", "payer", "collector", name="familyrole", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("person_made", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["family_id"], ["import_family.id"], name=op.f("fk_import_person_family_id_import_family")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_person")),
        sa.UniqueConstraint("family_id", "position", name=op.f("uq_import_person_family_id_position")),
    )
    with op.batch_alter_table("import_person", schema=None) as batch_op:
        batch_op.create_index("ix_import_person_identity", ["identity"], unique=False)
        batch_op.create_index("ix_import_person_person", ["person_id"], unique=False)

    op.create_table(
        "opening_balance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
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
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents <> 0", name=op.f("ck_opening_balance_amount")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name=op.f("fk_opening_balance_batch_id_import_batch")
        ),
        sa.ForeignKeyConstraint(
            ["family_id"], ["import_family.id"], name=op.f("fk_opening_balance_family_id_import_family")
        ),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_opening_balance_service_code_service")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_balance")),
        sa.UniqueConstraint("family_id", "service_code", name=op.f("uq_opening_balance_family_id_service_code")),
    )
    with op.batch_alter_table("opening_balance", schema=None) as batch_op:
        batch_op.create_index("ix_opening_balance_batch", ["batch_id", "service_code"], unique=False)

    for statement in append_only_ddl("opening_sign_off", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("opening_balance", schema=None) as batch_op:
        batch_op.drop_index("ix_opening_balance_batch")

    op.drop_table("opening_balance")
    with op.batch_alter_table("import_person", schema=None) as batch_op:
        batch_op.drop_index("ix_import_person_person")
        batch_op.drop_index("ix_import_person_identity")

    op.drop_table("import_person")
    op.drop_table("opening_sign_off")
    with op.batch_alter_table("import_fault", schema=None) as batch_op:
        batch_op.drop_index("ix_import_fault_batch")

    op.drop_table("import_fault")
    with op.batch_alter_table("import_family", schema=None) as batch_op:
        batch_op.drop_index("ix_import_family_state")
        batch_op.drop_index(batch_op.f("ix_import_family_number"))
        batch_op.drop_index(batch_op.f("ix_import_family_account_id"))

    op.drop_table("import_family")
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.drop_index("ix_import_batch_base")

    op.drop_table("import_batch")
    with op.batch_alter_table("import_pair", schema=None) as batch_op:
        batch_op.drop_index("ix_import_pair_open")
        batch_op.drop_index("ix_import_pair_high")

    op.drop_table("import_pair")

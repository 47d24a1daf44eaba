"""What stays unpaid: from which sum on it is claimed, and the lists that the comptable got.

Revision ID: 0020
Revises: 0019
Create Date: 2026-11-22 04:49:14.223443
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = (
    "claim_setting",
    "unpaid_state",
    "unpaid_item",
)


def upgrade() -> None:
    op.create_table(
        "claim_setting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("threshold_cents", sa.Integer(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=160), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("grace_days >= 0", name=op.f("ck_claim_setting_grace")),
        sa.CheckConstraint("threshold_cents > 0", name=op.f("ck_claim_setting_threshold")),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_claim_setting_office_id_cash_office")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_claim_setting_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_setting")),
    )
    with op.batch_alter_table("claim_setting", schema=None) as batch_op:
        batch_op.create_index("ix_claim_setting_office", ["office_id", "valid_from"], unique=False)

    op.create_table(
        "unpaid_series",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_unpaid_series_office_id_cash_office")),
        sa.PrimaryKeyConstraint("office_id", name=op.f("pk_unpaid_series")),
    )
    op.create_table(
        "unpaid_state",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("withdraws_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("families", sa.Integer(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("printed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_unpaid_state_number")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["unpaid_series.office_id"], name=op.f("fk_unpaid_state_office_id_unpaid_series")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_unpaid_state_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["withdraws_id"], ["unpaid_state.id"], name=op.f("fk_unpaid_state_withdraws_id_unpaid_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unpaid_state")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_unpaid_state_office_id_number")),
        sa.UniqueConstraint("withdraws_id", name=op.f("uq_unpaid_state_withdraws_id")),
    )
    op.create_table(
        "unpaid_item",
        sa.Column("state_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("family_account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Enum("invoice", "wallet", name="debtkind", native_enum=False, length=32), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("owed_cents", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents > 0 AND amount_cents <= owed_cents", name=op.f("ck_unpaid_item_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_account.id"], name=op.f("fk_unpaid_item_account_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["family_account_id"], ["family_account.id"], name=op.f("fk_unpaid_item_family_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["state_id"], ["unpaid_state.id"], name=op.f("fk_unpaid_item_state_id_unpaid_state")),
        sa.PrimaryKeyConstraint("state_id", "account_id", name=op.f("pk_unpaid_item")),
    )
    with op.batch_alter_table("unpaid_item", schema=None) as batch_op:
        batch_op.create_index("ix_unpaid_item_account", ["account_id", "posting_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_unpaid_item_family_account_id"), ["family_account_id"], unique=False)
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("unpaid_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unpaid_item_family_account_id"))
        batch_op.drop_index("ix_unpaid_item_account")

    op.drop_table("unpaid_item")
    op.drop_table("unpaid_state")
    op.drop_table("unpaid_series")
    with op.batch_alter_table("claim_setting", schema=None) as batch_op:
        batch_op.drop_index("ix_claim_setting_office")

    op.drop_table("claim_setting")

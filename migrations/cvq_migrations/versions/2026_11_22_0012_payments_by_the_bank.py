"""What came by the bank and the office's slip passes on to the comptable.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-22 03:26:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MEANS = ("cash", "cheque", "card", "cesu", "ancv", "payfip", "direct_debit")


def upgrade() -> None:
    op.create_table(
        "remittance_transaction",
        sa.Column("remittance_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("means", sa.Enum(*MEANS, name="means", native_enum=False, length=32), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["remittance_id"], ["remittance.id"], name=op.f("fk_remittance_transaction_remittance_id_remittance")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_remittance_transaction_transaction_id_ledger_transaction"),
        ),
        sa.PrimaryKeyConstraint("remittance_id", "transaction_id", name=op.f("pk_remittance_transaction")),
    )
    with op.batch_alter_table("remittance_transaction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remittance_transaction_transaction_id"), ["transaction_id"], unique=False)
    for statement in append_only_ddl("remittance_transaction", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("remittance_transaction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remittance_transaction_transaction_id"))

    op.drop_table("remittance_transaction")

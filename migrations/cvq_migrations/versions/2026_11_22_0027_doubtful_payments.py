"""What is known of a payment when nobody asks any more, and the entry of what the bank took for a debit.

An attempt about which nobody asked any more was closed by the rule of then, and stays so. Fees that were noted before
stay a figure.

Revision ID: 0027
Revises: 0026
Create Date: 2026-11-22 07:20:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Column by column, and no batch: SQLite would make the tables anew, which their own rows' children forbid.
    op.add_column("payment_attempt", sa.Column("known_unpaid", sa.Boolean(), server_default=sa.false(), nullable=False))
    attempt = sa.table(
        "payment_attempt", sa.column("known_unpaid", sa.Boolean()), sa.column("next_ask_at"), sa.column("state")
    )
    closed = attempt.c.next_ask_at.is_(None) & (attempt.c.state != "paid")
    op.execute(attempt.update().where(closed).values(known_unpaid=True))
    column = sa.Uuid().compile(op.get_bind().dialect)
    op.execute(
        f"ALTER TABLE debit_return ADD COLUMN fees_transaction_id {column}"
        " CONSTRAINT fk_debit_return_fees_transaction_id_ledger_transaction REFERENCES ledger_transaction (id)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE debit_return DROP COLUMN fees_transaction_id")
    op.execute("ALTER TABLE payment_attempt DROP COLUMN known_unpaid")

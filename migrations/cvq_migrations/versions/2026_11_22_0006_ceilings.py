"""Ceilings of what offices hold, the office's own counter, and what vouchers pay for.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-22 01:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SERVICES = (
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
)
MEANS = ("cash", "cheque", "card", "cesu", "ancv", "payfip", "direct_debit")
# Plain SQL, since SQLite cannot copy a table that others refer to, and takes a column's check with it.
COLUMNS = {
    "cash_office": {
        "ceiling_cents": "BIGINT CONSTRAINT ck_cash_office_ceiling CHECK (ceiling_cents IS NULL OR ceiling_cents > 0)",
        "ceiling_refuses": "BOOLEAN DEFAULT {false} NOT NULL",
        "ceiling_counts": "{json} DEFAULT '[]' NOT NULL",
        "remit_every_days": "SMALLINT DEFAULT 30 NOT NULL"
        " CONSTRAINT ck_cash_office_remit_every_days CHECK (remit_every_days BETWEEN 1 AND 31)",
    },
    "sub_office": {
        "is_main": "BOOLEAN DEFAULT {false} NOT NULL",
        "ceiling_cents": "BIGINT CONSTRAINT ck_sub_office_ceiling CHECK (ceiling_cents IS NULL OR ceiling_cents > 0)",
        "ceiling_refuses": "BOOLEAN DEFAULT {false} NOT NULL",
    },
}


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    words = {"false": "0" if on_sqlite else "false", "json": "JSON" if on_sqlite else "JSONB"}
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind.format(**words)}")
    # An office with one place has no other counter of its own.
    op.execute(
        "UPDATE sub_office SET is_main = true WHERE office_id IN"
        " (SELECT office_id FROM sub_office GROUP BY office_id HAVING count(*) = 1)"
    )
    op.create_index(
        "uq_sub_office_main",
        "sub_office",
        ["office_id"],
        unique=True,
        sqlite_where=sa.text("is_main"),
        postgresql_where=sa.text("is_main"),
    )
    op.create_table(
        "voucher_service",
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
        sa.Column("means", sa.Enum(*MEANS, name="means", native_enum=False, length=32), nullable=False),
        sa.Column("service_code", sa.Enum(*SERVICES, name="servicecode", native_enum=False, length=32), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_voucher_service_service_code_service")
        ),
        sa.ForeignKeyConstraint(
            ["sub_office_id"], ["sub_office.id"], name=op.f("fk_voucher_service_sub_office_id_sub_office")
        ),
        sa.PrimaryKeyConstraint(
            "sub_office_id", "means", "service_code", "valid_from", name=op.f("pk_voucher_service")
        ),
    )


def downgrade() -> None:
    op.drop_table("voucher_service")
    op.drop_index("uq_sub_office_main", "sub_office")
    for table, columns in COLUMNS.items():
        for name in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")

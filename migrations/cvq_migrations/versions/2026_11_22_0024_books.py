"""The books of cash offices: closed months, editions and their files.

Revision ID: 0024
Revises: 0023
Create Date: 2026-11-22 03:54:00.000000
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATES = ("making", "ready", "failed", "gone")
FORMATS = ("journal_pdf", "balance_pdf", "journal_csv", "balance_csv", "xlsx")


def upgrade() -> None:
    op.create_table(
        "book_series",
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_book_series_office_id_cash_office")),
        sa.PrimaryKeyConstraint("office_id", name=op.f("pk_book_series")),
    )
    op.create_table(
        "book_closing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column(
            "sums", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["book_series.office_id"], name=op.f("fk_book_closing_office_id_book_series")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_book_closing_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_closing")),
        sa.UniqueConstraint("office_id", "first_day", name=op.f("uq_book_closing_office_id_first_day")),
    )
    op.create_table(
        "book_edition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("sub_office_id", sa.Uuid(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("copy", sa.SmallInteger(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="editionstate", native_enum=False, length=32), nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.CheckConstraint("copy >= 0", name=op.f("ck_book_edition_copy")),
        sa.CheckConstraint("number > 0", name=op.f("ck_book_edition_number")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["book_series.office_id"], name=op.f("fk_book_edition_office_id_book_series")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_book_edition_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["sub_office_id"], ["sub_office.id"], name=op.f("fk_book_edition_sub_office_id_sub_office")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_edition")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_book_edition_office_id_number")),
    )
    with op.batch_alter_table("book_edition", schema=None) as batch_op:
        batch_op.create_index("ix_book_edition_period", ["office_id", "first_day", "last_day"], unique=False)

    op.create_table(
        "book_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Enum(*FORMATS, name="bookformat", native_enum=False, length=32), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["book_edition.id"], name=op.f("fk_book_file_edition_id_book_edition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_file")),
        sa.UniqueConstraint("edition_id", "format", name=op.f("uq_book_file_edition_id_format")),
    )
    for statement in append_only_ddl("book_closing", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("book_file")
    with op.batch_alter_table("book_edition", schema=None) as batch_op:
        batch_op.drop_index("ix_book_edition_period")

    op.drop_table("book_edition")
    op.drop_table("book_closing")
    op.drop_table("book_series")

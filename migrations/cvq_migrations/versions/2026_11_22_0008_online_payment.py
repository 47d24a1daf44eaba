"""Carts and their payment online, and the bank's files.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-22 01:14:30.403165
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


APPEND_ONLY = ("cart_line", "payment_answer", "bank_file", "bank_line", "payment_decision")


def upgrade() -> None:
    op.create_table(
        "bank_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_bank_file_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_file")),
        sa.UniqueConstraint("digest", name=op.f("uq_bank_file_digest")),
    )
    op.create_table(
        "bank_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("refdet", sa.String(length=30), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("bank_number", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["bank_file.id"], name=op.f("fk_bank_line_file_id_bank_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line")),
        sa.UniqueConstraint("file_id", "position", name=op.f("uq_bank_line_file_id_position")),
    )
    with op.batch_alter_table("bank_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bank_line_day"), ["day"], unique=False)
        batch_op.create_index(batch_op.f("ix_bank_line_refdet"), ["refdet"], unique=False)

    op.create_table(
        "cart",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.String(length=16), nullable=False),
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=80), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("topics", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["sub_office_id"], ["sub_office.id"], name=op.f("fk_cart_sub_office_id_sub_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart")),
        sa.UniqueConstraint("settled_by", name=op.f("uq_cart_settled_by")),
        sa.UniqueConstraint("token", name=op.f("uq_cart_token")),
    )
    with op.batch_alter_table("cart", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cart_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "cart_line",
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "kind", sa.Enum("wallet", "invoice", name="payablekind", native_enum=False, length=32), nullable=False
        ),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=160), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_cart_line_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_account.id"], name=op.f("fk_cart_line_account_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name=op.f("fk_cart_line_cart_id_cart")),
        sa.PrimaryKeyConstraint("cart_id", "position", name=op.f("pk_cart_line")),
    )
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("refdet", sa.String(length=30), nullable=False),
        sa.Column("idop", sa.String(length=64), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("shares", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "sent",
                "unknown",
                "expired",
                "cancelled",
                "refused",
                "paid",
                name="attemptstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_cents", sa.BigInteger(), nullable=True),
        sa.Column("bank_number", sa.String(length=40), nullable=False),
        sa.Column("credited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("waiting_cents", sa.BigInteger(), nullable=False),
        sa.Column(
            "trouble",
            sa.Enum(
                "unknown",
                "other_amount",
                "paid_twice",
                "paid_elsewhere",
                "contradicted",
                "in_the_bank",
                name="trouble",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_payment_attempt_amount")),
        sa.CheckConstraint("waiting_cents >= 0", name=op.f("ck_payment_attempt_waiting")),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name=op.f("fk_payment_attempt_cart_id_cart")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_payment_attempt_transaction_id_ledger_transaction"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_attempt")),
        sa.UniqueConstraint("idop", name=op.f("uq_payment_attempt_idop")),
        sa.UniqueConstraint("refdet", name=op.f("uq_payment_attempt_refdet")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_payment_attempt_transaction_id")),
    )
    with op.batch_alter_table("payment_attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_attempt_cart_id"), ["cart_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_attempt_next_ask_at"), ["next_ask_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_attempt_trouble"), ["trouble"], unique=False)

    op.create_table(
        "payment_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column(
            "said",
            sa.Enum("paid", "refused", "cancelled", "not_yet", "forgotten", name="said", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("bank_number", sa.String(length=40), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempt.id"], name=op.f("fk_payment_answer_attempt_id_payment_attempt")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_answer")),
    )
    with op.batch_alter_table("payment_answer", schema=None) as batch_op:
        batch_op.create_index("ix_payment_answer_attempt", ["attempt_id", "id"], unique=False)

    op.create_table(
        "payment_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column(
            "trouble",
            sa.Enum(
                "unknown",
                "other_amount",
                "paid_twice",
                "paid_elsewhere",
                "contradicted",
                "in_the_bank",
                name="trouble",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "decision", sa.Enum("credited", "filed", name="decision", native_enum=False, length=32), nullable=False
        ),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempt.id"], name=op.f("fk_payment_decision_attempt_id_payment_attempt")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_payment_decision_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_decision")),
        sa.UniqueConstraint("attempt_id", "trouble", name=op.f("uq_payment_decision_attempt_id_trouble")),
    )
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("payment_decision")
    with op.batch_alter_table("payment_answer", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_answer_attempt")

    op.drop_table("payment_answer")
    with op.batch_alter_table("payment_attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_attempt_trouble"))
        batch_op.drop_index(batch_op.f("ix_payment_attempt_next_ask_at"))
        batch_op.drop_index(batch_op.f("ix_payment_attempt_cart_id"))

    op.drop_table("payment_attempt")
    op.drop_table("cart_line")
    with op.batch_alter_table("cart", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cart_visit_id"))

    op.drop_table("cart")
    with op.batch_alter_table("bank_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bank_line_refdet"))
        batch_op.drop_index(batch_op.f("ix_bank_line_day"))

    op.drop_table("bank_line")
    op.drop_table("bank_file")

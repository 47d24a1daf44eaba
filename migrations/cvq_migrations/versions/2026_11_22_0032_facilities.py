"""Facilities that people reserve, how and when, and their reservations.

Revision ID: 0032
Revises: 0031
Create Date: 2026-11-22 10:26:01.122601
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("facility_terms",)


def upgrade() -> None:
    op.create_table(
        "facility",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
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
        sa.Column("site", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("feed_token", sa.String(length=43), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_facility_service_code_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        sa.UniqueConstraint("code", name=op.f("uq_facility_code")),
        sa.UniqueConstraint("feed_token", name=op.f("uq_facility_feed_token")),
    )
    op.create_index(op.f("ix_facility_service_code"), "facility", ["service_code"], unique=False)
    op.create_table(
        "facility_closure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_facility_closure_period")),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_facility_closure_facility_id_facility")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility_closure")),
    )
    op.create_index("ix_facility_closure_facility", "facility_closure", ["facility_id", "ends_at"], unique=False)
    op.create_table(
        "facility_point",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_facility_point_facility_id_facility")),
        sa.ForeignKeyConstraint(
            ["point_id"], ["access_point.id"], name=op.f("fk_facility_point_point_id_access_point")
        ),
        sa.PrimaryKeyConstraint("facility_id", "point_id", name=op.f("pk_facility_point")),
    )
    op.create_index(op.f("ix_facility_point_point_id"), "facility_point", ["point_id"], unique=False)
    op.create_table(
        "facility_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("terms", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_facility_terms_facility_id_facility")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility_terms")),
    )
    op.create_index("ix_facility_terms_facility", "facility_terms", ["facility_id", "valid_from"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "offered",
                "booked",
                "cancelled",
                "lapsed",
                "withdrawn",
                name="reservationstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("terms_id", sa.Uuid(), nullable=False),
        sa.Column(
            "booker_kind",
            sa.Enum(
                "subscriber", "professional", "inhabitant", "outsider", name="bookerkind", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("offer_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column("deposit_cents", sa.BigInteger(), nullable=False),
        sa.Column("refunded_cents", sa.BigInteger(), nullable=False),
        sa.Column("deposit_kept_cents", sa.BigInteger(), nullable=True),
        sa.Column("deposit_reason", sa.String(length=200), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint("deposit_cents >= 0", name=op.f("ck_reservation_deposit")),
        sa.CheckConstraint("deposit_kept_cents BETWEEN 0 AND deposit_cents", name=op.f("ck_reservation_kept")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_reservation_period")),
        sa.CheckConstraint(
            "price_cents >= 0 AND refunded_cents BETWEEN 0 AND price_cents", name=op.f("ck_reservation_price")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_reservation_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_reservation_facility_id_facility")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_reservation_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reservation_person_id_person")),
        sa.ForeignKeyConstraint(
            ["terms_id"], ["facility_terms.id"], name=op.f("fk_reservation_terms_id_facility_terms")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
    )
    op.create_index("ix_reservation_account", "reservation", ["account_id", "ends_at"], unique=False)
    op.create_index("ix_reservation_facility", "reservation", ["facility_id", "ends_at"], unique=False)
    op.create_index("ix_reservation_person", "reservation", ["person_id", "ends_at"], unique=False)
    op.create_table(
        "reservation_grain",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("grain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_reservation_grain_facility_id_facility")
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name=op.f("fk_reservation_grain_reservation_id_reservation")
        ),
        sa.PrimaryKeyConstraint("facility_id", "grain", name=op.f("pk_reservation_grain")),
    )
    op.create_index(op.f("ix_reservation_grain_reservation_id"), "reservation_grain", ["reservation_id"], unique=False)
    op.create_table(
        "reservation_right",
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["point_id"], ["access_point.id"], name=op.f("fk_reservation_right_point_id_access_point")
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name=op.f("fk_reservation_right_reservation_id_reservation")
        ),
        sa.PrimaryKeyConstraint("right_id", name=op.f("pk_reservation_right")),
    )
    op.create_index(op.f("ix_reservation_right_reservation_id"), "reservation_right", ["reservation_id"], unique=False)
    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_index(op.f("ix_reservation_right_reservation_id"), table_name="reservation_right")
    op.drop_table("reservation_right")
    op.drop_index(op.f("ix_reservation_grain_reservation_id"), table_name="reservation_grain")
    op.drop_table("reservation_grain")
    op.drop_index("ix_reservation_person", table_name="reservation")
    op.drop_index("ix_reservation_facility", table_name="reservation")
    op.drop_index("ix_reservation_account", table_name="reservation")
    op.drop_table("reservation")
    op.drop_index("ix_facility_terms_facility", table_name="facility_terms")
    op.drop_table("facility_terms")
    op.drop_index(op.f("ix_facility_point_point_id"), table_name="facility_point")
    op.drop_table("facility_point")
    op.drop_index("ix_facility_closure_facility", table_name="facility_closure")
    op.drop_table("facility_closure")
    op.drop_index(op.f("ix_facility_service_code"), table_name="facility")
    op.drop_table("facility")

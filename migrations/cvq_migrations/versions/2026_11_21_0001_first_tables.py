"""The first tables.

Revision ID: 0001
Revises:
Create Date: 2026-11-21 22:22:06.698138
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cvq_core.append_only import append_only_ddl

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


APPEND_ONLY = ("ledger_transaction", "posting", "receipt", "receipt_print")


def upgrade() -> None:

    op.create_table(
        "audit_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("personal", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("personal_digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_record")),
    )
    with op.batch_alter_table("audit_record", schema=None) as batch_op:
        batch_op.create_index("ix_audit_record_account", ["account_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_record_at"), ["at"], unique=False)
        batch_op.create_index("ix_audit_record_visit", ["visit_id", "at"], unique=False)

    op.create_table(
        "cash_office",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("founding_act", sa.String(length=200), nullable=False),
        sa.Column("cash_payment_max_cents", sa.Integer(), nullable=False),
        sa.Column("top_up_max_cents", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_office")),
        sa.UniqueConstraint("code", name=op.f("uq_cash_office_code")),
    )
    op.create_table(
        "commune",
        sa.Column("insee", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("postcode", sa.String(length=5), nullable=False),
        sa.Column("in_territory", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("insee", name=op.f("pk_commune")),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "enrolment_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_code")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_enrolment_code_code_digest")),
    )
    op.create_table(
        "family_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_account")),
        sa.UniqueConstraint("number", name=op.f("uq_family_account_number")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("unique_key", sa.String(length=120), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_job_unique_key")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_due", ["done_at", "failed_at", "run_at"], unique=False)

    op.create_table(
        "ledger_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "wallet",
                "revenue",
                "float",
                "opening",
                "drawer",
                "safe",
                "cheques",
                "card_payments",
                "difference",
                name="accountkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("label", sa.String(length=160), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint("code", name=op.f("uq_ledger_account_code")),
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "opening",
                "top_up",
                "use",
                "reversal",
                "float_issued",
                "drawer_opened",
                "drawer_closed",
                "difference",
                name="transactionkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("label", sa.String(length=160), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day_only", sa.Boolean(), nullable=False),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_ledger_transaction_reverses_id_ledger_transaction"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transaction")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_transaction_reverses_id")),
    )
    with op.batch_alter_table("ledger_transaction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_transaction_recorded_at"), ["recorded_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_transaction_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "live_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(length=120), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_event")),
        sa.UniqueConstraint("topic", "sequence", name=op.f("uq_live_event_topic_sequence")),
    )
    with op.batch_alter_table("live_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_live_event_created_at"), ["created_at"], unique=False)

    op.create_table(
        "live_topic",
        sa.Column("topic", sa.String(length=120), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_live_topic")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("short_name", sa.String(length=40), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("is_community", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("code", name=op.f("uq_organisation_code")),
    )
    op.create_table(
        "remembered_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("location", sa.String(length=300), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remembered_answer")),
        sa.UniqueConstraint("principal_id", "key", name=op.f("uq_remembered_answer_principal_id_key")),
    )
    with op.batch_alter_table("remembered_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remembered_answer_created_at"), ["created_at"], unique=False)

    op.create_table(
        "service",
        sa.Column(
            "code",
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
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_service")),
        sa.UniqueConstraint("id", name=op.f("uq_service_id")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("display_name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_login")),
    )
    op.create_table(
        "town_hall",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("commune_insee", sa.String(length=5), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_town_hall")),
    )
    op.create_table(
        "access_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("site", sa.String(length=120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("door", "turnstile", "gate", "tablet", name="pointkind", native_enum=False, length=32),
            nullable=False,
        ),
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
        sa.Column("price_code", sa.String(length=40), nullable=True),
        sa.Column(
            "assurance",
            sa.Enum("uid", "signed_id", "authenticated", name="assurance", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("mode", sa.Enum("normal", "closed", name="pointmode", native_enum=False, length=32), nullable=False),
        sa.Column("shows_balance", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_access_point_service_code_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_point")),
        sa.UniqueConstraint("code", name=op.f("uq_access_point_code")),
    )
    with op.batch_alter_table("access_point", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_point_service_code"), ["service_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_access_point_site"), ["site"], unique=False)

    op.create_table(
        "audit_seal",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["audit_record.id"], name=op.f("fk_audit_seal_record_id_audit_record")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("record_id", name=op.f("uq_audit_seal_record_id")),
    )
    op.create_table(
        "booth",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("town_hall_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["town_hall_id"], ["town_hall.id"], name=op.f("fk_booth_town_hall_id_town_hall")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booth")),
    )
    with op.batch_alter_table("booth", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_booth_town_hall_id"), ["town_hall_id"], unique=False)

    op.create_table(
        "closure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("town_hall_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("why", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["town_hall_id"], ["town_hall.id"], name=op.f("fk_closure_town_hall_id_town_hall")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
        sa.UniqueConstraint("town_hall_id", "day", name=op.f("uq_closure_town_hall_id_day")),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("secret", sa.String(length=400), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_credential_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("staff_id", "kind", "name", name=op.f("uq_credential_staff_id_kind_name")),
    )
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credential_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "device_challenge",
        sa.Column("challenge", sa.LargeBinary(length=32), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_challenge_device_id_device")),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_device_challenge")),
    )
    with op.batch_alter_table("device_challenge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_challenge_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "device_token",
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_token_device_id_device")),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_device_token")),
    )
    with op.batch_alter_table("device_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_token_device_id"), ["device_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_token_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "family_quotient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("value_euros", sa.Integer(), nullable=False),
        sa.Column(
            "source",
            sa.Enum("caf", "msa", "declared", name="quotientsource", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("value_euros >= 0", name=op.f("ck_family_quotient_value")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_family_quotient_account_id_family_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_quotient")),
    )
    with op.batch_alter_table("family_quotient", schema=None) as batch_op:
        batch_op.create_index("ix_family_quotient_account", ["account_id", "valid_from"], unique=False)

    op.create_table(
        "login_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_login_session_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_login_session_token_digest")),
    )
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_session_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "opening_hours",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("town_hall_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens_at", sa.Time(), nullable=False),
        sa.Column("closes_at", sa.Time(), nullable=False),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_opening_hours_span")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["town_hall_id"], ["town_hall.id"], name=op.f("fk_opening_hours_town_hall_id_town_hall")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_hours")),
        sa.UniqueConstraint(
            "town_hall_id", "weekday", "opens_at", name=op.f("uq_opening_hours_town_hall_id_weekday_opens_at")
        ),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_name", sa.String(length=80), nullable=False),
        sa.Column("given_names", sa.String(length=120), nullable=False),
        sa.Column("usual_name", sa.String(length=80), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("postcode", sa.String(length=10), nullable=True),
        sa.Column("commune_insee", sa.String(length=5), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.Column(
            "search_key",
            sa.String(length=250).with_variant(sa.String(length=250, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["commune_insee"], ["commune.insee"], name=op.f("fk_person_commune_insee_commune")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_birth_date"), ["birth_date"], unique=False)
        batch_op.create_index(batch_op.f("ix_person_commune_insee"), ["commune_insee"], unique=False)
        batch_op.create_index(batch_op.f("ix_person_search_key"), ["search_key"], unique=False)

    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("balance_after_cents", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_cents <> 0", name=op.f("ck_posting_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_account.id"], name=op.f("fk_posting_account_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transaction.id"], name=op.f("fk_posting_transaction_id_ledger_transaction")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sa.UniqueConstraint("transaction_id", "position", name=op.f("uq_posting_transaction_id_position")),
    )
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.create_index("ix_posting_account", ["account_id", "id", "amount_cents"], unique=False)

    op.create_table(
        "price",
        sa.Column("id", sa.Uuid(), nullable=False),
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
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column(
            "unit",
            sa.Enum(
                "meal", "hour", "entry", "period", "cubic_metre", "card", name="priceunit", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_price_amount")),
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_price_period")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_price_service_code_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price")),
        sa.UniqueConstraint("service_code", "code", "valid_from", name=op.f("uq_price_service_code_code_valid_from")),
    )
    op.create_table(
        "reason",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("bring", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("forms", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("help_text", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_reason_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reason")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_reason_organisation_id_code")),
    )
    with op.batch_alter_table("reason", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reason_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "receipt_series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["office_id"], ["cash_office.id"], name=op.f("fk_receipt_series_office_id_cash_office")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_series")),
        sa.UniqueConstraint("code", name=op.f("uq_receipt_series_code")),
    )
    op.create_table(
        "service_policy",
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
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column(
            "policy",
            sa.Enum(
                "serve_and_owe",
                "refuse",
                "free",
                "subscription",
                "billed",
                name="fundingpolicy",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_service_policy_service_code_service")
        ),
        sa.PrimaryKeyConstraint("service_code", "valid_from", name=op.f("pk_service_policy")),
    )
    op.create_table(
        "staff_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("scope_kind", sa.String(length=20), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_grant_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_grant")),
    )
    with op.batch_alter_table("staff_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_grant_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "wallet",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_account_id", sa.Uuid(), nullable=False),
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
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("floor_cents", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("floor_cents IS NULL OR balance_cents >= floor_cents", name=op.f("ck_wallet_floor")),
        sa.ForeignKeyConstraint(
            ["family_account_id"], ["family_account.id"], name=op.f("fk_wallet_family_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["id"], ["ledger_account.id"], name=op.f("fk_wallet_id_ledger_account")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_wallet_service_code_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet")),
        sa.UniqueConstraint("family_account_id", "service_code", name=op.f("uq_wallet_family_account_id_service_code")),
    )
    with op.batch_alter_table("wallet", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wallet_service_code"), ["service_code"], unique=False)

    op.create_table(
        "alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("town_hall_id", sa.Uuid(), nullable=False),
        sa.Column("booth_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_alert_booth_id_booth")),
        sa.ForeignKeyConstraint(["settled_by"], ["staff.id"], name=op.f("fk_alert_settled_by_staff")),
        sa.ForeignKeyConstraint(["town_hall_id"], ["town_hall.id"], name=op.f("fk_alert_town_hall_id_town_hall")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_open", ["town_hall_id", "settled_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_raised_at"), ["raised_at"], unique=False)
        batch_op.create_index(
            "uq_alert_standing",
            ["booth_id", "kind"],
            unique=True,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )

    op.create_table(
        "appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booth_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("reason_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("resident_name", sa.String(length=160), nullable=False),
        sa.Column("resident_birth_date", sa.Date(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("walk_in", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("booked_by", sa.Uuid(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vouched_by", sa.Uuid(), nullable=True),
        sa.Column("vouched_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("resident_name <> ''", name=op.f("ck_appointment_name")),
        sa.CheckConstraint(
            "status IN ('expected', 'arrived', 'seated', 'served', 'absent', 'cancelled')",
            name=op.f("ck_appointment_status"),
        ),
        sa.CheckConstraint("(vouched_by IS NULL) = (vouched_at IS NULL)", name=op.f("ck_appointment_vouched")),
        sa.CheckConstraint("minutes BETWEEN 5 AND 240", name=op.f("ck_appointment_minutes")),
        sa.ForeignKeyConstraint(["booked_by"], ["staff.id"], name=op.f("fk_appointment_booked_by_staff")),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_appointment_booth_id_booth")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_appointment_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_appointment_person_id_person")),
        sa.ForeignKeyConstraint(["reason_id"], ["reason.id"], name=op.f("fk_appointment_reason_id_reason")),
        sa.ForeignKeyConstraint(["vouched_by"], ["staff.id"], name=op.f("fk_appointment_vouched_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.create_index("ix_appointment_booth_day", ["booth_id", "starts_at"], unique=False)
        batch_op.create_index("ix_appointment_organisation_day", ["organisation_id", "starts_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_appointment_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_appointment_slot",
            ["booth_id", "starts_at"],
            unique=True,
            sqlite_where=sa.text("walk_in = false AND status IN ('expected', 'arrived', 'seated', 'served')"),
            postgresql_where=sa.text("walk_in = false AND status IN ('expected', 'arrived', 'seated', 'served')"),
        )

    op.create_table(
        "attendance",
        sa.Column("person_id", sa.Uuid(), nullable=False),
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
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("present", "absent", name="attendancestatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("manner", sa.Enum("card", "tick", name="manner", native_enum=False, length=32), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tap_id", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("owed_cents", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_attendance_amount")),
        sa.CheckConstraint("owed_cents BETWEEN 0 AND amount_cents", name=op.f("ck_attendance_owed")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_attendance_person_id_person")),
        sa.ForeignKeyConstraint(["point_id"], ["access_point.id"], name=op.f("fk_attendance_point_id_access_point")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_attendance_service_code_service")),
        sa.PrimaryKeyConstraint("person_id", "service_code", "day", name=op.f("pk_attendance")),
    )
    with op.batch_alter_table("attendance", schema=None) as batch_op:
        batch_op.create_index("ix_attendance_point", ["point_id", "day"], unique=False)

    op.create_table(
        "booth_status",
        sa.Column("booth_id", sa.Uuid(), nullable=False),
        sa.Column("connection", sa.Uuid(), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("software", sa.String(length=60), nullable=False),
        sa.Column("devices", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("card_uid", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_booth_status_booth_id_booth")),
        sa.PrimaryKeyConstraint("booth_id", name=op.f("pk_booth_status")),
    )
    op.create_table(
        "card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=10), nullable=False),
        sa.Column("uid", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "blocked", "replaced", "expired", name="cardstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "blocked_reason",
            sa.Enum("lost", "stolen", "withdrawn", name="blockedreason", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("replaced_by_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(status = 'blocked') = (blocked_reason IS NOT NULL)", name=op.f("ck_card_blocked_reason")),
        sa.CheckConstraint("(status = 'replaced') = (replaced_by_id IS NOT NULL)", name=op.f("ck_card_replaced_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_card_person_id_person")),
        sa.ForeignKeyConstraint(["replaced_by_id"], ["card.id"], name=op.f("fk_card_replaced_by_id_card")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
        sa.UniqueConstraint("number", name=op.f("uq_card_number")),
        sa.UniqueConstraint("uid", name=op.f("uq_card_uid")),
    )
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_card_person_id"), ["person_id"], unique=False)

    op.create_table(
        "entitlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "subscription",
                "reservation",
                "agent_schedule",
                "household",
                "professional",
                "enrolment",
                name="rightkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
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
        sa.Column("point_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("payer_account_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entries_left", sa.Integer(), nullable=True),
        sa.Column("weekdays", sa.SmallInteger(), nullable=False),
        sa.Column("opens_at", sa.Time(), nullable=True),
        sa.Column("closes_at", sa.Time(), nullable=True),
        sa.CheckConstraint("(person_id IS NULL) <> (account_id IS NULL)", name=op.f("ck_entitlement_holder")),
        sa.CheckConstraint("entries_left IS NULL OR entries_left >= 0", name=op.f("ck_entitlement_entries_left")),
        sa.CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name=op.f("ck_entitlement_period")),
        sa.CheckConstraint("weekdays BETWEEN 1 AND 127", name=op.f("ck_entitlement_weekdays")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_entitlement_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(
            ["payer_account_id"], ["family_account.id"], name=op.f("fk_entitlement_payer_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_entitlement_person_id_person")),
        sa.ForeignKeyConstraint(["point_id"], ["access_point.id"], name=op.f("fk_entitlement_point_id_access_point")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_entitlement_service_code_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entitlement")),
    )
    with op.batch_alter_table("entitlement", schema=None) as batch_op:
        batch_op.create_index("ix_entitlement_account", ["account_id", "service_code"], unique=False)
        batch_op.create_index("ix_entitlement_person", ["person_id", "service_code"], unique=False)
        batch_op.create_index("ix_entitlement_point", ["point_id"], unique=False)

    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("guardian", "child", "payer", "collector", name="familyrole", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("share_percent", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint(
            "share_percent IS NULL OR share_percent BETWEEN 0 AND 100", name=op.f("ck_membership_share")
        ),
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_membership_period")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_membership_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "account_id",
            "person_id",
            "role",
            "valid_from",
            name=op.f("uq_membership_account_id_person_id_role_valid_from"),
        ),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_membership_person_id"), ["person_id"], unique=False)

    op.create_table(
        "person_word",
        sa.Column(
            "word", sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_word_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("word", "person_id", name=op.f("pk_person_word")),
    )
    with op.batch_alter_table("person_word", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_word_person_id"), ["person_id"], unique=False)

    op.create_table(
        "sub_office",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("float_cents", sa.Integer(), nullable=False),
        sa.Column("safe_account_id", sa.Uuid(), nullable=False),
        sa.Column("cheques_account_id", sa.Uuid(), nullable=False),
        sa.Column("card_account_id", sa.Uuid(), nullable=False),
        sa.Column("difference_account_id", sa.Uuid(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["card_account_id"], ["ledger_account.id"], name=op.f("fk_sub_office_card_account_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["cheques_account_id"], ["ledger_account.id"], name=op.f("fk_sub_office_cheques_account_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["difference_account_id"],
            ["ledger_account.id"],
            name=op.f("fk_sub_office_difference_account_id_ledger_account"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["cash_office.id"], name=op.f("fk_sub_office_office_id_cash_office")),
        sa.ForeignKeyConstraint(
            ["safe_account_id"], ["ledger_account.id"], name=op.f("fk_sub_office_safe_account_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["series_id"], ["receipt_series.id"], name=op.f("fk_sub_office_series_id_receipt_series")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sub_office")),
        sa.UniqueConstraint("code", name=op.f("uq_sub_office_code")),
    )
    with op.batch_alter_table("sub_office", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sub_office_office_id"), ["office_id"], unique=False)

    op.create_table(
        "tap",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=True),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("manner", sa.Enum("card", "tick", name="manner", native_enum=False, length=32), nullable=False),
        sa.Column(
            "assurance",
            sa.Enum("uid", "signed_id", "authenticated", name="assurance", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("tapped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "unknown-card",
                "card-replaced",
                "card-blocked",
                "card-expired",
                "card-not-yet-valid",
                "person-deceased",
                "assurance-too-low",
                "point-closed",
                "price-missing",
                "wallet-empty",
                "outside-hours",
                "right-ended",
                "wrong-service",
                "not-entitled",
                "already-counted",
                "entitled",
                "subscribed",
                "entry-counted",
                "paid",
                "served",
                "served-and-owed",
                "billed",
                name="reason",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("display_short", sa.String(length=24), nullable=False),
        sa.Column("display_long", sa.String(length=300), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), nullable=True),
        sa.Column("entries_left", sa.Integer(), nullable=True),
        sa.Column("entitlement_id", sa.Uuid(), nullable=True),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_tap_amount")),
        sa.ForeignKeyConstraint(["point_id"], ["access_point.id"], name=op.f("fk_tap_point_id_access_point")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tap")),
    )
    with op.batch_alter_table("tap", schema=None) as batch_op:
        batch_op.create_index("ix_tap_person", ["person_id", "tapped_at"], unique=False)
        batch_op.create_index("ix_tap_point", ["point_id", "tapped_at"], unique=False)

    op.create_table(
        "accepted_means",
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
        sa.Column(
            "means", sa.Enum("cash", "cheque", "card", name="means", native_enum=False, length=32), nullable=False
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sub_office_id"], ["sub_office.id"], name=op.f("fk_accepted_means_sub_office_id_sub_office")
        ),
        sa.PrimaryKeyConstraint("sub_office_id", "means", "valid_from", name=op.f("pk_accepted_means")),
    )
    op.create_table(
        "collectable_service",
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
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
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_code"], ["service.code"], name=op.f("fk_collectable_service_service_code_service")
        ),
        sa.ForeignKeyConstraint(
            ["sub_office_id"], ["sub_office.id"], name=op.f("fk_collectable_service_sub_office_id_sub_office")
        ),
        sa.PrimaryKeyConstraint("sub_office_id", "service_code", "valid_from", name=op.f("pk_collectable_service")),
    )
    op.create_table(
        "drawer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("float_cents", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counted", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("counted_cents", sa.BigInteger(), nullable=True),
        sa.Column("expected_cents", sa.BigInteger(), nullable=True),
        sa.Column("difference_cents", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("float_cents >= 0", name=op.f("ck_drawer_float")),
        sa.ForeignKeyConstraint(["id"], ["ledger_account.id"], name=op.f("fk_drawer_id_ledger_account")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_drawer_staff_id_staff")),
        sa.ForeignKeyConstraint(["sub_office_id"], ["sub_office.id"], name=op.f("fk_drawer_sub_office_id_sub_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawer")),
    )
    with op.batch_alter_table("drawer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drawer_staff_id"), ["staff_id"], unique=False)
        batch_op.create_index(
            "uq_drawer_open",
            ["sub_office_id", "staff_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "mandatary",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
        sa.Column(
            "title",
            sa.Enum("officer", "substitute", "mandatary", name="mandatetitle", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_mandatary_period")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_mandatary_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["sub_office_id"], ["sub_office.id"], name=op.f("fk_mandatary_sub_office_id_sub_office")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandatary")),
    )
    with op.batch_alter_table("mandatary", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mandatary_staff_id"), ["staff_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mandatary_sub_office_id"), ["sub_office_id"], unique=False)

    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("advisor_id", sa.Uuid(), nullable=False),
        sa.Column("booth_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ringing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("identity", sa.String(length=20), nullable=False),
        sa.Column("identity_by", sa.String(length=120), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("card_state", sa.String(length=20), nullable=False),
        sa.Column("card_refusal", sa.String(length=60), nullable=False),
        sa.Column("card_message", sa.String(length=300), nullable=False),
        sa.Column("card_removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("shown", sa.String(length=20), nullable=False),
        sa.Column("current_dossier_id", sa.Uuid(), nullable=True),
        sa.Column("current_field", sa.String(length=60), nullable=False),
        sa.Column("curtain", sa.Boolean(), nullable=False),
        sa.Column("window_shared", sa.Boolean(), nullable=False),
        sa.Column("media", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("wiped", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.CheckConstraint(
            "state IN ('taken', 'ringing', 'in_call', 'hung_up', 'ending', 'wiping', 'ended', 'released')",
            name=op.f("ck_visit_state"),
        ),
        sa.ForeignKeyConstraint(["advisor_id"], ["staff.id"], name=op.f("fk_visit_advisor_id_staff")),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointment.id"], name=op.f("fk_visit_appointment_id_appointment")
        ),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_visit_booth_id_booth")),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_visit_card_id_card")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_visit_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_visit_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("reference", name=op.f("uq_visit_reference")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_advisor_id"), ["advisor_id"], unique=False)
        batch_op.create_index(
            "uq_visit_live_appointment",
            ["appointment_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'released'"),
            postgresql_where=sa.text("state <> 'released'"),
        )
        batch_op.create_index(
            "uq_visit_live_booth",
            ["booth_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('ringing', 'in_call', 'hung_up', 'ending', 'wiping')"),
            postgresql_where=sa.text("state IN ('ringing', 'in_call', 'hung_up', 'ending', 'wiping')"),
        )

    op.create_table(
        "booth_command",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("booth_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("params", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('asked', 'accepted', 'running', 'waiting', 'done', 'failed', 'cancelled')",
            name=op.f("ck_booth_command_state"),
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_booth_command_asked_by_staff")),
        sa.ForeignKeyConstraint(["booth_id"], ["booth.id"], name=op.f("fk_booth_command_booth_id_booth")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_booth_command_visit_id_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booth_command")),
    )
    with op.batch_alter_table("booth_command", schema=None) as batch_op:
        batch_op.create_index("ix_booth_command_open", ["booth_id", "ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_booth_command_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manner", sa.String(length=20), nullable=False),
        sa.Column("with_card", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.String(length=40), nullable=False),
        sa.CheckConstraint("state IN ('asked', 'given', 'refused', 'ended')", name=op.f("ck_consent_state")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["family_account.id"], name=op.f("fk_consent_account_id_family_account")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_consent_asked_by_staff")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_consent_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_consent_visit_id_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_consent_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "dossier",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("form_code", sa.String(length=60), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("reference", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("checked", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('draft', 'complete')", name=op.f("ck_dossier_status")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_dossier_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_dossier_person_id_person")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_dossier_visit_id_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier")),
        sa.UniqueConstraint("reference", name=op.f("uq_dossier_reference")),
    )
    with op.batch_alter_table("dossier", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dossier_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sub_office_id", sa.Uuid(), nullable=False),
        sa.Column("drawer_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("voids_id", sa.Uuid(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "means", sa.Enum("cash", "cheque", "card", name="means", native_enum=False, length=32), nullable=False
        ),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("tendered_cents", sa.BigInteger(), nullable=False),
        sa.Column("change_cents", sa.BigInteger(), nullable=False),
        sa.Column("printed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_receipt_number")),
        sa.CheckConstraint("tendered_cents - change_cents = total_cents", name=op.f("ck_receipt_change")),
        sa.ForeignKeyConstraint(["drawer_id"], ["drawer.id"], name=op.f("fk_receipt_drawer_id_drawer")),
        sa.ForeignKeyConstraint(["series_id"], ["receipt_series.id"], name=op.f("fk_receipt_series_id_receipt_series")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_receipt_staff_id_staff")),
        sa.ForeignKeyConstraint(["sub_office_id"], ["sub_office.id"], name=op.f("fk_receipt_sub_office_id_sub_office")),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transaction.id"], name=op.f("fk_receipt_transaction_id_ledger_transaction")
        ),
        sa.ForeignKeyConstraint(["voids_id"], ["receipt.id"], name=op.f("fk_receipt_voids_id_receipt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("series_id", "number", name=op.f("uq_receipt_series_id_number")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_receipt_transaction_id")),
        sa.UniqueConstraint("voids_id", name=op.f("uq_receipt_voids_id")),
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index("ix_receipt_drawer", ["drawer_id", "number"], unique=False)

    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("trouble", sa.String(length=60), nullable=False),
        sa.Column("media_type", sa.String(length=60), nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=20), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("source_key_id", sa.String(length=20), nullable=False),
        sa.Column("source_wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("filed_by", sa.Uuid(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('filing', 'ready', 'failed')", name=op.f("ck_document_state")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_document_dossier_id_dossier")),
        sa.ForeignKeyConstraint(["filed_by"], ["staff.id"], name=op.f("fk_document_filed_by_staff")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_document_visit_id_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.create_index("ix_document_dossier", ["dossier_id", "filed_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_document_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "draft_field",
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("values", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_draft_field_dossier_id_dossier")),
        sa.PrimaryKeyConstraint("dossier_id", "name", name=op.f("pk_draft_field")),
    )
    op.create_table(
        "receipt_print",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("copy_number", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_receipt_print_receipt_id_receipt")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_receipt_print_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_print")),
        sa.UniqueConstraint("receipt_id", "copy_number", name=op.f("uq_receipt_print_receipt_id_copy_number")),
    )

    for table in APPEND_ONLY:
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:

    op.drop_table("receipt_print")
    op.drop_table("draft_field")
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_document_visit_id"))
        batch_op.drop_index("ix_document_dossier")

    op.drop_table("document")
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.drop_index("ix_receipt_drawer")

    op.drop_table("receipt")
    with op.batch_alter_table("dossier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dossier_visit_id"))

    op.drop_table("dossier")
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_visit_id"))
        batch_op.drop_index(batch_op.f("ix_consent_account_id"))

    op.drop_table("consent")
    with op.batch_alter_table("booth_command", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_booth_command_visit_id"))
        batch_op.drop_index("ix_booth_command_open")

    op.drop_table("booth_command")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_visit_live_booth",
            sqlite_where=sa.text("state IN ('ringing', 'in_call', 'hung_up', 'ending', 'wiping')"),
            postgresql_where=sa.text("state IN ('ringing', 'in_call', 'hung_up', 'ending', 'wiping')"),
        )
        batch_op.drop_index(
            "uq_visit_live_appointment",
            sqlite_where=sa.text("state <> 'released'"),
            postgresql_where=sa.text("state <> 'released'"),
        )
        batch_op.drop_index(batch_op.f("ix_visit_advisor_id"))

    op.drop_table("visit")
    with op.batch_alter_table("mandatary", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mandatary_sub_office_id"))
        batch_op.drop_index(batch_op.f("ix_mandatary_staff_id"))

    op.drop_table("mandatary")
    with op.batch_alter_table("drawer", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_drawer_open", sqlite_where=sa.text("closed_at IS NULL"), postgresql_where=sa.text("closed_at IS NULL")
        )
        batch_op.drop_index(batch_op.f("ix_drawer_staff_id"))

    op.drop_table("drawer")
    op.drop_table("collectable_service")
    op.drop_table("accepted_means")
    with op.batch_alter_table("tap", schema=None) as batch_op:
        batch_op.drop_index("ix_tap_point")
        batch_op.drop_index("ix_tap_person")

    op.drop_table("tap")
    with op.batch_alter_table("sub_office", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sub_office_office_id"))

    op.drop_table("sub_office")
    with op.batch_alter_table("person_word", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_word_person_id"))

    op.drop_table("person_word")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_membership_person_id"))

    op.drop_table("membership")
    with op.batch_alter_table("entitlement", schema=None) as batch_op:
        batch_op.drop_index("ix_entitlement_point")
        batch_op.drop_index("ix_entitlement_person")
        batch_op.drop_index("ix_entitlement_account")

    op.drop_table("entitlement")
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_card_person_id"))

    op.drop_table("card")
    op.drop_table("booth_status")
    with op.batch_alter_table("attendance", schema=None) as batch_op:
        batch_op.drop_index("ix_attendance_point")

    op.drop_table("attendance")
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_appointment_slot",
            sqlite_where=sa.text("walk_in = false AND status IN ('expected', 'arrived', 'seated', 'served')"),
            postgresql_where=sa.text("walk_in = false AND status IN ('expected', 'arrived', 'seated', 'served')"),
        )
        batch_op.drop_index(batch_op.f("ix_appointment_person_id"))
        batch_op.drop_index("ix_appointment_organisation_day")
        batch_op.drop_index("ix_appointment_booth_day")

    op.drop_table("appointment")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_alert_standing",
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_alert_raised_at"))
        batch_op.drop_index("ix_alert_open")

    op.drop_table("alert")
    with op.batch_alter_table("wallet", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_wallet_service_code"))

    op.drop_table("wallet")
    with op.batch_alter_table("staff_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_grant_staff_id"))

    op.drop_table("staff_grant")
    op.drop_table("service_policy")
    op.drop_table("receipt_series")
    with op.batch_alter_table("reason", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reason_organisation_id"))

    op.drop_table("reason")
    op.drop_table("price")
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.drop_index("ix_posting_account")

    op.drop_table("posting")
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_search_key"))
        batch_op.drop_index(batch_op.f("ix_person_commune_insee"))
        batch_op.drop_index(batch_op.f("ix_person_birth_date"))

    op.drop_table("person")
    op.drop_table("opening_hours")
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_session_staff_id"))

    op.drop_table("login_session")
    with op.batch_alter_table("family_quotient", schema=None) as batch_op:
        batch_op.drop_index("ix_family_quotient_account")

    op.drop_table("family_quotient")
    with op.batch_alter_table("device_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_token_expires_at"))
        batch_op.drop_index(batch_op.f("ix_device_token_device_id"))

    op.drop_table("device_token")
    with op.batch_alter_table("device_challenge", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_challenge_expires_at"))

    op.drop_table("device_challenge")
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credential_staff_id"))

    op.drop_table("credential")
    op.drop_table("closure")
    with op.batch_alter_table("booth", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_booth_town_hall_id"))

    op.drop_table("booth")
    op.drop_table("audit_seal")
    with op.batch_alter_table("access_point", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_point_site"))
        batch_op.drop_index(batch_op.f("ix_access_point_service_code"))

    op.drop_table("access_point")
    op.drop_table("town_hall")
    op.drop_table("staff")
    op.drop_table("service")
    with op.batch_alter_table("remembered_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remembered_answer_created_at"))

    op.drop_table("remembered_answer")
    op.drop_table("organisation")
    op.drop_table("live_topic")
    with op.batch_alter_table("live_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_live_event_created_at"))

    op.drop_table("live_event")
    with op.batch_alter_table("ledger_transaction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_transaction_visit_id"))
        batch_op.drop_index(batch_op.f("ix_ledger_transaction_recorded_at"))

    op.drop_table("ledger_transaction")
    op.drop_table("ledger_account")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index("ix_job_due")

    op.drop_table("job")
    op.drop_table("family_account")
    op.drop_table("enrolment_code")
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_subject_id"))

    op.drop_table("device")
    op.drop_table("commune")
    op.drop_table("cash_office")
    with op.batch_alter_table("audit_record", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_record_visit")
        batch_op.drop_index(batch_op.f("ix_audit_record_at"))
        batch_op.drop_index("ix_audit_record_account")

    op.drop_table("audit_record")

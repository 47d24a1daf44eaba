"""A conflict holds its day; its hour and its place go with the tap.

The tables that only grow are made anew: what refers to a conflict, and the points that it named, forbid a batch.

Revision ID: 0043
Revises: 0042
Create Date: 2026-11-22 14:10:00
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

import sqlalchemy as sa
from alembic import op

from cvq_core.append_only import append_only_ddl
from cvq_core.clock import PARIS

revision: str = "0043"
down_revision: str | None = "0042"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COMMON = (
    ("kind", sa.String(length=32), False),
    ("service_code", sa.String(length=32), False),
    ("person_id", sa.Uuid(), True),
    ("account_id", sa.Uuid(), True),
    ("door_allowed", sa.Boolean(), False),
    ("door_reason", sa.String(length=60), False),
    ("core_reason", sa.String(length=32), False),
    ("amount_cents", sa.BigInteger(), False),
    ("transaction_id", sa.Uuid(), True),
    ("why", sa.String(length=300), True),
)
INSTANT = sa.DateTime(timezone=True)
BEFORE = (("tap_id", sa.Uuid(), False), ("point_id", sa.Uuid(), False), ("tapped_at", INSTANT, False))
NOTED = ("noted_at", INSTANT, False)
DAY = ("day", sa.Date(), False)
SETTLING = (
    ("outcome", sa.String(length=32), False),
    ("reason", sa.String(length=200), False),
    ("settled_at", INSTANT, False),
    ("settled_by", sa.Uuid(), True),
    ("transaction_id", sa.Uuid(), True),
)
KEYS = {
    "service_code": ("service", "code"),
    "person_id": ("person", "id"),
    "account_id": ("family_account", "id"),
    "point_id": ("access_point", "id"),
}
Columns = Sequence[tuple[str, Any, bool]]


def upgrade() -> None:
    conflicts, settlings = _taken("tap_conflict", (*COMMON, *BEFORE, NOTED)), _taken_settlings()
    _drop()
    _make_conflicts((*COMMON, DAY), "day")
    op.create_table(
        "conflicted_tap",
        sa.Column("conflict_id", sa.Uuid(), nullable=False),
        *_columns(BEFORE),
        sa.ForeignKeyConstraint(
            ["conflict_id"], ["tap_conflict.id"], name=op.f("fk_conflicted_tap_conflict_id_tap_conflict")
        ),
        sa.ForeignKeyConstraint(
            ["point_id"], ["access_point.id"], name=op.f("fk_conflicted_tap_point_id_access_point")
        ),
        sa.PrimaryKeyConstraint("conflict_id", name=op.f("pk_conflicted_tap")),
    )
    op.create_index("ix_conflicted_tap_tap", "conflicted_tap", ["tap_id"], unique=False)
    op.create_index("ix_conflicted_tap_point", "conflicted_tap", ["point_id"], unique=False)
    for row in conflicts:
        is_nobodys = row["kind"] == "clock-wrong" and not row["amount_cents"]
        day = row["tapped_at"].replace(tzinfo=row["tapped_at"].tzinfo or UTC).astimezone(PARIS).date()
        _put("tap_conflict", (*COMMON, DAY), row | {"day": day} | ({"person_id": None} if is_nobodys else {}))
        _put("conflicted_tap", BEFORE, row, key="conflict_id")
    _put_settlings(settlings)


def downgrade() -> None:
    conflicts, settlings = _taken("tap_conflict", (*COMMON, DAY)), _taken_settlings()
    known = {row["id"]: row for row in _taken("conflicted_tap", BEFORE, key="conflict_id")}
    op.drop_table("conflicted_tap")
    _drop()
    _make_conflicts((*COMMON, *BEFORE, NOTED), "noted_at")
    op.create_index("ix_tap_conflict_tap", "tap_conflict", ["tap_id"], unique=False)
    points = sa.table("access_point", sa.column("id", sa.Uuid()), sa.column("service_code", sa.String()))
    some = {code: point for point, code in op.get_bind().execute(sa.select(points.c.id, points.c.service_code))}
    for row in conflicts:
        # What is forgotten already becomes the day's noon, at one of the service's points.
        noon = datetime.combine(row["day"], time(12), UTC)
        gone = {"tap_id": row["id"], "point_id": some.get(row["service_code"]), "tapped_at": noon}
        where = known.get(row["id"], gone)
        _put("tap_conflict", (*COMMON, *BEFORE, NOTED), {**where, **row, "noted_at": where["tapped_at"]})
    _put_settlings(settlings)


def _columns(columns: Columns) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name, kind, nullable in columns]


def _table(name: str, columns: Columns, key: str) -> sa.TableClause:
    return sa.table(name, sa.column(key, sa.Uuid()), *(sa.column(each, kind) for each, kind, _ in columns))


def _taken(name: str, columns: Columns, *, key: str = "id") -> list[dict[str, Any]]:
    table = _table(name, columns, key)
    rows = op.get_bind().execute(sa.select(table)).mappings()
    return [dict(row) | {"id": row[key]} for row in rows]


def _taken_settlings() -> list[dict[str, Any]]:
    return _taken("tap_conflict_settling", SETTLING, key="conflict_id")


def _put(name: str, columns: Columns, row: dict[str, Any], *, key: str = "id") -> None:
    values = {each: row[each] for each, _, _ in columns}
    op.get_bind().execute(_table(name, columns, key).insert().values({key: row["id"], **values}))


def _put_settlings(rows: list[dict[str, Any]]) -> None:
    op.create_table(
        "tap_conflict_settling",
        sa.Column("conflict_id", sa.Uuid(), nullable=False),
        *_columns(SETTLING),
        sa.ForeignKeyConstraint(
            ["conflict_id"], ["tap_conflict.id"], name=op.f("fk_tap_conflict_settling_conflict_id_tap_conflict")
        ),
        sa.PrimaryKeyConstraint("conflict_id", name=op.f("pk_tap_conflict_settling")),
    )
    for row in rows:
        _put("tap_conflict_settling", SETTLING, row, key="conflict_id")
    for table in ("tap_conflict", "tap_conflict_settling"):
        for statement in append_only_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def _make_conflicts(columns: Columns, ordered: str) -> None:
    names = [name for name, _, _ in columns if name in KEYS]
    op.create_table(
        "tap_conflict",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_columns(columns),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_tap_conflict_amount")),
        *(
            sa.ForeignKeyConstraint(
                [name], [".".join(KEYS[name])], name=op.f(f"fk_tap_conflict_{name}_{KEYS[name][0]}")
            )
            for name in names
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tap_conflict")),
    )
    op.create_index("ix_tap_conflict_service", "tap_conflict", ["service_code", ordered], unique=False)


def _drop() -> None:
    op.drop_table("tap_conflict_settling")
    op.drop_table("tap_conflict")

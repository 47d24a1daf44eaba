"""Tables that only grow: triggers in the database itself refuse to change or delete their rows.

`create_all` makes the triggers with the table. A migration makes them with
`for statement in append_only_ddl("posting", op.get_bind().dialect.name): op.execute(statement)`, and makes them again
after a batch operation on SQLite, which copies the table and leaves its triggers behind.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, FromClause, Table, event

APPEND_ONLY: set[str] = set()
"""Names of the tables that only grow."""

_REFUSING = """
CREATE OR REPLACE FUNCTION cvq_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'table % only grows', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
""".strip()


def append_only(table: FromClause) -> None:
    """Let the rows of `table` be added, and never changed nor deleted, on both databases."""
    assert isinstance(table, Table)
    APPEND_ONLY.add(table.name)
    event.listen(table, "after_create", _make_triggers)


def append_only_ddl(table: str, dialect: str) -> list[str]:
    """Return the statements that make the triggers of one table, for "sqlite" or "postgresql"."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'table {table} only grows'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    trigger = (
        "CREATE TRIGGER {table}_{name} BEFORE {verbs} ON {table} FOR EACH {each} EXECUTE FUNCTION cvq_append_only()"
    )
    return [
        _REFUSING,
        trigger.format(table=table, name="no_change", verbs="UPDATE OR DELETE", each="ROW"),
        trigger.format(table=table, name="no_truncate", verbs="TRUNCATE", each="STATEMENT"),
    ]


def _make_triggers(table: Table, connection: Connection, **_: Any) -> None:
    for statement in append_only_ddl(table.name, connection.dialect.name):
        connection.exec_driver_sql(statement)

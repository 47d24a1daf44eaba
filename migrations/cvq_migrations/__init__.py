"""The database's history: one line of alembic revisions for SQLite and PostgreSQL, usable from an installed wheel."""

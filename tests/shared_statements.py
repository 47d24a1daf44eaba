"""Statements compiled once a process, and not once a test.

Each test has an engine of its own, since it has an event loop of its own, and SQLAlchemy keeps what it has compiled
beside the engine and its dialect. Compiling some hundred statements again took more than a third of the time that tests
with a database spent in Python. Here the engines of a kind share both; what depends on a connection stays with each
engine's pool.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import create_async_engine as create_apart

from cvq_core import database

_shared: dict[str, Engine] = {}


def share_statements(engine: AsyncEngine) -> None:
    """From now on, let engines of this kind compile for each other; this one was connected: it knows its server."""
    _shared.setdefault(engine.dialect.name, engine.sync_engine)
    database.create_async_engine = _create_sharing


def _create_sharing(*args: Any, **options: Any) -> AsyncEngine:
    engine = create_apart(*args, **options)
    if first := _shared.get(engine.dialect.name):
        engine.sync_engine.dialect = first.dialect
        engine.sync_engine._compiled_cache = first._compiled_cache
    return engine

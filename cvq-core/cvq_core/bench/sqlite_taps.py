"""SQLite's side of the tap bench: our taps, gathered, beside the same rows written by hand."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from cvq_core.access.batcher import TapBatcher
from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import AccessPoint
from cvq_core.access.taps import TapAnswer
from cvq_core.bench.harness import BenchOptions
from cvq_core.bench.tap_ground import TapGround
from cvq_core.clock import utc_now
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.staff.rules import Permission, Principal

RAW_TABLES = """
CREATE TABLE IF NOT EXISTS raw_wallet (id TEXT PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0));
CREATE TABLE IF NOT EXISTS raw_tap (id TEXT PRIMARY KEY, point TEXT, person TEXT, at TEXT, words TEXT, amount INTEGER);
CREATE TABLE IF NOT EXISTS raw_transaction (id TEXT PRIMARY KEY, label TEXT, at TEXT, print BLOB);
CREATE TABLE IF NOT EXISTS raw_posting (
    id INTEGER PRIMARY KEY, transaction_id TEXT, position INTEGER, account TEXT, amount INTEGER, balance INTEGER
);
CREATE INDEX IF NOT EXISTS raw_posting_account ON raw_posting (account, id, amount);
CREATE INDEX IF NOT EXISTS raw_tap_point ON raw_tap (point, at);
CREATE INDEX IF NOT EXISTS raw_tap_person ON raw_tap (person, at);
"""
WALLETS = 20_000
WORDS = "Vous pouvez entrer. 3,10 € débités du compte piscine. Il reste 16,90 €."


def raw_per_s(folder: Path, seconds: float, clients: int = 32) -> float:
    """Return how many taps a second the raw driver writes: the same rows, one commit for each `clients` of them."""
    connection = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(RAW_TABLES)
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT OR IGNORE INTO raw_wallet VALUES (?, 1000000000)", ((f"{each:032x}",) for each in range(WALLETS))
        )
        connection.execute("COMMIT")
        written, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            connection.execute("BEGIN IMMEDIATE")
            for number in range(written, written + clients):
                _write_raw(connection, f"{number * 7919 % WALLETS:032x}")
            connection.execute("COMMIT")
            written += clients
        return written / (time.perf_counter() - began)
    finally:
        connection.close()


def _write_raw(connection: sqlite3.Connection, wallet: str) -> None:
    tap, at = new_id().hex, "2026-11-24 11:00:00.000000"
    [balance] = connection.execute("SELECT balance FROM raw_wallet WHERE id = ?", (wallet,)).fetchone()
    connection.execute("INSERT INTO raw_tap VALUES (?, ?, ?, ?, ?, 310)", (tap, "pool", wallet, at, WORDS))
    connection.execute("INSERT INTO raw_transaction VALUES (?, 'Piscine, une entrée', ?, ?)", (tap, at, bytes(32)))
    connection.executemany(
        "INSERT INTO raw_posting (transaction_id, position, account, amount, balance) VALUES (?, ?, ?, ?, ?)",
        ((tap, 0, wallet, -310, balance - 310), (tap, 1, "revenue", 310, None)),
    )
    connection.execute("UPDATE raw_wallet SET balance = ? WHERE id = ?", (balance - 310, wallet))


async def gathered_per_s(url: str, ground: TapGround, options: BenchOptions) -> float:
    """Return how many taps a second are acknowledged, `clients` readers asking at once."""
    database = Database(url)
    taps = TapBatcher(database, utc_now, batch_max=128)
    async with database.read() as db:
        point_id = await db.scalar(select(AccessPoint.id).where(AccessPoint.code == "piscine-gatineo-1"))
    assert point_id is not None
    began = time.perf_counter()
    counts = await asyncio.gather(
        *(_tap_until(taps, ground, point_id, client, began + options.seconds) for client in range(options.clients))
    )
    took = time.perf_counter() - began
    await database.close()
    return sum(counts) / took


async def _tap_until(taps: TapBatcher, ground: TapGround, point_id: UUID, client: int, ends_at: float) -> int:
    done = 0
    token = ground.tokens[client % len(ground.tokens)]
    while time.perf_counter() < ends_at:
        uid = ground.cards[(client * 7919 + done) % len(ground.cards)]
        tap_id, now = new_id(), utc_now()

        def build(principal: Principal, uid: str = uid, tap_id: UUID = tap_id) -> TapRequest:
            return TapRequest(tap_id, point_id, now, card_uid=uid, reader_id=principal.id)  # noqa: B023 - used at once

        _, answer = await taps.take(token, Permission.TAP, build)
        assert isinstance(answer, TapAnswer)
        assert answer.allowed
        done += 1
    return done

"""SQLite's limit of the ledger bench: the rows of a payment written by hand on its raw driver."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from cvq_core.bench.sqlite_taps import RAW_TABLES, WALLETS
from cvq_core.ids import new_id


def raw_payments_per_s(folder: Path, seconds: float, clients: int) -> float:
    """Return how many payments a second the raw driver writes: the same rows, one commit for each `clients` of them."""
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
    payment, at = new_id().hex, "2026-11-24 11:00:00.000000"
    [balance] = connection.execute("SELECT balance FROM raw_wallet WHERE id = ?", (wallet,)).fetchone()
    connection.execute("INSERT INTO raw_transaction VALUES (?, 'Piscine, une entrée', ?, ?)", (payment, at, bytes(32)))
    connection.executemany(
        "INSERT INTO raw_posting (transaction_id, position, account, amount, balance) VALUES (?, ?, ?, ?, ?)",
        ((payment, 0, wallet, -310, balance - 310), (payment, 1, "revenue", 310, None)),
    )
    connection.execute("UPDATE raw_wallet SET balance = ? WHERE id = ?", (balance - 310, wallet))

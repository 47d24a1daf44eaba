"""The books of a year with 30,000 receipts: made in bounded memory, its totals those of the ledger."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.books.periods import Period, read_period
from cvq_core.books.rules import BookFormat, EditionState
from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import ledger_rows
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting, Wallet
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import Drawer, Receipt, ReceiptSeries
from tests.integration.core.books.conftest import LATER, House

RECEIPTS, A_DAY = 30_000, 120
CENTS = 1550
GROWTH_MB_MAX = 200
WITHIN_S = 600
YEAR: Period = read_period("2026", local_day(LATER))
BEGINS = datetime.fromisoformat("2026-01-05T09:00:00+00:00")


@contextmanager
def watched() -> Iterator[list[int]]:
    """Give the process's memory in MB, looked at ten times a second while something goes on."""
    seen, over = [_resident_mb()], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            seen.append(_resident_mb())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _resident_mb() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.nightly
async def test_a_year_of_thirty_thousand_receipts_is_written_in_bounded_memory(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async with house.database.write() as db:
        for day in range(RECEIPTS // A_DAY):
            await _a_day(db, house, day)
        series_id = house.school.series_id
        await db.execute(update(ReceiptSeries).where(ReceiptSeries.id == series_id).values(last_number=RECEIPTS))
        await db.execute(update(Wallet).where(Wallet.id == house.pool).values(balance_cents=RECEIPTS * CENTS))
    begun = time.monotonic()
    with watched() as seen:
        edition = await house.edition(YEAR)
    took, grew = time.monotonic() - begun, max(seen) - seen[0]
    assert edition.state is EditionState.READY
    files = await house.files(edition)
    sizes = {kind.value: len(content) // 1024 for kind, (_, content) in files.items()}
    with capsys.disabled():
        sys.stdout.write(f"\n{RECEIPTS} receipts: {took:.1f} s, {grew} MB more, KB by file: {sizes}\n")
    rows = files[BookFormat.JOURNAL_CSV][1].count(b"\r\n") - 1
    assert rows == RECEIPTS
    assert grew < GROWTH_MB_MAX
    assert took < WITHIN_S


async def _a_day(db: AsyncSession, house: House, day: int) -> None:
    """Write a day's closed drawer as the counter would have left it."""
    opened, drawer_id = BEGINS + timedelta(days=day), new_id()
    account = {"id": drawer_id, "code": f"drawer:{drawer_id}", "kind": AccountKind.DRAWER, "label": "Caisse"}
    await db.execute(insert(LedgerAccount).values(**account, opened_at=opened))
    numbers = range(day * A_DAY + 1, (day + 1) * A_DAY + 1)
    receipts = [_receipt(house, drawer_id, number, opened + timedelta(minutes=number % A_DAY)) for number in numbers]
    closed = opened + timedelta(hours=3)
    legs = ((drawer_id, A_DAY * CENTS), (house.school.safe_account_id, -A_DAY * CENTS))
    transactions = [
        _transaction(each["id"], each["issued_at"], (house.pool, CENTS), (drawer_id, -CENTS)) for each in receipts
    ]
    transactions.append(_transaction(new_id(), closed, *legs, kind=TransactionKind.DRAWER_CLOSED))
    before = [{house.pool: (number - 1) * CENTS} for number in numbers]
    written = [
        ledger_rows(each, balances, each.occurred_at)
        for each, balances in zip(transactions, [*before, {}], strict=True)
    ]
    await db.execute(insert(LedgerTransaction), [row for row, _ in written])
    await db.execute(insert(Posting), [posting for _, postings in written for posting in postings])
    drawer = {"id": drawer_id, "sub_office_id": house.school.id, "staff_id": house.odile.staff_id, "float_cents": 0}
    counts = {"counted": {}, "counted_cents": 0, "expected_cents": 0, "difference_cents": 0}
    await db.execute(insert(Drawer).values(**drawer, **counts, opened_at=opened, closed_at=closed))
    await db.execute(insert(Receipt), receipts)


def _receipt(house: House, drawer_id: UUID, number: int, at: datetime) -> dict[str, Any]:
    line = {"wallet_id": str(house.pool), "service": "Piscine", "account": "F00001", "family": "Moreau"}
    return {
        "id": (receipt_id := new_id()),
        "series_id": house.school.series_id,
        "number": number,
        "sub_office_id": house.school.id,
        "drawer_id": drawer_id,
        "staff_id": house.odile.staff_id,
        "transaction_id": receipt_id,
        "voids_id": None,
        "issued_at": at,
        "means": Means.CASH,
        "total_cents": CENTS,
        "tendered_cents": CENTS,
        "change_cents": 0,
        "printed": {
            "series": "POM",
            "collected_by": "Odile Brémaud",
            "lines": [line | {"amount_cents": CENTS, "balance_cents": number * CENTS}],
        },
    }


def _transaction(
    transaction_id: UUID, at: datetime, *legs: tuple[UUID, int], kind: TransactionKind = TransactionKind.TOP_UP
) -> NewTransaction:
    return NewTransaction(
        transaction_id, kind, "Caisse", at, tuple(NewPosting(*leg) for leg in legs), actor_kind="staff", actor_id=None
    )

"""Printing the invoices of a month at once, as a job: asked for, made some at a time, kept in the vault, taken.

The printings are noted with the file, in one transaction: power that goes before leaves none, and the job begins anew.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import Clock, local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.invoice_papers.paper import InvoicePaper
from cvq_core.invoice_papers.pdf import InvoiceSheets
from cvq_core.invoice_papers.rules import (
    RUN_INVOICES_MAX,
    BadMonth,
    NoInvoices,
    RunNotReady,
    RunState,
    TooManyInvoices,
    UnknownRun,
    month_after,
)
from cvq_core.invoice_papers.store import Papers, copies_of
from cvq_core.invoice_papers.tables import InvoicePrint, InvoiceRun
from cvq_core.invoices.tables import Invoice, InvoiceLine
from cvq_core.jobs.store import enqueue
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.live import publish
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CollectableService, SubOffice
from cvq_core.settings import Settings
from cvq_core.text import month_name
from cvq_core.vault import Stored, Vault

PRINT_RUN = "print-invoices"
TOPIC = "invoice_runs"
AT_ONCE = 100
RUNS_MAX = 24
KEPT = timedelta(days=30)
PURGE_EVERY_S = 3600.0


class CopiesChanged(Exception):
    """Somebody printed one of the invoices meanwhile, so that the marks on the paper are wrong: it is made anew."""


async def count_of_month(db: AsyncSession, office_id: UUID, month: date, on: date) -> tuple[int, int]:
    """Return how many invoices of a month an office may collect, and how many of them were never printed."""
    wanted = await _wanted(db, office_id, month, on)
    never = ~select(InvoicePrint.id).where(InvoicePrint.invoice_id == Invoice.id).exists()
    every = await db.scalar(select(func.count()).select_from(Invoice).where(*wanted))
    new = await db.scalar(select(func.count()).select_from(Invoice).where(*wanted, never))
    return int(every or 0), int(new or 0)


async def ask_run(
    db: AsyncSession,
    key: UUID,
    *,
    office_id: UUID,
    month: date,
    only_new: bool,
    officer: Officer,
    now: datetime,
) -> InvoiceRun:
    """Ask for the invoices of a month on paper; `key` asked again gives the same printing.

    The caller has made sure that the officer is the office's.

    Raises:
        BadMonth, NoInvoices, TooManyInvoices
        IdempotencyMismatch: this key is another printing's.
    """
    known = await db.get(InvoiceRun, key)
    if known is not None:
        if (known.office_id, known.month, known.only_new) != (office_id, month, only_new):
            raise IdempotencyMismatch
        return known
    if month.day != 1 or month > local_day(now):
        raise BadMonth
    every, new = await count_of_month(db, office_id, month, local_day(now))
    invoices = new if only_new else every
    if not invoices:
        raise NoInvoices
    if invoices > RUN_INVOICES_MAX:
        raise TooManyInvoices
    run = InvoiceRun(
        id=key,
        office_id=office_id,
        month=month,
        only_new=only_new,
        asked_at=now,
        staff_id=officer.staff_id,
        state=RunState.MAKING,
        invoices=invoices,
        done=0,
    )
    db.add(run)
    await db.flush()
    await enqueue(db, PRINT_RUN, {"run_id": str(key)}, now=now, unique_key=f"{PRINT_RUN}:{key}")
    return run


async def runs_of(db: AsyncSession, office_id: UUID, month: date) -> Sequence[InvoiceRun]:
    """Return the latest printings of a month, the newest first."""
    rows = await db.scalars(
        select(InvoiceRun)
        .where(InvoiceRun.office_id == office_id, InvoiceRun.month == month)
        .order_by(InvoiceRun.asked_at.desc(), InvoiceRun.id.desc())
        .limit(RUNS_MAX)
    )
    return rows.all()


async def run_by_id(db: AsyncSession, run_id: UUID) -> InvoiceRun:
    """Return a printing.

    Raises:
        UnknownRun
    """
    run = await db.get(InvoiceRun, run_id)
    if run is None:
        raise UnknownRun
    return run


async def run_file(vault: Vault, run: InvoiceRun) -> bytes:
    """Return the PDF of a printing.

    Raises:
        RunNotReady
    """
    if run.state is not RunState.READY or run.file_id is None or run.key_id is None or run.wrapped_key is None:
        raise RunNotReady
    return await asyncio.to_thread(vault.get, run.file_id, Stored(run.key_id, run.wrapped_key))


class InvoicePrinter:
    """The job that prints a month."""

    def __init__(self, database: Database, settings: Settings, vault: Vault, clock: Clock) -> None:
        self._database, self._settings, self._vault, self._clock = database, settings, vault, clock

    async def make(self, payload: dict[str, Any]) -> None:
        """Make a printing's file; done again from the start when it was cut short."""
        run_id = UUID(payload["run_id"])
        now = self._clock()
        async with self._database.read() as db:
            run = await db.get_one(InvoiceRun, run_id)
            if run.state is not RunState.MAKING:
                return
            wanted = await _wanted(db, run.office_id, run.month, local_day(run.asked_at))
            if run.only_new:
                wanted += (~select(InvoicePrint.id).where(InvoicePrint.invoice_id == Invoice.id).exists(),)
            rows = await db.scalars(select(Invoice.id).where(*wanted).order_by(Invoice.year, Invoice.number))
            ids = rows.all()[:RUN_INVOICES_MAX]
            copies = await _copies(db, ids)
            papers = await Papers.begin(db, self._settings, now)
        with tempfile.TemporaryDirectory(prefix="cvq-invoices-") as folder:
            path = Path(folder) / "invoices.pdf"
            sheets = await asyncio.to_thread(InvoiceSheets, path, f"Factures, {month_name(run.month)}", "")
            for at in range(0, len(ids), AT_ONCE):
                some = ids[at : at + AT_ONCE]
                async with self._database.write() as db:
                    made = await papers.of(db, some, copies)
                await asyncio.to_thread(_add, sheets, made)
                await self._tell(run, at + len(some))
            await asyncio.to_thread(sheets.close)
            await self._settle(run, path, copies, ids, now)

    async def give_up(self, payload: dict[str, Any]) -> None:
        """Say of a printing that it will not come."""
        async with self._database.write() as db:
            run = await db.get_one(InvoiceRun, UUID(payload["run_id"]), with_for_update=True)
            if run.state is RunState.MAKING:
                run.state = RunState.FAILED
                publish(db, f"{TOPIC}:{run.office_id}", "run")

    async def purge(self) -> None:
        """Remove old files: they hold many families' addresses, and are made anew when asked for."""
        async with self._database.write() as db:
            old = (
                await db.scalars(
                    select(InvoiceRun)
                    .where(InvoiceRun.state == RunState.READY, InvoiceRun.asked_at < self._clock() - KEPT)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            gone = [run.file_id for run in old if run.file_id is not None]
            for run in old:
                run.state, run.file_id, run.key_id, run.wrapped_key = RunState.GONE, None, None, None
        for file_id in gone:
            self._vault.remove(file_id)

    async def _tell(self, run: InvoiceRun, done: int) -> None:
        async with self._database.write() as db:
            await db.execute(update(InvoiceRun).where(InvoiceRun.id == run.id).values(done=done))
            publish(db, f"{TOPIC}:{run.office_id}", "run")

    async def _settle(
        self, run: InvoiceRun, path: Path, copies: dict[UUID, int], ids: Sequence[UUID], now: datetime
    ) -> None:
        """Keep the file and note the printings; of two that ran at once the first one stays."""
        content, file_id = await asyncio.to_thread(path.read_bytes), new_id()
        stored = await asyncio.to_thread(self._vault.put, file_id, content)
        is_kept = False
        try:
            async with self._database.write() as db:
                known = await db.get_one(InvoiceRun, run.id, with_for_update=True)
                is_kept = known.state is RunState.MAKING
                if is_kept:
                    await _note_prints(db, run, copies, ids, now)
                    known.state, known.done, known.invoices = RunState.READY, len(ids), len(ids)
                    known.file_id, known.size_bytes = file_id, len(content)
                    known.key_id, known.wrapped_key = stored.key_id, stored.wrapped_key
                    publish(db, f"{TOPIC}:{run.office_id}", "run")
        except (CopiesChanged, IntegrityError):
            is_kept = False
            raise
        finally:
            if not is_kept:
                self._vault.remove(file_id)


async def _note_prints(
    db: AsyncSession, run: InvoiceRun, copies: dict[UUID, int], ids: Sequence[UUID], now: datetime
) -> None:
    """Note each printing as the copy that its paper says it is.

    Raises:
        CopiesChanged
    """
    if await _copies(db, ids) != copies:
        raise CopiesChanged
    for at in range(0, len(ids), AT_ONCE):
        rows = [_printed(run, each, copies.get(each, 0), now) for each in ids[at : at + AT_ONCE]]
        await db.execute(insert(InvoicePrint), rows)


def _printed(run: InvoiceRun, invoice_id: UUID, copy: int, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid5(run.id, str(invoice_id)),
        "invoice_id": invoice_id,
        "copy_number": copy,
        "staff_id": run.staff_id,
        "run_id": run.id,
        "printed_at": now,
    }


def _add(sheets: InvoiceSheets, papers: Sequence[InvoicePaper]) -> None:
    for paper in papers:
        sheets.add(paper)


async def _copies(db: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for at in range(0, len(ids), AT_ONCE):
        found |= await copies_of(db, ids[at : at + AT_ONCE])
    return found


async def _wanted(db: AsyncSession, office_id: UUID, month: date, on: date) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that an invoice was issued in a month, for services alone that the office's act names."""
    services = (
        select(CollectableService.service_code)
        .join(SubOffice, SubOffice.id == CollectableService.sub_office_id)
        .where(
            SubOffice.office_id == office_id,
            CollectableService.valid_from <= on,
            (CollectableService.valid_until.is_(None)) | (CollectableService.valid_until >= on),
        )
    )
    codes = (await db.scalars(services.distinct())).all()
    other = select(InvoiceLine.position).where(
        InvoiceLine.invoice_id == Invoice.id, InvoiceLine.service_code.not_in(codes)
    )
    return (Invoice.issued_on >= month, Invoice.issued_on < month_after(month), ~other.exists())

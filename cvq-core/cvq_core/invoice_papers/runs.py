"""Printing the invoices of a month at once, as a job: asked for, made some at a time, kept in the vault, taken.

The printings are noted with the file, in one transaction: power that goes before leaves none, and the job begins anew.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pikepdf
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
from cvq_core.ledger.tables import Receivable
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
    """Return how many invoices of a month are to be paid to an office, and how many of them were never printed."""
    wanted = await _wanted(db, office_id, month, on)
    every = await db.scalar(select(func.count()).select_from(Invoice).where(*wanted))
    new = await db.scalar(select(func.count()).select_from(Invoice).where(*wanted, _never_printed()))
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


@dataclass(frozen=True, slots=True)
class _Begun:
    """A printing under way: its invoices in their order, and how often each was printed when it began."""

    run: InvoiceRun
    ids: Sequence[UUID]
    copies: dict[UUID, int]
    papers: Papers
    now: datetime


class InvoicePrinter:
    """The job that prints a month."""

    def __init__(self, database: Database, settings: Settings, vault: Vault, clock: Clock) -> None:
        self._database, self._settings, self._vault, self._clock = database, settings, vault, clock

    async def make(self, payload: dict[str, Any]) -> None:
        """Make a printing's file; done again from the start when it was cut short."""
        begun = await self._begin(UUID(payload["run_id"]))
        if begun is None:
            return
        if not begun.ids:
            # Somebody else printed them meanwhile.
            await self.give_up(payload)
            return
        with tempfile.TemporaryDirectory(prefix="cvq-invoices-") as folder:
            parts, title = [], f"Factures, {month_name(begun.run.month)}"
            for at in range(0, len(begun.ids), AT_ONCE):
                some = begun.ids[at : at + AT_ONCE]
                async with self._database.write() as db:
                    made = await begun.papers.of(db, some, begun.copies)
                parts.append(Path(folder) / f"{at}.pdf")
                await asyncio.to_thread(_write, parts[-1], title, made)
                await self._tell(begun.run, at + len(some))
            path = Path(folder) / "whole.pdf"
            await asyncio.to_thread(_join, parts, path, title)
            await self._settle(begun, path)

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

    async def _begin(self, run_id: UUID) -> _Begun | None:
        """Return what is to be printed; None where it was done before."""
        now = self._clock()
        async with self._database.read() as db:
            run = await db.get_one(InvoiceRun, run_id)
            if run.state is not RunState.MAKING:
                return None
            wanted = await _wanted(db, run.office_id, run.month, local_day(run.asked_at))
            if run.only_new:
                wanted += (_never_printed(),)
            rows = await db.scalars(select(Invoice.id).where(*wanted).order_by(Invoice.year, Invoice.number))
            ids = rows.all()[:RUN_INVOICES_MAX]
            return _Begun(run, ids, await _copies(db, ids), await Papers.begin(db, self._settings, now), now)

    async def _tell(self, run: InvoiceRun, done: int) -> None:
        async with self._database.write() as db:
            await db.execute(update(InvoiceRun).where(InvoiceRun.id == run.id).values(done=done))
            publish(db, f"{TOPIC}:{run.office_id}", "run")

    async def _settle(self, begun: _Begun, path: Path) -> None:
        """Keep the file and note the printings; of two that ran at once the first one stays."""
        content, file_id = await asyncio.to_thread(path.read_bytes), new_id()
        stored = await asyncio.to_thread(self._vault.put, file_id, content)
        is_kept = False
        try:
            async with self._database.write() as db:
                known = await db.get_one(InvoiceRun, begun.run.id, with_for_update=True)
                is_kept = known.state is RunState.MAKING
                if is_kept:
                    await _note_prints(db, begun)
                    known.state, known.done, known.invoices = RunState.READY, len(begun.ids), len(begun.ids)
                    known.file_id, known.size_bytes = file_id, len(content)
                    known.key_id, known.wrapped_key = stored.key_id, stored.wrapped_key
                    publish(db, f"{TOPIC}:{known.office_id}", "run")
        except (CopiesChanged, IntegrityError):
            is_kept = False
            raise
        finally:
            if not is_kept:
                self._vault.remove(file_id)


async def _note_prints(db: AsyncSession, begun: _Begun) -> None:
    """Note each printing as the copy that its paper says it is.

    Raises:
        CopiesChanged
    """
    if await _copies(db, begun.ids) != begun.copies:
        raise CopiesChanged
    for at in range(0, len(begun.ids), AT_ONCE):
        rows = [_printed(begun, each) for each in begun.ids[at : at + AT_ONCE]]
        await db.execute(insert(InvoicePrint), rows)


def _printed(begun: _Begun, invoice_id: UUID) -> dict[str, Any]:
    return {
        "id": uuid5(begun.run.id, str(invoice_id)),
        "invoice_id": invoice_id,
        "copy_number": begun.copies.get(invoice_id, 0),
        "staff_id": begun.run.staff_id,
        "run_id": begun.run.id,
        "printed_at": begun.now,
    }


def _write(path: Path, title: str, papers: Sequence[InvoicePaper]) -> None:
    """Write a part of the file: what reportlab draws stays in memory until it is closed."""
    sheets = InvoiceSheets(path, title, papers[0].issuer.name)
    for paper in papers:
        sheets.add(paper)
    sheets.close()


def _join(parts: Sequence[Path], whole: Path, title: str) -> None:
    """Make one file of the parts; their pages stay on the disk."""
    with ExitStack() as opened, pikepdf.new() as document:
        for part in parts:
            document.pages.extend(opened.enter_context(pikepdf.open(part)).pages)
        document.docinfo["/Title"] = title
        document.Root.Lang = pikepdf.String("fr-FR")
        document.save(whole)


async def _copies(db: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for at in range(0, len(ids), AT_ONCE):
        found |= await copies_of(db, ids[at : at + AT_ONCE])
    return found


def _never_printed() -> ColumnElement[bool]:
    return ~select(InvoicePrint.id).where(InvoicePrint.invoice_id == Invoice.id).exists()


async def _wanted(db: AsyncSession, office_id: UUID, month: date, on: date) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that an invoice of a month is still to be paid, for services alone that the act names.

    What was sold and paid at a counter is invoiced too, and nobody wants it by post.
    """
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
    due = select(Receivable.id).where(Receivable.id == Invoice.id, Receivable.balance_cents < 0)
    return (Invoice.issued_on >= month, Invoice.issued_on < month_after(month), due.exists(), ~other.exists())

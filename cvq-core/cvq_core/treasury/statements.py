"""Taking the treasury account's statement in, and deciding what its lines are, in the caller's transaction.

Matching writes nothing into the ledger: the books say what the office did, and the statement is the bank's word for it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.offices.remittance_rules import check_reason
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CashOffice
from cvq_core.text import money
from cvq_core.treasury.accounts import locked_account
from cvq_core.treasury.expected import expected_items
from cvq_core.treasury.matched import undone
from cvq_core.treasury.matching import (
    TOGETHER_MAX,
    Item,
    ItemKey,
    Line,
    MatchUndone,
    NothingToMatch,
    NotToMatch,
    Reading,
    SumsDiffer,
    Undone,
    UnknownMatch,
    certain,
    readings_of,
)
from cvq_core.treasury.statement_file import digests_of, read_statement
from cvq_core.treasury.tables import (
    TreasuryLine,
    TreasuryMatch,
    TreasuryMatchItem,
    TreasuryMatchLine,
    TreasuryStatement,
)

MATCHES_MAX = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """Both sides of the account that were not matched: the statement's lines with the ways to read each, and ours."""

    lines: tuple[Line, ...]
    items: tuple[Item, ...]
    readings: dict[UUID, tuple[Reading, ...]]

    @property
    def lines_cents(self) -> int:
        """What the lines add up to."""
        return sum(line.amount_cents for line in self.lines)

    @property
    def items_cents(self) -> int:
        """What is expected in all."""
        return sum(item.amount_cents for item in self.items)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision with what it put together; `undone_by_id` is the decision that undid it."""

    match: TreasuryMatch
    lines: tuple[TreasuryLine, ...]
    items: tuple[TreasuryMatchItem, ...]
    undone_by_id: UUID | None


async def import_statement(
    db: AsyncSession, *, office_id: UUID, name: str, content: bytes, officer: Officer, now: datetime
) -> TreasuryStatement:
    """Take in a statement and match what is certain; the same file again is the one that is there, as it was.

    A line that another file brought before stays the one line that it is.

    Raises:
        NotTreasuryOfficer
        BadStatement: it cannot be read; nothing of it is taken in.
    """
    rows = read_statement(content, local_day(now))
    account, office = await locked_account(db, office_id, officer, now)
    digest = hashlib.sha256(content).digest()
    known = await db.scalar(
        select(TreasuryStatement).where(
            TreasuryStatement.office_id == account.office_id, TreasuryStatement.digest == digest
        )
    )
    if known is not None:
        return known
    digests = digests_of(rows)
    there = set(
        await db.scalars(
            select(TreasuryLine.digest).where(
                TreasuryLine.office_id == office_id,
                TreasuryLine.day >= min(row.day for row in rows),
                TreasuryLine.day <= max(row.day for row in rows),
            )
        )
    )
    fresh = [position for position, each in enumerate(digests) if each not in there]
    made = TreasuryStatement(
        id=new_id(),
        office_id=office_id,
        digest=digest,
        name=name[:120],
        first_day=min(row.day for row in rows),
        last_day=max(row.day for row in rows),
        lines=len(rows),
        known=len(rows) - len(fresh),
        staff_id=officer.staff_id,
        imported_at=now,
    )
    db.add(made)
    await db.flush()
    db.add_all(
        TreasuryLine(
            id=new_id(),
            office_id=office_id,
            statement_id=made.id,
            position=position + 1,
            digest=digests[position],
            day=rows[position].day,
            label=rows[position].label,
            reference=rows[position].reference,
            amount_cents=rows[position].amount_cents,
        )
        for position in fresh
    )
    await db.flush()
    await _match_certain(db, office, now)
    return made


async def match_certain(db: AsyncSession, *, office_id: UUID, officer: Officer, now: datetime) -> int:
    """Match every line that can be read in one way alone, and return how many.

    Raises:
        NotTreasuryOfficer
    """
    _, office = await locked_account(db, office_id, officer, now)
    return await _match_certain(db, office, now)


async def standing_of(db: AsyncSession, office: CashOffice, today: date) -> Standing:
    """Return what is not matched on both sides, the oldest first."""
    lines = await _open_lines(db, office.id)
    items = await expected_items(db, office, today)
    # Thousands of lines take a moment, for which nobody else should wait.
    readings = await asyncio.to_thread(readings_of, lines, items, await _undone_pairs(db, office.id))
    return Standing(tuple(lines), tuple(items), readings)


async def decide(
    db: AsyncSession,
    *,
    key: UUID,
    office_id: UUID,
    line_ids: Collection[UUID],
    item_keys: Collection[ItemKey],
    note: str,
    officer: Officer,
    now: datetime,
) -> TreasuryMatch:
    """Put lines and expected movements of the same sum together, or file one side with the reason.

    `key` asked again gives the same decision.

    Raises:
        NotTreasuryOfficer, NothingToMatch, NotToMatch, SumsDiffer
        ReasonMissing: one side alone is filed with its reason.
        IdempotencyMismatch: this key came before with another content.
    """
    if not (line_ids or item_keys) or max(len(line_ids), len(item_keys)) > TOGETHER_MAX:
        raise NothingToMatch
    _, office = await locked_account(db, office_id, officer, now)
    first = await db.get(TreasuryMatch, key)
    if first is not None:
        [known] = await _decided(db, TreasuryMatch.id == key)
        asked = (office_id, set(line_ids), set(item_keys))
        if asked != (first.office_id, {line.id for line in known.lines}, {(i.kind, i.item_id) for i in known.items}):
            raise IdempotencyMismatch
        return first
    lines = [line for line in await _open_lines(db, office_id) if line.id in set(line_ids)]
    items = [item for item in await expected_items(db, office, local_day(now)) if item.key in set(item_keys)]
    if len(lines) != len(set(line_ids)) or len(items) != len(set(item_keys)):
        raise NotToMatch
    plain = " ".join(note.split())[:200]
    if lines and items:
        sums = sum(line.amount_cents for line in lines), sum(item.amount_cents for item in items)
        if sums[0] != sums[1]:
            raise SumsDiffer(lines=money(sums[0]), items=money(sums[1]))
    else:
        plain = check_reason(note)
    return await _write(
        db, key, office_id, [line.id for line in lines], items, note=plain, staff_id=officer.staff_id, now=now
    )


async def undo(
    db: AsyncSession, *, key: UUID, match_id: UUID, note: str, officer: Officer, now: datetime
) -> TreasuryMatch:
    """Undo a match by a counter-decision; its lines and movements are open again, and it is never made alone again.

    Raises:
        UnknownMatch, NotTreasuryOfficer, ReasonMissing, MatchUndone
        IdempotencyMismatch: this key came before with another content.
    """
    plain = check_reason(note)
    known = await db.get(TreasuryMatch, match_id)
    if known is None:
        raise UnknownMatch
    await locked_account(db, known.office_id, officer, now)
    first = await db.get(TreasuryMatch, key)
    if first is not None:
        if (first.undoes_id, first.staff_id) != (match_id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    if known.undoes_id is not None or await db.scalar(select(undone(match_id))):
        raise MatchUndone
    made = TreasuryMatch(
        id=key,
        office_id=known.office_id,
        undoes_id=match_id,
        reasons=[],
        note=plain,
        staff_id=officer.staff_id,
        decided_at=now,
    )
    db.add(made)
    await db.flush()
    return made


async def latest_matches(db: AsyncSession, office_id: UUID, *, limit: int = 30) -> list[Decided]:
    """Return the latest decisions about an office's statement, the newest first, without those that only undo."""
    return await _decided(db, TreasuryMatch.office_id == office_id, TreasuryMatch.undoes_id.is_(None), limit=limit)


async def statements_of(db: AsyncSession, office_id: UUID, *, limit: int = 10) -> list[TreasuryStatement]:
    """Return the latest files of an office's account."""
    rows = await db.scalars(
        select(TreasuryStatement)
        .where(TreasuryStatement.office_id == office_id)
        .order_by(TreasuryStatement.imported_at.desc(), TreasuryStatement.id.desc())
        .limit(limit)
    )
    return list(rows)


async def _match_certain(db: AsyncSession, office: CashOffice, now: datetime) -> int:
    standing = await standing_of(db, office, local_day(now))
    sure = certain(standing.readings)
    for line_id, way in sure.items():
        reasons = tuple(reason.value for reason in way.reasons)
        await _write(db, new_id(), office.id, [line_id], way.items, reasons=reasons, staff_id=None, now=now)
    return len(sure)


async def _write(
    db: AsyncSession,
    key: UUID,
    office_id: UUID,
    line_ids: Sequence[UUID],
    items: Sequence[Item],
    *,
    reasons: Sequence[str] = (),
    note: str = "",
    staff_id: UUID | None,
    now: datetime,
) -> TreasuryMatch:
    made = TreasuryMatch(
        id=key, office_id=office_id, reasons=list(reasons), note=note, staff_id=staff_id, decided_at=now
    )
    db.add(made)
    await db.flush()
    db.add_all(TreasuryMatchLine(match_id=key, line_id=each) for each in line_ids)
    db.add_all(
        TreasuryMatchItem(
            match_id=key,
            kind=item.kind,
            item_id=item.id,
            day=item.day,
            amount_cents=item.amount_cents,
            label=item.label[:160],
        )
        for item in items
    )
    await db.flush()
    return made


async def _open_lines(db: AsyncSession, office_id: UUID) -> list[Line]:
    matched = (
        select(TreasuryMatchLine.line_id)
        .where(TreasuryMatchLine.line_id == TreasuryLine.id, ~undone(TreasuryMatchLine.match_id))
        .exists()
    )
    rows = await db.scalars(
        select(TreasuryLine)
        .where(TreasuryLine.office_id == office_id, ~matched)
        .order_by(TreasuryLine.day, TreasuryLine.statement_id, TreasuryLine.position)
    )
    return [Line(row.id, row.day, row.amount_cents, row.label, row.reference) for row in rows]


async def _undone_pairs(db: AsyncSession, office_id: UUID) -> Undone:
    undoing = aliased(TreasuryMatch)
    rows = await db.scalars(
        select(TreasuryMatch.id)
        .join(undoing, undoing.undoes_id == TreasuryMatch.id)
        .where(TreasuryMatch.office_id == office_id)
    )
    ids = list(rows)
    items: dict[UUID, set[ItemKey]] = defaultdict(set)
    for row in await db.execute(
        select(TreasuryMatchItem.match_id, TreasuryMatchItem.kind, TreasuryMatchItem.item_id).where(
            TreasuryMatchItem.match_id.in_(ids)
        )
    ):
        items[row.match_id].add((row.kind, row.item_id))
    lines = await db.execute(
        select(TreasuryMatchLine.match_id, TreasuryMatchLine.line_id).where(TreasuryMatchLine.match_id.in_(ids))
    )
    return Undone(frozenset((row.line_id, frozenset(items[row.match_id])) for row in lines))


async def _decided(db: AsyncSession, *wanted: ColumnElement[bool], limit: int = MATCHES_MAX) -> list[Decided]:
    undoing = aliased(TreasuryMatch)
    rows = (
        await db.execute(
            select(TreasuryMatch, undoing.id)
            .outerjoin(undoing, undoing.undoes_id == TreasuryMatch.id)
            .where(*wanted)
            .order_by(TreasuryMatch.decided_at.desc(), TreasuryMatch.id.desc())
            .limit(min(limit, MATCHES_MAX))
        )
    ).all()
    ids = [row[0].id for row in rows]
    lines: dict[UUID, list[TreasuryLine]] = defaultdict(list)
    for match_id, line in await db.execute(
        select(TreasuryMatchLine.match_id, TreasuryLine)
        .join(TreasuryLine, TreasuryLine.id == TreasuryMatchLine.line_id)
        .where(TreasuryMatchLine.match_id.in_(ids))
        .order_by(TreasuryLine.day, TreasuryLine.position)
    ):
        lines[match_id].append(line)
    items: dict[UUID, list[TreasuryMatchItem]] = defaultdict(list)
    for item in await db.scalars(
        select(TreasuryMatchItem)
        .where(TreasuryMatchItem.match_id.in_(ids))
        .order_by(TreasuryMatchItem.day, TreasuryMatchItem.label)
    ):
        items[item.match_id].append(item)
    return [
        Decided(match, tuple(lines[match.id]), tuple(items[match.id]), undone_by_id) for match, undone_by_id in rows
    ]

"""Putting what was read of an old base aside, where people may look at it; nothing else of our base is touched."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ids import new_id
from cvq_core.imports.deciding import forget_pairs
from cvq_core.imports.mapping import ImportMapping
from cvq_core.imports.reading import OldBase, OldFile
from cvq_core.imports.records import OldFamily, person_content, quotient_content
from cvq_core.imports.rules import BaseOfAnotherCommune, ImportUnderWay, UnknownCommune, UnknownImport, identity_of
from cvq_core.imports.tables import (
    BatchState,
    FamilyState,
    ImportBatch,
    ImportFamily,
    ImportFault,
    ImportPerson,
    OpeningBalance,
)
from cvq_core.journal.store import Actor, record
from cvq_core.people.tables import Commune
from cvq_core.services.rules import ServiceCode

ROWS_AT_ONCE = 1000
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Taken:
    """What earlier imports of the same base took over: accounts by number, people by identity, balances."""

    accounts: Mapping[str, UUID]
    persons: Mapping[UUID, UUID]
    balances: frozenset[tuple[str, ServiceCode]]


async def stage(
    db: AsyncSession,
    mapping: ImportMapping,
    mapping_text: str,
    base: OldBase,
    files: Sequence[OldFile],
    *,
    by: str,
    now: datetime,
) -> ImportBatch:
    """Put an old base aside under a new batch; one of the same base of which nothing was applied makes way for it.

    Raises:
        UnknownCommune, BaseOfAnotherCommune
        ImportUnderWay: the batch before has begun to be applied.
    """
    if await db.get(Commune, mapping.commune) is None:
        raise UnknownCommune(insee=mapping.commune)
    for earlier in await batches_of(db, mapping.base):
        if earlier.commune_insee != mapping.commune:
            raise BaseOfAnotherCommune(base=mapping.base, insee=earlier.commune_insee)
        if earlier.state in (BatchState.APPLYING, BatchState.UNDOING):
            raise ImportUnderWay
        if earlier.state is BatchState.STAGED:
            await forget_pairs(db, earlier.id)
            await discard(db, earlier, now)
    batch = ImportBatch(
        id=new_id(),
        base=mapping.base,
        commune_insee=mapping.commune,
        title=mapping.title,
        mapping=mapping_text,
        files=[{"name": file.name, "sha256": hashlib.sha256(file.content).hexdigest()} for file in files],
        unites_families=mapping.unites_families,
        balances_on=mapping.balances_on,
        state=BatchState.STAGED,
        staged_at=now,
        staged_by=by,
    )
    db.add(batch)
    await db.flush()
    await _write(db, batch, base, await _taken(db, mapping.base))
    record(
        db,
        now=now,
        actor=Actor("system", None, by),
        action="import-staged",
        subject=("import", batch.id),
        personal={"base": batch.base, "families": len(base.families), "refused": len(base.refused)},
    )
    return batch


async def batches_of(db: AsyncSession, base: str) -> list[ImportBatch]:
    """Return every import of an old base, the latest first."""
    rows = await db.scalars(
        select(ImportBatch)
        .where(ImportBatch.base == base)
        .order_by(ImportBatch.staged_at.desc(), ImportBatch.id.desc())
    )
    return list(rows)


async def batch_of(db: AsyncSession, base: str) -> ImportBatch:
    """Return the latest import of an old base that was not taken back.

    Raises:
        UnknownImport
    """
    for batch in await batches_of(db, base):
        if batch.state is not BatchState.UNDONE:
            return batch
    raise UnknownImport


async def locked_batch(db: AsyncSession, batch_id: UUID) -> ImportBatch:
    """Lock an import, so that what is done with it is done by one at a time.

    Raises:
        UnknownImport
    """
    batch: ImportBatch | None = await db.scalar(
        select(ImportBatch)
        .where(ImportBatch.id == batch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if batch is None:
        raise UnknownImport
    return batch


async def discard(db: AsyncSession, batch: ImportBatch, now: datetime) -> None:
    """Throw away what was staged and never applied; that there was such a batch stays known."""
    mine = select(ImportFamily.id).where(ImportFamily.batch_id == batch.id)
    await db.execute(delete(ImportPerson).where(ImportPerson.family_id.in_(mine)))
    await db.execute(delete(ImportFamily).where(ImportFamily.batch_id == batch.id))
    await db.execute(delete(ImportFault).where(ImportFault.batch_id == batch.id))
    batch.state, batch.undone_at, batch.wiped_at = BatchState.UNDONE, now, now
    await db.flush()


async def _taken(db: AsyncSession, base: str) -> _Taken:
    mine = select(ImportBatch.id).where(ImportBatch.base == base)
    done = ImportFamily.batch_id.in_(mine) & ImportFamily.state.in_((FamilyState.APPLIED, FamilyState.KNOWN))
    accounts = await db.execute(select(ImportFamily.number, ImportFamily.account_id).where(done))
    persons = await db.execute(
        select(ImportPerson.identity, ImportPerson.person_id)
        .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
        .where(done, ImportPerson.person_id.is_not(None))
    )
    balances = await db.execute(
        select(ImportFamily.number, OpeningBalance.service_code)
        .join(OpeningBalance, OpeningBalance.family_id == ImportFamily.id)
        .where(done)
    )
    return _Taken(
        {number: account_id for number, account_id in accounts if account_id is not None},
        {identity: person_id for identity, person_id in persons if person_id is not None},
        frozenset((number, service) for number, service in balances),
    )


async def _write(db: AsyncSession, batch: ImportBatch, base: OldBase, taken: _Taken) -> None:
    families: list[Row] = []
    persons: list[Row] = []
    for family in base.families.values():
        row, members = _family_rows(batch, family, taken)
        families.append(row)
        persons += members
    families += [_refused_row(batch, family) for family in base.refused.values()]
    faults: list[Row] = [
        {
            "id": new_id(),
            "batch_id": batch.id,
            "position": position,
            "file": fault.file[:200],
            "line": fault.line,
            "column": fault.column[:200],
            "family": fault.family[:60],
            "sentence": fault.sentence,
            "facts": dict(fault.facts),
            "refuses": fault.refuses,
        }
        for position, fault in enumerate(base.faults)
    ]
    for table, rows in ((ImportFamily, families), (ImportPerson, persons), (ImportFault, faults)):
        for start in range(0, len(rows), ROWS_AT_ONCE):
            await db.execute(insert(table), rows[start : start + ROWS_AT_ONCE])


def _family_rows(batch: ImportBatch, family: OldFamily, taken: _Taken) -> tuple[Row, list[Row]]:
    """Return the rows of one family and its people; those that an earlier import took over are known already."""
    persons = []
    for position, person in enumerate(family.persons):
        identity = identity_of(batch.base, person.key)
        row = {
            "id": new_id(),
            "position": position,
            "identity": identity,
            "key": person.key,
            "role": person.role,
            "line": person.place.line,
            "content": person_content(person),
            "person_id": taken.persons.get(identity),
            "person_made": False,
        }
        persons.append(row)
    fresh = {
        service.value: cents
        for service, cents in family.balances.items()
        if cents and (family.number, service) not in taken.balances
    }
    account_id = taken.accounts.get(family.number)
    is_known = account_id is not None and not fresh and all(row["person_id"] for row in persons)
    content = _content(family) | {"balances": fresh, "all_balances": _balances(family)}
    state = FamilyState.KNOWN if is_known else FamilyState.WAITING
    mine = _family_row(batch, family, state, content, account_id)
    return mine, [{**row, "family_id": mine["id"]} for row in persons]


def _refused_row(batch: ImportBatch, family: OldFamily) -> Row:
    """Return the row of a family that is left out: its balances stay, since they are missing in the totals."""
    content = {"label": family.label, "all_balances": _balances(family)}
    return _family_row(batch, family, FamilyState.REFUSED, content, None)


def _family_row(
    batch: ImportBatch, family: OldFamily, state: FamilyState, content: Row, account_id: UUID | None
) -> Row:
    return {
        "id": new_id(),
        "batch_id": batch.id,
        "number": family.number,
        "file": family.place.file[:200],
        "line": family.place.line,
        "state": state,
        "why": "",
        "content": content,
        "account_id": account_id,
        "account_made": False,
    }


def _content(family: OldFamily) -> Row:
    return {
        "label": family.label,
        "email": family.email,
        "quotient": quotient_content(family.quotient) if family.quotient else None,
    }


def _balances(family: OldFamily) -> dict[str, int]:
    return {service.value: cents for service, cents in family.balances.items()}

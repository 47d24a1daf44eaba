"""The chain of audit records: who changes one is found, and what tells of a person can be erased."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from cvq_core.database import Database
from cvq_core.journal.store import SYSTEM, erase_personal, record, seal, verify_chain
from tests.core_examples import NOW


async def three_sealed(database: Database) -> list[str]:
    async with database.write() as db:
        rows = [
            record(db, now=NOW, actor=SYSTEM, action=f"act-{number}", personal={"who": "Jeanne"}) for number in range(3)
        ]
        await db.flush()
        assert await seal(db, NOW + timedelta(minutes=1)) == 3
        assert await verify_chain(db) == []
    return [row.id.hex for row in rows]


@pytest.mark.parametrize("change", ["action = 'other'", "outcome = 'refused'", 'personal = \'{"who": "Paul"}\''])
async def test_a_changed_record_is_found(database: Database, change: str) -> None:
    await three_sealed(database)
    async with database.write() as db:
        await db.execute(text(f"UPDATE audit_record SET {change} WHERE action = 'act-1'"))
        assert len(await verify_chain(db)) == 1


async def test_erasing_what_tells_of_a_person_keeps_the_chain_whole(database: Database) -> None:
    await three_sealed(database)
    async with database.write() as db:
        row = (await db.execute(text("SELECT id FROM audit_record WHERE action = 'act-1'"))).scalar_one()
        await erase_personal(db, row if isinstance(row, UUID) else UUID(str(row)))
        await db.flush()
        assert await verify_chain(db) == []
        kept = (await db.execute(text("SELECT salt FROM audit_record WHERE action = 'act-1'"))).scalar_one()
    assert bytes(kept) == b""

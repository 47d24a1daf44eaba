"""Writing audit records, sealing them, and proving that nobody changed one."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict, Unpack, cast
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ids import new_id
from cvq_core.journal.rules import GENESIS, chain_digest, personal_digest
from cvq_core.journal.tables import AuditRecord, AuditSeal
from cvq_core.once import insert_once

SETTLED_AFTER = timedelta(seconds=5)
"""A record younger than this may still be overtaken by one of an earlier instant that commits later."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person of the staff, a booth, a reader, a site's controller, or the system itself."""

    kind: Literal["staff", "booth", "reader", "controller", "encoder", "resident", "system", "anonymous"]
    id: UUID | None
    name: str


SYSTEM = Actor("system", None, "système")


class Facts(TypedDict, total=False):
    """What a record says besides who did what, and when."""

    outcome: Literal["done", "refused", "failed"]
    subject: tuple[str, UUID | None]
    account_id: UUID | None
    visit_id: UUID | None
    consent_id: UUID | None
    personal: dict[str, Any] | None


def record(db: AsyncSession, *, now: datetime, actor: Actor, action: str, **facts: Unpack[Facts]) -> AuditRecord:
    """Write one record in the transaction of the act itself: no act without its record, and no record without it."""
    row = AuditRecord(**_values(new_id(), now, actor, action, facts))
    db.add(row)
    return row


async def record_once(
    db: AsyncSession, act: UUID, *, now: datetime, actor: Actor, action: str, **facts: Unpack[Facts]
) -> bool:
    """Write the record of an act that is done once, however often it is asked for; return whether it was the first.

    `act` is what makes the act one: the row that it wrote, or the id that came with it. The record's own id is made
    from it, so that the database lets one in, of rivals too. Each account concerned has a record of its own.
    """
    record_id = uuid5(act, f"{action} {facts.get('account_id') or ''}")
    return await insert_once(db, AuditRecord.__table__, _values(record_id, now, actor, action, facts))


def _values(record_id: UUID, now: datetime, actor: Actor, action: str, facts: Facts) -> dict[str, Any]:
    salt = secrets.token_bytes(16)
    subject_kind, subject_id = facts.get("subject", ("", None))
    personal = facts.get("personal")
    return {
        "id": record_id,
        "at": now,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor_name": actor.name[:200],
        "action": action,
        "outcome": facts.get("outcome", "done"),
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "account_id": facts.get("account_id"),
        "visit_id": facts.get("visit_id"),
        "consent_id": facts.get("consent_id"),
        "personal": personal,
        "salt": salt,
        "personal_digest": personal_digest(salt, personal),
    }


def _facts(row: AuditRecord) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "at": row.at.isoformat(),
        "actor": [row.actor_kind, str(row.actor_id), row.actor_name],
        "action": row.action,
        "outcome": row.outcome,
        "subject": [row.subject_kind, str(row.subject_id)],
        "account": str(row.account_id),
        "visit": str(row.visit_id),
        "consent": str(row.consent_id),
    }


async def seal(db: AsyncSession, now: datetime, *, limit: int = 1000) -> int:
    """Chain the settled records that are not sealed yet; return how many.

    One sealer works at a time (the job's lease sees to it), so that inserting records never waits for the chain; the
    position's primary key refuses a second one.
    """
    last = (await db.scalars(select(AuditSeal).order_by(AuditSeal.position.desc()).limit(1))).first()
    position, digest = (last.position, last.digest) if last else (0, GENESIS)
    waiting = await db.scalars(
        select(AuditRecord)
        .outerjoin(AuditSeal, AuditSeal.record_id == AuditRecord.id)
        .where(AuditSeal.record_id.is_(None), AuditRecord.at < now - SETTLED_AFTER)
        .order_by(AuditRecord.at, AuditRecord.id)
        .limit(limit)
    )
    count = 0
    for row in waiting:
        position, count = position + 1, count + 1
        digest = chain_digest(digest, _facts(row), row.personal_digest)
        db.add(AuditSeal(position=position, record_id=row.id, digest=digest, sealed_at=now))
    return count


async def verify_chain(db: AsyncSession) -> list[str]:
    """Return what is wrong with the chain, one English sentence each; empty when nobody changed a sealed record."""
    troubles: list[str] = []
    digest, expected = GENESIS, 1
    rows = await db.stream(
        select(AuditSeal, AuditRecord)
        .outerjoin(AuditRecord, AuditRecord.id == AuditSeal.record_id)
        .order_by(AuditSeal.position)
    )
    async for sealed, found in rows:
        row = cast("AuditRecord | None", found)
        if sealed.position != expected:
            troubles.append(f"seal {expected} is missing")
        expected = sealed.position + 1
        if row is None:
            troubles.append(f"audit record {sealed.record_id} of seal {sealed.position} is gone")
            digest = sealed.digest
            continue
        if row.personal is not None and personal_digest(row.salt, row.personal) != row.personal_digest:
            troubles.append(f"the personal part of audit record {row.id} was changed")
        digest = chain_digest(digest, _facts(row), row.personal_digest)
        if digest != sealed.digest:
            troubles.append(f"audit record {row.id} does not fit its seal {sealed.position}")
            digest = sealed.digest
    return troubles


async def erase_personal(db: AsyncSession, record_id: UUID) -> None:
    """Erase the personal part of a record; the chain stays whole, since it holds only the digest.

    The salt goes with it: whoever has both could still guess a name and see whether it fits the digest.
    """
    row = await db.get_one(AuditRecord, record_id)
    row.personal, row.salt = None, b""


async def records_about(db: AsyncSession, accounts: Collection[UUID], *, limit: int = 50) -> list[AuditRecord]:
    """Return who looked at one family's accounts and acted on them, the latest first: what the family may read.

    `accounts` are its own and those merged into it. A record of another account is never in it, though it be that of
    a child who belongs to both.
    """
    rows = await db.scalars(
        select(AuditRecord)
        .where(AuditRecord.account_id.in_(accounts))
        .order_by(AuditRecord.at.desc(), AuditRecord.id.desc())
        .limit(limit)
    )
    return list(rows)

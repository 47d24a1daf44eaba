"""Family quotients: each value dated and sourced, none ever written over another."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.nir import NirRefused, looks_like_nir
from cvq_core.once import insert_once
from cvq_core.people.rules import QuotientSource
from cvq_core.people.store import family_account_by_id, quotient_of
from cvq_core.people.tables import FamilyQuotient
from cvq_core.tariffs.census import best_quotients
from cvq_core.tariffs.rules import Quotient

EUROS_MAX = 20_000
REFERENCE_LENGTH_MAX = 80
DAYS_VALID = 365
"""How long a value holds where nobody says otherwise: the funds compute it anew each January."""


class BadQuotient(BadInput):
    """Its amount or its dates cannot be right."""

    slug = "bad-quotient"
    message = N_("Ce quotient familial n’est pas possible : un nombre d’euros entier, de 0 à 20 000, et des dates.")
    what_to_do = N_("Recopiez-le de l’attestation, avec sa date.")


async def record_quotient(
    db: AsyncSession,
    quotient_id: UUID,
    *,
    account_id: UUID,
    value_euros: int,
    source: QuotientSource,
    valid_from: date,
    valid_until: date | None = None,
    reference: str = "",
    recorded_by: UUID | None = None,
    now: datetime,
) -> FamilyQuotient:
    """Add a value beside those that are there; the same id again with the same value gives the first answer.

    `valid_until` (that day included) is a year after `valid_from` where it is not said. `reference` names the paper.

    Raises:
        UnknownFamilyAccount: no such account.
        BadQuotient: a negative or huge value, an end before its beginning, a beginning in more than a year.
        NirRefused: the reference looks like a social-security number.
        IdempotencyMismatch: this id came with something else.
    """
    await family_account_by_id(db, account_id)
    year_ahead = timedelta(days=DAYS_VALID)
    if valid_from > local_day(now) + year_ahead or valid_from.year < 2000 or not 0 <= value_euros <= EUROS_MAX:
        raise BadQuotient
    until = valid_until or valid_from + year_ahead
    if until < valid_from:
        raise BadQuotient
    if looks_like_nir(reference):
        raise NirRefused
    content = {
        "account_id": account_id,
        "value_euros": value_euros,
        "source": source,
        "valid_from": valid_from,
        "valid_until": until,
        "reference": reference[:REFERENCE_LENGTH_MAX],
    }
    told = {"recorded_at": now, "recorded_by": recorded_by}
    if await insert_once(db, FamilyQuotient.__table__, {"id": quotient_id, **told, **content}):
        note_change(db, now=now, accounts=[account_id])
    row = await db.get(FamilyQuotient, quotient_id)
    assert row is not None, "it was just inserted"
    if any(getattr(row, name) != value for name, value in content.items()):
        raise IdempotencyMismatch
    return row


async def last_quotient(db: AsyncSession, account_id: UUID, on: date) -> FamilyQuotient | None:
    """Return the quotient that a price of a day hangs on: the one in force, else the last that was."""
    known = await quotient_of(db, account_id, on)
    return known or next((each for each in await quotients_of(db, account_id) if each.valid_from <= on), None)


async def quotients_of(db: AsyncSession, account_id: UUID) -> list[FamilyQuotient]:
    """Return every value that was recorded for an account, the newest first."""
    rows = await db.scalars(
        select(FamilyQuotient)
        .where(FamilyQuotient.account_id == account_id)
        .order_by(FamilyQuotient.valid_from.desc(), FamilyQuotient.recorded_at.desc())
        .limit(100)
    )
    return list(rows)


async def quotients_on(db: AsyncSession, on: date, account_ids: Collection[UUID] | None = None) -> dict[UUID, Quotient]:
    """Return the quotient of each account on a day: the one in force, else the last that was; all accounts for None."""
    wanted = select(
        FamilyQuotient.account_id,
        FamilyQuotient.value_euros,
        FamilyQuotient.valid_from,
        FamilyQuotient.valid_until,
    ).where(FamilyQuotient.valid_from <= on)
    if account_ids is not None:
        wanted = wanted.where(FamilyQuotient.account_id.in_(account_ids))
    rows = await db.execute(wanted.order_by(FamilyQuotient.valid_from, FamilyQuotient.recorded_at))
    return best_quotients(rows, on)

"""Asking for quotients: one family at a counter or at a booth, or all that agreed, a round at a time.

The question is noted in one transaction and its answer in another; between them nothing is held. Whoever dies in
between asks again under the same id: reading a quotient twice changes nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID, uuid5

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import Clock, local_day
from cvq_core.database import Database
from cvq_core.journal import record
from cvq_core.journal.store import SYSTEM, Actor
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.once import insert_once
from cvq_core.particulier.client import Particulier
from cvq_core.particulier.rounds import answered_in, finish_refresh, start_refresh, tell_round
from cvq_core.particulier.rules import (
    NO_ANSWER_YET,
    AccordMissing,
    Answer,
    BadIdentity,
    Identity,
    NoParticulier,
    Outcome,
    RoundRunning,
    due_refresh,
)
from cvq_core.particulier.store import (
    NewAccord,
    agreeing_accounts,
    identity_of,
    identity_told,
    lock_account,
    note_accord,
    standing_accord,
)
from cvq_core.particulier.tables import QuotientAccord, QuotientInquiry, QuotientRefresh
from cvq_core.people.arrangements import kept_accounts
from cvq_core.people.store import quotient_of
from cvq_core.people.tables import FamilyQuotient
from cvq_core.tariffs.quotients import record_quotient

QUOTIENT_INQUIRIES: web.AppKey[QuotientInquiries] = web.AppKey("quotient_inquiries")
LOOK_EVERY_S = 3600.0
BETWEEN_S = 0.1
_ROUNDS = UUID("9a1b6d8e-52a7-5b0a-8f0a-3a1c4f5f2d70")


class FundsSilent(Exception):
    """Some families of a round have no answer yet: the job comes again later."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks about whom. `id` is made by who asks, and the same id again gives the answer that was had."""

    id: UUID
    account_id: UUID
    actor: Actor
    by: UUID | None = None
    visit_id: UUID | None = None
    consent_id: UUID | None = None
    refresh_id: UUID | None = None
    month: date | None = None


@dataclass(frozen=True, slots=True)
class Inquired:
    """What became of an inquiry, with the quotient that holds by it."""

    outcome: Outcome
    quotient: FamilyQuotient | None = None


class QuotientInquiries:
    """Asks API Particulier and keeps what it answers."""

    def __init__(
        self, database: Database, clock: Clock, client: Particulier | None, *, between_s: float = BETWEEN_S
    ) -> None:
        self._database = database
        self._clock = clock
        self._client = client
        self._between_s = between_s

    @property
    def offered(self) -> bool:
        """Whether this installation may ask at all."""
        return self._client is not None

    async def inquire(self, asked: Asked, *, once: NewAccord | None = None) -> Inquired:
        """Ask for the quotient of an account whose accord holds, or for which somebody agrees this `once`.

        Raises:
            NoParticulier: this installation has no access.
            AccordMissing, BadIdentity: nobody agreed, or what is needed of them is not known.
        NotTheirAccount, AccountClosed: whoever agrees this once cannot for this account.
            IdempotencyMismatch: this id was another account's.
        """
        if self._client is None:
            raise NoParticulier
        month = asked.month or local_day(self._clock()).replace(day=1)
        async with self._database.write() as db:
            opened = await self._open(db, asked, month, once)
        if isinstance(opened, Inquired):
            return opened
        said = await self._client.ask(opened, month)
        async with self._database.write() as db:
            return await self._close(db, asked, said, once=once is not None)

    async def _open(self, db: AsyncSession, asked: Asked, month: date, once: NewAccord | None) -> Identity | Inquired:
        """Note the question; return who is asked about, or the answer that was had before."""
        known = await db.get(QuotientInquiry, asked.id)
        if known is not None and known.account_id != asked.account_id:
            raise IdempotencyMismatch
        if known is not None and known.outcome is not None and known.outcome.is_final:
            return await _had(db, known)
        now = self._clock()
        identity: Identity | None
        if once is not None:
            accord = await note_accord(db, once, once=True, now=now)
            identity = await identity_told(db, once)
        else:
            standing = await standing_accord(db, asked.account_id, local_day(now))
            if standing is None:
                raise AccordMissing
            accord, identity = standing, await self._identity(db, standing, asked)
        row = {
            "id": asked.id,
            "account_id": asked.account_id,
            "person_id": accord.person_id,
            "accord_id": accord.id,
            "refresh_id": asked.refresh_id,
            "month": month,
            "asked_at": now,
            "asked_by": asked.by,
            "visit_id": asked.visit_id,
        }
        if await insert_once(db, QuotientInquiry.__table__, row):
            self._record(db, asked, "quotient-asked")
        if identity is None:
            return await self._end(db, asked, Outcome.BAD_IDENTITY, None)
        return identity

    async def _identity(self, db: AsyncSession, accord: QuotientAccord, asked: Asked) -> Identity | None:
        """Return who is asked about; of a round, None where something of them is not known: it is told in the end."""
        try:
            return await identity_of(db, accord.person_id)
        except BadIdentity:
            if asked.refresh_id is None:
                raise
            return None

    async def _close(self, db: AsyncSession, asked: Asked, said: Answer | Outcome, *, once: bool) -> Inquired:
        """Keep an answer, unless the family took its accord back while the funds were asked."""
        await lock_account(db, asked.account_id)
        row = (await db.scalars(select(QuotientInquiry).where(QuotientInquiry.id == asked.id).with_for_update())).one()
        if row.outcome is not None and row.outcome.is_final:
            return await _had(db, row)
        account_id = (await kept_accounts(db, [asked.account_id]))[asked.account_id]
        if not once and await standing_accord(db, account_id, local_day(self._clock())) is None:
            raise AccordMissing
        if isinstance(said, Outcome):
            return await self._end(db, asked, said, None)
        outcome, quotient = await self._keep(db, asked, account_id, said)
        return await self._end(db, asked, outcome, quotient)

    async def _end(self, db: AsyncSession, asked: Asked, outcome: Outcome, quotient: FamilyQuotient | None) -> Inquired:
        row = await db.get_one(QuotientInquiry, asked.id)
        row.outcome, row.answered_at = outcome, self._clock()
        row.quotient_id = quotient.id if quotient else None
        await db.flush()
        self._record(db, asked, f"quotient-{outcome.value}")
        if asked.refresh_id is not None:
            tell_round(db)
        return Inquired(outcome, quotient)

    async def _keep(
        self, db: AsyncSession, asked: Asked, account_id: UUID, answer: Answer
    ) -> tuple[Outcome, FamilyQuotient]:
        """Add the value beside those that are known, unless it is the very one that is."""
        now = self._clock()
        known = await quotient_of(db, account_id, local_day(now))
        same = (answer.value_euros, answer.source, answer.month)
        if known is not None and (known.value_euros, known.source, known.valid_from) == same:
            return Outcome.UNCHANGED, known
        added = await record_quotient(
            db,
            uuid5(asked.id, "quotient"),
            account_id=account_id,
            value_euros=answer.value_euros,
            source=answer.source,
            valid_from=answer.month,
            reference="API Particulier",
            recorded_by=asked.by,
            now=now,
        )
        return Outcome.FOUND, added

    def _record(self, db: AsyncSession, asked: Asked, action: str) -> None:
        record(
            db,
            now=self._clock(),
            actor=asked.actor,
            action=action,
            account_id=asked.account_id,
            subject=("account", asked.account_id),
            visit_id=asked.visit_id,
            consent_id=asked.consent_id,
        )

    async def start_due(self, rhythm: Literal["never", "yearly", "quarterly"]) -> None:
        """Start the round of this month where it is due and nobody has."""
        month = due_refresh(local_day(self._clock()), rhythm)
        if month is None or self._client is None:
            return
        refresh_id = uuid5(_ROUNDS, month.isoformat())
        async with self._database.write() as db:
            if await db.get(QuotientRefresh, refresh_id) is None:
                # While somebody's own round runs, this one waits for the next look.
                with suppress(RoundRunning):
                    await start_refresh(db, refresh_id, month=month, started_by=None, now=self._clock())

    async def refresh(self, payload: dict[str, Any]) -> None:
        """Ask about each family of a round that has no answer yet; what was answered is not asked again.

        Raises:
            FundsSilent: some have none; the job is tried again later.
        """
        refresh_id, silent = UUID(payload["refresh_id"]), 0
        async with self._database.read() as db:
            answered = await answered_in(db, refresh_id)
            accounts = await agreeing_accounts(db, local_day(self._clock()))
        for account_id in accounts:
            if account_id in answered:
                continue
            async with self._database.read() as db:
                refresh = await db.get(QuotientRefresh, refresh_id)
            if refresh is None or refresh.finished_at is not None:
                return  # somebody stopped it
            outcome = await self._ask_of_round(refresh, account_id)
            if outcome is Outcome.REFUSED:
                await self._finish(refresh_id, outcome)
                return
            silent += outcome in NO_ANSWER_YET
            await asyncio.sleep(self._between_s)
        if silent:
            raise FundsSilent(f"{silent} families have no answer yet")
        await self._finish(refresh_id, None)

    async def _ask_of_round(self, refresh: QuotientRefresh, account_id: UUID) -> Outcome | None:
        """Ask about one family of a round; None where it took its accord back since the round began."""
        asked_id = uuid5(refresh.id, account_id.hex)
        try:
            asked = Asked(asked_id, account_id, SYSTEM, refresh_id=refresh.id, month=refresh.month)
            return (await self.inquire(asked)).outcome
        except AccordMissing:
            return None

    async def give_up(self, payload: dict[str, Any]) -> None:
        """End a round whose last families the funds never answered for."""
        await self._finish(UUID(payload["refresh_id"]), Outcome.SILENT)

    async def _finish(self, refresh_id: UUID, stopped: Outcome | None) -> None:
        async with self._database.write() as db:
            await finish_refresh(db, refresh_id, stopped=stopped, now=self._clock())


async def _had(db: AsyncSession, row: QuotientInquiry) -> Inquired:
    assert row.outcome is not None, "it was answered"
    quotient = await db.get(FamilyQuotient, row.quotient_id) if row.quotient_id else None
    return Inquired(row.outcome, quotient)

"""Many transactions of the ledger at once: decided one after the other, written together.

For whoever moves money by the hundred (automatic top-ups, returns of a bank) or under load: a commit and a round trip
are shared by all, which makes each several times cheaper than `post` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.gatherer import Gatherer
from cvq_core.ledger.rules import NewTransaction, UnknownLedgerAccount, check_transaction, fingerprint
from cvq_core.ledger.sql import ledger_statements
from cvq_core.ledger.store import (
    Posted,
    Standing,
    ledger_rows,
    lock_accounts,
    post,
    recorded_at,
    write_standing,
)

BATCH_MAX = 500


async def post_all(
    db: AsyncSession, transactions: Sequence[NewTransaction], *, now: datetime
) -> list[Posted | Refusal]:
    """Write transactions as if each were posted alone, in their order; return the answer or the refusal of each.

    An id that somebody else writes at the very same moment is an IntegrityError, after which the caller's transaction
    begins again (`lost_a_race`) and gives the first answer. A reversal is posted alone, by `reverse`.

    Raises:
        UnknownLedgerAccount: a posting names no account; nothing at all is written.
    """
    assert len(transactions) <= BATCH_MAX, "asked to post too many at once"
    assert all(each.reverses_id is None for each in transactions), "reversals are posted alone"
    answers: list[Posted | Refusal | None] = [_refusal(each) for each in transactions]
    sound = [each for each, refused in zip(transactions, answers, strict=True) if refused is None]
    standing = await lock_accounts(db, sound)
    known = await _known(db, sound)
    rows: list[dict[str, object]] = []
    postings: list[dict[str, object]] = []
    alone: list[int] = []
    for index, transaction in enumerate(transactions):
        if answers[index] is not None:
            continue
        if transaction.id in known:
            alone.append(index)
            continue
        answers[index] = _decided(standing, transaction, now, rows, postings)
        if isinstance(answers[index], Posted):
            known.add(transaction.id)
    if rows:
        # By their ids, so that two batches with the same ones do not wait for each other.
        rows.sort(key=itemgetter("id"))
        await ledger_statements(db).insert_transactions.write(db, rows)
        await write_standing(db, standing, postings, now=now)
    for index in alone:
        answers[index] = await _again(db, transactions[index], now)
    return [answer for answer in answers if answer is not None]


class LedgerGatherer:
    """Posts what arrives at the same moment in one transaction of the database, and answers once it is durable."""

    def __init__(self, database: Database, clock: Clock, *, batch_max: int = 128) -> None:
        self._clock = clock
        self._gatherer: Gatherer[NewTransaction, Posted | Refusal] = Gatherer(
            database, self._decide, batch_max=batch_max
        )

    async def post(self, transaction: NewTransaction) -> Posted:
        """Post a transaction, with all the promises and refusals of `store.post`.

        Raises:
            Unavailable: too many wait already.
        """
        answer = await self._gatherer.ask(transaction)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def _decide(self, db: AsyncSession, batch: list[NewTransaction]) -> Sequence[Posted | Refusal]:
        return await post_all(db, batch, now=self._clock())


def _refusal(transaction: NewTransaction) -> Refusal | None:
    try:
        check_transaction(transaction)
    except Refusal as refusal:
        return refusal
    return None


async def _known(db: AsyncSession, transactions: Sequence[NewTransaction]) -> set[object]:
    ids = [each.id for each in transactions]
    return {row[0] for row in await ledger_statements(db).known.fetch(db, transactions=ids)}


def _decided(
    standing: Standing,
    transaction: NewTransaction,
    now: datetime,
    rows: list[dict[str, object]],
    postings: list[dict[str, object]],
) -> Posted | Refusal:
    """Move the standing and add the rows of one transaction, or return why not."""
    before = standing.balances_of(transaction)
    try:
        standing.move(transaction)
    except Refusal as refusal:
        return refusal
    row, legs = ledger_rows(transaction, before, now, fingerprint(transaction))
    rows.append(row)
    postings += legs
    return Posted(transaction.id, recorded_at(transaction, now), standing.balances_of(transaction), replayed=False)


async def _again(db: AsyncSession, transaction: NewTransaction, now: datetime) -> Posted | Refusal:
    try:
        return await post(db, transaction, now=now)
    except UnknownLedgerAccount:
        raise
    except Refusal as refusal:
        return refusal

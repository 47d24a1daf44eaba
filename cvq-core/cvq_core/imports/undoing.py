"""Taking an import back: whatever it made goes, as long as nothing was built on it; the rest is listed with why.

Money goes back by reversals, and a wallet that the ledger names stays with its account, closed. Everything else is
deleted: people whose data came by mistake have no business here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.access.tables import Entitlement
from cvq_core.cards.tables import Card
from cvq_core.clock import Clock, local_day
from cvq_core.database import Database
from cvq_core.imports import rules
from cvq_core.imports.deciding import forget_pairs
from cvq_core.imports.staging import batch_of, discard, locked_batch
from cvq_core.imports.tables import (
    BatchState,
    FamilyState,
    ImportBatch,
    ImportFamily,
    ImportFault,
    ImportPerson,
    OpeningBalance,
)
from cvq_core.imports.uses import Uses, references_of
from cvq_core.journal.store import Actor, record
from cvq_core.ledger.store import reverse
from cvq_core.ledger.tables import LedgerTransaction, Wallet
from cvq_core.people.tables import FamilyAccount, FamilyQuotient, Membership, Person, PersonWord
from cvq_core.services.rules import ServiceCode

FAMILIES_AT_ONCE = 50
LABEL = "Reprise du solde défaite"
EMPTIED_LABEL = "Import défait"


@dataclass(frozen=True, slots=True)
class Kept:
    """A family that could not be taken back, by its number in the old base, and why."""

    number: str
    why: tuple[str, ...]


@dataclass(slots=True)
class Undone:
    """What was taken back, and what was not."""

    families: int = 0
    persons: int = 0
    kept: list[Kept] = field(default_factory=list)


async def undo(database: Database, base: str, *, by: str, clock: Clock) -> Undone:
    """Take the latest import of a base back, some families at a time; run again, it goes on.

    Raises:
        UnknownImport
    """
    done, seen = Undone(), set[UUID]()
    async with database.write() as db:
        references = await references_of(db)
        batch = await locked_batch(db, (await batch_of(db, base)).id)
        if batch.state is BatchState.STAGED:
            await forget_pairs(db, batch.id)
            await discard(db, batch, clock())
        else:
            # Whoever applies or signs it off at the same moment stops here.
            batch.state = BatchState.UNDOING
    for step in (_take_back_some, _sweep):
        after: UUID | None = None
        while batch.state is BatchState.UNDOING:
            async with database.write() as db:
                await locked_batch(db, batch.id)
                portion = await _families(db, batch.id, after, step is _sweep)
                if portion:
                    await step(Undoing(db, Uses(db, references), batch, done, seen, by, clock()), portion)
                    note_change(db, now=clock(), everybody=True)
            if not portion:
                break
            after = portion[-1].id
    async with database.write() as db:
        await _finish(db, await locked_batch(db, batch.id), done, by=by, now=clock())
    return done


@dataclass(frozen=True, slots=True)
class Undoing:
    """One portion's transaction, and what was done so far; `seen` are families that were looked at."""

    db: AsyncSession
    uses: Uses
    batch: ImportBatch
    done: Undone
    seen: set[UUID]
    by: str
    now: datetime


async def _families(db: AsyncSession, batch_id: UUID, after: UUID | None, undone: bool) -> list[ImportFamily]:
    state = FamilyState.UNDONE if undone else FamilyState.APPLIED
    wanted = select(ImportFamily).where(ImportFamily.batch_id == batch_id, ImportFamily.state == state)
    if after is not None:
        wanted = wanted.where(ImportFamily.id > after)
    return list(await db.scalars(wanted.order_by(ImportFamily.id).limit(FAMILIES_AT_ONCE)))


async def _take_back_some(undoing: Undoing, families: Sequence[ImportFamily]) -> None:
    """Take some families back; all of a batch that share one account, or none of them."""
    db = undoing.db
    for family in families:
        if family.id in undoing.seen:
            continue
        group = list(
            await db.scalars(
                select(ImportFamily)
                .where(
                    ImportFamily.batch_id == family.batch_id,
                    ImportFamily.account_id == family.account_id,
                    ImportFamily.state == FamilyState.APPLIED,
                )
                .order_by(ImportFamily.id)
            )
        )
        undoing.seen.update(each.id for each in group)
        persons = {each.id: await _persons(db, each.id) for each in group}
        why: set[str] = set()
        for each in group:
            why |= await undoing.uses.why_not(each, persons[each.id])
        for each in group:
            if why:
                undoing.done.kept.append(Kept(each.number, tuple(sorted(why))))
            else:
                await _take_back(undoing, each, persons[each.id])


async def _persons(db: AsyncSession, family_id: UUID) -> list[ImportPerson]:
    rows = await db.scalars(
        select(ImportPerson).where(ImportPerson.family_id == family_id).order_by(ImportPerson.position)
    )
    return list(rows)


async def _take_back(undoing: Undoing, family: ImportFamily, persons: Sequence[ImportPerson]) -> None:
    """Take back what hangs on one family; its people and its account go with the sweep, once nobody needs them."""
    db = undoing.db
    await _reverse(db, family, undoing.now)
    rights = [rules.enrolment_id(row.id, service) for row in persons for service in ServiceCode]
    await db.execute(delete(Entitlement).where(Entitlement.id.in_(rights)))
    await db.execute(delete(FamilyQuotient).where(FamilyQuotient.id == rules.quotient_id(family.id)))
    await db.execute(delete(Card).where(Card.id.in_([rules.card_id(row.id) for row in persons])))
    await db.execute(delete(Membership).where(Membership.id.in_([rules.membership_id(row.id) for row in persons])))
    await db.execute(
        update(ImportPerson)
        .where(ImportPerson.family_id == family.id)
        .values(person_id=None, person_made=False, content=null())
    )
    await db.execute(
        update(ImportFamily).where(ImportFamily.id == family.id).values(state=FamilyState.UNDONE, content=null())
    )
    undoing.done.families += 1
    actor = Actor("system", None, undoing.by)
    record(db, now=undoing.now, actor=actor, action="account-import-undone", account_id=family.account_id)


async def _reverse(db: AsyncSession, family: ImportFamily, now: datetime) -> None:
    posted = await db.scalars(
        select(LedgerTransaction.id)
        .join(OpeningBalance, OpeningBalance.id == LedgerTransaction.id)
        .where(OpeningBalance.family_id == family.id)
        .order_by(LedgerTransaction.id)
    )
    for transaction_id in posted.all():
        await reverse(
            db,
            transaction_id,
            reversal_id=rules.undone_id(transaction_id),
            label=LABEL,
            actor_kind="system",
            actor_id=None,
            now=now,
        )
    # What was never signed off leaves no trace in the ledger, and none here.
    known = select(LedgerTransaction.id).where(LedgerTransaction.id == OpeningBalance.id)
    await db.execute(
        delete(OpeningBalance)
        .where(OpeningBalance.family_id == family.id, ~known.exists())
        .execution_options(synchronize_session=False)
    )


async def _sweep(undoing: Undoing, families: Sequence[ImportFamily]) -> None:
    """Delete people and accounts of families that were taken back, where nobody needs them any more."""
    db = undoing.db
    identities = set(
        await db.scalars(
            select(ImportPerson.identity).where(ImportPerson.family_id.in_([family.id for family in families]))
        )
    )
    held = set(await db.scalars(select(Membership.person_id).where(Membership.person_id.in_(identities))))
    held |= set(await db.scalars(select(Card.person_id).where(Card.person_id.in_(identities))))
    held |= {each for _, each in await undoing.uses.of("person", identities)}
    gone = identities - held
    await db.execute(delete(PersonWord).where(PersonWord.person_id.in_(gone)))
    deleted = await db.execute(delete(Person).where(Person.id.in_(gone)).returning(Person.id))
    undoing.done.persons += len(deleted.all())
    await _close_accounts(undoing, {rules.account_id_of(undoing.batch.base, family.number) for family in families})


async def _close_accounts(undoing: Undoing, accounts: set[UUID]) -> None:
    """Delete empty accounts; one that has wallets stays for the ledger's sake, closed and without a name."""
    db = undoing.db
    joined = set(await db.scalars(select(Membership.account_id).where(Membership.account_id.in_(accounts))))
    joined |= {each for _, each in await undoing.uses.of("family_account", accounts)}
    with_wallets = set(await db.scalars(select(Wallet.family_account_id).where(Wallet.family_account_id.in_(accounts))))
    values = {"closed_on": local_day(undoing.now), "label": EMPTIED_LABEL, "email": None}
    await db.execute(update(FamilyAccount).where(FamilyAccount.id.in_(with_wallets - joined)).values(values))
    await db.execute(delete(FamilyAccount).where(FamilyAccount.id.in_(accounts - joined - with_wallets)))


async def _finish(db: AsyncSession, batch: ImportBatch, done: Undone, *, by: str, now: datetime) -> None:
    """Close the batch; with families that had to stay, it goes on as one that was applied."""
    if batch.state is BatchState.UNDOING:
        await forget_pairs(db, batch.id)
        await _empty(db, batch.id, every=not done.kept)
        batch.state = BatchState.APPLIED if done.kept else BatchState.UNDONE
        batch.undone_at = None if done.kept else now
        batch.wiped_at = batch.wiped_at if done.kept else now
    record(
        db,
        now=now,
        actor=Actor("system", None, by),
        action="import-undone",
        subject=("import", batch.id),
        personal={"base": batch.base, "families": done.families, "kept": len(done.kept)},
    )


async def _empty(db: AsyncSession, batch_id: UUID, *, every: bool) -> None:
    """Throw away what is left of a batch: families that were refused, known already, or never taken over."""
    mine = [ImportFamily.batch_id == batch_id]
    if not every:
        mine.append(ImportFamily.state != FamilyState.APPLIED)
    families = select(ImportFamily.id).where(*mine)
    await db.execute(update(ImportPerson).where(ImportPerson.family_id.in_(families)).values(content=null()))
    await db.execute(delete(ImportFault).where(ImportFault.batch_id == batch_id))
    await db.execute(update(ImportFamily).where(*mine).values(state=FamilyState.UNDONE, content=null()))

"""Two accounts that are one household's: what would move, and the merger (`undoing`, `forwards` for what comes after).

Locks are taken in this order: the accounts by id, their wallets by id, then what `cvq_core.ledger.store` locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.families.carried import Carried, carry, what_follows
from cvq_core.families.departures import end_memberships
from cvq_core.families.merged_money import (
    actor_of,
    handed_over,
    in_words,
    lock_accounts,
    post_moves,
    services_owing,
    stuck_moves,
    two_accounts,
    wallets_standing,
)
from cvq_core.families.rules import (
    NO_HOUSEHOLD,
    TWO_HOUSEHOLDS,
    Held,
    MemberMove,
    MergePrevented,
    SameAccount,
    UnknownMerge,
    WalletMove,
    Why,
    member_moves,
    wallet_moves,
)
from cvq_core.families.tables import AccountMerge, AccountMergeUndo
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.legal_entities.tables import LegalEntity
from cvq_core.people.arrangements import arrangements_of
from cvq_core.people.custody import in_force as arrangement_in_force
from cvq_core.people.names import spoken_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import AccountClosed, in_force
from cvq_core.people.tables import FamilyAccount, Membership, Person

LABEL = "Réunion de deux comptes famille"


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merger would move from `merged` to `kept`; `prevented` says what stands against it.

    Cards belong to people and follow them. `carried` is what follows besides money and people.
    """

    merged: FamilyAccount
    kept: FamilyAccount
    wallets: tuple[WalletMove, ...]
    members: tuple[MemberMove, ...]
    cards: int
    carried: Carried
    prevented: tuple[Why, ...]


async def plan_merge(db: AsyncSession, *, merged_id: UUID, kept_id: UUID, on: date) -> MergePlan:
    """Return what a merger would move, and change nothing.

    Raises:
        SameAccount, UnknownFamilyAccount, AccountClosed
    """
    if merged_id == kept_id:
        raise SameAccount
    merged, kept = await two_accounts(db, merged_id, kept_id)
    for account in (merged, kept):
        if account.closed_on is not None:
            raise AccountClosed(number=account.number)
    standings = await wallets_standing(db, (merged_id, kept_id))
    moves, stuck = wallet_moves(
        standings[merged_id],
        {wallet.service: wallet.level for wallet in standings[kept_id]},
        await services_owing(db, on),
    )
    members = member_moves(await _held(db, merged_id, on), await _held(db, kept_id, on))
    people = {member.person_id for member in members}
    return MergePlan(
        merged=merged,
        kept=kept,
        wallets=tuple(moves),
        members=tuple(members),
        cards=int(await db.scalar(select(func.count()).select_from(Card).where(Card.person_id.in_(people))) or 0),
        carried=await what_follows(db, merged, kept, on),
        prevented=(
            *await _no_households(db, (merged, kept)),
            *await _two_households(db, merged_id, kept_id, on),
            *stuck_moves(stuck),
            *await handed_over(db, {move.from_id: move.service for move in moves if move.amount_cents < 0}),
        ),
    )


async def _no_households(db: AsyncSession, accounts: Sequence[FamilyAccount]) -> list[Why]:
    """Return which of the accounts are a company's or an association's: its number is its own, and so are its cards."""
    bodies = await db.scalars(
        select(LegalEntity.account_id).where(LegalEntity.account_id.in_([account.id for account in accounts]))
    )
    found = set(bodies)
    return [Why(NO_HOUSEHOLD, {"number": account.number}) for account in accounts if account.id in found]


async def merge_accounts(
    db: AsyncSession,
    merge_id: UUID,
    *,
    merged_id: UUID,
    kept_id: UUID,
    reason: str,
    by: UUID | None,
    now: datetime,
    language: str = "fr",
) -> AccountMerge:
    """Let one account go on for both; the same id asked again gives the first record. A refusal is in `language`.

    Raises:
        SameAccount, UnknownFamilyAccount, AccountClosed
        MergePrevented: see `plan_merge`.
        IdempotencyMismatch: this id came before for other accounts.
    """
    await lock_accounts(db, (merged_id, kept_id))
    first = await db.get(AccountMerge, merge_id)
    if first is not None:
        if (first.merged_id, first.kept_id) != (merged_id, kept_id):
            raise IdempotencyMismatch
        return first
    today = local_day(now)
    plan = await plan_merge(db, merged_id=merged_id, kept_id=kept_id, on=today)
    if plan.prevented:
        raise MergePrevented(why=in_words(plan.prevented, language))
    wallets = await post_moves(db, merge_id, kept_id, plan.wallets, label=LABEL, by=by, now=now)
    added = await _move_members(db, plan, today)
    followed = await carry(db, plan.carried, plan.merged, plan.kept, actor=actor_of(by), now=now)
    plan.merged.closed_on, plan.merged.merged_into_id = today, kept_id
    record = AccountMerge(
        id=merge_id,
        merged_id=merged_id,
        kept_id=kept_id,
        reason=reason,
        moved={
            "wallets": wallets,
            "ended": await end_memberships(db, [member.membership_id for member in plan.members], today),
            "added": [str(each) for each in added],
            **followed,
        },
        merged_at=now,
        merged_by=by,
    )
    db.add(record)
    await db.flush()
    note_change(db, now=now, persons=[member.person_id for member in plan.members], accounts=[merged_id, kept_id])
    return record


async def merge_by_id(db: AsyncSession, merge_id: UUID) -> AccountMerge:
    """Return one merger.

    Raises:
        UnknownMerge
    """
    merge = await db.get(AccountMerge, merge_id)
    if merge is None:
        raise UnknownMerge
    return merge


async def merges_of(db: AsyncSession, account_id: UUID) -> list[tuple[AccountMerge, AccountMergeUndo | None]]:
    """Return the mergers in which an account took part, the latest first, with their undoing."""
    rows = await db.execute(
        select(AccountMerge, AccountMergeUndo)
        .outerjoin(AccountMergeUndo, AccountMergeUndo.merge_id == AccountMerge.id)
        .where(or_(AccountMerge.merged_id == account_id, AccountMerge.kept_id == account_id))
        .order_by(AccountMerge.merged_at.desc())
        .limit(100)
    )
    return [(merge, undo) for merge, undo in rows]


async def _two_households(db: AsyncSession, merged_id: UUID, kept_id: UUID, on: date) -> list[Why]:
    """Return the children whose days are shared between two accounts, today or from a day to come."""
    pair = {merged_id, kept_id}
    children = await db.execute(
        select(Person.id, Person.family_name, Person.usual_name, Person.given_names)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.account_id.in_(pair), Membership.role == FamilyRole.CHILD, in_force(on))
        .distinct()
    )
    names = {child_id: spoken_name(family, usual, given) for child_id, family, usual, given in children}
    found = []
    for child_id, arranged in (await arrangements_of(db, names)).items():
        days = {on, *(each.valid_from for each in arranged if each.valid_from > on)}
        standing = [arrangement_in_force(arranged, day) for day in days]
        if any(each is not None and pair <= {part.account_id for part in each.parts} for each in standing):
            found.append(Why(TWO_HOUSEHOLDS, {"child": names[child_id]}))
    return found


async def _held(db: AsyncSession, account_id: UUID, on: date) -> list[Held]:
    rows = await db.scalars(
        select(Membership).where(Membership.account_id == account_id, in_force(on)).order_by(Membership.id)
    )
    return [Held(row.id, row.person_id, row.role, row.share_percent) for row in rows]


async def _move_members(db: AsyncSession, plan: MergePlan, today: date) -> list[UUID]:
    added = []
    for member in plan.members:
        if member.already:
            continue
        row = Membership(
            id=new_id(),
            account_id=plan.kept.id,
            person_id=member.person_id,
            role=member.role,
            valid_from=today,
            share_percent=member.share_percent,
        )
        db.add(row)
        added.append(row.id)
    await db.flush()
    return added

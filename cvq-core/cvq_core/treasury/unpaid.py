"""Handing unpaid debts over to the comptable, each once, and saying what became of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import local_day
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.offices.remittance_rules import check_reason
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CashOffice
from cvq_core.once import insert_once
from cvq_core.people.names import listed_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force
from cvq_core.people.tables import Commune, Membership, Person
from cvq_core.text import money
from cvq_core.treasury.accounts import check_officer, title_of
from cvq_core.treasury.debts import cancelled_of, debts_of, families_of, handed_of, locked_debts
from cvq_core.treasury.unpaid_rules import (
    ClaimRule,
    Debt,
    FamilyDebts,
    Gathered,
    NoClaimRule,
    NothingToHandOver,
    StateWithdrawn,
    UnknownState,
    UnpaidChanged,
    check_rule,
    gathered,
    state_number,
)
from cvq_core.treasury.unpaid_tables import ClaimSetting, UnpaidItem, UnpaidSeries, UnpaidState

ITEMS_MAX = 10_000
STATES_MAX = 100


@dataclass(frozen=True, slots=True)
class StateLine:
    """A list with the id of the one that withdraws it, if any."""

    state: UnpaidState
    withdrawn_by_id: UUID | None

    @property
    def stands(self) -> bool:
        """Whether the comptable has its debts."""
        return self.state.withdraws_id is None and self.withdrawn_by_id is None


@dataclass(frozen=True, slots=True)
class ItemNow:
    """A debt on a list, and what became of it in cents: paid since, cancelled since, still owed."""

    printed: Mapping[str, Any]
    amount_cents: int
    paid_cents: int
    cancelled_cents: int
    left_cents: int


async def set_rule(
    db: AsyncSession,
    setting_id: UUID,
    *,
    office_id: UUID,
    rule: ClaimRule,
    valid_from: date,
    officer: Officer,
    now: datetime,
) -> ClaimSetting:
    """Say from which sum on debts are claimed, from a day on; the same id asked again gives the same setting.

    Raises:
        NotTreasuryOfficer, BadClaimRule
        IdempotencyMismatch: this id came before with another content.
    """
    await check_officer(db, office_id, officer.staff_id, local_day(now))
    check_rule(rule, valid_from, local_day(now))
    row = {
        "id": setting_id,
        "office_id": office_id,
        "valid_from": valid_from,
        "threshold_cents": rule.threshold_cents,
        "grace_days": rule.grace_days,
        "source": rule.source.strip(),
        "recorded_at": now,
        "staff_id": officer.staff_id,
    }
    await insert_once(db, ClaimSetting.__table__, row)
    made = await db.get_one(ClaimSetting, setting_id)
    if (made.office_id, made.valid_from, made.threshold_cents, made.grace_days, made.source) != (
        office_id,
        valid_from,
        rule.threshold_cents,
        rule.grace_days,
        rule.source.strip(),
    ):
        raise IdempotencyMismatch
    return made


async def rule_of(db: AsyncSession, office_id: UUID, on: date) -> ClaimRule | None:
    """Return from which sum on an office's debts are claimed on a day; None where nobody has said it."""
    found = await db.scalar(
        select(ClaimSetting)
        .where(ClaimSetting.office_id == office_id, ClaimSetting.valid_from <= on)
        .order_by(ClaimSetting.valid_from.desc(), ClaimSetting.recorded_at.desc(), ClaimSetting.id.desc())
        .limit(1)
    )
    return ClaimRule(found.threshold_cents, found.grace_days, found.source) if found else None


async def unpaid_of(db: AsyncSession, office_id: UUID, on: date) -> list[FamilyDebts]:
    """Return the families that owe an office something at the end of a day, those that have owed longest first."""
    debts = await debts_of(db, office_id, on)
    families = await families_of(db, {debt.family_id for debt in debts})
    return gathered(families, debts, await rule_of(db, office_id, on), on)


async def hand_over(
    db: AsyncSession,
    *,
    key: UUID,
    office_id: UUID,
    kept: Collection[UUID],
    total_cents: int,
    officer: Officer,
    now: datetime,
) -> UnpaidState:
    """Hand over what may be claimed today, but for the families that are `kept`; `key` again gives the same list.

    `total_cents` is what was shown in all, with those that are kept: what changed since is not handed over unseen.

    Raises:
        NotTreasuryOfficer, NoClaimRule, NothingToHandOver, UnpaidChanged
        IdempotencyMismatch: this key came before with another content.
    """
    today = local_day(now)
    series = await _locked_series(db, office_id, officer, now)
    first = await db.get(UnpaidState, key)
    if first is not None:
        known = (first.office_id, first.staff_id, first.printed["shown_cents"], first.printed["kept"])
        if known != (office_id, officer.staff_id, total_cents, sorted(str(each) for each in set(kept))):
            raise IdempotencyMismatch
        return first
    rule = await rule_of(db, office_id, today)
    if rule is None:
        raise NoClaimRule
    last_postings = await locked_debts(db, await debts_of(db, office_id, today))
    # Somebody may have paid meanwhile: what is owed is read again under the locks.
    claimable = [each for each in await unpaid_of(db, office_id, today) if each.state is Gathered.CLAIMABLE]
    shown = sum(each.claimable_cents for each in claimable)
    if claimable and shown != total_cents:
        raise UnpaidChanged(total=money(shown))
    families = [each for each in claimable if each.family.id not in kept]
    if not families:
        raise NothingToHandOver
    total = sum(each.claimable_cents for each in families)
    debts = [
        (each, debt) for each in families for debt in each.debts if debt.open_cents > 0 and debt.is_ripe(rule, today)
    ]
    if len(debts) > ITEMS_MAX or any(debt.id not in last_postings for _, debt in debts):
        raise UnpaidChanged(total=money(total))
    office = await db.get_one(CashOffice, office_id)
    payers = await _payers(db, [each.family.id for each in families], today)
    series.last_number += 1
    made = UnpaidState(
        id=key,
        office_id=office_id,
        number=series.last_number,
        staff_id=officer.staff_id,
        made_at=now,
        families=len(families),
        total_cents=total,
        printed={
            "series": office.code,
            "office": office.label,
            "founding_act": office.founding_act,
            "address": office.address,
            "phone": office.phone,
            "handed_by": officer.name,
            "title": await title_of(db, office_id, officer, today),
            "threshold_cents": rule.threshold_cents,
            "grace_days": rule.grace_days,
            "source": rule.source,
            "shown_cents": shown,
            "kept": sorted(str(each) for each in set(kept)),
            "items": [_printed(each, debt, payers.get(each.family.id, ())) for each, debt in debts],
        },
    )
    db.add(made)
    await db.flush()
    db.add_all(
        UnpaidItem(
            state_id=key,
            account_id=debt.id,
            position=position,
            family_account_id=debt.family_id,
            kind=debt.kind,
            since=debt.since,
            amount_cents=debt.open_cents,
            owed_cents=debt.owed_cents,
            posting_id=last_postings[debt.id],
        )
        for position, (_, debt) in enumerate(debts)
    )
    await db.flush()
    return made


async def withdraw(
    db: AsyncSession, *, key: UUID, state_id: UUID, reason: str, officer: Officer, now: datetime
) -> UnpaidState:
    """Withdraw a list by one of its own: its debts are to be handed over anew. `key` asked again gives it.

    Raises:
        UnknownState, NotTreasuryOfficer, ReasonMissing, StateWithdrawn
        IdempotencyMismatch: this key came before with another content.
    """
    plain = check_reason(reason)
    known = await db.get(UnpaidState, state_id)
    if known is None:
        raise UnknownState
    series = await _locked_series(db, known.office_id, officer, now)
    first = await db.get(UnpaidState, key)
    if first is not None:
        if (first.withdraws_id, first.staff_id) != (state_id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    if not (await state_line(db, state_id)).stands:
        raise StateWithdrawn
    series.last_number += 1
    made = UnpaidState(
        id=key,
        office_id=known.office_id,
        number=series.last_number,
        staff_id=officer.staff_id,
        withdraws_id=state_id,
        made_at=now,
        families=known.families,
        total_cents=-known.total_cents,
        printed=known.printed | {"handed_by": officer.name, "withdraws": number_of(known), "reason": plain},
    )
    db.add(made)
    await db.flush()
    return made


async def state_line(db: AsyncSession, state_id: UUID) -> StateLine:
    """Return a list with what became of it.

    Raises:
        UnknownState: there is none.
    """
    found = await _lines(db, UnpaidState.id == state_id)
    if not found:
        raise UnknownState
    return found[0]


async def states_of(db: AsyncSession, office_id: UUID, *, limit: int = 20) -> list[StateLine]:
    """Return an office's latest lists, the newest first."""
    return await _lines(db, UnpaidState.office_id == office_id, limit=limit)


async def items_of(db: AsyncSession, line: StateLine) -> list[ItemNow]:
    """Return the debts of a list in their order, each with what became of it; of one that does not stand, nothing."""
    state = line.state
    printed = state.printed["items"]
    if not line.stands:
        return [ItemNow(each, each["amount_cents"], 0, 0, each["amount_cents"]) for each in printed]
    items = list(
        await db.scalars(select(UnpaidItem).where(UnpaidItem.state_id == state.id).order_by(UnpaidItem.position))
    )
    left = {
        (account_id, state_id): cents
        for account_id, mine in (await handed_of(db, [item.account_id for item in items])).items()
        for state_id, cents in mine
    }
    reversed_since = await cancelled_of(db, state.id)
    found = []
    for item, words in zip(items, printed, strict=True):
        still = left[item.account_id, state.id]
        gone = item.amount_cents - still
        cancelled = min(gone, reversed_since.get(item.account_id, 0))
        found.append(ItemNow(words, item.amount_cents, gone - cancelled, cancelled, still))
    return found


def number_of(state: UnpaidState) -> str:
    """Return a list's number as it is printed."""
    return state_number(state.printed["series"], state.number)


async def _locked_series(db: AsyncSession, office_id: UUID, officer: Officer, now: datetime) -> UnpaidSeries:
    await check_officer(db, office_id, officer.staff_id, local_day(now))
    await insert_once(db, UnpaidSeries.__table__, {"office_id": office_id, "last_number": 0})
    series = await db.scalar(
        select(UnpaidSeries)
        .where(UnpaidSeries.office_id == office_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert series is not None, "it was just inserted"
    return series


async def _lines(db: AsyncSession, *wanted: ColumnElement[bool], limit: int = STATES_MAX) -> list[StateLine]:
    withdrawal = aliased(UnpaidState)
    rows = await db.execute(
        select(UnpaidState, withdrawal.id)
        .outerjoin(withdrawal, withdrawal.withdraws_id == UnpaidState.id)
        .where(*wanted)
        .order_by(UnpaidState.number.desc())
        .limit(min(limit, STATES_MAX))
    )
    return [StateLine(*row) for row in rows]


async def _payers(db: AsyncSession, family_ids: Sequence[UUID], on: date) -> dict[UUID, list[tuple[str, str]]]:
    """Return who pays for each family, with where they live: its payers, or else its guardians."""
    roles: dict[UUID, dict[FamilyRole, list[tuple[str, str]]]] = {}
    for at in range(0, len(family_ids), 1000):
        rows = await db.execute(
            select(Membership.account_id, Membership.role, Person, Commune.name)
            .join(Person, Person.id == Membership.person_id)
            .outerjoin(Commune, Commune.insee == Person.commune_insee)
            .where(
                Membership.account_id.in_(family_ids[at : at + 1000]),
                Membership.role.in_((FamilyRole.PAYER, FamilyRole.GUARDIAN)),
                Person.deceased_on.is_(None),
                in_force(on),
            )
            .order_by(Person.search_key)
        )
        for family_id, role, person, commune in rows:
            name = listed_name(person.family_name, person.usual_name, person.given_names)
            town = " ".join(part for part in (person.postcode, commune) if part)
            address = ", ".join(part for part in ((person.address or "").replace("\n", ", "), town) if part)
            roles.setdefault(family_id, {}).setdefault(role, []).append((name, address))
    return {each: held.get(FamilyRole.PAYER) or held.get(FamilyRole.GUARDIAN, []) for each, held in roles.items()}


def _printed(each: FamilyDebts, debt: Debt, payers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "account": each.family.number,
        "family": each.family.label,
        "payers": ", ".join(dict.fromkeys(name for name, _ in payers)),
        "address": " ; ".join(dict.fromkeys(address for _, address in payers if address)),
        "kind": debt.kind.value,
        "label": debt.label,
        "since": debt.since.isoformat(),
        "amount_cents": debt.open_cents,
    }

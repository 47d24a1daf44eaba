"""What the waste centre takes, who may bring it, and what was brought."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Right, RightKind
from cvq_core.access.rules import holds
from cvq_core.access.tables import Entitlement
from cvq_core.clock import local_day
from cvq_core.legal_entities.tables import LegalEntity
from cvq_core.people.arrangements import accounts_within, kept_accounts
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force
from cvq_core.people.tables import FamilyAccount, Membership
from cvq_core.services.rules import ServiceCode
from cvq_core.waste.rules import BadDeposit, Category, Standing
from cvq_core.waste.tables import WasteBilled, WasteCategory, WasteDeposit, WasteLoad, WasteQuota

_CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
_SPENDING = (FamilyRole.GUARDIAN, FamilyRole.CHILD, FamilyRole.PAYER, FamilyRole.HOLDER)
_STANDINGS = {RightKind.HOUSEHOLD: Standing.HOUSEHOLD, RightKind.PROFESSIONAL: Standing.PROFESSIONAL}
CATEGORIES_MAX = 100
LISTED_MAX = 500


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit with its loads in their order."""

    row: WasteDeposit
    loads: tuple[WasteLoad, ...]


async def set_category(
    db: AsyncSession, code: str, *, label: str, price_code: str | None, position: int, taken: bool = True
) -> WasteCategory:
    """Say what is taken, under which tariff item professionals pay for it (None: nobody pays), or that it is no more.

    Raises:
        BadDeposit: the code or the label cannot be right.
    """
    if not _CODE.fullmatch(code) or not 2 <= len(label.strip()) <= 60:
        raise BadDeposit
    row = await db.get(WasteCategory, code)
    if row is None:
        row = WasteCategory(code=code)
        db.add(row)
    row.label, row.price_code, row.position, row.taken = label.strip(), price_code, position, taken
    await db.flush()
    return row


async def categories(db: AsyncSession, *, brought: Collection[str] = ()) -> dict[str, Category]:
    """Return what is taken, in the order in which the tablet shows it, and what was `brought` and is taken no more."""
    rows = await db.scalars(
        select(WasteCategory)
        .where(or_(WasteCategory.taken.is_(True), WasteCategory.code.in_(brought)))
        .order_by(WasteCategory.position, WasteCategory.code)
        .limit(CATEGORIES_MAX)
    )
    return {row.code: Category(row.code, row.label, row.price_code) for row in rows}


async def set_quota(
    db: AsyncSession, quota_id: UUID, *, valid_from: date, visits_a_year: int | None, by: UUID | None, now: datetime
) -> None:
    """Say how often a household may come from a day on; the same id again is once.

    Raises:
        BadDeposit: not above zero.
    """
    if visits_a_year is not None and not 0 < visits_a_year <= 1000:
        raise BadDeposit
    if await db.get(WasteQuota, quota_id) is None:
        db.add(
            WasteQuota(id=quota_id, valid_from=valid_from, visits_a_year=visits_a_year, recorded_at=now, recorded_by=by)
        )
        await db.flush()


async def quota_on(db: AsyncSession, day: date) -> int | None:
    """Return how often a household may come in the year of a day; None is without limit."""
    found = await db.execute(
        select(WasteQuota.visits_a_year)
        .where(WasteQuota.valid_from <= day)
        .order_by(WasteQuota.valid_from.desc(), WasteQuota.recorded_at.desc(), WasteQuota.id.desc())
        .limit(1)
    )
    row = found.first()
    return row[0] if row is not None else None


async def standings(db: AsyncSession, person_id: UUID, at: datetime) -> dict[Standing, list[UUID]]:
    """Return as whom a person may bring something at an instant, each with the accounts that come or may pay."""
    return (await standings_of(db, [person_id], at)).get(person_id, {})


async def standings_of(
    db: AsyncSession, people: Collection[UUID], at: datetime, roles: Collection[FamilyRole] = _SPENDING
) -> dict[UUID, dict[Standing, list[UUID]]]:
    """Return as whom some people may bring something at an instant, each with the accounts that come or may pay.

    A professional's right may be a company's, or the person's own: then their household pays, or whom the right names;
    never a company whose card they happen to carry. The account whose right is the oldest stands in front.
    `roles` are those in which somebody comes for an account. Whoever may not come is absent.
    """
    accounts = await _accounts(db, people, local_day(at), roles)
    every = {account_id for found in accounts.values() for account_id in found}
    rows = await db.scalars(
        select(Entitlement)
        .where(
            Entitlement.service_code == ServiceCode.WASTE_CENTRE,
            or_(Entitlement.person_id.in_(people), Entitlement.account_id.in_(every)),
        )
        .order_by(Entitlement.valid_from, Entitlement.id)
    )
    of_person: dict[UUID, list[Entitlement]] = defaultdict(list)
    of_account: dict[UUID, list[Entitlement]] = defaultdict(list)
    for row in rows:
        right = Right(id=row.id, kind=row.kind, valid_from=row.valid_from, valid_until=row.valid_until)
        if row.kind not in _STANDINGS or not holds(right, at, at_any_hour=True):
            continue
        if row.person_id is not None:
            of_person[row.person_id].append(row)
        elif row.account_id is not None:
            of_account[row.account_id].append(row)
    bodies = set(await db.scalars(select(LegalEntity.account_id).where(LegalEntity.account_id.in_(every))))
    found: dict[UUID, dict[Standing, list[UUID]]] = {}
    for person_id in people:
        own = accounts.get(person_id, [])
        household = next((account_id for account_id in own if account_id not in bodies), None)
        rights = [*of_person[person_id], *(row for account_id in own for row in of_account[account_id])]
        for row in sorted(rights, key=lambda each: (each.valid_from, each.id)):
            payer = row.account_id or row.payer_account_id or household
            payers = found.setdefault(person_id, {}).setdefault(_STANDINGS[row.kind], []) if payer is not None else []
            if payer is not None and payer not in payers:
                payers.append(payer)
    return found


async def visits_made(db: AsyncSession, account_id: UUID, year: int) -> int:
    """Return how often a household has come in a year, holding its account until the transaction ends.

    What was brought under an account that was merged into it counts: it is the same household.
    """
    await db.execute(select(FamilyAccount.id).where(FamilyAccount.id == account_id).with_for_update())
    made = await db.scalar(
        select(func.count())
        .select_from(WasteDeposit)
        .where(
            WasteDeposit.account_id.in_(await accounts_within(db, account_id)),
            WasteDeposit.year == year,
            WasteDeposit.standing == Standing.HOUSEHOLD,
        )
    )
    return int(made or 0)


async def deposits_by_id(db: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Deposit]:
    """Return deposits with their loads."""
    # The deposits first: one that a rival commits in between would else be found without its loads.
    rows = list(await db.scalars(select(WasteDeposit).where(WasteDeposit.id.in_(ids))))
    loads: dict[UUID, list[WasteLoad]] = defaultdict(list)
    for load in await db.scalars(
        select(WasteLoad).where(WasteLoad.deposit_id.in_(ids)).order_by(WasteLoad.deposit_id, WasteLoad.position)
    ):
        loads[load.deposit_id].append(load)
    return {row.id: Deposit(row, tuple(loads[row.id])) for row in rows}


async def overruns(db: AsyncSession, first: date) -> Sequence[WasteDeposit]:
    """Return the visits beyond a quota since a day, the latest first."""
    rows = await db.scalars(
        select(WasteDeposit)
        .where(WasteDeposit.overrun.is_(True), WasteDeposit.year >= first.year)
        .order_by(WasteDeposit.occurred_at.desc(), WasteDeposit.id)
        .limit(LISTED_MAX)
    )
    return [row for row in rows if local_day(row.occurred_at) >= first]


async def unbilled(db: AsyncSession, account_id: UUID, until: date) -> list[Deposit]:
    """Return what an account has to be billed for, with those merged into it, up to a day, the oldest first."""
    billed = select(WasteBilled.deposit_id)
    ids = await db.scalars(
        select(WasteDeposit.id)
        .where(
            WasteDeposit.account_id.in_(await accounts_within(db, account_id)),
            WasteDeposit.amount_cents > 0,
            WasteDeposit.transaction_id.is_(None),
            WasteDeposit.id.not_in(billed),
        )
        .order_by(WasteDeposit.occurred_at, WasteDeposit.id)
        .limit(LISTED_MAX)
    )
    found = await deposits_by_id(db, list(ids))
    due = [each for each in found.values() if local_day(each.row.occurred_at) <= until]
    return sorted(due, key=lambda each: (each.row.occurred_at, each.row.id))


async def accounts_to_bill(db: AsyncSession) -> list[UUID]:
    """Return whose deposits are not billed yet; of merged accounts, the one that goes on."""
    rows = await db.scalars(
        select(WasteDeposit.account_id)
        .where(
            WasteDeposit.amount_cents > 0,
            WasteDeposit.transaction_id.is_(None),
            WasteDeposit.id.not_in(select(WasteBilled.deposit_id)),
        )
        .distinct()
    )
    return sorted(set((await kept_accounts(db, rows)).values()))


async def _accounts(
    db: AsyncSession, people: Collection[UUID], on: date, roles: Collection[FamilyRole]
) -> dict[UUID, list[UUID]]:
    """Return the accounts for which each of some people comes, the one joined first in front."""
    rows = await db.execute(
        select(Membership.person_id, Membership.account_id)
        .join(FamilyAccount, FamilyAccount.id == Membership.account_id)
        .where(
            Membership.person_id.in_(people),
            Membership.role.in_(roles),
            in_force(on),
            or_(FamilyAccount.closed_on.is_(None), FamilyAccount.closed_on > on),
        )
        .order_by(Membership.valid_from, Membership.account_id)
    )
    found: dict[UUID, list[UUID]] = {}
    for person_id, account_id in rows:
        own = found.setdefault(person_id, [])
        if account_id not in own:
            own.append(account_id)
    return found

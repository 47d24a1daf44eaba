"""Opening balances: what families brought along for each service, shown in no wallet until a cash officer signs it off.

Locks are taken in this order: the batch, then the wallets by id, as the ledger does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.imports.rules import (
    EXPLANATION_LENGTH_MIN,
    AlreadySigned,
    DifferenceUnexplained,
    FamiliesWait,
    NothingToSign,
    NotThisOffice,
    OpeningsMoved,
)
from cvq_core.imports.staging import locked_batch
from cvq_core.imports.tables import (
    BatchState,
    FamilyState,
    ImportBatch,
    ImportFamily,
    OpeningBalance,
    OpeningSignOff,
)
from cvq_core.ledger.batch import BATCH_MAX, post_all
from cvq_core.ledger.rules import (
    AccountKind,
    IdempotencyMismatch,
    NewPosting,
    NewTransaction,
    TransactionKind,
    floor_for,
)
from cvq_core.ledger.tables import LedgerAccount, Wallet
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CollectableService, SubOffice
from cvq_core.once import insert_once
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode, may_owe
from cvq_core.services.store import policy_in_force
from cvq_core.text import money

LABEL = "Reprise du solde"
IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Totals:
    """What families bring along in all: credits and debts apart, both as amounts above zero."""

    families: int = 0
    credit_cents: int = 0
    debt_cents: int = 0

    @property
    def net_cents(self) -> int:
        """Credits less debts."""
        return self.credit_cents - self.debt_cents

    def plus(self, other: Totals) -> Totals:
        """Return both together."""
        return Totals(
            self.families + other.families,
            self.credit_cents + other.credit_cents,
            self.debt_cents + other.debt_cents,
        )


@dataclass(frozen=True, slots=True)
class ServiceOpening:
    """One service of an import: what would be taken over, and the sign-off.

    `waiting` is what families bring along that are not taken over yet, `left_out` what the refused ones had.
    """

    service: ServiceCode
    totals: Totals
    waiting: Totals
    left_out: Totals
    signed: OpeningSignOff | None

    @property
    def brought(self) -> Totals:
        """Return what the import brings in all, refused families left out."""
        return self.totals.plus(self.waiting)


async def openings_of(db: AsyncSession, batch: ImportBatch) -> list[ServiceOpening]:
    """Return the services for which an import brings balances, in the order in which people list services."""
    credit = func.sum(case((OpeningBalance.amount_cents > 0, OpeningBalance.amount_cents), else_=0))
    debt = func.sum(case((OpeningBalance.amount_cents < 0, -OpeningBalance.amount_cents), else_=0))
    rows = await db.execute(
        select(OpeningBalance.service_code, func.count(), credit, debt)
        .where(OpeningBalance.batch_id == batch.id)
        .group_by(OpeningBalance.service_code)
    )
    totals = {service: Totals(count, int(plus), int(minus)) for service, count, plus, minus in rows}
    left_out = await _staged(db, batch, FamilyState.REFUSED, "all_balances")
    waiting = await _staged(db, batch, FamilyState.WAITING, "balances")
    signed = {
        row.service_code: row
        for row in await db.scalars(select(OpeningSignOff).where(OpeningSignOff.batch_id == batch.id))
    }
    services = sorted(totals.keys() | waiting.keys() | left_out.keys(), key=list(ServiceCode).index)
    none = Totals()
    return [
        ServiceOpening(
            each, totals.get(each, none), waiting.get(each, none), left_out.get(each, none), signed.get(each)
        )
        for each in services
    ]


async def opening_of(db: AsyncSession, batch: ImportBatch, service: ServiceCode) -> ServiceOpening:
    """Return what an import brings for one service.

    Raises:
        NothingToSign
    """
    for each in await openings_of(db, batch):
        if each.service is service:
            return each
    raise NothingToSign


async def has_openings(db: AsyncSession) -> bool:
    """Whether any import brought balances."""
    return await db.scalar(select(OpeningBalance.id).limit(1)) is not None


async def families_waiting(db: AsyncSession, batch: ImportBatch) -> int:
    """Return how many families of an import still wait to be taken over."""
    waiting = select(func.count()).where(ImportFamily.batch_id == batch.id, ImportFamily.state == FamilyState.WAITING)
    return int(await db.scalar(waiting) or 0)


async def signing_office(db: AsyncSession, service: ServiceCode, staff_id: UUID, on: date) -> UUID | None:
    """Return the office that collects a service and whose officer, or substitute, somebody is on a day."""
    offices = await db.scalars(
        select(SubOffice.office_id)
        .join(CollectableService, CollectableService.sub_office_id == SubOffice.id)
        .where(
            CollectableService.service_code == service,
            CollectableService.valid_from <= on,
            CollectableService.valid_until.is_(None) | (CollectableService.valid_until >= on),
        )
        .order_by(SubOffice.office_id)
        .distinct()
    )
    for office_id in offices.all():
        if await is_officer(db, office_id, staff_id, on):
            return office_id
    return None


async def check_may_sign(db: AsyncSession, service: ServiceCode, staff_id: UUID, on: date) -> UUID:
    """Return the office for which somebody takes over a service's balances on a day.

    Raises:
        NotThisOffice
    """
    office_id = await signing_office(db, service, staff_id, on)
    if office_id is None:
        raise NotThisOffice
    return office_id


async def sign_off(
    db: AsyncSession,
    sign_off_id: UUID,
    *,
    batch_id: UUID,
    service: ServiceCode,
    stated_credit_cents: int,
    stated_debt_cents: int,
    explanation: str,
    officer: Officer,
    now: datetime,
    seen: Totals | None = None,
) -> OpeningSignOff:
    """Take one service's balances over into the wallets, all or none; the same id again gives the first record.

    `stated_*` are the totals that the old software printed, both above zero; `seen` those of ours that the officer
    compared with them.

    Raises:
        UnknownImport, NothingToSign, AlreadySigned
        NotThisOffice: not the officer of an office that collects the service.
        FamiliesWait: some families are not taken over yet.
        OpeningsMoved: our totals are others than those that were seen.
        DifferenceUnexplained: the totals differ and nobody said why.
        IdempotencyMismatch: this id came before with other totals or another explanation.
    """
    batch = await locked_batch(db, batch_id)
    why = explanation.strip()
    asked = (batch_id, service, stated_credit_cents, stated_debt_cents, why, officer.staff_id)
    first = await db.get(OpeningSignOff, sign_off_id)
    if first is not None:
        stated = (first.stated_credit_cents, first.stated_debt_cents)
        if (first.batch_id, first.service_code, *stated, first.explanation, first.signed_by) != asked:
            raise IdempotencyMismatch
        return first
    await check_may_sign(db, service, officer.staff_id, local_day(now))
    waiting = await families_waiting(db, batch)
    if waiting or batch.state is not BatchState.APPLIED:
        raise FamiliesWait(count=waiting)
    opening = await opening_of(db, batch, service)
    if opening.signed is not None:
        raise AlreadySigned
    totals = opening.totals
    if not totals.families:
        raise NothingToSign
    if seen is not None and seen != totals:
        raise OpeningsMoved
    check_totals(totals, stated_credit_cents, stated_debt_cents, why)
    row = OpeningSignOff(
        id=sign_off_id,
        batch_id=batch_id,
        service_code=service,
        families=totals.families,
        credit_cents=totals.credit_cents,
        debt_cents=totals.debt_cents,
        stated_credit_cents=stated_credit_cents,
        stated_debt_cents=stated_debt_cents,
        explanation=why,
        signed_at=now,
        signed_by=officer.staff_id,
        signed_name=officer.name[:120],
    )
    db.add(row)
    await db.flush()
    await _post(db, batch, service, officer, now)
    return row


def check_totals(totals: Totals, stated_credit_cents: int, stated_debt_cents: int, explanation: str) -> None:
    """Refuse totals that differ from the old base's own without a word.

    Raises:
        DifferenceUnexplained
    """
    credit, debt = totals.credit_cents - stated_credit_cents, totals.debt_cents - stated_debt_cents
    if (credit or debt) and len(explanation.strip()) < EXPLANATION_LENGTH_MIN:
        raise DifferenceUnexplained(difference=money(max(abs(credit), abs(debt))))


def opening_code(base: str, service: ServiceCode) -> str:
    """Return the code of the ledger account that a base's balances of a service come from."""
    return f"opening:{base}:{service}"


async def _staged(db: AsyncSession, batch: ImportBatch, state: FamilyState, which: str) -> dict[ServiceCode, Totals]:
    """Return what the families in a state hold as it was staged: those to be taken over, or all that could be read."""
    rows = await db.scalars(
        select(ImportFamily.content).where(
            ImportFamily.batch_id == batch.id, ImportFamily.state == state, ImportFamily.content.is_not(None)
        )
    )
    found: dict[ServiceCode, Totals] = {}
    for content in rows:
        for word, cents in ((content or {}).get(which) or {}).items():
            if cents:
                one = Totals(1, max(0, cents), max(0, -cents))
                found[ServiceCode(word)] = found.get(ServiceCode(word), Totals()).plus(one)
    return found


async def _post(db: AsyncSession, batch: ImportBatch, service: ServiceCode, officer: Officer, now: datetime) -> None:
    rows = await db.execute(
        select(OpeningBalance.id, OpeningBalance.amount_cents, ImportFamily.account_id)
        .join(ImportFamily, ImportFamily.id == OpeningBalance.family_id)
        .where(OpeningBalance.batch_id == batch.id, OpeningBalance.service_code == service)
        .order_by(OpeningBalance.id)
    )
    balances = [(each_id, cents, account_id) for each_id, cents, account_id in rows if account_id is not None]
    change: dict[UUID, int] = {}
    for _, cents, account_id in balances:
        change[account_id] = change.get(account_id, 0) + min(0, cents)
    wallets = await _wallets(db, service, change, now)
    opening = await _opening_account(db, batch, service, now)
    reference = f"{batch.base} {batch.balances_on or ''}".strip()
    transactions = [
        NewTransaction(
            id=each_id,
            kind=TransactionKind.OPENING,
            label=LABEL,
            occurred_at=now,
            postings=(NewPosting(wallets[account_id], cents), NewPosting(opening, -cents)),
            actor_kind="staff",
            actor_id=officer.staff_id,
            reference=reference,
        )
        for each_id, cents, account_id in balances
    ]
    for start in range(0, len(transactions), BATCH_MAX):
        for answer in await post_all(db, transactions[start : start + BATCH_MAX], now=now):
            if isinstance(answer, Refusal):
                # One that cannot be posted takes the others with it: what was signed is a whole.
                raise answer


async def _wallets(
    db: AsyncSession, service: ServiceCode, change: Mapping[UUID, int], now: datetime
) -> dict[UUID, UUID]:
    """Return the wallets of some accounts for a service, opened where there were none.

    `change` maps an account to the debts that it brings along: a service that refuses keeps such a debt, as it keeps
    one from before it began to refuse (`ledger.rules.moved`), so the wallet's floor goes down by it first.
    """
    owing = may_owe(await policy_in_force(db, service, local_day(now)))
    accounts = list(change)
    found: dict[UUID, UUID] = {}
    for start in range(0, len(accounts), IDS_AT_ONCE):
        some = accounts[start : start + IDS_AT_ONCE]
        rows = await db.execute(
            select(Wallet.id, Wallet.family_account_id, Wallet.balance_cents, Wallet.floor_cents)
            .where(Wallet.service_code == service, Wallet.family_account_id.in_(some))
            .order_by(Wallet.id)
            .with_for_update()
        )
        for wallet_id, account_id, balance, floor in rows:
            found[account_id] = wallet_id
            if floor is not None and change[account_id] < 0:
                lower = min(floor, balance + change[account_id])
                await db.execute(update(Wallet).where(Wallet.id == wallet_id).values(floor_cents=lower))
        missing = [account_id for account_id in some if account_id not in found]
        found |= await _open_wallets(db, service, {each: change[each] for each in missing}, owing=owing, now=now)
    return found


async def _open_wallets(
    db: AsyncSession, service: ServiceCode, change: Mapping[UUID, int], *, owing: bool, now: datetime
) -> dict[UUID, UUID]:
    if not change:
        return {}
    rows = await db.execute(select(FamilyAccount.id, FamilyAccount.number).where(FamilyAccount.id.in_(change)))
    numbers: Sequence[tuple[UUID, str]] = [(account_id, number) for account_id, number in rows]
    made = {account_id: new_id() for account_id, _ in numbers}
    accounts = [
        {
            "id": made[account_id],
            "code": f"wallet:{number}:{service}",
            "kind": AccountKind.WALLET,
            "label": f"{SERVICE_LABELS[service]}, compte {number}",
            "opened_at": now,
        }
        for account_id, number in numbers
    ]
    wallets = [
        {
            "id": made[account_id],
            "family_account_id": account_id,
            "service_code": service,
            "balance_cents": 0,
            "floor_cents": floor_for(owing, change[account_id]),
            "opened_at": now,
        }
        for account_id, _ in numbers
    ]
    await db.execute(insert(LedgerAccount), accounts)
    await db.execute(insert(Wallet), wallets)
    return made


async def _opening_account(db: AsyncSession, batch: ImportBatch, service: ServiceCode, now: datetime) -> UUID:
    code = opening_code(batch.base, service)
    row = {
        "id": new_id(),
        "code": code,
        "kind": AccountKind.OPENING,
        "label": f"Reprise, {batch.title}, {SERVICE_LABELS[service]}"[:160],
        "opened_at": now,
    }
    await insert_once(db, LedgerAccount.__table__, row)
    account_id = await db.scalar(select(LedgerAccount.id).where(LedgerAccount.code == code))
    assert account_id is not None, "it was just inserted"
    return account_id

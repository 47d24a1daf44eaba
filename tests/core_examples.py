"""Families, services and accounts for tests: each function makes one real thing and returns it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import Posted, add_ledger_account, post
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import open_wallet
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint, create_office, create_sub_office
from cvq_core.offices.tables import SubOffice
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import add_person
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.staff.store import add_staff

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
TODAY = date(2026, 3, 3)
LONG_AGO = date(2020, 1, 1)


async def create_services(db: AsyncSession) -> None:
    """A canteen that serves and lets owe, and a pool that refuses."""
    for code, policy in ((ServiceCode.CANTEEN, FundingPolicy.SERVE_AND_OWE), (ServiceCode.POOL, FundingPolicy.REFUSE)):
        await add_service(db, code, service_id=new_id(), policy=policy, valid_from=LONG_AGO)


async def create_family(db: AsyncSession, number: str = "F00001", label: str = "Moreau") -> FamilyAccount:
    account = FamilyAccount(id=new_id(), number=number, label=label, opened_on=LONG_AGO)
    db.add(account)
    await db.flush()
    return account


async def create_member(
    db: AsyncSession, account_id: UUID, given_names: str, *roles: FamilyRole, born: date = date(1941, 5, 12)
) -> Person:
    person = Person(id=new_id(), family_name="Moreau", given_names=given_names, birth_date=born)
    await add_person(db, person)
    for role in roles:
        db.add(Membership(id=new_id(), account_id=account_id, person_id=person.id, role=role, valid_from=LONG_AGO))
    await db.flush()
    return person


async def create_wallet(
    db: AsyncSession, account_id: UUID, service: ServiceCode = ServiceCode.POOL, *, cents: int = 0
) -> Wallet:
    wallet = await open_wallet(db, new_id(), family_account_id=account_id, service=service, now=NOW)
    if cents:
        opening = await create_ledger_account(db, AccountKind.OPENING)
        await post(db, transaction((wallet.id, cents), (opening, -cents), kind=TransactionKind.OPENING), now=NOW)
    return wallet


async def create_ledger_account(db: AsyncSession, kind: AccountKind = AccountKind.REVENUE) -> UUID:
    account_id = new_id()
    await add_ledger_account(
        db, account_id=account_id, code=f"{kind}:{account_id}", kind=kind, label="Recettes", now=NOW
    )
    return account_id


def transaction(
    *legs: tuple[UUID, int],
    transaction_id: UUID | None = None,
    kind: TransactionKind = TransactionKind.USE,
    label: str = "Entrée à la piscine",
    occurred_at: datetime = NOW,
    day_only: bool = False,
    reference: str | None = None,
) -> NewTransaction:
    """A transaction with these legs, by a reader."""
    return NewTransaction(
        id=transaction_id or new_id(),
        kind=kind,
        label=label,
        occurred_at=occurred_at,
        postings=tuple(NewPosting(account_id, cents) for account_id, cents in legs),
        actor_kind="reader",
        actor_id=None,
        reference=reference,
        day_only=day_only,
    )


async def move(db: AsyncSession, wallet_id: UUID, cents: int, other: UUID) -> Posted:
    """Post `cents` on a wallet (minus: it pays) against another account."""
    return await post(db, transaction((wallet_id, cents), (other, -cents)), now=NOW)


def top_up(wallet_id: UUID, cents: int) -> Payable:
    return Payable(PayableKind.WALLET, wallet_id, cents)


async def create_officer(db: AsyncSession, login: str = "odile", name: str = "Odile Brémaud") -> Officer:
    staff = await add_staff(db, login=login, display_name=name, password="", password_hash="-", now=NOW)
    await db.flush()
    return Officer(staff.id, name)


async def create_counter(
    db: AsyncSession,
    officer: Officer,
    *,
    code: str = "POM",
    services: tuple[ServiceCode, ...] = (ServiceCode.POOL, ServiceCode.CANTEEN),
    means: tuple[Means, ...] = (Means.CASH, Means.CHEQUE),
    until: date | None = None,
    more: Collection[Officer] = (),
    title: MandateTitle = MandateTitle.MANDATARY,
    is_main: bool = False,
) -> SubOffice:
    """A sub-office in a town hall, in a cash office of its own, whose mandataries are `officer` and `more`."""
    office = await create_office(
        db, office_id=new_id(), code=code, label="Régie de recettes et d’avances", series_code=code
    )
    place = await create_sub_office(
        db,
        sub_office_id=new_id(),
        office_id=office.id,
        code=f"{code}-MAIRIE",
        label="Mairie de Pompaire",
        float_cents=5000,
        services=services,
        means=means,
        now=NOW,
        is_main=is_main,
    )
    for each in (officer, *more):
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=each.staff_id,
            sub_office_id=place.id,
            title=title,
            valid_from=TODAY,
            valid_until=until,
        )
    return place

"""What was served to a child on a day that is no account's: listed for the service's manager, who says who bears it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.charges import label_of
from cvq_core.access.tables import Attendance, UnclaimedCharge
from cvq_core.clock import PARIS
from cvq_core.errors import N_, BadInput, NotFound
from cvq_core.ids import new_id
from cvq_core.ledger.revenue import revenue_accounts
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import Posted, post, postings_of
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.wallets import open_wallet
from cvq_core.people.arrangements import arrangements_of, child_memberships
from cvq_core.people.custody import DayOf, Part, in_force, split_by_shares
from cvq_core.people.names import listed_name
from cvq_core.people.tables import FamilyAccount, Person
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.kept import kept
from cvq_core.tariffs.quote import quote
from cvq_core.tariffs.rules import NoCaseFits, NoSuchItem, Priced
from cvq_core.tariffs.store import UnknownTariff

UNCLAIMED_MAX = 500
WHOLE_PERCENT = 100


class UnknownUnclaimed(NotFound):
    """Nothing of this id was served on a day that is nobody's."""

    slug = "unknown-unclaimed-charge"
    message = N_("Cette prestation n’est pas dans la liste des jours sans compte.")
    what_to_do = N_("Rechargez la liste.")


class NotTheirChild(BadInput):
    """The account that should bear it is none of the child's on that day."""

    slug = "not-their-child"
    message = N_("Ce compte n’est pas un de ceux de l’enfant ce jour-là.")
    what_to_do = N_("Choisissez un des comptes proposés, ou le partage.")


class NoShares(BadInput):
    """No arrangement says in which shares the accounts bear the child."""

    slug = "no-custody-shares"
    message = N_("Aucun calendrier de garde ne dit comment partager ce jour-là.")
    what_to_do = N_("Choisissez le compte qui paie.")


@dataclass(frozen=True, slots=True)
class Bearing:
    """An account that may bear a charge; `share_percent` None where nothing was arranged."""

    account_id: UUID
    label: str
    share_percent: int | None


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """One charge that waits for somebody to bear it, with why the day is nobody's."""

    id: UUID
    child_id: UUID
    child: str
    service: ServiceCode
    day: date
    amount_cents: int
    because: str
    accounts: tuple[Bearing, ...]


async def note_unclaimed(db: AsyncSession, rows: Sequence[dict[str, Any]], days: Mapping[UUID, DayOf]) -> None:
    """Write charges that nobody bears yet. `days` maps each child to whose day it was."""
    mentioned = {value for day in days.values() for value in day.facts.values() if isinstance(value, UUID)}
    names = await _labels(db, mentioned)
    noted = [{**row, "because": days[row["person_id"]].in_words(names)[:300]} for row in rows]
    await db.execute(insert(UnclaimedCharge), noted)


async def unclaimed_charges(db: AsyncSession, service: ServiceCode) -> list[Unclaimed]:
    """Return what waits to be settled at a service, the oldest first; at most `UNCLAIMED_MAX`."""
    rows = await db.execute(
        select(UnclaimedCharge, Person)
        .join(Person, Person.id == UnclaimedCharge.person_id)
        .outerjoin(LedgerTransaction, LedgerTransaction.id == UnclaimedCharge.id)
        .where(UnclaimedCharge.service_code == service, LedgerTransaction.id.is_(None))
        .order_by(UnclaimedCharge.day, Person.search_key, UnclaimedCharge.id)
        .limit(UNCLAIMED_MAX)
    )
    return [
        Unclaimed(
            id=charge.id,
            child_id=person.id,
            child=listed_name(person.family_name, person.usual_name, person.given_names),
            service=charge.service_code,
            day=charge.day,
            amount_cents=charge.amount_cents,
            because=charge.because,
            accounts=await _accounts(db, charge),
        )
        for charge, person in rows.all()
    ]


async def charge_by_id(db: AsyncSession, charge_id: UUID) -> UnclaimedCharge:
    """Return one charge, settled or not.

    Raises:
        UnknownUnclaimed
    """
    charge = await db.get(UnclaimedCharge, charge_id)
    if charge is None:
        raise UnknownUnclaimed
    return charge


async def settle_unclaimed(
    db: AsyncSession, charge_id: UUID, *, account_id: UUID | None, staff_id: UUID, now: datetime
) -> Posted:
    """Charge what was served to one of the child's accounts, or to all by their shares (None); once.

    Each account bears its own price of that day. The same answer again changes nothing.

    Raises:
        UnknownUnclaimed, NotTheirChild, NoShares
        IdempotencyMismatch: it was settled otherwise.
        InsufficientFunds: the service's wallets do not owe any more.
    """
    charge = await charge_by_id(db, charge_id)
    accounts = await _accounts(db, charge)
    if account_id is None:
        parts = [Part(each.account_id, each.share_percent) for each in accounts if each.share_percent is not None]
        if not parts:
            raise NoShares
    elif account_id in {each.account_id for each in accounts}:
        parts = [Part(account_id, WHOLE_PERCENT)]
    else:
        raise NotTheirChild
    priced = {part.account_id: await _priced(db, charge, part.account_id) for part in parts}
    postings = await _postings(db, charge, parts, priced, now)
    posted = await post(
        db,
        NewTransaction(
            id=charge.id,
            kind=TransactionKind.USE,
            label=label_of(charge.service_code),
            occurred_at=datetime.combine(charge.day, time(), PARIS),
            postings=postings,
            actor_kind="staff",
            actor_id=staff_id,
            day_only=True,
            why="".join(kept(each) for each in priced.values() if each and len(priced) == 1),
        ),
        now=now,
    )
    await db.execute(
        update(Attendance)
        .where(
            Attendance.person_id == charge.person_id,
            Attendance.service_code == charge.service_code,
            Attendance.day == charge.day,
            Attendance.transaction_id.is_(None),
        )
        .values(transaction_id=charge.id)
    )
    return posted


async def _priced(db: AsyncSession, charge: UnclaimedCharge, account_id: UUID) -> Priced | None:
    """Return an account's own price of what was served, None where the tariff of that day does not say it."""
    if charge.price_code is None:
        return None
    try:
        return await quote(
            db,
            charge.service_code,
            charge.price_code,
            person_id=charge.person_id,
            account_id=account_id,
            on=charge.day,
        )
    except (UnknownTariff, NoSuchItem, NoCaseFits):
        return None


async def _postings(
    db: AsyncSession,
    charge: UnclaimedCharge,
    parts: Sequence[Part],
    priced: Mapping[UUID, Priced | None],
    now: datetime,
) -> tuple[NewPosting, ...]:
    """Return who pays how much; of a charge that was settled, what was written then, whatever became known since.

    Raises:
        IdempotencyMismatch: others bore it.
    """
    written = await postings_of(db, charge.id)
    borne: dict[UUID, int] = {}
    for part in parts:
        price = priced[part.account_id]
        cents = price.amount_cents if price else charge.amount_cents
        share = split_by_shares(cents, parts)[part.account_id]
        if share:
            wallet = await open_wallet(
                db, new_id(), family_account_id=part.account_id, service=charge.service_code, now=now
            )
            borne[wallet.id] = share
    if written:
        if {each.account_id for each in written if each.amount_cents < 0} != borne.keys():
            raise IdempotencyMismatch
        return written
    [revenue] = (await revenue_accounts(db, {charge.service_code}, now)).values()
    paid = [NewPosting(wallet_id, -cents) for wallet_id, cents in sorted(borne.items())]
    return (*paid, NewPosting(revenue, sum(borne.values())))


async def _accounts(db: AsyncSession, charge: UnclaimedCharge) -> tuple[Bearing, ...]:
    """Return the accounts that may bear a charge: those of the arrangement of its day, else the child's own."""
    arranged = in_force((await arrangements_of(db, [charge.person_id])).get(charge.person_id, ()), charge.day)
    if arranged is not None:
        shares: dict[UUID, int | None] = {part.account_id: part.share_percent for part in arranged.parts}
    else:
        held = (await child_memberships(db, [charge.person_id], charge.day, charge.day)).get(charge.person_id, ())
        shares = {membership.account_id: None for membership in held if membership.holds(charge.day)}
    labels = await _labels(db, shares)
    return tuple(Bearing(account_id, labels[account_id], share) for account_id, share in shares.items())


async def _labels(db: AsyncSession, accounts: Collection[UUID]) -> dict[UUID, str]:
    if not accounts:
        return {}
    rows = await db.execute(select(FamilyAccount.id, FamilyAccount.label).where(FamilyAccount.id.in_(accounts)))
    return dict(rows.all())

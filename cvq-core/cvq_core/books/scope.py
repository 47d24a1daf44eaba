"""Whose books they are: a whole office with its places, or one place; and the accounts that are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.books.rules import UnknownBook
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, Posting
from cvq_core.offices.accounts import BY_MEANS, own_codes
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import CashOffice, Drawer, SubOffice

_MEANS = {
    AccountKind.DRAWER: Means.CASH,
    AccountKind.SAFE: Means.CASH,
    AccountKind.FLOAT: Means.CASH,
    AccountKind.CHEQUES: Means.CHEQUE,
    AccountKind.CARD_PAYMENTS: Means.CARD,
    AccountKind.ONLINE_PAYMENTS: Means.PAYFIP,
    AccountKind.DIRECT_DEBITS: Means.DIRECT_DEBIT,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """An office and those of its places whose books are asked for; `place` where it is one alone."""

    office: CashOffice
    places: tuple[SubOffice, ...]
    place: SubOffice | None = None

    @property
    def place_ids(self) -> list[UUID]:
        """The places' ids."""
        return [place.id for place in self.places]

    @property
    def label(self) -> str:
        """What the books are called."""
        return self.place.label if self.place else self.office.label

    @property
    def code(self) -> str:
        """What files and addresses call it."""
        return self.place.code if self.place else self.office.code


async def scope_of(db: AsyncSession, office_id: UUID, sub_office_id: UUID | None = None) -> Scope:
    """Return an office with its places, closed ones too, or one place of it.

    Raises:
        UnknownBook: there is none, or the place is another office's.
    """
    office = await db.get(CashOffice, office_id)
    if office is None:
        raise UnknownBook
    rows = await db.scalars(select(SubOffice).where(SubOffice.office_id == office_id).order_by(SubOffice.label))
    places = tuple(rows)
    if sub_office_id is None:
        return Scope(office, places)
    place = next((each for each in places if each.id == sub_office_id), None)
    if place is None:
        raise UnknownBook
    return Scope(office, (place,), place)


async def whole_offices(db: AsyncSession) -> list[Scope]:
    """Return every office with its places."""
    ids = await db.scalars(select(CashOffice.id).order_by(CashOffice.label))
    return [await scope_of(db, office_id) for office_id in ids.all()]


def places_of(whole: Scope) -> list[Scope]:
    """Return each place of an office by itself."""
    return [Scope(whole.office, (place,), place) for place in whole.places]


async def held_accounts(db: AsyncSession, scope: Scope) -> dict[UUID, LedgerAccount]:
    """Return the accounts that are a scope's own, its drawers left out."""
    holders = [place.code for place in scope.places]
    if scope.place is None:
        holders.append(scope.office.code)
    rows = await db.scalars(select(LedgerAccount).where(LedgerAccount.code.in_(own_codes(holders))))
    return {account.id: account for account in rows}


def is_held(scope: Scope, held: Mapping[UUID, LedgerAccount], since: datetime | None = None) -> ColumnElement[bool]:
    """Return the condition that a posting is on one of a scope's own accounts.

    A drawer that was closed before `since` is left out: it is empty.
    """
    return or_(Posting.account_id.in_(held), Posting.account_id.in_(drawers_of(scope, since)))


def drawers_of(scope: Scope, since: datetime | None = None) -> Select[UUID]:
    """Return the query for a scope's drawers; those which were closed before `since` are left out."""
    wanted = select(Drawer.id).where(Drawer.sub_office_id.in_(scope.place_ids))
    if since is not None:
        wanted = wanted.where(or_(Drawer.closed_at.is_(None), Drawer.closed_at >= since))
    return wanted


def means_of(account: LedgerAccount) -> Means | None:
    """Return by which means the money of an account came, None for what is no money that is held.

    Vouchers and what is on its way to the office have an account for each means: "vouchers:cesu:POM".
    """
    if account.kind in BY_MEANS:
        return Means(account.code.split(":")[1])
    return _MEANS.get(account.kind)

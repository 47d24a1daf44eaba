"""The tables of a tap and the statements beside its one reading (`reading_statement`), built once.

Their text never changes, whatever the number of taps: nothing is compiled while somebody stands at a turnstile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import AccessArea, AccessPoint, Attendance, Entitlement, Tap
from cvq_core.cards.tables import Card
from cvq_core.ledger.tables import LedgerAccount, Wallet
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Commune, FamilyAccount, FamilyQuotient, Membership, Person
from cvq_core.prepared import Prepared, PreparedRows, one_of
from cvq_core.services.tables import ServicePolicy
from cvq_core.tariffs.tables import TariffAdoption, TariffVersion

# Whoever may fetch a child may not spend the family's money.
SPENDING_ROLES = (FamilyRole.GUARDIAN, FamilyRole.CHILD, FamilyRole.PAYER, FamilyRole.HOLDER)

POINTS = cast(Table, AccessPoint.__table__).c
AREAS = cast(Table, AccessArea.__table__).c
RIGHTS = cast(Table, Entitlement.__table__).c
CARDS = cast(Table, Card.__table__).c
PEOPLE = cast(Table, Person.__table__).c
MEMBERS = cast(Table, Membership.__table__).c
ACCOUNTS = cast(Table, FamilyAccount.__table__).c
WALLETS = cast(Table, Wallet.__table__).c
ATTENDANCES = cast(Table, Attendance.__table__).c
TAPS = cast(Table, Tap.__table__)
POLICIES = cast(Table, ServicePolicy.__table__).c
VERSIONS = cast(Table, TariffVersion.__table__).c
ADOPTIONS = cast(Table, TariffAdoption.__table__).c
COMMUNES = cast(Table, Commune.__table__).c
QUOTIENTS = cast(Table, FamilyQuotient.__table__).c
LEDGER = cast(Table, LedgerAccount.__table__).c

RIGHT_COLUMNS = (
    RIGHTS.id,
    RIGHTS.kind,
    RIGHTS.valid_from,
    RIGHTS.valid_until,
    RIGHTS.point_id,
    RIGHTS.entries_left,
    RIGHTS.weekdays,
    RIGHTS.opens_at,
    RIGHTS.closes_at,
    RIGHTS.payer_account_id,
    RIGHTS.site,
    RIGHTS.on_holidays,
)
"""The columns of a right, in the order of the fields of `facts.Right`."""


@dataclass(frozen=True, slots=True)
class TapStatements:
    """What else is read and written for some taps; parameters are named as in the comments."""

    guardians: Prepared  # accounts, today
    recent: Prepared  # people, since
    quotients: Prepared  # accounts, today
    children: Prepared  # accounts, today
    known_taps: Prepared  # taps
    insert_taps: PreparedRows  # all columns
    insert_attendances: PreparedRows  # all columns
    set_entries: PreparedRows  # id, entries_left
    set_areas: PreparedRows  # id, inside, counted_at


@cache
def tap_statements(dialect: str) -> TapStatements:
    """Return the statements for "sqlite" or "postgresql"."""

    def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return one_of(column, name, dialect)

    today: ColumnElement[Any] = bindparam("today")
    since = bindparam("since", type_=TAPS.c.received_at.type)
    return TapStatements(
        guardians=Prepared(
            select(MEMBERS.account_id, MEMBERS.person_id).where(
                among(MEMBERS.account_id, "accounts"),
                MEMBERS.role == FamilyRole.GUARDIAN,
                MEMBERS.valid_from <= today,
                or_(MEMBERS.valid_until.is_(None), MEMBERS.valid_until >= today),
            )
        ),
        recent=Prepared(
            select(
                TAPS.c.person_id,
                TAPS.c.card_id,
                TAPS.c.point_id,
                POINTS.area_id,
                POINTS.direction,
                TAPS.c.tapped_at,
                TAPS.c.received_at,
                TAPS.c.offline,
                TAPS.c.allowed,
                TAPS.c.reason,
                TAPS.c.display_short,
                TAPS.c.display_long,
                TAPS.c.balance_cents,
                TAPS.c.entries_left,
            )
            .join_from(TAPS, AccessPoint.__table__, POINTS.id == TAPS.c.point_id)
            .where(among(TAPS.c.person_id, "people"), TAPS.c.received_at >= since, TAPS.c.repeats.is_(False))
        ),
        quotients=Prepared(
            select(QUOTIENTS.account_id, QUOTIENTS.value_euros, QUOTIENTS.valid_from, QUOTIENTS.valid_until)
            .where(among(QUOTIENTS.account_id, "accounts"), QUOTIENTS.valid_from <= today)
            .order_by(QUOTIENTS.valid_from, QUOTIENTS.recorded_at)
        ),
        children=Prepared(
            select(MEMBERS.account_id, PEOPLE.id, PEOPLE.birth_date)
            .join_from(Membership.__table__, Person.__table__, PEOPLE.id == MEMBERS.person_id)
            .where(
                among(MEMBERS.account_id, "accounts"),
                MEMBERS.role == FamilyRole.CHILD,
                MEMBERS.valid_from <= today,
                or_(MEMBERS.valid_until.is_(None), MEMBERS.valid_until >= today),
            )
        ),
        known_taps=Prepared(select(TAPS).where(among(TAPS.c.id, "taps"))),
        insert_taps=PreparedRows.insert(TAPS, TAPS.c.keys()),
        insert_attendances=PreparedRows.insert(ATTENDANCES.person_id.table, ATTENDANCES.keys()),
        set_entries=PreparedRows.update(RIGHTS.id.table, ("entries_left",)),
        set_areas=PreparedRows.update(AREAS.id.table, ("inside", "counted_at")),
    )


def statements_for(db: AsyncSession) -> TapStatements:
    """Return the statements for the session's database."""
    return tap_statements(db.get_bind().dialect.name)

"""The reads of a tap as statements that are built once: their text never changes, whatever the number of taps.

Nothing is compiled while somebody stands at a turnstile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
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
    """What is read and written for some taps; parameters are named as in the comments."""

    points: Prepared  # points, today
    cards: Prepared  # uids
    people: Prepared  # people
    accounts: Prepared  # people, today
    rights: Prepared  # people, accounts, services, now, ended_after
    counted: Prepared  # rights; locks
    wallets: Prepared  # accounts, services; locks
    wallets_unlocked: Prepared  # accounts, services
    lock_people: Prepared  # people; locks
    guardians: Prepared  # accounts, today
    recent: Prepared  # people, since
    areas: Prepared  # areas; locks
    set_area: Prepared  # area_id, count, at
    quotients: Prepared  # accounts, today
    children: Prepared  # accounts, today
    attendances: Prepared  # people, services, today
    known_taps: Prepared  # taps
    revenues: Prepared  # codes
    insert_tap: Prepared  # all columns; what is there already is left alone
    insert_taps: PreparedRows  # all columns
    insert_attendances: Prepared  # all columns
    take_entry: Prepared  # right_id, left


@cache
def tap_statements(dialect: str) -> TapStatements:
    """Return the statements for "sqlite" or "postgresql"."""

    def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return one_of(column, name, dialect)

    insert_into = postgresql.insert if dialect == "postgresql" else sqlite.insert
    today: ColumnElement[Any] = bindparam("today")
    now = bindparam("now", type_=RIGHTS.valid_from.type)
    since = bindparam("since", type_=TAPS.c.received_at.type)
    wallets = (
        select(WALLETS.id, WALLETS.family_account_id, WALLETS.service_code, WALLETS.balance_cents, WALLETS.floor_cents)
        .where(among(WALLETS.family_account_id, "accounts"), among(WALLETS.service_code, "services"))
        .order_by(WALLETS.id)
    )
    ended_after = bindparam("ended_after", type_=RIGHTS.valid_until.type)
    return TapStatements(
        points=Prepared(
            select(
                POINTS.id,
                POINTS.kind,
                POINTS.service_code,
                _policy_on(today),
                POINTS.assurance,
                POINTS.mode,
                POINTS.shows_balance,
                POINTS.site,
                POINTS.direction,
                POINTS.area_id,
                AREAS.capacity,
                POINTS.passback_minutes,
                POINTS.double_tap_s,
                POINTS.guardian_age,
                POINTS.guardian_minutes,
                POINTS.clock_tolerance_s,
                POINTS.offline_fallback,
                POINTS.reserved_only,
                POINTS.price_code,
                _tariff_on(today),
            )
            .outerjoin_from(AccessPoint.__table__, AccessArea.__table__, AREAS.id == POINTS.area_id)
            .where(among(POINTS.id, "points"))
        ),
        cards=Prepared(
            select(
                CARDS.uid,
                CARDS.id,
                CARDS.status,
                CARDS.status_since,
                CARDS.valid_from,
                CARDS.valid_until,
                CARDS.blocked_reason,
                CARDS.person_id,
                PEOPLE.deceased_on,
                PEOPLE.birth_date,
                COMMUNES.in_territory,
            )
            .join_from(Card.__table__, Person.__table__, PEOPLE.id == CARDS.person_id)
            .outerjoin(Commune.__table__, COMMUNES.insee == PEOPLE.commune_insee)
            .where(among(CARDS.uid, "uids"))
        ),
        people=Prepared(
            select(PEOPLE.id, PEOPLE.deceased_on, PEOPLE.birth_date, COMMUNES.in_territory)
            .outerjoin_from(Person.__table__, Commune.__table__, COMMUNES.insee == PEOPLE.commune_insee)
            .where(among(PEOPLE.id, "people"))
        ),
        accounts=Prepared(
            select(MEMBERS.person_id, MEMBERS.account_id)
            .join_from(Membership.__table__, FamilyAccount.__table__, ACCOUNTS.id == MEMBERS.account_id)
            .where(
                among(MEMBERS.person_id, "people"),
                or_(*(MEMBERS.role == role for role in SPENDING_ROLES)),
                MEMBERS.valid_from <= today,
                or_(MEMBERS.valid_until.is_(None), MEMBERS.valid_until >= today),
                or_(ACCOUNTS.closed_on.is_(None), ACCOUNTS.closed_on > today),
            )
            .order_by(MEMBERS.valid_from, MEMBERS.account_id)
        ),
        rights=Prepared(
            select(RIGHTS.person_id, RIGHTS.account_id, RIGHTS.service_code, *RIGHT_COLUMNS).where(
                or_(among(RIGHTS.person_id, "people"), among(RIGHTS.account_id, "accounts")),
                among(RIGHTS.service_code, "services"),
                RIGHTS.valid_from <= now,
                or_(RIGHTS.valid_until.is_(None), RIGHTS.valid_until > ended_after),
            )
        ),
        counted=Prepared(
            select(RIGHTS.id, RIGHTS.entries_left)
            .where(among(RIGHTS.id, "rights"))
            .order_by(RIGHTS.id)
            .with_for_update()
        ),
        wallets=Prepared(wallets.with_for_update()),
        wallets_unlocked=Prepared(wallets),
        # Not against rows that name somebody: they take a weaker lock on the person than a change of the person does.
        lock_people=Prepared(
            select(PEOPLE.id).where(among(PEOPLE.id, "people")).order_by(PEOPLE.id).with_for_update(key_share=True)
        ),
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
        areas=Prepared(
            select(AREAS.id, AREAS.inside, AREAS.counted_at, AREAS.closes_at)
            .where(among(AREAS.id, "areas"))
            .order_by(AREAS.id)
            .with_for_update()
        ),
        set_area=Prepared(
            update(AREAS.id.table)
            .where(AREAS.id == bindparam("area_id"))
            .values(inside=bindparam("count"), counted_at=bindparam("at", type_=AREAS.counted_at.type))
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
        attendances=Prepared(
            select(ATTENDANCES.person_id, ATTENDANCES.service_code, ATTENDANCES.status).where(
                among(ATTENDANCES.person_id, "people"),
                among(ATTENDANCES.service_code, "services"),
                ATTENDANCES.day == today,
            )
        ),
        known_taps=Prepared(select(TAPS).where(among(TAPS.c.id, "taps"))),
        revenues=Prepared(select(LEDGER.code, LEDGER.id).where(among(LEDGER.code, "codes"))),
        insert_tap=Prepared(insert_into(TAPS).on_conflict_do_nothing(), tuple(TAPS.c.keys())),
        insert_taps=PreparedRows.insert(TAPS, TAPS.c.keys()),
        insert_attendances=Prepared(insert_into(ATTENDANCES.person_id.table), tuple(ATTENDANCES.keys())),
        take_entry=Prepared(
            update(RIGHTS.id.table).where(RIGHTS.id == bindparam("right_id")).values(entries_left=bindparam("left"))
        ),
    )


def statements_for(db: AsyncSession) -> TapStatements:
    """Return the statements for the session's database."""
    return tap_statements(db.get_bind().dialect.name)


def _policy_on(today: ColumnElement[Any]) -> ColumnElement[Any]:
    return (
        select(POLICIES.policy)
        .where(POLICIES.service_code == POINTS.service_code, POLICIES.valid_from <= today)
        .order_by(POLICIES.valid_from.desc())
        .limit(1)
        .scalar_subquery()
    )


def _tariff_on(today: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the text of the tariff in force: `read_tariff` keeps what it read, so that a tap parses none."""
    return (
        select(VERSIONS.text)
        .join_from(TariffAdoption.__table__, TariffVersion.__table__, VERSIONS.id == ADOPTIONS.version_id)
        .where(ADOPTIONS.service_code == POINTS.service_code, ADOPTIONS.valid_from <= today)
        .order_by(ADOPTIONS.valid_from.desc(), ADOPTIONS.adopted_at.desc(), VERSIONS.number.desc())
        .limit(1)
        .scalar_subquery()
    )

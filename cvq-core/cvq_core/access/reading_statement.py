"""The one statement that reads what the decisions on some taps rest on, and locks what they may change.

Its parts stand in the order in which their rows are locked (`scene`). Each takes what it looks for from the parts
before it, so that nobody waits for an answer only to ask the next question.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, String, bindparam, literal, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from cvq_core.access.facts import Direction
from cvq_core.access.statements import (
    ACCOUNTS,
    ADOPTIONS,
    AREAS,
    ATTENDANCES,
    CARDS,
    COMMUNES,
    LEDGER,
    MEMBERS,
    PEOPLE,
    POINTS,
    POLICIES,
    RIGHT_COLUMNS,
    RIGHTS,
    SPENDING_ROLES,
    TAPS,
    VERSIONS,
    WALLETS,
)
from cvq_core.devices.store import holders
from cvq_core.ledger.revenue import REVENUE
from cvq_core.prepared import Together, found_in, one_of


def reading(db: AsyncSession, *, lock: bool) -> Together:
    """Return the statement for the session's database. With `lock` false it only looks.

    It takes the lists `points`, `uids`, `people`, `taps` and `digests`, the day `today`, the instants `now` and
    `ended_after`.
    """
    return _reading(db.get_bind().dialect.name, lock)


@cache
def _reading(dialect: str, lock: bool) -> Together:
    """Return the statement for "sqlite" or "postgresql"."""
    today: ColumnElement[Any] = bindparam("today")
    here = select(*POINTS).where(one_of(POINTS.id, "points", dialect)).cte("here")
    services = select(here.c.service_code)
    by_card = select(CARDS.person_id).where(one_of(CARDS.uid, "uids", dialect))
    ticked = select(PEOPLE.id).where(one_of(PEOPLE.id, "people", dialect))
    people = by_card.union(ticked).cte("people")
    households = (
        select(MEMBERS.person_id, MEMBERS.account_id, MEMBERS.valid_from)
        .join_from(MEMBERS.person_id.table, ACCOUNTS.id.table, ACCOUNTS.id == MEMBERS.account_id)
        .where(
            found_in(MEMBERS.person_id, select(people.c.person_id), dialect),
            or_(*(MEMBERS.role == role for role in SPENDING_ROLES)),
            MEMBERS.valid_from <= today,
            or_(MEMBERS.valid_until.is_(None), MEMBERS.valid_until >= today),
            or_(ACCOUNTS.closed_on.is_(None), ACCOUNTS.closed_on > today),
        )
        .cte("households")
    )
    rights = (
        select(RIGHTS.person_id, RIGHTS.account_id, RIGHTS.service_code, *RIGHT_COLUMNS)
        .where(
            or_(
                found_in(RIGHTS.person_id, select(people.c.person_id), dialect),
                found_in(RIGHTS.account_id, select(households.c.account_id), dialect),
            ),
            found_in(RIGHTS.service_code, services, dialect),
            RIGHTS.valid_from <= bindparam("now", type_=RIGHTS.valid_from.type),
            or_(
                RIGHTS.valid_until.is_(None),
                RIGHTS.valid_until > bindparam("ended_after", type_=RIGHTS.valid_until.type),
            ),
        )
        .cte("rights")
    )
    named = select(rights.c.payer_account_id).where(rights.c.payer_account_id.is_not(None))
    payers = select(households.c.account_id).union(named).cte("payers")
    looking_back = select(here.c.id).where(
        or_(here.c.double_tap_s > 0, here.c.passback_minutes > 0, here.c.guardian_age > 0)
    )
    counting = select(here.c.area_id).where(here.c.area_id.is_not(None), here.c.direction != Direction.BOTH)
    people_behind = (
        select(PEOPLE.id)
        .where(found_in(PEOPLE.id, select(people.c.person_id), dialect), looking_back.exists())
        .order_by(PEOPLE.id)
    )
    counted = (
        select(RIGHTS.id, RIGHTS.entries_left)
        .where(found_in(RIGHTS.id, select(rights.c.id).where(rights.c.entries_left.is_not(None)), dialect))
        .order_by(RIGHTS.id)
    )
    wallets = (
        select(WALLETS.id, WALLETS.family_account_id, WALLETS.service_code, WALLETS.balance_cents, WALLETS.floor_cents)
        .where(
            found_in(WALLETS.family_account_id, select(payers.c.account_id), dialect),
            found_in(WALLETS.service_code, services, dialect),
        )
        .order_by(WALLETS.id)
    )
    areas = (
        select(AREAS.id, AREAS.inside, AREAS.counted_at, AREAS.closes_at)
        .where(found_in(AREAS.id, counting, dialect))
        .order_by(AREAS.id)
    )
    locked: dict[str, Select[Any]] = {"counted": counted, "wallets": wallets}
    if lock:
        locked = {
            # Not against rows that name somebody: they take a weaker lock on the person than a change of them does.
            "locked_people": people_behind.with_for_update(key_share=True),
            **{name: part.with_for_update() for name, part in (locked | {"areas": areas}).items()},
        }
    return Together(
        dialect,
        {
            **locked,
            "points": _points(today, here.c),
            "cards": _cards(one_of(CARDS.uid, "uids", dialect)),
            "ticked": select(PEOPLE.id, PEOPLE.deceased_on, PEOPLE.birth_date, COMMUNES.in_territory)
            .outerjoin_from(PEOPLE.id.table, COMMUNES.insee.table, COMMUNES.insee == PEOPLE.commune_insee)
            .where(one_of(PEOPLE.id, "people", dialect)),
            "households": select(households.c.person_id, households.c.account_id).order_by(
                households.c.valid_from, households.c.account_id
            ),
            "rights": select(*rights.c),
            "attendances": select(ATTENDANCES.person_id, ATTENDANCES.service_code, ATTENDANCES.status).where(
                found_in(ATTENDANCES.person_id, select(people.c.person_id), dialect),
                found_in(ATTENDANCES.service_code, services, dialect),
                ATTENDANCES.day == today,
            ),
            "holders": holders(dialect),
            "known": select(TAPS.c.id).where(one_of(TAPS.c.id, "taps", dialect)),
            "revenues": select(here.c.service_code, LEDGER.id).join_from(
                here,
                LEDGER.id.table,
                LEDGER.code == literal(REVENUE).concat(type_coerce(here.c.service_code, String())),
            ),
        },
    )


def _points(today: ColumnElement[Any], here: ReadOnlyColumnCollection[str, Any]) -> Select[Any]:
    return select(
        here.id,
        here.kind,
        here.service_code,
        _policy_on(here.service_code, today),
        here.assurance,
        here.mode,
        here.shows_balance,
        here.site,
        here.direction,
        here.area_id,
        AREAS.capacity,
        here.passback_minutes,
        here.double_tap_s,
        here.guardian_age,
        here.guardian_minutes,
        here.clock_tolerance_s,
        here.offline_fallback,
        here.reserved_only,
        here.price_code,
        _tariff_on(here.service_code, today),
    ).outerjoin_from(here.id.table, AREAS.id.table, AREAS.id == here.area_id)


def _cards(presented: ColumnElement[bool]) -> Select[Any]:
    return (
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
        .join_from(CARDS.id.table, PEOPLE.id.table, PEOPLE.id == CARDS.person_id)
        .outerjoin(COMMUNES.insee.table, COMMUNES.insee == PEOPLE.commune_insee)
        .where(presented)
    )


def _policy_on(service: ColumnElement[Any], today: ColumnElement[Any]) -> ColumnElement[Any]:
    return (
        select(POLICIES.policy)
        .where(POLICIES.service_code == service, POLICIES.valid_from <= today)
        .order_by(POLICIES.valid_from.desc())
        .limit(1)
        .scalar_subquery()
        .label("policy")
    )


def _tariff_on(service: ColumnElement[Any], today: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the text of the tariff in force: `read_tariff` keeps what it read, so that a tap parses none."""
    return (
        select(VERSIONS.text)
        .join_from(ADOPTIONS.version_id.table, VERSIONS.id.table, VERSIONS.id == ADOPTIONS.version_id)
        .where(ADOPTIONS.service_code == service, ADOPTIONS.valid_from <= today)
        .order_by(ADOPTIONS.valid_from.desc(), ADOPTIONS.adopted_at.desc(), VERSIONS.number.desc())
        .limit(1)
        .scalar_subquery()
        .label("tariff")
    )

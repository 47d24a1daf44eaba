"""Accords, civil identities and what was asked, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.once import insert_once
from cvq_core.particulier.rules import (
    AccordManner,
    AccordMissing,
    BadIdentity,
    Identity,
    NotTheirAccount,
    Outcome,
    Sex,
    birth_place,
)
from cvq_core.particulier.tables import CivilIdentity, QuotientAccord, QuotientInquiry, QuotientRefresh
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import members_of, person_by_id
from cvq_core.people.tables import FamilyAccount, Person

SPEAKING = (FamilyRole.GUARDIAN, FamilyRole.PAYER)
INQUIRIES_SHOWN = 20
UNANSWERED_SHOWN = 300


@dataclass(frozen=True, slots=True)
class NewAccord:
    """What somebody agreed to. `id` is made by who asks."""

    id: UUID
    account_id: UUID
    person_id: UUID
    sex: Sex
    country: str
    commune: str | None
    manner: AccordManner
    recorded_by: UUID | None
    visit_id: UUID | None = None


async def speakers(db: AsyncSession, account_id: UUID, on: date) -> list[Person]:
    """Return who may agree for an account: its guardians and payers, each once."""
    found = {person.id: person for person, member in await members_of(db, account_id, on) if member.role in SPEAKING}
    return list(found.values())


async def note_accord(db: AsyncSession, accord: NewAccord, *, now: datetime) -> QuotientAccord:
    """Note that somebody was informed and agreed, with what of their civil status an inquiry needs.

    Raises:
        NotTheirAccount: neither a guardian nor a payer of the account.
        BadIdentity: no birth date, or a birth place that is none.
        IdempotencyMismatch: this id came with something else.
    """
    person = next(
        (each for each in await speakers(db, accord.account_id, local_day(now)) if each.id == accord.person_id), None
    )
    if person is None:
        raise NotTheirAccount
    if person.birth_date is None:
        raise BadIdentity
    country, commune = birth_place(accord.country, accord.commune)
    row = await _write(db, accord.id, accord.account_id, accord.person_id, accord, agreed=True, now=now)
    known = await db.get(CivilIdentity, accord.person_id)
    if known is None:
        known = CivilIdentity(person_id=accord.person_id, sex=accord.sex, birth_country=country, birth_commune=commune)
        db.add(known)
    known.sex, known.birth_country, known.birth_commune = accord.sex, country, commune
    await db.flush()
    return row


async def end_accord(
    db: AsyncSession, accord_id: UUID, account_id: UUID, *, recorded_by: UUID | None, now: datetime
) -> QuotientAccord:
    """Note that an account no longer agrees; the civil identity that was kept for it is deleted.

    Raises:
        AccordMissing: there is none that holds.
    """
    known = await db.get(QuotientAccord, accord_id)
    if known is not None:
        return known
    standing = await standing_accord(db, account_id)
    if standing is None:
        raise AccordMissing
    given = NewAccord(
        accord_id, account_id, standing.person_id, Sex.FEMALE, "", None, AccordManner.COUNTER, recorded_by
    )
    row = await _write(db, accord_id, account_id, standing.person_id, given, agreed=False, now=now)
    others = await db.scalars(select(QuotientAccord.account_id).where(QuotientAccord.person_id == standing.person_id))
    for other in set(others):
        elsewhere = await standing_accord(db, other)
        if elsewhere is not None and elsewhere.person_id == standing.person_id:
            return row
    await db.execute(delete(CivilIdentity).where(CivilIdentity.person_id == standing.person_id))
    return row


async def standing_accord(db: AsyncSession, account_id: UUID) -> QuotientAccord | None:
    """Return the accord that holds for an account; None when there is none, or it was taken back."""
    last: QuotientAccord | None = await db.scalar(
        select(QuotientAccord)
        .where(QuotientAccord.account_id == account_id)
        .order_by(QuotientAccord.recorded_at.desc(), QuotientAccord.id.desc())
        .limit(1)
    )
    return last if last is not None and last.agreed else None


async def identity_of(db: AsyncSession, person_id: UUID) -> Identity:
    """Return somebody as an inquiry names them.

    Raises:
        BadIdentity: something of it is not known any more.
    """
    person, civil = await person_by_id(db, person_id), await db.get(CivilIdentity, person_id)
    names = tuple(person.given_names.replace(",", " ").split())
    if civil is None or person.birth_date is None or not names:
        raise BadIdentity
    return Identity(person.family_name, names, person.birth_date, civil.sex, civil.birth_country, civil.birth_commune)


async def agreeing_accounts(db: AsyncSession) -> list[UUID]:
    """Return the open accounts whose accord holds, in a fixed order."""
    newest = select(
        QuotientAccord.account_id,
        QuotientAccord.agreed,
        func.row_number()
        .over(
            partition_by=QuotientAccord.account_id,
            order_by=(QuotientAccord.recorded_at.desc(), QuotientAccord.id.desc()),
        )
        .label("place"),
    ).subquery()
    rows = await db.scalars(
        select(newest.c.account_id)
        .join(FamilyAccount, FamilyAccount.id == newest.c.account_id)
        .where(newest.c.place == 1, newest.c.agreed, FamilyAccount.closed_on.is_(None))
        .order_by(newest.c.account_id)
    )
    return list(rows)


async def inquiries_of(db: AsyncSession, account_id: UUID) -> list[QuotientInquiry]:
    """Return the latest inquiries of an account, the newest first."""
    rows = await db.scalars(
        select(QuotientInquiry)
        .where(QuotientInquiry.account_id == account_id)
        .order_by(QuotientInquiry.asked_at.desc(), QuotientInquiry.id)
        .limit(INQUIRIES_SHOWN)
    )
    return list(rows)


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """How far a round is: how many of each outcome, and the families to see by hand."""

    refresh: QuotientRefresh
    counts: dict[Outcome, int]
    unanswered: list[tuple[FamilyAccount, Outcome]]

    @property
    def done(self) -> int:
        """How many families were asked about with an answer that stands."""
        return sum(count for outcome, count in self.counts.items() if outcome.is_final)


async def latest_refresh(db: AsyncSession) -> RefreshReport | None:
    """Return the report of the round that was started last."""
    refresh: QuotientRefresh | None = await db.scalar(
        select(QuotientRefresh).order_by(QuotientRefresh.started_at.desc(), QuotientRefresh.id).limit(1)
    )
    if refresh is None:
        return None
    mine = QuotientInquiry.refresh_id == refresh.id
    counted = await db.execute(
        select(QuotientInquiry.outcome, func.count())
        .where(mine, QuotientInquiry.outcome.is_not(None))
        .group_by(QuotientInquiry.outcome)
    )
    rows = await db.execute(
        select(FamilyAccount, QuotientInquiry.outcome)
        .join(QuotientInquiry, QuotientInquiry.account_id == FamilyAccount.id)
        .where(mine, QuotientInquiry.outcome.in_([Outcome.NOT_FOUND, Outcome.BAD_IDENTITY]))
        .order_by(FamilyAccount.number)
        .limit(UNANSWERED_SHOWN)
    )
    counts = {outcome: count for outcome, count in counted if outcome is not None}
    return RefreshReport(refresh, counts, [(account, outcome) for account, outcome in rows if outcome is not None])


async def _write(
    db: AsyncSession,
    accord_id: UUID,
    account_id: UUID,
    person_id: UUID,
    accord: NewAccord,
    *,
    agreed: bool,
    now: datetime,
) -> QuotientAccord:
    content = {"account_id": account_id, "person_id": person_id, "agreed": agreed, "manner": accord.manner}
    told = {"recorded_at": now, "recorded_by": accord.recorded_by, "visit_id": accord.visit_id}
    await insert_once(db, QuotientAccord.__table__, {"id": accord_id, **content, **told})
    row = await db.get(QuotientAccord, accord_id)
    assert row is not None, "it was just inserted"
    if any(getattr(row, name) != value for name, value in content.items()):
        raise IdempotencyMismatch
    return row

"""Accords, civil identities and what was asked, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import Subquery, delete, func, or_, select
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
    Sex,
    birth_place,
)
from cvq_core.particulier.tables import CivilIdentity, QuotientAccord, QuotientInquiry
from cvq_core.people.arrangements import accounts_within
from cvq_core.people.names import folded
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import AccountClosed, UnknownFamilyAccount, in_force, members_of, person_by_id
from cvq_core.people.tables import Commune, FamilyAccount, Membership, Person

SPEAKING = (FamilyRole.GUARDIAN, FamilyRole.PAYER)
INQUIRIES_SHOWN = 20
WORDS_SHOWN = 50
INSEE_LENGTH = 5
COMMUNES_MAX = 1_000


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
    """Return whose quotient is the account's, and who may therefore agree: its guardians, each once.

    Its payers where it has no guardian; a grandmother who pays beside the parents has a quotient of her own.
    """
    held = await members_of(db, account_id, on)
    for role in SPEAKING:
        if found := {person.id: person for person, member in held if member.role is role}:
            return list(found.values())
    return []


async def note_accord(db: AsyncSession, accord: NewAccord, *, once: bool = False, now: datetime) -> QuotientAccord:
    """Note that somebody was informed and agreed, with what of their civil status an inquiry needs.

    What they agreed to `once` is good for one question, and nothing of their civil status is kept.

    Raises:
        UnknownFamilyAccount, AccountClosed
        NotTheirAccount: their quotient is not the account's, see `speakers`.
        BadIdentity: no birth date, or a birth place that is none.
        IdempotencyMismatch: this id came with something else.
    """
    await _open_account(db, accord.account_id)
    person = next(
        (each for each in await speakers(db, accord.account_id, local_day(now)) if each.id == accord.person_id), None
    )
    if person is None:
        raise NotTheirAccount
    if person.birth_date is None:
        raise BadIdentity
    country, commune = birth_place(accord.country, accord.commune)
    row, is_new = await _write(db, accord, agreed=True, once=once, now=now)
    if once or not is_new:
        return row
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

    Accounts that were merged into it no longer agree either: their mergers may yet be undone.

    Raises:
        AccordMissing: there is none that holds.
        IdempotencyMismatch: this id came with something else.
    """
    await lock_account(db, account_id)
    known = await db.get(QuotientAccord, accord_id)
    if known is not None:
        if known.account_id != account_id or known.agreed:
            raise IdempotencyMismatch
        return known
    last = await latest_word(db, account_id)
    if last is None or not last.agreed:
        raise AccordMissing
    row = await take_word_back(db, accord_id, last, recorded_by=recorded_by, now=now)
    for other in await accounts_within(db, account_id) - {account_id}:
        word = await latest_word(db, other)
        if word is not None and word.agreed:
            await take_word_back(db, uuid5(accord_id, other.hex), word, recorded_by=recorded_by, now=now)
    return row


async def take_word_back(
    db: AsyncSession, accord_id: UUID, last: QuotientAccord, *, recorded_by: UUID | None, now: datetime
) -> QuotientAccord:
    """Note that what somebody agreed to holds no longer; forget their civil identity where nothing else needs it."""
    no_more = NewAccord(
        accord_id, last.account_id, last.person_id, Sex.FEMALE, "", None, AccordManner.COUNTER, recorded_by
    )
    row, _ = await _write(db, no_more, agreed=False, once=False, now=now)
    others = await db.scalars(select(QuotientAccord.account_id).where(QuotientAccord.person_id == last.person_id))
    for other in set(others):
        elsewhere = await latest_word(db, other)
        if elsewhere is not None and elsewhere.agreed and elsewhere.person_id == last.person_id:
            return row
    await db.execute(delete(CivilIdentity).where(CivilIdentity.person_id == last.person_id))
    return row


async def repeat_word(
    db: AsyncSession,
    accord_id: UUID,
    word: QuotientAccord,
    account_id: UUID,
    *,
    recorded_by: UUID | None,
    now: datetime,
) -> QuotientAccord:
    """Note for another account of the same household what somebody agreed to for theirs."""
    again = NewAccord(
        accord_id, account_id, word.person_id, Sex.FEMALE, "", None, word.manner, recorded_by, word.visit_id
    )
    row, _ = await _write(db, again, agreed=True, once=False, now=now)
    return row


async def latest_word(db: AsyncSession, account_id: UUID) -> QuotientAccord | None:
    """Return what an account said last of lasting inquiries, whether it agreed or took that back."""
    last: QuotientAccord | None = await db.scalar(
        select(QuotientAccord)
        .where(QuotientAccord.account_id == account_id, QuotientAccord.once.is_(False))
        .order_by(QuotientAccord.recorded_at.desc(), QuotientAccord.id.desc())
        .limit(1)
    )
    return last


async def standing_accord(db: AsyncSession, account_id: UUID, on: date) -> QuotientAccord | None:
    """Return the accord that holds for an account on a day.

    None when there is none, it was taken back, the account is closed, or whoever gave it does not speak for the
    account any more: the quotient of a parent who left must not come into the other one's account.
    """
    last = await latest_word(db, account_id)
    if last is None or not last.agreed:
        return None
    account = await db.get_one(FamilyAccount, account_id)
    if account.closed_on is not None or last.person_id not in {each.id for each in await speakers(db, account_id, on)}:
        return None
    return last


async def words_of(db: AsyncSession, account_id: UUID) -> list[QuotientAccord]:
    """Return what an account and those that were merged into it agreed to and took back, the latest first."""
    rows = await db.scalars(
        select(QuotientAccord)
        .where(QuotientAccord.account_id.in_(await accounts_within(db, account_id)))
        .order_by(QuotientAccord.recorded_at.desc(), QuotientAccord.id.desc())
        .limit(WORDS_SHOWN)
    )
    return list(rows)


async def lock_account(db: AsyncSession, account_id: UUID) -> FamilyAccount:
    """Return an account as it is now, locked to the end of the transaction: no merger passes it meanwhile.

    Raises:
        UnknownFamilyAccount
    """
    account: FamilyAccount | None = await db.scalar(
        select(FamilyAccount)
        .where(FamilyAccount.id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if account is None:
        raise UnknownFamilyAccount
    return account


async def _open_account(db: AsyncSession, account_id: UUID) -> FamilyAccount:
    account = await lock_account(db, account_id)
    if account.closed_on is not None:
        raise AccountClosed(number=account.number)
    return account


async def commune_code(db: AsyncSession, typed: str) -> str:
    """Return the INSEE code of a commune that was typed as its code, or by its name where it is one that is known.

    Raises:
        BadIdentity: no code, and no commune that is known has this name, or several have.
    """
    if len(typed) == INSEE_LENGTH:
        return typed.upper()
    rows = await db.execute(select(Commune.insee, Commune.name).limit(COMMUNES_MAX))
    found = [insee for insee, name in rows if folded(name) == folded(typed)]
    if len(found) != 1:
        raise BadIdentity
    return found[0]


async def identity_of(db: AsyncSession, person_id: UUID) -> Identity:
    """Return somebody as an inquiry names them.

    Raises:
        BadIdentity: something of it is not known any more.
    """
    civil = await db.get(CivilIdentity, person_id)
    if civil is None:
        raise BadIdentity
    return _identity(await person_by_id(db, person_id), civil.sex, civil.birth_country, civil.birth_commune)


async def identity_told(db: AsyncSession, accord: NewAccord) -> Identity:
    """Return somebody as an inquiry names them, with what they told of themselves just now.

    Raises:
        BadIdentity: something of it is missing.
    """
    country, commune = birth_place(accord.country, accord.commune)
    return _identity(await person_by_id(db, accord.person_id), accord.sex, country, commune)


def _identity(person: Person, sex: Sex, country: str, commune: str | None) -> Identity:
    names = tuple(person.given_names.replace(",", " ").split())
    if person.birth_date is None or not names:
        raise BadIdentity
    return Identity(person.family_name, names, person.birth_date, sex, country, commune)


async def agreeing_accounts(db: AsyncSession, on: date) -> list[UUID]:
    """Return the open accounts whose accord holds on a day, in a fixed order."""
    newest = _newest_words()
    held = select(Membership.id).where(Membership.account_id == newest.c.account_id, in_force(on))
    own, guardian = Membership.person_id == newest.c.person_id, Membership.role == FamilyRole.GUARDIAN
    pays_alone = held.where(own, Membership.role == FamilyRole.PAYER).exists() & ~held.where(guardian).exists()
    speaks = or_(held.where(own, guardian).exists(), pays_alone)
    rows = await db.scalars(
        select(newest.c.account_id)
        .join(FamilyAccount, FamilyAccount.id == newest.c.account_id)
        .where(newest.c.place == 1, newest.c.agreed, FamilyAccount.closed_on.is_(None), speaks)
        .order_by(newest.c.account_id)
    )
    return list(rows)


def _newest_words() -> Subquery:
    """Return the lasting words of all accounts; `place` 1 is an account's latest."""
    return (
        select(
            QuotientAccord.account_id,
            QuotientAccord.person_id,
            QuotientAccord.agreed,
            func.row_number()
            .over(
                partition_by=QuotientAccord.account_id,
                order_by=(QuotientAccord.recorded_at.desc(), QuotientAccord.id.desc()),
            )
            .label("place"),
        )
        .where(QuotientAccord.once.is_(False))
        .subquery()
    )


async def inquiries_of(db: AsyncSession, account_id: UUID) -> list[QuotientInquiry]:
    """Return the latest inquiries of an account and of those that were merged into it, the newest first."""
    rows = await db.scalars(
        select(QuotientInquiry)
        .where(QuotientInquiry.account_id.in_(await accounts_within(db, account_id)))
        .order_by(QuotientInquiry.asked_at.desc(), QuotientInquiry.id)
        .limit(INQUIRIES_SHOWN)
    )
    return list(rows)


async def _write(
    db: AsyncSession, accord: NewAccord, *, agreed: bool, once: bool, now: datetime
) -> tuple[QuotientAccord, bool]:
    """Write what an account said, once; return its row and whether it is new. The account is locked."""
    last = await latest_word(db, accord.account_id)
    if last is not None:
        # Said after it, whatever the clocks of two servers show.
        now = max(now, last.recorded_at + timedelta(microseconds=1))
    content = {
        "account_id": accord.account_id,
        "person_id": accord.person_id,
        "agreed": agreed,
        "manner": accord.manner,
        "once": once,
    }
    told = {"recorded_at": now, "recorded_by": accord.recorded_by, "visit_id": accord.visit_id}
    is_new = await insert_once(db, QuotientAccord.__table__, {"id": accord.id, **content, **told})
    row = await db.get(QuotientAccord, accord.id)
    assert row is not None, "it was just inserted"
    if any(getattr(row, name) != value for name, value in content.items()):
        raise IdempotencyMismatch
    return row, is_new

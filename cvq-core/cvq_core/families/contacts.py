"""Where a family lives and is written to, and people whom nobody had written down before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.access.changes import note_change
from cvq_core.clock import local_day
from cvq_core.errors import BadInput
from cvq_core.families.departures import add_member
from cvq_core.families.rules import BadFamilyDay
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import add_person, in_force, open_family_account
from cvq_core.people.tables import Commune, FamilyAccount, Membership, Person

LIVE_THERE = (FamilyRole.GUARDIAN, FamilyRole.CHILD)


@dataclass(frozen=True, slots=True)
class Home:
    """Where people live; the commune by its INSEE code."""

    address: str | None
    postcode: str | None
    commune_insee: str | None


NO_HOME = Home(None, None, None)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody as they stand on a paper."""

    family_name: str
    given_names: str
    usual_name: str | None
    birth_date: date | None


async def at_home(db: AsyncSession, account_id: UUID, on: date) -> list[Person]:
    """Return the guardians and children who live with an account's family alone, guardians first.

    A child of two accounts has two addresses, and which one stands with it is not this family's to say.
    """
    other = aliased(Membership)
    elsewhere = select(other.id).where(
        other.person_id == Person.id,
        other.account_id != account_id,
        other.role.in_(LIVE_THERE),
        other.valid_from <= on,
        (other.valid_until.is_(None)) | (other.valid_until >= on),
    )
    rows = await db.execute(
        select(Person, Membership.role)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.account_id == account_id,
            Membership.role.in_(LIVE_THERE),
            Person.deceased_on.is_(None),
            in_force(on),
            ~elsewhere.exists(),
        )
        .order_by(Person.birth_date, Person.search_key)
    )
    found = rows.all()
    ordered = [row[0] for role in LIVE_THERE for row in found if row[1] is role]
    return list(dict.fromkeys(ordered))


async def home_of(db: AsyncSession, account_id: UUID, on: date) -> tuple[Home, list[Person]]:
    """Return where a family lives, as far as it is known, and those of `at_home` whose home it is, or who have none."""
    people = await at_home(db, account_id, on)
    homes = {person.id: Home(person.address, person.postcode, person.commune_insee) for person in people}
    home = next((each for each in homes.values() if each != NO_HOME), NO_HOME)
    return home, [person for person in people if homes[person.id] in (home, NO_HOME)]


async def change_contact(
    db: AsyncSession, account_id: UUID, *, label: str, email: str | None, home: Home, now: datetime
) -> tuple[str, ...]:
    """Write a family's name, e-mail address and home anew, and return what of them changed; twice is once.

    A new home is that of everybody whom `home_of` returns: who has another one by now keeps it.

    Raises:
        UnknownFamilyAccount, AccountClosed
        BadInput: no commune has this code.
    """
    account = await open_family_account(db, account_id)
    if home.commune_insee is not None and await db.get(Commune, home.commune_insee) is None:
        raise BadInput(fields={"commune": BadInput.message})
    changed: list[str] = []
    if account.label != label:
        account.label = label
        changed.append("label")
    if account.email != email:
        account.email = email
        changed.append("email")
    former, people = await home_of(db, account_id, local_day(now))
    if home != former and people:
        changed.append("home")
        for person in people:
            person.address, person.postcode, person.commune_insee = home.address, home.postcode, home.commune_insee
        note_change(db, now=now, persons=[person.id for person in people])
    await db.flush()
    return tuple(changed)


async def add_new_person(
    db: AsyncSession, person_id: UUID, *, account_id: UUID, person: NewPerson, role: FamilyRole, now: datetime
) -> Membership:
    """Write down somebody whom nobody knew, as belonging to an account from today on; the same id is the same person.

    Whoever lives with the family gets its home.

    Raises:
        UnknownFamilyAccount, AccountClosed
        BadFamilyDay: born after today.
        IdempotencyMismatch: this id is somebody else.
    """
    account: FamilyAccount = await open_family_account(db, account_id)
    today = local_day(now)
    if person.birth_date is not None and person.birth_date > today:
        raise BadFamilyDay
    known = await db.get(Person, person_id)
    if known is None:
        home, _ = await home_of(db, account.id, today) if role in LIVE_THERE else (NO_HOME, [])
        written = Person(
            id=person_id,
            family_name=person.family_name,
            given_names=person.given_names,
            usual_name=person.usual_name,
            birth_date=person.birth_date,
            address=home.address,
            postcode=home.postcode,
            commune_insee=home.commune_insee,
        )
        await add_person(db, written)
    elif NewPerson(known.family_name, known.given_names, known.usual_name, known.birth_date) != person:
        raise IdempotencyMismatch
    return await add_member(
        db, uuid5(person_id, str(account_id)), account_id=account_id, person_id=person_id, role=role, now=now
    )

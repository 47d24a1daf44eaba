"""Town halls, organisations, staff and appointments for tests: each function makes one real thing and returns it."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.rules import check_digit, next_status
from cvq_core.cards.store import add_card, locked_card
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.people.store import add_person
from cvq_core.people.tables import Commune, Person
from cvq_core.staff.rules import ROLE_SCOPE, Grant, Principal, Role, Scope
from cvq_core.staff.store import add_staff, grant
from cvq_core.staff.tables import Staff
from cvq_desk.booking.rules import AppointmentStatus
from cvq_desk.booking.tables import Appointment, Booth, OpeningHours, Organisation, Reason, TownHall
from tests.core_examples import NOW, TODAY

PASSWORD = "trois mots sans lien"
WEEKDAYS = tuple(range(5))
MORNING = (time(9), time(12))
AFTERNOON = (time(14), time(17))

# Hashing is slow on purpose, 0.2 s for each sign-in; the tests sign in a thousand times, with one password.
_PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


async def make_commune(db: AsyncSession, insee: str = "79195", name: str = "Parthenay") -> Commune:
    known = await db.get(Commune, insee)
    if known is not None:
        return known
    commune = Commune(insee=insee, name=name, postcode="79200", in_territory=True)
    db.add(commune)
    await db.flush()
    return commune


async def make_town_hall(
    db: AsyncSession,
    name: str = "Mairie du Tallud",
    *,
    spans: tuple[tuple[time, time], ...] = (MORNING, AFTERNOON),
    weekdays: tuple[int, ...] = WEEKDAYS,
) -> TownHall:
    """A town hall that is open from Monday to Friday, mornings and afternoons."""
    town_hall = TownHall(
        id=new_id(),
        name=name,
        address="1 place de l’Église\n79200 Le Tallud",
        phone="05 49 64 00 00",
        commune_insee="79322",
    )
    db.add(town_hall)
    await db.flush()
    for weekday in weekdays:
        for opens_at, closes_at in spans:
            db.add(
                OpeningHours(
                    id=new_id(), town_hall_id=town_hall.id, weekday=weekday, opens_at=opens_at, closes_at=closes_at
                )
            )
    await db.flush()
    return town_hall


async def make_booth(db: AsyncSession, town_hall: TownHall, name: str = "Guichet du Tallud") -> Booth:
    booth = Booth(id=new_id(), town_hall_id=town_hall.id, name=name)
    db.add(booth)
    await db.flush()
    return booth


async def make_organisation(
    db: AsyncSession,
    code: str = "msa",
    name: str = "Mutualité sociale agricole",
    short_name: str = "MSA",
    *,
    is_community: bool = False,
) -> Organisation:
    organisation = Organisation(
        id=new_id(), code=code, name=name, short_name=short_name, phone="05 49 00 00 01", is_community=is_community
    )
    db.add(organisation)
    await db.flush()
    return organisation


async def make_reason(
    db: AsyncSession,
    organisation: Organisation,
    label: str = "Retraite agricole",
    *,
    minutes: int = 30,
    bring: tuple[str, ...] = ("Une pièce d’identité", "Le dernier relevé de carrière"),
    forms: tuple[str, ...] = (),
) -> Reason:
    reason = Reason(
        id=new_id(),
        organisation_id=organisation.id,
        code=label.lower().replace(" ", "-")[:40],
        label=label,
        minutes=minutes,
        bring=list(bring),
        forms=list(forms),
    )
    db.add(reason)
    await db.flush()
    return reason


async def make_staff(
    db: AsyncSession, role: Role, scope_id: UUID | None, login: str | None = None, name: str = "Sylvie Martin"
) -> Staff:
    """Somebody with one role at one place, whose password is `PASSWORD`."""
    staff = await add_staff(
        db,
        login=login or f"{role.value}-{new_id().hex[-8:]}",
        display_name=name,
        password=PASSWORD,
        password_hash=_PASSWORD_HASH,
        now=NOW,
    )
    grant(db, staff.id, role, Scope(ROLE_SCOPE[role], scope_id), now=NOW)
    await db.flush()
    return staff


def principal_of(staff: Staff, role: Role, scope_id: UUID | None) -> Principal:
    """Who a request of this person would come from."""
    scope = Scope(ROLE_SCOPE[role], scope_id)
    return Principal("staff", staff.id, staff.display_name, grants=(Grant(role, scope, NOW),))


async def make_person(
    db: AsyncSession,
    family_name: str = "Moreau",
    given_names: str = "Jeanne",
    born: date = date(1941, 5, 12),
    commune: Commune | None = None,
) -> Person:
    person = Person(
        id=new_id(),
        family_name=family_name,
        given_names=given_names,
        birth_date=born,
        commune_insee=commune.insee if commune else None,
    )
    await add_person(db, person)
    return person


async def make_card(db: AsyncSession, person: Person, digits: str = "482130577", uid: str = "04A2241AC35E80") -> Card:
    """A card of a person; `digits` are its number without the check digit."""
    return await add_card(
        db,
        card_id=new_id(),
        person_id=person.id,
        number=digits + check_digit(digits),
        uid=uid,
        valid_from=date(2020, 1, 1),
        valid_until=date(TODAY.year + 5, 1, 1),
        now=NOW,
    )


async def replace_card(
    db: AsyncSession, old_card_id: UUID, *, card_id: UUID, number: str, uid: str, valid_until: date, now: datetime
) -> Card:
    """Another card in the place of one that somebody has, as if it had been ordered, made and handed over."""
    old = await locked_card(db, old_card_id)
    status = next_status(old.status, "replace")
    new = await add_card(
        db,
        card_id=card_id,
        person_id=old.person_id,
        number=number,
        uid=uid,
        valid_from=local_day(now),
        valid_until=valid_until,
        now=now,
    )
    old.status, old.status_since, old.blocked_reason, old.replaced_by_id = status, now, None, new.id
    await db.flush()
    return new


async def make_appointment(
    db: AsyncSession,
    booth: Booth,
    organisation: Organisation,
    booked_by: Staff,
    *,
    name: str = "Jeanne Moreau",
    person: Person | None = None,
    reason: Reason | None = None,
    starts_at: datetime = NOW,
    minutes: int = 30,
    status: AppointmentStatus = AppointmentStatus.EXPECTED,
    walk_in: bool = False,
) -> Appointment:
    present = status in (AppointmentStatus.ARRIVED, AppointmentStatus.SEATED)
    appointment = Appointment(
        id=new_id(),
        booth_id=booth.id,
        organisation_id=organisation.id,
        reason_id=reason.id if reason else None,
        person_id=person.id if person else None,
        resident_name=name,
        starts_at=starts_at,
        minutes=minutes,
        walk_in=walk_in,
        status=status.value,
        booked_by=booked_by.id,
        booked_at=NOW,
        arrived_at=NOW if present else None,
        seated_at=NOW if status is AppointmentStatus.SEATED else None,
    )
    db.add(appointment)
    await db.flush()
    return appointment

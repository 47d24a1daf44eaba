"""Finding people, writing them, and their families."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, delete, func, insert, intersect, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.errors import N_, NotFound, Refusal
from cvq_core.people.names import near_words, search_key, search_words
from cvq_core.people.query import Birth, PersonQuery, parse_query
from cvq_core.people.tables import Commune, FamilyAccount, FamilyQuotient, Membership, Person, PersonWord

FOUND_MAX = 20
KNOWN_WORDS_MAX = 20_000
NEAR_WORDS_MAX = 40


class UnknownPerson(NotFound):
    """Nobody has this id."""

    slug = "unknown-person"
    message = N_("Cette personne n’est pas connue.")
    what_to_do = N_("Cherchez-la par son nom et sa date de naissance, ou inscrivez-la sans compte.")


class UnknownFamilyAccount(NotFound):
    """No family account has this id."""

    slug = "unknown-family-account"
    message = N_("Ce compte famille n’existe pas.")
    what_to_do = N_("Cherchez la personne, puis choisissez son compte.")


class AccountClosed(Refusal):
    """The account is closed."""

    slug = "account-closed"
    message = N_("Le compte {number} est fermé.")
    what_to_do = N_("Un compte fermé se lit toujours, et ne change plus. Si la famille revient, sa page le rouvre.")


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A person as a list of results shows them: homonyms differ by birth date and commune."""

    person: Person
    commune: str | None


@dataclass(frozen=True, slots=True)
class PeopleFound:
    """What a search found, at most `FOUND_MAX`; `more` when there are others, `approximate` when letters differ."""

    people: list[PersonFound]
    more: bool
    approximate: bool
    query: PersonQuery


async def find_people(
    db: AsyncSession,
    text: str,
    *,
    today: date,
    birth_date: date | None = None,
    include_deceased: bool = False,
    limit: int = FOUND_MAX,
) -> PeopleFound:
    """Find people by name parts and birth date in any order and usual writing (`cvq_core.people.query`).

    Whole words come first, then words that begin so; when there are none, words that differ by a slip of the keys.
    """
    query = parse_query(text, today)
    born = Birth(days=(birth_date,)) if birth_date is not None else query.birth
    if not query.words and born is None:
        return PeopleFound([], more=False, approximate=False, query=query)
    limit = max(1, min(limit, FOUND_MAX))

    async def search(words: Iterable[ColumnElement[bool]], found: Sequence[PersonFound]) -> list[PersonFound]:
        wanted = _people_with(words, born, include_deceased)
        if found:
            wanted = wanted.where(Person.id.not_in([each.person.id for each in found]))
        rows = await db.execute(wanted.order_by(Person.search_key, Person.id).limit(limit + 1 - len(found)))
        return [*found, *(PersonFound(*row) for row in rows)]

    approximate = False
    people = await search([PersonWord.word == word for word in query.words], [])
    if query.words and len(people) <= limit:
        people = await search([_begins_with(word) for word in query.words], people)
    if query.words and not people:
        slips = [await _near(db, word) for word in query.words]
        if any(slips):
            approximate = True
            conditions = [
                or_(_begins_with(word), PersonWord.word.in_(near))
                for word, near in zip(query.words, slips, strict=True)
            ]
            people = await search(conditions, [])
    return PeopleFound(people[:limit], more=len(people) > limit, approximate=approximate, query=query)


def _people_with(
    words: Iterable[ColumnElement[bool]], born: Birth | None, include_deceased: bool
) -> Select[Person, str | None]:
    commune: ColumnElement[str | None] = type_coerce(Commune.name, String)
    wanted = select(Person, commune).outerjoin(Commune, Commune.insee == Person.commune_insee)
    found = [select(PersonWord.person_id).where(word) for word in words]
    if found:
        # Materialized, or PostgreSQL reads everybody in the order of the list until enough have the words.
        named = intersect(*found).cte("named") if len(found) > 1 else found[0].distinct().cte("named")
        named = named.prefix_with("MATERIALIZED")
        wanted = wanted.join(named, named.c.person_id == Person.id)
    if born is not None and born.days:
        wanted = wanted.where(Person.birth_date.in_(born.days))
    elif born is not None:
        wanted = wanted.where(Person.birth_date.between(born.first, born.last))
    return wanted if include_deceased else wanted.where(Person.deceased_on.is_(None))


def _begins_with(word: str) -> ColumnElement[bool]:
    # A range, which an index answers on both databases; words are made of a-z and 0-9 alone.
    return (PersonWord.word >= word) & (PersonWord.word < word[:-1] + chr(ord(word[-1]) + 1))


async def _near(db: AsyncSession, word: str) -> list[str]:
    # The first letter is taken as right, which keeps this to one range of the index.
    known = select(PersonWord.word).distinct().where(_begins_with(word[0])).limit(KNOWN_WORDS_MAX)
    return near_words(word, await db.scalars(known))[:NEAR_WORDS_MAX]


async def person_by_id(db: AsyncSession, person_id: UUID) -> Person:
    """Return one person.

    Raises:
        UnknownPerson: nobody has this id.
    """
    person = await db.get(Person, person_id)
    if person is None:
        raise UnknownPerson
    return person


async def add_person(db: AsyncSession, person: Person) -> None:
    """Add a person and the words under which they are found; `search_key` is filled in here."""
    person.search_key = search_key(person.family_name, person.usual_name, person.given_names)
    db.add(person)
    await db.flush()
    words = word_rows(person.id, person.family_name, person.usual_name, person.given_names)
    if words:
        await db.execute(insert(PersonWord), words)


async def rename_person(
    db: AsyncSession, person_id: UUID, *, family_name: str, usual_name: str | None, given_names: str, now: datetime
) -> Person:
    """Write a person's names anew, and the words under which they are found; roll calls at sites show them at once.

    Raises:
        UnknownPerson: nobody has this id.
    """
    person = await person_by_id(db, person_id)
    person.family_name, person.usual_name, person.given_names = family_name, usual_name, given_names
    await db.execute(delete(PersonWord).where(PersonWord.person_id == person_id))
    await add_person(db, person)
    note_change(db, now=now, persons=[person_id])
    return person


def word_rows(person_id: UUID, family_name: str, usual_name: str | None, given_names: str) -> list[dict[str, object]]:
    """Return the rows of `person_word` for one person, for those who insert many at once."""
    return [
        {"word": word, "person_id": person_id} for word in sorted(search_words(family_name, usual_name, given_names))
    ]


async def family_account_by_id(db: AsyncSession, account_id: UUID) -> FamilyAccount:
    """Return one family account.

    Raises:
        UnknownFamilyAccount: none has this id.
    """
    account = await db.get(FamilyAccount, account_id)
    if account is None:
        raise UnknownFamilyAccount
    return account


async def open_family_account(db: AsyncSession, account_id: UUID) -> FamilyAccount:
    """Return an account that is open, and that nobody closes before the transaction ends.

    Raises:
        UnknownFamilyAccount
        AccountClosed
    """
    account: FamilyAccount | None = await db.scalar(
        select(FamilyAccount)
        .where(FamilyAccount.id == account_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    if account is None:
        raise UnknownFamilyAccount
    if account.closed_on is not None:
        raise AccountClosed(number=account.number)
    return account


async def accounts_of(db: AsyncSession, person_id: UUID, on: date) -> list[FamilyAccount]:
    """Return the open family accounts to which a person belongs on a day, by number: separated parents make two."""
    belongs = select(Membership.account_id).where(Membership.person_id == person_id, in_force(on))
    rows = await db.scalars(
        select(FamilyAccount)
        .where(FamilyAccount.id.in_(belongs), or_(FamilyAccount.closed_on.is_(None), FamilyAccount.closed_on > on))
        .order_by(FamilyAccount.number)
    )
    return list(rows)


async def members_of(db: AsyncSession, account_id: UUID, on: date) -> list[tuple[Person, Membership]]:
    """Return who belongs to a family account on a day and as what, the oldest first; one row for each role."""
    rows = await db.execute(
        select(Person, Membership)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.account_id == account_id, in_force(on))
        .order_by(func.coalesce(Person.birth_date, on), Person.search_key, Person.id, Membership.role)
        .limit(100)
    )
    return [(person, membership) for person, membership in rows]


async def quotient_of(db: AsyncSession, account_id: UUID, on: date) -> FamilyQuotient | None:
    """Return the family quotient that holds on a day: of several, the one that was recorded last."""
    quotient: FamilyQuotient | None = await db.scalar(
        select(FamilyQuotient)
        .where(
            FamilyQuotient.account_id == account_id,
            FamilyQuotient.valid_from <= on,
            or_(FamilyQuotient.valid_until.is_(None), FamilyQuotient.valid_until >= on),
        )
        .order_by(FamilyQuotient.valid_from.desc(), FamilyQuotient.recorded_at.desc())
        .limit(1)
    )
    return quotient


def in_force(on: date) -> ColumnElement[bool]:
    """Return the condition that a membership holds on a day."""
    return (Membership.valid_from <= on) & or_(Membership.valid_until.is_(None), Membership.valid_until >= on)

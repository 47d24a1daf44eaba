"""Finding somebody as the secretary does, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.store import (
    FOUND_MAX,
    UnknownFamilyAccount,
    UnknownPerson,
    accounts_of,
    add_person,
    family_account_by_id,
    find_people,
    members_of,
    person_by_id,
    quotient_of,
    rename_person,
)
from cvq_core.people.tables import Commune, FamilyAccount, FamilyQuotient, Membership, Person

TODAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def person(family_name: str, given_names: str, born: date | None = None, **more: object) -> Person:
    return Person(id=new_id(), family_name=family_name, given_names=given_names, birth_date=born, **more)


@pytest.fixture
async def db(database: Database) -> AsyncIterator[AsyncSession]:
    """A village: two Jeanne Moreau, a compound name, somebody who died, and a crowd of Martins."""
    async with database.write() as db:
        db.add(Commune(insee="79202", name="Parthenay", postcode="79200", in_territory=True))
        await db.flush()
        for each in (
            person("Moreau", "Jeanne", date(1941, 5, 12), commune_insee="79202"),
            person("Moreau", "Jeanne", date(1987, 9, 3)),
            person("Dupont", "Élise", date(1990, 1, 2), usual_name="Moreau"),
            person("Le Goff", "Jean-Pierre", date(1961, 12, 24)),
            person("Moreau", "Jeannine", date(1941, 8, 2)),
            person("Moreau", "Jacques", date(1930, 1, 1), deceased_on=date(2020, 1, 1)),
            *(person("Martin", f"Luc{number:02d}", date(2000, 1, 1)) for number in range(30)),
            person("Aubert", "Martine", date(1970, 6, 6)),
        ):
            await add_person(db, each)
        yield db


async def found(db: AsyncSession, text: str) -> list[str]:
    people = (await find_people(db, text, today=TODAY)).people
    return [f"{each.person.given_names} {each.person.birth_date}" for each in people]


@pytest.mark.parametrize(
    "text",
    ["moreau jeanne 12 05 1941", "12/5/41 jeanne moreau", "jea mor 1941-05-12", "MOREAU 12 mai 1941", "jeanne 12/05"],
)
async def test_name_and_birth_date_in_any_order_find_one_person(db: AsyncSession, text: str) -> None:
    assert await found(db, text) == ["Jeanne 1941-05-12"]


async def test_homonyms_all_appear_with_what_tells_them_apart(db: AsyncSession) -> None:
    result = await find_people(db, "jeanne moreau", today=TODAY)
    assert [(each.person.birth_date, each.commune) for each in result.people] == [
        (date(1941, 5, 12), "Parthenay"),
        (date(1987, 9, 3), None),
    ]


async def test_whole_words_come_before_words_that_begin_so(db: AsyncSession) -> None:
    assert await found(db, "jeann moreau") == ["Jeanne 1941-05-12", "Jeanne 1987-09-03", "Jeannine 1941-08-02"]
    first, *_ = await found(db, "martin luc07")
    assert first.startswith("Luc07")
    everyone = await found(db, "martin")
    assert "Martine 1970-06-06" not in everyone


async def test_a_birth_date_given_apart_counts_as_one_that_was_typed(db: AsyncSession) -> None:
    result = await find_people(db, "moreau", today=TODAY, birth_date=date(1987, 9, 3))
    assert [each.person.given_names for each in result.people] == ["Jeanne"]


async def test_a_birth_date_alone_finds_people_too(db: AsyncSession) -> None:
    assert await found(db, "24/12/1961") == ["Jean-Pierre 1961-12-24"]


@pytest.mark.parametrize("text", ["legoff", "le goff", "jeanpierre", "jean-pierre", "pierre go", "GOFF J"])
async def test_compound_names_are_found_however_they_are_written(db: AsyncSession, text: str) -> None:
    assert await found(db, text) == ["Jean-Pierre 1961-12-24"]


@pytest.mark.parametrize("text", ["elise moreau", "dupont elise"])
async def test_a_person_answers_to_both_names(db: AsyncSession, text: str) -> None:
    assert await found(db, text) == ["Élise 1990-01-02"]


@pytest.mark.parametrize("text", ["jeanne moraeu 1941", "jeane morreau 12/05/1941"])
async def test_a_slip_of_the_keys_is_forgiven_and_said(db: AsyncSession, text: str) -> None:
    result = await find_people(db, text, today=TODAY)
    assert result.approximate
    assert "Jeanne" in [each.person.given_names for each in result.people]


async def test_the_dead_are_found_only_on_request(db: AsyncSession) -> None:
    assert await found(db, "jacques moreau") == []
    result = await find_people(db, "jacques moreau", today=TODAY, include_deceased=True)
    assert len(result.people) == 1


async def test_a_crowd_is_cut_and_said_to_be(db: AsyncSession) -> None:
    result = await find_people(db, "martin", today=TODAY, limit=1000)
    assert len(result.people) == FOUND_MAX
    assert result.more


@pytest.mark.parametrize("text", ["", "   ", "j", "%", "_%", "' OR 1=1 --", "zzzz", "7"])
async def test_what_names_nobody_finds_nobody(db: AsyncSession, text: str) -> None:
    assert await found(db, text) == []


async def test_a_new_name_replaces_the_former_one_in_the_search(db: AsyncSession) -> None:
    goff = (await find_people(db, "le goff", today=TODAY)).people[0].person
    await rename_person(db, goff.id, family_name="Kermarrec", usual_name=None, given_names="Jean-Pierre", now=NOW)
    assert await found(db, "goff") == []
    assert await found(db, "kermarrec") == ["Jean-Pierre 1961-12-24"]


async def test_a_child_of_separated_parents_belongs_to_two_accounts_while_both_hold(db: AsyncSession) -> None:
    child = person("Moreau", "Léa", date(2018, 4, 4))
    await add_person(db, child)
    mother = FamilyAccount(id=new_id(), number="F00002", label="Moreau", opened_on=date(2020, 1, 1))
    father = FamilyAccount(id=new_id(), number="F00001", label="Petit", opened_on=date(2020, 1, 1))
    db.add_all([mother, father])
    await db.flush()
    for account, until in ((mother, None), (father, date(2026, 2, 28))):
        db.add(
            Membership(
                id=new_id(),
                account_id=account.id,
                person_id=child.id,
                role=FamilyRole.CHILD,
                valid_from=date(2020, 1, 1),
                valid_until=until,
                share_percent=50,
            )
        )
    await db.flush()
    assert [each.number for each in await accounts_of(db, child.id, date(2026, 2, 28))] == ["F00001", "F00002"]
    assert [each.number for each in await accounts_of(db, child.id, date(2026, 3, 1))] == ["F00002"]
    assert [(who.given_names, how.role) for who, how in await members_of(db, mother.id, TODAY)] == [
        ("Léa", FamilyRole.CHILD)
    ]
    assert await members_of(db, father.id, TODAY) == []


async def test_a_family_quotient_is_dated_and_the_last_word_recorded_wins(db: AsyncSession) -> None:
    account = FamilyAccount(id=new_id(), number="F00001", label="Moreau", opened_on=date(2020, 1, 1))
    db.add(account)
    await db.flush()
    for value, valid_from, recorded in (
        (742, date(2025, 1, 1), 1),
        (810, date(2026, 1, 1), 2),
        (790, date(2026, 1, 1), 3),
    ):
        db.add(
            FamilyQuotient(
                id=new_id(),
                account_id=account.id,
                value_euros=value,
                source=QuotientSource.CAF,
                valid_from=valid_from,
                recorded_at=datetime(2026, 1, recorded, tzinfo=UTC),
            )
        )
    await db.flush()
    before, now = await quotient_of(db, account.id, date(2025, 6, 1)), await quotient_of(db, account.id, TODAY)
    assert before is not None
    assert now is not None
    assert (before.value_euros, now.value_euros) == (742, 790)
    assert await quotient_of(db, account.id, date(2024, 1, 1)) is None


async def test_what_does_not_exist_is_refused_by_its_name(db: AsyncSession) -> None:
    with pytest.raises(UnknownPerson):
        await person_by_id(db, new_id())
    with pytest.raises(UnknownFamilyAccount):
        await family_account_by_id(db, new_id())

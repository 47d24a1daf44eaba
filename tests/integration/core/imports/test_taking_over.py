"""From a file to families: staged without touching anything, decided by people, taken over once, in portions."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from sqlalchemy import select, update

from cvq_core.access.tables import Entitlement
from cvq_core.cards.tables import Card
from cvq_core.database import Base, Database
from cvq_core.imports import applying
from cvq_core.imports.deciding import accept_certain, decide, next_pair
from cvq_core.imports.keeping import wipe_staged
from cvq_core.imports.report import differences_of, sheets_of, summary_of
from cvq_core.imports.rules import (
    AlreadyApplied,
    BaseOfAnotherCommune,
    ImportUnderWay,
    NotToApply,
    UnknownCommune,
)
from cvq_core.imports.staging import batch_of
from cvq_core.imports.tables import FamilyState, ImportBatch, ImportFamily, ImportFault, ImportPerson, Verdict
from cvq_core.imports.verify import verify_imports
from cvq_core.journal.store import SYSTEM
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.tables import Posting, Wallet
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.store import find_people, quotient_of
from cvq_core.people.tables import Commune, FamilyAccount, Membership, Person, PersonWord
from cvq_core.spreadsheets import to_csv, to_xlsx
from cvq_core.text import translator
from tests.core_examples import NOW, create_family, create_member
from tests.integration.core.imports.old_base import (
    ADMINISTRATOR,
    BASE,
    ROWS,
    bring,
    count,
    decide_all,
    pairs,
    prepare,
    take_over,
)

TOUCHED: tuple[type[Base], ...] = (Person, PersonWord, FamilyAccount, Membership, Card, Entitlement, Wallet, Posting)


def say(sentence: str, **facts: object) -> str:
    return translator("fr").gettext(sentence).format_map(facts)


async def test_staging_touches_nothing_but_what_is_staged(database: Database) -> None:
    await prepare(database)
    before = [await count(database, table) for table in TOUCHED]
    batch = await bring(database)
    assert [await count(database, table) for table in TOUCHED] == before
    async with database.read() as db:
        summary = await summary_of(db, batch)
    assert (summary.count(FamilyState.WAITING), summary.persons, summary.held) == (2, 4, 0)


async def test_families_people_cards_quotients_and_enrolments_are_taken_over(database: Database) -> None:
    await prepare(database)
    await bring(database)
    done = await take_over(database)
    assert (done.families, done.persons_made, done.persons_linked, done.waiting) == (2, 4, 0, 0)
    async with database.read() as db:
        [found] = (await find_people(db, "moreau lucas 04/03/2016", today=date(2026, 3, 3))).people
        child = found.person
        assert (child.given_names, child.address) == ("Lucas", "1 rue de la Gare")
        card = await db.scalar(select(Card).where(Card.person_id == child.id))
        assert card is not None
        assert (card.number, card.uid) == ("4821305773", "04A2241AC35E80")
        account = await db.scalar(
            select(FamilyAccount)
            .join(Membership, Membership.account_id == FamilyAccount.id)
            .where(Membership.person_id == child.id, Membership.role == FamilyRole.CHILD)
        )
        assert account is not None
        assert account.label == "Famille Moreau"
        quotient = await quotient_of(db, account.id, date(2026, 3, 3))
        assert quotient is not None
        assert (quotient.value_euros, quotient.source) == (742, QuotientSource.CAF)
        right = await db.scalar(select(Entitlement).where(Entitlement.person_id == child.id))
        assert right is not None
        assert right.payer_account_id == account.id
        [mother] = (await find_people(db, "dupont anne", today=date(2026, 3, 3))).people
        assert (mother.person.family_name, mother.person.usual_name) == ("Giraud", "Dupont")
        assert await verify_imports(db) == []


async def test_no_wallet_shows_money_before_it_is_signed_off(database: Database) -> None:
    await prepare(database)
    await bring(database)
    await take_over(database)
    assert (await count(database, Wallet), await count(database, Posting)) == (0, 2)  # the float of the office


async def test_taken_over_twice_or_by_two_at_once_nothing_is_doubled(database: Database) -> None:
    await prepare(database)
    await bring(database)
    done = await asyncio.gather(take_over(database), take_over(database), return_exceptions=True)
    made = sum(each.families for each in done if not isinstance(each, BaseException))
    assert made == 2
    assert all(isinstance(each, NotToApply) for each in done if isinstance(each, BaseException))
    with pytest.raises(NotToApply):
        await take_over(database)
    assert (await count(database, Person), await count(database, FamilyAccount)) == (4, 2)


class PowerCut(Exception):
    """The machine stopped."""


async def test_a_power_cut_in_the_middle_is_gone_on_from(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await prepare(database)
    names = ("Moreau", "Giraud", "Roy", "Petit", "Faure", "Lambert", "Texier", "Bonnin", "Chollet", "Guignard")
    rows = [f"{number};{number};R;{name};;Anne;;;;;;;{number},00;;" for number, name in enumerate(names)]
    await bring(database, rows)
    monkeypatch.setattr(applying, "FAMILIES_AT_ONCE", 3)

    def cut(done: int, _: int) -> None:
        if done >= 6:
            raise PowerCut

    with pytest.raises(PowerCut):
        await applying.apply(database, BASE, by="test", clock=lambda: NOW, told=cut)
    assert await count(database, Person) == 6
    with pytest.raises(ImportUnderWay):
        await bring(database, rows)
    assert (await take_over(database)).families == 4
    assert (await count(database, Person), await count(database, FamilyAccount)) == (10, 10)


async def test_a_child_of_two_families_is_one_person_once_somebody_says_so(database: Database) -> None:
    await prepare(database)
    await bring(
        database, [*ROWS, "3;9;R;ROY;;Paul;03/03/1983;Les Brosses;;;;;;;", "3;2;E;Moreau;;LUCAS;04/03/2016;;;;;;;;"]
    )
    [pair] = await pairs(database)
    assert (pair.certain, pair.verdict) == (True, None)
    # However certain: nothing is merged by itself, and only the two families wait.
    done = await take_over(database)
    assert (done.families, done.waiting) == (1, 2)
    await decide_all(database, Verdict.SAME)
    done = await take_over(database)
    assert (done.families, done.persons_linked, done.waiting) == (2, 1, 0)
    async with database.read() as db:
        accounts = await db.scalars(
            select(Membership.account_id)
            .join(Person, Person.id == Membership.person_id)
            .where(Person.given_names == "Lucas")
        )
        assert len(set(accounts)) == 2


async def test_people_whom_our_base_knows_are_linked_or_not_as_was_decided(database: Database) -> None:
    await prepare(database)
    async with database.write() as db:
        account = await create_family(db)
        known = await create_member(db, account.id, "Claire", FamilyRole.GUARDIAN, born=date(1985, 6, 7))
    await bring(database)
    async with database.read() as db:
        asked = await next_pair(db, [(await batch_of(db, BASE)).id])
    assert asked is not None
    assert [side.base for side in asked.sides] == [BASE, ""]
    await decide_all(database, Verdict.SAME)
    await take_over(database)
    async with database.read() as db:
        claires = list(await db.scalars(select(Person).where(Person.given_names == "Claire")))
        assert [person.id for person in claires] == [known.id]
        # What the file says of her otherwise is listed, and changes nothing.
        assert claires[0].address is None
        batch = await batch_of(db, BASE)
        told = {(each.what, each.theirs) for each in await differences_of(db, batch, say)}
    assert told == {("adresse", "1 rue de la Gare"), ("téléphone", "05 36 49 12 34")}


async def test_two_communes_that_know_the_same_person_make_one_whichever_comes_first(database: Database) -> None:
    await prepare(database)
    await bring(database)
    other = [row.replace("1;1;", "7;70;").replace("1;2;", "7;71;") for row in ROWS[:2]]
    await bring(database, other, base="pompaire-garderie")
    assert len(await pairs(database)) == 2
    await decide_all(database, Verdict.SAME, "pompaire-garderie")
    assert (await take_over(database, "pompaire-garderie")).persons_made == 2
    done = await take_over(database)
    assert (done.persons_made, done.persons_linked) == (2, 2)
    assert await count(database, Person) == 4
    # Both communes' accounts have the same guardian: that is said, and they stay two.
    async with database.read() as db:
        told = list(await db.scalars(select(ImportFamily.why).where(ImportFamily.why != "")))
    assert len(told) == 1
    assert "Mêmes responsables que le compte 0000001" in told[0]


async def test_families_of_the_same_guardians_share_an_account_where_the_mapping_says_so(database: Database) -> None:
    await prepare(database)
    await bring(database)
    await take_over(database)
    other = [row.replace("1;1;", "7;70;").replace("1;2;", "7;71;") for row in ROWS[:2]]
    await bring(database, other, base="pompaire-garderie", unites="un seul compte")
    await decide_all(database, Verdict.SAME, "pompaire-garderie")
    await take_over(database, "pompaire-garderie")
    assert (await count(database, FamilyAccount), await count(database, Membership)) == (2, 4)


async def test_a_later_file_changes_nothing_and_its_differences_are_listed(database: Database) -> None:
    await prepare(database)
    await bring(database)
    await take_over(database)
    later = [ROWS[0].replace("1 rue de la Gare", "9 place du 14 Juillet").replace("12,50", "99,00"), *ROWS[1:]]
    batch = await bring(database, [*later, "3;5;R;ROY;;Paul;03/03/1983;;;;;;5,00;;"])
    assert await pairs(database) == []
    async with database.read() as db:
        summary = await summary_of(db, batch)
        told = {(each.what, each.ours, each.theirs) for each in await differences_of(db, batch, say)}
    assert (summary.count(FamilyState.KNOWN), summary.count(FamilyState.WAITING)) == (2, 1)
    assert ("adresse", "1 rue de la Gare", "9 place du 14 Juillet") in told
    assert ("solde cantine, déjà repris", "12,50", "99,00") in told
    assert (await take_over(database)).families == 1
    async with database.read() as db:
        claire = await db.scalar(select(Person).where(Person.given_names == "Claire"))
        assert claire is not None
        assert claire.address == "1 rue de la Gare"
        balances = {each.service.value: each.totals for each in (await summary_of(db, batch)).openings}
    assert balances["canteen"].credit_cents == 500


async def test_a_new_child_of_a_known_family_joins_its_account(database: Database) -> None:
    await prepare(database)
    await bring(database)
    await take_over(database)
    await bring(database, [*ROWS, "1;8;E;MOREAU;;Jade;01/02/2024;;;;;;;;"])
    done = await take_over(database)
    assert (done.families, done.persons_made) == (1, 1)
    assert (await count(database, FamilyAccount), await count(database, Membership)) == (2, 5)


async def test_decisions_outlive_a_second_reading_of_the_file(database: Database) -> None:
    await prepare(database)
    twice = [*ROWS, "3;9;R;Moreau;;Claire;07/06/1985;;;;;;;;"]
    await bring(database, twice)
    assert await decide_all(database, Verdict.DIFFERENT) == 1
    await bring(database, twice)
    assert [pair.verdict for pair in await pairs(database)] == [Verdict.DIFFERENT]
    assert (await take_over(database)).persons_made == 5


async def test_contradicting_decisions_hold_the_family_back(database: Database) -> None:
    await prepare(database)
    rows = [f"{number};{number};R;Moreau;;Claire;07/06/1985;;;;;;;;" for number in (1, 2, 3)]
    batch = await bring(database, rows)
    found = await pairs(database)
    assert len(found) == 3
    async with database.write() as db:
        for pair, verdict in zip(found, (Verdict.SAME, Verdict.SAME, Verdict.DIFFERENT), strict=True):
            await decide(db, pair.low, pair.high, verdict, batches=[batch.id], by=ADMINISTRATOR.actor, now=NOW)
    assert (await take_over(database)).waiting == 3
    async with database.read() as db:
        told = list(await db.scalars(select(ImportFamily.why)))
    assert all("se contredisent" in why for why in told)


async def test_a_decision_is_journalled_with_who_made_it_and_stands_once_it_is_done(database: Database) -> None:
    await prepare(database)
    batch = await bring(database, [*ROWS, "3;9;R;Moreau;;Claire;07/06/1985;;;;;;;;"])
    [pair] = await pairs(database)
    await decide_all(database, Verdict.SAME)
    async with database.read() as db:
        written = await db.scalar(select(AuditRecord).where(AuditRecord.action == "import-pair-same"))
        assert written is not None
        assert written.actor_id == ADMINISTRATOR.id
    await take_over(database)
    async with database.write() as db:
        with pytest.raises(AlreadyApplied):
            await decide(
                db, pair.low, pair.high, Verdict.DIFFERENT, batches=[batch.id], by=ADMINISTRATOR.actor, now=NOW
            )


async def test_the_operator_s_rule_takes_the_certain_ones_and_no_other(database: Database) -> None:
    await prepare(database)
    batch = await bring(
        database,
        [*ROWS, "3;9;R;Moreau;;Claire;07/06/1985;;;;;;;;", "4;10;E;Dupont;;Léo;05/09/2017;Les Forges;;;;;;;"],
    )
    async with database.write() as db:
        assert await accept_certain(db, batch, rule="test", actor=SYSTEM, now=NOW) == 1
    async with database.read() as db:
        assert (await summary_of(db, batch)).pairs.decided == 1
    assert all(pair.certain for pair in await pairs(database) if pair.verdict is not None)


async def test_refused_rows_are_told_by_line_and_column_and_leave_the_others_alone(database: Database) -> None:
    await prepare(database)
    batch = await bring(
        database,
        [*ROWS, "3;5;X;ROY;;Paul;;;;;;;;;", "4;6;R;PETIT;;Luc;;;;;;;douze;;", "5;7;R;FAURE;;Eva;32/01/2000;;;;;;;;"],
    )
    async with database.read() as db:
        faults = {(fault.line, fault.column, fault.refuses) for fault in await db.scalars(select(ImportFault))}
        assert faults == {(6, "type", True), (7, "cantine", True), (8, "né", False)}
        summary = await summary_of(db, batch)
        assert summary.count(FamilyState.REFUSED) == 2
        sheets = await sheets_of(db, batch, say)
    text = to_csv(sheets).decode("utf-8-sig")
    assert "douze" in text
    assert "n’est pas un montant en euros" in text
    assert to_xlsx(sheets)[:2] == b"PK"
    assert (await take_over(database)).families == 3


async def test_a_social_security_number_is_not_even_staged(database: Database) -> None:
    await prepare(database)
    await bring(database, [ROWS[0].replace("1 rue de la Gare", "2 85 06 79 322 001 42"), *ROWS[1:]])
    async with database.read() as db:
        rows = list(await db.scalars(select(ImportPerson.content)))
        assert not any("322" in str(row) for row in rows)
        [fault] = list(await db.scalars(select(ImportFault)))
    assert "sécurité sociale" in fault.sentence


async def test_an_unknown_commune_and_another_commune_s_base_are_refused(database: Database) -> None:
    with pytest.raises(UnknownCommune):
        await bring(database)
    await prepare(database)
    batch = await bring(database)
    async with database.write() as db:
        db.add(Commune(insee="79202", name="Parthenay", postcode="79200", in_territory=True))
        await db.flush()
        await db.execute(update(ImportBatch).where(ImportBatch.id == batch.id).values(commune_insee="79202"))
    with pytest.raises(BaseOfAnotherCommune):
        await bring(database)


async def test_what_was_staged_is_emptied_once_nothing_is_left_to_do_and_when_it_is_too_old(database: Database) -> None:
    await prepare(database)
    plain = [row.replace("12,50", "").replace("-7,20", "").replace("30,00", "") for row in ROWS]
    await bring(database, plain)
    async with database.write() as db:
        assert await wipe_staged(db, NOW, days_kept=90) == 0
    await take_over(database)
    await bring(database, [row.replace("1;1", "8;80") for row in ROWS[:1]], base="autre-base")
    async with database.write() as db:
        assert await wipe_staged(db, NOW, days_kept=90) == 1
        assert (
            list(await db.scalars(select(ImportPerson.content).where(ImportPerson.person_id.is_not(None))))
            == [None] * 4
        )
        later = NOW.replace(year=NOW.year + 1)
        assert await wipe_staged(db, later, days_kept=90) == 1
        assert await db.scalar(select(ImportPerson.id).where(ImportPerson.content.is_not(None)).limit(1)) is None
    # The old numbers are still known: a later file finds its families.
    batch = await bring(database, plain)
    async with database.read() as db:
        assert (await summary_of(db, batch)).count(FamilyState.KNOWN) == 2

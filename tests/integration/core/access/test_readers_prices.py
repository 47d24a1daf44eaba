"""What a tap costs is what the service's tariff says for that person on that day, and why is kept beside it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError

from cvq_core.access.facts import Manner
from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import Attendance, Entitlement, Tap, UnclaimedCharge
from cvq_core.access.taps import TapAnswer, take_tap
from cvq_core.access.unclaimed import settle_unclaimed
from cvq_core.clock import local_day
from cvq_core.families.statements import family_statement
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.tables import LedgerTransaction, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.people.rules import QuotientSource
from cvq_core.people.tables import Membership, Person
from cvq_core.prepared import driver_of
from cvq_core.seed.heroes import JEANNE_UID, LEA_UID
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.quotients import record_quotient
from cvq_core.tariffs.store import Official, adopt, propose
from tests.integration.core.access.conftest import NOON, Village

POOL, CANTEEN, EVENING = "piscine-gatineo-1", "cantine-tallud", "garderie-tallud"
BY = Official(None, "Conseil communautaire")
TODAY = local_day(NOON)


async def tap(village: Village, point: str, uid: str = LEA_UID, now: datetime = NOON) -> TapAnswer:
    async with village.database.write() as db:
        return await take_tap(db, village.card_tap(point, uid), now=now)


async def account_of(village: Village, given: str = "Léa", family: str = "Moreau") -> UUID:
    """The account of somebody who belongs to one."""
    person_id = await village.person(given, family)
    async with village.database.read() as db:
        return (await db.scalars(select(Membership.account_id).where(Membership.person_id == person_id))).one()


async def note_quotient(village: Village, euros: int, *whose: str, since: date = TODAY) -> None:
    account_id = await account_of(village, *whose)
    async with village.database.write() as db:
        await record_quotient(
            db,
            new_id(),
            account_id=account_id,
            value_euros=euros,
            source=QuotientSource.CAF,
            valid_from=since,
            now=NOON,
        )


async def asked_by_a_tap(village: Village, point: str, uid: str = LEA_UID) -> list[str]:
    """Every statement that a tap sends to SQLite."""
    asked: list[str] = []
    async with village.database.write() as db:
        driver, _ = await driver_of(db)
        await driver.set_trace_callback(asked.append)
        await take_tap(db, village.card_tap(point, uid), now=NOON)
        await driver.set_trace_callback(None)
    assert asked
    return asked


async def test_a_meal_costs_what_the_family_s_bracket_says_and_why_is_kept(village: Village) -> None:
    answer = await tap(village, CANTEEN)
    assert answer.amount_cents == 235
    async with village.database.read() as db:
        row = await db.get_one(Tap, answer.id)
        assert row.transaction_id is not None
        transaction = await db.get_one(LedgerTransaction, row.transaction_id)
        attendance = await db.get_one(Attendance, (await village.person("Léa", "Moreau"), ServiceCode.CANTEEN, TODAY))
    assert row.why == transaction.why == attendance.why == "inside;quotient=742;bracket=3"


async def test_the_second_child_of_the_family_pays_less(village: Village) -> None:
    tom = await village.person("Tom", "Moreau")
    async with village.database.write() as db:
        request = TapRequest(new_id(), village.points[CANTEEN], NOON, Manner.TICK, person_id=tom)
        answer = await take_tap(db, request, now=NOON)
        row = await db.get_one(Tap, answer.id)
    assert answer.amount_cents == 212, "2,35 € less a tenth, half a cent up"
    assert row.why == "inside;quotient=742;bracket=3;sibling=2"


async def test_the_statement_explains_each_price_and_names_the_quotient_to_the_family_alone(village: Village) -> None:
    await tap(village, CANTEEN)
    account_id = await account_of(village)
    async with village.database.read() as db:
        told = [
            [
                line.why
                for section in (await family_statement(db, account_id, TODAY, TODAY, with_quotient=known)).sections
                for line in section.lines
            ]
            for known in (True, False)
        ]
    assert told == [["habitant du territoire, QF 742, tranche 3"], ["habitant du territoire, tranche 3"]]


async def test_a_new_quotient_counts_from_the_next_meal_and_changes_no_earlier_one(village: Village) -> None:
    first = await tap(village, CANTEEN)
    await note_quotient(village, 350, since=TODAY + timedelta(days=1))
    next_day = await tap(village, CANTEEN, now=NOON + timedelta(days=2))
    assert (first.amount_cents, next_day.amount_cents) == (235, 100)
    async with village.database.read() as db:
        assert (await db.get_one(Tap, first.id)).amount_cents == 235
        assert await verify(db) == []


async def test_a_tariff_that_is_adopted_holds_at_the_readers_from_its_day(village: Village) -> None:
    file = (
        "service: piscine\ntitre: Entrées\ndécision: Délibération\nprestations:\n  - code: entry\n"
        "    nom: Entrée\n    unité: entrée\n    prix:\n      - montant: 9,99 €\n"
    )
    async with village.database.write() as db:
        version = await propose(db, new_id(), service=ServiceCode.POOL, text=file, by=BY, now=NOON)
        await adopt(db, version.id, valid_from=TODAY + timedelta(days=1), by=BY, now=NOON)
        wallet = (await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)).id
        (await db.get_one(Wallet, wallet)).balance_cents = 5000
    today = await tap(village, POOL, JEANNE_UID)
    tomorrow = await tap(village, POOL, JEANNE_UID, now=NOON + timedelta(days=1))
    assert (today.amount_cents, tomorrow.amount_cents) == (310, 999)


async def test_a_child_pays_a_child_s_entry_and_a_small_one_nothing(village: Village) -> None:
    wallet = (await village.wallet(await village.person("Léa", "Moreau"), ServiceCode.POOL)).id
    async with village.database.write() as db:
        (await db.get_one(Wallet, wallet)).balance_cents = 1000
    assert (await tap(village, POOL)).amount_cents == 210
    async with village.database.write() as db:
        (await db.get_one(Person, await village.person("Léa", "Moreau"))).birth_date = date(2024, 5, 1)
    small = await tap(village, POOL)
    assert (small.allowed, small.reason, small.amount_cents) == (True, "entitled", 0)


async def test_without_a_tariff_a_child_eats_and_nobody_is_let_in_at_an_unknown_price(village: Village) -> None:
    """Before the first tariff there is no price: the canteen notes the presence, the turnstile says whom to see."""
    long_ago = datetime(2026, 6, 2, 10, tzinfo=NOON.tzinfo)
    async with village.database.write() as db:
        await db.execute(delete(Entitlement).where(Entitlement.person_id == await village.person("Paul", "Roy")))
        for right in await db.scalars(
            select(Entitlement).where(Entitlement.person_id == await village.person("Léa", "Moreau"))
        ):
            right.valid_from = long_ago - timedelta(days=100)
    eaten = await tap(village, CANTEEN, now=long_ago)
    assert (eaten.allowed, eaten.reason, eaten.amount_cents) == (True, "served", 0)
    swum = await tap(village, POOL, JEANNE_UID, now=long_ago)
    assert (swum.allowed, swum.reason, swum.display_short) == (False, "price-missing", "Voir l’accueil")


async def test_a_turnstile_asks_nothing_of_the_family_since_its_price_hangs_on_none_of_it(village: Village) -> None:
    if not village.database.is_sqlite:
        return
    assert not [each for each in await asked_by_a_tap(village, POOL, JEANNE_UID) if "family_quotient" in each]
    assert len([each for each in await asked_by_a_tap(village, CANTEEN) if "family_quotient" in each]) == 1


async def test_on_a_day_that_is_nobody_s_each_account_bears_its_own_price(village: Village) -> None:
    """The tablet can only tell the highest bracket; whoever bears the meal pays by their own quotient, once."""
    emma = await village.person("Emma", "Texier")
    async with village.database.write() as db:
        for right in await db.scalars(select(Entitlement).where(Entitlement.person_id == emma)):
            right.payer_account_id = None
    await note_quotient(village, 350, "Julien", "Texier")
    answer = await tap(village, CANTEEN, await village.card_of("Emma", "Texier"))
    assert (answer.reason, answer.amount_cents) == ("served-unclaimed", 395)
    texier, bonnin = await account_of(village, "Julien", "Texier"), await account_of(village, "Élodie", "Bonnin")
    async with village.database.write() as db:
        [charge_id] = await db.scalars(select(UnclaimedCharge.id))
        first = await settle_unclaimed(db, charge_id, account_id=texier, staff_id=texier, now=NOON)
    assert first.balances
    assert list(first.balances.values()) == [-100]
    await note_quotient(village, 900, "Julien", "Texier")
    async with village.database.write() as db:
        again = await settle_unclaimed(db, charge_id, account_id=texier, staff_id=texier, now=NOON)
        assert (again.replayed, again.balances) == (True, first.balances)
        with pytest.raises(IdempotencyMismatch):
            await settle_unclaimed(db, charge_id, account_id=bonnin, staff_id=texier, now=NOON)
        assert await verify(db) == []


async def test_nobody_can_change_the_reasons_that_were_kept(village: Village) -> None:
    await tap(village, CANTEEN)
    with pytest.raises(DBAPIError):
        async with village.database.write() as db:
            await db.execute(text("UPDATE ledger_transaction SET why = 'bracket=1'"))

"""A family's account as an advisor sees it, once the resident has agreed."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import event

from cvq_core.cards.life import By, block
from cvq_core.cards.rules import BlockedReason, check_digit
from cvq_core.cards.store import add_card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.service import AccountOverview, account_overview
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import UnknownFamilyAccount
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_family,
    create_ledger_account,
    create_member,
    create_services,
    create_wallet,
    move,
)


@pytest.fixture
async def family(database: Database) -> FamilyAccount:
    """Jeanne, whose card is lost, and little Léa, who has none; a pool wallet and a canteen wallet in debt."""
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        jeanne = await create_member(db, family.id, "Jeanne Marie", FamilyRole.GUARDIAN, FamilyRole.PAYER)
        await create_member(db, family.id, "Léa", FamilyRole.CHILD, born=date(2018, 4, 4))
        card = await add_card(
            db,
            card_id=new_id(),
            person_id=jeanne.id,
            number="123456789" + check_digit("123456789"),
            uid="04A22B1C5D6E80",
            valid_from=LONG_AGO,
            valid_until=date(2030, 1, 1),
            now=NOW,
        )
        await block(db, card.id, BlockedReason.LOST, By(SYSTEM, NOW))
        revenue = await create_ledger_account(db)
        pool = await create_wallet(db, family.id, cents=1000)
        canteen = await create_wallet(db, family.id, ServiceCode.CANTEEN)
        for _ in range(8):
            await move(db, pool.id, -100, revenue)
        await move(db, canteen.id, -470, revenue)
    return family


async def look(database: Database, family: FamilyAccount, **more: object) -> AccountOverview:
    async with database.read() as db:
        return await account_overview(db, family.id, on=TODAY, **more)  # type: ignore[arg-type]  # named arguments


async def test_it_names_the_members_with_their_roles_in_words_the_oldest_first(
    database: Database, family: FamilyAccount
) -> None:
    jeanne, lea = (await look(database, family)).members
    assert (jeanne.name, jeanne.listed_name) == ("Jeanne Moreau", "MOREAU Jeanne Marie")
    assert jeanne.roles_in_words == ("responsable", "paie pour la famille")
    assert (lea.name, lea.roles_in_words, lea.card) == ("Léa Moreau", ("enfant",), None)


async def test_it_says_why_a_card_does_not_work(database: Database, family: FamilyAccount) -> None:
    card = (await look(database, family, phone="05 49 94 03 77")).members[0].card
    assert card is not None
    assert (card.usable, card.slug) == (False, "card-lost")
    assert "perdue le 3 mars 2026" in card.words
    assert "05 49 94 03 77" in card.words


async def test_it_shows_each_wallet_with_its_policy_in_words_and_its_latest_movements(
    database: Database, family: FamilyAccount
) -> None:
    canteen, pool = (await look(database, family)).wallets
    assert (canteen.label, canteen.balance_cents) == ("Cantine", -470)
    assert canteen.policy_in_words.replace("\u00a0", " ") == "Servi même si le compte est vide : la somme reste due."
    assert (pool.label, pool.balance_cents) == ("Piscine", 200)
    assert [each.balance_after_cents for each in pool.movements] == [200, 300, 400, 500, 600]


async def test_it_shows_no_wallet_that_was_not_agreed_to(database: Database, family: FamilyAccount) -> None:
    overview = await look(database, family, services=[ServiceCode.POOL])
    assert [each.service for each in overview.wallets] == [ServiceCode.POOL]
    assert (await look(database, family, services=[])).wallets == ()


async def test_a_member_who_left_is_no_longer_shown(database: Database, family: FamilyAccount) -> None:
    async with database.read() as db:
        before = await account_overview(db, family.id, on=date(2019, 12, 31))
    assert before.members == ()


async def test_it_costs_six_queries_whatever_the_familys_size(database: Database, family: FamilyAccount) -> None:
    statements: list[str] = []

    def on_execute(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", on_execute)
    await look(database, family)
    assert len([each for each in statements if each.startswith("SELECT")]) == 6


async def test_an_account_that_does_not_exist_is_refused(database: Database, family: FamilyAccount) -> None:
    with pytest.raises(UnknownFamilyAccount):
        async with database.read() as db:
            await account_overview(db, new_id(), on=TODAY)

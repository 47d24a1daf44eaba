"""Deposits at the waste centre: households free within their visits, professionals charged by category and volume."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cvq_core.access.facts import RightKind
from cvq_core.access.store import end_right, give_right
from cvq_core.access.tables import Entitlement
from cvq_core.cards.life import By, block
from cvq_core.cards.rules import BlockedReason, check_digit
from cvq_core.cards.store import UnknownCard, find_card
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.families.departures import add_member
from cvq_core.families.merges import merge_accounts
from cvq_core.ids import new_id
from cvq_core.invoices.store import invoices_by_id, lines_of
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.rules import IdempotencyMismatch, InsufficientFunds
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.verify import verify
from cvq_core.legal_entities.rules import EntityKind
from cvq_core.legal_entities.service import add_holder, give_card, give_professional_right, open_entity
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.waste.rules import (
    CardNotGood,
    ChoosePayer,
    ChooseStanding,
    NotAdmitted,
    QuotaReached,
    Standing,
    UnknownCategory,
)
from cvq_core.waste.service import assess, bill_deposits
from cvq_core.waste.slip_pdf import SlipPlace, deposit_slip_pdf
from cvq_core.waste.store import accounts_to_bill, overruns, set_category
from cvq_core.waste.tables import WasteDeposit
from tests.core_examples import NOW, TODAY, create_family, create_wallet, text_of_pdf
from tests.integration.core.waste.ground import BOXES, GREEN, RUBBLE, UID, Ground, ground_on

PLACE = SlipPlace("Déchèterie de Parthenay", "Parthenay-Gâtine")


async def test_a_household_brings_a_mixed_load_for_nothing_and_its_visits_are_counted(ground: Ground) -> None:
    await ground.quota(3)
    first = await ground.take(ground.new((RUBBLE, 500), (BOXES, 1000)))
    second = await ground.take(ground.new((GREEN, 2000)))
    assert [(each.row.visit, each.row.amount_cents, each.row.overrun) for each in (first, second)] == [
        (1, 0, False),
        (2, 0, False),
    ]
    told = text_of_pdf(deposit_slip_pdf(second, PLACE))
    for words in ("Bon de dépôt", "Végétaux", "2 m³", "Gratuit", "Passage n° 2 sur 3 en 2026 : il en reste 1."):
        assert words in told, words


async def test_a_professional_pays_by_category_and_volume_and_sorted_loads_are_free(ground: Ground) -> None:
    taken = await ground.take(ground.new((RUBBLE, 1500), (GREEN, 500), (BOXES, 5000), who=ground.luc))
    assert [load.amount_cents for load in taken.loads] == [3375, 750, 0]
    assert (taken.row.amount_cents, taken.row.account_id) == (4125, ground.company)
    told = text_of_pdf(deposit_slip_pdf(taken, PLACE))
    for words in ("Professionnel", "1,5 m³", "33,75 €", "7,50 €", "gratuit", "41,25 €", "À payer sur facture."):
        assert words in told, words


async def test_a_quote_says_the_same_and_writes_nothing(ground: Ground) -> None:
    asked = ground.new((RUBBLE, 1500), who=ground.luc)
    async with ground.database.write() as db:
        assert (await assess(db, asked)).amount_cents == 3375
        assert await db.scalar(select(func.count()).select_from(WasteDeposit)) == 0
    assert (await ground.take(asked)).row.amount_cents == 3375


async def test_beyond_its_visits_a_household_is_refused_and_next_year_it_comes_again(ground: Ground) -> None:
    await ground.quota(1)
    await ground.take(ground.new())
    with pytest.raises(QuotaReached):
        await ground.take(ground.new())
    later = await ground.take(ground.new(occurred_at=NOW + timedelta(days=365)))
    assert (later.row.visit, later.row.year) == (1, 2027)
    await ground.quota(None)
    assert (await ground.take(ground.new())).row.visit == 2


async def test_of_rivals_for_the_last_visit_one_comes_in(ground: Ground) -> None:
    await ground.quota(1)

    async def rival() -> str:
        try:
            await ground.take(ground.new())
        except QuotaReached as refusal:
            return refusal.slug
        return "in"

    assert sorted(await asyncio.gather(*(rival() for _ in range(4)))) == ["in", *["waste-quota-reached"] * 3]


async def test_an_overrun_at_two_sites_while_offline_is_a_fact_that_is_listed(ground: Ground) -> None:
    await ground.quota(1)
    for site in ground.sites:
        await ground.take(ground.new(point_id=site, offline=True))
    async with ground.database.read() as db:
        [found] = await overruns(db, TODAY.replace(month=1, day=1))
    assert (found.point_id, found.visit, found.quota) == (ground.sites[1], 2, 1)


async def test_the_same_deposit_again_is_answered_again_whatever_happened_since(ground: Ground) -> None:
    await ground.quota(1)
    asked = ground.new((RUBBLE, 500))
    first = await ground.take(asked)
    again = await asyncio.gather(*(ground.take(asked) for _ in range(3)))
    assert {each.row.id for each in again} == {first.row.id}
    with pytest.raises(IdempotencyMismatch):
        await ground.take(ground.new((RUBBLE, 550), id=asked.id))
    with pytest.raises(IdempotencyMismatch):
        await ground.take(ground.new((RUBBLE, 500), id=asked.id, who=ground.luc))


async def test_a_deposit_that_is_sent_twice_at_once_counts_once(ground: Ground) -> None:
    await ground.quota(1)
    asked = ground.new()
    found = await asyncio.gather(*(ground.take(asked) for _ in range(4)))
    assert {each.row.visit for each in found} == {1}


async def test_the_card_decides_who_comes_and_a_lost_one_is_refused_except_as_a_fact(ground: Ground) -> None:
    assert (await ground.take(ground.new(card_uid=UID, person_id=None))).row.person_id == ground.luc
    async with ground.database.write() as db:
        await block(db, (await find_card(db, uid=UID)).id, BlockedReason.LOST, By(SYSTEM, NOW))
    with pytest.raises(CardNotGood):
        await ground.take(ground.new(card_uid=UID, person_id=None))
    fact = await ground.take(ground.new(card_uid=UID, person_id=None, offline=True))
    assert fact.row.offline
    with pytest.raises(UnknownCard):
        await ground.take(ground.new(card_uid="04FFFFFFFFFFFF", person_id=None, offline=True))


async def test_who_comes_for_two_says_for_whom_and_a_stranger_is_refused(ground: Ground) -> None:
    async with ground.database.write() as db:
        await give_right(
            db,
            new_id(),
            kind=RightKind.PROFESSIONAL,
            service=ServiceCode.WASTE_CENTRE,
            person_id=ground.jeanne,
            valid_from=NOW - timedelta(days=1),
            now=NOW,
        )
    with pytest.raises(ChooseStanding):
        await ground.take(ground.new())
    taken = await ground.take(ground.new(standing=Standing.PROFESSIONAL))
    assert (taken.row.amount_cents, taken.row.account_id) == (1125, ground.household)
    with pytest.raises(NotAdmitted):
        await ground.take(ground.new(who=ground.luc, standing=Standing.HOUSEHOLD))


async def test_whose_card_is_shown_pays_and_who_comes_for_two_companies_shows_one(ground: Ground) -> None:
    card, uid = new_id(), "04A1B2C3D4E5F7"
    async with ground.database.write() as db:
        club = new_id()
        await open_entity(
            db, club, kind=EntityKind.ASSOCIATION, name="Club", rna="W792000001", by=None, now=NOW - timedelta(days=9)
        )
        await add_holder(db, new_id(), account_id=club, person_id=ground.luc, role=FamilyRole.HOLDER, now=NOW)
        await give_card(
            db,
            card,
            account_id=club,
            person_id=ground.luc,
            number="482130578" + check_digit("482130578"),
            uid=uid,
            valid_until=TODAY + timedelta(days=9),
            by=None,
            now=NOW,
        )
    with pytest.raises(NotAdmitted):
        await ground.take(ground.new(person_id=None, card_uid=uid))
    async with ground.database.write() as db:
        await give_professional_right(
            db, new_id(), account_id=club, service=ServiceCode.WASTE_CENTRE, valid_until=None, now=NOW
        )
    assert (await ground.take(ground.new(person_id=None, card_uid=uid))).row.account_id == club
    for more in ({"who": ground.luc}, {"person_id": None, "card_uid": UID}):
        with pytest.raises(ChoosePayer) as asked:
            await ground.take(ground.new(**more))
        assert asked.value.facts["names"] == "Club, Maçonnerie Roy"


async def test_a_professionals_own_right_is_never_paid_by_the_company_they_work_for(ground: Ground) -> None:
    async with ground.database.write() as db:
        held = await db.scalar(select(Entitlement.id).where(Entitlement.account_id == ground.company))
        assert held is not None
        await end_right(db, held, now=NOW)
        await give_right(
            db,
            new_id(),
            kind=RightKind.PROFESSIONAL,
            service=ServiceCode.WASTE_CENTRE,
            person_id=ground.luc,
            valid_from=NOW - timedelta(days=1),
            now=NOW,
        )
    with pytest.raises(NotAdmitted):
        await ground.take(ground.new(who=ground.luc))
    async with ground.database.write() as db:
        own = (await create_family(db, "F00003")).id
        await add_member(db, new_id(), account_id=own, person_id=ground.luc, role=FamilyRole.GUARDIAN, now=NOW)
    assert (await ground.take(ground.new(who=ground.luc))).row.account_id == own


async def test_what_is_taken_no_more_is_refused(ground: Ground) -> None:
    async with ground.database.write() as db:
        await set_category(db, BOXES, label="Cartons", price_code=None, position=2, taken=False)
    with pytest.raises(UnknownCategory):
        await ground.take(ground.new((BOXES, 500)))
    brought = await ground.take(ground.new((BOXES, 500), offline=True))
    assert [load.label for load in brought.loads] == ["Cartons"], "what came before that was known is a fact"


async def test_what_professionals_brought_stands_on_one_invoice_once(ground: Ground) -> None:
    await ground.take(ground.new((RUBBLE, 1000), (BOXES, 500), who=ground.luc))
    await ground.take(ground.new((GREEN, 1000), who=ground.luc))
    await ground.take(ground.new((GREEN, 1000), who=ground.luc, occurred_at=NOW + timedelta(days=40)))
    await ground.take(ground.new())

    async def bill() -> int:
        async with ground.database.write() as db:
            made = await bill_deposits(
                db, new_id(), account_id=ground.company, until=TODAY, due_on=TODAY + timedelta(days=30), now=NOW
            )
            return made.total_cents if made else 0

    async with ground.database.read() as db:
        assert await accounts_to_bill(db) == [ground.company]
    assert sorted(await asyncio.gather(*(bill() for _ in range(3)))) == [0, 0, 3750]
    invoice_id = new_id()
    async with ground.database.write() as db:
        until = TODAY + timedelta(days=60)
        for _ in range(2):
            made = await bill_deposits(db, invoice_id, account_id=ground.company, until=until, due_on=until, now=NOW)
            assert made is not None
        assert (await invoices_by_id(db, [invoice_id]))[invoice_id].due_cents == 1500
        assert [line.label for line in await lines_of(db, invoice_id)] == ["Végétaux, 1 m³, 12 avril 2026"]
        assert await accounts_to_bill(db) == []
        assert await verify(db) == []


async def test_where_the_service_is_paid_from_wallets_the_wallet_pays_or_refuses(database: Database) -> None:
    async with ground_on(database, FundingPolicy.REFUSE) as ground:
        async with database.write() as db:
            wallet = await create_wallet(db, ground.company, ServiceCode.WASTE_CENTRE, cents=2000)
        paid = await ground.take(ground.new((GREEN, 1000), who=ground.luc))
        assert paid.row.transaction_id == paid.row.id
        with pytest.raises(InsufficientFunds):
            await ground.take(ground.new((GREEN, 1000), who=ground.luc))
        fact = await ground.take(ground.new((GREEN, 1000), who=ground.luc, offline=True))
        assert fact.row.transaction_id is None
        async with database.read() as db:
            assert (await db.get_one(Wallet, wallet.id)).balance_cents == 500
            assert await accounts_to_bill(db) == [ground.company]
            assert await verify(db) == []
        assert "Payé sur le compte." in text_of_pdf(deposit_slip_pdf(paid, PLACE))


async def test_rivals_for_the_last_euros_of_a_wallet_never_overdraw_it(database: Database) -> None:
    async with ground_on(database, FundingPolicy.REFUSE) as ground:
        async with database.write() as db:
            wallet = await create_wallet(db, ground.company, ServiceCode.WASTE_CENTRE, cents=3000)

        async def rival() -> str:
            try:
                await ground.take(ground.new((GREEN, 1000), who=ground.luc))
            except Refusal as refusal:
                return refusal.slug
            return "paid"

        found = sorted(await asyncio.gather(*(rival() for _ in range(5))))
        assert found == [*["insufficient-funds"] * 3, "paid", "paid"]
        async with database.read() as db:
            assert (await db.get_one(Wallet, wallet.id)).balance_cents == 0


async def test_a_merged_household_keeps_its_visits_and_is_billed_where_it_goes_on(ground: Ground) -> None:
    await ground.quota(1)
    async with ground.database.write() as db:
        await give_right(
            db,
            new_id(),
            kind=RightKind.PROFESSIONAL,
            service=ServiceCode.WASTE_CENTRE,
            person_id=ground.jeanne,
            valid_from=NOW - timedelta(days=1),
            now=NOW,
        )
        kept = (await create_family(db, "F00002")).id
    await ground.take(ground.new(standing=Standing.HOUSEHOLD))
    await ground.take(ground.new(standing=Standing.PROFESSIONAL))
    async with ground.database.write() as db:
        await merge_accounts(
            db, new_id(), merged_id=ground.household, kept_id=kept, reason="Écrits deux fois", by=None, now=NOW
        )
    with pytest.raises(QuotaReached):
        await ground.take(ground.new(standing=Standing.HOUSEHOLD))
    async with ground.database.write() as db:
        assert await accounts_to_bill(db) == [kept]
        due_on = TODAY + timedelta(days=30)
        made = await bill_deposits(db, new_id(), account_id=ground.household, until=TODAY, due_on=due_on, now=NOW)
        assert made is not None
        assert (made.family_account_id, made.total_cents) == (kept, 1125)
        assert await accounts_to_bill(db) == []

"""Companies and associations: whose people pass as theirs, with cards that end with their belonging to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Assurance, PointKind, RightKind
from cvq_core.access.scene import TapRequest
from cvq_core.access.store import give_right
from cvq_core.access.tables import AccessPoint
from cvq_core.access.taps import take_tap
from cvq_core.cards.life import By, unblock
from cvq_core.cards.making_rules import IdentityCheck
from cvq_core.cards.rules import check_digit
from cvq_core.cards.store import find_card
from cvq_core.cards.tables import Card
from cvq_core.database import Database
from cvq_core.errors import NotFound, Refusal
from cvq_core.families.departures import close_account, end_member
from cvq_core.families.merges import merge_accounts
from cvq_core.families.rules import MergePrevented
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.legal_entities.rules import (
    BadEntity,
    EntityKind,
    EntityKnown,
    NoProfessionals,
    NotAHolder,
    UnknownEntity,
)
from cvq_core.legal_entities.service import (
    Entity,
    account_of_card,
    add_holder,
    end_holder,
    end_professional_right,
    entity_of,
    find_entities,
    give_card,
    give_professional_right,
    holders_of,
    open_entity,
    rights_of,
    withdraw_cards,
)
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import add_person
from cvq_core.people.tables import Person
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family
from tests.factories import replace_card

CARD = UUID(int=1)
SIRET = "73282932000074"
LONG_BEFORE = NOW - timedelta(days=9)
TOMORROW = NOW + timedelta(days=1)


@dataclass(slots=True)
class Ground:
    """A mason's company with a mason, and the gate of the waste centre, where professionals are billed."""

    database: Database
    gate: UUID
    company: UUID
    mason: UUID
    uid: str = "04A1B2C3D4E5F6"
    card: UUID = CARD

    async def passes(self) -> str:
        async with self.database.write() as db:
            answer = await take_tap(db, TapRequest(new_id(), self.gate, NOW, card_uid=self.uid), now=NOW)
        return str(answer.reason)

    async def hold(self) -> None:
        """The mason belongs to the company and carries its card."""
        async with self.database.write() as db:
            await add_holder(
                db, new_id(), account_id=self.company, person_id=self.mason, role=FamilyRole.HOLDER, now=NOW
            )
            await self.give(db, self.card)

    async def give(self, db: AsyncSession, card_id: UUID, uid: str = "04A1B2C3D4E5F6", nine: str = "482130577") -> Card:
        return await give_card(
            db,
            card_id,
            account_id=self.company,
            person_id=self.mason,
            number=nine + check_digit(nine),
            uid=uid,
            valid_until=date(2028, 1, 1),
            by=None,
            now=NOW,
        )


async def open_company(db: AsyncSession, account_id: UUID, siret: str = SIRET, name: str = "Maçonnerie Roy") -> Entity:
    return await open_entity(db, account_id, kind=EntityKind.COMPANY, name=name, siret=siret, by=None, now=NOW)


async def open_club(db: AsyncSession, rna: str) -> Entity:
    return await open_entity(db, new_id(), kind=EntityKind.ASSOCIATION, name="Club", rna=rna, by=None, now=NOW)


@pytest.fixture
async def ground(database: Database) -> Ground:
    gate, company = new_id(), new_id()
    async with database.write() as db:
        await add_service(
            db, ServiceCode.WASTE_CENTRE, service_id=new_id(), policy=FundingPolicy.BILLED, valid_from=LONG_AGO
        )
        db.add(
            AccessPoint(
                id=gate,
                code="dechetterie",
                label="Déchèterie",
                site="Déchèterie",
                kind=PointKind.GATE,
                service_code=ServiceCode.WASTE_CENTRE,
                assurance=Assurance.UID,
            )
        )
        person = Person(id=new_id(), family_name="Roy", given_names="Luc", birth_date=date(1980, 1, 1))
        await add_person(db, person)
        await open_company(db, company)
    return Ground(database, gate, company, person.id)


async def test_a_companys_people_pass_as_its_own_and_only_while_it_has_the_right(ground: Ground) -> None:
    await ground.hold()
    assert await ground.passes() == "not-entitled"
    right = new_id()
    async with ground.database.write() as db:
        for _ in range(2):
            await give_professional_right(
                db, right, account_id=ground.company, service=ServiceCode.WASTE_CENTRE, valid_until=None, now=NOW
            )
    assert await ground.passes() == "billed"
    async with ground.database.write() as db:
        assert [each.id for each in await rights_of(db, ground.company, NOW)] == [right]
        assert await end_professional_right(db, right, account_id=ground.company, now=NOW)
    assert await ground.passes() == "not-entitled"


async def test_only_rights_of_professionals_are_given_and_ended_here(ground: Ground) -> None:
    async with ground.database.write() as db:
        with pytest.raises(NoProfessionals):
            await give_professional_right(
                db, new_id(), account_id=ground.company, service=ServiceCode.BUILDING, valid_until=None, now=NOW
            )
        booked = await give_right(
            db,
            new_id(),
            kind=RightKind.RESERVATION,
            service=ServiceCode.WASTE_CENTRE,
            account_id=ground.company,
            valid_from=NOW,
            now=NOW,
        )
        with pytest.raises(NotFound):
            await end_professional_right(db, booked.id, account_id=ground.company, now=NOW)


async def test_who_leaves_the_company_has_its_card_withdrawn_at_once(ground: Ground) -> None:
    await ground.hold()
    async with ground.database.write() as db:
        withdrawn = await end_holder(
            db, account_id=ground.company, person_id=ground.mason, role=FamilyRole.HOLDER, now=NOW
        )
    assert withdrawn == [ground.card]
    assert await ground.passes() == "card-blocked"
    async with ground.database.read() as db:
        assert await holders_of(db, ground.company, TODAY + timedelta(days=1)) == []
        told = await db.scalars(select(AuditRecord.account_id).where(AuditRecord.action == "entity-card-withdrawn"))
        assert list(told) == [ground.company]


async def test_a_card_that_replaces_the_companys_is_the_companys(ground: Ground) -> None:
    await ground.hold()
    ground.uid = "04A1B2C3D4E5F7"
    newer = new_id()
    async with ground.database.write() as db:
        nine = "482130578"
        await replace_card(
            db,
            ground.card,
            card_id=newer,
            number=nine + check_digit(nine),
            uid=ground.uid,
            valid_until=date(2028, 1, 1),
            now=NOW,
        )
        [holder] = await holders_of(db, ground.company, TODAY)
        assert [each.id for each in holder.cards] == [newer]
        assert await account_of_card(db, holder.cards[0]) == ground.company
        ended = await end_holder(db, account_id=ground.company, person_id=ground.mason, role=FamilyRole.HOLDER, now=NOW)
        assert ended == [newer]
        assert await account_of_card(db, holder.cards[0]) is None
    assert await ground.passes() == "card-blocked"


async def test_a_role_that_ends_elsewhere_withdraws_the_card_all_the_same(ground: Ground) -> None:
    await ground.hold()
    assert await withdraw_cards(ground.database, lambda: NOW) == 0
    async with ground.database.write() as db:
        await end_member(
            db,
            account_id=ground.company,
            person_id=ground.mason,
            role=FamilyRole.HOLDER,
            last_day=TODAY,
            now=NOW,
        )
    assert await withdraw_cards(ground.database, lambda: NOW) == 0, "until the evening they still belong to it"
    assert await withdraw_cards(ground.database, lambda: TOMORROW) == 1
    assert await withdraw_cards(ground.database, lambda: TOMORROW) == 0
    assert await ground.passes() == "card-blocked"


async def test_a_closed_company_has_no_cards_left(ground: Ground) -> None:
    await ground.hold()
    async with ground.database.write() as db:
        await close_account(db, new_id(), account_id=ground.company, reason="Cessation", by=None, now=NOW)
    assert await withdraw_cards(ground.database, lambda: NOW) == 1


async def test_a_second_role_keeps_the_card_until_both_have_ended(ground: Ground) -> None:
    await ground.hold()
    async with ground.database.write() as db:
        await add_holder(
            db,
            new_id(),
            account_id=ground.company,
            person_id=ground.mason,
            role=FamilyRole.PAYER,
            now=LONG_BEFORE,
        )
        for role, cards in ((FamilyRole.HOLDER, []), (FamilyRole.PAYER, [ground.card])):
            found = await end_holder(
                db, account_id=ground.company, person_id=ground.mason, role=role, now=NOW + timedelta(days=2)
            )
            assert found == cards


async def test_a_withdrawn_card_that_somebody_unblocks_is_theirs(ground: Ground) -> None:
    await ground.hold()
    async with ground.database.write() as db:
        await end_holder(db, account_id=ground.company, person_id=ground.mason, role=FamilyRole.HOLDER, now=NOW)
        await unblock(db, ground.card, By(SYSTEM, NOW, identity=IdentityCheck.VOUCHED))
    assert await withdraw_cards(ground.database, lambda: TOMORROW) == 0
    async with ground.database.read() as db:
        assert (await find_card(db, uid=ground.uid)).status == "active"


async def test_cards_go_to_the_accounts_own_people_and_the_same_id_is_once(ground: Ground) -> None:
    async with ground.database.write() as db:
        with pytest.raises(NotAHolder):
            await ground.give(db, new_id())
    await ground.hold()
    async with ground.database.write() as db:
        assert (await ground.give(db, ground.card)).id == ground.card
        with pytest.raises(IdempotencyMismatch):
            await ground.give(db, ground.card, uid="04FFFFFFFFFFFF")


async def test_one_number_has_one_account_and_a_repetition_is_harmless(ground: Ground) -> None:
    async with ground.database.write() as db:
        again = await open_company(db, ground.company)
        assert again.account.label == "Maçonnerie Roy"
        with pytest.raises(EntityKnown):
            await open_company(db, new_id())
        with pytest.raises(IdempotencyMismatch):
            await open_company(db, ground.company, siret="44306184100047")
        with pytest.raises(BadEntity):
            await open_company(db, new_id(), siret="44306184100047", name=" ")
        await open_company(db, new_id(), siret="44306184100047", name="Plâtres Roy")
        for rna in ("W792000001", "W792000002"):
            await open_club(db, rna)
        with pytest.raises(EntityKnown):
            await open_club(db, rna)


async def test_of_rivals_that_open_the_same_company_one_wins(database: Database) -> None:
    async def rival() -> object:
        try:
            async with database.write() as db:
                return (await open_company(db, new_id())).account.id
        except Refusal as refusal:
            return refusal.slug

    found = await asyncio.gather(*(rival() for _ in range(4)))
    assert [each for each in found if isinstance(each, str)] == ["legal-entity-known"] * 3


async def test_a_family_is_no_company_and_a_company_has_no_children(ground: Ground) -> None:
    async with ground.database.write() as db:
        family = await create_family(db)
        with pytest.raises(UnknownEntity):
            await entity_of(db, family.id)
        with pytest.raises(UnknownEntity):
            await add_holder(
                db, new_id(), account_id=family.id, person_id=ground.mason, role=FamilyRole.HOLDER, now=NOW
            )
        with pytest.raises(BadEntity):
            await add_holder(
                db, new_id(), account_id=ground.company, person_id=ground.mason, role=FamilyRole.CHILD, now=NOW
            )


@pytest.mark.parametrize(
    ("query", "found"), [("", 1), ("maçon", 1), ("7328", 1), ("%", 0), ("_", 0), ("zzz", 0), ("732 829", 1)]
)
async def test_companies_are_found_by_name_and_number(ground: Ground, query: str, found: int) -> None:
    async with ground.database.read() as db:
        assert len(await find_entities(db, query)) == found


async def test_a_company_is_merged_with_nobody(ground: Ground) -> None:
    async with ground.database.write() as db:
        family = await create_family(db)
        for merged, kept in ((ground.company, family.id), (family.id, ground.company)):
            with pytest.raises(MergePrevented) as refused:
                await merge_accounts(
                    db, new_id(), merged_id=merged, kept_id=kept, reason="Par mégarde", by=None, now=NOW
                )
            assert "entreprise" in refused.value.facts["why"]

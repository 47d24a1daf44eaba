"""A lost card is blocked from the booth with no card in hand: with consent, by who may say so, and for this account."""

from __future__ import annotations

from sqlalchemy import select

from cvq_core.cards.making_rules import Channel, IdentityCheck
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.cards.tables import Card, CardEvent
from cvq_core.journal.tables import AuditRecord
from cvq_core.people.rules import FamilyRole
from tests.core_examples import create_member
from tests.factories import make_card
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground
from tests.integration.desk_visits.test_wallet_moves import agreed


async def _card_of_jeanne(ground: Ground) -> Card:
    async with ground.database.read() as db:
        return (await db.scalars(select(Card).where(Card.person_id == ground.jeanne.id))).one()


async def _block(nadia: Caller, visit: str, card: Card, why: str = "lost") -> Answer:
    return await nadia.post(f"{API}/visits/{visit}/cards/{card.id}/block", {"why": why})


async def test_a_lost_card_is_blocked_at_once_and_its_life_says_under_which_agreement(
    ground: Ground, nadia: Caller
) -> None:
    card = await _card_of_jeanne(ground)
    visit = await agreed(ground, nadia, "cards", "block")
    page = (await nadia.get(f"/console/{visit}/fragments/account")).body.decode()
    assert f"/cards/{card.id}/block" in page
    for _ in range(2):
        answer = await _block(nadia, visit, card)
        assert (answer.status, answer.body["status"], answer.body["blocked_reason"]) == (200, "blocked", "lost")
    async with ground.database.read() as db:
        [event] = await db.scalars(select(CardEvent))
        [record] = await db.scalars(select(AuditRecord).where(AuditRecord.action == "card-blocked"))
    assert (event.channel, event.identity in set(IdentityCheck)) == (Channel.BOOTH, True)
    assert (str(record.visit_id), record.consent_id is not None) == (visit, True)


async def test_an_agreement_to_look_at_cards_is_none_to_block_one(ground: Ground, nadia: Caller) -> None:
    card = await _card_of_jeanne(ground)
    visit = await agreed(ground, nadia, "family", "cards")
    assert (await _block(nadia, visit, card)).slug == "no-consent"
    assert (await _card_of_jeanne(ground)).status is CardStatus.ACTIVE


async def test_another_family_s_card_is_unknown_here(ground: Ground, nadia: Caller) -> None:
    async with ground.database.write() as db:
        stranger = await create_member(db, ground.strangers_family.id, "Luc", FamilyRole.GUARDIAN)
        card = await make_card(db, stranger, "123456789", uid="04000000000002")
    visit = await agreed(ground, nadia, "cards", "block")
    assert (await _block(nadia, visit, card)).slug == "unknown-card"
    async with ground.database.read() as db:
        assert (await db.get_one(Card, card.id)).status is CardStatus.ACTIVE


async def test_a_card_is_not_suspended_from_the_booth_nor_by_a_colleague(ground: Ground, nadia: Caller) -> None:
    card = await _card_of_jeanne(ground)
    visit = await agreed(ground, nadia, "cards", "block")
    assert (await _block(nadia, visit, card, BlockedReason.WITHDRAWN.value)).status == 422
    hugo = await ground.as_staff("hugo")
    assert (await _block(hugo, visit, card)).slug == "not-your-visit"

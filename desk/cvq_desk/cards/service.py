"""Blocking a card while its holder, or whoever speaks for them, sits at the booth and asked for it."""

from __future__ import annotations

from uuid import UUID

from cvq_core.cards import life
from cvq_core.cards.life import By
from cvq_core.cards.making_rules import Channel, IdentityCheck
from cvq_core.cards.rules import BlockedReason
from cvq_core.cards.store import UnknownCard
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import members_of
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.rules import ConsentScope, Identity, NoConsent
from cvq_desk.visits.store import latest_consent

_IDENTITIES = {Identity.PAPER_SHOWN: IdentityCheck.PAPER_SHOWN, Identity.VOUCHED: IdentityCheck.VOUCHED}
_SPEAKING = {FamilyRole.GUARDIAN, FamilyRole.PAYER}


async def block_in_visit(act: Act, visit_id: UUID, card_id: UUID, why: BlockedReason) -> Card:
    """Block the resident's own card, or one of the account for which they speak; a second time changes nothing.

    Raises:
        NoConsent, ConsentPaused: the resident has not agreed to it, or the card is away.
        UnknownCard: it is nobody's of this account, or not for this resident to say.
        CardStateRefused: it is replaced or has expired.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    standing = await latest_consent(act.db, visit.id)
    if standing is None:
        raise NoConsent(visit_id=visit.id)
    consent = await check_look(act, visit, standing.account_id, ConsentScope.BLOCK)
    card = await act.db.get(Card, card_id)
    members = await members_of(act.db, consent.account_id, local_day(act.now))
    held = {person.id for person, _ in members}
    speaks = {person.id for person, membership in members if membership.role in _SPEAKING}
    if card is None or card.person_id not in held:
        raise UnknownCard
    if card.person_id != visit.person_id and visit.person_id not in speaks:
        raise UnknownCard
    by = By(
        act.principal.actor,
        act.now,
        Channel.BOOTH,
        _IDENTITIES.get(Identity(visit.identity)),
        visit_id=visit.id,
        consent_id=consent.id,
    )
    blocked = await life.block(act.db, card.id, why, by)
    tell(act.db, visit)
    return blocked

"""What the readers show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from cvq_core.access.facts import Decision, Effect, Facts, Point, PointKind, Reason
from cvq_core.access.rules import decide
from cvq_core.access.words import DISPLAY_CHARACTERS, say
from cvq_core.cards.rules import BlockedReason, CardFacts, CardStatus
from cvq_core.services.rules import FundingPolicy, ServiceCode

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
POOL = Point(UUID(int=1), PointKind.TURNSTILE, ServiceCode.POOL, FundingPolicy.REFUSE)
CARD = CardFacts(CardStatus.ACTIVE, date(2026, 1, 1), date(2026, 1, 1), date(2030, 12, 31))


def facts(**changes: object) -> Facts:
    return Facts(replace(POOL, **changes), NOON, card=CARD, person_known=True)


NOT_ACTIVE = {
    Reason.CARD_BLOCKED: replace(
        CARD, status=CardStatus.BLOCKED, since=date(2026, 3, 3), blocked_reason=BlockedReason.LOST
    ),
    Reason.CARD_REPLACED: replace(CARD, status=CardStatus.REPLACED),
    Reason.CARD_EXPIRED: replace(CARD, status=CardStatus.EXPIRED),
    Reason.CARD_NOT_YET_VALID: replace(CARD, valid_from=date(2026, 12, 1)),
}


@pytest.mark.parametrize("service", ServiceCode)
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_fits_a_display_of_24_characters_at_every_service(reason: Reason, service: ServiceCode) -> None:
    seen = replace(facts(service=service, shows_balance=True), card=NOT_ACTIVE.get(reason, CARD))
    for amount_cents in (0, 310, 123_456_789):
        decision = Decision(
            reason,
            Effect.NONE,
            amount_cents,
            amount_cents,
            balance_cents=amount_cents,
            entries_left=amount_cents,
            missing_cents=amount_cents,
        )
        display = say(decision, seen)
        assert 0 < len(display.short) <= DISPLAY_CHARACTERS
        assert display.long.endswith(".")
        assert len(display.long) <= 300


def test_an_empty_pool_wallet_is_named_with_what_to_do() -> None:
    display = say(Decision(Reason.WALLET_EMPTY, balance_cents=0), facts())
    assert display.short == "Compte piscine vide"
    assert "Approvisionnez-le à l’accueil ou à votre mairie" in display.long


def test_a_balance_is_shown_only_where_the_point_may_show_it() -> None:
    paid = Decision(Reason.PAID, Effect.DEBIT, 310, balance_cents=1690)
    assert say(paid, facts(shows_balance=True)).short == "Entrez. Reste 16,90\u00a0€"
    hidden = say(paid, facts(shows_balance=False))
    assert "16,90" not in hidden.short + hidden.long
    refused = Decision(Reason.WALLET_EMPTY, balance_cents=100, missing_cents=210)
    assert "2,10\u00a0€" in say(refused, facts(shows_balance=True)).long
    assert "2,10" not in say(refused, facts(shows_balance=False)).long


def test_a_blocked_card_says_when_it_was_declared_lost_and_what_to_do() -> None:
    seen = replace(facts(), card=NOT_ACTIVE[Reason.CARD_BLOCKED])
    display = say(decide(seen), seen)
    assert display.short == "Carte bloquée"
    assert display.long.startswith("Cette carte a été déclarée perdue le 3 mars 2026. Gardez-la et appelez")


def test_the_card_of_somebody_who_died_says_nothing_of_it() -> None:
    display = say(Decision(Reason.PERSON_DECEASED), facts())
    assert "décéd" not in display.long.lower()

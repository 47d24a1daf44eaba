"""What the readers show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from cvq_core.access.facts import CardFacts, Decision, Effect, Facts, Point, PointKind, Reason
from cvq_core.access.words import DISPLAY_CHARACTERS, SERVICE_WORDS, say
from cvq_core.cards.rules import CardStatus
from cvq_core.services.rules import FundingPolicy, ServiceCode

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
POOL = Point(UUID(int=1), PointKind.TURNSTILE, ServiceCode.POOL, FundingPolicy.REFUSE, price_cents=310)
CARD = CardFacts(UUID(int=9), CardStatus.ACTIVE, date(2026, 1, 1), date(2030, 12, 31))


def facts(**changes: object) -> Facts:
    return Facts(replace(POOL, **changes), NOON, card=CARD, person_known=True)


@pytest.mark.parametrize("service", ServiceCode)
@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("amount_cents", [0, 310, 123_456_789])
def test_every_reason_fits_a_display_of_24_characters_at_every_service(
    reason: Reason, service: ServiceCode, amount_cents: int
) -> None:
    decision = Decision(
        reason, Effect.NONE, amount_cents, amount_cents, balance_cents=amount_cents, entries_left=1_000_000_000
    )
    display = say(decision, facts(service=service, shows_balance=True))
    assert 0 < len(display.short) <= DISPLAY_CHARACTERS
    assert display.long.endswith(".")
    assert len(display.long) <= 300


def test_every_service_has_its_word() -> None:
    assert set(SERVICE_WORDS) == set(ServiceCode)


def test_an_empty_pool_wallet_is_named_with_what_to_do() -> None:
    display = say(Decision(Reason.WALLET_EMPTY, balance_cents=0), facts())
    assert display.short == "Compte piscine vide"
    assert "Approvisionnez-le à l’accueil ou à votre mairie" in display.long


def test_a_balance_is_shown_only_where_the_point_may_show_it() -> None:
    paid = Decision(Reason.PAID, Effect.DEBIT, 310, balance_cents=1690)
    assert say(paid, facts(shows_balance=True)).short == "Entrez. Reste 16,90\u00a0€"
    hidden = say(paid, facts(shows_balance=False))
    assert "16,90" not in hidden.short + hidden.long
    refused = Decision(Reason.WALLET_EMPTY, balance_cents=100)
    assert "2,10\u00a0€" in say(refused, facts(shows_balance=True)).long
    assert "2,10" not in say(refused, facts(shows_balance=False)).long


def test_a_blocked_card_says_when_it_was_declared_lost() -> None:
    sentence = "Cette carte a été déclarée perdue le 3 mars. Gardez-la et appelez votre mairie."
    display = say(Decision(Reason.CARD_BLOCKED), facts(), blocked_message=sentence)
    assert (display.short, display.long) == ("Carte bloquée", sentence)


def test_the_card_of_somebody_who_died_says_nothing_of_it() -> None:
    display = say(Decision(Reason.PERSON_DECEASED), facts())
    assert "décéd" not in display.long.lower()

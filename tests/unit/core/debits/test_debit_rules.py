"""When a mandate lives, when a debit may be made, and what stands on the papers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.debits.collection import is_bank_day
from cvq_core.debits.papers import MandatePaper, mandate_pdf
from cvq_core.debits.rules import (
    Debtable,
    MandateState,
    Obstacle,
    Told,
    bic_of,
    checked_iban,
    earliest_day,
    first_collection_day,
    is_idle,
    mandate_state,
    masked_iban,
    obstacle,
    sorted_out,
    spelled_iban,
)
from cvq_core.debits.tables import DebitCreditor, DebitMandate
from cvq_core.offices.tables import CashOffice
from tests.core_examples import text_of_pdf

IBAN = "FR14 2004 1010 0505 0001 3M02 606"
INVOICE, MANDATE = UUID(int=1), UUID(int=2)
DAY = date(2026, 3, 6)
ITEM = Debtable(
    INVOICE,
    "2026-000001",
    MANDATE,
    due_on=date(2026, 3, 1),
    due_cents=1000,
    signed_on=date(2026, 1, 5),
    told=Told(DAY, 1000),
)


def test_an_iban_is_shown_by_its_ends_and_spelled_for_its_holder_alone() -> None:
    iban = checked_iban(IBAN)
    assert masked_iban(iban) == "FR14 •••• 2606"
    assert spelled_iban(iban) == IBAN
    assert bic_of(iban) == "PSSTFRPP"


def test_a_mandate_lapses_after_three_years_without_a_debit() -> None:
    used = date(2023, 3, 10)
    assert [is_idle(used, day) for day in (date(2026, 3, 10), date(2026, 3, 11), date(2026, 4, 1))] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("signed_on", "revoked_on", "last_used_on", "state"),
    [
        (None, None, None, MandateState.PREPARED),
        (date(2026, 1, 1), None, None, MandateState.SIGNED),
        (date(2020, 1, 1), None, date(2025, 1, 1), MandateState.SIGNED),
        (date(2020, 1, 1), None, date(2022, 1, 1), MandateState.LAPSED),
        (date(2026, 1, 1), date(2026, 2, 1), None, MandateState.REVOKED),
    ],
)
def test_a_mandate_is_prepared_signed_lapsed_or_revoked(
    signed_on: date | None, revoked_on: date | None, last_used_on: date | None, state: MandateState
) -> None:
    assert mandate_state(signed_on=signed_on, revoked_on=revoked_on, last_used_on=last_used_on, on=DAY) is state


def test_two_days_of_the_banks_lie_before_a_debit() -> None:
    assert first_collection_day(date(2026, 3, 3), is_bank_day) == date(2026, 3, 5)
    assert first_collection_day(date(2026, 4, 2), is_bank_day) == date(2026, 4, 8), "over Easter"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"in_act": False}, Obstacle.NOT_IN_ACT),
        ({"signed_on": None}, Obstacle.NOT_SIGNED),
        ({"one_off": True, "last_used_on": date(2026, 2, 1)}, Obstacle.SPENT),
        ({"signed_on": date(2020, 1, 1)}, Obstacle.LAPSED),
        ({"due_on": DAY + timedelta(days=1)}, Obstacle.NOT_DUE),
        ({"told": None}, Obstacle.NOT_TOLD),
        ({"told": Told(DAY - timedelta(days=31), 1000)}, Obstacle.NOT_TOLD),
        ({"told": Told(DAY + timedelta(days=1), 1000)}, Obstacle.TOLD_LATE),
        ({"told": Told(DAY, 999)}, Obstacle.TOLD_LESS),
        ({"told": Told(DAY, 1001)}, None),
    ],
)
def test_each_obstacle_has_its_word(change: dict[str, Any], why: Obstacle | None) -> None:
    assert obstacle(replace(ITEM, **change), DAY) is why


def test_a_mandate_for_one_debit_lets_the_first_invoice_through_alone() -> None:
    second = replace(ITEM, invoice_id=UUID(int=3), one_off=True)
    possible, refused = sorted_out([replace(ITEM, one_off=True), second], DAY)
    assert [item.invoice_id for item in possible] == [INVOICE]
    assert refused == [(second, Obstacle.SPENT)]


@given(
    told_on=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    notice_days=st.integers(1, 60),
    later=st.integers(-30, 60),
)
def test_a_family_is_debited_on_a_day_of_the_banks_and_never_earlier_than_it_was_promised(
    told_on: date, notice_days: int, later: int
) -> None:
    wanted = told_on + timedelta(days=later)
    day = earliest_day(told_on, notice_days, wanted, is_bank_day)
    assert is_bank_day(day)
    assert (day - told_on).days >= notice_days
    assert day >= wanted


@pytest.mark.parametrize("one_off", [False, True])
def test_the_paper_to_sign_says_all_that_the_scheme_demands(one_off: bool) -> None:
    mandate = DebitMandate(
        reference="CVQ-M000042",
        holder="Jeanne Moreau-Lefèvre",
        address="12, rue du Moulin-à-Vent, 79200 Le Tallud",
        iban=checked_iban(IBAN),
        one_off=one_off,
        notice_days=10,
        recorded_at=datetime(2026, 3, 3, tzinfo=UTC),
    )
    office = CashOffice(code="CVQ", label="Régie de Parthenay", address="2, rue de la Citadelle, 79200 Parthenay")
    creditor = DebitCreditor(creditor_number="FR46ZZZ123456", iban="", bic="")
    paper = mandate_pdf(MandatePaper(mandate, creditor, office, "F00001", "Le Tallud"))
    text = text_of_pdf(paper)
    for said in (
        "Mandat de prélèvement SEPA",
        "CVQ-M000042",
        "FR46ZZZ123456",
        "Régie de Parthenay",
        "2, rue de la Citadelle, 79200 Parthenay",
        "Jeanne Moreau-Lefèvre",
        "12, rue du Moulin-à-Vent, 79200 Le Tallud",
        IBAN,
        "vous autorisez Régie de Parthenay à envoyer des instructions à votre banque pour débiter votre compte",
        "8 semaines",
        "Paiement récurrent ou répétitif",
        "Paiement ponctuel",
        "au moins 10 jours avant",
        "trente-six mois",
        "Signé à :",
        "Signature du titulaire du compte",
    ):
        assert said in text, said
    assert paper == mandate_pdf(MandatePaper(mandate, creditor, office, "F00001", "Le Tallud"))

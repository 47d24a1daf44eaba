"""Card numbers, card states, and what is said of a card that does not work."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.cards.rules import (
    TRANSITIONS,
    BadCardNumber,
    BadCardUid,
    BlockedReason,
    CardFacts,
    CardStateRefused,
    CardStatus,
    card_number,
    card_uid,
    check_digit,
    looks_like_card_number,
    next_status,
    printed_number,
    standing,
    standing_date,
)
from cvq_core.cards.store import standing_in_words

NINE_DIGITS = st.text(alphabet="0123456789", min_size=9, max_size=9)
TODAY = date(2026, 3, 20)


def facts(status: CardStatus = CardStatus.ACTIVE, reason: BlockedReason | None = None) -> CardFacts:
    return CardFacts(status, date(2026, 3, 3), date(2020, 1, 1), date(2029, 12, 31), reason)


def test_the_check_digit_is_the_one_of_the_published_example() -> None:
    assert check_digit("572") == "4"


@given(NINE_DIGITS, st.integers(0, 9), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(digits: str, place: int, shift: int) -> None:
    number = digits + check_digit(digits)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(BadCardNumber):
        card_number(wrong)


@given(NINE_DIGITS)
def test_every_swap_of_two_neighbours_is_noticed(digits: str) -> None:
    number = digits + check_digit(digits)
    for place, (left, right) in enumerate(pairwise(number)):
        swapped = number[:place] + right + left + number[place + 2 :]
        assert left == right or not looks_like_card_number(swapped)


@given(NINE_DIGITS)
def test_a_number_is_read_back_as_it_is_printed(digits: str) -> None:
    number = digits + check_digit(digits)
    assert card_number(printed_number(number)) == number


@pytest.mark.parametrize("text", ["", "123", "12345678901", "abcdefghij", "١٢٣٤٥٦٧٨٩٠", "²³²³²³²³²³", "1234 567 89é"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadCardNumber):
        card_number(text)


@pytest.mark.parametrize("text", ["04:a2:2b:1c:5d:6e:80", "04a22b1c5d6e80", " 04 A2 2B 1C 5D 6E 80 "])
def test_a_readers_way_of_writing_a_uid_does_not_matter(text: str) -> None:
    assert card_uid(text) == "04A22B1C5D6E80"


@pytest.mark.parametrize("text", ["", "04A2", "04A22B1C5D6E8", "04A22B1C5D6E8G", "0" * 10_000, "04A22B1C5D6E80é"])
def test_what_is_no_uid_is_refused(text: str) -> None:
    with pytest.raises(BadCardUid):
        card_uid(text)


def test_a_replaced_card_stays_replaced() -> None:
    assert not [act for status, act in TRANSITIONS if status is CardStatus.REPLACED]
    with pytest.raises(CardStateRefused):
        next_status(CardStatus.REPLACED, "unblock")


def test_a_card_that_was_found_works_again_but_an_expired_one_does_not() -> None:
    assert next_status(CardStatus.BLOCKED, "unblock") is CardStatus.ACTIVE
    with pytest.raises(CardStateRefused):
        next_status(CardStatus.EXPIRED, "unblock")


def test_an_active_card_works_from_its_first_to_its_last_day() -> None:
    card = facts()
    assert standing(card, card.valid_from).usable
    assert standing(card, card.valid_until).usable
    assert standing(card, date(2030, 1, 1)).slug == "card-expired"
    assert standing(card, date(2019, 12, 31)).slug == "card-not-yet-valid"


def test_what_somebody_decided_comes_before_the_calendar() -> None:
    assert standing(facts(CardStatus.BLOCKED, BlockedReason.LOST), date(2031, 1, 1)).slug == "card-lost"


def test_a_lost_card_says_since_when_and_whom_to_call() -> None:
    words = standing_in_words(facts(CardStatus.BLOCKED, BlockedReason.LOST), TODAY, phone="05 49 94 03 77")
    assert words.replace("\u00a0", " ") == (
        "Cette carte a été déclarée perdue le 3 mars 2026. Gardez-la et appelez le 05 49 94 03 77 : "
        "on vous dira comment la remettre en service."
    )


def test_without_a_phone_number_it_is_the_town_hall_that_one_calls() -> None:
    assert "appelez votre mairie" in standing_in_words(facts(CardStatus.REPLACED), TODAY)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.BLOCKED, BlockedReason.LOST),
        (CardStatus.BLOCKED, BlockedReason.STOLEN),
        (CardStatus.BLOCKED, BlockedReason.WITHDRAWN),
        (CardStatus.REPLACED, None),
        (CardStatus.EXPIRED, None),
    ],
)
def test_every_card_that_does_not_work_has_its_own_words(status: CardStatus, reason: BlockedReason | None) -> None:
    words = standing_in_words(facts(status, reason), TODAY)
    assert "3 mars 2026" in words
    assert "{" not in words


def test_a_card_that_works_needs_no_words() -> None:
    assert standing_in_words(facts(), TODAY) == ""


def test_an_outdated_card_names_its_last_day() -> None:
    assert standing_date(facts(), date(2031, 5, 5)) == date(2029, 12, 31)

"""Proving and personalising, with virtual cards: genuine, copied, saying yes to all, and pulled away in the middle."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from cvq_booth.virtual.desfire import VirtualDesfire, YesSayer, copied
from cvq_core.card_keys.desfire import BadAnswer, Random, cmac
from cvq_core.card_keys.dialogues import AID, Dialogue, Done, Personal, ToSend, goes_on, personalise, prove, replay
from cvq_core.card_keys.signed import LENGTH

UID = "04782E21801D80"
NUMBER = "4821305779"


class Keys:
    """What the HSM does, for one card, with master keys that a test may know."""

    def __init__(self, uid: str = UID, masters: tuple[bytes, ...] = (b"\0" * 16, b"A" * 16, b"B" * 16)) -> None:
        self._uid, self._masters = uid, masters

    def key(self, key_number: int, version: int) -> bytes:
        if version == 0:
            return bytes(16)
        return cmac(self._masters[version], bytes.fromhex(self._uid) + bytes([key_number]) + b"a card of ours")


def personal(version: int = 1, number: str = NUMBER, accepted: frozenset[int] = frozenset({0, 1})) -> Personal:
    return Personal(bytes.fromhex(UID), number, b"S" * LENGTH, version, accepted)


def carry(
    speak: Callable[[Random], Dialogue[None]], card: VirtualDesfire, *, pulled_after: int | None = None
) -> Done | None:
    """Carry a dialogue to a card as a reader does, over stored transcripts; None when the card is pulled away."""
    drawn: list[bytes] = []
    transcript: list[list[bytes]] = []
    while True:
        found = replay(speak(_drawing(drawn)), transcript)
        if isinstance(found, Done):
            return found
        assert isinstance(found, ToSend)
        answers = []
        for apdu in found.commands:
            if pulled_after is not None and len(card.seen) >= pulled_after:
                card.reset()
                return None
            answers.append(card.answer(apdu))
            if not goes_on(answers[-1]):
                break
        transcript.append(answers)


def _drawing(drawn: list[bytes]) -> Random:
    """Give the random numbers that were drawn before, then new ones."""
    given = iter(list(drawn))

    def random() -> bytes:
        number = next(given, None)
        if number is None:
            number = secrets.token_bytes(16)
            drawn.append(number)
        return number

    return random


def made(version: int = 1) -> VirtualDesfire:
    card = VirtualDesfire(UID)
    assert carry(lambda random: personalise(personal(version), Keys(), random), card)
    return card


def test_a_personalised_card_proves_itself() -> None:
    assert carry(lambda random: prove(Keys(), random, version=1), made())


def test_a_card_without_its_key_is_refused_though_it_has_the_same_identifier() -> None:
    with pytest.raises(BadAnswer):
        carry(lambda random: prove(Keys(), random, version=1), copied(made()))


def test_a_card_that_says_yes_to_everything_is_refused() -> None:
    with pytest.raises(BadAnswer, match="does not know its key"):
        carry(lambda random: prove(Keys(), random, version=1), YesSayer(UID))


def test_a_blank_card_is_refused() -> None:
    with pytest.raises(BadAnswer, match="91 A0"):
        carry(lambda random: prove(Keys(), random, version=1), VirtualDesfire(UID))


def test_another_card_s_key_opens_nothing() -> None:
    with pytest.raises(BadAnswer):
        carry(lambda random: prove(Keys("04FFFFFFFFFFFF"), random, version=1), made())


def test_a_recorded_proof_is_worth_nothing_for_another_challenge() -> None:
    card = made()
    first = replay(prove(Keys(), lambda: b"1" * 16, version=1), [])
    assert isinstance(first, ToSend)
    opening = [card.answer(each) for each in first.commands]
    second = replay(prove(Keys(), lambda: b"1" * 16, version=1), [opening])
    assert isinstance(second, ToSend)
    ending = [card.answer(second.commands[0])]
    assert replay(prove(Keys(), lambda: b"1" * 16, version=1), [opening, ending]) == Done()
    with pytest.raises(BadAnswer):
        replay(prove(Keys(), lambda: b"2" * 16, version=1), [opening, ending])


def test_a_card_pulled_away_after_any_command_is_finished_the_next_time() -> None:
    whole = len(made().seen)
    for pulled_after in range(whole):
        card = VirtualDesfire(UID)
        assert carry(lambda random: personalise(personal(), Keys(), random), card, pulled_after=pulled_after) is None
        assert carry(lambda random: personalise(personal(), Keys(), random), card)
        assert carry(lambda random: prove(Keys(), random, version=1), card)


def test_a_card_gets_the_keys_of_a_new_version_and_loses_the_old_ones() -> None:
    card = made(1)
    assert carry(lambda random: personalise(personal(2), Keys(), random), card)
    assert card.applications[AID].versions == [2, 2]
    assert carry(lambda random: prove(Keys(), random, version=2), card)
    with pytest.raises(BadAnswer):
        carry(lambda random: prove(Keys(), random, version=1), card)


def test_a_blank_that_shows_the_identifier_of_a_card_in_circulation_gets_none_of_its_keys() -> None:
    impostor = VirtualDesfire(UID)
    with pytest.raises(BadAnswer, match="not to be changed"):
        carry(lambda random: personalise(personal(2, accepted=frozenset({1})), Keys(), random), impostor)
    assert impostor.applications[AID].versions == [0, 0]


def test_a_card_with_a_retired_key_is_not_given_a_new_one() -> None:
    card = made(1)
    with pytest.raises(BadAnswer, match="not to be changed"):
        carry(lambda random: personalise(personal(2, accepted=frozenset({0})), Keys(), random), card)


def test_a_roll_over_that_breaks_off_is_finished_the_next_time() -> None:
    card = made(1)
    seen = len(card.seen)
    for pulled_after in range(seen, seen + 20):
        card = made(1)
        if carry(lambda random: personalise(personal(2), Keys(), random), card, pulled_after=pulled_after) is None:
            assert carry(lambda random: personalise(personal(2), Keys(), random), card)
        assert carry(lambda random: prove(Keys(), random, version=2), card)


def test_no_key_and_no_signed_identifier_travels_in_clear_to_a_card_whose_master_key_is_ours() -> None:
    card = made()
    air = b"".join(card.seen)
    for key_number in (0, 1):
        assert Keys().key(key_number, 1) not in air
    assert NUMBER.encode() not in air


def test_a_card_with_another_chip_than_the_reader_saw_is_not_written() -> None:
    with pytest.raises(BadAnswer, match="identifier"):
        carry(lambda random: personalise(personal(), Keys(), random), VirtualDesfire("04000000000001"))


def test_what_is_free_to_read_is_the_signed_identifier_alone() -> None:
    card = made()
    select = bytes.fromhex("905A000003") + AID + b"\0"
    assert card.answer(select) == b"\x91\x00"
    assert card.answer(bytes.fromhex("90AD000007010000006B000000"))[:-2] == b"S" * LENGTH
    assert card.answer(bytes.fromhex("90AD000007020000000A000000")) == b"\x91\xae"


def test_more_answers_than_commands_are_refused() -> None:
    with pytest.raises(BadAnswer, match="more or fewer"):
        replay(prove(Keys(), lambda: bytes(16), version=1), [[b"\x91\x00"] * 3])
    with pytest.raises(BadAnswer, match="more or fewer"):
        replay(prove(Keys(), lambda: bytes(16), version=1), [[]])

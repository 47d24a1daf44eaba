"""What the card reader makes of the facts that its threads report, with time handed in."""

from datetime import UTC, datetime

import pytest

from cvq_booth.devices.cards import (
    READ_TIMEOUT_S,
    SETTLE_S,
    CardTable,
    CardUnreadable,
    ReaderBack,
    ReaderMissing,
    _Absent,
    _Present,
    _Read,
    _Reader,
    choose_reader,
)
from cvq_core.devices.pcsc import Unreadable, uid_of
from cvq_desk.wire import CardGone, CardSeen

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
JEANNE = "04A1B2C3D4E5F6"
PAUL = "0499887766"


def table_with_reader() -> CardTable:
    table = CardTable(clock=lambda: NOON)
    table.learn(_Reader("Reader"), 0)
    return table


def table_with_card() -> CardTable:
    table = table_with_reader()
    table.learn(_Present(1), 0)
    table.learn(_Read(1, JEANNE), 0)
    return table


def test_the_first_event_says_whether_there_is_a_reader() -> None:
    assert CardTable(clock=lambda: NOON).learn(_Reader(None), 0) == [ReaderMissing(NOON)]
    assert CardTable(clock=lambda: NOON).learn(_Reader("Reader"), 0) == [ReaderBack(NOON)]


def test_a_reader_that_stays_missing_is_told_once() -> None:
    table = CardTable(clock=lambda: NOON)
    table.learn(_Reader(None), 0)
    assert table.learn(_Reader(None), 1) == []


def test_a_card_is_seen_once_it_was_read() -> None:
    table = table_with_reader()
    assert table.learn(_Present(1), 0) == []
    assert table.learn(_Read(1, JEANNE), 0.1) == [CardSeen(uid=JEANNE, at=NOON)]


def test_a_card_that_was_lifted_is_gone_after_it_stayed_away() -> None:
    table = table_with_card()
    assert table.learn(_Absent(), 5) == []
    assert table.due() == 5 + SETTLE_S
    assert table.tick(5 + SETTLE_S) == [CardGone(at=NOON)]
    assert table.due() is None


def test_a_trembling_card_is_one_card() -> None:
    table = table_with_card()
    for turn in range(2, 6):
        assert table.learn(_Absent(), turn) == []
        assert table.learn(_Present(turn), turn + 0.1) == []
        assert table.learn(_Read(turn, JEANNE), turn + 0.2) == []
        assert table.tick(turn + SETTLE_S) == []


def test_repeated_lifting_does_not_put_off_its_end() -> None:
    table = table_with_card()
    table.learn(_Absent(), 5)
    table.learn(_Absent(), 5 + SETTLE_S / 2)
    assert table.tick(5 + SETTLE_S) == [CardGone(at=NOON)]


def test_a_swapped_card_is_gone_before_the_other_is_seen() -> None:
    table = table_with_card()
    table.learn(_Absent(), 5)
    table.learn(_Present(2), 5.1)
    assert table.learn(_Read(2, PAUL), 5.2) == [CardGone(at=NOON), CardSeen(uid=PAUL, at=NOON)]
    assert table.tick(99) == []


def test_the_answer_of_a_card_that_left_is_not_taken_for_the_next() -> None:
    table = table_with_reader()
    table.learn(_Present(1), 0)
    table.learn(_Absent(), 0.1)
    table.learn(_Present(2), 0.2)
    assert table.learn(_Read(1, JEANNE), 0.3) == []
    assert table.learn(_Read(2, PAUL), 0.4) == [CardSeen(uid=PAUL, at=NOON)]


def test_a_card_lifted_before_it_was_read_never_was_there() -> None:
    table = table_with_reader()
    table.learn(_Present(1), 0)
    assert table.learn(_Absent(), 0.1) == []
    assert table.learn(_Read(1, None, "removed"), 0.2) == []
    assert table.due() is None


def test_a_card_that_does_not_answer_is_unreadable_but_may_answer_later() -> None:
    table = table_with_reader()
    table.learn(_Present(1), 10)
    assert table.due() == 10 + READ_TIMEOUT_S
    [unreadable] = table.tick(10 + READ_TIMEOUT_S)
    assert isinstance(unreadable, CardUnreadable)
    assert table.unreadable
    assert table.learn(_Read(1, JEANNE), 20) == [CardGone(at=NOON), CardSeen(uid=JEANNE, at=NOON)]
    assert not table.unreadable


def test_an_unreadable_card_is_told_once_and_gone_at_once() -> None:
    table = table_with_reader()
    table.learn(_Present(1), 0)
    assert table.learn(_Read(1, None, "6A81"), 0.3) == [CardUnreadable(NOON, "6A81")]
    assert table.learn(_Read(1, None, "6A81"), 0.4) == []
    assert table.learn(_Absent(), 1) == [CardGone(at=NOON)]
    assert not table.unreadable


def test_a_reader_that_goes_takes_the_card_with_it() -> None:
    table = table_with_card()
    assert table.learn(_Reader(None), 3) == [CardGone(at=NOON), ReaderMissing(NOON)]
    assert table.learn(_Read(1, JEANNE), 4) == []
    assert table.learn(_Reader("Reader"), 5) == [ReaderBack(NOON)]


@pytest.mark.parametrize("uid", ["04A1B2C3", "04A1B2C3D4E5F6", "04A1B2C3D4E5F6A7B8C9"])
def test_an_identifier_of_four_seven_or_ten_bytes_is_read_in_upper_case(uid: str) -> None:
    assert uid_of(bytes.fromhex(uid) + b"\x90\x00") == uid


@pytest.mark.parametrize(
    "answer", [b"", b"\x90", b"\x90\x00", b"\x6a\x81", b"\x01\x02\x03\x90\x00", bytes(11) + b"\x90\x00", bytes(300)]
)
def test_an_answer_without_an_identifier_is_unreadable(answer: bytes) -> None:
    with pytest.raises(Unreadable):
        uid_of(answer)


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        ([], None, None),
        (["A 00 00"], None, "A 00 00"),
        (["ACS ACR1281 ICC 00 00", "ACS ACR1281 PICC 00 01", "ACS ACR1281 SAM 00 02"], None, "ACS ACR1281 PICC 00 01"),
        (["ACS ACR1281 SAM 00 02"], None, None),
        (["HID OMNIKEY 5422 00 00", "HID OMNIKEY 5422 CL 00 01"], None, "HID OMNIKEY 5422 CL 00 01"),
        (["A 00 00", "B 00 00"], "B", "B 00 00"),
        (["AB", "A"], "A", "A"),
        (["A 00 00"], "C", None),
    ],
)
def test_the_contactless_face_of_a_reader_is_chosen_unless_one_is_named(
    names: list[str], wanted: str | None, chosen: str | None
) -> None:
    assert choose_reader(names, wanted) == chosen

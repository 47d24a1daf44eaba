"""When a town hall has room: noon, holidays, the days on which clocks change, and who was there first."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest

from cvq_core.clock import PARIS, local
from cvq_core.public_holidays import public_holidays
from cvq_desk.booking.rules import (
    BadSlot,
    Calendar,
    DailySpan,
    OutsideOpening,
    SlotPast,
    SlotTaken,
    Span,
    check_slot,
    free_slots,
    on_grid,
)

WEEK = tuple(
    DailySpan(weekday, opens, closes)
    for weekday in range(5)
    for opens, closes in ((time(9), time(12)), (time(14), time(17)))
)
TUESDAY = date(2026, 3, 3)


def paris(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=PARIS).astimezone(UTC)


def span(day: date, hour: int, minute: int = 0, minutes: int = 30) -> Span:
    begin = paris(day, hour, minute)
    return Span(begin, begin + timedelta(minutes=minutes))


def hours(slots: list[Span]) -> list[str]:
    return [f"{local(slot.starts_at):%H:%M}" for slot in slots]


def test_a_morning_is_cut_into_slots_that_end_before_the_town_hall_closes_at_noon() -> None:
    slots = free_slots(Calendar(WEEK), [], minutes=45, now=paris(TUESDAY, 8), days=1)
    assert hours(slots) == ["09:00", "09:45", "10:30", "11:15", "14:00", "14:45", "15:30", "16:15"]
    assert all(local(slot.ends_at).time() <= time(12) for slot in slots[:4])


def test_an_hour_that_would_run_over_noon_is_not_offered() -> None:
    slots = free_slots(Calendar(WEEK), [span(TUESDAY, 9, 0, 130)], minutes=60, now=paris(TUESDAY, 8), days=1)
    assert hours(slots) == ["14:00", "15:00", "16:00"]


def test_what_is_past_is_not_offered_and_the_next_slot_begins_at_a_quarter() -> None:
    slots = free_slots(Calendar(WEEK), [], minutes=30, now=paris(TUESDAY, 10, 31), days=1)
    assert hours(slots)[:2] == ["10:45", "11:15"]


def test_a_slot_never_touches_a_booked_one() -> None:
    booked = [span(TUESDAY, 9, 30, 45), span(TUESDAY, 11, 0, 30)]
    slots = free_slots(Calendar(WEEK), booked, minutes=30, now=paris(TUESDAY, 8), days=1)
    assert hours(slots)[:4] == ["09:00", "10:15", "11:30", "14:00"]
    assert not any(slot.overlaps(taken) for slot in slots for taken in booked)


def test_slots_do_not_overlap_each_other() -> None:
    slots = free_slots(Calendar(WEEK), [], minutes=50, now=paris(TUESDAY, 8), days=10)
    assert all(one.ends_at <= other.starts_at for one, other in itertools.pairwise(slots))


def test_nobody_is_received_on_a_public_holiday_a_closure_or_a_sunday() -> None:
    easter_monday, ascension = date(2026, 4, 6), date(2026, 5, 14)
    assert public_holidays(2026)[easter_monday] == "Lundi de Pâques"
    assert public_holidays(2026)[ascension] == "Ascension"
    calendar = Calendar(WEEK, frozenset(public_holidays(2026)) | {date(2026, 4, 7)})
    slots = free_slots(calendar, [], minutes=30, now=paris(date(2026, 4, 4), 8), days=5)
    assert {local(slot.starts_at).date() for slot in slots} == {date(2026, 4, 8)}


@pytest.mark.parametrize(
    ("day", "offset_hours"),
    [(date(2026, 3, 27), 1), (date(2026, 3, 30), 2), (date(2026, 10, 23), 2), (date(2026, 10, 26), 1)],
    ids=["friday before summer", "monday in summer", "friday before winter", "monday in winter"],
)
def test_nine_o_clock_stays_nine_o_clock_when_the_clocks_change(day: date, offset_hours: int) -> None:
    first = free_slots(Calendar(WEEK), [], minutes=30, now=paris(day, 6), days=1)[0]
    assert first.starts_at == datetime(day.year, day.month, day.day, 9 - offset_hours, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours_open"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)], ids=["spring", "autumn"]
)
def test_a_day_on_which_clocks_change_is_an_hour_shorter_or_longer(day: date, hours_open: int) -> None:
    night = DailySpan(6, time(0), time(23, 59))
    (only,) = Calendar((night,)).on(day)
    assert only.ends_at - only.starts_at == timedelta(hours=hours_open) - timedelta(minutes=1)
    slots = free_slots(Calendar((night,)), [], minutes=60, now=paris(day - timedelta(days=1), 12), days=2)
    assert len(slots) == hours_open - 1
    assert len({slot.starts_at for slot in slots}) == len(slots)


def test_a_town_hall_that_never_opens_has_no_slots_and_no_next_opening() -> None:
    assert free_slots(Calendar(()), [], minutes=30, now=paris(TUESDAY, 8), days=60) == []
    assert Calendar(()).next_opening(paris(TUESDAY, 8)) is None


def test_it_opens_next_after_the_holiday_and_the_week_end() -> None:
    calendar = Calendar(WEEK, frozenset(public_holidays(2026)))
    good_friday_evening = paris(date(2026, 4, 3), 18)
    assert calendar.next_opening(good_friday_evening) == paris(date(2026, 4, 7), 9)
    assert calendar.next_opening(paris(TUESDAY, 12, 30)) == paris(TUESDAY, 14)


def test_it_is_closed_from_the_very_minute_of_closing() -> None:
    calendar = Calendar(WEEK)
    assert calendar.open_at(paris(TUESDAY, 11, 59)) is not None
    assert calendar.open_at(paris(TUESDAY, 12)) is None
    assert calendar.open_at(paris(TUESDAY, 14)) is not None


def test_the_grid_is_a_quarter_of_an_hour() -> None:
    assert on_grid(paris(TUESDAY, 9)) == paris(TUESDAY, 9)
    assert on_grid(paris(TUESDAY, 9) + timedelta(microseconds=1)) == paris(TUESDAY, 9, 15)


def test_a_slot_that_can_be_had_passes() -> None:
    check_slot(Calendar(WEEK), [span(TUESDAY, 10)], span(TUESDAY, 10, 30), paris(TUESDAY, 8))


@pytest.mark.parametrize(
    ("slot", "refusal"),
    [
        (span(TUESDAY, 10, 15), SlotTaken),
        (span(TUESDAY, 11, 45), OutsideOpening),
        (span(TUESDAY, 13), OutsideOpening),
        (span(date(2026, 3, 7), 10), OutsideOpening),
        (span(TUESDAY, 9), SlotPast),
        (span(TUESDAY, 11, 7), BadSlot),
        (span(date(2026, 6, 2), 9), BadSlot),
    ],
    ids=["taken", "over noon", "at lunch", "saturday", "past", "off the grid", "in three months"],
)
def test_a_slot_that_cannot_be_had_is_refused_for_its_reason(slot: Span, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        check_slot(Calendar(WEEK), [span(TUESDAY, 10)], slot, paris(TUESDAY, 9, 5))

"""Slots on ordinary days and on those when clocks change, halls over midnight, and what cancelling gives back."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.clock import local
from cvq_core.facilities.refusals import BadTerms, FacilityShut, MayNotReserve, NotASlot, NotOpenThen, SlotPast
from cvq_core.facilities.rules import (
    GRAIN,
    Shut,
    Span,
    check_span,
    civil_span,
    day_slots,
    given_back,
    grains,
    offer_ends,
    quantity,
    rule_for,
    slots,
    windows,
)
from cvq_core.facilities.terms import BookerKind, BookerRule, Opening, Terms, check_terms, kept_terms, read_terms
from cvq_core.public_holidays import public_holidays
from cvq_core.services.rules import PriceUnit

EVERY_DAY = 0b1111111
RULE = BookerRule(BookerKind.INHABITANT)
COURT = Terms((Opening(EVERY_DAY, time(8), time(22)),), (RULE,), slot_minutes=40)
HALL = Terms((Opening(EVERY_DAY, time(8), time(4)),), (RULE,), minutes_max=40 * 60)
NIGHT = Terms((Opening(EVERY_DAY, time(0), time(6)),), (RULE,), slot_minutes=60)
TUESDAY = date(2026, 3, 3)
FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)
LONG_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_court_of_forty_minutes_has_twenty_one_slots_from_eight_to_ten() -> None:
    found = slots(COURT, TUESDAY, ())
    assert len(found) == 21
    assert [f"{local(each.starts_at):%H:%M}" for each in found[:3]] == ["08:00", "08:40", "09:20"]
    assert f"{local(found[-1].ends_at):%H:%M}" == "22:00"


@pytest.mark.parametrize(("day", "hours"), [(TUESDAY, 6), (FORWARD, 5), (BACK, 7)])
def test_a_night_has_as_many_slots_as_it_has_hours_when_clocks_change(day: date, hours: int) -> None:
    found = slots(NIGHT, day, ())
    assert len(found) == hours
    assert all(later.starts_at == earlier.ends_at for earlier, later in itertools.pairwise(found))
    for span in found:
        check_span(NIGHT, span, holidays=(), shut=(), now=LONG_BEFORE)


def test_an_hour_that_the_clocks_skip_opens_when_they_go_on() -> None:
    early = Terms((Opening(EVERY_DAY, time(2, 30), time(5)),), (RULE,), slot_minutes=30)
    first = slots(early, FORWARD, ())[0]
    assert f"{local(first.starts_at):%H:%M}" == "03:30"


def test_hours_hold_on_their_weekdays_and_in_their_season_also_over_the_turn_of_the_year() -> None:
    weekend = Opening(0b1100000, time(9), time(12))
    summer = Opening(EVERY_DAY, time(18), time(22), "05-01", "09-30")
    winter = Opening(EVERY_DAY, time(18), time(20), "10-01", "04-30")
    terms = Terms((weekend, summer, winter), (RULE,))
    assert len(windows(terms, date(2026, 7, 4), ())) == 2
    assert [f"{local(each.ends_at):%H}" for each in windows(terms, date(2026, 7, 7), ())] == ["22"]
    assert [f"{local(each.ends_at):%H}" for each in windows(terms, date(2027, 1, 5), ())] == ["20"]


def test_public_holidays_close_where_the_terms_say_so() -> None:
    first_of_may = date(2026, 5, 1)
    assert slots(COURT, first_of_may, public_holidays(2026)) == []
    assert len(slots(replace(COURT, closed_on_holidays=False), first_of_may, public_holidays(2026))) == 21


def test_a_day_shows_what_is_taken_what_is_closed_and_what_is_over() -> None:
    all_of_them = slots(COURT, TUESDAY, ())
    closure = Shut(Span(all_of_them[5].starts_at, all_of_them[6].ends_at), "Travaux")
    shown = day_slots(COURT, TUESDAY, holidays=(), shut=[closure], taken=[all_of_them[3]], now=all_of_them[1].starts_at)
    assert [each.free for each in shown[:8]] == [False, False, True, False, True, False, False, True]
    assert {each.shut for each in shown} == {"", "Travaux"}


def test_a_hall_is_rented_past_midnight_and_through_joined_hours_but_not_through_closed_ones() -> None:
    saturday = date(2026, 6, 20)
    check_span(HALL, civil_span(saturday, time(14), time(3)), holidays=(), shut=(), now=LONG_BEFORE)
    check_span(HALL, civil_span(saturday, time(1), time(4)), holidays=(), shut=(), now=LONG_BEFORE)
    two_days = civil_span(saturday, time(14), time(18), last_day=saturday + timedelta(days=1))
    with pytest.raises(NotOpenThen):
        check_span(HALL, two_days, holidays=(), shut=(), now=LONG_BEFORE)
    always = replace(HALL, openings=(Opening(EVERY_DAY, time(0), time(0)),))
    check_span(always, two_days, holidays=(), shut=(), now=LONG_BEFORE)


def test_what_has_begun_is_off_the_grid_or_in_a_closure_is_refused_with_its_reason() -> None:
    span = slots(COURT, TUESDAY, ())[0]
    with pytest.raises(SlotPast):
        check_span(COURT, span, holidays=(), shut=(), now=span.starts_at)
    with pytest.raises(NotASlot):
        check_span(COURT, Span(span.starts_at + GRAIN, span.ends_at + GRAIN), holidays=(), shut=(), now=LONG_BEFORE)
    with pytest.raises(FacilityShut) as refused:
        check_span(COURT, span, holidays=(), shut=[Shut(span, "Travaux")], now=LONG_BEFORE)
    assert refused.value.facts == {"reason": "Travaux"}


def test_of_the_rules_the_first_that_fits_decides() -> None:
    subscriber = BookerRule(BookerKind.SUBSCRIBER, price_item=None)
    terms = replace(COURT, rules=(subscriber, RULE))
    assert rule_for(terms, {BookerKind.INHABITANT, BookerKind.SUBSCRIBER}) is subscriber
    with pytest.raises(MayNotReserve):
        rule_for(terms, {BookerKind.OUTSIDER})


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31), TUESDAY])
def test_a_day_beyond_the_calendar_and_an_hour_with_a_zone_of_its_own_are_no_time(day: date) -> None:
    elsewhere = timezone(timedelta(hours=1)) if day == TUESDAY else None
    for begins, ends in ((time(8, tzinfo=elsewhere), time(10)), (time(8), time(4, tzinfo=elsewhere))):
        with pytest.raises(NotASlot):
            civil_span(day, begins, ends)


def test_hours_are_paid_by_the_clock_on_the_wall_and_days_as_they_begin() -> None:
    party = civil_span(date(2026, 10, 24), time(20), time(4))
    assert party.ends_at - party.starts_at == timedelta(hours=9), "the night is an hour longer"
    assert quantity(HALL, PriceUnit.HOUR, party) == 8
    assert quantity(HALL, PriceUnit.HOUR, civil_span(TUESDAY, time(9), time(10, 30))) == Fraction(3, 2)
    assert quantity(HALL, PriceUnit.PERIOD, party) == 1
    weekend = civil_span(TUESDAY, time(9), time(18), last_day=TUESDAY + timedelta(days=1))
    assert quantity(HALL, PriceUnit.PERIOD, weekend) == 2
    assert quantity(COURT, PriceUnit.PERIOD, slots(COURT, TUESDAY, ())[0]) == 1
    twice = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert quantity(HALL, PriceUnit.HOUR, Span(twice, twice + timedelta(minutes=45))) == Fraction(3, 4)


def test_all_comes_back_in_time_or_when_the_house_cancels_and_a_share_of_the_price_later() -> None:
    rule = replace(RULE, cancel_hours=24, late_refund_percent=50)
    span = civil_span(TUESDAY, time(8), time(9))
    in_time = span.starts_at - timedelta(hours=24)
    late = in_time + timedelta(seconds=1)
    money = {"price_cents": 701, "deposit_cents": 5000}

    def back(now: datetime, *, by_house: bool = False) -> tuple[int, int]:
        found = given_back(rule, span, now=now, by_house=by_house, **money)
        return found.price_cents, found.deposit_cents

    assert back(in_time) == (701, 5000)
    assert back(late) == (350, 5000)
    assert back(late, by_house=True) == (701, 5000)


def test_an_offer_lasts_its_hours_and_never_beyond_the_beginning() -> None:
    span = civil_span(TUESDAY, time(8), time(9))
    early, late = span.starts_at - timedelta(days=2), span.starts_at - timedelta(hours=1)
    assert offer_ends(COURT, span, early) == early + timedelta(hours=4)
    assert offer_ends(COURT, span, late) == span.starts_at


@given(st.integers(0, 200_000), st.integers(1, 600), st.integers(0, 200_000), st.integers(1, 600))
def test_two_times_share_a_grain_exactly_when_they_meet(a: int, a_length: int, b: int, b_length: int) -> None:
    first = Span(LONG_BEFORE + a * GRAIN, LONG_BEFORE + (a + a_length) * GRAIN)
    second = Span(LONG_BEFORE + b * GRAIN, LONG_BEFORE + (b + b_length) * GRAIN)
    assert bool(set(grains(first)) & set(grains(second))) is first.meets(second)


@given(st.dates(date(2025, 1, 1), date(2030, 12, 31)), st.integers(1, 36))
def test_slots_of_a_day_never_meet_and_lie_within_its_hours(day: date, fives: int) -> None:
    terms = replace(NIGHT, slot_minutes=5 * fives)
    found = slots(terms, day, ())
    [window] = windows(terms, day, ())
    assert all(window.holds(span) for span in found)
    assert not any(one.meets(other) for one, other in itertools.pairwise(found))


WRONG = [
    ({"openings": ()}, "openings"),
    ({"openings": (Opening(0, time(8), time(9)),)}, "openings"),
    ({"openings": (Opening(EVERY_DAY, time(8, 3), time(9)),)}, "openings"),
    ({"openings": (Opening(EVERY_DAY, time(8), time(9), "05-01"),)}, "openings"),
    ({"openings": (Opening(EVERY_DAY, time(8), time(9), "5-1", "6-1"),)}, "openings"),
    ({"rules": ()}, "rules"),
    ({"rules": (RULE, RULE)}, "rules"),
    ({"rules": (replace(RULE, deposit_cents=-1),)}, "rules"),
    ({"rules": (replace(RULE, late_refund_percent=101),)}, "rules"),
    ({"rules": (replace(RULE, price_item="../x"),)}, "rules"),
    ({"slot_minutes": 7}, "slot_minutes"),
    ({"minutes_min": 120, "minutes_max": 60}, "minutes_min"),
    ({"minutes_before": 500}, "minutes_before"),
    ({"offer_hours": 0}, "offer_hours"),
    ({"reminder_hours": 500}, "reminder_hours"),
    ({"how_to_enter": "x" * 301}, "how_to_enter"),
]


@pytest.mark.parametrize(("wrong", "name"), WRONG)
def test_settings_that_cannot_be_are_refused_by_name(wrong: dict[str, Any], name: str) -> None:
    with pytest.raises(BadTerms) as refused:
        check_terms(replace(COURT, **wrong))
    assert list(refused.value.facts["fields"]) == [name]


def test_settings_are_kept_and_read_back_as_they_were() -> None:
    summer = Opening(EVERY_DAY, time(18), time(22), "05-01", "09-30")
    terms = replace(COURT, openings=(summer,), rules=(replace(RULE, price_item="slot", deposit_cents=100),))
    assert read_terms(kept_terms(check_terms(terms))) == terms

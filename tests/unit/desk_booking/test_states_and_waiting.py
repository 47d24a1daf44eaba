"""What may become of an appointment, and how long somebody waits who comes now."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from cvq_desk.booking.rules import (
    MEANS,
    TRANSITIONS,
    AppointmentEvent,
    AppointmentState,
    AppointmentStatus,
    Calendar,
    DailySpan,
    NotToday,
    VisitIsOn,
    Waiting,
    may,
    next_status,
    now_choice,
)

S, E = AppointmentStatus, AppointmentEvent
NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)  # ten o'clock in Paris, a Tuesday
OPEN = Calendar((DailySpan(1, time(9), time(12)),))


def test_somebody_is_expected_arrives_sits_down_and_is_served() -> None:
    status = S.EXPECTED
    for event in (E.ARRIVE, E.SEAT, E.SERVE):
        status = next_status(status, event)
    assert status is S.SERVED


def test_somebody_may_sit_down_without_having_been_noted_as_arrived() -> None:
    assert next_status(S.EXPECTED, E.SEAT) is S.SEATED


def test_a_key_pressed_by_mistake_is_taken_back() -> None:
    assert next_status(S.ARRIVED, E.EXPECT) is S.EXPECTED
    assert next_status(S.SEATED, E.ARRIVE) is S.ARRIVED
    assert next_status(S.ABSENT, E.EXPECT) is S.EXPECTED


def test_somebody_noted_as_absent_may_come_late() -> None:
    assert next_status(S.ABSENT, E.ARRIVE) is S.ARRIVED


@pytest.mark.parametrize("event", list(E))
def test_the_same_key_twice_is_once(event: AppointmentEvent) -> None:
    assert next_status(MEANS[event], event, visit_is_on=True) is MEANS[event]


@pytest.mark.parametrize("status", [S.SERVED, S.CANCELLED])
@pytest.mark.parametrize("event", [E.EXPECT, E.ARRIVE, E.SEAT, E.MARK_ABSENT])
def test_what_is_over_stays_over(status: AppointmentStatus, event: AppointmentEvent) -> None:
    with pytest.raises(AppointmentState):
        next_status(status, event)
    assert not may(status, event)


@pytest.mark.parametrize("event", [E.EXPECT, E.ARRIVE, E.MARK_ABSENT, E.CANCEL])
def test_while_somebody_is_served_no_key_takes_them_away(event: AppointmentEvent) -> None:
    with pytest.raises(VisitIsOn):
        next_status(S.SEATED, event, visit_is_on=True)
    assert not may(S.SEATED, event, visit_is_on=True)
    assert next_status(S.SEATED, E.SERVE, visit_is_on=True) is S.SERVED


@pytest.mark.parametrize("event", [E.ARRIVE, E.SEAT])
def test_nobody_arrives_on_another_day(event: AppointmentEvent) -> None:
    with pytest.raises(NotToday):
        next_status(S.EXPECTED, event, is_today=False)


def test_an_appointment_of_another_day_can_be_cancelled_or_noted_as_missed() -> None:
    assert next_status(S.EXPECTED, E.CANCEL, is_today=False) is S.CANCELLED
    assert next_status(S.EXPECTED, E.MARK_ABSENT, is_today=False) is S.ABSENT


def test_every_change_leads_where_its_event_says() -> None:
    assert all(after is MEANS[event] for (_, event), after in TRANSITIONS.items())


def test_nobody_before_one_means_no_wait() -> None:
    choice = now_choice(OPEN, [], 30, NOW)
    assert (choice.possible, choice.wait_minutes, choice.waiting_count, choice.closes_first) == (True, 0, 0, False)


def test_one_waits_for_the_visit_that_is_on_and_for_those_who_came_first() -> None:
    before = [
        Waiting(S.SEATED, NOW - timedelta(minutes=20), 30, seated_at=NOW - timedelta(minutes=18)),
        Waiting(S.ARRIVED, NOW - timedelta(minutes=5), 15, walk_in=True),
    ]
    choice = now_choice(OPEN, before, 30, NOW)
    assert choice.wait_minutes == 30  # twelve minutes left, fifteen after them, told in steps of five
    assert choice.waiting_count == 1


def test_a_visit_that_lasts_too_long_is_taken_to_end_soon() -> None:
    before = [Waiting(S.SEATED, NOW - timedelta(hours=2), 30, seated_at=NOW - timedelta(hours=2))]
    assert now_choice(OPEN, before, 30, NOW).wait_minutes == 5


def test_whoever_has_an_hour_keeps_it() -> None:
    at_quarter_past = Waiting(S.EXPECTED, NOW + timedelta(minutes=15), 30)
    choice = now_choice(OPEN, [at_quarter_past], 30, NOW)
    assert choice.wait_minutes == 45
    assert now_choice(OPEN, [at_quarter_past], 15, NOW).wait_minutes == 0


def test_those_who_are_absent_served_or_late_without_sign_make_nobody_wait() -> None:
    late = Waiting(S.EXPECTED, NOW - timedelta(minutes=40), 30)
    gone = Waiting(S.ABSENT, NOW, 30)
    assert now_choice(OPEN, [late, gone], 30, NOW).wait_minutes == 0


def test_one_is_warned_that_the_town_hall_may_close_first() -> None:
    at_twenty_to_noon = NOW + timedelta(hours=1, minutes=40)
    choice = now_choice(OPEN, [], 30, at_twenty_to_noon)
    assert choice.possible
    assert choice.closes_first
    assert choice.closes_at == NOW + timedelta(hours=2)


@pytest.mark.parametrize("minutes_before_noon", [9, 0, -30])
def test_nobody_is_let_in_when_it_is_closed_or_about_to_close(minutes_before_noon: int) -> None:
    choice = now_choice(OPEN, [], 30, NOW + timedelta(hours=2) - timedelta(minutes=minutes_before_noon))
    assert not choice.possible
    assert choice.reopens_at == NOW - timedelta(hours=1) + timedelta(days=7)
